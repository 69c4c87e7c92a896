//! A request that comes twice with one key is done once.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{CHANGES, MAPPINGS, Stage, on_each, problem};
use crate::support::databases::Kind;
use crate::support::signed_in::SignedIn;
use crate::support::visitor::Page;

fn add(stage: &Stage, who: &SignedIn, key: &str, group: &str) -> Page {
    let body = json!({"connection": "campus", "group": group, "role": "pay"});
    stage.ask(who, "POST", MAPPINGS).header("idempotency-key", key).json(&body).send()
}

fn mappings(stage: &Stage) -> Vec<Value> {
    stage.get(&stage.two, MAPPINGS).json()["mappings"].as_array().unwrap().clone()
}

#[test]
fn the_same_key_and_the_same_request_is_one_mapping() {
    on_each("the_same_key_and_the_same_request_is_one_mapping", |stage| {
        let first = add(stage, &stage.one, "\"k-1\"", "students");
        assert_eq!(first.status, 201, "{}", first.body);
        let id = first.json()["mapping"]["id"].as_str().unwrap().to_owned();
        let entries = stage.entries();

        // Quoted or not, it is one key; and the answer is that of then, whatever became of the mapping since.
        let again = add(stage, &stage.one, "k-1", "students");
        assert_eq!((again.status, again.json(), again.header("etag")), (201, first.json(), Some("\"1\"")));
        assert_eq!(stage.end(&stage.two, &id, 1).status, 200);
        stage.labs.advance(TimeDelta::minutes(59));
        let terms = |page: &Page| {
            (page.status, page.json()["mapping"]["ends_at"].clone(), page.header("etag").map(str::to_owned))
        };
        assert_eq!(terms(&add(stage, &stage.one, "k-1", "students")), terms(&first));
        assert_eq!((stage.entries(), mappings(stage).len()), (entries + 1, 1));

        // Another request, under the same key; and the same key of somebody else.
        let other = add(stage, &stage.one, "k-1", "tutors");
        assert_eq!((other.status, problem(&other).as_str()), (422, "idempotency-key-reused"));
        assert_eq!(mappings(stage).len(), 1);
        assert_eq!(add(stage, &stage.two, "k-1", "tutors").status, 201);

        for bad in ["", "\"\"", "a b", "\"a", "a\"b", &"k".repeat(256)] {
            let answer = add(stage, &stage.one, bad, "guests");
            assert_eq!((answer.status, problem(&answer).as_str()), (400, "malformed-request"), "{bad:?}");
        }
        assert_eq!(mappings(stage).len(), 2);
    });
}

#[test]
fn twenty_at_the_same_moment_are_one_mapping() {
    on_each("twenty_at_the_same_moment_are_one_mapping", |stage| {
        let entries = stage.entries();
        let start = std::sync::Barrier::new(20);
        let answers: Vec<Page> = std::thread::scope(|threads| {
            let all: Vec<_> = (0..20)
                .map(|_| {
                    threads.spawn(|| {
                        start.wait();
                        add(stage, &stage.one, "same", "students")
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for answer in &answers {
            assert_eq!((answer.status, answer.json()), (201, answers[0].json()), "{}", answer.body);
        }
        assert_eq!((mappings(stage).len(), stage.entries()), (1, entries + 1));
    });
}

#[test]
fn every_change_by_post_takes_a_key() {
    let stage = Stage::on(Kind::Sqlite);
    let id = stage.added(&stage.one, "students", "pay", &json!({}));
    let keyed = |who: &SignedIn, path: &str, key: &str| {
        stage.ask(who, "POST", path).header("if-match", "\"1\"").header("idempotency-key", key).send()
    };
    let end = format!("{MAPPINGS}/{id}/end");
    let first = keyed(&stage.one, &end, "end");
    assert_eq!((first.status, keyed(&stage.one, &end, "end").json()), (200, first.json()));
    assert_eq!(keyed(&stage.one, &end, "other").status, 412, "without the key it is another request");

    assert_eq!(add(&stage, &stage.one, "asked", "group-of-one").status, 202);
    assert_eq!(add(&stage, &stage.one, "asked", "group-of-one").status, 202);
    let [change] = &stage.waiting()[..] else { panic!("asked twice") };
    let confirm = format!("{CHANGES}/{change}/confirm");
    let first = keyed(&stage.two, &confirm, "yes");
    assert_eq!((first.status, keyed(&stage.two, &confirm, "yes").json()), (200, first.json()));
    assert_eq!(keyed(&stage.two, &confirm, "again").status, 404);

    stage.add(&stage.one, "group-of-one", "read-results", &json!({}));
    let [change] = &stage.waiting()[..] else { panic!() };
    let decline = format!("{CHANGES}/{change}/decline");
    assert_eq!([0, 1].map(|_| keyed(&stage.two, &decline, "no").status), [204, 204]);
    assert_eq!(keyed(&stage.two, &decline, "yes").status, 422, "a key of another request");
    // Who looks after the lab no more gets no answer of before.
    let stranger = crate::support::signed_in::signed_in(stage.labs.broker(), "stranger", &[]);
    assert_eq!(keyed(&stranger, &end, "end").status, 404);
}
