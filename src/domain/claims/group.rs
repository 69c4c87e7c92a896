//! A group's name.

use std::str::FromStr;

use crate::domain::id::ParseError;

/// Our own bound, generous beside what was seen in the wild.
const MAX_GROUP_BYTES: usize = 512;

/// A group's name, exactly as the provider wrote it; compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(String);

impl Group {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Group {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = !text.is_empty() && text.len() <= MAX_GROUP_BYTES && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("group", "1 to 512 bytes without control characters"))
        }
    }
}
