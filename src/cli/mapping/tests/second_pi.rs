//! What waits for a second PI, and `pending`, `confirm` and `decline`.

use super::*;

#[test]
fn what_waits_for_a_second_pi_is_said_plainly_and_is_no_failure() {
    let broker = broker(&[
        ("POST /mappings", "202 Accepted", waiting()),
        ("GET /mappings/map-0123456789abcdef", "200 OK", mapping(MAPPING, "staff", "pay")),
        ("PATCH /mappings/map-0123456789abcdef", "202 Accepted", waiting()),
    ]);
    let desk = Desk::signed_in(&broker);
    let add = ["mapping", "add", "vision/pay", "--group", "staff"];

    let (exit, stdout, stderr) = desk.run(&add);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    Nothing has changed yet: it gives you yourself more than you had, and the lab has another PI.
    Another PI lets it hold with: lodge mapping confirm vision chg-0123456789abcdef
    It lapses at 2026-11-28 13:00 UTC; to drop it before: lodge mapping decline vision chg-0123456789abcdef
    ");

    let (exit, stdout, said) = desk.run(&[&add[..], &["--json"]].concat());

    assert_eq!((exit, said), (Exit::Done, stderr));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["change"]["id"], CHANGE);

    let (exit, stdout, stderr) = desk.run(&["mapping", "edit", "vision", MAPPING, "--max-duration", "30m"]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    map-0123456789abcdef: members of staff at Example University get vision/pay
      longest session: the role's own maximum -> 30 min
    Nothing has changed yet: it gives you yourself more than you had, and the lab has another PI.
    Another PI lets it hold with: lodge mapping confirm vision chg-0123456789abcdef
    It lapses at 2026-11-28 13:00 UTC; to drop it before: lodge mapping decline vision chg-0123456789abcdef
    ");
}

#[test]
fn pending_is_a_table_with_what_to_do() {
    let other = with(
        change("chg-000000000000000b"),
        &json!({"mapping": MAPPING, "max_duration_seconds": null,
        "needs_mfa": true, "ends_at": "2026-12-25T00:00:00Z", "author": {"id": "p-000000000000000b", "name": null,
        "connection_title": "Example University"}}),
    );
    let marked = with(
        change(CHANGE),
        &json!({"author": {"id": "p-0123456789abcdef", "name": "Ada",
        "looks_like_another": true, "connection_title": "Example University", "standing": "pi"}}),
    );
    let one_waits = broker(&[changes(&[change(CHANGE)])]);
    let two_wait = broker(&[changes(&[marked, other])]);

    let (exit, table, notes) = Desk::signed_in(&one_waits).run(&["mapping", "pending", "vision"]);

    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(table + &notes, @"
    ID                    ASKED BY                  CHANGES        GROUP  ROLE  CONDITIONS      END    LAPSES
    chg-0123456789abcdef  Ada (p-0123456789abcdef)  a new mapping  staff  pay   30 min at most  never  2026-11-28 13:00 UTC
    A PI who did not ask for it can let one hold: lodge mapping confirm vision chg-0123456789abcdef
    Any PI, or who asked for it, can drop one:    lodge mapping decline vision chg-0123456789abcdef
    ");

    let (_, table, notes) = Desk::signed_in(&two_wait).run(&["mapping", "pending", "vision"]);

    insta::assert_snapshot!(table + &notes, @"
    ID                    ASKED BY                                CHANGES               GROUP  ROLE  CONDITIONS      END                   LAPSES
    chg-0123456789abcdef  Ada (p-0123456789abcdef, a look-alike)  a new mapping         staff  pay   30 min at most  never                 2026-11-28 13:00 UTC
    chg-000000000000000b  p-000000000000000b                      map-0123456789abcdef  staff  pay   second factor   2026-12-25 00:00 UTC  2026-11-28 13:00 UTC
    A PI who did not ask for it can let one hold: lodge mapping confirm vision CHANGE-ID
    Any PI, or who asked for it, can drop one:    lodge mapping decline vision CHANGE-ID
    ");

    let (exit, stdout, notes) = Desk::signed_in(&one_waits).run(&["mapping", "pending", "vision", "--json"]);

    assert_eq!((exit, notes.as_str()), (Exit::Done, ""));
    let mut expected = json!({"changes": [change(CHANGE)], "next": null});
    expected["changes"][0]["author"]["standing"] = json!("pi");
    expected["changes"][0]["author"]["looks_like_another"] = json!(false);
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), expected);
}

#[test]
fn pending_says_when_nothing_waits() {
    let broker = broker(&[changes(&[])]);

    let ran = Desk::signed_in(&broker).run(&["mapping", "pending", "vision"]);

    assert_eq!(ran, (Exit::Done, String::new(), "No change of vision's mappings waits for a second PI.\n".to_owned()));
}

#[test]
fn confirm_and_decline_say_what_became_of_a_change() {
    let broker = broker(&[
        (
            "POST /mapping-changes/chg-0123456789abcdef/confirm",
            "200 OK",
            done(&with(mapping(MAPPING, "staff", "pay"), &json!({"max_duration_seconds": 1800}))),
        ),
        ("POST /mapping-changes/chg-0123456789abcdef/decline", "204 No Content", Value::Null),
    ]);
    let desk = Desk::signed_in(&broker);

    let (exit, stdout, stderr) = desk.run(&["mapping", "confirm", "vision", CHANGE]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    Confirmed chg-0123456789abcdef: members of staff at Example University get vision/pay (30 min at most).
    To end that mapping: lodge mapping end vision map-0123456789abcdef
    ");

    let (exit, stdout, stderr) = desk.run(&["mapping", "decline", "vision", CHANGE]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    Dropped chg-0123456789abcdef: the lab's mappings stay as they are.
    ");
    assert!(broker.asked().iter().all(|asked| asked.body.is_empty() && asked.if_match.is_none()));
}
