//! Sessions: a browser's and a helper's. Each is an opaque token that is looked up at every use, so ending one works at
//! once.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::keys::{self, Purpose};
use super::{Broker, Error, Result};
use crate::domain::id::{BrowserSessionId, CliSessionId, PersonId, SignInId};
use crate::store::{Session, Tx};

/// Which session somebody shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerSession {
    /// A browser's.
    Browser(BrowserSessionId),
    /// A helper's.
    Helper(CliSessionId),
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
        let mut tx = self.store.read().await?;
        let session = tx.browser_session(&keys::hash(token.expose_secret()), self.clock.now()).await?;
        caller(session, CallerSession::Browser)
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

    pub(super) async fn open_browser_session(
        &self,
        tx: &mut Tx,
        person: &PersonId,
        sign_in: &SignInId,
    ) -> Result<NewSession> {
        let now = self.clock.now();
        let token = keys::new_token("", &self.random);
        let session = Session {
            id: BrowserSessionId::from_entropy(self.random.bytes()),
            person: person.clone(),
            sign_in: sign_in.clone(),
            expires_at: now + self.lifetimes.browser_session,
        };
        tx.insert_browser_session(&keys::hash(token.expose_secret()), &session, now).await?;
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

/// That a session is live still, as this transaction sees it.
pub(super) async fn require_live(tx: &mut Tx, session: &CallerSession, now: DateTime<Utc>) -> Result<()> {
    let live = match session {
        CallerSession::Browser(id) => tx.is_browser_session_live(id, now).await?,
        CallerSession::Helper(id) => tx.is_cli_session_live(id, now).await?,
    };
    if live { Ok(()) } else { Err(Error::SignInNeeded) }
}
