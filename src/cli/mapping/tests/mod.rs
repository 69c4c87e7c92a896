//! The verbs about mappings, whole, against a stand-in broker. What all of them have in common is here.

mod changing;
mod listing;
mod second_pi;

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::stand_in::{Asked, Desk, StandIn, TOKEN};

const MAPPING: &str = "map-0123456789abcdef";
const CHANGE: &str = "chg-0123456789abcdef";

/// A broker with one lab, `vision`, that answers what is listed: the end of a request line, a status and a body.
fn broker(answers: &[(&'static str, &'static str, Value)]) -> StandIn {
    let answers = answers.to_vec();
    StandIn::start(move |_, line| {
        let found = answers.iter().find(|(asked, _, _)| line.replace(" /api/v1/labs/vision", " ") == *asked);
        found.map_or(("404 Not Found", problem("There is no such lab.").to_string()), |(_, status, body)| {
            (*status, if body.is_null() { String::new() } else { body.to_string() })
        })
    })
}

fn problem(detail: &str) -> Value {
    json!({"type": "urn:lodge:problem:p", "title": "t", "status": 403, "detail": detail})
}

fn mapping(id: &str, group: &str, role: &str) -> Value {
    json!({"id": id, "connection": "campus", "connection_title": "Example University", "group": group, "role": role,
        "state": "live", "ends_at": null, "max_duration_seconds": null, "needs_mfa": false, "needs_approval": false,
        "revision": 3, "created_at": "2026-11-01T00:00:00Z", "changed_at": "2026-11-02T00:00:00Z"})
}

/// The same object with other values.
fn with(mut object: Value, other: &Value) -> Value {
    for (key, value) in other.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn done(mapping: &Value) -> Value {
    json!({"outcome": "done", "mapping": mapping})
}

fn change(id: &str) -> Value {
    json!({"id": id, "author": {"id": "p-0123456789abcdef", "name": "Ada", "connection_title": "Example University",
        "standing": "pi"}, "connection": "campus", "connection_title": "Example University", "group": "staff",
        "role": "pay", "ends_at": null, "max_duration_seconds": 1800, "needs_mfa": false, "needs_approval": false,
        "asked_at": "2026-11-21T13:00:00Z", "lapses_at": "2026-11-28T13:00:00Z"})
}

fn waiting() -> Value {
    json!({"outcome": "waiting", "change": change(CHANGE)})
}

fn changes(changes: &[Value]) -> (&'static str, &'static str, Value) {
    ("GET /mapping-changes", "200 OK", json!({"changes": changes}))
}

const FIRST_PAGE: &str = "GET /mappings?limit=100";

fn page(mappings: &[Value]) -> (&'static str, &'static str, Value) {
    (FIRST_PAGE, "200 OK", json!({"mappings": mappings}))
}

/// What was asked, without the address that all have in common.
fn lines(broker: &StandIn) -> Vec<String> {
    broker.asked().into_iter().map(|asked| asked.line.replace("/api/v1/labs/vision", "")).collect()
}

fn last(broker: &StandIn) -> Asked {
    broker.asked().pop().unwrap()
}

fn body(asked: &Asked) -> Value {
    serde_json::from_str(&asked.body).unwrap()
}

#[test]
fn text_from_the_broker_stays_in_its_cell_and_on_its_line() {
    let nasty = "staff\u{1b}[2J\n\u{202e}map-0  pay";
    let changed = with(mapping(MAPPING, nasty, "pay"), &json!({"connection_title": "Evil\r\n\u{2066}lodge: x"}));
    let broker = broker(&[
        page(std::slice::from_ref(&changed)),
        changes(&[with(
            change(CHANGE),
            &json!({"group": nasty, "author": {"id": "p-1", "name": "A\u{7}\nB",
            "connection_title": "C"}}),
        )]),
        ("POST /mappings", "201 Created", done(&changed)),
    ]);
    let desk = Desk::signed_in(&broker);

    for (verb, line_count) in [
        (&["mapping", "list", "vision"][..], 3),
        (&["mapping", "pending", "vision"], 4),
        (&["mapping", "add", "vision/pay", "--group", "x"], 2),
    ] {
        let (exit, stdout, stderr) = desk.run(verb);

        let shown = stdout + &stderr;
        assert_eq!((exit, shown.lines().count()), (Exit::Done, line_count), "{shown}");
        assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || "\u{202e}\u{2066}".contains(c))), "{shown:?}");
    }
    let (_, table, _) = desk.run(&["mapping", "list", "vision"]);
    assert!(table.contains("\"staff[2J map-0  pay\"  pay "), "{table}");
}

const VERBS: [&[&str]; 7] = [
    &["mapping", "list", "vision"],
    &["mapping", "add", "vision/pay", "--group", "staff"],
    &["mapping", "edit", "vision", MAPPING, "--needs-mfa", "yes"],
    &["mapping", "end", "vision", MAPPING],
    &["mapping", "pending", "vision"],
    &["mapping", "confirm", "vision", CHANGE],
    &["mapping", "decline", "vision", CHANGE],
];

#[test]
fn a_refusal_is_the_sentence_of_the_broker() {
    for status in ["400 Bad Request", "403 Forbidden", "404 Not Found", "409 Conflict", "428 Precondition Required"] {
        // Reading works, so that the change itself is what is refused.
        let broker = StandIn::start(move |_, line| match line {
            line if line.starts_with("GET /api/v1/labs/vision/mappings/map-") => {
                ("200 OK", mapping(MAPPING, "staff", "pay").to_string())
            }
            _ => (status, problem("Ask a PI\nof the lab.").to_string()),
        });
        let desk = Desk::signed_in(&broker);
        for verb in VERBS {
            let refused = (Exit::Failed, String::new(), "lodge: Ask a PI of the lab.\n".to_owned());
            assert_eq!(desk.run(verb), refused, "{verb:?} {status}");
        }
    }
}

#[test]
fn a_broker_in_trouble_exits_3_and_an_unknown_session_4() {
    let troubled = StandIn::start(|_, _| ("503 Service Unavailable", String::new()));
    let strange = StandIn::start(|_, _| ("401 Unauthorized", String::new()));
    for verb in VERBS {
        let (exit, stdout, stderr) = Desk::signed_in(&troubled).run(verb);
        assert_eq!((exit, stdout.as_str()), (Exit::Unavailable, ""), "{verb:?}");
        assert!(stderr.ends_with("is unavailable (503); try again\n"), "{stderr}");

        let (exit, stdout, stderr) = Desk::signed_in(&strange).run(verb);
        assert_eq!((exit, stdout.as_str()), (Exit::SignInNeeded, ""), "{verb:?}");
        assert!(stderr.starts_with("lodge: not signed in to http://127.0.0.1:"), "{stderr}");

        let (exit, stdout, _) = Desk::new().run(verb);
        assert_eq!((exit, stdout.as_str()), (Exit::SignInNeeded, ""), "{verb:?}");
    }
}

#[test]
fn a_status_that_does_not_belong_to_the_question_is_no_success() {
    let outcome = done(&mapping(MAPPING, "staff", "pay"));
    for (verb, status, body) in [
        (VERBS[0], "204 No Content", Value::Null),
        (VERBS[1], "204 No Content", Value::Null),
        (VERBS[1], "200 OK", outcome.clone()),
        (VERBS[5], "202 Accepted", outcome.clone()),
        (VERBS[6], "200 OK", outcome),
        (VERBS[1], "201 Created", json!({"outcome": "perhaps"})),
    ] {
        let broker =
            StandIn::start(move |_, _| (status, if body.is_null() { String::new() } else { body.to_string() }));

        let (exit, stdout, stderr) = Desk::signed_in(&broker).run(verb);

        assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""), "{verb:?} {status}");
        assert!(stderr.contains("does not answer as a Lodge broker does"), "{stderr}");
    }
}

#[test]
fn a_wrong_command_line_exits_2_and_asks_nobody() {
    let broker = broker(&[]);
    let desk = Desk::signed_in(&broker);
    let editing = |more: &[&'static str]| [&["mapping", "edit", "vision", MAPPING][..], more].concat();
    let adding = |more: &[&'static str]| [&["mapping", "add", "vision/pay"][..], more].concat();
    for line in [
        vec!["mapping"],
        vec!["mapping", "list"],
        vec!["mapping", "list", "Vision"],
        vec!["mapping", "list", "vision/pay"],
        vec!["mapping", "add", "vision", "--group", "staff"],
        adding(&[]),
        adding(&["--group", ""]),
        adding(&["--group", "g", "--connection", "Campus"]),
        adding(&["--group", "g", "--until", "never"]),
        adding(&["--group", "g", "--until", "soon"]),
        adding(&["--group", "g", "--max-duration", "2h"]),
        adding(&["--group", "g", "--max-duration", "none"]),
        adding(&["--group", "g", "--needs-mfa", "yes"]),
        editing(&[]),
        editing(&["--revision", "3"]),
        editing(&["--json"]),
        editing(&["--needs-mfa", "perhaps"]),
        editing(&["--needs-mfa"]),
        editing(&["--until", "soon"]),
        editing(&["--needs-mfa", "yes", "--revision", "0"]),
        editing(&["--needs-mfa", "yes", "--revision", "\"3\""]),
        vec!["mapping", "end", "vision", CHANGE],
        vec!["mapping", "confirm", "vision", MAPPING],
        vec!["mapping", "decline", "vision", "../map"],
    ] {
        let (exit, stdout, stderr) = desk.run(&line);

        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""), "{line:?}");
        assert!(!stderr.is_empty(), "{line:?}");
    }
    assert!(broker.asked().is_empty());
    assert_eq!(desk.run(&editing(&[])).2, "lodge: nothing to change is given; see: lodge mapping edit --help\n");
    let (_, _, stderr) = desk.run(&editing(&["--until", "soon"]));
    insta::assert_snapshot!(stderr, @"
    error: invalid value 'soon' for '--until <WHEN|never>': a time is a day (2026-12-24, to its end in UTC), a moment (2026-12-24T17:00:00Z) or a span (36h, 90d, 12w)

    For more information, try '--help'.
    ");
}

#[test]
fn nothing_that_is_printed_holds_the_token() {
    let broker = broker(&[page(&[mapping(MAPPING, "staff", "pay")]), changes(&[])]);
    let desk = Desk::signed_in(&broker);
    for verb in VERBS {
        let (_, stdout, stderr) = desk.run(verb);
        assert!(!(stdout + &stderr).contains(TOKEN), "{verb:?}");
    }
}
