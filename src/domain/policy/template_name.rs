//! What a template is called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::ParseError;

/// Where a template lives: `mturk/read-results` is `policies/mturk/read-results.json`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateName(String);

impl TemplateName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pack that it is in.
    #[must_use]
    pub fn pack(&self) -> &str {
        self.0.split_once('/').map_or("", |(pack, _)| pack)
    }

    /// What it is called there.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl FromStr for TemplateName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let part = |part: &str| {
            !part.is_empty()
                && part.len() <= 40
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match text.split_once('/') {
            Some((pack, name)) if part(pack) && part(name) => Ok(Self(text.to_owned())),
            _ => Err(ParseError::new("template name", "PACK/NAME in lower-case letters, digits and hyphens")),
        }
    }
}

impl TryFrom<String> for TemplateName {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<TemplateName> for String {
    fn from(name: TemplateName) -> Self {
        name.0
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_a_pack_and_a_name() {
        let name: TemplateName = "s3-data/read".parse().unwrap();
        assert_eq!((name.to_string().as_str(), name.pack(), name.name()), ("s3-data/read", "s3-data", "read"));
        for bad in ["", "mturk", "mturk/", "/pay", "mturk/pay/x", "../mturk/pay", "MTurk/pay", "mturk/pay.json"] {
            assert!(bad.parse::<TemplateName>().is_err(), "{bad}");
        }
    }
}
