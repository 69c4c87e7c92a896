//! A time that somebody types: a day, a moment, or a span from now on.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

/// Longest span, in days: about a hundred years, so that no sum leaves the calendar.
const MAX_SPAN_DAYS: i64 = 36_500;

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At this moment.
    At(DateTime<Utc>),
    /// So long after now.
    After(TimeDelta),
}

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is a day (2026-12-24, to its end in UTC), a moment (2026-12-24T17:00:00Z) or a span (36h, 90d, 12w)")]
pub(crate) struct NotATime;

impl When {
    /// The moment that is meant by somebody who says it now.
    pub(crate) fn moment(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::After(span) => now + span,
        }
    }
}

impl FromStr for When {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let when = span(text).map(Self::After).or_else(|| end_of_day(text).or_else(|| moment(text)).map(Self::At));
        when.ok_or(NotATime)
    }
}

/// `90d`: hours, days or weeks; not none.
fn span(text: &str) -> Option<TimeDelta> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count = count.parse().ok()?;
    let span = match unit {
        "h" => TimeDelta::try_hours(count),
        "d" => TimeDelta::try_days(count),
        "w" => TimeDelta::try_weeks(count),
        _ => None,
    }?;
    (span > TimeDelta::zero() && span <= TimeDelta::days(MAX_SPAN_DAYS)).then_some(span)
}

/// `2026-12-24` lasts to the end of that day in UTC, which is when the next one begins.
fn end_of_day(text: &str) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)?;
    in_four_digits(day.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?.and_utc())
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    in_four_digits(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

/// RFC 3339 knows no other years.
fn in_four_digits(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (0..=9_999).contains(&at.year()).then_some(at)
}

#[cfg(test)]
mod tests {
    use crate::wire::timestamp;

    use super::*;

    fn at(text: &str) -> Option<String> {
        let now = DateTime::parse_from_rfc3339("2026-11-21T13:00:00.5Z").unwrap().to_utc();
        text.parse::<When>().ok().map(|when| timestamp(when.moment(now)))
    }

    #[test]
    fn a_day_lasts_to_its_end_in_utc() {
        assert_eq!(at("2026-12-24").as_deref(), Some("2026-12-25T00:00:00Z"));
        assert_eq!(at("2026-12-31").as_deref(), Some("2027-01-01T00:00:00Z"));
        assert_eq!(at("2028-02-28").as_deref(), Some("2028-02-29T00:00:00Z"));
    }

    #[test]
    fn a_moment_is_taken_to_utc() {
        assert_eq!(at("2026-12-24T17:00:00+01:00").as_deref(), Some("2026-12-24T16:00:00Z"));
        assert_eq!(at("2026-12-24T17:00:00.9Z").as_deref(), Some("2026-12-24T17:00:00Z"));
    }

    #[test]
    fn a_span_begins_now() {
        assert_eq!(at("36h").as_deref(), Some("2026-11-23T01:00:00Z"));
        assert_eq!(at("90d").as_deref(), Some("2027-02-19T13:00:00Z"));
        assert_eq!(at("12w").as_deref(), Some("2027-02-13T13:00:00Z"));
        assert_eq!(at("36500d").as_deref(), Some("2126-10-28T13:00:00Z"));
    }

    #[test]
    fn anything_else_is_no_time() {
        for bad in [
            "",
            "d",
            "0d",
            "-1d",
            "+1d",
            "1.5d",
            "1m",
            "90",
            "36501d",
            "99999999999999999999w",
            "9223372036854775807w",
            "90é",
            "tomorrow",
            "never",
            "24.12.2026",
            "2026-2-1",
            "2026-02-30",
            "9999-12-31",
            "+12026-1-1",
            "2026-12-24T17:00:00",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(at(bad), None, "{bad:?}");
        }
    }
}
