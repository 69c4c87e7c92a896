//! How old something may be, as somebody types it and as somebody reads it.

use std::fmt;
use std::str::FromStr;

const UNITS: [(&str, u32, &str); 4] =
    [("d", 86_400, "day"), ("h", 3_600, "hour"), ("m", 60, "minute"), ("s", 1, "second")];

/// An age. Whether a lab may set it is the broker's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Age {
    /// In seconds.
    pub(super) seconds: u32,
}

/// An age that is set, or left to the broker with the word `default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AgeOrDefault(pub(super) Option<Age>);

/// A text that is no age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an age is a whole number with its unit, such as 90m, 12h or 30d, or the word default")]
pub(crate) struct NotAnAge;

impl FromStr for AgeOrDefault {
    type Err = NotAnAge;

    fn from_str(text: &str) -> Result<Self, NotAnAge> {
        if text == "default" {
            return Ok(Self(None));
        }
        let unit = UNITS.iter().find_map(|(unit, seconds, _)| Some((text.strip_suffix(unit)?, *seconds)));
        let (count, unit_seconds) = unit.ok_or(NotAnAge)?;
        let count: u32 = count.parse().ok().filter(|_| !count.starts_with('+')).ok_or(NotAnAge)?;
        let seconds = count.checked_mul(unit_seconds).ok_or(NotAnAge)?;
        Ok(Self(Some(Age { seconds })))
    }
}

impl Age {
    /// As it is typed: `7d`.
    pub(super) fn typed(self) -> String {
        let (count, (unit, ..)) = self.in_largest_unit();
        format!("{count}{unit}")
    }

    fn in_largest_unit(self) -> (u32, (&'static str, u32, &'static str)) {
        let unit = UNITS
            .into_iter()
            .find(|(_, seconds, _)| self.seconds.is_multiple_of(*seconds))
            .unwrap_or(("s", 1, "second"));
        (self.seconds / unit.1, unit)
    }
}

/// As it is read: `7 days`.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, (_, _, name)) = self.in_largest_unit();
        write!(f, "{count} {name}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_with_its_unit() {
        for (text, typed, read) in [
            ("7d", "7d", "7 days"),
            ("24h", "1d", "1 day"),
            ("36h", "36h", "36 hours"),
            ("90m", "90m", "90 minutes"),
            ("60m", "1h", "1 hour"),
            ("61s", "61s", "61 seconds"),
        ] {
            let age = text.parse::<AgeOrDefault>().unwrap().0.unwrap();
            assert_eq!((age.typed().as_str(), age.to_string().as_str()), (typed, read));
        }
        assert_eq!("default".parse(), Ok(AgeOrDefault(None)));
        for bad in ["", "d", "7", "+7d", "-7d", "1.5d", "7 d", "7D", "1w", "49711d", "4294967296s", "never", "none"] {
            assert_eq!(bad.parse::<AgeOrDefault>(), Err(NotAnAge), "{bad:?}");
        }
    }
}
