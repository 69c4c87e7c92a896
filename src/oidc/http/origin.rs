//! Where the broker goes: origins, and networks.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::domain::id::ParseError;

/// Scheme, host and port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin of a web address; `None` for anything else.
    pub(in crate::oidc) fn of(url: &Url) -> Option<Self> {
        let is_web = matches!(url.scheme(), "http" | "https");
        is_web.then(|| Self(url.origin().ascii_serialization()))
    }

    fn exactly(text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        // What a browser would write: no path, no user, no port that is the scheme's own.
        (Self::of(&url)?.0 == text).then_some(url)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let form = "scheme, host and port as a browser writes them, such as https://sso.example.edu:8443";
        let url = Self::exactly(text).filter(|url| url.scheme() == "https");
        url.map(|_| Self(text.to_owned())).ok_or(ParseError::new("web origin", form))
    }
}

/// An origin on this very machine, by its address, that may be asked without TLS: for tests and for the demo.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InsecureOrigin(Origin);

impl InsecureOrigin {
    /// The origin.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.0
    }
}

impl FromStr for InsecureOrigin {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let form = "http, a loopback address and a port, such as http://127.0.0.1:39001";
        let is_loopback = |url: &Url| match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        let url = Origin::exactly(text).filter(|url| url.scheme() == "http" && is_loopback(url));
        url.map(|_| Self(Origin(text.to_owned()))).ok_or(ParseError::new("web origin", form))
    }
}

/// Where the broker goes for one provider, beside the issuer's own origin on the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Other origins that the provider's endpoints may have.
    pub endpoint_origins: Vec<Origin>,
    /// Networks of the campus that are not on the public internet and that the provider may be in.
    pub internal_networks: Vec<IpNet>,
    /// Origins that may be asked without TLS, on a loopback address.
    pub insecure_origins: Vec<InsecureOrigin>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_in_one_way() {
        for good in ["https://sso.example.edu", "https://sso.example.edu:8443", "https://[2001:db8::1]"] {
            assert_eq!(good.parse::<Origin>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "sso.example.edu",
            "http://sso.example.edu",
            "https://sso.example.edu/",
            "https://sso.example.edu/path",
            "https://sso.example.edu:443",
            "https://SSO.example.edu",
            "https://user@sso.example.edu",
            "file:///etc/passwd",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn without_tls_there_is_only_this_machine_by_its_address() {
        for good in ["http://127.0.0.1:39001", "http://[::1]:39001", "http://127.0.0.9"] {
            assert!(good.parse::<InsecureOrigin>().is_ok(), "{good}");
        }
        for bad in [
            "http://localhost:39001",
            "http://10.0.0.1:39001",
            "http://sso.example.edu",
            "https://127.0.0.1:39001",
            "http://127.0.0.1:39001/",
            "http://2130706433:39001",
            "http://[::ffff:127.0.0.1]:39001",
        ] {
            assert!(bad.parse::<InsecureOrigin>().is_err(), "{bad}");
        }
    }
}
