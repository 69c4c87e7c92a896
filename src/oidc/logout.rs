//! Logout tokens: a provider says that somebody has left (OpenID Connect Back-Channel Logout 1.0).

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{Error, Provider, TokenFault};
use crate::domain::claims::ProviderSession;
use crate::domain::person::Subject;

/// Who has left. At least one of subject and session is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// The person: the provider's own `sub`, whatever claim they are known by.
    pub subject: Option<Subject>,
    /// The session at the provider.
    pub session: Option<ProviderSession>,
    /// What tells this token from every other: the SHA-256 of its `jti`, in base64url. It is good once.
    pub id: String,
}

impl Provider {
    /// Verifies a logout token. Whether it was used before is for the caller to know.
    ///
    /// # Errors
    ///
    /// When any of it does not hold.
    pub async fn logout_token(&self, _token: &SecretString, _now: DateTime<Utc>) -> Result<LogoutToken, Error> {
        self.metadata().await?;
        Err(Error::LogoutToken(TokenFault::Malformed("no logout token is read yet")))
    }
}
