//! Sessions: a browser's and a helper's. Each is an opaque token that is looked up at every use, so ending one works at
//! once.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::keys::{self, Purpose};
use super::{Broker, Error, Result};
use crate::domain::id::{BrowserSessionId, CliSessionId, ParseError, PersonId, SignInId};
use crate::store::{BrowserOrigin, OwnBrowserSession, OwnCliSession, Session, Tx};

/// How often it is written down that a browser's session is used.
const SEEN_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Which session somebody shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerSession {
    /// A browser's.
    Browser(BrowserSessionId),
    /// A helper's.
    Helper(CliSessionId),
}

impl CallerSession {
    /// Its id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Browser(id) => id.as_str(),
            Self::Helper(id) => id.as_str(),
        }
    }
}

impl FromStr for CallerSession {
    type Err = ParseError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        if text.starts_with(BrowserSessionId::PREFIX) {
            text.parse().map(Self::Browser)
        } else {
            text.parse().map(Self::Helper)
        }
    }
}

/// A live session, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSession {
    /// Which.
    pub session: CallerSession,
    /// What has it.
    pub kind: OwnSessionKind,
    /// The address it was opened from, where that was seen.
    pub address: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was used last: a browser's to the minute, a helper's to the last trade of its tokens.
    pub seen_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// What has a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnSessionKind {
    /// A browser, by what it calls itself.
    Browser {
        /// In short.
        agent: Option<String>,
    },
    /// A helper, by its own word for where it is.
    Helper {
        /// The machine.
        host: String,
        /// The account there.
        account: Option<String>,
    },
}

impl From<OwnBrowserSession> for OwnSession {
    fn from(own: OwnBrowserSession) -> Self {
        Self {
            session: CallerSession::Browser(own.id),
            kind: OwnSessionKind::Browser { agent: own.agent },
            address: own.address,
            created_at: own.created_at,
            seen_at: own.seen_at,
            expires_at: own.expires_at,
            is_this: false,
        }
    }
}

impl From<OwnCliSession> for OwnSession {
    fn from(own: OwnCliSession) -> Self {
        Self {
            session: CallerSession::Helper(own.id),
            kind: OwnSessionKind::Helper { host: own.host, account: own.account },
            address: own.address,
            created_at: own.created_at,
            seen_at: own.seen_at.unwrap_or(own.created_at),
            expires_at: own.expires_at,
            is_this: false,
        }
    }
}

/// Somebody who had a live session a moment ago. What must not happen once it has ended asks again, in the transaction
/// that does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub person: PersonId,
    /// By which session.
    pub session: CallerSession,
    /// The sign-in that the session stands on.
    pub sign_in: SignInId,
    /// When the session ends by itself.
    pub session_expires_at: DateTime<Utc>,
}

/// A session that was just opened.
#[derive(Debug)]
pub struct NewSession {
    /// Shown once, here.
    pub token: SecretString,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

impl Broker {
    /// Who this browser is.
    ///
    /// # Errors
    ///
    /// [`Error::SignInNeeded`] when the token is nobody's, or its session has ended.
    pub async fn browser_caller(&self, token: &SecretString) -> Result<Caller> {
        let now = self.clock.now();
        let found = {
            let mut tx = self.store.read().await?;
            tx.browser_session(&keys::hash(token.expose_secret()), now, self.idle_since(now)).await?
        };
        let (session, seen_at) = found.ok_or(Error::SignInNeeded)?;
        if now - seen_at >= SEEN_INTERVAL {
            let mut tx = self.store.write().await?;
            tx.see_browser_session(&session.id, now).await?;
            tx.commit().await?;
        }
        caller(Some(session), CallerSession::Browser)
    }

    /// Who this helper is.
    ///
    /// # Errors
    ///
    /// [`Error::SignInNeeded`] when the token is nobody's, or its session has ended.
    pub async fn helper_caller(&self, token: &SecretString) -> Result<Caller> {
        let mut tx = self.store.read().await?;
        let session = tx.cli_session(&keys::hash(token.expose_secret()), self.clock.now()).await?;
        caller(session, CallerSession::Helper)
    }

    /// Ends a browser's session. Ending one that has ended changes nothing.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn end_browser_session(&self, token: &SecretString) -> Result<()> {
        let mut tx = self.store.write().await?;
        tx.end_browser_session(&keys::hash(token.expose_secret()), self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    /// What the forms on this browser's pages carry: only a page of ours can know it.
    #[must_use]
    pub fn form_token(&self, session_token: &SecretString) -> SecretString {
        self.keys.derive(Purpose::Form, &keys::hash(session_token.expose_secret()))
    }

    /// Whether a form came from a page of ours in this very session.
    #[must_use]
    pub fn is_form_token(&self, session_token: &SecretString, given: &str) -> bool {
        keys::same(self.form_token(session_token).expose_secret(), given)
    }

    /// Every live session of the caller's person, the newest first, browsers before helpers.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn own_sessions(&self, caller: &Caller) -> Result<Vec<OwnSession>> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let browsers = tx.browser_sessions_of(&caller.person, now, self.idle_since(now)).await?;
        let helpers = tx.cli_sessions_of(&caller.person, now).await?;
        let all = browsers.into_iter().map(OwnSession::from).chain(helpers.into_iter().map(OwnSession::from));
        Ok(all.map(|own| OwnSession { is_this: own.session == caller.session, ..own }).collect())
    }

    /// Ends a session of the caller's person, perhaps the very one that asks.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchSession`] when they have no live one of that id; or when the database is away.
    pub async fn end_own_session(&self, caller: &Caller, session: &CallerSession) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let ended = match session {
            CallerSession::Browser(id) => tx.end_own_browser_session(id, &caller.person, now).await?,
            CallerSession::Helper(id) => tx.end_own_cli_session(id, &caller.person, now).await?,
        };
        tx.commit().await?;
        if !ended {
            return Err(Error::NoSuchSession);
        }
        tracing::info!(person.id = %caller.person, session.id = session.as_str(), "somebody ended a session of theirs");
        Ok(())
    }

    /// Ends every session of the caller's person but the one that asks; says how many there were.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<u64> {
        let mut tx = self.store.write().await?;
        let ended = tx.end_other_sessions(&caller.person, caller.session.as_str(), self.clock.now()).await?;
        tx.commit().await?;
        tracing::info!(person.id = %caller.person, sessions.count = ended, "somebody ended their other sessions");
        Ok(ended)
    }

    /// Who has not used their browser's session since then has none any more.
    fn idle_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.lifetimes.browser_idle
    }

    pub(super) async fn open_browser_session(
        &self,
        tx: &mut Tx,
        person: &PersonId,
        sign_in: &SignInId,
        origin: &BrowserOrigin,
    ) -> Result<NewSession> {
        let now = self.clock.now();
        let token = keys::new_token("", &self.random);
        let session = Session {
            id: BrowserSessionId::from_entropy(self.random.bytes()),
            person: person.clone(),
            sign_in: sign_in.clone(),
            expires_at: now + self.lifetimes.browser_session,
        };
        tx.insert_browser_session(&keys::hash(token.expose_secret()), &session, origin, now).await?;
        Ok(NewSession { token, expires_at: session.expires_at })
    }
}

fn caller<Id>(session: Option<Session<Id>>, kind: impl FnOnce(Id) -> CallerSession) -> Result<Caller> {
    let session = session.ok_or(Error::SignInNeeded)?;
    Ok(Caller {
        person: session.person,
        session: kind(session.id),
        sign_in: session.sign_in,
        session_expires_at: session.expires_at,
    })
}

/// That a session is live still, as this transaction sees it. How long it was idle was looked at when it was shown.
pub(super) async fn require_live(tx: &mut Tx, session: &CallerSession, now: DateTime<Utc>) -> Result<()> {
    let live = match session {
        CallerSession::Browser(id) => tx.is_browser_session_live(id, now).await?,
        CallerSession::Helper(id) => tx.is_cli_session_live(id, now).await?,
    };
    if live { Ok(()) } else { Err(Error::SignInNeeded) }
}
