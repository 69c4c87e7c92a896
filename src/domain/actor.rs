//! Who did something.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::{ParseError, PersonId};

/// Who did something to a lab or to a person, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// Somebody who signed in.
    Person(PersonId),
    /// Whoever runs the broker, by the account they had on its machine.
    Operator(OperatorName),
    /// The broker itself, by a rule of its own: nobody decided it.
    Broker,
}

impl Actor {
    /// Who, when it is somebody who signed in.
    #[must_use]
    pub const fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Operator(_) | Self::Broker => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "{person}"),
            Self::Operator(name) => write!(f, "operator {name}"),
            Self::Broker => f.write_str("the broker"),
        }
    }
}

/// An account on the broker's machine, as its operating system calls it. A note for whoever reads the ledger, not a
/// proof: who may run `lodged` there may also say who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperatorName(String);

impl OperatorName {
    /// The account's name, with what is no letter, digit, `.`, `_` or `-` left out; `unknown` when nothing is left.
    #[must_use]
    pub fn from_account(name: &str) -> Self {
        let clean: String = name.chars().filter(|c| is_fitting(*c)).take(Self::MAX_CHARS).collect();
        if clean.is_empty() { Self("unknown".to_owned()) } else { Self(clean) }
    }

    const MAX_CHARS: usize = 64;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_fitting(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

impl FromStr for OperatorName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let name = Self::from_account(text);
        if name.0 == text { Ok(name) } else { Err(ParseError::new("operator", "an account's name")) }
    }
}

impl TryFrom<String> for OperatorName {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<OperatorName> for String {
    fn from(name: OperatorName) -> Self {
        name.0
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_noted_without_what_could_mislead() {
        let noted = |name: &str| OperatorName::from_account(name).to_string();

        assert_eq!(noted("ada.marsh-2_x"), "ada.marsh-2_x");
        assert_eq!(noted("root\n\u{202e}x"), "rootx");
        assert_eq!(noted(" \u{7f}"), "unknown");
        assert_eq!(noted(&"a".repeat(99)).len(), 64);
        assert!("two words".parse::<OperatorName>().is_err());
    }
}
