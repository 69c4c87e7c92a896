//! Our own authorization server for the helper: code and PKCE, one public client, a loopback redirect (RFC 8252).
//!
//! The person confirms in a browser that is signed in; the page names the machine that asks. A code is good for a
//! minute and once; a second use ends the session that came of the first (RFC 6749, section 4.1.2).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::keys;
use super::{Broker, Caller, NewSession, Result};
use crate::domain::id::CliSessionId;
use crate::store::{Code, Session};

/// How long a code waits to be traded.
const CODE_TIMEOUT: TimeDelta = TimeDelta::seconds(60);

/// How long a traded code is remembered, so that a second use is recognised.
pub(super) const CODE_MEMORY: TimeDelta = TimeDelta::minutes(10);

/// A secret scanner can look for it.
const TOKEN_PREFIX: &str = "lodge_at_";

/// A helper's request that is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelperLoginError {
    /// Not `http`, not a loopback address, or with anything more than a port and a path.
    #[error("the redirect URI must be http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH")]
    Redirect,
    /// Not S256, or not 43 characters.
    #[error("the code challenge must be an S256 challenge")]
    Challenge,
    /// Empty or too long.
    #[error("the state must be 1 to 512 printable characters")]
    State,
    /// The code is unknown, old, used, or was made for another redirect URI or verifier.
    #[error("the code is not good (any more)")]
    Code,
}

/// A redirect URI of a helper: a literal loopback address, a port, a path (RFC 8252, section 7.3). `localhost` is
/// refused: what it resolves to is not ours to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopbackRedirect(Url);

impl FromStr for LoopbackRedirect {
    type Err = HelperLoginError;

    fn from_str(text: &str) -> std::result::Result<Self, HelperLoginError> {
        let url = Url::parse(text).map_err(|_| HelperLoginError::Redirect)?;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
            _ => false,
        };
        // What the parser would have written: no user, no query, no fragment, no other spelling of the address.
        let plain = url.as_str() == text && url.query().is_none() && url.fragment().is_none();
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() == "http" && loopback && url.port().is_some() && plain && bare {
            Ok(Self(url))
        } else {
            Err(HelperLoginError::Redirect)
        }
    }
}

impl fmt::Display for LoopbackRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// What a helper asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct HelperLogin {
    /// Where the helper listens.
    pub redirect: LoopbackRedirect,
    /// Comes back to it. Not a `SecretString`, since it stands on the page that asks the person.
    pub state: String,
    /// S256.
    pub code_challenge: String,
    /// The machine that asks, by its own word.
    pub host: String,
}

impl fmt::Debug for HelperLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelperLogin").field("host", &self.host).finish_non_exhaustive()
    }
}

impl HelperLogin {
    /// A request with these parts, once each of them is what it must be.
    ///
    /// # Errors
    ///
    /// When one is not.
    pub fn new(
        redirect: &str,
        state: &str,
        challenge: &str,
        host: &str,
    ) -> std::result::Result<Self, HelperLoginError> {
        let redirect = redirect.parse()?;
        let printable = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if state.is_empty() || state.len() > 512 || !printable(state) {
            return Err(HelperLoginError::State);
        }
        // 32 bytes in base64url without padding (RFC 7636, section 4.2).
        if URL_SAFE_NO_PAD.decode(challenge).map_or(0, |bytes| bytes.len()) != 32 {
            return Err(HelperLoginError::Challenge);
        }
        let host: String = host.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(64).collect();
        let host = if host.trim().is_empty() { "an unnamed machine".to_owned() } else { host };
        Ok(Self { redirect, state: state.to_owned(), code_challenge: challenge.to_owned(), host })
    }

    /// Where the browser goes with the answer. `iss` says whose answer it is (RFC 9207).
    fn answer(&self, issuer: &str, outcome: (&str, &str)) -> Url {
        let mut url = self.redirect.0.clone();
        url.query_pairs_mut()
            .append_pair(outcome.0, outcome.1)
            .append_pair("state", &self.state)
            .append_pair("iss", issuer);
        url
    }
}

impl Broker {
    /// Gives the helper a code, on its person's word.
    ///
    /// # Errors
    ///
    /// When the database is away, or the person has no sign-in.
    pub async fn confirm_helper_login(&self, caller: &Caller, login: &HelperLogin) -> Result<Url> {
        let code = keys::new_token("", &self.random);
        let mut tx = self.store.write().await?;
        let row = Code {
            person: caller.person.clone(),
            // This browser's own, and not the person's latest: the helper's session is as strong as what confirmed it.
            sign_in: caller.sign_in.clone(),
            redirect_uri: login.redirect.to_string(),
            code_challenge: login.code_challenge.clone(),
            host: login.host.clone(),
            created_at: self.clock.now(),
        };
        tx.insert_code(&keys::hash(code.expose_secret()), &row).await?;
        tx.commit().await?;
        Ok(login.answer(self.issuer(), ("code", code.expose_secret())))
    }

    /// Where the browser goes when the person says no.
    #[must_use]
    pub fn decline_helper_login(&self, login: &HelperLogin) -> Url {
        login.answer(self.issuer(), ("error", "access_denied"))
    }

    /// Trades a code for a helper's session.
    ///
    /// # Errors
    ///
    /// [`HelperLoginError::Code`], whatever it is that does not fit.
    pub async fn redeem_code(
        &self,
        code: &SecretString,
        redirect: &str,
        verifier: &SecretString,
    ) -> Result<NewSession> {
        // Another replica may trade the same code at this moment. Then ours is the second use, and treated as one.
        if let Some(session) = self.redeem_once(code, redirect, verifier).await? {
            return Ok(session);
        }
        self.redeem_once(code, redirect, verifier).await?.ok_or_else(|| HelperLoginError::Code.into())
    }

    /// None when somebody else traded the code between our look at it and our mark on it.
    async fn redeem_once(
        &self,
        code: &SecretString,
        redirect: &str,
        verifier: &SecretString,
    ) -> Result<Option<NewSession>> {
        let now = self.clock.now();
        let code_hash = keys::hash(code.expose_secret());
        let mut tx = self.store.write().await?;
        let row = tx.code(&code_hash).await?.ok_or(HelperLoginError::Code)?;
        if let Some(first) = row.redeemed_for {
            tx.end_cli_session_by_id(&first, now).await?;
            tx.commit().await?;
            tracing::warn!(cli_session.id = %first, "a code was used twice; the session of its first use is ended");
            return Err(HelperLoginError::Code.into());
        }
        let code = row.code;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()));
        let fresh = now - code.created_at <= CODE_TIMEOUT;
        if !fresh || code.redirect_uri != redirect || !keys::same(&code.code_challenge, &challenge) {
            return Err(HelperLoginError::Code.into());
        }

        // Whoever suspends the person ends their sessions: either this one is among them, or it does not begin.
        if !tx.hold_person(&code.person).await? {
            return Err(HelperLoginError::Code.into());
        }
        let snapshot = tx.snapshot(&code.person, &code.sign_in).await?.ok_or(HelperLoginError::Code)?;
        let token = keys::new_token(TOKEN_PREFIX, &self.random);
        let session = Session {
            id: CliSessionId::from_entropy(self.random.bytes()),
            person: code.person,
            sign_in: code.sign_in,
            // From the sign-in and not from now: what it said of the groups must not grow older than that.
            expires_at: self.longest_session(&mut tx, &snapshot).await?,
        };
        tx.insert_cli_session(&keys::hash(token.expose_secret()), &session, &code.host, now).await?;
        if !tx.redeem_code(&code_hash, &session.id).await? {
            return Ok(None);
        }
        tx.commit().await?;
        tracing::info!(person.id = %session.person, cli_session.id = %session.id, "a helper signed in");
        Ok(Some(NewSession { token, expires_at: session.expires_at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_helper_listens_on_a_literal_loopback_address() {
        for good in ["http://127.0.0.1:49152/callback/x", "http://[::1]:49152/"] {
            assert_eq!(good.parse::<LoopbackRedirect>().unwrap().to_string(), good);
        }
        for bad in [
            "https://127.0.0.1:49152/x",
            "http://localhost:49152/x",
            "http://127.0.0.1/x",
            "http://127.0.0.1@evil.example:80/x",
            "http://user@127.0.0.1:49152/x",
            "http://127.0.0.1:49152/x?y=1",
            "http://127.0.0.1:49152/x#y",
            "http://127.0.0.2:49152/x",
            "http://127.1:49152/x",
            "http://2130706433:49152/x",
            "http://0x7f.0.0.1:49152/x",
            "http://127.0.0.1.evil.example:49152/x",
            "http://[::ffff:127.0.0.1]:49152/x",
            "http://127.0.0.1:49152/a/../b",
            "http://127.0.0.1:49152",
            "javascript:alert(1)",
            "",
        ] {
            assert!(bad.parse::<LoopbackRedirect>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_answer_carries_state_and_issuer() {
        let login =
            HelperLogin::new("http://127.0.0.1:1234/c", "s t&ate".replace(' ', "").as_str(), CHALLENGE, "laptop")
                .unwrap();

        assert_eq!(
            login.answer("https://lodge.example.edu", ("code", "abc")).as_str(),
            "http://127.0.0.1:1234/c?code=abc&state=st%26ate&iss=https%3A%2F%2Flodge.example.edu"
        );
    }

    #[test]
    fn only_an_s256_challenge_is_taken() {
        let with = |challenge: &str| HelperLogin::new("http://127.0.0.1:1234/c", "s", challenge, "h").map(|_| ());

        assert_eq!(with(CHALLENGE), Ok(()));
        for bad in ["", "plain", &CHALLENGE[1..], &format!("{CHALLENGE}="), &CHALLENGE.replace('-', "+")] {
            assert_eq!(with(bad), Err(HelperLoginError::Challenge), "{bad}");
        }
    }

    #[test]
    fn a_machine_cannot_dress_up_its_name() {
        let host = |text: &str| HelperLogin::new("http://127.0.0.1:1234/c", "s", CHALLENGE, text).unwrap().host;

        assert_eq!(host("laptop\r\n\u{202e}x"), "laptopx");
        assert_eq!(host(" \n"), "an unnamed machine");
        assert_eq!(host(&"h".repeat(99)).len(), 64);
    }
}
