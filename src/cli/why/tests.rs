//! `lodge why`, whole, against a stand-in broker.

use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn};
use crate::domain::why::PASTED_MAX_BYTES;

const DENIAL: &str = "An error occurred (AccessDeniedException) when calling the SendBonus operation: User: \
    arn:aws:sts::111122223333:assumed-role/lodge-session/rs-fpgwmy8ytk324ss1 is not authorized to perform: \
    mechanicalturk:SendBonus because no session policy allows the mechanicalturk:SendBonus action";

fn answer() -> Value {
    json!({
        "lab": "vision", "finding": "session-policy", "is_not_ours": false,
        "says": "The policy of the role does not allow it. AWS is not at fault, and neither is the account.",
        "next": ["Use a role that allows it, if the lab has one: see below."],
        "menders": [{"kind": "pi", "says": "a PI of the lab"}],
        "error": {"kind": "denied", "says": "the call is not allowed", "code": "AccessDeniedException",
            "policy": "session policy", "is_explicit": false,
            "caller": "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-fpgwmy8ytk324ss1", "account_id": "111122223333"},
        "action": "mechanicalturk:SendBonus", "does": "pays a worker a bonus of whatever amount its sender types, at once",
        "resource": null, "role": "read-results", "for": null,
        "session": {"id": "rs-fpgwmy8ytk324ss1", "role": "read-results", "issued_at": "2026-11-21T12:30:00Z",
            "expires_at": "2026-11-21T13:30:00Z", "is_over": false, "policy_has_changed": false},
        "roles": [{"role": "pay", "title": "Pay workers", "reach": "plainly", "allows": "allows it", "chance": "no-mapping",
            "says": "No mapping gives it to a group that your sign-in brought. A PI can map one.", "group": null,
            "ends_at": null}],
        "whom": [{"id": "p-c355kk4jyt1vw1jc", "name": "Ada \u{202e}Marsh", "looks_like_another": false,
            "connection_title": "Example University", "standing": "pi"}],
    })
}

fn broker(answer: Value) -> StandIn {
    StandIn::start(move |_, _| ("200 OK", answer.to_string()))
}

/// A desk at which a tool has printed this.
fn desk(broker: &StandIn, printed: &str) -> Desk {
    let mut desk = Desk::signed_in(broker);
    let printed = printed.to_owned();
    desk.helper.printed = Arc::new(move |_| Ok(Zeroizing::new(printed.clone())));
    desk
}

#[test]
fn an_error_is_answered_with_what_stopped_it_and_what_would_help() {
    let broker = broker(answer());

    let (exit, stdout, stderr) = desk(&broker, DENIAL).run(&["why"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stdout, @"
    Action: mechanicalturk:SendBonus: pays a worker a bonus of whatever amount its sender types, at once
    Credentials: read-results, of 2026-11-21 12:30 UTC, good until 2026-11-21 13:30 UTC, in the AWS account 111122223333 (rs-fpgwmy8ytk324ss1)
    AWS names: session policy

    The policy of the role does not allow it. AWS is not at fault, and neither is the account.
    Who can do something: a PI of the lab.
    What to do next:
      - Use a role that allows it, if the lab has one: see below.
    Of the lab's roles:
      - pay allows it. No mapping gives it to a group that your sign-in brought. A PI can map one.
    Whom to ask: Ada Marsh (p-c355kk4jyt1vw1jc), PI.
    ");
    assert_eq!(broker.asked()[0].line, "POST /api/v1/why");
}

#[test]
fn of_what_was_printed_the_broker_is_sent_what_aws_says_and_nothing_else() {
    let broker = broker(answer());
    let printed = format!("$ export AWS_SECRET_ACCESS_KEY=canary-secret\ncanary-noise\n{DENIAL}\n-- canary-end");

    let (exit, stdout, stderr) = desk(&broker, &printed).run(&["why", "vision/read-results"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    let asked = &broker.asked()[0];
    assert_eq!(asked.line, "POST /api/v1/labs/vision/why");
    assert!(asked.body.contains("mechanicalturk:SendBonus") && asked.body.contains("\"role\":\"read-results\""));
    assert!(!asked.body.contains("canary") && !stdout.contains("canary"), "{asked:?} {stdout}");
}

#[test]
fn an_action_is_asked_about_without_an_error() {
    let asked_about = json!({
        "lab": "vision", "finding": "see-roles", "is_not_ours": false, "says": "This is what the lab's roles say to it.",
        "next": [], "menders": [], "error": null, "action": "mechanicalturk:DeleteHIT", "does": null, "resource": null,
        "role": null, "session": null, "roles": [], "whom": [],
        "for": {"id": "p-c355kk4jyt1vw1jc", "name": null, "looks_like_another": false},
    });
    let broker = broker(asked_about.clone());
    let desk = desk(&broker, "nobody reads this");
    let line = ["why", "vision", "--action", "mechanicalturk:DeleteHIT", "--for", "p-c355kk4jyt1vw1jc"];

    let (exit, stdout, stderr) = desk.run(&line);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stdout, @"
    Action: mechanicalturk:DeleteHIT
    For: somebody without a name (p-c355kk4jyt1vw1jc)

    This is what the lab's roles say to it.
    None of the lab's roles allows it.
    ");
    assert_eq!(broker.asked()[0].body, r#"{"action":"mechanicalturk:DeleteHIT","for":"p-c355kk4jyt1vw1jc"}"#);
    let (exit, stdout, _) = desk.run(&[&line[..], &["--json"]].concat());
    assert_eq!((exit, serde_json::from_str::<Value>(&stdout).unwrap()), (Exit::Done, asked_about));
}

#[test]
fn what_is_no_error_of_awss_is_said_here_and_sent_nowhere() {
    let broker = broker(answer());

    let (exit, _, stderr) = desk(&broker, "canary: permission denied").run(&["why"]);
    assert_eq!(exit, Exit::Usage);
    assert_eq!(
        stderr,
        "lodge: there is no error of AWS in that, in a form that is known; give the last lines that the tool printed, or \
         ask: lodge why --action SERVICE:ACTION LAB/ROLE\n"
    );
    let (exit, _, stderr) = desk(&broker, &"x".repeat(PASTED_MAX_BYTES + 1)).run(&["why"]);
    assert_eq!((exit, stderr.contains("more than 64 KiB")), (Exit::Usage, true), "{stderr}");
    assert!(broker.asked().is_empty());
    for wrong in [&["why", "--action", "a:b"][..], &["why", "--for", "p-c355kk4jyt1vw1jc"], &["why", "Vision/x/y"]] {
        assert_eq!(desk(&broker, DENIAL).run(wrong).0, Exit::Usage, "{wrong:?}");
    }
    assert_eq!(Desk::new().run(&["why", "--action", "a:b", "vision"]).0, Exit::SignInNeeded);
}

#[test]
fn somebody_at_a_terminal_is_told_what_to_paste() {
    let broker = broker(answer());
    let mut desk = Desk::signed_in(&broker);
    desk.helper.printed = Arc::new(|ask| {
        ask();
        Ok(Zeroizing::new(DENIAL.to_owned()))
    });

    let (exit, _, stderr) = desk.run(&["why"]);

    assert_eq!(exit, Exit::Done);
    assert_eq!(stderr, "Paste what the tool printed. Ctrl-D on a line of its own ends it; Ctrl-C stops:\n");
}
