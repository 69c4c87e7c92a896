//! `lodge doctor --lab`, whole, against a stand-in broker.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn};

fn link(link: &str, title: &str, state: &str, says: &str) -> Value {
    json!({"link": link, "title": title, "state": state, "says": says, "causes": [], "menders": [], "next": []})
}

fn diagnosis(links: &[Value], first: Option<&str>, running: bool) -> Value {
    json!({"lab": "vision", "role": "pay", "links": links, "first_broken": first,
        "running": running.then_some("ac-0123456789abcdef"), "checked_at": "2026-11-21T13:00:00Z"})
}

fn well() -> Value {
    let links = [
        link("person", "Your sign-in", "passed", "You are signed in at Example University."),
        link("sts", "The way into the account", "passed", "STS lets the broker in."),
    ];
    diagnosis(&links, None, false)
}

fn broken(state: &str) -> Value {
    let mut sts = link("sts", "The way into the account", state, "STS does not let the broker in.");
    sts["causes"] = json!(["the session role is not there", "IAM has not applied a change yet"]);
    sts["menders"] = json!([
        {"kind": "account-owner", "says": "whoever administers the lab's AWS account"},
        {"kind": "time", "says": "nobody: wait a little"},
    ]);
    sts["next"] = json!(["Update the stack.", "Check again in a minute."]);
    let links = [
        link("person", "Your sign-in", "passed", "You are signed in at Example University."),
        sts,
        link("probe", "The service itself", "skipped", "Not tried."),
    ];
    diagnosis(&links, Some("sts"), false)
}

/// A broker that answers like these in turn, and stays at the last.
fn broker(answers: Vec<Value>) -> StandIn {
    let looks = AtomicUsize::new(0);
    StandIn::start(move |_, line| {
        assert!(line.starts_with("GET /api/v1/labs/vision/diagnosis"), "{line}");
        let look = looks.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        ("200 OK", answers[look].to_string())
    })
}

#[test]
fn a_chain_that_holds_is_said_to() {
    let running = diagnosis(&[], None, true);
    let broker = broker(vec![running.clone(), running, well()]);

    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&["doctor", "--lab", "vision", "--role", "pay"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, "Looking at the AWS account of vision …\n"));
    insta::assert_snapshot!(stdout, @"
    ok      Your sign-in: You are signed in at Example University.
    ok      The way into the account: STS lets the broker in.

    Nothing keeps you from vision/pay.
    ");
    let asked = broker.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.line == "GET /api/v1/labs/vision/diagnosis?role=pay"), "{asked:?}");
}

#[test]
fn the_first_broken_link_comes_with_who_can_mend_it_and_what_to_do() {
    let broker = broker(vec![broken("failed"), broken("unclear"), broken("failed")]);
    let desk = Desk::signed_in(&broker);

    let (exit, stdout, stderr) = desk.run(&["doctor", "--lab", "vision"]);
    assert_eq!(
        (exit, stderr.as_str()),
        (Exit::Failed, "lodge: not all is well for you in vision: The way into the account\n")
    );
    insta::assert_snapshot!(stdout, @"
    ok      Your sign-in: You are signed in at Example University.
    NOT OK  The way into the account: STS does not let the broker in.
    -       The service itself: Not tried.

    The first link that is broken: the way into the account.
    What it can be, the likeliest first:
      1. the session role is not there
      2. IAM has not applied a change yet
    Who can mend it: whoever administers the lab's AWS account, or nobody: wait a little.
    What to do next:
      - Update the stack.
      - Check again in a minute.
    ");
    let (exit, stdout, _) = desk.run(&["doctor", "--lab", "vision"]);
    assert_eq!(exit, Exit::Failed);
    assert!(stdout.contains("The first link of which nobody knows whether it holds: the way into"), "{stdout}");

    let (exit, stdout, _) = desk.run(&["doctor", "--lab", "vision", "--json"]);
    assert_eq!((exit, serde_json::from_str::<Value>(&stdout).unwrap()), (Exit::Failed, broken("failed")));
}

#[test]
fn of_a_lab_that_is_not_ones_own_it_says_what_is_known() {
    let me = json!({"person_id": "p-0123456789abcdef", "name": "Ada\u{202e}", "connection": "campus",
        "connection_title": "Example University", "signed_in_at": "2026-11-21T09:00:00Z",
        "session_expires_at": "2026-11-21T21:00:00Z", "groups": ["chess", "staff"], "roles": [], "standings": []});
    let problem = json!({"type": "urn:lodge:problem:no-such-lab", "title": "t", "status": 404, "detail": "d"});
    let broker = StandIn::start(move |_, line| {
        if line == "GET /api/v1/me" { ("200 OK", me.to_string()) } else { ("404 Not Found", problem.to_string()) }
    });
    let desk = Desk::signed_in(&broker);

    let (exit, stdout, stderr) = desk.run(&["doctor", "--lab", "visoin"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Failed, "lodge: you do not belong to a lab visoin\n"));
    insta::assert_snapshot!(stdout, @"
    ok      Your sign-in: You are Ada (p-0123456789abcdef), signed in at Example University.
    ok      Your groups: chess, staff.
    NOT OK  The lab: there is no lab visoin that you belong to.

    What it can be:
      1. The lab is called otherwise. `lodge status` lists the labs of your roles.
      2. No mapping gives one of these groups a role there. Ask a PI of the lab, and send them this list.
      3. You are in the right group since your last sign-in only. Sign in again: lodge login
    ");
    assert_eq!(desk.run(&["doctor", "--lab", "visoin", "--json"]).1, "");
    assert_eq!(desk.run(&["doctor", "--role", "pay"]).0, Exit::Usage);
    assert_eq!(Desk::new().run(&["doctor", "--lab", "vision"]).0, Exit::SignInNeeded);
}
