//! What another machine's clock says, by the `Date` header of its answers.
//!
//! A header has whole seconds and was written somewhere between the request and the answer, so it tells no single
//! offset: what is said here is the smallest that explains it. A slow network then never looks like a wrong clock.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

/// A `Date` header, and when it was asked for and came.
#[derive(Clone, Copy, Debug)]
pub struct ServerTime {
    date: DateTime<Utc>,
    sent: Instant,
    received: Instant,
}

impl ServerTime {
    /// Reads a header (RFC 9110, section 6.6.1) of an answer that came just now, to a request sent at `sent`.
    #[must_use]
    pub fn read(header: &str, sent: Instant) -> Option<Self> {
        let date = DateTime::parse_from_rfc2822(header).ok()?.to_utc();
        Some(Self { date, sent, received: Instant::now() })
    }

    /// How far that clock is ahead of ours, at the least; negative when it is behind. `now` is what ours says.
    #[must_use]
    pub fn ahead(&self, now: DateTime<Utc>) -> TimeDelta {
        let ours_at = |instant: Instant| now - TimeDelta::from_std(instant.elapsed()).unwrap_or(TimeDelta::zero());
        smallest_offset(self.date, ours_at(self.sent), ours_at(self.received))
    }
}

/// The header stands for any moment within its second.
fn smallest_offset(date: DateTime<Utc>, sent: DateTime<Utc>, received: DateTime<Utc>) -> TimeDelta {
    let (least, most) = (date - received, date + TimeDelta::seconds(1) - sent);
    if least > TimeDelta::zero() { least } else { most.min(TimeDelta::zero()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_795_266_000_000 + millis).unwrap()
    }

    #[test]
    fn an_offset_is_the_smallest_that_explains_the_header() {
        for (date, sent, received, millis) in [
            (0, 500, 600, 0),
            (0, -4_000, 0, 0),
            (120_000, 500, 600, 119_400),
            (120_000, -9_000, 600, 119_400),
            (-120_000, 500, 9_000, -119_500),
            (-1_000, 500, 600, -500),
        ] {
            let offset = smallest_offset(at(date), at(sent), at(received));
            assert_eq!(offset.num_milliseconds(), millis, "{date} {sent} {received}");
        }
    }

    #[test]
    fn a_header_is_read_as_the_web_writes_it() {
        let now = Instant::now();

        let time = ServerTime::read("Sun, 06 Nov 1994 08:49:37 GMT", now).unwrap();
        assert_eq!(time.date.timestamp(), 784_111_777);
        assert!(time.ahead(time.date + TimeDelta::minutes(2)) < TimeDelta::seconds(-118));
        for bad in ["", "now", "1994-11-06T08:49:37Z"] {
            assert!(ServerTime::read(bad, now).is_none(), "{bad}");
        }
    }
}
