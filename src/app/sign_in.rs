//! Signing in at a university's provider.
//!
//! A sign-in belongs to the browser that began it (a cookie, kept as a hash), to one connection (its own callback), and
//! to one answer (the state, taken from the database as it is used). Nothing about it is in the URL that began it.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::keys::{self, Purpose};
use super::{Broker, Error, NewSession, Result, SignInError};
use crate::domain::id::{ConnectionName, ParseError, PersonId, SignInId, TransactionId};
use crate::domain::person::PersonKey;
use crate::oidc::{AuthorizationRequest, Callback, Login, StepUp};
use crate::store::SignInTransaction;

/// How long somebody may take at their provider's sign-in page.
pub(super) const SIGN_IN_TIMEOUT: TimeDelta = TimeDelta::minutes(10);

/// How many sign-ins may be under way at once. Anybody can begin one, so their number is bounded; a campus on the first
/// morning of term stays far below.
pub const MAX_SIGN_INS_UNDER_WAY: i64 = 10_000;

/// A page of ours to go to after signing in: a path that cannot be mistaken for another site.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

impl fmt::Debug for ReturnTo {
    /// Without the query: a helper's state is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReturnTo").field(&self.0.split('?').next()).finish()
    }
}

impl ReturnTo {
    /// The home page.
    #[must_use]
    pub fn home() -> Self {
        Self("/".to_owned())
    }

    /// The path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReturnTo {
    type Err = ParseError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        let ours = text == "/" || text == "/invitation" || text.starts_with("/oauth/authorize?");
        let plain = text.len() <= 2_048 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        if ours && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("page to return to", "a page of ours"))
        }
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

    /// Begins a sign-in.
    ///
    /// # Errors
    ///
    /// When there is no such connection, or its provider cannot be reached.
    pub async fn begin_sign_in(
        &self,
        connection: &ConnectionName,
        return_to: &ReturnTo,
        choose_account: bool,
    ) -> Result<Begun> {
        let provider = self.provider(connection)?;
        let id = TransactionId::from_entropy(self.random.bytes());
        let state = keys::new_token("", &self.random);
        let browser_token = keys::new_token("", &self.random);
        let ask = AuthorizationRequest {
            redirect_uri: &self.callback_url(connection),
            state: &state,
            nonce: &self.keys.derive(Purpose::Nonce, id.as_str()),
            verifier: &self.keys.derive(Purpose::Verifier, id.as_str()),
            choose_account,
            step_up: StepUp::default(),
        };
        let url = provider.authorization_url(&ask).await.map_err(SignInError::from)?;

        let now = self.clock.now();
        let transaction = SignInTransaction {
            id,
            browser_hash: keys::hash(browser_token.expose_secret()),
            connection: connection.clone(),
            return_to: return_to.as_str().to_owned(),
            begun_at: now,
        };
        let mut tx = self.store.write().await?;
        tx.forget_transactions(now - SIGN_IN_TIMEOUT).await?;
        if tx.count_transactions().await? >= MAX_SIGN_INS_UNDER_WAY {
            return Err(SignInError::TooMany.into());
        }
        tx.insert_transaction(&keys::hash(state.expose_secret()), &transaction).await?;
        tx.commit().await?;
        Ok(Begun { url, browser_token, label: Self::sign_in_label(&state) })
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
    ) -> Result<Completed> {
        let transaction = self.take(connection, browser_token, &answer.state).await?;
        let code = answer.outcome.as_ref().map_err(|code| SignInError::Declined(code))?;
        let provider = self.provider(connection)?;
        let callback = Callback {
            code,
            issuer: answer.issuer.as_deref(),
            redirect_uri: &self.callback_url(connection),
            nonce: &self.keys.derive(Purpose::Nonce, transaction.id.as_str()),
            verifier: &self.keys.derive(Purpose::Verifier, transaction.id.as_str()),
            step_up: StepUp::default(),
        };
        let login = provider.complete(&callback, self.clock.now()).await.map_err(SignInError::from)?;
        let session = self.record_sign_in(connection, login).await?;
        let return_to = transaction.return_to.parse().unwrap_or_else(|_| ReturnTo::home());
        Ok(Completed { session, return_to })
    }

    /// One redirect URI for each connection, so that one provider's answer cannot pass for another's.
    fn callback_url(&self, connection: &ConnectionName) -> String {
        self.url(&format!("/auth/{connection}/callback"))
    }

    /// The sign-in with this state. It is gone from now on, whether or not it fits.
    async fn take(
        &self,
        connection: &ConnectionName,
        browser_token: Option<&SecretString>,
        state: &SecretString,
    ) -> Result<SignInTransaction> {
        let mut tx = self.store.write().await?;
        let taken = tx.take_transaction(&keys::hash(state.expose_secret())).await?;
        tx.commit().await?;

        let taken = taken.ok_or(SignInError::NotOurs)?;
        let browser = browser_token.ok_or(SignInError::NotOurs)?;
        let same_browser = keys::same(&taken.browser_hash, &keys::hash(browser.expose_secret()));
        if !same_browser || taken.connection != *connection {
            return Err(SignInError::NotOurs.into());
        }
        if self.clock.now() - taken.begun_at > SIGN_IN_TIMEOUT {
            return Err(SignInError::TooOld.into());
        }
        Ok(taken)
    }

    async fn record_sign_in(&self, connection: &ConnectionName, login: Login) -> Result<NewSession> {
        let now = self.clock.now();
        let key = PersonKey { connection: connection.clone(), issuer: login.issuer, subject: login.subject };
        let fresh = PersonId::from_entropy(self.random.bytes());
        let sign_in = SignInId::from_entropy(self.random.bytes());

        let mut tx = self.store.write().await.map_err(Error::Store)?;
        let (person, is_suspended) = tx.upsert_person(&fresh, &key, login.name.as_ref(), now).await?;
        if is_suspended {
            tracing::warn!(person.id = %person, connection.name = %connection, "somebody suspended tried to sign in");
            return Err(Error::Suspended);
        }
        tx.insert_sign_in(&sign_in, &person, &login.claims, now).await?;
        let session = self.open_browser_session(&mut tx, &person, &sign_in).await?;
        tx.commit().await?;
        tracing::info!(
            person.id = %person,
            connection.name = %connection,
            groups.count = login.claims.groups.as_slice().len(),
            "signed in"
        );
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_returns_to_a_page_of_ours_only() {
        for good in ["/", "/invitation", "/oauth/authorize?client_id=lodge-cli&state=x"] {
            assert!(good.parse::<ReturnTo>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "/oauth/authorize",
            "/oauth/authorize?x=\r\nLocation: https://evil.example",
            "/oauth/authorize?\u{2215}",
            "/oauth/token?x",
            "javascript:alert(1)",
        ] {
            assert!(bad.parse::<ReturnTo>().is_err(), "{bad:?}");
        }
    }
}
