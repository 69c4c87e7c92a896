//! How long the sessions are that a mapping gives, as somebody types it and as somebody reads it.

use std::fmt;
use std::str::FromStr;

/// What [`NewMapping::max_duration_seconds`](crate::wire::labs::NewMapping::max_duration_seconds) may be.
const SECONDS: std::ops::RangeInclusive<u32> = 1_800..=3_600;

/// A longest session that a mapping may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionLength {
    /// In seconds.
    pub(crate) seconds: u32,
}

/// A text that is no such length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session lasts from 30 minutes to an hour: 30m, 1h, or a number of seconds such as 2700")]
pub(crate) struct NotASessionLength;

impl FromStr for SessionLength {
    type Err = NotASessionLength;

    fn from_str(text: &str) -> Result<Self, NotASessionLength> {
        let units = [("h", 3_600), ("m", 60), ("s", 1)];
        let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
        let (count, unit_seconds): (&str, u32) = unit.unwrap_or((text, 1));
        let count: u32 = count.parse().ok().filter(|_| !count.starts_with('+')).ok_or(NotASessionLength)?;
        let seconds = count.checked_mul(unit_seconds).filter(|seconds| SECONDS.contains(seconds));
        seconds.map(|seconds| Self { seconds }).ok_or(NotASessionLength)
    }
}

impl fmt::Display for SessionLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            seconds if seconds % 60 == 0 => write!(f, "{} min", seconds / 60),
            seconds => write!(f, "{seconds} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_hours_minutes_or_seconds() {
        let read = |text: &str| text.parse::<SessionLength>().map(|length| length.to_string());

        assert_eq!(read("30m").as_deref(), Ok("30 min"));
        assert_eq!(read("1h").as_deref(), Ok("60 min"));
        assert_eq!(read("2700").as_deref(), Ok("45 min"));
        assert_eq!(read("1801s").as_deref(), Ok("1801 s"));
        for bad in ["", "m", "29m", "1799", "3601", "61m", "2h", "+1h", "-1h", "0.5h", "4294967295h", "30 m", "none"] {
            assert_eq!(read(bad), Err(NotASessionLength), "{bad:?}");
        }
    }
}
