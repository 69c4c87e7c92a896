//! The sessions kept on this machine: one per broker, and which broker is the default.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ambient::{Clock, Random};

use super::broker_url::BrokerUrl;
use super::failure::Failure;
use super::home::Home;

const DEFAULT_BROKER_FILE: &str = "default-broker";

/// A session at one broker. `Debug` does not show the token.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    /// The broker's origin: a file copied under another broker's name is no session there.
    pub(crate) broker: String,
    /// Opens the broker until it expires or is revoked.
    pub(crate) access_token: Zeroizing<String>,
    /// When it expires.
    pub(crate) expires_at: DateTime<Utc>,
    /// Where it is revoked.
    pub(crate) revocation_endpoint: String,
}

/// Reads and writes the sessions.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    home: Home,
    clock: Clock,
}

impl Sessions {
    pub(crate) fn new(directory: PathBuf, clock: Clock, random: Random) -> Self {
        Self { home: Home::new(directory, clock.clone(), random), clock }
    }

    /// The broker that was signed in to last.
    pub(crate) fn default_broker(&self) -> Result<Option<BrokerUrl>, Failure> {
        let Some(bytes) = self.home.read(DEFAULT_BROKER_FILE)? else { return Ok(None) };
        Ok(std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()))
    }

    /// The session with this broker, as it is stored: it may have expired.
    pub(crate) fn stored(&self, broker: &BrokerUrl) -> Result<Session, Failure> {
        let name = broker.file_name();
        let not_signed_in = || Failure::NotSignedIn { broker: broker.to_string() };
        let bytes = self.home.read(&name)?.ok_or_else(not_signed_in)?;
        let damaged = || Failure::DamagedSession { broker: broker.to_string(), path: self.home.path(&name) };
        let session: Session = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        if session.broker != broker.as_str() || broker.own(&session.revocation_endpoint).is_none() {
            return Err(damaged());
        }
        Ok(session)
    }

    /// The session with this broker, when it still lives.
    pub(crate) fn live(&self, broker: &BrokerUrl) -> Result<Session, Failure> {
        let session = self.stored(broker)?;
        if session.expires_at <= self.clock.now() {
            return Err(Failure::NotSignedIn { broker: broker.to_string() });
        }
        Ok(session)
    }

    /// Keeps a session, and makes its broker the default.
    pub(crate) fn keep(&self, broker: &BrokerUrl, session: &Session) -> Result<(), Failure> {
        let name = broker.file_name();
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer_pretty(&mut *bytes, session).map_err(|error| Failure::File {
            action: "write",
            path: self.home.path(&name),
            source: error.into(),
        })?;
        self.home.write(&name, &bytes)?;
        self.home.write(DEFAULT_BROKER_FILE, broker.as_str().as_bytes())
    }

    /// Deletes the session with this broker, whatever is in it.
    pub(crate) fn delete(&self, broker: &BrokerUrl) -> Result<(), Failure> {
        self.home.delete(&broker.file_name())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("broker", &self.broker)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use crate::ambient::ManualClock;

    use super::*;

    fn sessions() -> (tempfile::TempDir, Sessions, ManualClock) {
        let parent = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let sessions = Sessions::new(parent.path().join("lodge"), Clock::Manual(clock.clone()), Random::System);
        (parent, sessions, clock)
    }

    fn broker(text: &str) -> BrokerUrl {
        text.parse().unwrap()
    }

    fn session(broker: &BrokerUrl, clock: &ManualClock) -> Session {
        Session {
            broker: broker.to_string(),
            access_token: String::from("canary-token").into(),
            expires_at: Clock::Manual(clock.clone()).now() + TimeDelta::hours(12),
            revocation_endpoint: broker.at("/oauth/revoke"),
        }
    }

    #[test]
    fn each_broker_has_its_own_session_and_the_last_one_is_the_default() {
        let (_parent, sessions, clock) = sessions();
        let (one, two) = (broker("https://one.example.edu"), broker("https://two.example.edu"));

        assert_eq!(sessions.default_broker().unwrap(), None);
        sessions.keep(&one, &session(&one, &clock)).unwrap();
        sessions.keep(&two, &session(&two, &clock)).unwrap();
        sessions.delete(&two).unwrap();

        assert_eq!(sessions.default_broker().unwrap(), Some(two.clone()));
        assert_eq!(sessions.live(&one).unwrap().access_token.as_str(), "canary-token");
        assert!(matches!(sessions.live(&two), Err(Failure::NotSignedIn { .. })));
    }

    #[test]
    fn an_expired_session_is_no_session() {
        let (_parent, sessions, clock) = sessions();
        let broker = broker("https://one.example.edu");
        sessions.keep(&broker, &session(&broker, &clock)).unwrap();

        clock.advance(TimeDelta::hours(12) - TimeDelta::seconds(1));
        assert!(sessions.live(&broker).is_ok());
        clock.advance(TimeDelta::seconds(1));

        let said = sessions.live(&broker).unwrap_err().to_string();
        assert_eq!(said, "not signed in to https://one.example.edu; run: lodge login https://one.example.edu");
        assert!(sessions.stored(&broker).is_ok());
    }

    #[test]
    fn a_damaged_or_misplaced_session_is_no_session() {
        let (_parent, sessions, clock) = sessions();
        let (one, two) = (broker("https://one.example.edu"), broker("https://two.example.edu"));

        sessions.home.write(&one.file_name(), b"{\"broker\":").unwrap();
        assert!(matches!(sessions.live(&one), Err(Failure::DamagedSession { .. })));

        sessions.keep(&one, &session(&two, &clock)).unwrap();
        assert!(matches!(sessions.live(&one), Err(Failure::DamagedSession { .. })));

        let elsewhere = Session { revocation_endpoint: two.at("/oauth/revoke"), ..session(&one, &clock) };
        sessions.keep(&one, &elsewhere).unwrap();
        assert!(matches!(sessions.live(&one), Err(Failure::DamagedSession { .. })));
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let (_parent, _, clock) = sessions();

        assert!(!format!("{:?}", session(&broker("https://one.example.edu"), &clock)).contains("canary"));
    }
}
