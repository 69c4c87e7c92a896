//! The sessions kept on this machine: one per broker, and which broker is the default.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ambient::Clock;

use super::broker_url::BrokerUrl;
use super::failure::Failure;
use super::home::{Homes, Lock, Reserved};
use crate::wire::TokenResponse;

const DEFAULT_BROKER_FILE: &str = "default-broker";

/// How long another helper may hold a session's lock before it is passed over. Renewing takes less than a second, or
/// fails after as long as this.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// As much as a session takes, in bytes, and more.
const ROOM: usize = 4096;

/// How often a lock that another holds is tried.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// An access token with less time than this is renewed first: it must not expire on its way.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// A session at one broker. `Debug` does not show the tokens.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The broker's origin: a file copied under another broker's name is no session there.
    pub(crate) broker: String,
    /// Opens the broker until it expires or the session ends.
    pub(crate) access_token: Zeroizing<String>,
    /// Whose session it is, as the broker says. Without it, as in sessions of the release before, nothing is cached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<String>,
    /// When the session ends by itself.
    pub(crate) expires_at: DateTime<Utc>,
    /// Where it is revoked.
    pub(crate) revocation_endpoint: String,
    /// How the access token is renewed. Without it, as in sessions of brokers before this release, it is good as long as
    /// the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renewal: Option<Renewal>,
}

/// What gets the next access token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Renewal {
    /// Good once. Nothing stands here in the file of a helper that keeps it in the keyring.
    pub(crate) refresh_token: Zeroizing<String>,
    /// Where it is traded.
    pub(crate) token_endpoint: String,
    /// When the access token expires.
    pub(crate) access_expires_at: DateTime<Utc>,
}

impl Session {
    /// What gets the session's next tokens. The broker is the session's own.
    pub(crate) fn refresh_token(&self, broker: &BrokerUrl) -> Result<Zeroizing<String>, Failure> {
        match &self.renewal {
            None => Err(Failure::NotSignedIn { broker: broker.to_string() }),
            Some(renewal) if renewal.refresh_token.is_empty() => fetch(broker),
            Some(renewal) => Ok(renewal.refresh_token.clone()),
        }
    }

    /// What revokes the session: the token that lives longest, as far as it can be had.
    pub(crate) fn revoking_token(&self, broker: &BrokerUrl) -> Zeroizing<String> {
        self.refresh_token(broker).unwrap_or_else(|_| self.access_token.clone())
    }
}

/// Reads and writes the sessions.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    home: Homes,
    clock: Clock,
}

impl Sessions {
    pub(crate) fn new(home: Homes, clock: Clock) -> Self {
        Self { home, clock }
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
        let damaged = || Failure::DamagedSession { broker: broker.to_string(), path: self.home.first().path(&name) };
        let session: Session = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let token_endpoint = session.renewal.as_ref().map(|renewal| &renewal.token_endpoint);
        let endpoints = [Some(&session.revocation_endpoint), token_endpoint];
        let is_own = endpoints.into_iter().flatten().all(|endpoint| broker.own(endpoint).is_some());
        if session.broker != broker.as_str() || !is_own {
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

    /// The session that these tokens are of, as of now.
    pub(crate) fn session(
        &self,
        broker: &BrokerUrl,
        person: Option<String>,
        tokens: TokenResponse,
        token_endpoint: &str,
        revocation_endpoint: &str,
    ) -> Session {
        let from_now = |seconds: u32| self.clock.now() + TimeDelta::seconds(seconds.into());
        let access_expires_at = from_now(tokens.expires_in);
        Session {
            broker: broker.to_string(),
            access_token: tokens.access_token,
            person,
            expires_at: tokens.refresh_token_expires_in.map_or(access_expires_at, from_now),
            revocation_endpoint: revocation_endpoint.to_owned(),
            renewal: tokens.refresh_token.map(|refresh_token| Renewal {
                refresh_token,
                token_endpoint: token_endpoint.to_owned(),
                access_expires_at,
            }),
        }
    }

    /// Whether the session's access token is to be renewed before it is used.
    pub(crate) fn is_due(&self, session: &Session) -> bool {
        session.renewal.as_ref().is_some_and(|renewal| renewal.access_expires_at - MARGIN <= self.clock.now())
    }

    /// Whether the session's access token has not expired.
    pub(crate) fn is_good(&self, session: &Session) -> bool {
        session.renewal.as_ref().is_none_or(|renewal| renewal.access_expires_at > self.clock.now())
    }

    /// Waits until no other helper works on the session with this broker. `None` when `is_moot`, which is asked before
    /// each try, or when it has taken longer than `patience`.
    pub(crate) fn lock(
        &self,
        broker: &BrokerUrl,
        patience: Duration,
        is_moot: impl Fn() -> Result<bool, Failure>,
    ) -> Result<Option<Lock>, Failure> {
        let until = Instant::now() + patience;
        while !is_moot()? {
            match self.home.try_lock(&format!("{}.lock", broker.file_name()))? {
                None if Instant::now() < until => thread::sleep(LOCK_INTERVAL),
                lock => return Ok(lock),
            }
        }
        Ok(None)
    }

    /// Keeps a session, and makes its broker the default.
    pub(crate) fn keep(&self, broker: &BrokerUrl, session: &Session) -> Result<(), Failure> {
        let _lock = self.lock(broker, LOCK_PATIENCE, || Ok(false))?;
        self.replace(broker, session)?;
        self.home.write(DEFAULT_BROKER_FILE, broker.as_str().as_bytes())
    }

    /// Writes a session over the one that was there.
    pub(crate) fn replace(&self, broker: &BrokerUrl, session: &Session) -> Result<(), Failure> {
        self.room(broker)?.write(&self.bytes(broker, session)?)
    }

    /// Takes the room that a session needs, before there is one.
    pub(crate) fn room(&self, broker: &BrokerUrl) -> Result<Reserved, Failure> {
        self.home.reserve(&broker.file_name(), ROOM)
    }

    /// A session as it is kept.
    pub(crate) fn bytes(&self, broker: &BrokerUrl, session: &Session) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut session = session.clone();
        if let Some(renewal) = session.renewal.as_mut().filter(|renewal| put_away(broker, &renewal.refresh_token)) {
            renewal.refresh_token = Zeroizing::default();
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
        serde_json::to_writer_pretty(&mut *bytes, &session).map_err(|error| Failure::File {
            action: "write",
            path: self.home.first().path(&broker.file_name()),
            source: error.into(),
        })?;
        Ok(bytes)
    }

    /// Deletes the session with this broker, whatever is in it.
    pub(crate) fn delete(&self, broker: &BrokerUrl) -> Result<(), Failure> {
        forget(broker);
        self.home.delete(&broker.file_name())
    }
}

/// Puts a refresh token into the keyring; says whether it is there. Where it is not, it stays in the file.
#[cfg(feature = "keyring")]
fn put_away(broker: &BrokerUrl, token: &str) -> bool {
    let put = super::keyring::put(broker, token);
    put.inspect_err(|failure| tracing::warn!("{failure}")).is_ok()
}

#[cfg(not(feature = "keyring"))]
fn put_away(_: &BrokerUrl, _: &str) -> bool {
    false
}

/// A refresh token that was put away.
#[cfg(feature = "keyring")]
fn fetch(broker: &BrokerUrl) -> Result<Zeroizing<String>, Failure> {
    let not_signed_in = || Failure::NotSignedIn { broker: broker.to_string() };
    super::keyring::get(broker).map_err(Failure::Keyring)?.ok_or_else(not_signed_in)
}

#[cfg(not(feature = "keyring"))]
fn fetch(broker: &BrokerUrl) -> Result<Zeroizing<String>, Failure> {
    Err(Failure::NotSignedIn { broker: broker.to_string() })
}

#[cfg(feature = "keyring")]
fn forget(broker: &BrokerUrl) {
    if let Err(failure) = super::keyring::delete(broker) {
        tracing::debug!(%failure, "left in the keyring");
    }
}

#[cfg(not(feature = "keyring"))]
fn forget(_: &BrokerUrl) {}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").field("access_expires_at", &self.access_expires_at).finish_non_exhaustive()
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

    use super::super::home::{Closed, Home};
    use crate::ambient::{ManualClock, Random};

    use super::*;

    fn sessions() -> (tempfile::TempDir, Sessions, ManualClock) {
        let parent = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let directory =
            |name| Home::new(parent.path().join(name), Closed::ToWriters, Clock::Manual(clock.clone()), Random::System);
        let homes = Homes::new(directory("lodge"), Some(directory("spare")));
        let sessions = Sessions::new(homes, Clock::Manual(clock.clone()));
        (parent, sessions, clock)
    }

    fn broker(text: &str) -> BrokerUrl {
        text.parse().unwrap()
    }

    fn session(broker: &BrokerUrl, clock: &ManualClock) -> Session {
        Session {
            broker: broker.to_string(),
            access_token: String::from("canary-token").into(),
            person: Some("p-0123456789abcdef".to_owned()),
            expires_at: Clock::Manual(clock.clone()).now() + TimeDelta::hours(12),
            revocation_endpoint: broker.at("/oauth/revoke"),
            renewal: Some(Renewal {
                refresh_token: String::from("canary-refresh").into(),
                token_endpoint: broker.at("/oauth/token"),
                access_expires_at: Clock::Manual(clock.clone()).now() + TimeDelta::minutes(15),
            }),
        }
    }

    /// As the release before wrote it.
    #[test]
    fn a_session_without_a_refresh_token_is_good_until_it_ends() {
        let (_parent, sessions, clock) = sessions();
        let broker = broker("https://one.example.edu");
        let expires_at = Clock::Manual(clock.clone()).now() + TimeDelta::hours(12);
        let text = serde_json::json!({
            "broker": broker.as_str(),
            "access_token": "canary-token",
            "expires_at": expires_at,
            "revocation_endpoint": broker.at("/oauth/revoke"),
        });
        sessions.home.write(&broker.file_name(), text.to_string().as_bytes()).unwrap();

        clock.advance(TimeDelta::hours(12) - TimeDelta::seconds(1));
        let session = sessions.live(&broker).unwrap();

        assert!(sessions.is_good(&session) && !sessions.is_due(&session));
        assert_eq!(session.revoking_token(&broker).as_str(), "canary-token");
    }

    #[test]
    fn an_access_token_is_renewed_a_minute_before_it_expires() {
        let (_parent, sessions, clock) = sessions();
        let session = session(&broker("https://one.example.edu"), &clock);

        clock.advance(TimeDelta::minutes(14) - TimeDelta::seconds(1));
        assert!(!sessions.is_due(&session));
        clock.advance(TimeDelta::seconds(1));
        assert!(sessions.is_due(&session) && sessions.is_good(&session));
        clock.advance(TimeDelta::minutes(1));
        assert!(!sessions.is_good(&session));
    }

    #[test]
    fn a_lock_is_had_by_one_and_waited_for_in_vain_no_longer_than_that() {
        let (_parent, sessions, _) = sessions();
        let broker = broker("https://one.example.edu");
        let try_it = |patience, moot| sessions.lock(&broker, patience, || Ok(moot)).unwrap();

        let held = try_it(Duration::ZERO, false);
        assert!(held.is_some());
        let begun = Instant::now();
        assert!(try_it(Duration::from_millis(50), false).is_none());
        assert!(begun.elapsed() >= Duration::from_millis(50));
        assert!(try_it(Duration::from_hours(1), true).is_none(), "nobody waits for what is done");
        drop(held);
        assert!(try_it(Duration::ZERO, false).is_some());
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

        let mut elsewhere = session(&one, &clock);
        elsewhere.renewal.as_mut().unwrap().token_endpoint = two.at("/oauth/token");
        sessions.keep(&one, &elsewhere).unwrap();
        assert!(matches!(sessions.live(&one), Err(Failure::DamagedSession { .. })));
    }

    /// As a helper wrote it that was built with the keyring, on a machine that has none now.
    #[test]
    fn a_refresh_token_that_was_put_away_and_is_not_there_takes_a_sign_in() {
        let (_parent, sessions, clock) = sessions();
        let broker = broker("https://one.example.edu");
        let mut session = session(&broker, &clock);
        session.renewal.as_mut().unwrap().refresh_token = Zeroizing::default();
        sessions.keep(&broker, &session).unwrap();

        let stored = sessions.live(&broker).unwrap();

        assert!(sessions.is_good(&stored), "its access token is as good as it was");
        assert!(stored.refresh_token(&broker).is_err());
        assert_eq!(stored.revoking_token(&broker).as_str(), "canary-token");
    }

    #[test]
    fn debug_does_not_show_the_tokens() {
        let (_parent, _, clock) = sessions();

        let session = session(&broker("https://one.example.edu"), &clock);

        assert!(!format!("{session:?} {:?}", session.renewal).contains("canary"));
    }
}
