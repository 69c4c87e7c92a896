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
mod settings;
mod step_up;
mod verify;

use std::time::Duration;

use tokio::sync::Mutex;

pub use error::{Error, TokenFault};
pub use http::{InsecureOrigin, Origin, Reach};
pub use login::{AuthorizationRequest, Callback, Login};
pub use logout::LogoutToken;
pub use probe::{Offer, Probe};
pub use settings::{Algorithm, ClientAuthentication, MfaRequest, MfaRule, Settings, SubjectClaim};
pub use step_up::StepUp;
pub use verify::LEEWAY as CLOCK_LEEWAY;

/// How long a provider's metadata and keys are used before they are fetched again (panva/jose: 10 minutes).
const METADATA_TTL: Duration = Duration::from_mins(10);

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
