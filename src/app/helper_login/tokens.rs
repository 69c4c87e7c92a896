//! The tokens of a helper's session (RFC 6749, sections 1.4 and 1.5; RFC 9700, section 4.14).
//!
//! An access token opens the API for a quarter of an hour. A refresh token gets the next pair, and is good once. Who
//! shows one that was traded holds a copy: the broker cannot tell the thief from the owner, so the session ends.
//!
//! Two things would make an honest helper look like a thief: an answer that is lost on its way, and several helpers of one
//! person that refresh at the same moment. So for [`WINDOW`] after the first trade, and while the pair that came of it
//! is itself untraded, the same refresh token gets the same pair again. That pair is not kept for it: it is derived from
//! the key file and the token that is shown, so neither the database nor the key file alone gives a token. A thief who
//! is quick enough to come inside the window gets the pair that the owner has, no longer than until one of the two
//! trades it: then the other is outside.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::{ACCESS_PREFIX, HelperLoginError, REFRESH_PREFIX};
use crate::app::keys::{self, Purpose};
use crate::app::{Broker, Result};
use crate::domain::actor::Actor;
use crate::domain::id::{ActId, CliSessionId, PersonId};
use crate::domain::ledger::{Book, Draft, Event, ReusedToken, Thread};
use crate::store::{Session, Tokens, Tx};

/// How long an access token is good for. RFC 9700, section 2.2: short.
const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// How long a traded refresh token gets the same pair again: longer than a helper waits for an answer and tries again.
const WINDOW: TimeDelta = TimeDelta::seconds(30);

/// What a helper is given. Shown once, here.
#[derive(Debug)]
pub struct HelperTokens {
    /// Opens the API.
    pub access: SecretString,
    /// Until when.
    pub access_expires_at: DateTime<Utc>,
    /// Gets the next pair, once.
    pub refresh: SecretString,
    /// When the session ends by itself, however often it is refreshed.
    pub session_expires_at: DateTime<Utc>,
}

/// Two tokens before it is known how long they are good for.
pub(super) struct Pair {
    access: SecretString,
    refresh: SecretString,
}

impl Pair {
    /// The first of a session.
    pub(super) fn random(broker: &Broker) -> Self {
        let token = |prefix| keys::new_token(prefix, &broker.random);
        Self { access: token(ACCESS_PREFIX), refresh: token(REFRESH_PREFIX) }
    }

    /// The one that comes of this refresh token, at every replica and every time.
    fn of(broker: &Broker, presented: &SecretString) -> Self {
        let token = |prefix, purpose| {
            let derived = broker.keys.derive(purpose, presented.expose_secret());
            format!("{prefix}{}", derived.expose_secret()).into()
        };
        Self {
            access: token(ACCESS_PREFIX, Purpose::AccessToken),
            refresh: token(REFRESH_PREFIX, Purpose::RefreshToken),
        }
    }

    /// Keeps it as a generation of the session.
    pub(super) async fn keep(
        self,
        tx: &mut Tx,
        session: &Session<CliSessionId>,
        generation: i64,
        now: DateTime<Utc>,
    ) -> Result<HelperTokens> {
        let access_expires_at = session.expires_at.min(now + ACCESS_LIFETIME);
        let tokens = Tokens {
            refresh_hash: keys::hash(self.refresh.expose_secret()),
            access_hash: keys::hash(self.access.expose_secret()),
            session: session.id.clone(),
            generation,
            access_expires_at,
            session_expires_at: session.expires_at,
            used_at: None,
        };
        tx.insert_tokens(&tokens, now).await?;
        Ok(self.until(access_expires_at, session))
    }

    fn until(self, access_expires_at: DateTime<Utc>, session: &Session<CliSessionId>) -> HelperTokens {
        let Self { access, refresh } = self;
        HelperTokens { access, access_expires_at, refresh, session_expires_at: session.expires_at }
    }
}

impl Broker {
    /// Trades a refresh token for the next pair.
    ///
    /// # Errors
    ///
    /// [`HelperLoginError::Refresh`] when the token is nobody's, was traded before, or its session has ended.
    pub async fn refresh_helper(&self, presented: &SecretString) -> Result<HelperTokens> {
        let now = self.clock.now();
        let hash = keys::hash(presented.expose_secret());
        // Anybody can make a token up. Looking for it first keeps whoever does from standing in line with those who write.
        if self.store.read().await?.tokens_by_refresh(&hash).await?.is_none() {
            return Err(HelperLoginError::Refresh.into());
        }
        let mut tx = self.store.write().await?;
        let id = tx.tokens_by_refresh(&hash).await?.ok_or(HelperLoginError::Refresh)?.session;
        if !tx.hold_cli_session(&id, now).await? {
            return Err(HelperLoginError::Refresh.into());
        }
        // Read under that lock: another replica may just have traded the same token.
        let shown = tx.tokens_by_refresh(&hash).await?.ok_or(HelperLoginError::Refresh)?;
        let session = tx.cli_session_by_id(&id).await?.ok_or(HelperLoginError::Refresh)?;
        let pair = Pair::of(self, presented);
        let next = shown.generation + 1;
        let Some(used_at) = shown.used_at else {
            let tokens = pair.keep(&mut tx, &session, next, now).await?;
            tx.use_tokens(&hash, now).await?;
            tx.commit().await?;
            return Ok(tokens);
        };
        let successor = tx.tokens_by_generation(&id, next).await?;
        let Some(successor) = successor.filter(|it| it.used_at.is_none() && now - used_at <= WINDOW) else {
            self.end_reused(tx, &session.person, &id, ReusedToken::Refresh).await?;
            return Err(HelperLoginError::Refresh.into());
        };
        // Under another key file than the one before, the pair cannot be made again. That is nobody's theft.
        if successor.refresh_hash != keys::hash(pair.refresh.expose_secret()) {
            return Err(HelperLoginError::Refresh.into());
        }
        tx.commit().await?;
        Ok(pair.until(successor.access_expires_at, &session))
    }

    /// Ends the session of a token that was shown a second time, and says so once.
    pub(super) async fn end_reused(
        &self,
        mut tx: Tx,
        person: &PersonId,
        session: &CliSessionId,
        token: ReusedToken,
    ) -> Result<()> {
        let now = self.clock.now();
        if !tx.end_cli_session(session, now).await? {
            return Ok(());
        }
        let act = ActId::from_entropy(self.random.bytes());
        let event = Event::TokenReused { person: person.clone(), session: session.clone(), token };
        tx.append(Book::Broker, Draft { at: now, thread: Thread::Act(Actor::Broker, act.clone()), event }).await?;
        tx.commit().await?;
        tracing::warn!(
            %person,
            cli_session.id = %session,
            token = ?token,
            reference = %act,
            "a token that is good once was shown again: somebody holds a copy; the session is ended"
        );
        Ok(())
    }

    /// Ends the session of a token, access or refresh, of whatever generation. A token that is nobody's changes nothing.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn end_helper_session(&self, token: &SecretString) -> Result<()> {
        let found = self.store.read().await?.cli_session_of_token(&keys::hash(token.expose_secret())).await?;
        let Some(session) = found else { return Ok(()) };
        let mut tx = self.store.write().await?;
        tx.end_cli_session(&session, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }
}
