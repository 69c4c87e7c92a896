//! A change that gives its author more waits for another PI. Nobody of two opens a door for themselves alone.
//!
//! A change that cannot be confirmed any more (its mapping has changed, its author has left, the group has got the role
//! meanwhile) stays where it is until somebody declines it or it lapses: whoever looks sees what was asked for.

use chrono::TimeDelta;
use lodge::domain::lab::Office;
use serde_json::{Value, json};

use super::{CHANGES, MAPPINGS, PEOPLE, Stage, at_once, on_each, problem};
use crate::support::databases::Kind;
use crate::support::serving::wait;
use crate::support::signed_in::{SignIn, SignedIn, key, signed_in};
use crate::support::visitor::Page;

/// The id of the change that this answer says is waiting.
fn change(answer: &Page) -> String {
    assert_eq!(answer.status, 202, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["outcome"], "waiting");
    assert_eq!((answer.header("location"), answer.header("etag")), (None, None), "nothing is there yet");
    body["change"]["id"].as_str().unwrap().to_owned()
}

/// What the last entry of the lab's ledger says.
fn last(stage: &Stage) -> Value {
    stage.acts(0).pop().unwrap()
}

fn by(who: &SignedIn) -> Value {
    json!(who.person.to_string())
}

#[test]
fn what_gives_its_author_more_waits_for_another_pi_and_holds_with_their_word() {
    on_each("what_gives_its_author_more_waits_for_another_pi_and_holds_with_their_word", |stage| {
        let change = change(&stage.add(&stage.one, "group-of-one", "pay", &json!({"max_duration_seconds": 1_800})));
        let asked = last(stage);
        assert_eq!((&asked["kind"], &asked["by"]), (&json!("mapping-change-asked"), &by(&stage.one)), "{asked}");
        assert_eq!(stage.get(&stage.one, MAPPINGS).json()["mappings"], json!([]));
        assert!(!stage.gives(&stage.one, "pay"));
        let waiting = &stage.get(&stage.manager, CHANGES).json()["changes"][0];
        assert_eq!((&waiting["id"], &waiting["author"]["id"]), (&json!(change), &by(&stage.one)));
        assert_eq!((&waiting["group"], &waiting["max_duration_seconds"]), (&json!("group-of-one"), &json!(1_800)));

        for (who, why) in [(&stage.one, "its author"), (&stage.manager, "a manager")] {
            let refused = stage.confirm(who, &change);
            assert_eq!((refused.status, problem(&refused).as_str()), (403, "standing-needed"), "{why}");
        }
        assert_eq!(stage.waiting(), [change.as_str()]);
        assert!(!stage.gives(&stage.one, "pay"));

        let confirmed = stage.confirm(&stage.two, &change);
        assert_eq!((confirmed.status, &confirmed.json()["outcome"]), (200, &json!("done")), "{}", confirmed.body);
        let added = last(stage);
        assert_eq!((&added["kind"], &added["by"]), (&json!("mapping-added"), &by(&stage.two)), "{added}");
        assert_eq!(added["benefits-author"], true);
        assert_eq!(added["asked"], json!({"change": change, "author": stage.one.person.to_string()}));
        assert_eq!(stage.waiting(), [""; 0]);
        assert!(stage.gives(&stage.one, "pay"));

        for again in [stage.confirm(&stage.two, &change), stage.decline(&stage.two, &change)] {
            assert_eq!((again.status, problem(&again).as_str()), (404, "not-in-lab"));
        }
    });
}

#[test]
fn an_edit_that_gives_its_author_more_waits_and_one_that_takes_does_not() {
    on_each("an_edit_that_gives_its_author_more_waits_and_one_that_takes_does_not", |stage| {
        let terms = json!({"needs_mfa": true, "max_duration_seconds": 1_800, "ends_at": "2027-01-01T00:00:00Z"});
        let id = stage.added(&stage.two, "group-of-one", "pay", &terms);
        for more in [
            json!({"needs_mfa": false}),
            json!({"max_duration_seconds": null}),
            json!({"max_duration_seconds": 1_801}),
            json!({"ends_at": null}),
            json!({"ends_at": "2027-01-01T00:00:01Z"}),
            json!({"ends_at": "2026-12-01T00:00:00Z", "needs_mfa": false}),
        ] {
            let change = change(&stage.edit(&stage.one, &id, 1, &more));
            assert_eq!(stage.mapping(&id)["revision"], 1, "{more}");
            assert_eq!(stage.decline(&stage.two, &change).status, 204);
        }

        let mut revision = 1;
        for less in [json!({"needs_approval": true}), json!({"ends_at": "2026-12-01T00:00:00Z"})] {
            let answer = stage.edit(&stage.one, &id, revision, &less);
            assert_eq!(answer.status, 200, "{less}: {}", answer.body);
            assert_eq!(last(stage)["benefits-author"], false);
            revision += 1;
        }
        // What has ended and is brought back gives more, whatever its conditions.
        assert_eq!(stage.end(&stage.one, &id, revision).status, 200);
        let back = json!({"ends_at": "2026-11-30T00:00:00Z"});
        let change = change(&stage.edit(&stage.one, &id, revision + 1, &back));
        assert_eq!(stage.mapping(&id)["state"], "ended");
        let confirmed = stage.confirm(&stage.two, &change);
        assert_eq!(confirmed.json()["mapping"]["state"], "live");
        let edited = last(stage);
        assert_eq!((&edited["kind"], &edited["by"]), (&json!("mapping-edited"), &by(&stage.two)));
        assert_eq!(edited["asked"]["author"], by(&stage.one));
        assert_eq!(
            (&edited["benefits-author"], &edited["after"]["ends-at"]),
            (&json!(true), &json!("2026-11-30T00:00:00.000000Z"))
        );
    });
}

#[test]
fn what_gives_others_more_holds_at_once() {
    on_each("what_gives_others_more_holds_at_once", |stage| {
        for (who, group) in [
            (&stage.one, "group-of-two"),
            (&stage.two, "group-of-managers"),
            (&stage.manager, "group-of-one"),
            (&stage.one, "Group-of-one"),
        ] {
            stage.added(who, group, "pay", &json!({}));
            assert_eq!((&last(stage)["by"], &last(stage)["benefits-author"]), (&by(who), &json!(false)));
        }
        // The group of that name at another provider is another group.
        stage.added(&stage.one, "group-of-one", "read-results", &json!({"connection": "hospital"}));
        assert_eq!(last(stage)["benefits-author"], false);
    });
}

#[test]
fn without_another_pi_it_holds_at_once_and_is_marked() {
    on_each("without_another_pi_it_holds_at_once_and_is_marked", |stage| {
        let two = format!("{PEOPLE}/{}", stage.two.person);
        assert_eq!(stage.ask(&stage.two, "DELETE", &two).send().status, 204);

        stage.added(&stage.one, "group-of-one", "pay", &json!({}));
        let added = last(stage);
        assert_eq!((&added["by"], &added["benefits-author"]), (&by(&stage.one), &json!(true)));
        assert_eq!(added.get("asked"), None);
        assert!(stage.gives(&stage.one, "pay"));

        // For a manager, there is another PI.
        let change = change(&stage.add(&stage.manager, "group-of-managers", "pay", &json!({})));
        assert_eq!(stage.confirm(&stage.one, &change).status, 200);
    });
}

#[test]
fn a_pi_who_is_suspended_is_none_whose_word_one_waits_for() {
    on_each("a_pi_who_is_suspended_is_none_whose_word_one_waits_for", |stage| {
        wait(stage.labs.seeding().desk().suspend(&stage.two.person)).unwrap();

        stage.added(&stage.one, "group-of-one", "pay", &json!({}));

        assert_eq!(last(stage)["benefits-author"], true);
    });
}

#[test]
fn the_author_withdraws_a_pi_declines_and_nobody_else_does() {
    on_each("the_author_withdraws_a_pi_declines_and_nobody_else_does", |stage| {
        for who in [&stage.one, &stage.two] {
            let change = change(&stage.add(&stage.one, "group-of-one", "pay", &json!({})));
            let refused = stage.decline(&stage.manager, &change);
            assert_eq!((refused.status, problem(&refused).as_str()), (403, "standing-needed"));
            assert_eq!(stage.waiting(), [change.as_str()], "a refusal takes nothing away");

            assert_eq!(stage.decline(who, &change).status, 204);

            let declined = last(stage);
            assert_eq!((&declined["kind"], &declined["by"]), (&json!("mapping-change-declined"), &by(who)));
            assert_eq!(declined["change"], json!(change));
            assert_eq!(stage.waiting(), [""; 0]);
            assert_eq!(stage.confirm(&stage.two, &change).status, 404);
        }
        let of_manager = change(&stage.add(&stage.manager, "group-of-managers", "pay", &json!({})));
        assert_eq!(stage.decline(&stage.manager, &of_manager).status, 204);
        assert!(!stage.gives(&stage.one, "pay") && !stage.gives(&stage.manager, "pay"));
    });
}

#[test]
fn of_two_at_the_same_moment_exactly_one_decides_about_a_change() {
    on_each("of_two_at_the_same_moment_exactly_one_decides_about_a_change", |stage| {
        let three = stage.labs.holder(&stage.labs.a, Office::Pi, "three", &[]);
        for round in 0..20 {
            let group = format!("group-{round}");
            let author = signed_in(stage.labs.broker(), &format!("author-{round}"), &[&group]);
            stage.labs.appoint(&stage.labs.a, Office::Manager, &format!("author-{round}"));
            let change = change(&stage.add(&author, &group, "pay", &json!({})));

            let (two, three) = at_once(
                || stage.confirm(&stage.two, &change),
                || match round % 2 {
                    0 => stage.confirm(&three, &change),
                    _ => stage.decline(&three, &change),
                },
            );

            let mut statuses = [two.status, three.status];
            statuses.sort_unstable();
            assert!(matches!(statuses, [200 | 204, 404]), "{} {}", two.body, three.body);
            assert_eq!(stage.gives(&author, "pay"), statuses[0] == 200);
        }
    });
}

#[test]
fn the_last_wish_of_who_has_left_is_not_granted() {
    on_each("the_last_wish_of_who_has_left_is_not_granted", |stage| {
        let change = change(&stage.add(&stage.one, "group-of-one", "pay", &json!({})));
        let one = format!("{PEOPLE}/{}", stage.one.person);

        // A PI no more, and a manager still: it is granted to those.
        let demoted = stage.ask(&stage.two, "PUT", &one).json(&json!({"standing": "manager"})).send();
        assert_eq!((demoted.status, demoted.json()["standing"].clone()), (200, json!("manager")));
        assert_eq!(stage.ask(&stage.two, "DELETE", &one).send().status, 204);
        let refused = stage.confirm(&stage.two, &change);

        assert_eq!((refused.status, problem(&refused).as_str()), (409, "conflict"));
        assert!(refused.body.contains("decline it"), "{}", refused.body);
        let author = &stage.get(&stage.two, CHANGES).json()["changes"][0]["author"];
        assert_eq!((&author["id"], author.get("standing")), (&by(&stage.one), None), "{author}");
        assert!(!stage.gives(&stage.one, "pay"));
        assert_eq!(stage.confirm(&stage.one, &change).status, 404, "nor can they see the lab");
        assert_eq!(stage.decline(&stage.two, &change).status, 204);
    });
}

#[test]
fn a_change_of_what_has_changed_meanwhile_is_kept_and_cannot_be_confirmed() {
    on_each("a_change_of_what_has_changed_meanwhile_is_kept_and_cannot_be_confirmed", |stage| {
        let id = stage.added(&stage.two, "group-of-one", "pay", &json!({"needs_mfa": true}));
        let change = change(&stage.edit(&stage.one, &id, 1, &json!({"needs_mfa": false})));
        assert_eq!(stage.edit(&stage.two, &id, 1, &json!({"needs_approval": true})).status, 200);

        for _ in 0..2 {
            let refused = stage.confirm(&stage.two, &change);
            assert_eq!((refused.status, problem(&refused).as_str()), (412, "changed-meanwhile"));
            assert_eq!(stage.waiting(), [change.as_str()], "whoever looks sees what was asked for");
        }
        let mapping = stage.mapping(&id);
        assert_eq!((&mapping["needs_mfa"], &mapping["needs_approval"]), (&json!(true), &json!(true)));
        assert_eq!(stage.decline(&stage.two, &change).status, 204);
    });
}

#[test]
fn a_change_that_makes_a_second_mapping_of_one_kind_is_kept_and_cannot_be_confirmed() {
    on_each("a_change_that_makes_a_second_mapping_of_one_kind_is_kept_and_cannot_be_confirmed", |stage| {
        let asked = change(&stage.add(&stage.one, "group-of-one", "pay", &json!({})));
        let id = stage.added(&stage.two, "group-of-one", "pay", &json!({"needs_mfa": true}));

        let refused = stage.confirm(&stage.two, &asked);
        assert_eq!((refused.status, problem(&refused).as_str()), (409, "conflict"), "{}", refused.body);
        assert_eq!(stage.waiting(), [asked.as_str()]);

        // It holds once there is room for it, and is in the way then itself.
        assert_eq!(stage.end(&stage.two, &id, 1).status, 200);
        let back = change(&stage.edit(&stage.one, &id, 2, &json!({"ends_at": null})));
        assert_eq!(stage.confirm(&stage.two, &asked).status, 200);
        let refused = stage.confirm(&stage.two, &back);
        assert_eq!((refused.status, problem(&refused).as_str()), (409, "conflict"), "{}", refused.body);
    });
}

#[test]
fn a_change_lapses_after_a_week() {
    on_each("a_change_lapses_after_a_week", |stage| {
        let asked = change(&stage.add(&stage.one, "group-of-one", "pay", &json!({})));
        let lapsed = change(&stage.add(&stage.one, "group-of-one", "read-results", &json!({})));

        stage.labs.advance(TimeDelta::days(7) - TimeDelta::microseconds(1));
        let [one, two, _] = Stage::sign_in(&stage.labs);
        assert_eq!(stage.get(&two, CHANGES).json()["changes"].as_array().unwrap().len(), 2);
        assert_eq!(stage.confirm(&two, &asked).status, 200);

        stage.labs.advance(TimeDelta::microseconds(1));
        assert_eq!(stage.get(&two, CHANGES).json()["changes"], json!([]));
        for answer in [stage.confirm(&two, &lapsed), stage.decline(&one, &lapsed)] {
            assert_eq!((answer.status, problem(&answer).as_str()), (404, "not-in-lab"));
        }
        assert!(stage.gives(&one, "pay") && !stage.gives(&one, "read-results"));
    });
}

#[test]
fn a_change_whose_conditions_cannot_be_any_more_is_not_confirmed() {
    let stage = Stage::on(Kind::Sqlite);
    let end = stage.labs.now() + TimeDelta::hours(1);
    let asked = change(&stage.add(&stage.one, "group-of-one", "pay", &json!({"ends_at": end.to_rfc3339()})));
    stage.labs.advance(TimeDelta::hours(1));
    let [_, two, _] = Stage::sign_in(&stage.labs);

    let refused = stage.confirm(&two, &asked);

    assert_eq!((refused.status, problem(&refused).as_str()), (400, "cannot-be"), "{}", refused.body);
    assert_eq!(stage.waiting(), [asked]);
}

#[test]
fn what_the_latest_sign_in_says_decides_who_gains() {
    let stage = Stage::on(Kind::Sqlite);
    let sign_in = |groups| {
        stage.labs.advance(TimeDelta::seconds(1));
        SignIn { connection: "campus", subject: "one", groups, mfa: false }.at(stage.labs.broker())
    };

    let of_new_group: &[&str] = &["group-of-two", "group-of-one"];
    sign_in(Some(of_new_group));
    change(&stage.add(&stage.one, "group-of-two", "pay", &json!({})));
    sign_in(None);
    stage.added(&stage.one, "group-of-two", "read-results", &json!({}));
    assert_eq!(wait(stage.labs.seeding().add_pi(&stage.labs.a, &key("campus", "one"))).unwrap(), stage.one.person);
}
