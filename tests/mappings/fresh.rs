//! What can give somebody more takes a sign-in of the last hour; what only takes away, one of this working day.

use chrono::TimeDelta;
use lodge::domain::lab::Office;
use serde_json::{Value, json};

use super::{MAPPINGS, PEOPLE, Stage, on_each, problem};
use crate::support::signed_in::{SignIn, SignedIn};
use crate::support::visitor::Page;

const LIMITS: &str = "/api/v1/labs/vision/limits";
const PAY_LIMITS: &str = "/api/v1/labs/vision/roles/pay/limits";

/// That it takes a fresh sign-in, and says so to people and to programs.
fn is_stale(answer: &Page, what: &str) {
    assert_eq!((answer.status, problem(answer).as_str()), (403, "fresh-sign-in-needed"), "{what}: {}", answer.body);
    let challenge = "Bearer realm=\"lodge\", error=\"insufficient_user_authentication\", max_age=\"3600\"";
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{what}");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("give somebody more takes a sign-in that is at most 1 hour old")
            && detail.contains("`lodge login --fresh`"),
        "{what}: {detail}"
    );
}

fn patch(stage: &Stage, who: &SignedIn, path: &str, body: &Value) -> Page {
    stage.ask(who, "PATCH", path).json(body).send()
}

fn appoint(stage: &Stage, who: &SignedIn, whom: &SignedIn, standing: &str) -> Page {
    stage.ask(who, "PUT", &format!("{PEOPLE}/{}", whom.person)).json(&json!({"standing": standing})).send()
}

#[test]
fn what_gives_more_takes_a_sign_in_of_the_last_hour_and_what_takes_away_one_of_this_working_day() {
    on_each("what_gives_more_takes_a_sign_in_of_the_last_hour_and_what_takes_away_one_of_this_working_day", |stage| {
        let Stage { labs, one, two, manager } = stage;
        let tight = json!({"needs_mfa": true, "max_duration_seconds": 2_000, "ends_at": "2027-01-01T00:00:00Z"});
        let id = stage.added(one, "students", "pay", &tight);
        let ended = stage.added(one, "assistants", "pay", &json!({}));
        assert_eq!(stage.end(one, &ended, 1).status, 200);
        assert_eq!(patch(stage, one, LIMITS, &json!({"groups_max_age_seconds": 86_400})).status, 200);
        assert_eq!(patch(stage, one, PAY_LIMITS, &json!({"sign_in_max_age_seconds": 7_200})).status, 200);
        assert_eq!(stage.add(one, "group-of-one", "pay", &json!({})).status, 202);
        let [waiting] = &stage.waiting()[..] else { panic!() };
        let other = labs.holder(&labs.a, Office::Manager, "other", &[]);

        labs.advance(TimeDelta::minutes(59));
        assert_eq!(stage.add(one, "tutors", "pay", &json!({})).status, 201, "59 minutes are not an hour");
        labs.advance(TimeDelta::minutes(1));

        let entries = stage.entries();
        is_stale(&stage.add(one, "professors", "pay", &json!({})), "a new mapping");
        is_stale(&stage.add(manager, "professors", "pay", &json!({})), "a manager's");
        for more in [
            json!({"needs_mfa": false}),
            json!({"max_duration_seconds": 2_001}),
            json!({"max_duration_seconds": null}),
            json!({"ends_at": "2027-01-01T00:00:01Z"}),
            json!({"ends_at": null}),
            // More of one thing is more, whatever less there is beside it.
            json!({"ends_at": null, "needs_approval": true}),
        ] {
            is_stale(&stage.edit(one, &id, 1, &more), &more.to_string());
        }
        is_stale(&stage.edit(one, &ended, 2, &json!({"ends_at": "2027-01-01T00:00:00Z", "needs_mfa": true})), "back");
        is_stale(&stage.confirm(two, waiting), "confirming");
        is_stale(&appoint(stage, one, manager, "pi"), "a standing");
        is_stale(&patch(stage, one, LIMITS, &json!({"groups_max_age_seconds": 86_401})), "older groups");
        is_stale(&patch(stage, one, LIMITS, &json!({"groups_max_age_seconds": null})), "the broker's own");
        is_stale(&patch(stage, one, PAY_LIMITS, &json!({"sign_in_max_age_seconds": 7_201})), "older sign-ins");
        is_stale(&patch(stage, one, PAY_LIMITS, &json!({"sign_in_max_age_seconds": null})), "the broker's own");
        assert_eq!(stage.entries(), entries, "nothing was done");
        assert_eq!(stage.waiting(), std::slice::from_ref(waiting), "and what waited waits");

        // What only takes away, and what changes nothing.
        let tighter = json!({"ends_at": "2026-12-31T00:00:00Z", "max_duration_seconds": 1_800, "needs_approval": true});
        assert_eq!(stage.edit(one, &id, 1, &tighter).status, 200);
        assert_eq!(stage.edit(one, &id, 2, &json!({"needs_approval": true})).status, 200);
        assert_eq!(stage.end(manager, &id, 2).status, 200);
        assert_eq!(stage.decline(two, waiting).status, 204);
        assert_eq!(patch(stage, one, LIMITS, &json!({"groups_max_age_seconds": 3_600})).status, 200);
        assert_eq!(patch(stage, one, PAY_LIMITS, &json!({"sign_in_max_age_seconds": 3_600})).status, 200);
        assert_eq!(appoint(stage, one, two, "pi").status, 200, "who is one already");
        assert_eq!(appoint(stage, one, two, "manager").status, 200, "a PI becomes a manager");
        assert_eq!(stage.ask(one, "DELETE", &format!("{PEOPLE}/{}", other.person)).send().status, 204);
        // Until the working day is over.
        labs.advance(TimeDelta::hours(11) - TimeDelta::seconds(1));
        assert_eq!(patch(stage, one, LIMITS, &json!({"groups_max_age_seconds": 3_600})).status, 200);
    });
}

#[test]
fn it_counts_when_somebody_showed_the_provider_who_they_are_and_not_when_they_came_from_there() {
    let stage = Stage::on(crate::support::databases::Kind::Sqlite);
    let sign_in = |minutes_ago: Option<i64>| {
        stage.labs.advance(TimeDelta::seconds(1));
        let at = minutes_ago.map(|ago| stage.labs.now() - TimeDelta::minutes(ago));
        let pi = SignIn { connection: "campus", subject: "one", groups: Some(&[]), mfa: false };
        pi.with(stage.labs.broker(), |claims| claims.authenticated_at = at)
    };
    let map = |who: &SignedIn| {
        stage
            .ask(who, "POST", MAPPINGS)
            .json(&json!({
                "connection": "campus", "group": stage.labs.fresh("g"), "role": "pay"
            }))
            .send()
    };

    for (minutes_ago, fresh) in [(None, true), (Some(0), true), (Some(59), true), (Some(60), false), (Some(-5), true)] {
        let answer = map(&sign_in(minutes_ago));
        if fresh {
            assert_eq!(answer.status, 201, "{minutes_ago:?}: {}", answer.body);
        } else {
            is_stale(&answer, "signed in at the provider long ago");
        }
    }
    // A provider whose clock is ahead makes no sign-in younger than it is.
    let ahead = sign_in(Some(-30));
    stage.labs.advance(TimeDelta::minutes(60));
    is_stale(&map(&ahead), "an hour by the broker's clock");
}
