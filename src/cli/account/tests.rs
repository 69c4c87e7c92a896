//! The verbs about a lab's AWS account, whole, against a stand-in broker.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn, TOKEN};

const ID: &str = "ac-0123456789abcdef";

fn step(step: &str, title: &str, state: &str, says: &str) -> Value {
    json!({"step": step, "title": title, "role": null, "state": state, "says": says, "at": "2026-11-21T13:00:01Z"})
}

fn check(reason: &str, tries: u32, steps: &[Value], verdict: Option<(&str, &str)>) -> Value {
    json!({
        "id": ID, "reason": reason, "by": "p-0123456789abcdef", "begun_at": "2026-11-21T13:00:00Z",
        "ended_at": verdict.map(|_| "2026-11-21T13:00:09Z"), "verdict": verdict.map(|it| it.0),
        "says": verdict.map(|it| it.1), "tries": tries, "tries_at_most": 6, "steps": steps, "troubles": [], "probes": [],
    })
}

fn proven() -> Value {
    let passed = [step("assume", "The session role lets the broker in", "passed", "")];
    check("join", 2, &passed, Some(("proven", "the account has proved itself")))
}

fn cause(cause: &str, says: &str, mender: (&str, &str), next: &str) -> Value {
    json!({"cause": cause, "says": says, "mender": {"kind": mender.0, "says": mender.1}, "next": next})
}

fn broken() -> Value {
    let mut check = check("demand", 1, &[], Some(("broken", "the account gives no credentials that work")));
    let owner = ("account-owner", "whoever administers the lab's AWS account");
    check["troubles"] = json!([
        {"link": "sts", "role": null, "severity": "stops", "says": "AWS does not say which: a; or b", "causes": [
            cause("other-external-id", "the trust policy asks for another external id than this lab's", owner, "Update."),
            cause("not-yet-applied", "IAM has not applied a change yet", ("time", "nobody: wait a little"), "Wait."),
        ]},
        {"link": "probe", "role": "pay", "severity": "differs", "says": "pay: closed", "causes": [
            cause("service-closed", "the service says that it is closed", ("nobody", "nobody"), "Use another."),
        ]},
    ]);
    check["probes"] = json!([{
        "role": "pay", "action": "mechanicalturk:GetAccountBalance", "outcome": "closed",
        "says": "the service says that it is closed", "status": 410, "code": "Gone",
        "message": "\u{1b}[31mIt \u{202e}was\nclosed.", "request_id": null, "at": null,
    }]);
    check
}

fn account(check: &Value) -> Value {
    let role = |name: &str, ready: &str, uncovered: &[&str], probe: Value| json!({"role": name, "title": "T", "ready": ready, "uncovered": uncovered, "probe": probe});
    let works = json!({"role": "read-results", "action": "mechanicalturk:ListHITs", "outcome": "works",
        "says": "the call works", "status": 200, "code": null, "message": null, "request_id": null, "at": null});
    json!({
        "lab": "vision", "account_id": "111122223333",
        "session_role": "arn:aws:iam::111122223333:role/lodge/lodge-session", "state": "joined",
        "says": "The lab's AWS account is joined.", "joined_at": "2026-11-20T09:00:00Z",
        "checked_at": "2026-11-21T12:00:00Z", "next_check_at": null,
        "roles": [
            role("pay", "awaiting-update", &["mechanicalturk:SendBonus"], Value::Null),
            role("read-results", "ready", &[], works),
        ],
        "check": check,
    })
}

/// A broker whose check begins like the first, goes on like the others, and stays like the last.
fn broker(checks: Vec<Value>) -> StandIn {
    let looks = AtomicUsize::new(1);
    let shown = account(&broken());
    StandIn::start(move |_, line| match line {
        "POST /api/v1/labs/vision/account/join" | "POST /api/v1/labs/vision/account/checks" => {
            ("202 Accepted", checks[0].to_string())
        }
        "GET /api/v1/labs/vision/account/checks/ac-0123456789abcdef" => {
            let look = looks.fetch_add(1, Ordering::Relaxed).min(checks.len() - 1);
            ("200 OK", checks[look].to_string())
        }
        "GET /api/v1/labs/vision/account" => ("200 OK", shown.to_string()),
        "GET /api/v1/labs/vision/account/stack" => (
            "200 OK",
            json!({"file_name": "lodge-vision.json", "stack": "lodge-vision", "template": {"Resources": {}},
                "quick_create": null})
            .to_string(),
        ),
        "GET /api/v1/labs/vision/account/checks?limit=20" => {
            ("200 OK", json!({"checks": [proven(), broken()], "next": ID}).to_string())
        }
        "GET /api/v1/labs/vision/account/checks?limit=18&after=ac-0123456789abcdef"
        | "GET /api/v1/labs/vision/account/checks?limit=1" => {
            ("200 OK", json!({"checks": [broken()], "next": null}).to_string())
        }
        _ => ("404 Not Found", String::new()),
    })
}

#[test]
fn joining_tells_each_step_once_and_each_try() {
    let begun = check("join", 0, &[], None);
    let refused = step("assume", "The session role lets the broker in", "failed", "AWS says no");
    let first =
        check("join", 1, &[refused, step("steward", "The steward role lets the broker in", "skipped", "")], None);
    let second = check("join", 2, &[], None);
    let broker = broker(vec![begun, first.clone(), first, second, proven()]);

    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&["account", "join", "vision"]);

    assert_eq!(exit, Exit::Done, "{stderr}");
    insta::assert_snapshot!(stdout, @"
    The AWS account of vision is joined: it has proved itself.
    ");
    insta::assert_snapshot!(stderr, @"
    Checking the AWS account of vision. If you stop this command, the check goes on at the
    broker; to see what came of it: lodge account show vision
    NOT OK  The session role lets the broker in: AWS says no
    -       The steward role lets the broker in
    Try 2 of 6: IAM takes a while to apply what is new.
    ok      The session role lets the broker in
    ");
    let asked = &broker.asked()[0];
    assert_eq!(asked.line, "POST /api/v1/labs/vision/account/join");
    assert_eq!((asked.body.as_str(), asked.authorization.clone()), ("", Some(format!("Bearer {TOKEN}"))));
}

#[test]
fn what_is_wrong_comes_with_who_can_mend_it_and_what_to_do() {
    let broker = broker(vec![broken()]);
    let desk = Desk::signed_in(&broker);

    let (exit, stdout, stderr) = desk.run(&["account", "check", "vision"]);

    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!(stdout, @"
    vision: the account gives no credentials that work.

    NOT OK  AWS does not say which it is; the likeliest first:
            1. the trust policy asks for another external id than this lab's
               who can mend it: whoever administers the lab's AWS account
               next: Update.
            2. IAM has not applied a change yet
               who can mend it: nobody: wait a little
               next: Wait.

    DIFFERS pay: the service says that it is closed
            who can mend it: nobody
            next: Use another.

    pay: mechanicalturk:GetAccountBalance: the service says that it is closed; AWS said: 410 Gone [31mIt was closed.
    ");
    insta::assert_snapshot!(stderr, @"
    lodge: the AWS account of vision has not proved itself: the account gives no credentials that work
    ");
    assert!(!stdout.contains(['\u{1b}', '\u{202e}']), "{stdout:?}");

    let (exit, stdout, _) = desk.run(&["account", "check", "vision", "--json"]);
    assert_eq!((exit, serde_json::from_str::<Value>(&stdout).unwrap()), (Exit::Failed, broken()));
}

#[test]
fn show_says_how_the_account_stands() {
    let broker = broker(vec![broken()]);
    let desk = Desk::signed_in(&broker);

    let (exit, stdout, stderr) = desk.run(&["account", "show", "vision"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stdout, @"
    The lab's AWS account is joined.
    Account:      111122223333
    Role there:   arn:aws:iam::111122223333:role/lodge/lodge-session
    Joined:       2026-11-20 09:00 UTC
    Looked at:    2026-11-21 12:00 UTC

    ROLE          READY                                                       HARMLESS CALL
    pay           no: the stack must be updated for mechanicalturk:SendBonus  -
    read-results  yes                                                         the call works

    The check of 2026-11-21 13:00 UTC:
    vision: the account gives no credentials that work.

    NOT OK  AWS does not say which it is; the likeliest first:
            1. the trust policy asks for another external id than this lab's
               who can mend it: whoever administers the lab's AWS account
               next: Update.
            2. IAM has not applied a change yet
               who can mend it: nobody: wait a little
               next: Wait.

    DIFFERS pay: the service says that it is closed
            who can mend it: nobody
            next: Use another.

    pay: mechanicalturk:GetAccountBalance: the service says that it is closed; AWS said: 410 Gone [31mIt was closed.
    ");
    let (_, stdout, _) = desk.run(&["account", "show", "vision", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), account(&broken()));
}

#[test]
fn the_stack_is_all_that_stdout_has() {
    let broker = broker(vec![broken()]);
    let desk = Desk::signed_in(&broker);

    let ran = desk.run(&["account", "stack", "vision"]);
    assert_eq!(ran, (Exit::Done, "{\n  \"Resources\": {}\n}\n".to_owned(), String::new()));

    let path = desk.directory.path().join("a.json");
    let (exit, stdout, stderr) = desk.run(&["account", "stack", "vision", "--output", path.to_str().unwrap()]);
    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\n  \"Resources\": {}\n}\n");
    assert!(
        stderr.contains("--stack-name lodge-vision --template-file") && stderr.contains("lodge account join vision")
    );
    let (exit, _, stderr) = desk.run(&["account", "stack", "vision", "--output", "/no/such/folder/a.json"]);
    assert_eq!(exit, Exit::Failed);
    assert!(stderr.starts_with("lodge: cannot write /no/such/folder/a.json"), "{stderr}");
}

#[test]
fn history_is_a_table_or_json() {
    let broker = broker(vec![broken()]);
    let desk = Desk::signed_in(&broker);

    let (exit, table, stderr) = desk.run(&["account", "history", "vision"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(table, @r"
    CHECK                BEGAN                 WHY             BY                  OUTCOME  WHAT IS WRONG
    ac-0123456789abcdef  2026-11-21 13:00 UTC  to join it      p-0123456789abcdef  proven   -
    ac-0123456789abcdef  2026-11-21 13:00 UTC  somebody asked  p-0123456789abcdef  broken   AWS does not say which: a; or b; pay: closed
    ac-0123456789abcdef  2026-11-21 13:00 UTC  somebody asked  p-0123456789abcdef  broken   AWS does not say which: a; or b; pay: closed
    ");
    let (_, stdout, _) = desk.run(&["account", "history", "vision", "--limit", "1", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), json!({"checks": [broken()], "next": null}));
}

#[test]
fn a_refusal_is_the_sentence_of_the_broker() {
    let problem = json!({"type": "t", "title": "t", "status": 403, "detail": "This takes a sign-in of the last hour."});
    let broker = StandIn::start(move |_, _| ("403 Forbidden", problem.to_string()));
    for verb in ["show", "stack", "join", "check", "history"] {
        let refused = (Exit::Failed, String::new(), "lodge: This takes a sign-in of the last hour.\n".to_owned());
        assert_eq!(Desk::signed_in(&broker).run(&["account", verb, "vision"]), refused, "{verb}");
        assert_eq!(Desk::new().run(&["account", verb, "vision"]).0, Exit::SignInNeeded, "{verb}");
        assert_eq!(Desk::new().run(&["account", verb]).0, Exit::Usage, "{verb}");
        assert_eq!(Desk::new().run(&["account", verb, "vision/pay"]).0, Exit::Usage, "{verb}");
    }
}
