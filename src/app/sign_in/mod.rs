//! Signing in at a university's provider.
//!
//! A sign-in belongs to the browser that began it, to one connection (its own callback) and to one answer. Nothing is
//! written before the answer comes ([`under_way`]), and an answer that is not taken leaves a reference ([`refused`]).

mod refused;
mod return_to;
mod under_way;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::refused::Known;
use self::under_way::UnderWay;
use super::keys;
use super::{Broker, Error, NewSession, Result};
use crate::domain::id::{ConnectionName, PersonId, SignInId, TransactionId};
use crate::domain::person::PersonKey;
use crate::domain::sign_in::SignInRefusal;
use crate::oidc::{self, AuthorizationRequest, Callback, Login, StepUp};
use crate::store::BrowserOrigin;

pub use self::refused::REFUSALS_KEPT_A_MINUTE;
pub(super) use self::refused::RefusalRoom;
pub use self::return_to::ReturnTo;

/// How long an answer is remembered, so that it is taken once: longer than a sign-in may take, by far.
pub(super) const ANSWER_MEMORY: TimeDelta = TimeDelta::hours(1);

/// How long ago somebody may have shown their provider who they are, where a fresh sign-in is asked for.
pub const FRESH_SIGN_IN: TimeDelta = TimeDelta::minutes(5);

/// What a sign-in is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInWish {
    /// Where it leads in the end.
    pub return_to: ReturnTo,
    /// The provider asks which account, whoever is signed in there.
    pub other_account: bool,
    /// The person shows anew who they are: see [`FRESH_SIGN_IN`].
    pub fresh: bool,
    /// With a second factor.
    pub mfa: bool,
}

impl SignInWish {
    const fn step_up(&self) -> StepUp {
        StepUp { max_age: if self.fresh { Some(FRESH_SIGN_IN) } else { None }, mfa: self.mfa }
    }
}

/// A sign-in that has begun.
pub struct Begun {
    /// Where to send the browser. The state and the nonce are in it.
    pub url: Url,
    /// What to leave in the browser, so that it is known again.
    pub browser_token: SecretString,
    /// Tells this sign-in from others that the same browser has under way: see [`Broker::sign_in_label`].
    pub label: String,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// What a provider sent to our callback.
#[derive(Debug)]
pub struct Answer {
    /// Which sign-in it answers.
    pub state: SecretString,
    /// The code, or the provider's error code.
    pub outcome: std::result::Result<SecretString, &'static str>,
    /// `iss` (RFC 9207).
    pub issuer: Option<String>,
}

/// A sign-in that is complete.
#[derive(Debug)]
pub struct Completed {
    /// The browser's new session.
    pub session: NewSession,
    /// Where it wanted to go.
    pub return_to: ReturnTo,
}

impl Broker {
    /// What tells one sign-in of a browser from another, given its state. Not a secret.
    #[must_use]
    pub fn sign_in_label(state: &SecretString) -> String {
        keys::label(state.expose_secret())
    }

    /// When a sign-in began that a browser has under way; none when it is not of our making, or over.
    #[must_use]
    pub fn sign_in_begun_at(&self, browser_token: &SecretString) -> Option<DateTime<Utc>> {
        let begun = UnderWay::open(&self.keys, browser_token)?;
        (!begun.is_late(self.clock.now())).then_some(begun.begun_at)
    }

    /// Begins a sign-in. Nothing of it is kept here.
    ///
    /// # Errors
    ///
    /// When there is no such connection, or its provider cannot be used.
    pub async fn begin_sign_in(&self, connection: &ConnectionName, wish: &SignInWish) -> Result<Begun> {
        let provider = self.provider(connection)?;
        let id = TransactionId::from_entropy(self.random.bytes());
        let begun = UnderWay::new(id, connection.clone(), wish, self.clock.now());
        let state = begun.state(&self.keys);
        let ask = AuthorizationRequest {
            redirect_uri: &self.callback_url(connection),
            state: &state,
            nonce: &begun.nonce(&self.keys),
            verifier: &begun.verifier(&self.keys),
            choose_account: wish.other_account,
            step_up: wish.step_up(),
        };
        let _turn = self.exchange(connection).await?;
        match provider.authorization_url(&ask).await {
            Ok(url) => Ok(Begun { url, browser_token: begun.seal(&self.keys), label: Self::sign_in_label(&state) }),
            Err(error) => Err(self.refused_by(error, connection, wish.clone()).await.into()),
        }
    }

    /// Completes a sign-in with what came back to the callback of `connection`.
    ///
    /// # Errors
    ///
    /// When the answer is not to a sign-in of this browser at this connection, or does not hold.
    pub async fn complete_sign_in(
        &self,
        connection: &ConnectionName,
        browser_token: Option<&SecretString>,
        answer: &Answer,
        origin: &BrowserOrigin,
    ) -> Result<Completed> {
        let provider = self.provider(connection)?;
        // Before the answer is taken: who is turned away may come again with it.
        let turn = self.exchange(connection).await?;
        let begun = self.take(connection, browser_token, &answer.state).await?;
        let wish = begun.wish();
        let known = || Known { connection: Some(connection), wish: Some(begun.wish()), ..Known::default() };
        let code = match &answer.outcome {
            Ok(code) => code,
            Err(word) => {
                tracing::info!(connection.name = %connection, word, "the provider sent an error instead of a code");
                return Err(self.turn_away(SignInRefusal::Declined, known()).await.into());
            }
        };
        let callback = Callback {
            code,
            issuer: answer.issuer.as_deref(),
            redirect_uri: &self.callback_url(connection),
            nonce: &begun.nonce(&self.keys),
            verifier: &begun.verifier(&self.keys),
            step_up: wish.step_up(),
        };
        let login = match provider.complete(&callback, self.clock.now()).await {
            Ok(login) => login,
            Err(error) => return Err(self.refused_by(error, connection, wish).await.into()),
        };
        drop(turn);
        match self.record_sign_in(connection, login, origin).await? {
            Ok(session) => Ok(Completed { session, return_to: wish.return_to }),
            Err(suspended) => {
                let known = Known { person: Some(&suspended), wish: None, ..known() };
                Err(self.turn_away(SignInRefusal::Suspended, known).await.into())
            }
        }
    }

    /// One redirect URI for each connection, so that one provider's answer cannot pass for another's.
    fn callback_url(&self, connection: &ConnectionName) -> String {
        self.url(&format!("/auth/{connection}/callback"))
    }

    /// The sign-in of this browser that has this state. From now on it is answered, whatever comes of it.
    async fn take(
        &self,
        connection: &ConnectionName,
        browser_token: Option<&SecretString>,
        state: &SecretString,
    ) -> Result<UnderWay> {
        let now = self.clock.now();
        let begun = browser_token.and_then(|token| UnderWay::open(&self.keys, token)).filter(|begun| {
            begun.connection == *connection
                && keys::same(begun.state(&self.keys).expose_secret(), state.expose_secret())
        });
        let Some(begun) = begun else {
            return Err(self.refuse_sign_in(connection, SignInRefusal::NotThisBrowser).await);
        };
        let known = || Known { connection: Some(connection), wish: Some(begun.wish()), ..Known::default() };
        if begun.is_late(now) {
            return Err(self.turn_away(SignInRefusal::TooLate, known()).await.into());
        }
        let mut tx = self.store.write().await?;
        let is_first = tx.insert_sign_in_answer(&begun.id, now).await?;
        tx.commit().await?;
        if !is_first {
            return Err(self.turn_away(SignInRefusal::NotThisBrowser, known()).await.into());
        }
        Ok(begun)
    }

    async fn refused_by(
        &self,
        error: oidc::Error,
        connection: &ConnectionName,
        wish: SignInWish,
    ) -> super::SignInError {
        let refusal = error.refusal();
        let known = Known { connection: Some(connection), wish: Some(wish), source: Some(error), person: None };
        self.turn_away(refusal, known).await
    }

    /// The new session, or who may not have one.
    async fn record_sign_in(
        &self,
        connection: &ConnectionName,
        login: Login,
        origin: &BrowserOrigin,
    ) -> Result<std::result::Result<NewSession, PersonId>> {
        let now = self.clock.now();
        let key = PersonKey { connection: connection.clone(), issuer: login.issuer, subject: login.subject };
        let fresh = PersonId::from_entropy(self.random.bytes());
        let sign_in = SignInId::from_entropy(self.random.bytes());

        let mut tx = self.store.write().await.map_err(Error::Store)?;
        let (person, is_suspended) = tx.upsert_person(&fresh, &key, login.name.as_ref(), now).await?;
        if is_suspended {
            return Ok(Err(person));
        }
        tx.insert_sign_in(&sign_in, &person, &login.claims, now).await?;
        let session = self.open_browser_session(&mut tx, &person, &sign_in, origin).await?;
        tx.commit().await?;
        tracing::info!(
            person.id = %person,
            connection.name = %connection,
            groups.count = login.claims.groups.as_slice().len(),
            "signed in"
        );
        Ok(Ok(session))
    }
}
