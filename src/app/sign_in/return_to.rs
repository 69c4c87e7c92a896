//! Where a sign-in leads in the end.

use std::fmt;
use std::str::FromStr;

use crate::domain::id::ParseError;

/// The longest there is: the cookie of a sign-in under way holds it, and a browser keeps 4,096 bytes of a cookie.
const MAX_CHARS: usize = 2_048;

/// A page of ours to go to after signing in: a path that cannot be mistaken for another site.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

impl fmt::Debug for ReturnTo {
    /// Without the query: a helper's state is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReturnTo").field(&self.0.split('?').next()).finish()
    }
}

impl Default for ReturnTo {
    fn default() -> Self {
        Self::home()
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

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let ours = matches!(text, "/" | "/invitation" | "/sessions" | "/operator")
            || ["/labs/", "/operator/", "/oauth/authorize?"].iter().any(|start| text.starts_with(start));
        let plain = text.len() <= MAX_CHARS && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        if ours && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("page to return to", "a page of ours"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_returns_to_a_page_of_ours_only() {
        for good in [
            "/",
            "/invitation",
            "/sessions",
            "/oauth/authorize?client_id=lodge-cli&state=x",
            "/labs/vision",
            "/labs/vision/mappings/new?group=a%2Fb",
            "/operator",
            "/operator/people",
        ] {
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
            "/labs",
            "/labs/vision\\..\\evil",
            "/labsx/",
            "javascript:alert(1)",
        ] {
            assert!(bad.parse::<ReturnTo>().is_err(), "{bad:?}");
        }
    }
}
