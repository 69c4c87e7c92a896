//! The broker as a relying party of a university's OpenID provider.
//!
//! A provider's answer is a stranger's text until it is proved otherwise. So this module reads it itself, strictly, and
//! leaves to `openidconnect` what that crate is good at: the arithmetic of signatures. (The crate's own reading was
//! measured: it lets `azp`, `nbf` and `iat` pass, allows what the provider says may be allowed, and refuses a whole
//! sign-in for one odd claim that nobody asked for.) No error of this module holds a code, a token or a provider's text.
//!
//! | what is checked | after | where |
//! |---|---|---|
//! | where the broker goes: https, origins, addresses, size, time, no redirects | – | `http`, `http::address`, `http::names` |
//! | the metadata's issuer, its endpoints and their origins | Discovery 1.0, sections 3 and 4.3 | `metadata` |
//! | how long metadata and keys are believed, and how often they are fetched | – | `cache` |
//! | keys: kind, use, strength, which one | RFC 7517; RFC 7518, sections 3.3 and 6 | `keys` |
//! | JSON: one meaning, bounded depth | RFC 8259, section 4; RFC 8725, section 2.6 | `json` |
//! | a token's form, kind and algorithm, its signature | RFC 7515; RFC 8725, sections 3.1 to 3.11 | `jws` |
//! | `iss`, `aud`, `azp`, `exp`, `nbf`, `iat`, `nonce`, `sub` | Core 1.0, section 3.1.3.7 | `claims` |
//! | `auth_time` and `acr`, `amr`, `acrs` of a step-up | Core 1.0, section 3.1.2.1; RFC 8176; REFEDS MFA | `claims` |
//! | `tid` (Entra ID), `idp` (CILogon) | – | `claims` |
//! | `iss` beside the code, before anything is sent | RFC 9207, section 2.4 | `complete` |
//! | the token endpoint's answer | RFC 6749, section 5; Core 1.0, section 3.1.3.3 | `exchange` |
//! | the userinfo answer: the same subject, and its signature when it has one | Core 1.0, section 5.3 | `user_info` |
//! | the groups' shape | – | `crate::domain::claims` |
//! | a logout token | Back-Channel Logout 1.0, section 2.6 | `logout` |
//!
//! State, the browser it belongs to, and the one redirect URI of each connection are `crate::app`'s.

mod authorize;
mod cache;
mod claims;
mod complete;
mod error;
mod exchange;
mod http;
mod json;
mod jws;
mod keys;
mod logout;
mod metadata;
mod probe;
mod settings;
mod step_up;
mod user_info;

use ::http::StatusCode;
use url::Url;

use cache::{Cache, Learned, Source};
use keys::KeySet;
use metadata::Metadata;

pub use authorize::AuthorizationRequest;
pub use claims::LEEWAY as CLOCK_LEEWAY;
pub use complete::{Callback, Login};
pub use error::{Error, TokenFault};
pub use http::{Error as HttpError, InsecureOrigin, Origin, Reach, is_internal};
pub use logout::LogoutToken;
pub use probe::{Offer, Probe};
pub use settings::{Algorithm, ClientAuthentication, MfaRequest, MfaRule, Settings, SubjectClaim};
pub use step_up::StepUp;

/// A provider, with what was last learned of it.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    http: http::GuardedClient,
    cache: Cache,
}

impl Provider {
    /// Prepares for a provider. Nothing is fetched yet: a broker starts while its provider is away.
    ///
    /// # Errors
    ///
    /// When the issuer is no web address, or the TLS roots of this machine cannot be used.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let issuer =
            Url::parse(settings.issuer.as_str()).map_err(|_| Error::Metadata("the issuer is no web address"))?;
        let own = [&issuer, &metadata::address(&settings)?];
        let http = http::GuardedClient::new(&own, &settings.reach).map_err(Error::Unreachable)?;
        Ok(Self { settings, http, cache: Cache::default() })
    }

    /// The registration.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn learned(&self) -> Result<Learned, Error> {
        self.cache.learned(self).await
    }

    async fn renewed(&self, seen: &Learned) -> Result<Option<Learned>, Error> {
        self.cache.renewed(self, seen).await
    }

    /// A document of the provider's.
    async fn document(&self, url: &Url) -> Result<::http::Response<Vec<u8>>, Error> {
        let answer = self.http.get(url).await.map_err(Error::Unreachable)?;
        if answer.status() == StatusCode::OK { Ok(answer) } else { Err(Error::Metadata("the answer is not 200")) }
    }
}

impl Source for Provider {
    async fn metadata(&self) -> Result<Metadata, Error> {
        let answer = self.document(&metadata::address(&self.settings)?).await?;
        Metadata::read(&metadata::members(&self.settings, answer.body())?, &self.http)
    }

    /// A set without a usable key is no better than none: the provider is in the middle of something.
    async fn keys(&self, metadata: &Metadata) -> Result<KeySet, Error> {
        let answer = self.document(&metadata.jwks_uri).await?;
        let keys = KeySet::read(answer.body()).map_err(Error::Metadata)?;
        if keys.len() == 0 { Err(Error::Metadata("it publishes no key for signatures")) } else { Ok(keys) }
    }
}
