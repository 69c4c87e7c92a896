//! Our own authorization server for the helper: code and PKCE, one public client.
//!
//! The person confirms in a browser that is signed in; the page names the machine and the account that ask. Where browser
//! and helper are on one machine, the code comes back over a loopback redirect (RFC 8252) and is good for a minute. Where
//! they are not, our page shows it, the person pastes it into their terminal, and it is good for two: a device flow
//! would let a stranger's code be confirmed by somebody who never sees a terminal. Either is good once; a second use ends
//! the session that came of the first (RFC 6749, section 4.1.2).

mod request;
mod tokens;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::keys;
use super::sessions::require_live;
use super::{Broker, Caller, Error, Result};
use crate::domain::id::CliSessionId;
use crate::domain::ledger::ReusedToken;
use crate::store::{Code, HelperOrigin, Session, Snapshot};

pub use request::{AskedLogin, HelperLogin, HelperRedirect, Lacking, LoopbackRedirect, MFA_LEVEL, WantedSignIn};
pub use tokens::HelperTokens;
use tokens::Pair;

/// Stands for an answer to be pasted, after our public URL.
const REMOTE_PATH: &str = "/oauth/remote";

/// How long a code waits to be traded that a browser carries.
const CODE_TIMEOUT: TimeDelta = TimeDelta::seconds(60);

/// The same for one that a person carries.
pub const PASTED_CODE_TIMEOUT: TimeDelta = TimeDelta::minutes(2);

/// How long a traded code is remembered, so that a second use is recognised.
pub(super) const CODE_MEMORY: TimeDelta = TimeDelta::minutes(10);

/// How long the page that asks may be looked at before the sign-in behind it counts as older than it was.
const PAGE_PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// A secret scanner can look for these.
const ACCESS_PREFIX: &str = "lodge_at_";
const REFRESH_PREFIX: &str = "lodge_rt_";

/// A helper's request that is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelperLoginError {
    /// Not `http`, not a loopback address, or with anything more than a port and a path; and not ours.
    #[error("the redirect URI must be http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH")]
    Redirect,
    /// Not S256, or not 43 characters.
    #[error("the code challenge must be an S256 challenge")]
    Challenge,
    /// Empty or too long.
    #[error("the state must be 1 to 512 printable characters")]
    State,
    /// Not a number of seconds.
    #[error("max_age must be a number of seconds")]
    MaxAge,
    /// A level of sign-in that has no meaning here.
    #[error("the only level in acr_values that this broker knows is mfa")]
    Level,
    /// The page was open for too long.
    #[error("the sign-in has meanwhile become older than was asked for; run the command again")]
    TooLate,
    /// The code is unknown, old, used, or was made for another redirect URI or verifier.
    #[error("the code is not good (any more)")]
    Code,
    /// The refresh token is unknown or used, or its session has ended.
    #[error("the refresh token is not good (any more)")]
    Refresh,
}

/// What a browser is left with.
pub enum Handover {
    /// It takes the answer, a yes or a no, to the helper.
    Lead(Url),
    /// It shows what the person pastes into their terminal: the code, a full stop, the state.
    Paste(SecretString),
    /// There is nothing to carry.
    Nothing,
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lead(_) => "Lead",
            Self::Paste(_) => "Paste",
            Self::Nothing => "Nothing",
        })
    }
}

impl Broker {
    /// A helper's request, once each part of it is what it must be.
    ///
    /// # Errors
    ///
    /// When one is not.
    pub fn helper_login(&self, asked: &AskedLogin<'_>) -> std::result::Result<HelperLogin, HelperLoginError> {
        HelperLogin::new(asked, &self.url(REMOTE_PATH))
    }

    /// What the sign-in behind a browser's session lacks of what the helper asked for.
    #[must_use]
    pub fn lacking(&self, login: &HelperLogin, snapshot: &Snapshot) -> Lacking {
        login.wanted.lacking(&snapshot.evidence.sign_in, self.clock.now(), TimeDelta::zero())
    }

    /// Gives the helper a code, on its person's word.
    ///
    /// # Errors
    ///
    /// When the database is away, the person's session has ended, or their sign-in is not what the helper asked for.
    pub async fn confirm_helper_login(&self, caller: &Caller, login: &HelperLogin) -> Result<Handover> {
        let now = self.clock.now();
        let code = keys::new_token("", &self.random);
        let mut tx = self.store.write().await?;
        require_live(&mut tx, &caller.session, now).await?;
        let snapshot = tx.snapshot(&caller.person, &caller.sign_in).await?.ok_or(Error::SignInNeeded)?;
        if login.wanted.lacking(&snapshot.evidence.sign_in, now, PAGE_PATIENCE).anything() {
            return Err(HelperLoginError::TooLate.into());
        }
        let row = Code {
            person: caller.person.clone(),
            // This browser's own, and not the person's latest: the helper's session is as strong as what confirmed it.
            sign_in: caller.sign_in.clone(),
            redirect_uri: login.redirect.to_string(),
            code_challenge: login.code_challenge.clone(),
            host: login.host.clone(),
            account: login.account.clone(),
            created_at: now,
        };
        tx.insert_code(&keys::hash(code.expose_secret()), &row).await?;
        tx.commit().await?;
        Ok(match &login.redirect {
            HelperRedirect::Loopback(redirect) => {
                Handover::Lead(login.answer(redirect, self.issuer(), ("code", code.expose_secret())))
            }
            HelperRedirect::Remote(_) => Handover::Paste(format!("{}.{}", code.expose_secret(), login.state).into()),
        })
    }

    /// What is left to do when the person says no.
    #[must_use]
    pub fn decline_helper_login(&self, login: &HelperLogin) -> Handover {
        match &login.redirect {
            HelperRedirect::Loopback(redirect) => {
                Handover::Lead(login.answer(redirect, self.issuer(), ("error", "access_denied")))
            }
            HelperRedirect::Remote(_) => Handover::Nothing,
        }
    }

    /// Trades a code for a helper's session. `address` is where the helper is.
    ///
    /// # Errors
    ///
    /// [`HelperLoginError::Code`], whatever it is that does not fit.
    pub async fn redeem_code(
        &self,
        code: &SecretString,
        redirect: &str,
        verifier: &SecretString,
        address: Option<&str>,
    ) -> Result<HelperTokens> {
        // Another replica may trade the same code at this moment. Then ours is the second use, and treated as one.
        if let Some(session) = self.redeem_once(code, redirect, verifier, address).await? {
            return Ok(session);
        }
        self.redeem_once(code, redirect, verifier, address).await?.ok_or_else(|| HelperLoginError::Code.into())
    }

    /// None when somebody else traded the code between our look at it and our mark on it.
    async fn redeem_once(
        &self,
        code: &SecretString,
        redirect: &str,
        verifier: &SecretString,
        address: Option<&str>,
    ) -> Result<Option<HelperTokens>> {
        let now = self.clock.now();
        let code_hash = keys::hash(code.expose_secret());
        // Anybody can make a code up. Looking for it first keeps whoever does from standing in line with those who write.
        if self.store.read().await?.code(&code_hash).await?.is_none() {
            return Err(HelperLoginError::Code.into());
        }
        let mut tx = self.store.write().await?;
        let row = tx.code(&code_hash).await?.ok_or(HelperLoginError::Code)?;
        if let Some(first) = row.redeemed_for {
            self.end_reused(tx, &row.code.person, &first, ReusedToken::Code).await?;
            return Err(HelperLoginError::Code.into());
        }
        let code = row.code;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()));
        let timeout = if code.redirect_uri == self.url(REMOTE_PATH) { PASTED_CODE_TIMEOUT } else { CODE_TIMEOUT };
        let fresh = now - code.created_at <= timeout;
        if !fresh || code.redirect_uri != redirect || !keys::same(&code.code_challenge, &challenge) {
            return Err(HelperLoginError::Code.into());
        }

        // Whoever suspends the person ends their sessions: either this one is among them, or it does not begin.
        if !tx.hold_person(&code.person).await? {
            return Err(HelperLoginError::Code.into());
        }
        // The same for whoever signs out where the code was confirmed, or is signed out there by their university.
        if !tx.hold_confirming_session(&code.sign_in).await? {
            return Err(HelperLoginError::Code.into());
        }
        let snapshot = tx.snapshot(&code.person, &code.sign_in).await?.ok_or(HelperLoginError::Code)?;
        let session = Session {
            id: CliSessionId::from_entropy(self.random.bytes()),
            person: code.person,
            sign_in: code.sign_in,
            // From the sign-in and not from now: nothing makes that one any younger.
            expires_at: self.longest_session(&mut tx, &snapshot).await?,
        };
        if session.expires_at <= now {
            return Err(HelperLoginError::Code.into());
        }
        let origin = HelperOrigin { host: code.host, account: code.account, address: address.map(str::to_owned) };
        tx.insert_cli_session(&session, &origin, now).await?;
        if !tx.redeem_code(&code_hash, &session.id).await? {
            return Ok(None);
        }
        let tokens = Pair::random(self).keep(&mut tx, &session, 1, now).await?;
        tx.commit().await?;
        tracing::info!(person.id = %session.person, cli_session.id = %session.id, "a helper signed in");
        Ok(Some(tokens))
    }
}
