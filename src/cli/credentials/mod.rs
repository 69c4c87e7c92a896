//! Credentials for a role: whoever needs some asks here.
//!
//! AWS tools start a helper for each of their processes, often hundreds at once. So what the broker gave is kept
//! ([`cache`]), and of all the processes that miss it at the same moment one asks ([`single_flight`]).

pub(super) mod cache;
mod dead;
mod single_flight;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use super::Helper;
use super::broker_url::BrokerUrl;
use super::failure::Failure;
use super::session::Sessions;
use super::signed_in::SignedIn;
use crate::domain::id::RoleAddress;
use crate::wire::CredentialsResponse;

pub(crate) use cache::Cache;
use cache::Key;
pub(crate) use dead::forget_dead;
use single_flight::{Flight, Turn};

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
///
/// Those that are kept on this machine are handed out as long as they are good. When they are not, one process asks the
/// broker while all others on this machine that want the same wait for what it is told.
pub(crate) fn get(
    helper: &Helper,
    role: &RoleAddress,
    least: TimeDelta,
    warn: &mut dyn FnMut(&str),
) -> Result<Credentials, Failure> {
    let want = Want::of(helper, role, least)?;
    match want.kept()? {
        Some(kept) => Ok(kept),
        None => want.together(warn),
    }
}

/// The same, but the broker is asked whatever is kept here.
pub(crate) fn get_new(helper: &Helper, role: &RoleAddress, warn: &mut dyn FnMut(&str)) -> Result<Credentials, Failure> {
    Want::of(helper, role, LEAST)?.asked(warn)
}

/// What somebody wants, and where it may be.
struct Want<'a> {
    helper: &'a Helper,
    role: &'a RoleAddress,
    least: TimeDelta,
    broker: BrokerUrl,
    sessions: Sessions,
    /// None for a session of which it is not known whose it is, or where there is no home.
    place: Option<(Cache, Key)>,
}

impl<'a> Want<'a> {
    fn of(helper: &'a Helper, role: &'a RoleAddress, least: TimeDelta) -> Result<Self, Failure> {
        let sessions = helper.sessions()?;
        let broker = helper.broker(&sessions)?.ok_or(Failure::NoBrokerKnown)?;
        let session = sessions.live(&broker)?;
        let key = session.person.map(|person| Key { broker: broker.to_string(), person, role: role.clone() });
        Ok(Self { helper, role, least, broker, sessions, place: Cache::of(helper).zip(key) })
    }

    /// What is kept and has enough time left.
    fn kept(&self) -> Result<Option<Credentials>, Failure> {
        let Some((cache, key)) = &self.place else { return Ok(None) };
        match cache.get(key, self.least) {
            Err(failure @ Failure::File { .. }) => {
                tracing::debug!(%failure, "asked for instead");
                Ok(None)
            }
            kept => kept,
        }
    }

    /// Asks the broker, or waits for another process that does.
    fn together(&self, warn: &mut dyn FnMut(&str)) -> Result<Credentials, Failure> {
        let Some(flight) = self.place.as_ref().and_then(|(_, key)| Flight::of(self.helper, key)) else {
            return self.asked(warn);
        };
        match flight.join(|| self.kept())? {
            Turn::Landed(credentials) => Ok(credentials),
            Turn::Failed { exit, says } => Err(Failure::Shared { exit, says }),
            Turn::Ours(pilot) => self.asked(warn).inspect_err(|failure| pilot.failed(failure)),
            Turn::HeldUp { pid, waited } => {
                Err(Failure::HeldUp { broker: self.broker.to_string(), pid, seconds: waited.as_secs() })
            }
        }
    }

    /// Asks the broker, and keeps what it gives.
    fn asked(&self, warn: &mut dyn FnMut(&str)) -> Result<Credentials, Failure> {
        let person = SignedIn::at(self.broker.clone(), self.sessions.clone())?;
        let answer = person
            .ask(|client, token| client.credentials(token, self.role))
            .map_err(|failure| failure.about(self.role))?;
        let credentials = Credentials::of(answer).ok_or_else(|| Failure::NotABroker {
            broker: self.broker.to_string(),
            what: "its credentials are incomplete".to_owned(),
        })?;
        if let Err(failure) = self.keep(&credentials) {
            warn(&format!("lodge: warning: these credentials are not kept, so each call asks the broker: {failure}"));
        }
        Ok(credentials)
    }

    fn keep(&self, credentials: &Credentials) -> Result<(), Failure> {
        let Some((cache, key)) = &self.place else { return Ok(()) };
        // Who has signed out meanwhile wants nothing left behind.
        let is_still_theirs =
            self.sessions.live(&self.broker).is_ok_and(|now| now.person.as_ref() == Some(&key.person));
        if is_still_theirs { cache.put(key, credentials) } else { Ok(()) }
    }
}
