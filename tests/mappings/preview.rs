//! What a change would do, said before it is made: exact for the lab's own people, and no way to read who is in a group.

use serde_json::{Value, json};

use super::{MAPPINGS, Stage, on_each, problem};
use crate::support::databases::Kind;
use crate::support::serving::wait;
use crate::support::signed_in::{SignIn, SignedIn, signed_in};

const NEW: &str = "/api/v1/labs/vision/mappings/preview";

impl Stage {
    fn preview(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask(&self.two, "POST", path).json(body).send();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    fn preview_new(&self, group: &str, more: &Value) -> Value {
        let mut body = json!({"connection": "campus", "group": group, "role": "pay"});
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        self.preview(NEW, &body)
    }

    /// Somebody in these groups who is known in the lab.
    fn known(&self, subject: &str, groups: &[&str]) -> SignedIn {
        let all: Vec<&str> = groups.iter().copied().chain(["readers"]).collect();
        let person = signed_in(self.labs.broker(), subject, &all);
        assert!(self.gives(&person, "read-results"));
        person
    }
}

/// Whom it names, and what it says of each; in the order of the names.
fn effects(preview: &Value) -> Vec<(String, String)> {
    let all = preview["people"].as_array().unwrap().iter();
    all.map(|it| (it["id"].as_str().unwrap().to_owned(), it["effect"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn a_preview_says_exactly_who_of_the_lab_gains_loses_keeps_or_has_it_on_other_conditions() {
    on_each("a_preview_says_exactly_who_of_the_lab_gains_loses_keeps_or_has_it_on_other_conditions", |stage| {
        stage.added(&stage.one, "readers", "read-results", &json!({}));
        let plain = stage.known("plain", &["students"]);
        let tutor = stage.known("tutor", &["students", "tutors"]);
        let guest = stage.known("guest", &["guests"]);
        // Somebody who was in it and is not any more, and somebody of another provider's group of that name.
        stage.known("left", &["students"]);
        stage.labs.advance(chrono::TimeDelta::seconds(1));
        signed_in(stage.labs.broker(), "left", &["readers"]);
        SignIn { connection: "hospital", subject: "nurse", groups: Some(&["students"]), mfa: false }
            .at(stage.labs.broker());
        let sorted = |pairs: &[(&SignedIn, &str)]| {
            let mut all: Vec<_> =
                pairs.iter().map(|(who, what)| (who.person.to_string(), (*what).to_owned())).collect();
            all.sort();
            all
        };
        let entries = stage.entries();

        let first = stage.preview_new("students", &json!({}));
        assert_eq!(effects(&first), sorted(&[(&plain, "gains"), (&tutor, "gains")]));
        assert_eq!((&first["after"]["needs_mfa"], &first["gives_yourself"]), (&json!(false), &json!("nothing")));
        assert!(
            first["cost"].as_str().is_some_and(|cost| !cost.is_empty())
                && !first["actions"].as_array().unwrap().is_empty()
        );
        assert_eq!(stage.entries(), entries, "a look changes nothing");

        stage.added(&stage.one, "tutors", "pay", &json!({"needs_mfa": true}));
        let second = stage.preview_new("students", &json!({}));
        assert_eq!(effects(&second), sorted(&[(&plain, "gains"), (&tutor, "changes")]));
        let changed = second["people"].as_array().unwrap().iter().find(|it| it["effect"] == "changes").unwrap();
        assert_eq!((&changed["before"]["needs_mfa"], &changed["after"]["needs_mfa"]), (&json!(true), &json!(false)));

        let id = stage.added(&stage.one, "students", "pay", &json!({}));
        let of = format!("{MAPPINGS}/{id}/preview");
        let end = json!({"end": true});
        assert_eq!(effects(&stage.preview(&of, &end)), sorted(&[(&plain, "loses"), (&tutor, "changes")]));
        assert_eq!(effects(&stage.preview(&of, &json!({}))), sorted(&[(&plain, "keeps"), (&tutor, "keeps")]));
        let stricter = json!({"needs_mfa": true, "max_duration_seconds": 1_800});
        assert_eq!(effects(&stage.preview(&of, &stricter)), sorted(&[(&plain, "changes"), (&tutor, "changes")]));
        assert_eq!(effects(&stage.preview_new("guests", &json!({}))), sorted(&[(&guest, "gains")]));

        // As for doing it: what cannot be is said, and nobody but who may do it is told anything.
        let twice = stage
            .ask(&stage.one, "POST", NEW)
            .json(&json!({"connection": "campus", "group": "students", "role": "pay"}));
        assert_eq!(problem(&twice.send()), "conflict");
        let member = stage.ask(&plain, "POST", &of).json(&end).send();
        assert_eq!((member.status, problem(&member).as_str()), (403, "standing-needed"));
        let own = stage
            .ask(&stage.one, "POST", NEW)
            .json(&json!({"connection": "campus", "group": "group-of-one", "role": "pay"}));
        assert_eq!(own.send().json()["gives_yourself"], "more-and-waits");
    });
}

#[test]
fn mapping_a_group_is_no_way_to_read_who_is_in_it() {
    on_each("mapping_a_group_is_no_way_to_read_who_is_in_it", |stage| {
        let others: Vec<SignedIn> =
            (0..4).map(|n| signed_in(stage.labs.broker(), &format!("other-{n}"), &["seminar"])).collect();
        let few = stage.preview_new("seminar", &json!({}));
        let nobody = stage.preview_new("seminar-x", &json!({}));
        assert_eq!((&few["others"], &few["people"]), (&json!({"kind": "fewer-than-five", "count": null}), &json!([])));
        // Nobody and four are one answer, to the letter.
        let without_name = |mut it: Value| {
            it["group"] = Value::Null;
            it
        };
        assert_eq!(without_name(few.clone()), without_name(nobody));

        // Conditions change nothing of what is said of others, nor does mapping it, looking again, or giving credentials.
        let strict = json!({"needs_mfa": true, "needs_approval": true, "ends_at": "2027-01-01T00:00:00Z"});
        assert_eq!(stage.preview_new("seminar", &strict)["others"], few["others"]);
        let id = stage.added(&stage.one, "seminar", "pay", &json!({}));
        let of = format!("{MAPPINGS}/{id}/preview");
        for body in [json!({"end": true}), json!({}), json!({"needs_mfa": true})] {
            let again = stage.preview(&of, &body);
            assert_eq!((&again["others"], &again["people"]), (&few["others"], &json!([])), "{body}");
        }
        assert_eq!(
            stage.get(&stage.two, "/api/v1/labs/vision/groups").json()["groups"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|seen| seen["group"] == "seminar")
                .count(),
            0
        );

        // The fifth makes a number of them; and nobody of them a name.
        signed_in(stage.labs.broker(), "other-4", &["seminar"]);
        let five = stage.preview(&of, &json!({"end": true}));
        assert_eq!((&five["others"], &five["people"]), (&json!({"kind": "count", "count": 5}), &json!([])));
        // Who asks for the role makes themselves known, and is named and not counted from then on.
        assert!(stage.gives(&others[0], "pay"));
        let known = stage.preview(&of, &json!({"end": true}));
        assert_eq!(effects(&known), [(others[0].person.to_string(), "loses".to_owned())]);
        assert_eq!(known["others"]["kind"], "fewer-than-five");
    });
}

#[test]
fn who_is_suspended_has_nothing_to_gain_and_is_not_counted() {
    on_each("who_is_suspended_has_nothing_to_gain_and_is_not_counted", |stage| {
        stage.added(&stage.one, "readers", "read-results", &json!({}));
        let people = ["known", "away"].map(|subject| stage.known(subject, &["students"]));
        let others: Vec<SignedIn> =
            (0..5).map(|n| signed_in(stage.labs.broker(), &format!("other-{n}"), &["students"])).collect();
        assert_eq!(stage.preview_new("students", &json!({}))["others"], json!({"kind": "count", "count": 5}));

        for away in [&people[1], &others[0]] {
            wait(stage.labs.seeding().desk().suspend(&away.person)).unwrap();
        }

        let preview = stage.preview_new("students", &json!({}));
        assert_eq!(effects(&preview), [(people[0].person.to_string(), "gains".to_owned())]);
        assert_eq!(preview["others"]["kind"], "fewer-than-five");
    });
}

#[test]
fn the_groups_of_the_labs_own_people_are_suggested_and_nobody_elses() {
    let stage = Stage::on(Kind::Sqlite);
    stage.added(&stage.one, "readers", "read-results", &json!({}));
    stage.known("a", &["students"]);
    stage.known("b", &["students"]);
    signed_in(stage.labs.broker(), "stranger", &["secret-society"]);

    let answer = stage.get(&stage.one, "/api/v1/labs/vision/groups").json();
    let seen: Vec<_> = answer["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["group"].as_str().unwrap().to_owned(), it["people"].as_u64().unwrap()))
        .collect();
    let of = |group: &str, people| (group.to_owned(), people);
    assert_eq!(
        seen,
        [of("readers", 2), of("students", 2), of("group-of-managers", 1), of("group-of-one", 1), of("group-of-two", 1)]
    );
    assert_eq!(answer["next"], Value::Null);
    let page = stage.get(&stage.one, "/api/v1/labs/vision/groups?limit=2").json();
    assert_eq!((page["groups"].as_array().unwrap().len(), &page["next"]), (2, &json!("2.campus.students")));

    // Page by page it is the same list; and a group that has come to be before the place shifts nothing behind it.
    let (mut paged, mut next) = (Vec::new(), Value::Null);
    loop {
        let after = next.as_str().map(|next| format!("&after={next}")).unwrap_or_default();
        let page = stage.get(&stage.one, &format!("/api/v1/labs/vision/groups?limit=2{after}")).json();
        paged.extend(page["groups"].as_array().unwrap().clone());
        assert!(paged.len() <= 6, "{paged:?}");
        next = page["next"].clone();
        if paged.len() == 2 {
            stage.labs.advance(chrono::TimeDelta::seconds(1));
            for person in ["a", "b"] {
                stage.known(person, &["students", "another"]);
            }
        }
        if next.is_null() {
            break;
        }
    }
    assert_eq!(Value::from(paged), answer["groups"]);
    for wrong in ["2", "2.campus", "x.campus.students", "-1.campus.students"] {
        let answer = stage.get(&stage.one, &format!("/api/v1/labs/vision/groups?after={wrong}"));
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
}
