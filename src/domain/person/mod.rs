//! Who somebody is: the provider's issuer and its subject, and nothing else.
//!
//! An e-mail address or a user name can be given to another person next year; neither ever identifies anybody here.

#[cfg(feature = "server")]
mod look_alike;

use std::fmt;
use std::str::FromStr;

#[cfg(feature = "server")]
pub use look_alike::LookAlikes;

use super::id::{ConnectionName, ParseError};

/// `sub` is at most 255 ASCII characters (OpenID Connect Core 1.0, section 2).
const SUBJECT_MAX_CHARS: usize = 255;

/// Our own bound on a name for display; a longer one is cut.
const DISPLAY_NAME_MAX_CHARS: usize = 120;

/// The `iss` of a provider, byte for byte as it is configured: `https://a` and `https://a/` are two issuers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer(String);

impl Issuer {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Issuer {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = (text.starts_with("https://") || text.starts_with("http://"))
            && text.len() <= 2_048
            && text.bytes().all(|b| b.is_ascii_graphic())
            && !text.contains(['?', '#']);
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseError::new("issuer", "a URL without query or fragment")) }
    }
}

/// What no provider needs in a `sub`, and what means something to a shell, a page or a query.
const SUBJECT_FORBIDDEN: &[u8] = b"\"'`\\<>;&$(){}[]";

/// The `sub` of a person at a provider: non-empty, at most 255 printable ASCII characters, no space, none of
/// `"'` `` ` `` `\<>;&$(){}[]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}

impl FromStr for Subject {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let is_plain = |b: u8| b.is_ascii_graphic() && !SUBJECT_FORBIDDEN.contains(&b);
        let fits = !text.is_empty() && text.len() <= SUBJECT_MAX_CHARS && text.bytes().all(is_plain);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new(
                "subject",
                "1 to 255 printable ASCII characters (OpenID Connect Core, section 2), without quotes and brackets",
            ))
        }
    }
}

/// What makes somebody the same person tomorrow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PersonKey {
    /// Where they signed in. The same issuer behind two connections is two people.
    pub connection: ConnectionName,
    /// The provider.
    pub issuer: Issuer,
    /// The person, at that provider.
    pub subject: Subject,
}

/// A name to show. Never compared, never a key; kept apart from the ledger so that it can be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// What is left of a provider's `name` once everything that could mislead a reader is out: control characters,
    /// line and paragraph separators, and the marks that turn the reading direction. `None` when nothing is left.
    #[must_use]
    pub fn from_claim(text: &str) -> Option<Self> {
        let clean: String =
            text.chars().filter(|c| !c.is_control() && !is_invisible(*c)).take(DISPLAY_NAME_MAX_CHARS).collect();
        let clean = clean.trim();
        (!clean.is_empty()).then(|| Self(clean.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it takes no room of its own where it stands: soft hyphens and joiners, zero-width characters, bidirectional
/// controls, line and paragraph separators, fillers, variation selectors, tags, the byte order mark.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_printable_ascii_of_bounded_length() {
        let (longest, too_long) = ("s".repeat(255), "s".repeat(256));
        for good in [
            "248289761001",
            "http://cilogon.org/serverA/users/12345",
            "a1b2c3d4@egi.eu",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "00uhzsq8pw9e3xaK50h7",
            "auth0|5f7c8ec7c33c6c004bbafe82",
            "YWJjZGVm+/=_-~",
            "https://idp.example.edu/idp/shibboleth!https://lodge.example.edu!4a5b",
            &longest,
        ] {
            assert!(good.parse::<Subject>().is_ok(), "{good}");
        }
        for forbidden in SUBJECT_FORBIDDEN {
            assert!(format!("a{}b", char::from(*forbidden)).parse::<Subject>().is_err(), "{forbidden}");
        }
        for bad in ["", " ", "a b", "a\n", "a\u{0}", "jürgen", "a\u{200b}", &too_long] {
            assert!(bad.parse::<Subject>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn issuers_are_compared_byte_for_byte() {
        let plain: Issuer = "https://sso.example.edu".parse().unwrap();

        assert_ne!(plain, "https://sso.example.edu/".parse().unwrap());
        for bad in ["sso.example.edu", "https://a/?x=1", "https://a/#x", "https://a b", "file:///etc/passwd"] {
            assert!(bad.parse::<Issuer>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_display_name_cannot_turn_or_break_a_line() {
        let shown = |text| DisplayName::from_claim(text).map(|name| name.as_str().to_owned());

        assert_eq!(shown("  Ada \u{202e}Lovelace\r\n\u{1b}[31m"), Some("Ada Lovelace[31m".to_owned()));
        assert_eq!(shown("\u{200b}\n"), None);
        assert_eq!(shown(&"x".repeat(500)).map(|name| name.len()), Some(120));
    }
}
