//! How a time of the API reads to a person.

use chrono::DateTime;

/// To the minute, in UTC; as it came, when it is none.
pub(crate) fn moment(at: &str) -> String {
    DateTime::parse_from_rfc3339(at)
        .map_or_else(|_| at.to_owned(), |at| at.to_utc().format("%Y-%m-%d %H:%M UTC").to_string())
}

/// To the second, in UTC; as it came, when it is none.
pub(crate) fn second(at: &str) -> String {
    DateTime::parse_from_rfc3339(at)
        .map_or_else(|_| at.to_owned(), |at| at.to_utc().format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_utc_and_anything_else_as_it_came() {
        assert_eq!(moment("2026-11-21T14:00:59+01:00"), "2026-11-21 13:00 UTC");
        assert_eq!(second("2026-11-21T14:00:59.7+01:00"), "2026-11-21 13:00:59 UTC");
        assert_eq!((moment("soon").as_str(), second("soon").as_str()), ("soon", "soon"));
    }
}
