//! `lodge sessions`, whole, against a stand-in broker.

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn, TOKEN};

const CUT: &str = "cut-0123456789abcdef";

fn session(id: &str, name: Option<&str>, cut_off: Option<&str>) -> Value {
    json!({"id": id, "person": "p-0123456789abcdef", "name": name, "looks_like_another": false,
        "connection_title": "Example University", "role": "pay", "mapping": "map-0123456789abcdef",
        "issued_at": "2026-11-21T12:30:10Z", "expires_at": "2026-11-21T13:30:10Z", "title": "Pay workers",
        "cut_off": cut_off})
}

fn cut_off(number: usize, other: &Value) -> Value {
    let mut cut_off = json!({
        "id": format!("cut-00000000000000{number:02}"), "lab": "vision",
        "whose": {"kind": "person", "id": "p-0123456789abcdef", "name": "Ada"},
        "by": "p-000000000000000b", "by_says": "Grace (p-000000000000000b)", "cause": "asked", "reason": null,
        "sessions": 2, "before": "2026-11-21T13:01:00Z", "done": false, "reissue_at": "2026-11-21T13:01:05Z",
        "held": false, "lifted_at": null, "dead_at": "2026-11-21T13:30:10Z", "trouble": null,
        "steps": [
            {"step": "issuing-stopped", "at": "2026-11-21T13:00:00Z", "says": ""},
            {"step": "deny-written", "at": null, "says": ""},
            {"step": "deny-read-back", "at": null, "says": ""},
            {"step": "denial-seen", "at": null, "says": ""},
        ],
    });
    for (key, value) in other.as_object().unwrap() {
        cut_off[key] = value.clone();
    }
    cut_off
}

/// A broker that answers these addresses of the lab, and has nothing else.
fn broker(answers: Vec<(&'static str, Value)>) -> StandIn {
    StandIn::start(move |_, line| {
        let asked = line.strip_prefix("GET /api/v1/labs/vision").unwrap_or("");
        let found = answers.iter().find(|(path, _)| *path == asked);
        found.map_or(("404 Not Found", String::new()), |(_, body)| ("200 OK", body.to_string()))
    })
}

#[test]
fn all_pages_of_the_sessions_are_one_table_or_one_object() {
    let first = [session("rs-000000000000000a", Some("Ada\u{1b}[2J\nLovelace"), Some(CUT))];
    let second = [session("rs-000000000000000b", None, None)];
    let broker = broker(vec![
        ("/role-sessions?limit=100", json!({"sessions": first, "next": "17.rs-000000000000000a"})),
        (
            "/role-sessions?limit=100&after=17.rs-000000000000000a",
            json!({"sessions": [], "next": "17.rs-000000000000000b"}),
        ),
        ("/role-sessions?limit=100&after=17.rs-000000000000000b", json!({"sessions": second, "next": null})),
    ]);
    let desk = Desk::signed_in(&broker);

    let (exit, table, stderr) = desk.run(&["sessions", "vision"]);

    assert_eq!(exit, Exit::Done, "{stderr}");
    insta::assert_snapshot!(table, @"
    SESSION              PERSON                                ROLE  WHAT FOR     ISSUED                DIES                  CUT OFF BY
    rs-000000000000000a  Ada[2J Lovelace (p-0123456789abcdef)  pay   Pay workers  2026-11-21 12:30 UTC  2026-11-21 13:30 UTC  cut-0123456789abcdef
    rs-000000000000000b  p-0123456789abcdef                    pay   Pay workers  2026-11-21 12:30 UTC  2026-11-21 13:30 UTC  -
    ");
    assert_eq!(stderr, "To cut somebody off: lodge revoke vision --person PERSON-ID\n");
    assert_eq!(broker.asked()[0].authorization, Some(format!("Bearer {TOKEN}")));

    let (exit, stdout, stderr) = desk.run(&["sessions", "vision", "--json"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    let all = json!({"sessions": [first[0], second[0]], "next": null});
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), all);
}

#[test]
fn pages_that_lead_round_in_a_circle_are_not_followed() {
    for next in ["18.rs-000000000000000a", "17.rs-000000000000000a", "17.rs-0000000000000009", "17", "x.rs-1", "../me"]
    {
        let page = |next: &str| json!({"sessions": [session("rs-000000000000000a", None, None)], "next": next});
        let broker = broker(vec![
            ("/role-sessions?limit=100", page("17.rs-000000000000000a")),
            ("/role-sessions?limit=100&after=17.rs-000000000000000a", page(next)),
        ]);

        let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&["sessions", "vision"]);

        assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""), "{next}");
        assert!(stderr.contains("its pages do not follow one another"), "{stderr}");
        assert_eq!(broker.asked().len(), 2);
    }
}

#[test]
fn nothing_to_list_says_so() {
    let broker = broker(vec![
        ("/role-sessions?limit=100", json!({"sessions": [], "next": null})),
        ("/cut-offs?limit=10", json!({"cut_offs": [], "next": null})),
    ]);
    let desk = Desk::signed_in(&broker);

    let said = |text: &str| (Exit::Done, String::new(), text.to_owned());
    assert_eq!(desk.run(&["sessions", "vision"]), said("No AWS credentials of vision live at the moment.\n"));
    assert_eq!(desk.run(&["sessions", "vision", "--cut-off"]), said("Nothing was cut off in vision yet.\n"));
}

#[test]
fn without_a_cut_off_there_is_no_column_for_it() {
    let page = json!({"sessions": [session("rs-000000000000000a", Some("Ada"), None)], "next": null});
    let broker = broker(vec![("/role-sessions?limit=100", page)]);

    let (_, table, _) = Desk::signed_in(&broker).run(&["sessions", "vision"]);

    assert!(table.contains("DIES\n") && table.contains("Ada (p-0123456789abcdef)"), "{table}");
}

#[test]
fn what_was_cut_off_says_by_whom_why_and_how_far_it_got() {
    let reached = |count: usize| {
        let names = ["issuing-stopped", "deny-written", "deny-read-back", "denial-seen"].iter().enumerate();
        let at = |number| (number < count).then_some("2026-11-21T13:00:00Z");
        Value::Array(names.map(|(number, step)| json!({"step": step, "at": at(number), "says": "s"})).collect())
    };
    let trouble = json!({"says": "The steward role does not let the broker in.", "again_at": "2026-11-21T13:01:30Z",
        "by_hand": "aws iam put-role-policy"});
    let first: Vec<Value> = vec![
        cut_off(1, &json!({"reason": "laptop\u{202e}\nstolen", "held": true, "reissue_at": null})),
        cut_off(2, &json!({"steps": reached(2), "whose": {"kind": "role", "role": "pay"}})),
        cut_off(3, &json!({"steps": reached(3), "whose": {"kind": "everyone"}, "lifted_at": "2026-11-21T13:05:00Z"})),
        cut_off(
            4,
            &json!({"steps": reached(4), "done": true, "by": null, "by_says": "operator root",
            "cause": "suspended", "sessions": 0, "dead_at": null}),
        ),
        cut_off(5, &json!({"trouble": trouble, "cause": "mapping-ended"})),
    ];
    let mut rest = first.clone();
    rest.extend((6..=10).map(|number| cut_off(number, &json!({"cause": "signed-out"}))));
    let more = [cut_off(11, &json!({"cause": "everywhere"}))];
    let broker = broker(vec![
        ("/cut-offs?limit=5", json!({"cut_offs": first, "next": "cut-0000000000000005"})),
        ("/cut-offs?limit=10", json!({"cut_offs": rest, "next": "cut-0000000000000010"})),
        ("/cut-offs?limit=10&after=cut-0000000000000010", json!({"cut_offs": more, "next": null})),
    ]);
    let desk = Desk::signed_in(&broker);

    let (exit, table, stderr) = desk.run(&["sessions", "vision", "--cut-off", "--limit", "5"]);

    assert_eq!(exit, Exit::Done, "{stderr}");
    insta::assert_snapshot!(table, @"
    CUT-OFF               WHEN                  WHOSE                     SESSIONS  BY                          WHY                       HOW FAR
    cut-0000000000000001  2026-11-21 13:00 UTC  Ada (p-0123456789abcdef)  2         Grace (p-000000000000000b)  laptop stolen             nothing is issued any more; held until somebody lifts it
    cut-0000000000000002  2026-11-21 13:00 UTC  all of pay                2         Grace (p-000000000000000b)  somebody wanted it        AWS has taken it
    cut-0000000000000003  2026-11-21 13:00 UTC  everybody                 2         Grace (p-000000000000000b)  somebody wanted it        AWS has it; lifted
    cut-0000000000000004  2026-11-21 13:00 UTC  Ada (p-0123456789abcdef)  0         operator root               the person was suspended  AWS has it, and a denial was seen
    cut-0000000000000005  2026-11-21 13:00 UTC  Ada (p-0123456789abcdef)  2         Grace (p-000000000000000b)  a mapping was ended       AWS does not have it: The steward role does not let the broker in
    ");
    insta::assert_snapshot!(stderr, @"
    To see the steps of one: lodge revoke vision --show CUT-OFF-ID
    These are the newest 5. Older ones: --limit, up to 200.
    ");

    let (exit, stdout, stderr) = desk.run(&["sessions", "vision", "--cut-off", "--json"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    rest.extend(more);
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), json!({"cut_offs": rest, "next": null}));
}

#[test]
fn a_refusal_is_the_sentence_of_the_broker_and_a_wrong_line_asks_nobody() {
    let problem = json!({"type": "t", "title": "t", "status": 403, "detail": "This is for managers."});
    let refusing = StandIn::start(move |_, _| ("403 Forbidden", problem.to_string()));
    for line in [&["sessions", "vision"][..], &["sessions", "vision", "--cut-off"]] {
        let refused = (Exit::Failed, String::new(), "lodge: This is for managers.\n".to_owned());
        assert_eq!(Desk::signed_in(&refusing).run(line), refused);
        assert_eq!(Desk::new().run(line).0, Exit::SignInNeeded);
    }
    let asked = refusing.asked().len();
    for line in [
        &["sessions"][..],
        &["sessions", "vision/pay"],
        &["sessions", "vision", "--limit", "3"],
        &["sessions", "vision", "--cut-off", "--limit", "0"],
        &["sessions", "vision", "--cut-off", "--limit", "201"],
    ] {
        assert_eq!(Desk::signed_in(&refusing).run(line).0, Exit::Usage, "{line:?}");
    }
    assert_eq!(refusing.asked().len(), asked);
}
