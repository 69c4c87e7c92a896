//! Credentials that this machine keeps and that were cut off: AWS denies them, so they are worth less than none.

use chrono::{DateTime, Utc};

use super::Cache;
use crate::cli::Helper;
use crate::cli::broker_url::BrokerUrl;
use crate::cli::output::Output;
use crate::domain::id::RoleAddress;
use crate::wire::{Me, MyCutOff};

/// Deletes what is kept here of this broker and person and was cut off, as the broker says, so that the next call asks for
/// new ones. Gives the roles that they were for, by name. Warns of what cannot be deleted, which is no reason to stop.
pub(crate) fn forget_dead(helper: &Helper, broker: &BrokerUrl, me: &Me, output: &mut Output<'_>) -> Vec<RoleAddress> {
    let Some(cache) = Cache::of(helper) else { return Vec::new() };
    // When they were kept is by this machine's clock, and nothing was issued for half a minute before that moment of the
    // broker's: a clock that is off further keeps dead ones, or asks once more for good ones.
    let is_dead = |role: &RoleAddress, since| me.cut_offs.iter().any(|one| covers(one, role) && is_before(since, one));
    let forgotten = cache.forget(broker, &me.person_id, is_dead).inspect_err(|failure| {
        output.say(&format!("lodge: warning: credentials that were cut off are still kept on this machine: {failure}"));
    });
    let mut forgotten = forgotten.unwrap_or_default();
    forgotten.sort_by_key(ToString::to_string);
    forgotten
}

fn covers(cut_off: &MyCutOff, role: &RoleAddress) -> bool {
    let is_here = |of: &Option<String>, name: &str| of.as_ref().is_none_or(|of| of == name);
    is_here(&cut_off.lab, role.lab.as_str()) && is_here(&cut_off.role, role.role.as_str())
}

fn is_before(since: DateTime<Utc>, cut_off: &MyCutOff) -> bool {
    DateTime::parse_from_rfc3339(&cut_off.dead_before).is_ok_and(|before| since < before)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::stand_in::{Desk, StandIn, credentials};

    const DENIAL: &str = "An error occurred (AccessDenied) when calling the ListHITs operation: User: \
        arn:aws:sts::111122223333:assumed-role/lodge-session/rs-fpgwmy8ytk324ss1 is not authorized to perform: \
        mechanicalturk:ListHITs with an explicit deny in an identity-based policy";

    /// A broker of which these credentials are dead that are older, and which gives this as the reason of a denial.
    fn broker(cut_offs: &Value, finding: &'static str, about: &Value) -> StandIn {
        let me = json!({"person_id": "p-0123456789abcdef", "name": "Ada", "connection": "campus",
            "connection_title": "Example University", "signed_in_at": "2026-11-21T09:00:00Z",
            "session_expires_at": "2026-11-21T21:00:00Z", "groups": ["students"], "standings": [], "roles": [],
            "cut_offs": cut_offs});
        let why = json!({"lab": "vision", "finding": finding, "is_not_ours": false, "says": "It is denied.", "next": [],
            "menders": [], "error": null, "action": null, "does": null, "resource": null, "role": null, "for": about,
            "session": null, "roles": [], "whom": []});
        StandIn::start(move |_, line| match line {
            line if line.ends_with("/credentials") => ("200 OK", credentials()),
            "GET /api/v1/me" => ("200 OK", me.to_string()),
            line if line.ends_with("/why") => ("200 OK", why.to_string()),
            other => panic!("{other}"),
        })
    }

    /// What a desk says to this command that keeps credentials of 13:00 for three roles, and which of them it keeps then.
    fn after(broker: &StandIn, line: &[&str]) -> (String, String, Vec<String>) {
        let mut desk = Desk::signed_in(broker);
        desk.helper.printed = std::sync::Arc::new(|_| Ok(DENIAL.to_owned().into()));
        for role in ["vision/pay", "vision/read-results", "speech/pay"] {
            assert_eq!(desk.run(&["credential-process", role]).0, Exit::Done);
        }

        let (exit, stdout, stderr) = desk.run(line);

        assert_eq!(exit, Exit::Done, "{stderr}");
        let cache = Cache::of(&desk.helper).unwrap();
        let kept = cache.list(&broker.url.parse().unwrap(), "p-0123456789abcdef");
        (stdout, stderr, kept.iter().map(|(role, _)| role.to_string()).collect())
    }

    const BEFORE: &str = "2026-11-21T12:59:59Z";
    const AFTER: &str = "2026-11-21T13:00:01Z";

    fn cut_off(lab: Option<&str>, role: Option<&str>, dead_before: &str) -> Value {
        json!({"lab": lab, "role": role, "dead_before": dead_before})
    }

    #[test]
    fn a_look_at_how_one_stands_drops_what_is_older_than_its_cut_off() {
        let (vision, pay) = (Some("vision"), Some("pay"));
        let all = ["speech/pay", "vision/pay", "vision/read-results"];
        for (cut_offs, left) in [
            (json!([]), &all[..]),
            (
                json!([cut_off(vision, pay, AFTER), cut_off(vision, None, BEFORE)]),
                &["speech/pay", "vision/read-results"],
            ),
            (json!([cut_off(vision, None, BEFORE), cut_off(vision, None, AFTER)]), &["speech/pay"]),
            (json!([cut_off(None, None, AFTER)]), &[]),
            (json!([cut_off(None, None, BEFORE), cut_off(Some("language"), None, AFTER)]), &all),
            (json!([cut_off(None, None, "soon")]), &all),
        ] {
            let broker = broker(&cut_offs, "cut-off", &Value::Null);

            let (stdout, stderr, kept) = after(&broker, &["status"]);

            assert_eq!((stderr.as_str(), kept.iter().map(String::as_str).collect::<Vec<_>>().as_slice()), ("", left));
            assert_eq!(stdout.contains("Deleted from this machine"), left.len() < 3, "{stdout}");
            let (stdout, ..) = after(&broker, &["status", "--json"]);
            let told: Value = serde_json::from_str(&stdout).unwrap();
            let gone: Vec<_> = all.iter().filter(|role| !left.contains(role)).collect();
            assert_eq!((&told["forgotten"], told["cached"].as_array().unwrap().len()), (&json!(gone), left.len()));
        }
    }

    #[test]
    fn a_denial_that_comes_of_a_cut_off_drops_it_and_no_other_denial_does() {
        let all = json!([cut_off(None, None, AFTER)]);
        let (stdout, stderr, kept) = after(&broker(&all, "cut-off", &Value::Null), &["why"]);
        assert_eq!((stderr.as_str(), kept.len()), ("", 0));
        assert!(
            stdout.ends_with(
                "Deleted from this machine: credentials for speech/pay, vision/pay, vision/read-results that were cut off.\n"
            ),
            "{stdout}"
        );

        let somebody = json!({"id": "p-c355kk4jyt1vw1jc", "name": null, "looks_like_another": false});
        for (finding, about) in [("session-policy", &Value::Null), ("cut-off", &somebody)] {
            let broker = broker(&all, finding, about);

            let (stdout, _, kept) = after(&broker, &["why"]);

            assert_eq!((stdout.contains("Deleted"), kept.len()), (false, 3), "{finding}");
            assert!(!broker.asked().iter().any(|asked| asked.line == "GET /api/v1/me"));
        }
    }
}
