//! Credentials for a role: whoever needs some asks here.

use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use super::Helper;
use super::failure::Failure;
use crate::domain::id::RoleAddress;
use crate::wire::CredentialsResponse;

/// What is handed to AWS tools has this much time left: botocore gets new credentials in the last fifteen minutes, so
/// that any with less would be asked for again at each call.
pub(crate) const LEAST: TimeDelta = TimeDelta::minutes(16);

/// AWS credentials of one session. `Debug` does not show them.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Zeroizing<String>,
    pub(crate) session_token: Zeroizing<String>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) account_id: String,
}

impl Credentials {
    /// What the broker answered; `None` when something in it is missing or is no time.
    fn of(answer: CredentialsResponse) -> Option<Self> {
        let CredentialsResponse { access_key_id, secret_access_key, session_token, expiration, account_id, .. } =
            answer;
        let expires_at = DateTime::parse_from_rfc3339(&expiration).ok()?.to_utc();
        let complete = [access_key_id.as_str(), &secret_access_key, &session_token, &account_id];
        complete.iter().all(|text| !text.is_empty()).then_some(Self {
            access_key_id,
            secret_access_key,
            session_token,
            expires_at,
            account_id,
        })
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Credentials for a role with at least `least` left, as far as the broker gives such. Warnings are lines for a person.
pub(crate) fn get(
    helper: &Helper,
    role: &RoleAddress,
    least: TimeDelta,
    warn: &mut dyn FnMut(&str),
) -> Result<Credentials, Failure> {
    let _ = (least, warn);
    let person = helper.signed_in()?;
    let answer = person.ask(|client, token| client.credentials(token, role)).map_err(|failure| failure.about(role))?;
    Credentials::of(answer).ok_or_else(|| Failure::NotABroker {
        broker: person.broker().to_string(),
        what: "its credentials are incomplete".to_owned(),
    })
}
