//! `If-Match`: of two who change the same mapping, one does, and the other is told.

use serde_json::json;

use super::{MAPPINGS, PEOPLE, Stage, at_once, on_each, problem};
use crate::support::databases::{Kind, look};
use crate::support::serving::wait;
use crate::support::signed_in::SignedIn;

/// How often two people are let loose on one thing at the same moment.
const ROUNDS: usize = 20;

#[test]
fn who_changes_what_somebody_else_has_changed_is_told_and_nothing_is_lost() {
    on_each("who_changes_what_somebody_else_has_changed_is_told_and_nothing_is_lost", |stage| {
        let id = stage.added(&stage.one, "students", "pay", &json!({}));
        let seen = stage.get(&stage.two, &format!("{MAPPINGS}/{id}"));
        assert_eq!(seen.header("etag"), Some("\"1\""));

        let first = stage.edit(&stage.one, &id, 1, &json!({"needs_mfa": true}));
        assert_eq!((first.status, first.header("etag")), (200, Some("\"2\"")));
        let before = stage.entries();
        for late in [
            stage.edit(&stage.two, &id, 1, &json!({"needs_approval": true})),
            // The same change, which they cannot know.
            stage.edit(&stage.two, &id, 1, &json!({"needs_mfa": true})),
            stage.edit(&stage.two, &id, 1, &json!({})),
            stage.edit(&stage.two, &id, 3, &json!({"needs_approval": true})),
            stage.end(&stage.two, &id, 1),
        ] {
            assert_eq!((late.status, problem(&late).as_str()), (412, "changed-meanwhile"), "{}", late.body);
        }
        let mapping = stage.mapping(&id);
        assert_eq!((&mapping["needs_mfa"], &mapping["needs_approval"]), (&json!(true), &json!(false)));
        assert_eq!((&mapping["revision"], &mapping["state"]), (&json!(2), &json!("live")));
        assert_eq!(stage.entries(), before, "what was not done is not in the ledger");

        assert_eq!(stage.end(&stage.two, &id, 2).status, 200);
        assert_eq!(stage.mapping(&id)["state"], "ended");
        let again = stage.end(&stage.two, &id, 3);
        assert_eq!((again.status, problem(&again).as_str()), (409, "conflict"));
    });
}

#[test]
fn of_two_at_the_same_moment_exactly_one_changes_a_mapping() {
    on_each("of_two_at_the_same_moment_exactly_one_changes_a_mapping", |stage| {
        for round in 0..ROUNDS {
            let id = stage.added(&stage.one, &format!("students-{round}"), "pay", &json!({}));

            let (one, two) = at_once(
                || stage.edit(&stage.one, &id, 1, &json!({"needs_mfa": true})),
                || match round % 2 {
                    0 => stage.edit(&stage.two, &id, 1, &json!({"needs_approval": true})),
                    _ => stage.end(&stage.two, &id, 1),
                },
            );

            let mut statuses = [one.status, two.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412], "{} {}", one.body, two.body);
            let (done, refused) = if one.status == 200 { (&one, &two) } else { (&two, &one) };
            assert_eq!(problem(refused), "changed-meanwhile");
            assert_eq!(stage.mapping(&id), done.json()["mapping"], "round {round}");
        }
    });
}

#[test]
fn of_two_at_the_same_moment_exactly_one_adds_a_mapping() {
    on_each("of_two_at_the_same_moment_exactly_one_adds_a_mapping", |stage| {
        for round in 0..ROUNDS {
            let group = format!("students-{round}");

            let (one, two) = at_once(
                || stage.add(&stage.one, &group, "pay", &json!({})),
                || stage.add(&stage.manager, &group, "pay", &json!({"needs_mfa": true})),
            );

            let mut statuses = [one.status, two.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409], "{} {}", one.body, two.body);
        }
        let all = stage.get(&stage.one, &format!("{MAPPINGS}?limit=200")).json();
        assert_eq!(all["mappings"].as_array().unwrap().len(), ROUNDS);
    });
}

#[test]
fn a_change_must_name_one_revision_and_no_other_form_is_taken() {
    let stage = Stage::on(Kind::Sqlite);
    let id = stage.added(&stage.one, "students", "pay", &json!({}));
    let before = stage.entries();
    let url = format!("{MAPPINGS}/{id}");
    for (method, path) in [("PATCH", url.clone()), ("POST", format!("{url}/end"))] {
        let ask = || stage.ask(&stage.one, method, &path).json(&json!({"needs_mfa": true}));

        let none = ask().send();
        assert_eq!((none.status, problem(&none).as_str()), (428, "revision-needed"));
        for other in [
            "*",
            "W/\"1\"",
            "\"1\", \"2\"",
            "\"1\",\"1\"",
            "1",
            "\"1",
            "1\"",
            "'1'",
            "\"\"",
            "\"x\"",
            "\"1.0\"",
            "\"+1\"",
            "\"-1\"",
            "\"01\"",
            "\"0\"",
            "\" 1\"",
            "\"1 \"",
            "\"0x1\"",
            "\"١\"",
            "\"99999999999999999999\"",
            "",
        ] {
            let answer = ask().header("if-match", other).send();
            assert_eq!((answer.status, problem(&answer).as_str()), (400, "malformed-request"), "{other:?}");
        }
        let twice = ask().header("if-match", "\"1\"").header("if-match", "\"1\"").send();
        assert_eq!(twice.status, 400);
        // Other preconditions do not stand in for it.
        let other =
            ask().header("if-none-match", "\"2\"").header("if-unmodified-since", "Sat, 21 Nov 2026 13:00:00 GMT");
        assert_eq!(other.send().status, 428);
    }
    assert_eq!((stage.entries(), &stage.mapping(&id)["revision"]), (before, &json!(1)));
}

#[test]
fn every_revision_is_kept_with_its_conditions_and_who_set_them() {
    on_each("every_revision_is_kept_with_its_conditions_and_who_set_them", |stage| {
        let Stage { one, two, manager, .. } = stage;
        let id = stage.added(manager, "students", "pay", &json!({"needs_mfa": true}));
        assert_eq!(stage.edit(one, &id, 1, &json!({"needs_mfa": false, "max_duration_seconds": 1_800})).status, 200);
        assert_eq!(stage.edit(one, &id, 2, &json!({})).status, 200, "nothing changes, and nothing is kept");
        assert_eq!(stage.edit(two, &id, 1, &json!({"needs_approval": true})).status, 412);
        assert_eq!(stage.end(two, &id, 2).status, 200);
        // It benefits who asks, so it holds when another PI says so, and is theirs.
        assert_eq!(stage.add(one, "group-of-one", "pay", &json!({})).status, 202);
        let [asked] = &stage.waiting()[..] else { panic!() };
        assert_eq!(stage.confirm(two, asked).status, 200);

        let kept: Vec<(String, i64, bool, Option<i64>, bool, String)> = wait(look(
            &stage.labs.running.database.owner,
            "select mapping.group_name, mapping_revision.revision, mapping_revision.needs_mfa, \
             mapping_revision.max_duration_seconds, mapping_revision.ends_at is not null, mapping_revision.person_id \
             from mapping_revision join mapping on mapping.lab_id = mapping_revision.lab_id \
             and mapping.id = mapping_revision.mapping_id order by 1 desc, 2",
        ));
        let line = |group: &str, revision, mfa, seconds, ended, by: &SignedIn| {
            (group.to_owned(), revision, mfa, seconds, ended, by.person.to_string())
        };
        assert_eq!(
            kept,
            [
                line("students", 1, true, None, false, manager),
                line("students", 2, false, Some(1_800), false, one),
                line("students", 3, false, Some(1_800), true, two),
                line("group-of-one", 1, false, None, false, two),
            ]
        );
    });
}

#[test]
fn the_history_names_nobody_who_has_left_the_lab() {
    on_each("the_history_names_nobody_who_has_left_the_lab", |stage| {
        stage.labs.name("manager", "Manny Leaver");
        let id = stage.added(&stage.manager, "students", "pay", &json!({}));
        let seen = || {
            let revisions = stage.get(&stage.two, &format!("{MAPPINGS}/{id}/revisions")).json();
            let by = &revisions["revisions"][0]["by"];
            assert_eq!(by["id"], json!(stage.manager.person.to_string()));
            by["name"].clone()
        };
        assert_eq!(seen(), json!("Manny Leaver"));

        let out = stage.ask(&stage.two, "DELETE", &format!("{PEOPLE}/{}", stage.manager.person)).send();

        assert_eq!((out.status, seen()), (204, json!(null)));
    });
}
