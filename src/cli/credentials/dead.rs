//! Credentials that this machine keeps and that were cut off: AWS denies them, so they are worth less than none.

use chrono::{DateTime, Utc};

use super::Cache;
use crate::cli::Helper;
use crate::cli::broker_url::BrokerUrl;
use crate::cli::failure::Failure;
use crate::domain::id::RoleAddress;
use crate::wire::Me;

/// Deletes what is kept here of this broker and person and was cut off, as the broker says. The next call then asks for new
/// ones. Says which roles they were for, by name.
///
/// # Errors
///
/// Whatever keeps one of them here.
pub(crate) fn forget_dead(helper: &Helper, broker: &BrokerUrl, me: &Me) -> Result<Vec<RoleAddress>, Failure> {
    let Some(cache) = Cache::of(helper) else { return Ok(Vec::new()) };
    let is_dead = |role: &RoleAddress, since: DateTime<Utc>| {
        let given = me.roles.iter().find(|given| given.lab == role.lab.as_str() && given.role == role.role.as_str());
        let dead_before = given.and_then(|given| given.dead_before.as_deref());
        let dead_before = dead_before.and_then(|before| DateTime::parse_from_rfc3339(before).ok());
        dead_before.is_some_and(|before| since < before)
    };
    let mut forgotten = cache.forget(broker, &me.person_id, is_dead)?;
    forgotten.sort_by_key(ToString::to_string);
    Ok(forgotten)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::stand_in::{Desk, StandIn};

    const DENIAL: &str = "An error occurred (AccessDenied) when calling the ListHITs operation: User: \
        arn:aws:sts::111122223333:assumed-role/lodge-session/rs-fpgwmy8ytk324ss1 is not authorized to perform: \
        mechanicalturk:ListHITs with an explicit deny in an identity-based policy";

    /// A broker of which these credentials are dead that are older, and which gives this as the reason of a denial.
    fn broker(dead_before: [Option<&str>; 2], finding: &'static str, about: &Value) -> StandIn {
        let role = |name: &str, dead_before: Option<&str>| {
            let role = json!({"lab": "vision", "role": name, "title": "Title", "ends_at": null});
            let mut role = role.as_object().unwrap().clone();
            role.extend(dead_before.map(|before| ("dead_before".to_owned(), json!(before))));
            Value::Object(role)
        };
        let me = json!({"person_id": "p-0123456789abcdef", "name": "Ada", "connection": "campus",
            "connection_title": "Example University", "signed_in_at": "2026-11-21T09:00:00Z",
            "session_expires_at": "2026-11-21T21:00:00Z", "groups": ["students"], "standings": [],
            "roles": [role("pay", dead_before[0]), role("read-results", dead_before[1])]});
        let why = json!({"lab": "vision", "finding": finding, "is_not_ours": false, "says": "It is denied.", "next": [],
            "menders": [], "error": null, "action": null, "does": null, "resource": null, "role": null, "for": about,
            "session": null, "roles": [], "whom": []});
        StandIn::start(move |_, line| match line {
            line if line.ends_with("/credentials") => (
                "200 OK",
                json!({"access_key_id": "ASIAEXAMPLE", "secret_access_key": "s", "session_token": "t",
                    "expiration": "2026-11-21T14:00:00Z", "account_id": "111122223333",
                    "role_session_id": "rs-0123456789abcdef"})
                .to_string(),
            ),
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

    const BEFORE: Option<&str> = Some("2026-11-21T12:59:59Z");
    const AFTER: Option<&str> = Some("2026-11-21T13:00:01Z");
    const ALL: [&str; 3] = ["speech/pay", "vision/pay", "vision/read-results"];

    #[test]
    fn a_look_at_how_one_stands_drops_what_is_older_than_its_cut_off() {
        let line = "Deleted from this machine: credentials for vision/pay that were cut off. The next call asks for new \
                    ones.\n";
        let cut_off = broker([AFTER, BEFORE], "cut-off", &Value::Null);

        let (stdout, stderr, kept) = after(&cut_off, &["status"]);
        assert_eq!(
            (stderr.as_str(), kept.as_slice()),
            ("", &["speech/pay", "vision/read-results"].map(str::to_owned)[..])
        );
        assert!(stdout.ends_with(line), "{stdout}");
        assert!(!stdout.contains("vision/pay           credentials until"), "{stdout}");

        let (stdout, _, kept) = after(&cut_off, &["status", "--json"]);
        let told: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&told["forgotten"], kept.len()), (&json!(["vision/pay"]), 2));

        let (stdout, _, kept) = after(&broker([None, Some("soon")], "cut-off", &Value::Null), &["status"]);
        assert_eq!((stdout.contains("Deleted"), kept.as_slice()), (false, &ALL.map(str::to_owned)[..]));
    }

    #[test]
    fn a_denial_that_comes_of_a_cut_off_drops_it_and_no_other_denial_does() {
        let (stdout, stderr, kept) = after(&broker([AFTER, AFTER], "cut-off", &Value::Null), &["why"]);
        assert_eq!((stderr.as_str(), kept.as_slice()), ("", &["speech/pay".to_owned()][..]));
        assert!(stdout.contains("credentials for vision/pay, vision/read-results that were cut off"), "{stdout}");

        let somebody = json!({"id": "p-c355kk4jyt1vw1jc", "name": null, "looks_like_another": false});
        for (finding, about) in [("session-policy", &Value::Null), ("cut-off", &somebody)] {
            let broker = broker([AFTER, AFTER], finding, about);

            let (stdout, _, kept) = after(&broker, &["why"]);

            assert_eq!(
                (stdout.contains("Deleted"), kept.as_slice()),
                (false, &ALL.map(str::to_owned)[..]),
                "{finding}"
            );
            assert!(!broker.asked().iter().any(|asked| asked.line == "GET /api/v1/me"));
        }
    }
}
