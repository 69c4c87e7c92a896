//! Who is signed in at this provider in which browser, and telling the applications when they leave.
//!
//! A session remembers when its person showed who they are, and goes on saying that time: an application that wants a
//! fresh sign-in has to ask for one.

use axum::extract::State;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use super::{SmallIdp, pages};

/// What the browser keeps.
const NAME: &str = "example_university";

/// A session that nobody ends is over after a working day.
const LIFETIME: TimeDelta = TimeDelta::hours(8);

/// Back-Channel Logout 1.0, section 2.4, recommends two minutes at most.
const LOGOUT_TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(2);

/// How long an application may take to hear that somebody left.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Somebody in a browser.
#[derive(Clone)]
pub(super) struct Session {
    /// `sid`
    pub(super) id: String,
    pub(super) subject: String,
    /// `auth_time`
    pub(super) authenticated_at: DateTime<Utc>,
    pub(super) used_second_factor: bool,
    /// The clients that were told of it.
    pub(super) clients: Vec<String>,
}

impl Session {
    pub(super) fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.authenticated_at + LIFETIME
    }
}

/// The word in the browser's cookie.
pub(super) fn in_browser(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    cookies.flat_map(|header| header.split("; ")).find_map(|cookie| cookie.strip_prefix(NAME)?.strip_prefix('='))
}

/// Leaves a word in the browser. The provider speaks plain HTTP on this machine, so the cookie is not `Secure`.
pub(super) fn remember(word: &str) -> [(HeaderName, HeaderValue); 1] {
    let cookie = format!("{NAME}={word}; Path=/; HttpOnly; SameSite=Lax");
    [(SET_COOKIE, HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static("")))]
}

/// The page that asks whether to leave.
pub(super) async fn ask(State(idp): State<SmallIdp>, headers: HeaderMap) -> Response {
    let now = idp.now();
    let session = in_browser(&headers).and_then(|word| idp.memory().session(word, now));
    let name = session.and_then(|session| idp.person(&session.subject).map(|person| person.name.clone()));
    pages::sign_out(name.as_deref()).into_response()
}

/// Ends the session of this browser, and tells every application that was told of it.
pub(super) async fn sign_out(State(idp): State<SmallIdp>, headers: HeaderMap) -> Response {
    let ended = in_browser(&headers).and_then(|word| idp.memory().end_session(word));
    if let Some(session) = &ended {
        idp.tell_of_logout(session).await;
    }
    (remember("; Max-Age=0"), pages::signed_out()).into_response()
}

impl SmallIdp {
    /// Back-Channel Logout 1.0, section 2.5. An application that does not listen learns nothing; nobody waits for it.
    async fn tell_of_logout(&self, session: &Session) {
        for client in session.clients.iter().filter_map(|id| self.client(id)) {
            let Some(uri) = client.backchannel_logout_uri.as_deref().and_then(|uri| Url::parse(uri).ok()) else {
                continue;
            };
            let now = self.now();
            let claims = json!({
                "iss": self.issuer(), "aud": client.id, "sub": session.subject, "sid": session.id,
                "iat": now.timestamp(), "exp": (now + LOGOUT_TOKEN_LIFETIME).timestamp(), "jti": self.secret(),
                "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            });
            let Some(token) = self.key().sign_as("logout+jwt", &claims) else { continue };
            self.memory().note_token(token.clone());
            let sent = tokio::time::timeout(PATIENCE, post(&uri, &format!("logout_token={token}"))).await;
            match sent {
                Ok(Ok(status)) => tracing::info!(client = client.id, status, "told an application of a logout"),
                Ok(Err(error)) => tracing::warn!(client = client.id, %error, "an application did not hear of a logout"),
                Err(_) => tracing::warn!(client = client.id, "an application took too long to hear of a logout"),
            }
        }
    }
}

/// Sends a form to an application on this machine, and gives the status of its answer. It is the one request that this
/// provider ever makes, so it is written out here: plain HTTP, one connection, nothing kept.
async fn post(uri: &Url, form: &str) -> std::io::Result<u16> {
    let host = uri.host_str().unwrap_or_default();
    let port = uri.port_or_known_default().unwrap_or(80);
    let mut stream = tokio::net::TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        uri.path(),
        form.len(),
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    let status =
        std::str::from_utf8(&answer).ok().and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok());
    status.ok_or_else(|| std::io::Error::other("not an HTTP answer"))
}
