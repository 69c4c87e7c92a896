//! Before which moment sessions are denied, and when that is over.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::domain::role_session::SESSION_MAX_SECONDS;

/// How far ahead the moment lies at least. It covers a call to STS that is under way, which ends within ten seconds, and a
/// clock of ours that is behind AWS's; AWS's own button takes as much.
const AHEAD: TimeDelta = TimeDelta::seconds(30);

/// How far AWS's clock may be ahead of ours. Further, and what it issued just before somebody was cut off could be newer than
/// the moment; a moment is half a minute ahead, and what is left of that is for rounding.
pub const CLOCK_BEHIND_MAX: TimeDelta = TimeDelta::seconds(20);

/// Moments fall on whole minutes, so that those who are cut off at about the same time share a statement.
const BUCKET: TimeDelta = TimeDelta::minutes(1);

/// Where there are many already, on every fifth: new credentials then have to wait for longer, and a day full of cut-offs
/// still fits into a policy.
const WIDE_BUCKET: TimeDelta = TimeDelta::minutes(5);

/// From so many moments on, there are many. With a few more, a day of 5,000 cut-offs would not fit.
pub const CROWDED: usize = 12;

/// How long after the moment the first session is issued again: a clock of ours may be ahead of AWS's.
pub const REISSUE_MARGIN: TimeDelta = TimeDelta::seconds(5);

/// How much later than an hour after the moment the last session of before it is dead in any case: SigV4 bears clocks that
/// are five minutes apart.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Sessions that AWS issued before this moment are denied. A whole second: `aws:TokenIssueTime` is no finer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DenyMoment(DateTime<Utc>);

impl DenyMoment {
    /// For whoever is cut off now, in a lab that has so many different moments.
    #[must_use]
    pub fn after(now: DateTime<Utc>, moments: usize) -> Self {
        let width = if moments < CROWDED { BUCKET } else { WIDE_BUCKET }.num_seconds();
        let least = (now + AHEAD).timestamp() + i64::from((now + AHEAD).timestamp_subsec_nanos() > 0);
        let seconds = least.div_euclid(width) * width + if least.rem_euclid(width) == 0 { 0 } else { width };
        Self(DateTime::from_timestamp(seconds, 0).unwrap_or(now))
    }

    /// As it is kept.
    #[must_use]
    pub const fn of(at: DateTime<Utc>) -> Self {
        Self(at)
    }

    /// The moment.
    #[must_use]
    pub const fn at(self) -> DateTime<Utc> {
        self.0
    }

    /// From when on a session can be issued that is not denied.
    #[must_use]
    pub fn reissue_at(self) -> DateTime<Utc> {
        self.0 + REISSUE_MARGIN
    }

    /// When every session of before it is dead by itself.
    #[must_use]
    pub fn over_at(self) -> DateTime<Utc> {
        self.0 + TimeDelta::seconds(i64::from(SESSION_MAX_SECONDS)) + SKEW
    }
}

impl fmt::Display for DenyMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_moment_is_the_next_whole_minute_that_is_half_a_minute_away() {
        for (now, moment) in [
            ("2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z"),
            ("2026-11-22T12:00:30Z", "2026-11-22T12:01:00Z"),
            ("2026-11-22T12:00:30.001Z", "2026-11-22T12:02:00Z"),
            ("2026-11-22T12:00:59.999999Z", "2026-11-22T12:02:00Z"),
        ] {
            assert_eq!(DenyMoment::after(at(now), CROWDED - 1).to_string(), moment, "{now}");
        }
    }

    #[test]
    fn where_there_are_many_moments_they_are_further_apart() {
        for (now, moment) in [
            ("2026-11-22T12:00:00Z", "2026-11-22T12:05:00Z"),
            ("2026-11-22T12:04:30Z", "2026-11-22T12:05:00Z"),
            ("2026-11-22T12:04:31Z", "2026-11-22T12:10:00Z"),
        ] {
            assert_eq!(DenyMoment::after(at(now), CROWDED).to_string(), moment, "{now}");
        }
    }

    /// At any moment of five minutes: never sooner than half a minute ahead, never further than the width allows.
    #[test]
    fn it_is_always_ahead_and_never_far() {
        let begin = at("2026-11-22T12:00:00Z");
        for millis in (0..300_000).step_by(137) {
            let now = begin + TimeDelta::milliseconds(millis);
            for (moments, width) in [(0, BUCKET), (CROWDED, WIDE_BUCKET)] {
                let ahead = DenyMoment::after(now, moments).at() - now;
                assert!(ahead >= AHEAD && ahead <= AHEAD + width, "{now}: {ahead}");
            }
        }
    }

    #[test]
    fn what_was_issued_before_it_is_dead_when_it_is_over() {
        let moment = DenyMoment::after(at("2026-11-22T12:00:00Z"), 0);

        assert_eq!(moment.reissue_at(), at("2026-11-22T12:01:05Z"));
        assert_eq!(moment.over_at(), at("2026-11-22T13:06:00Z"));
    }
}
