//! This machine's clock against those of whoever answered.

use chrono::{DateTime, TimeDelta, Utc};
use lodge::oidc::CLOCK_LEEWAY;
use lodge::server_time::ServerTime;

use super::check::{Check, Outcome};

const NAME: &str = "clock";

/// Above this somebody should look: clocks that NTP keeps are within a fraction of a second, so one that is off this
/// far is not kept, and goes on drifting.
const KEPT: TimeDelta = TimeDelta::seconds(5);

pub(super) fn check(times: &[(String, ServerTime)], now: DateTime<Utc>) -> Check {
    let ahead: Vec<_> = times.iter().map(|(name, time)| (name.as_str(), time.ahead(now))).collect();
    let (outcome, says) = judge(&ahead);
    Check::new(NAME, outcome, says)
}

/// How far the clocks of others are ahead of ours.
fn judge(ahead: &[(&str, TimeDelta)]) -> (Outcome, String) {
    let Some((_, worst)) = ahead.iter().max_by_key(|(_, ahead)| ahead.abs()) else {
        let says = "could not be compared, since nobody who answered told the time: run this again once somebody does";
        return (Outcome::Warning, says.to_owned());
    };
    let all = ahead.iter().map(|(name, ahead)| compared(name, *ahead)).collect::<Vec<_>>().join(", ");
    let limit = CLOCK_LEEWAY.num_seconds();
    if worst.abs() > CLOCK_LEEWAY {
        let says = format!(
            "{all}: sign-ins fail above {limit} s; let NTP set this machine's clock, if it is the one that is off"
        );
        (Outcome::Failed, says)
    } else if worst.abs() > KEPT {
        (Outcome::Warning, format!("{all}: let NTP keep this machine's clock, for above {limit} s sign-ins fail"))
    } else {
        (Outcome::Ok, all)
    }
}

/// In whole seconds: a header has no more.
fn compared(name: &str, ahead: TimeDelta) -> String {
    match ahead.num_seconds() {
        0 => format!("0 s off that of {name}"),
        seconds @ 1.. => format!("{seconds} s behind that of {name}"),
        seconds => format!("{} s ahead of that of {name}", -seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_that_is_off_furthest_decides() {
        let seconds = TimeDelta::seconds;
        for (ahead, outcome, says) in [
            (&[][..], Outcome::Warning, "could not be compared"),
            (&[("a", seconds(0)), ("b", seconds(-5))][..], Outcome::Ok, "0 s off that of a, 5 s ahead of that of b"),
            (&[("a", seconds(6))][..], Outcome::Warning, "6 s behind that of a: let NTP keep"),
            (&[("a", seconds(60))][..], Outcome::Warning, "60 s behind"),
            (
                &[("a", seconds(0)), ("b", seconds(-61))][..],
                Outcome::Failed,
                "61 s ahead of that of b: sign-ins fail above 60 s",
            ),
        ] {
            let judged = judge(ahead);
            assert_eq!(judged.0, outcome, "{ahead:?}");
            assert!(judged.1.contains(says), "{}", judged.1);
        }
    }
}
