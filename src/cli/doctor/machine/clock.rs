//! The clock: AWS refuses what is signed with a clock that is five minutes wrong.

use chrono::TimeDelta;

use super::broker::Asked;
use super::check::{Check, Subject};

const CLOCK: Subject = Subject { name: "clock", title: "The clock" };

/// What AWS services tolerate between their clock and a signature; some tolerate fifteen minutes.
const REFUSED: TimeDelta = TimeDelta::minutes(5);

/// What a clock that is kept in step never comes to.
const ODD: TimeDelta = TimeDelta::seconds(60);

pub(super) fn checks(asked: &Asked) -> Option<Check> {
    asked.ahead.map(judge)
}

fn judge(ahead: TimeDelta) -> Check {
    let way = if ahead > TimeDelta::zero() { "behind" } else { "ahead of" };
    let says = || format!("this machine is {} {way} the broker", duration(ahead.abs()));
    match ahead.abs() {
        off if off >= REFUSED => {
            CLOCK.not_ok(format!("{}, and AWS refuses what is signed with such a clock", says()), remedy())
        }
        off if off >= ODD => CLOCK.warning(says(), remedy()),
        off => CLOCK.ok(format!("it is within {} of the broker's", duration(off.max(TimeDelta::seconds(1))))),
    }
}

const fn remedy() -> &'static str {
    if cfg!(target_os = "macos") {
        "sudo sntp -sS time.apple.com"
    } else if cfg!(windows) {
        "w32tm /resync"
    } else {
        "sudo timedatectl set-ntp true"
    }
}

fn duration(off: TimeDelta) -> String {
    let (one, many, count) = match off.num_seconds() {
        seconds @ ..120 => ("second", "seconds", seconds),
        seconds @ 120..7_200 => ("minute", "minutes", seconds / 60),
        seconds @ 7_200..172_800 => ("hour", "hours", seconds / 3_600),
        seconds => ("day", "days", seconds / 86_400),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off_and_in_which_direction() {
        let says = |ahead| judge(ahead).line();

        assert_eq!(says(TimeDelta::milliseconds(-300)), "The clock: it is within 1 second of the broker's.");
        assert_eq!(says(TimeDelta::seconds(90)), "The clock: this machine is 90 seconds behind the broker.");
        assert_eq!(
            says(TimeDelta::minutes(-7)),
            "The clock: this machine is 7 minutes ahead of the broker, and AWS refuses what is signed with such a clock."
        );
        assert!(says(TimeDelta::days(400)).contains("400 days behind"));
    }
}
