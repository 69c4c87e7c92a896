//! The address of a broker: an origin, over TLS unless it is this machine.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use super::failure::BrokerUrlError;

/// A broker, such as `https://lodge.example.edu`: scheme, host and port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokerUrl {
    url: Url,
    text: String,
}

impl BrokerUrl {
    /// The origin, without a slash at the end.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The address of a path at this broker; the path starts with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Whether the broker is on this machine, where plain http is safe and a proxy makes no sense.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// The URL, when it is on this broker's own origin and names nobody: a token goes nowhere else.
    pub(crate) fn own(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let own = url.origin() == self.url.origin()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        own.then_some(url)
    }

    /// A file name that belongs to this broker.
    pub(crate) fn file_name(&self) -> String {
        let text: String = self
            .text
            .replace("://", "_")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' })
            .collect();
        format!("session_{text}.json")
    }
}

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| BrokerUrlError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(BrokerUrlError::PlainHttp),
            _ => return Err(BrokerUrlError::NotAUrl),
        }
        let more_than_an_origin = !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if more_than_an_origin {
            return Err(BrokerUrlError::MoreThanAnOrigin);
        }
        let text = url.origin().ascii_serialization();
        Ok(Self { url, text })
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether it leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // RFC 6761, section 6.3: this name always means this machine.
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(text: &str) -> Result<String, BrokerUrlError> {
        text.parse::<BrokerUrl>().map(|url| url.to_string())
    }

    #[test]
    fn an_address_becomes_an_origin() {
        assert_eq!(broker("https://Lodge.Example.edu/"), Ok("https://lodge.example.edu".into()));
        assert_eq!(broker("https://lodge.example.edu:443"), Ok("https://lodge.example.edu".into()));
        assert_eq!(broker("https://lodge.example.edu:8443"), Ok("https://lodge.example.edu:8443".into()));
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080", "http://127.9.9.9"] {
            assert!(broker(good).is_ok(), "{good}");
        }
        for bad in ["http://lodge.example.edu", "http://127.0.0.1.example.edu", "http://localhost.example.edu"] {
            assert_eq!(broker(bad), Err(BrokerUrlError::PlainHttp), "{bad}");
        }
    }

    #[test]
    fn anything_beyond_an_origin_is_refused() {
        for bad in
            ["https://x.edu/path", "https://x.edu/?a", "https://x.edu/#a", "https://me@x.edu", "https://:p@x.edu"]
        {
            assert_eq!(broker(bad), Err(BrokerUrlError::MoreThanAnOrigin), "{bad}");
        }
        for bad in ["", "lodge.example.edu", "lodge.example.edu:8080", "ftp://x.edu", "file:///etc/passwd"] {
            assert_eq!(broker(bad), Err(BrokerUrlError::NotAUrl), "{bad}");
        }
    }

    #[test]
    fn only_its_own_origin_is_its_own() {
        let broker: BrokerUrl = "https://lodge.example.edu".parse().unwrap();

        assert!(broker.own("https://lodge.example.edu/oauth/token").is_some());
        for other in [
            "http://lodge.example.edu/oauth/token",
            "https://lodge.example.edu:8443/oauth/token",
            "https://lodge.example.edu.evil.example/oauth/token",
            "https://evil@lodge.example.edu/oauth/token",
            "/oauth/token",
        ] {
            assert!(broker.own(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_file_name_holds_no_separator() {
        let broker: BrokerUrl = "http://[::1]:8080".parse().unwrap();

        assert_eq!(broker.file_name(), "session_http____1__8080.json");
    }
}
