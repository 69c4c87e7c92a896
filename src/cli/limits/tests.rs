//! The verbs about limits, whole, against a stand-in broker.

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn, TOKEN};

fn limits(groups: (u32, bool), read: (u32, bool)) -> Value {
    let role = |name: &str, title: &str, spends: bool, (seconds, is_set): (u32, bool)| {
        json!({"name": name, "title": title, "spends": spends, "sign_in_max_age_seconds": seconds,
            "sign_in_max_age_is_set": is_set})
    };
    json!({"lab": "vision", "groups_max_age_seconds": groups.0, "groups_max_age_is_set": groups.1,
        "roles": [role("pay", "Pay workers", true, (3_600, false)), role("read-results", "Read results", false, read)]})
}

const DEFAULT: (u32, bool) = (2_592_000, false);
const WORKING_DAY: (u32, bool) = (43_200, false);

/// A broker whose `vision` has the first limits, and the second after a change.
fn broker(before: &Value, after: &Value) -> StandIn {
    let (before, after) = (before.to_string(), after.to_string());
    StandIn::start(move |_, line| match line {
        "GET /api/v1/labs/vision/limits" => ("200 OK", before.clone()),
        "PATCH /api/v1/labs/vision/limits" | "PATCH /api/v1/labs/vision/roles/read-results/limits" => {
            ("200 OK", after.clone())
        }
        _ => ("404 Not Found", String::new()),
    })
}

#[test]
fn show_is_a_table_or_json() {
    let held = limits((604_800, true), WORKING_DAY);
    let broker = broker(&held, &held);
    let desk = Desk::signed_in(&broker);

    let (exit, table, stderr) = desk.run(&["limits", "show", "vision"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(table, @"
    OF                   LIMIT                              AT MOST   SET BY
    vision               age of the groups                  7 days    the lab
    vision/pay           age of the sign-in (it can spend)  1 hour    default
    vision/read-results  age of the sign-in                 12 hours  default
    ");

    let (exit, stdout, stderr) = desk.run(&["limits", "show", "vision", "--json"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), held);
}

#[test]
fn set_says_what_holds_and_how_to_take_it_back() {
    let day = limits((86_400, true), WORKING_DAY);
    let month = limits(DEFAULT, (2_592_000, true));
    for (line, before, after, path, body, said) in [
        (
            ["vision", "--groups-age", "1d"],
            limits(DEFAULT, WORKING_DAY),
            &day,
            "limits",
            json!({"groups_max_age_seconds": 86_400}),
            "For vision, groups may be 1 day old at most.\n\
             To take it back: lodge limits set vision --groups-age default\n",
        ),
        (
            ["vision", "--groups-age", "default"],
            day.clone(),
            &month,
            "limits",
            json!({"groups_max_age_seconds": null}),
            "For vision, groups may be 30 days old at most, as by default.\n\
             To take it back: lodge limits set vision --groups-age 1d\n",
        ),
        (
            ["vision/read-results", "--sign-in-age", "30d"],
            limits(DEFAULT, (7_200, true)),
            &month,
            "roles/read-results/limits",
            json!({"sign_in_max_age_seconds": 2_592_000}),
            "For vision/read-results, a sign-in may be 30 days old at most.\n\
             To take it back: lodge limits set vision/read-results --sign-in-age 2h\n",
        ),
        (
            ["vision/read-results", "--sign-in-age", "30d"],
            month.clone(),
            &month,
            "roles/read-results/limits",
            json!({"sign_in_max_age_seconds": 2_592_000}),
            "For vision/read-results, a sign-in may be 30 days old at most.\nNothing has changed: it was so already.\n",
        ),
    ] {
        let broker = broker(&before, after);
        let line = [&["limits", "set"], &line[..]].concat();

        let ran = Desk::signed_in(&broker).run(&line);

        assert_eq!(ran, (Exit::Done, String::new(), said.to_owned()), "{line:?}");
        let asked = broker.asked().pop().unwrap();
        assert_eq!(asked.line, format!("PATCH /api/v1/labs/vision/{path}"));
        assert_eq!(serde_json::from_str::<Value>(&asked.body).unwrap(), body);
        assert_eq!(asked.content_type.as_deref(), Some("application/json"));
        assert_eq!(asked.authorization, Some(format!("Bearer {TOKEN}")));
    }
}

#[test]
fn set_prints_what_holds_for_programs() {
    let (before, after) = (limits(DEFAULT, WORKING_DAY), limits((3_600, true), WORKING_DAY));
    let broker = broker(&before, &after);

    let (exit, stdout, _) = Desk::signed_in(&broker).run(&["limits", "set", "vision", "--groups-age", "60m", "--json"]);

    assert_eq!((exit, serde_json::from_str::<Value>(&stdout).unwrap()), (Exit::Done, after));
}

#[test]
fn a_limit_of_something_else_asks_nobody_and_says_how() {
    let held = limits(DEFAULT, WORKING_DAY);
    let broker = broker(&held, &held);
    let desk = Desk::signed_in(&broker);

    for (line, said) in [
        (
            ["vision", "--sign-in-age", "1h"],
            "lodge: --sign-in-age is of a role; run: lodge limits set LAB/ROLE --sign-in-age AGE\n",
        ),
        (
            ["vision/pay", "--groups-age", "1h"],
            "lodge: --groups-age is of a lab; run: lodge limits set LAB --groups-age AGE\n",
        ),
    ] {
        let ran = desk.run(&[&["limits", "set"], &line[..]].concat());

        assert_eq!(ran, (Exit::Usage, String::new(), said.to_owned()));
    }
    for line in [
        &["limits"][..],
        &["limits", "show"],
        &["limits", "show", "vision/pay"],
        &["limits", "set", "vision"],
        &["limits", "set", "vision", "--groups-age", "soon"],
        &["limits", "set", "vision", "--groups-age", "1h", "--sign-in-age", "1h"],
        &["limits", "set", "vision/pay/x", "--sign-in-age", "1h"],
    ] {
        let (exit, stdout, stderr) = desk.run(line);

        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""), "{line:?}");
        assert!(!stderr.is_empty(), "{line:?}");
    }
    assert!(broker.asked().is_empty());
}

#[test]
fn a_refusal_is_the_sentence_of_the_broker() {
    let problem =
        json!({"type": "t", "title": "t", "status": 403, "detail": "This takes the standing of PI at least."});
    let broker = StandIn::start(move |_, _| ("403 Forbidden", problem.to_string()));
    for verb in [&["limits", "show", "vision"][..], &["limits", "set", "vision", "--groups-age", "7d"]] {
        let refused = (Exit::Failed, String::new(), "lodge: This takes the standing of PI at least.\n".to_owned());
        assert_eq!(Desk::signed_in(&broker).run(verb), refused, "{verb:?}");
        assert_eq!(Desk::new().run(verb).0, Exit::SignInNeeded, "{verb:?}");
    }
}
