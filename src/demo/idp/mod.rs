//! The small identity provider: signs in anyone who presses a button, and is otherwise a correct OpenID provider.
//!
//! The demo runs on it and so do the tests, so it refuses what a real provider refuses: an unknown redirect, a request
//! without PKCE, a code used twice, a wrong secret. Like a real one it remembers who is in which browser since when, tells
//! a sign-in with a second factor from one without, and tells the applications when somebody signs out. It keeps everything in memory, and nothing without a limit. It must
//! never ship: the feature `demo` is not part of what is deployed.

mod authorize;
mod discovery;
mod keys;
mod pages;
mod parameters;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod token;
mod userinfo;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use url::Url;

use crate::ambient::{Clock, Random};

use keys::SigningKey;
pub use keys::generate_signing_key;
use state::Memory;

/// What it calls a sign-in with a second factor (refeds.org/profile/mfa).
const SECOND_FACTOR: &str = "https://refeds.org/profile/mfa";

/// Largest form that is read.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What the provider is made of.
#[derive(Clone)]
pub struct Settings {
    /// Its own URL, as clients know it, without a slash at the end.
    pub issuer: String,
    /// Who may send people here.
    pub clients: Vec<Client>,
    /// Who can be signed in.
    pub people: Vec<Person>,
    /// The ES256 key that signs ID tokens, as PKCS #8: see [`generate_signing_key`].
    pub signing_key_pkcs8: Vec<u8>,
}

/// A relying party.
#[derive(Clone)]
pub struct Client {
    /// Its name towards the provider.
    pub id: String,
    /// What it proves itself with at the token endpoint.
    pub secret: String,
    /// Where people may be sent back to, compared character by character.
    pub redirect_uris: Vec<String>,
    /// Where it wants to hear that somebody left: plain HTTP, on this machine.
    pub backchannel_logout_uri: Option<String>,
}

/// Somebody who can be signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `sub`: never changes, never goes to anybody else.
    pub subject: String,
    /// What they would type: `student`.
    pub username: String,
    /// What they are called: `name`.
    pub name: String,
    /// One line on their button.
    pub title: String,
    /// `groups`; `None` leaves the claim out altogether.
    pub groups: Option<Vec<String>>,
}

/// Why the provider cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The issuer is no URL, or ends in a slash.
    #[error("the issuer must be an http or https URL without a slash at the end")]
    Issuer,
    /// A redirect address is no URL, or has a fragment.
    #[error("a redirect URI must be a URL without a fragment")]
    RedirectUri,
    /// The key is not an ES256 key in PKCS #8.
    #[error("the signing key must be a P-256 key in PKCS #8")]
    SigningKey,
}

/// The provider. A clone is the same provider.
#[derive(Clone)]
pub struct SmallIdp(Arc<Inner>);

struct Inner {
    settings: Settings,
    key: SigningKey,
    clock: Clock,
    random: Random,
    memory: Mutex<Memory>,
}

impl SmallIdp {
    /// The provider with these settings.
    ///
    /// # Errors
    ///
    /// When the issuer, a redirect address or the key is not what it must be.
    pub fn new(settings: Settings, clock: Clock, random: Random) -> Result<Self, Error> {
        let web = |text: &str| Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !web(&settings.issuer) || settings.issuer.ends_with('/') {
            return Err(Error::Issuer);
        }
        let redirect = |text: &String| Url::parse(text).is_ok_and(|url| url.fragment().is_none());
        if !settings.clients.iter().flat_map(|client| &client.redirect_uris).all(redirect) {
            return Err(Error::RedirectUri);
        }
        let key = SigningKey::new(&settings.signing_key_pkcs8)?;
        Ok(Self(Arc::new(Inner { settings, key, clock, random, memory: Mutex::new(Memory::default()) })))
    }

    /// Its endpoints, relative to the issuer.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery::configuration))
            .route("/jwks", get(discovery::jwks))
            .route("/authorize", get(authorize::authorize))
            .route("/sign-in", post(authorize::sign_in))
            .route("/sign-out", get(session::ask).post(session::sign_out))
            .route("/token", post(token::token))
            .route("/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self.clone())
    }

    /// Every code, ID token and access token issued lately, oldest first: a test searches logs and databases for them.
    #[must_use]
    pub fn issued(&self) -> Vec<String> {
        self.memory().issued()
    }

    fn issuer(&self) -> &str {
        &self.0.settings.issuer
    }

    fn client(&self, id: &str) -> Option<&Client> {
        self.0.settings.clients.iter().find(|client| client.id == id)
    }

    fn people(&self) -> &[Person] {
        &self.0.settings.people
    }

    fn person(&self, subject: &str) -> Option<&Person> {
        self.people().iter().find(|person| person.subject == subject)
    }

    fn key(&self) -> &SigningKey {
        &self.0.key
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// A word that nobody guesses.
    fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.random.bytes::<32>())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("issuer", &self.issuer)
            .field("clients", &self.clients)
            .field("people", &self.people)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("redirect_uris", &self.redirect_uris)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SmallIdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmallIdp").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}
