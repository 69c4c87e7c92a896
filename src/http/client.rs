//! Where a request comes from, and what sent it: for the list of one's own sessions, and for the limits. Neither is ever
//! a reason to let somebody in.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};

use crate::app::{Broker, BrowserOrigin};
use crate::domain::person::DisplayName;

/// What every proxy writes, each at the end of what the one before it wrote.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Browsers, by a part of what they call themselves. The first that fits counts: most claim to be others as well.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, the same way.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// The address, where the server knows it.
    pub(super) address: Option<IpAddr>,
    /// What the browser calls itself, in short.
    pub(super) agent: Option<String>,
}

impl Client {
    /// As it is kept with a browser's session.
    pub(super) fn origin(self) -> BrowserOrigin {
        BrowserOrigin { address: self.address.map(|address| address.to_string()), agent: self.agent }
    }
}

impl FromRequestParts<Broker> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Infallible> {
        let address = address(broker, &parts.extensions, &parts.headers);
        Ok(Self { address, agent: agent(&parts.headers) })
    }
}

/// The address of whoever sent a request: the peer's, or what the proxies that we trust say of it. None where the server
/// does not know its peers, as in some tests.
pub(super) fn address(broker: &Broker, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    let trusted = |address: &IpAddr| broker.trusted_proxies.iter().any(|network| network.contains(address));
    let forwarded: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect();
    Some(behind(peer.ip().to_canonical(), trusted, &forwarded))
}

/// The rightmost address that is not a trusted proxy's. Whoever sends a request writes the left of the list as they like;
/// only what trusted proxies have added at its right is true.
fn behind(peer: IpAddr, trusted: impl Fn(&IpAddr) -> bool, forwarded: &[&str]) -> IpAddr {
    let mut address = peer;
    for entry in forwarded.iter().rev() {
        if !trusted(&address) {
            break;
        }
        let Some(next) = parsed(entry) else { break };
        address = next;
    }
    address
}

/// An address as proxies write it, some of them with a port.
fn parsed(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// `Firefox on Linux`; what it calls itself, cleaned and cut, where it is none that we know.
fn agent(headers: &HeaderMap) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(header::USER_AGENT)?.as_bytes());
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(part, _)| text.contains(part)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        _ => DisplayName::from_claim(&text).map(|name| name.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_trusted_proxies_added_is_believed() {
        let trusted =
            |address: &IpAddr| ["127.0.0.1", "10.0.0.7"].map(|a| a.parse::<IpAddr>().unwrap()).contains(address);
        let from = |peer: &str, forwarded: &[&str]| behind(peer.parse().unwrap(), trusted, forwarded).to_string();

        assert_eq!(from("127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("127.0.0.1", &["1.1.1.1", "203.0.113.9", "10.0.0.7"]), "203.0.113.9", "two proxies");
        assert_eq!(from("127.0.0.1", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9", "the left is anybody's word");
        assert_eq!(from("198.51.100.4", &["203.0.113.9"]), "198.51.100.4", "no proxy of ours");
        assert_eq!(from("127.0.0.1", &[]), "127.0.0.1", "a proxy that says nothing");
        assert_eq!(from("127.0.0.1", &["203.0.113.9", "<script>"]), "127.0.0.1", "one that says no address");
        assert_eq!(from("127.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(from("127.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(from("127.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(from("127.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn a_browser_is_named_in_three_words() {
        let named = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            agent(&headers).unwrap_or_default()
        };

        for (text, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36 Edg/131.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile \
                 Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
        ] {
            assert_eq!(named(text), name);
        }
        assert_eq!(named("a\tb\u{202e}c"), "abc", "nothing that turns or breaks a line");
        assert_eq!(named(&"x".repeat(999)).len(), 120);
        assert_eq!(agent(&HeaderMap::new()), None);
    }
}
