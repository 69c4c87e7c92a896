//! The broker as a relying party of a university's OpenID provider.
//!
//! The `openidconnect` crate does the protocol; this module adds what it leaves to its caller (`verify`), pins what it
//! would take from the provider (algorithms), and gives it an HTTP client that goes nowhere else (`http`). No error of
//! this module holds a code, a token or a provider's answer.

mod error;
mod http;
mod login;
mod logout;
mod probe;
mod step_up;
mod verify;

use std::fmt;
use std::time::Duration;

use openidconnect::core::CoreJwsSigningAlgorithm;
use secrecy::SecretString;
use tokio::sync::Mutex;

pub use error::{Error, TokenFault};
pub use login::{AuthorizationRequest, Callback, Login};
pub use logout::LogoutToken;
pub use probe::{Offer, Probe};
pub use step_up::StepUp;
pub use verify::LEEWAY as CLOCK_LEEWAY;

use crate::domain::claims::GroupClaim;
use crate::domain::id::ConnectionName;
use crate::domain::person::Issuer;

/// How long a provider's metadata and keys are used before they are fetched again (panva/jose: 10 minutes).
const METADATA_TTL: Duration = Duration::from_mins(10);

/// A signing algorithm that an operator may allow. All are asymmetric: with a symmetric one, our own client secret
/// could sign a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// RSA, PSS, SHA-256.
    Ps256,
    /// ECDSA, P-256.
    Es256,
    /// ECDSA, P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];
}

impl fmt::Display for Algorithm {
    /// Its name in RFC 7518 or RFC 8037.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        })
    }
}

impl From<Algorithm> for CoreJwsSigningAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::RsaSsaPkcs1V15Sha256,
            Algorithm::Ps256 => Self::RsaSsaPssSha256,
            Algorithm::Es256 => Self::EcdsaP256Sha256,
            Algorithm::Es384 => Self::EcdsaP384Sha384,
            Algorithm::EdDsa => Self::EdDsa,
        }
    }
}

/// How the broker shows its client secret at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// One provider, as the operator registered it.
#[derive(Clone)]
pub struct Settings {
    /// What mappings call it.
    pub name: ConnectionName,
    /// What people read on the sign-in page.
    pub title: String,
    /// Its `iss`, exactly.
    pub issuer: Issuer,
    /// The broker's client id there.
    pub client_id: String,
    /// The broker's client secret there.
    pub client_secret: SecretString,
    /// How the secret is shown.
    pub client_authentication: ClientAuthentication,
    /// The scopes to ask for beside `openid`.
    pub scopes: Vec<String>,
    /// Where the groups are.
    pub group_claim: GroupClaim,
    /// What an ID token may be signed with, whatever the provider's metadata says.
    pub algorithms: Vec<Algorithm>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A provider, with what was last learned of it.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    http: http::GuardedClient,
    learned: Mutex<Option<login::Learned>>,
}

impl Provider {
    /// Prepares for a provider. Nothing is fetched yet: a broker starts while its provider is away.
    ///
    /// # Errors
    ///
    /// When the TLS roots of this machine cannot be used.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let http = http::GuardedClient::new(settings.issuer.as_str()).map_err(Error::Unreachable)?;
        Ok(Self { settings, http, learned: Mutex::new(None) })
    }

    /// The registration.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
