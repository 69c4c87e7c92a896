//! `list`: what is shown, what is left out, and how far it reads.

use super::*;

#[test]
fn list_is_a_table_of_what_gives_a_role_now() {
    let strict = json!({"needs_mfa": true, "needs_approval": true, "max_duration_seconds": 1800,
        "ends_at": "2026-12-25T00:00:00Z", "revision": 12});
    let ended = json!({"state": "ended", "ends_at": "2026-11-20T00:00:00Z"});
    let broker = broker(&[
        page(&[
            with(mapping("map-000000000000000c", "guests", "publish"), &ended),
            mapping("map-000000000000000b", "students", "read-results"),
            with(mapping("map-000000000000000a", "postdocs", "pay"), &strict),
        ]),
        changes(&[change(CHANGE)]),
    ]);
    let desk = Desk::signed_in(&broker);

    let (exit, table, notes) = desk.run(&["mapping", "list", "vision"]);

    assert_eq!(exit, Exit::Done, "{notes}");
    insta::assert_snapshot!(table, @"
    ID                    GROUP     ROLE          CONDITIONS                                    END                   REVISION
    map-000000000000000a  postdocs  pay           second factor, PI's approval, 30 min at most  2026-12-25 00:00 UTC  12
    map-000000000000000b  students  read-results  -                                             never                 3
    ");
    insta::assert_snapshot!(notes, @"
    1 more has ended; --all shows it.
    1 change waits for a second PI: lodge mapping pending vision
    ");
    assert!(broker.asked().iter().all(|asked| asked.authorization == Some(format!("Bearer {TOKEN}"))));

    let (exit, table, notes) = desk.run(&["mapping", "list", "vision", "--all"]);

    assert_eq!(exit, Exit::Done, "{notes}");
    insta::assert_snapshot!(table, @"
    ID                    GROUP     ROLE          CONDITIONS                                    END                         REVISION
    map-000000000000000a  postdocs  pay           second factor, PI's approval, 30 min at most  2026-12-25 00:00 UTC        12
    map-000000000000000b  students  read-results  -                                             never                       3
    map-000000000000000c  guests    publish       -                                             ended 2026-11-20 00:00 UTC  3
    ");
    insta::assert_snapshot!(notes, @"
    1 change waits for a second PI: lodge mapping pending vision
    ");
}

#[test]
fn list_names_the_connection_only_where_there_are_several() {
    let partner = json!({"connection": "partner", "connection_title": "Partner University"});
    let one = mapping("map-000000000000000a", "staff", "pay");
    let other = with(mapping("map-000000000000000b", "staff", "pay"), &partner);
    let broker = broker(&[page(&[one, other]), changes(&[])]);

    let (_, table, notes) = Desk::signed_in(&broker).run(&["mapping", "list", "vision"]);

    assert_eq!(notes, "");
    insta::assert_snapshot!(table, @"
    ID                    GROUP  CONNECTION  ROLE  CONDITIONS  END    REVISION
    map-000000000000000a  staff  campus      pay   -           never  3
    map-000000000000000b  staff  partner     pay   -           never  3
    ");
}

#[test]
fn list_follows_the_pages_to_the_end() {
    let next = json!({"mappings": [mapping("map-000000000000000a", "a", "pay")], "next": "map-000000000000000a"});
    let more = json!({"mappings": [mapping("map-000000000000000b", "b", "pay")], "next": "map-000000000000000b"});
    let broker = broker(&[
        (FIRST_PAGE, "200 OK", next),
        ("GET /mappings?limit=100&after=map-000000000000000a", "200 OK", more),
        ("GET /mappings?limit=100&after=map-000000000000000b", "200 OK", json!({"mappings": []})),
    ]);

    let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&["mapping", "list", "vision", "--json"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    let listed: Value = serde_json::from_str(&stdout).unwrap();
    let groups: Vec<&Value> = listed["mappings"].as_array().unwrap().iter().map(|mapping| &mapping["group"]).collect();
    assert_eq!(groups, ["a", "b"]);
    assert_eq!(listed["next"], Value::Null);
    assert_eq!(broker.asked().len(), 3);
}

#[test]
fn pages_that_lead_in_a_circle_or_nowhere_are_not_followed() {
    for next in ["map-000000000000000a", "map-0000000000000009", "map-1&limit=1", ""] {
        let first = json!({"mappings": [], "next": "map-000000000000000a"});
        let second = json!({"mappings": [], "next": next});
        let broker = broker(&[
            (FIRST_PAGE, "200 OK", first),
            ("GET /mappings?limit=100&after=map-000000000000000a", "200 OK", second),
        ]);

        let (exit, stdout, stderr) = Desk::signed_in(&broker).run(&["mapping", "list", "vision"]);

        assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""), "{next}");
        assert!(stderr.ends_with("as a Lodge broker does: its pages do not follow one another\n"), "{stderr}");
        assert_eq!(broker.asked().len(), 2);
    }
}

#[test]
fn an_empty_list_says_what_to_do_first() {
    let role = |name: &str| json!({"name": name, "title": name, "max_duration_seconds": 3600});
    let lab = json!({"name": "vision", "title": "Vision", "standing": "pi", "roles": [role("pay"), role("publish")]});
    let ended = with(mapping(MAPPING, "staff", "pay"), &json!({"state": "ended"}));
    let none = broker(&[page(&[]), changes(&[]), ("GET ", "200 OK", lab.clone())]);
    let all_ended = broker(&[page(&[ended]), changes(&[change(CHANGE)]), ("GET ", "200 OK", lab)]);

    let (exit, stdout, stderr) = Desk::signed_in(&none).run(&["mapping", "list", "vision"]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    No mapping of vision gives a role to anybody.
    Give one to the members of a group: lodge mapping add vision/pay --group GROUP
    Its roles: pay, publish.
    ");

    let (exit, stdout, stderr) = Desk::signed_in(&all_ended).run(&["mapping", "list", "vision"]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    No mapping of vision gives a role to anybody; --all shows those that have ended.
    Give one to the members of a group: lodge mapping add vision/pay --group GROUP
    Its roles: pay, publish.
    1 change waits for a second PI: lodge mapping pending vision
    ");
}

#[test]
fn whoever_may_not_see_what_waits_still_sees_the_list() {
    let refused = ("GET /mapping-changes", "403 Forbidden", problem("Only a PI may see these."));
    let unavailable = ("GET /mapping-changes", "503 Service Unavailable", problem("The database is away."));
    let one = mapping(MAPPING, "staff", "pay");

    let refusing = broker(&[page(std::slice::from_ref(&one)), refused]);
    let (exit, table, stderr) = Desk::signed_in(&refusing).run(&["mapping", "list", "vision"]);
    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert!(table.contains(MAPPING), "{table}");

    let (exit, table, _) = Desk::signed_in(&broker(&[page(&[one]), unavailable])).run(&["mapping", "list", "vision"]);
    assert_eq!((exit, table.as_str()), (Exit::Unavailable, ""));
}
