//! Identifiers and names, parsed once at the edge.
//!
//! An identifier is opaque: a short prefix that says what it names, and random characters that say nothing. A name
//! ([`LabName`], [`RoleName`], [`ConnectionName`]) is what people type. Neither ever holds a character that means
//! something to a URL, a shell, an INI file or an ARN.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base 32, lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Bytes of randomness in an identifier: 80 bits, which is 16 characters.
pub const ID_ENTROPY_BYTES: usize = 10;

const ID_RANDOM_CHARS: usize = 16;

/// A string that is not what it should be. Names the kind of thing, never the string: it may come from a stranger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind}: {expected}")]
pub struct ParseError {
    kind: &'static str,
    expected: &'static str,
}

impl ParseError {
    pub(crate) const fn new(kind: &'static str, expected: &'static str) -> Self {
        Self { kind, expected }
    }
}

fn base32(bytes: [u8; ID_ENTROPY_BYTES]) -> String {
    let mut text = String::with_capacity(ID_RANDOM_CHARS);
    for group in bytes.chunks_exact(5) {
        let bits = group.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        for place in (0..8).rev() {
            let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET[index]));
        }
    }
    text
}

fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == ID_RANDOM_CHARS && rest.bytes().all(|b| ALPHABET.contains(&b)))
}

/// A name: starts with a letter, then letters, digits and single hyphens, all lower case, never ending in a hyphen.
fn is_name(text: &str, max_chars: usize) -> bool {
    text.len() <= max_chars
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! text_type {
    ($name:ident, $kind:literal, $expected:expr, |$text:ident| $valid:expr) => {
        impl $name {
            /// The text, as it is stored and sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str($text: &str) -> Result<Self, ParseError> {
                if $valid { Ok(Self($text.to_owned())) } else { Err(ParseError::new($kind, $expected)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseError;

            fn try_from(text: String) -> Result<Self, ParseError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every one of them starts with.
            pub const PREFIX: &'static str = $prefix;

            /// The identifier made of these random bytes.
            #[must_use]
            pub fn from_entropy(bytes: [u8; ID_ENTROPY_BYTES]) -> Self {
                Self(format!("{}{}", Self::PREFIX, base32(bytes)))
            }
        }

        text_type!($name, $kind, concat!("`", $prefix, "` and 16 characters"), |text| is_id(text, $prefix));
    )*};
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        text_type!(
            $name,
            $kind,
            concat!(
                "starts with a letter, then lower-case letters, digits and single hyphens, at most ",
                stringify!($max),
                " characters"
            ),
            |text| is_name(text, $max)
        );
    )*};
}

ids! {
    /// A lab, for ever; its name may change.
    LabId = "lab-", "lab id";
    /// A person: what stands in SourceIdentity, in the ledger and in CloudTrail instead of a name.
    PersonId = "p-", "person id";
    /// A mapping from a group to a role.
    MappingId = "map-", "mapping id";
    /// A completed sign-in at a university's provider.
    SignInId = "si-", "sign-in id";
    /// A sign-in that was begun and is not completed.
    TransactionId = "tx-", "transaction id";
    /// A helper's session on somebody's machine.
    CliSessionId = "cs-", "helper session id";
    /// A console session in somebody's browser.
    BrowserSessionId = "bs-", "browser session id";
    /// One issued STS session. Also its `RoleSessionName`, so that every CloudTrail event leads back to the ledger.
    RoleSessionId = "rs-", "role session id";
    /// A change of a mapping that waits for a second PI.
    MappingChangeId = "chg-", "mapping change id";
    /// An invitation to be a lab's PI.
    InvitationId = "inv-", "invitation id";
    /// Sessions that were cut off in a lab.
    CutOffId = "cut-", "cut-off id";
    /// A check of a lab's AWS account.
    AccountCheckId = "ac-", "account check id";
    /// Something that somebody did to a lab or to a person, as the ledger calls it.
    ActId = "act-", "act id";
}

names! {
    /// What people call a lab: `vision`.
    LabName, "lab name", 40;
    /// What people call a role: `read-results`.
    RoleName, "role name", 40;
    /// What the operator calls an identity provider: `campus`.
    ConnectionName, "connection name", 40;
}

/// A lab and a role in it, the way people always address a role: `vision/read-results`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleAddress {
    /// The lab.
    pub lab: LabName,
    /// The role in it.
    pub role: RoleName,
}

impl FromStr for RoleAddress {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (lab, role) =
            text.split_once('/').ok_or(ParseError::new("role", "LAB/ROLE, such as `vision/read-results`"))?;
        Ok(Self { lab: lab.parse()?, role: role.parse()? })
    }
}

impl fmt::Display for RoleAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.lab, self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_own_text() {
        let id = PersonId::from_entropy([0xff, 0, 1, 2, 3, 4, 5, 6, 7, 0xfe]);

        assert_eq!(id.as_str().len(), 2 + 16);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_ne!(id, PersonId::from_entropy([0; 10]));
    }

    #[test]
    fn every_bit_of_entropy_shows() {
        let zero = LabId::from_entropy([0; 10]);
        for bit in 0..80 {
            let mut bytes = [0; 10];
            bytes[bit / 8] = 1 << (bit % 8);
            assert_ne!(LabId::from_entropy(bytes), zero, "bit {bit}");
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let lab = LabId::from_entropy([1; 10]);

        assert!(lab.as_str().parse::<PersonId>().is_err());
        for text in ["", "p-", "p-0123456789abcdeF", "p-0123456789abcde", "p-0123456789abcdefg", "p-0123456789abcdeé"]
        {
            assert!(text.parse::<PersonId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_has_no_character_that_means_something_elsewhere() {
        for good in ["vision", "read-results", "a", "lab2", "x-1"] {
            assert!(good.parse::<LabName>().is_ok(), "{good}");
        }
        let long = "a".repeat(41);
        for bad in ["", "-a", "a-", "a--b", "2lab", "Vision", "a_b", "a/b", "a b", "a\nb", "a]b", "é", "..", &long] {
            assert!(bad.parse::<LabName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_role_is_addressed_by_lab_and_role() {
        let address: RoleAddress = "vision/read-results".parse().unwrap();

        assert_eq!((address.lab.as_str(), address.role.as_str()), ("vision", "read-results"));
        assert_eq!(address.to_string(), "vision/read-results");
        for bad in ["vision", "vision/", "/pay", "vision/pay/x", "vision pay", ""] {
            assert!(bad.parse::<RoleAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_error_never_repeats_what_was_sent() {
        let error = "<script>".parse::<LabName>().unwrap_err().to_string();

        assert!(!error.contains("script"), "{error}");
    }
}
