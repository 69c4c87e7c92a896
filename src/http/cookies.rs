//! The cookies: the session's, and one for each sign-in under way, which ties it to the browser that began it,
//! one for
//! an invitation on its way from the link to the button, and one for where one came from last.
//!
//! Over `https` they carry the `__Host-` prefix, so that no other host can set them; a browser refuses that prefix
//! over `http`, which only the demo uses.

use axum::http::{HeaderMap, HeaderValue, header};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::app::Broker;

/// Which cookie.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cookie<'a> {
    /// The browser's session.
    Session,
    /// A sign-in under way, by its label: two tabs can each have their own.
    SignIn(&'a str),
    /// An invitation that one is about to accept.
    Invitation,
    /// Where the browser's person came from last: a connection's name, and nothing that opens anything.
    Connection,
}

impl Cookie<'_> {
    fn name(self, secure: bool) -> String {
        let prefix = if secure { "__Host-" } else { "" };
        match self {
            Self::Session => format!("{prefix}lodge_session"),
            Self::Invitation => format!("{prefix}lodge_invitation"),
            Self::Connection => format!("{prefix}lodge_connection"),
            Self::SignIn(label) => format!("{prefix}lodge_sign_in_{label}"),
        }
    }

    /// The cookie's value in a request. Two different values under one name are none: somebody tossed one in.
    pub(super) fn read(self, broker: &Broker, headers: &HeaderMap) -> Option<SecretString> {
        let name = self.name(is_secure(broker));
        let mut values = pairs(headers).filter_map(|(key, value)| (key == name).then_some(value));
        let first = values.next()?;
        values.all(|other| other == first).then(|| first.to_owned().into())
    }

    /// Every sign-in that this browser has under way, or says it has: label and value.
    pub(super) fn sign_ins(broker: &Broker, headers: &HeaderMap) -> Vec<(String, SecretString)> {
        let prefix = Self::SignIn("").name(is_secure(broker));
        let is_label = |label: &str| label.len() == 12 && label.bytes().all(|b| b.is_ascii_hexdigit());
        pairs(headers)
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix.as_str())?, value)))
            .filter(|(label, _)| is_label(label))
            .map(|(label, value)| (label.to_owned(), value.to_owned().into()))
            .collect()
    }

    /// `Set-Cookie` for a value that lives this long.
    pub(super) fn set(self, broker: &Broker, value: &SecretString, max_age: chrono::TimeDelta) -> HeaderValue {
        self.header(broker, value.expose_secret(), max_age.num_seconds())
    }

    /// `Set-Cookie` that takes the cookie away.
    pub(super) fn clear(self, broker: &Broker) -> HeaderValue {
        self.header(broker, "", 0)
    }

    fn header(self, broker: &Broker, value: &str, max_age_seconds: i64) -> HeaderValue {
        let secure = is_secure(broker);
        let text = Zeroizing::new(format!(
            "{}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{}",
            self.name(secure),
            if secure { "; Secure" } else { "" }
        ));
        let mut header = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

/// Names and values, as they were sent.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

fn is_secure(broker: &Broker) -> bool {
    broker.public_url.scheme() == "https"
}
