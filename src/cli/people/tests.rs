//! The verbs about people, whole, against a stand-in broker.

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn, TOKEN};

const PERSON: &str = "p-0123456789abcdef";

/// A broker with one lab, `vision`, that lists these people and answers a change with this status and body.
fn broker(people: &[Value], status: &'static str, body: &Value) -> StandIn {
    let people = json!({"people": people}).to_string();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    StandIn::start(move |_, line| match line {
        "GET /api/v1/labs/vision/people" => ("200 OK", people.clone()),
        "PUT /api/v1/labs/vision/people/p-0123456789abcdef"
        | "DELETE /api/v1/labs/vision/people/p-0123456789abcdef" => (status, body.clone()),
        _ => ("404 Not Found", String::new()),
    })
}

fn person(id: &str, name: Option<&str>, standing: &str) -> Value {
    json!({"id": id, "name": name, "looks_like_another": false, "connection_title": "Example University",
        "standing": standing})
}

#[test]
fn list_is_a_table_or_json() {
    let mut ada = person(PERSON, Some("Ada\u{202e}\nLovelace"), "pi");
    ada["looks_like_another"] = true.into();
    let people = [ada, person("p-000000000000000b", None, "manager")];
    let broker = broker(&people, "200 OK", &Value::Null);
    let desk = Desk::signed_in(&broker);

    let (exit, table, stderr) = desk.run(&["people", "list", "vision"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(table, @"
    ID                  NAME                         STANDING  SIGNS IN AT
    p-0123456789abcdef  Ada Lovelace (a look-alike)  PI        Example University
    p-000000000000000b  -                            manager   Example University
    ");

    let (exit, stdout, stderr) = desk.run(&["people", "list", "vision", "--json"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), json!({"people": people}));
}

#[test]
fn a_lab_that_nobody_looks_after_says_who_does_next() {
    let (exit, stdout, stderr) =
        Desk::signed_in(&broker(&[], "200 OK", &Value::Null)).run(&["people", "list", "vision"]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    assert_eq!(stderr, "Nobody looks after vision yet; the broker's operator names its first PI.\n");
}

#[test]
fn appoint_says_who_became_what() {
    for (standing, called) in [("pi", "PI"), ("manager", "manager")] {
        let broker = broker(&[], "200 OK", &person(PERSON, Some("Ada"), standing));

        let ran = Desk::signed_in(&broker).run(&["people", "appoint", "vision", PERSON, "--as", standing]);

        let said = format!(
            "Ada ({PERSON}) at Example University is now a {called} of vision.\n\
             To take it back: lodge people remove vision {PERSON}\n"
        );
        assert_eq!(ran, (Exit::Done, String::new(), said));
        let asked = broker.asked().pop().unwrap();
        assert_eq!(asked.line, format!("PUT /api/v1/labs/vision/people/{PERSON}"));
        assert_eq!(serde_json::from_str::<Value>(&asked.body).unwrap(), json!({"standing": standing}));
        assert_eq!(asked.authorization, Some(format!("Bearer {TOKEN}")));
    }
}

#[test]
fn remove_says_how_to_undo_it() {
    let broker = broker(&[person(PERSON, Some("Ada"), "pi")], "204 No Content", &Value::Null);

    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&["people", "remove", "vision", PERSON]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    Ada (p-0123456789abcdef) is no longer a PI of vision.
    To undo it, a PI of vision runs: lodge people appoint vision p-0123456789abcdef --as pi
    ");
    let asked = broker.asked().pop().unwrap();
    assert_eq!(
        (asked.line.as_str(), asked.body.as_str()),
        ("DELETE /api/v1/labs/vision/people/p-0123456789abcdef", "")
    );
}

#[test]
fn removing_somebody_without_a_standing_promises_no_undo() {
    let broker = broker(&[], "204 No Content", &Value::Null);

    let (exit, _, stderr) = Desk::signed_in(&broker).run(&["people", "remove", "vision", PERSON]);

    assert_eq!((exit, stderr), (Exit::Done, format!("{PERSON} has no standing in vision.\n")));
}

#[test]
fn whoever_may_not_list_the_others_may_still_leave() {
    let broker = StandIn::start(|_, line| match line {
        line if line.starts_with("DELETE ") => ("204 No Content", String::new()),
        _ => ("403 Forbidden", json!({"type": "t", "title": "t", "status": 403, "detail": "No."}).to_string()),
    });

    let (exit, _, stderr) = Desk::signed_in(&broker).run(&["people", "remove", "vision", PERSON]);

    assert_eq!(exit, Exit::Done, "{stderr}");
}

const VERBS: [&[&str]; 3] = [
    &["people", "list", "vision"],
    &["people", "appoint", "vision", PERSON, "--as", "pi"],
    &["people", "remove", "vision", PERSON],
];

#[test]
fn a_refusal_is_the_sentence_of_the_broker() {
    for status in ["400 Bad Request", "403 Forbidden", "404 Not Found", "409 Conflict"] {
        let problem = json!({"type": "t", "title": "t", "status": 409, "detail": "A lab keeps its last PI."});
        let broker = StandIn::start(move |_, _| (status, problem.to_string()));
        for verb in VERBS {
            let refused = (Exit::Failed, String::new(), "lodge: A lab keeps its last PI.\n".to_owned());
            assert_eq!(Desk::signed_in(&broker).run(verb), refused, "{verb:?} {status}");
        }
    }
}

#[test]
fn a_broker_in_trouble_exits_3_and_an_unknown_session_4() {
    let troubled = StandIn::start(|_, _| ("429 Too Many Requests", String::new()));
    let strange = StandIn::start(|_, _| ("401 Unauthorized", String::new()));
    for verb in VERBS {
        let (exit, stdout, _) = Desk::signed_in(&troubled).run(verb);
        assert_eq!((exit, stdout.as_str()), (Exit::Unavailable, ""), "{verb:?}");
        let (exit, stdout, _) = Desk::signed_in(&strange).run(verb);
        assert_eq!((exit, stdout.as_str()), (Exit::SignInNeeded, ""), "{verb:?}");
        let (exit, stdout, _) = Desk::new().run(verb);
        assert_eq!((exit, stdout.as_str()), (Exit::SignInNeeded, ""), "{verb:?}");
    }
}

#[test]
fn a_wrong_command_line_exits_2_and_asks_nobody() {
    let broker = broker(&[], "200 OK", &Value::Null);
    let desk = Desk::signed_in(&broker);
    for line in [
        &["people"][..],
        &["people", "list"],
        &["people", "list", "Vision"],
        &["people", "appoint", "vision", PERSON],
        &["people", "appoint", "vision", PERSON, "--as", "member"],
        &["people", "appoint", "vision", "ada", "--as", "pi"],
        &["people", "remove", "vision", "map-0123456789abcdef"],
        &["people", "remove", "vision"],
    ] {
        let (exit, stdout, stderr) = desk.run(line);

        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""), "{line:?}");
        assert!(!stderr.is_empty(), "{line:?}");
    }
    assert!(broker.asked().is_empty());
}
