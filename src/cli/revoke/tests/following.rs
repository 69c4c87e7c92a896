//! `--wait`: each step once, to the end, and what ends it before.

use chrono::TimeDelta;

use super::*;
use crate::cli::exit::Exit;
use crate::cli::stand_in::Desk;

/// A desk whose clock goes on by so much at each look at the broker.
fn desk(states: Vec<Value>, pace: TimeDelta) -> (Desk, StandIn) {
    // The clock has to be there before the broker is, which the desk signs in at.
    let (sender, clocks) = std::sync::mpsc::channel::<crate::ambient::ManualClock>();
    let clocks = std::sync::Mutex::new(clocks);
    let kept = std::sync::OnceLock::new();
    let broker = broker_with(states, move |_| {
        kept.get_or_init(|| clocks.lock().unwrap().recv().unwrap()).advance(pace);
    });
    let desk = Desk::signed_in(&broker);
    sender.send(desk.clock.clone()).unwrap();
    (desk, broker)
}

#[test]
fn waiting_tells_each_step_once_and_ends_when_nothing_is_left() {
    let broker = broker(vec![cut_off(1), cut_off(1), cut_off(3), cut_off(3), cut_off(4)]);

    let line = ["revoke", "vision", "--person", PERSON, "--wait"];
    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&line);

    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stderr, @"
    If you stop this command, the broker goes on by itself; to see how far it has got:
    lodge revoke vision --show cut-0123456789abcdef
    ok      2026-11-21 13:00:00 UTC  nothing is issued to them any more
    ok      2026-11-21 13:00:01 UTC  AWS has taken the deny
    ok      2026-11-21 13:00:02 UTC  AWS gave the deny back as it was written
    ok      2026-11-21 13:00:03 UTC  a session of before was seen to be denied
    ");
    insta::assert_snapshot!(stdout, @"
    Cut off:      Ada (p-000000000000000b), in vision
    By:           Grace (p-0123456789abcdef)
    Why:          laptop stolen
    Sessions:     2 lived; denied is what AWS issued before 2026-11-21 13:01:00 UTC

    AWS has it. It may take AWS some minutes to go by it everywhere.
    The sessions die anyway, the last of them at 2026-11-21 13:59:10 UTC.
    New credentials are issued again from 2026-11-21 13:01:05 UTC on.
    Machines on which they are still signed in can get new ones then: cut off with --hold to keep them out.
    ");
    assert_eq!(lines(&broker).len(), 5);
}

#[test]
fn a_denial_that_cannot_be_seen_ends_it_too() {
    let mut blind = with(cut_off(3), &json!({"done": true}));
    blind["steps"][3]["says"] = "it cannot be seen: the lab has no role with a harmless call".into();
    let broker = broker(vec![cut_off(3), blind]);

    let (exit, _, stderr) = Desk::signed_in(&broker).run(&["revoke", "vision", "--show", CUT, "--wait"]);

    assert_eq!(exit, Exit::Done);
    assert!(stderr.ends_with("unclear it cannot be seen: the lab has no role with a harmless call\n"), "{stderr}");
}

#[test]
fn a_trouble_is_told_once_and_does_not_end_it_when_it_passes() {
    let no = "The steward role does not let the broker in.";
    let other = "AWS asks for patience.";
    let states = vec![cut_off(1), troubled(no), troubled(no), troubled(other), troubled(no), cut_off(4)];
    // Four minutes and a bit, in all.
    let (desk, _broker) = desk(states, TimeDelta::seconds(50));

    let (exit, stdout, stderr) = desk.run(&["revoke", "vision", "--person", PERSON, "--wait", "--json"]);

    assert_eq!(exit, Exit::Done, "{stderr}");
    insta::assert_snapshot!(stderr, @"
    If you stop this command, the broker goes on by itself; to see how far it has got:
    lodge revoke vision --show cut-0123456789abcdef
    ok      2026-11-21 13:00:00 UTC  nothing is issued to them any more
    NOT OK  The steward role does not let the broker in; it is tried again at 2026-11-21 13:00:30 UTC
    NOT OK  AWS asks for patience; it is tried again at 2026-11-21 13:00:30 UTC
    ok      2026-11-21 13:00:01 UTC  AWS has taken the deny
    ok      2026-11-21 13:00:02 UTC  AWS gave the deny back as it was written
    ok      2026-11-21 13:00:03 UTC  a session of before was seen to be denied
    ");
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), cut_off(4));
}

#[test]
fn a_trouble_of_five_minutes_ends_the_waiting_and_says_what_to_do() {
    let (desk, _broker) =
        desk(vec![cut_off(1), troubled("The steward role does not let the broker in.")], TimeDelta::seconds(101));

    let (exit, stdout, stderr) = desk.run(&["revoke", "vision", "--person", PERSON, "--wait"]);

    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!(stdout, @"
    Cut off:      Ada (p-000000000000000b), in vision
    By:           Grace (p-0123456789abcdef)
    Why:          laptop stolen
    Sessions:     2 lived; denied is what AWS issued before 2026-11-21 13:01:00 UTC

    NOT OK  The steward role does not let the broker in; it is tried again at 2026-11-21 13:00:30 UTC
            To do it by hand, somebody who administers the AWS account runs:
            aws iam put-role-policy --role-name lodge-session --policy-name lodge-cut-off

    AWS does not have it yet. Once it has, it may take some minutes to go by it everywhere.
    The sessions die anyway, the last of them at 2026-11-21 13:59:10 UTC.
    New credentials have been issued again since 2026-11-21 13:01:05 UTC.
    ");
    insta::assert_snapshot!(stderr, @"
    If you stop this command, the broker goes on by itself; to see how far it has got:
    lodge revoke vision --show cut-0123456789abcdef
    ok      2026-11-21 13:00:00 UTC  nothing is issued to them any more
    NOT OK  The steward role does not let the broker in; it is tried again at 2026-11-21 13:00:30 UTC
    lodge: AWS does not have it after 5 minutes: The steward role does not let the broker in; the broker goes on trying; to see how far it has got: lodge revoke vision --show cut-0123456789abcdef
    ");
}

#[test]
fn what_aws_has_is_no_failure_however_long_the_denial_takes() {
    let slow = with(troubled("The look at the account failed."), &json!({"steps": cut_off(3)["steps"]}));
    let (desk, _broker) = desk(vec![cut_off(1), slow.clone(), slow, cut_off(4)], TimeDelta::minutes(4));

    let (exit, _, stderr) = desk.run(&["revoke", "vision", "--person", PERSON, "--wait"]);

    assert_eq!(exit, Exit::Done, "{stderr}");
}

#[test]
fn in_all_labs_it_waits_for_the_last_and_names_each() {
    let speech = |reached| with(cut_off(reached), &json!({"lab": "speech", "id": "cut-000000000000000b"}));
    let broker = broker(vec![
        everywhere(&[], false, false),
        everywhere(&[cut_off(1)], false, false),
        everywhere(&[cut_off(4), speech(2)], true, false),
        everywhere(&[cut_off(4), speech(4)], true, true),
    ]);

    let line = ["revoke", "--person", PERSON, "--everywhere", "--wait"];
    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&line);

    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stderr, @"
    If you stop this command, the broker goes on by itself; to see how far it has got:
    lodge revoke --person p-000000000000000b --everywhere --show cut-0123456789abcdef
    ok      2026-11-21 13:00:00 UTC  nothing is issued to them any more, in any lab
    ok      2026-11-21 13:00:01 UTC  vision: AWS has taken the deny
    ok      2026-11-21 13:00:02 UTC  vision: AWS gave the deny back as it was written
    ok      2026-11-21 13:00:03 UTC  vision: a session of before was seen to be denied
    ok      2026-11-21 13:00:01 UTC  speech: AWS has taken the deny
    ok      2026-11-21 13:00:02 UTC  speech: AWS gave the deny back as it was written
    ok      2026-11-21 13:00:03 UTC  speech: a session of before was seen to be denied
    ");
    insta::assert_snapshot!(stdout, @"
    Cut off:      p-000000000000000b, in all labs
    Labs:         vision, speech

    Sessions in vision: 2 lived; denied is what AWS issued before 2026-11-21 13:01:00 UTC
    The sessions die anyway, the last of them at 2026-11-21 13:59:10 UTC.

    Sessions in speech: 2 lived; denied is what AWS issued before 2026-11-21 13:01:00 UTC
    The sessions die anyway, the last of them at 2026-11-21 13:59:10 UTC.

    AWS has it. It may take AWS some minutes to go by it everywhere.
    New credentials are issued again from 2026-11-21 13:01:05 UTC on.
    Machines on which they are still signed in can get new ones then, until they are signed out on the page “Your sessions”.
    ");
}

#[test]
fn a_broker_that_is_away_for_a_moment_is_waited_for_and_one_that_stays_away_is_not() {
    let (there, _broker) = desk(vec![cut_off(1), Value::Null, Value::Null, cut_off(4)], TimeDelta::seconds(20));
    let (exit, _, stderr) = there.run(&["revoke", "vision", "--all", "--wait"]);
    assert_eq!(exit, Exit::Done, "{stderr}");
    assert_eq!(stderr.matches("cannot be asked at the moment").count(), 1, "{stderr}");

    let (gone, broker) = desk(vec![cut_off(1), Value::Null], TimeDelta::seconds(20));
    let (exit, _, stderr) = gone.run(&["revoke", "vision", "--all", "--wait"]);
    assert_eq!(exit, Exit::Unavailable, "{stderr}");
    assert_eq!(lines(&broker).len(), 5);
    assert!(stderr.contains("lodge revoke vision --show cut-0123456789abcdef\n"), "{stderr}");
}
