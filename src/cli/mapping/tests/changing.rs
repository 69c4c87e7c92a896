//! `add`, `edit` and `end`: what is sent, on which revision, and what is said.

use super::*;

#[test]
fn add_sends_what_was_given_and_says_what_it_did() {
    let made = with(
        mapping(MAPPING, "staff", "pay"),
        &json!({"needs_mfa": true, "max_duration_seconds": 1800, "ends_at": "2026-12-25T00:00:00Z"}),
    );
    let broker = broker(&[("POST /mappings", "201 Created", done(&made))]);
    let desk = Desk::signed_in(&broker);

    let line = ["mapping", "add", "vision/pay", "--group", "staff", "--connection", "campus", "--until", "2026-12-24"];
    let line = [&line[..], &["--max-duration", "30m", "--needs-mfa", "--needs-approval"]].concat();
    let (exit, stdout, stderr) = desk.run(&line);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    Added map-0123456789abcdef: members of staff at Example University get vision/pay (second factor, 30 min at most; until 2026-12-25 00:00 UTC).
    To take it back: lodge mapping end vision map-0123456789abcdef
    ");
    let asked = last(&broker);
    assert_eq!((asked.if_match.as_deref(), asked.content_type.as_deref()), (None, Some("application/json")));
    assert_eq!(
        body(&asked),
        json!({"connection": "campus", "group": "staff", "role": "pay", "ends_at": "2026-12-25T00:00:00Z",
            "max_duration_seconds": 1800, "needs_mfa": true, "needs_approval": true})
    );

    let (exit, stdout, stderr) = desk.run(&["mapping", "add", "vision/pay", "--group", "staff", "--json"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), done(&made));
    assert_eq!(
        body(&last(&broker)),
        json!({"group": "staff", "role": "pay", "needs_mfa": false, "needs_approval": false})
    );
}

#[test]
fn a_span_is_counted_from_now() {
    let broker = broker(&[("POST /mappings", "201 Created", done(&mapping(MAPPING, "staff", "pay")))]);

    Desk::signed_in(&broker).run(&["mapping", "add", "vision/pay", "--group", "staff", "--until", "90d"]);

    assert_eq!(body(&last(&broker))["ends_at"], "2027-02-19T13:00:00Z");
}

#[test]
fn edit_changes_the_revision_that_it_read_and_shows_before_and_after() {
    let after = with(
        mapping(MAPPING, "staff", "pay"),
        &json!({"revision": 4, "needs_mfa": true, "ends_at": "2026-12-25T00:00:00Z"}),
    );
    let broker = broker(&[
        ("GET /mappings/map-0123456789abcdef", "200 OK", mapping(MAPPING, "staff", "pay")),
        ("PATCH /mappings/map-0123456789abcdef", "200 OK", done(&after)),
    ]);
    let desk = Desk::signed_in(&broker);
    let line = ["mapping", "edit", "vision", MAPPING, "--until", "2026-12-24", "--needs-mfa", "yes"];

    let (exit, stdout, stderr) = desk.run(&line);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    map-0123456789abcdef: members of staff at Example University get vision/pay
      end: never -> 2026-12-25 00:00 UTC
      second factor: not needed -> needed
    Changed; it now has revision 4.
    ");
    assert_eq!(lines(&broker), [format!("GET /mappings/{MAPPING}"), format!("PATCH /mappings/{MAPPING}")]);
    assert_eq!(last(&broker).if_match.as_deref(), Some("\"3\""));
    assert_eq!(body(&last(&broker)), json!({"ends_at": "2026-12-25T00:00:00Z", "needs_mfa": true}));

    let (exit, stdout, stderr) = desk.run(&[&line[..], &["--json"]].concat());

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), done(&after));
}

#[test]
fn edit_takes_away_with_never_and_none_and_no() {
    let before = with(
        mapping(MAPPING, "staff", "pay"),
        &json!({"needs_approval": true, "max_duration_seconds": 1801, "ends_at": "2026-12-25T00:00:00Z"}),
    );
    let after = with(mapping(MAPPING, "staff", "pay"), &json!({"revision": 4}));
    let broker = broker(&[
        ("GET /mappings/map-0123456789abcdef", "200 OK", before),
        ("PATCH /mappings/map-0123456789abcdef", "200 OK", done(&after)),
    ]);

    let line = ["mapping", "edit", "vision", MAPPING, "--until", "never", "--max-duration", "none"];
    let (_, _, stderr) = Desk::signed_in(&broker).run(&[&line[..], &["--needs-approval", "no"]].concat());

    insta::assert_snapshot!(stderr, @"
    map-0123456789abcdef: members of staff at Example University get vision/pay
      end: 2026-12-25 00:00 UTC -> never
      longest session: 1801 s -> the role's own maximum
      PI's approval: needed -> not needed
    Changed; it now has revision 4.
    ");
    let sent = json!({"ends_at": null, "max_duration_seconds": null, "needs_approval": false});
    assert_eq!(body(&last(&broker)), sent);
}

#[test]
fn a_revision_that_is_given_wins_over_the_one_that_was_read() {
    let ended = with(mapping(MAPPING, "staff", "pay"), &json!({"state": "ended", "revision": 8}));
    let changed = with(mapping(MAPPING, "staff", "pay"), &json!({"needs_mfa": true, "revision": 8}));
    let broker = broker(&[
        ("GET /mappings/map-0123456789abcdef", "200 OK", mapping(MAPPING, "staff", "pay")),
        ("PATCH /mappings/map-0123456789abcdef", "200 OK", done(&changed)),
        ("POST /mappings/map-0123456789abcdef/end", "200 OK", done(&ended)),
    ]);
    let desk = Desk::signed_in(&broker);

    for verb in
        [&["mapping", "edit", "vision", MAPPING, "--needs-mfa", "yes"][..], &["mapping", "end", "vision", MAPPING]]
    {
        let (exit, _, stderr) = desk.run(&[verb, &["--revision", "7"]].concat());

        assert_eq!(exit, Exit::Done, "{stderr}");
        assert_eq!(last(&broker).if_match.as_deref(), Some("\"7\""));
        // Revision 3 was read, so what differs from it is not what this changed.
        assert!(!stderr.contains("->"), "{stderr}");
    }
}

#[test]
fn an_edit_that_changes_nothing_says_so() {
    let same = mapping(MAPPING, "staff", "pay");
    let broker = broker(&[
        ("GET /mappings/map-0123456789abcdef", "200 OK", same.clone()),
        ("PATCH /mappings/map-0123456789abcdef", "200 OK", done(&same)),
    ]);

    let (exit, _, stderr) = Desk::signed_in(&broker).run(&["mapping", "edit", "vision", MAPPING, "--needs-mfa", "no"]);

    assert_eq!(exit, Exit::Done);
    assert!(stderr.ends_with("Nothing has changed: it was so already.\n"), "{stderr}");
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let stale = problem("The mapping has revision 4.");
    let broker = broker(&[
        ("GET /mappings/map-0123456789abcdef", "200 OK", mapping(MAPPING, "staff", "pay")),
        ("PATCH /mappings/map-0123456789abcdef", "412 Precondition Failed", stale.clone()),
        ("POST /mappings/map-0123456789abcdef/end", "412 Precondition Failed", stale),
    ]);
    let desk = Desk::signed_in(&broker);

    for verb in
        [&["mapping", "edit", "vision", MAPPING, "--needs-mfa", "yes"][..], &["mapping", "end", "vision", MAPPING]]
    {
        let (exit, stdout, stderr) = desk.run(verb);

        assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""));
        assert_eq!(
            stderr,
            "lodge: somebody else changed map-0123456789abcdef meanwhile, so nothing was overwritten; \
             see how it is now: lodge mapping list vision --all\n"
        );
    }
    // Each was tried once: trying again on what is there now would be overwriting.
    assert_eq!(lines(&broker).iter().filter(|line| !line.starts_with("GET")).count(), 2);
}

#[test]
fn end_says_how_to_undo_it() {
    let ended = json!({"state": "ended", "ends_at": "2026-11-21T13:00:00Z", "revision": 4});
    let ended = done(&with(mapping(MAPPING, "staff", "pay"), &ended));
    let limited = with(mapping(MAPPING, "staff", "pay"), &json!({"ends_at": "2026-12-25T00:00:00Z"}));
    let get = "GET /mappings/map-0123456789abcdef";
    let post = "POST /mappings/map-0123456789abcdef/end";
    let unlimited_broker =
        broker(&[(get, "200 OK", mapping(MAPPING, "staff", "pay")), (post, "200 OK", ended.clone())]);
    let limited_broker = broker(&[(get, "200 OK", limited), (post, "200 OK", ended)]);

    let (exit, stdout, stderr) = Desk::signed_in(&unlimited_broker).run(&["mapping", "end", "vision", MAPPING]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    Ended map-0123456789abcdef: it no longer gives vision/pay to members of staff at Example University.
    AWS credentials that were already handed out live on until they expire, an hour at most.
    To undo it: lodge mapping edit vision map-0123456789abcdef --until never
    ");
    let asked = last(&unlimited_broker);
    assert_eq!((asked.if_match.as_deref(), asked.body.as_str(), asked.content_type), (Some("\"3\""), "", None));

    let (_, _, stderr) = Desk::signed_in(&limited_broker).run(&["mapping", "end", "vision", MAPPING]);

    assert!(stderr.ends_with("--until 2026-12-25T00:00:00Z\n"), "{stderr}");
}

#[test]
fn end_with_a_cut_off_asks_for_it_and_does_not_say_that_credentials_live_on() {
    let ended = json!({"state": "ended", "ends_at": "2026-11-21T13:00:00Z", "revision": 4});
    let ended = with(mapping(MAPPING, "staff", "pay"), &ended);
    let get = "GET /mappings/map-0123456789abcdef";
    let post = "POST /mappings/map-0123456789abcdef/end?cut_off=true";
    let line = ["mapping", "end", "vision", MAPPING, "--cut-off"];
    let lasting = broker(&[(get, "200 OK", mapping(MAPPING, "staff", "pay")), (post, "200 OK", done(&ended))]);
    let ended_before = broker(&[(get, "200 OK", ended.clone()), (post, "200 OK", done(&ended))]);

    let (exit, stdout, stderr) = Desk::signed_in(&lasting).run(&line);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(stderr, @"
    Ended map-0123456789abcdef: it no longer gives vision/pay to members of staff at Example University.
    Whoever had live AWS credentials by it is cut off. AWS may take some minutes to go by it everywhere; the
    credentials die anyway, an hour at most after they were handed out.
    To see how far that has got: lodge sessions vision --cut-off
    To undo it: lodge mapping edit vision map-0123456789abcdef --until never
    ");
    let asked = last(&lasting);
    assert_eq!((asked.if_match.as_deref(), asked.body.as_str()), (Some("\"3\""), ""));

    let (exit, _, stderr) = Desk::signed_in(&ended_before).run(&line);

    assert_eq!(exit, Exit::Done);
    assert!(stderr.starts_with("map-0123456789abcdef had ended already.\nWhoever had live AWS"), "{stderr}");
}
