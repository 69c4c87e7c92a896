//! Each form of the command: what it asks for, what it says at once, and which forms there are not.

use super::*;
use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, TOKEN};

#[test]
fn each_form_of_the_command_asks_for_just_that() {
    let broker = broker(vec![cut_off(1)]);
    let all_labs = super::broker(vec![everywhere(&[], true, true)]);
    let (of_lab, me) = ("POST /labs/vision/cut-offs", "POST /me/cut-off");
    let operators = "POST /operator/people/p-000000000000000b/cut-off";
    let see = "/cut-offs/cut-0123456789abcdef";
    let nothing = Value::Null;
    for (broker, line, asked, body) in [
        (&broker, &["vision", "--person", PERSON][..], of_lab, json!({"person": PERSON})),
        (&broker, &["vision", "--role", "pay", "--hold"], of_lab, json!({"role": "pay", "hold": true})),
        (&broker, &["vision", "--all", "--reason", " a leak "], of_lab, json!({"everyone": true, "reason": "a leak"})),
        (&broker, &["vision", "--show", CUT], &format!("GET /labs/vision{see}"), nothing.clone()),
        (&broker, &["vision", "--lift", CUT], &format!("POST /labs/vision{see}/lift"), nothing.clone()),
        (&all_labs, &["--me"], me, json!({})),
        (&all_labs, &["--me", "--reason", "stolen"], me, json!({"reason": "stolen"})),
        (&all_labs, &["--person", PERSON, "--everywhere"], operators, json!({})),
        (&all_labs, &["--me", "--show", CUT], &format!("GET /me{see}"), nothing.clone()),
        (
            &all_labs,
            &["--person", PERSON, "--everywhere", "--show", CUT],
            &format!("GET /operator/people/{PERSON}{see}"),
            nothing,
        ),
    ] {
        let (exit, _, stderr) = Desk::signed_in(broker).run(&[&["revoke"], line].concat());

        assert_eq!(exit, Exit::Done, "{line:?}: {stderr}");
        assert_eq!(lines(broker).pop().as_deref(), Some(asked), "{line:?}");
        let last = broker.asked().pop().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&last.body).unwrap_or_default(), body, "{line:?}");
        assert_eq!(last.authorization, Some(format!("Bearer {TOKEN}")));
    }
}

#[test]
fn without_waiting_it_says_what_is_known_and_how_to_see_the_rest() {
    let broker = broker(vec![cut_off(1)]);

    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&["revoke", "vision", "--person", PERSON]);

    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stdout, @"
    Cut off:      Ada (p-000000000000000b), in vision
    By:           Grace (p-0123456789abcdef)
    Why:          laptop stolen
    Sessions:     2 lived; denied is what AWS issued before 2026-11-21 13:01:00 UTC

    ok      2026-11-21 13:00:00 UTC  nothing is issued to them any more
    -       the deny is still to be written
    -       the deny is still to be read back
    -       no denial was seen yet

    AWS does not have it yet. Once it has, it may take some minutes to go by it everywhere.
    The sessions die anyway, the last of them at 2026-11-21 13:59:10 UTC.
    New credentials are issued again from 2026-11-21 13:01:05 UTC on.
    Machines on which they are still signed in can get new ones then: cut off with --hold to keep them out.
    ");
    insta::assert_snapshot!(stderr, @"
    To follow it: lodge revoke vision --show cut-0123456789abcdef --wait
    ");
    assert_eq!(lines(&broker).len(), 1);
}

#[test]
fn what_is_held_says_how_to_lift_it_and_what_was_lifted_that_it_was() {
    let held = json!({"held": true, "reissue_at": null});
    let lifted = json!({"lifted_at": "2026-11-21T13:05:00Z", "reissue_at": "2026-11-21T13:05:00Z"});
    let said = |other: &Value, line: &[&str]| {
        let desk = Desk::signed_in(&broker(vec![with(cut_off(4), other)]));
        desk.clock.advance(chrono::TimeDelta::minutes(10));
        let (exit, stdout, stderr) = desk.run(line);
        assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
        stdout.lines().last().unwrap().to_owned()
    };

    assert_eq!(
        said(&held, &["revoke", "vision", "--role", "pay", "--hold"]),
        "New credentials are kept back until somebody lifts that: lodge revoke vision --lift cut-0123456789abcdef"
    );
    assert_eq!(said(&lifted, &["revoke", "vision", "--lift", CUT]), "It was lifted at 2026-11-21 13:05:00 UTC.");
    assert_eq!(
        said(&json!({}), &["revoke", "vision", "--show", CUT]),
        "New credentials have been issued again since 2026-11-21 13:01:05 UTC."
    );
}

#[test]
fn in_all_labs_each_lab_has_its_steps() {
    let speech = with(troubled("The steward role does not let the broker in."), &json!({"lab": "speech"}));
    let broker = broker(vec![everywhere(&[cut_off(3), speech], false, false)]);
    let line = ["revoke", "--person", PERSON, "--everywhere"];

    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&line);

    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stdout, @"
    Cut off:      p-000000000000000b, in all labs
    Labs:         vision, speech; the broker is still looking for others

    ok      2026-11-21 13:00:00 UTC  nothing is issued to them any more, in any lab

    Sessions in vision: 2 lived; denied is what AWS issued before 2026-11-21 13:01:00 UTC
    ok      2026-11-21 13:00:01 UTC  AWS has taken the deny
    ok      2026-11-21 13:00:02 UTC  AWS gave the deny back as it was written
    -       no denial was seen yet

    The sessions die anyway, the last of them at 2026-11-21 13:59:10 UTC.

    Sessions in speech: 2 lived; denied is what AWS issued before 2026-11-21 13:01:00 UTC
    -       the deny is still to be written
    -       the deny is still to be read back
    -       no denial was seen yet
    NOT OK  The steward role does not let the broker in; it is tried again at 2026-11-21 13:00:30 UTC
            To do it by hand, somebody who administers the AWS account runs:
            aws iam put-role-policy --role-name lodge-session --policy-name lodge-cut-off

    The sessions die anyway, the last of them at 2026-11-21 13:59:10 UTC.

    AWS does not have it yet. Once it has, it may take some minutes to go by it everywhere.
    New credentials are issued again from 2026-11-21 13:01:05 UTC on.
    Machines on which they are still signed in can get new ones then, until they are signed out on the page “Your sessions”.
    ");
    insta::assert_snapshot!(stderr, @"
    To follow it: lodge revoke --person p-000000000000000b --everywhere --show cut-0123456789abcdef --wait
    ");
}

#[test]
fn somebody_without_a_session_is_told_so() {
    let broker = broker(vec![everywhere(&[], true, true)]);

    let (exit, stdout, _) = Desk::signed_in(&broker).run(&["revoke", "--person", PERSON, "--everywhere"]);

    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stdout, @"
    Cut off:      p-000000000000000b, in all labs
    Labs:         none; no session of theirs lived

    ok      2026-11-21 13:00:00 UTC  nothing is issued to them any more, in any lab

    New credentials are issued again from 2026-11-21 13:01:05 UTC on.
    Machines on which they are still signed in can get new ones then, until they are signed out on the page “Your sessions”.
    ");
}

#[test]
fn for_programs_it_is_what_the_broker_says() {
    for (state, line) in [
        (troubled("No."), &["revoke", "vision", "--all", "--json"][..]),
        (cut_off(4), &["revoke", "vision", "--show", CUT, "--json"]),
        (cut_off(4), &["revoke", "vision", "--lift", CUT, "--json"]),
        (everywhere(&[cut_off(2)], true, false), &["revoke", "--person", PERSON, "--everywhere", "--json"]),
    ] {
        let (exit, stdout, stderr) = Desk::signed_in(&broker(vec![state.clone()])).run(line);

        assert_eq!((exit, stderr.as_str()), (Exit::Done, ""), "{line:?}");
        assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), state, "{line:?}");
    }
}

#[test]
fn text_from_the_broker_stays_on_its_line() {
    let nasty = "a\u{1b}[2J\r\nlodge: b\u{202e}\u{7}";
    let trouble = json!({"says": nasty, "again_at": nasty, "by_hand": nasty});
    let whose = json!({"kind": "person", "id": nasty, "name": nasty});
    let mut bad = with(cut_off(2), &json!({"whose": whose, "by_says": nasty, "reason": nasty, "trouble": trouble}));
    bad = with(bad, &json!({"before": nasty, "dead_at": nasty, "reissue_at": nasty, "lab": nasty}));
    bad["steps"][0]["says"] = nasty.into();
    bad["steps"][1]["at"] = nasty.into();
    let done = with(bad.clone(), &json!({"done": true}));
    for (state, line) in [
        (vec![bad.clone()], &["revoke", "vision", "--all"][..]),
        (vec![bad.clone(), done], &["revoke", "vision", "--all", "--wait"]),
        (vec![everywhere(&[bad], false, false)], &["revoke", "--person", PERSON, "--everywhere"]),
    ] {
        let (exit, stdout, stderr) = Desk::signed_in(&broker(state)).run(line);

        let shown = stdout + &stderr;
        assert_eq!(exit, Exit::Done, "{shown}");
        assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("lodge: b")), "{shown}");
    }
}

#[test]
fn an_id_that_is_none_is_never_asked_about() {
    let broker = broker(vec![with(cut_off(1), &json!({"id": "../../me"}))]);

    let (exit, _, stderr) = Desk::signed_in(&broker).run(&["revoke", "vision", "--all", "--wait"]);

    assert_eq!((exit, lines(&broker).len()), (Exit::Failed, 1));
    assert!(stderr.contains("its cut-off has no id that can be used"), "{stderr}");
}

#[test]
fn a_refusal_is_the_sentence_of_the_broker() {
    let problem = json!({"type": "t", "title": "t", "status": 403, "detail": "This takes a fresh sign-in."});
    let refusing = StandIn::start(move |_, _| ("403 Forbidden", problem.to_string()));
    let wrong = StandIn::start(|_, _| ("204 No Content", String::new()));
    for line in [
        &["revoke", "vision", "--all"][..],
        &["revoke", "vision", "--lift", CUT],
        &["revoke", "vision", "--show", CUT],
        &["revoke", "--me"],
        &["revoke", "--person", PERSON, "--everywhere"],
    ] {
        let refused = (Exit::Failed, String::new(), "lodge: This takes a fresh sign-in.\n".to_owned());
        assert_eq!(Desk::signed_in(&refusing).run(line), refused, "{line:?}");
        assert_eq!(Desk::signed_in(&wrong).run(line).0, Exit::Failed, "{line:?}");
        assert_eq!(Desk::new().run(line).0, Exit::SignInNeeded, "{line:?}");
    }
}

#[test]
fn a_wrong_command_line_exits_2_and_asks_nobody() {
    let broker = broker(vec![cut_off(4)]);
    let desk = Desk::signed_in(&broker);
    let long = "x".repeat(201);
    for line in [
        &[][..],
        &["vision"],
        &["vision", "--hold"],
        &["vision/pay", "--all"],
        &["--all"],
        &["--role", "pay"],
        &["--person", PERSON],
        &["--everywhere"],
        &["--show", CUT],
        &["--lift", CUT],
        &["vision", "--me"],
        &["vision", "--person", PERSON, "--everywhere"],
        &["vision", "--person", PERSON, "--role", "pay"],
        &["vision", "--person", PERSON, "--all"],
        &["vision", "--role", "pay", "--all"],
        &["--me", "--person", PERSON],
        &["--me", "--everywhere"],
        &["--me", "--hold"],
        &["--me", "--lift", CUT],
        &["--person", PERSON, "--everywhere", "--hold"],
        &["--person", PERSON, "--everywhere", "--lift", CUT],
        &["vision", "--person", "ada"],
        &["vision", "--role", "Pay"],
        &["vision", "--show", PERSON],
        &["vision", "--show", CUT, "--lift", CUT],
        &["vision", "--show", CUT, "--all"],
        &["vision", "--show", CUT, "--role", "pay"],
        &["vision", "--show", CUT, "--person", PERSON],
        &["vision", "--show", CUT, "--reason", "x"],
        &["vision", "--show", CUT, "--hold"],
        &["vision", "--lift", CUT, "--wait"],
        &["vision", "--lift", CUT, "--person", PERSON],
        &["vision", "--all", "--reason", " "],
        &["vision", "--all", "--reason", "a\nb"],
        &["vision", "--all", "--reason", &long],
    ] {
        let (exit, stdout, stderr) = desk.run(&[&["revoke"], line].concat());

        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""), "{line:?}");
        assert!(!stderr.is_empty(), "{line:?}");
    }
    assert!(broker.asked().is_empty());
    let (_, _, stderr) = desk.run(&["revoke", "vision", "--show", CUT, "--person", PERSON]);
    assert_eq!(
        stderr,
        "lodge: a cut-off knows whose it is; leave --person out: lodge revoke vision --show cut-0123456789abcdef\n"
    );
}
