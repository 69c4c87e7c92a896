//! What a mapping's conditions can be, and what they do at every issuance.

use chrono::{SecondsFormat, TimeDelta};
use lodge::domain::mapping::MappingTerms;
use serde_json::{Value, json};

use super::{MAPPINGS, Stage, on_each, problem};
use crate::support::broker::{STUDENTS, helper_token};
use crate::support::databases::Kind;
use crate::support::evil_provider::Lie;
use crate::support::signed_in::{SignIn, SignedIn, signed_in};
use crate::support::visitor::Visitor;

/// What is missing before a role is given, as the person's own page says it.
fn needs(stage: &Stage, who: &SignedIn) -> Value {
    stage.get(who, "/api/v1/me").json()["roles"][0]["needs"].clone()
}

/// How long the session was that STS was last asked for.
fn seconds_asked_for(stage: &Stage) -> String {
    stage.labs.sts.asked().pop().unwrap()["DurationSeconds"].clone()
}

#[test]
fn a_role_that_needs_a_second_factor_is_given_to_who_used_one() {
    on_each("a_role_that_needs_a_second_factor_is_given_to_who_used_one", |stage| {
        stage.added(&stage.one, "students", "pay", &json!({"needs_mfa": true}));
        let student = signed_in(stage.labs.broker(), "student", &["students"]);

        assert_eq!(stage.credential(&student, "pay", None), (403, "mfa-needed".to_owned()));
        assert_eq!(needs(stage, &student), "mfa");

        // It counts for the session that stands on it, and for no other of the same person, whichever came later.
        stage.labs.advance(TimeDelta::seconds(1));
        let again = SignIn { connection: "campus", subject: "student", groups: Some(&["students"]), mfa: true };
        let strong = again.at(stage.labs.broker());
        assert_eq!(stage.credential(&strong, "pay", None).0, 200);
        assert_eq!(needs(stage, &strong), Value::Null);
        assert_eq!(stage.credential(&student, "pay", None), (403, "mfa-needed".to_owned()));

        stage.labs.advance(TimeDelta::seconds(1));
        let weak = SignIn { mfa: false, ..again }.at(stage.labs.broker());
        assert_eq!(stage.credential(&weak, "pay", None), (403, "mfa-needed".to_owned()));
        assert_eq!(stage.credential(&strong, "pay", None).0, 200);
    });
}

/// From the provider's ID token on.
#[test]
fn a_second_factor_is_what_the_provider_calls_one() {
    let stage = Stage::on(Kind::Sqlite);
    stage.labs.mapping(&stage.labs.a, STUDENTS, "pay", MappingTerms { needs_mfa: true, ..MappingTerms::default() });
    let sign_in = |lies: &[Lie]| {
        stage.labs.advance(TimeDelta::seconds(1));
        stage.labs.provider.lie(lies);
        let mut visitor = Visitor::new();
        visitor.open(&stage.labs.url("/auth/campus/start"));
        let token = helper_token(&mut visitor, &stage.labs.running.url, STUDENTS);
        let answer = crate::support::broker::ask_for(&stage.labs.running.url, &token, "vision/pay", "");
        (answer.status, if answer.status == 200 { String::new() } else { problem(&answer) })
    };
    let refused = (403, "mfa-needed".to_owned());

    assert_eq!(sign_in(&[]), refused);
    assert_eq!(sign_in(&[Lie::Claims(|claims| claims["amr"] = json!(["pwd", "mfa"]))]), (200, String::new()));
    assert_eq!(sign_in(&[Lie::Claims(|claims| claims["amr"] = json!(["pwd", "otp"]))]), refused);
    let refeds = Lie::Claims(|claims| claims["acr"] = json!("https://refeds.org/profile/mfa"));
    assert_eq!(sign_in(&[refeds]), (200, String::new()));
    assert_eq!(sign_in(&[Lie::Claims(|claims| claims["acr"] = json!("https://refeds.org/profile/sfa"))]), refused);
    // The userinfo endpoint's word is not signed.
    assert_eq!(sign_in(&[Lie::UserInfo(|claims| claims["amr"] = json!(["mfa"]))]), refused);
}

#[test]
fn a_role_that_needs_approval_is_given_to_nobody_yet() {
    on_each("a_role_that_needs_approval_is_given_to_nobody_yet", |stage| {
        stage.added(&stage.one, "students", "pay", &json!({"needs_approval": true, "needs_mfa": true}));
        let student = SignIn { connection: "campus", subject: "student", groups: Some(&["students"]), mfa: true };
        let student = student.at(stage.labs.broker());

        assert_eq!(stage.credential(&student, "pay", None), (403, "approval-needed".to_owned()));
        assert_eq!(needs(stage, &student), "approval");
        assert_eq!(stage.get(&student, "/api/v1/labs/vision").json()["standing"], "member");
        assert_eq!(stage.labs.sts.asked().len(), 0);

        // Another mapping that asks for less gives it.
        stage.added(&stage.one, "students", "read-results", &json!({}));
        assert!(stage.gives(&student, "read-results"));
    });
}

#[test]
fn a_maximum_is_half_an_hour_at_least_and_the_role_s_own_at_most() {
    let stage = Stage::on(Kind::Sqlite);
    for (role, seconds, kind) in [
        ("read-results", json!(1_799), Some("cannot-be")),
        ("read-results", json!(1_800), None),
        ("read-results", json!(3_600), None),
        ("read-results", json!(3_601), Some("malformed-request")),
        ("pay", json!(2_400), None),
        ("pay", json!(2_401), Some("cannot-be")),
        ("pay", json!(899), Some("malformed-request")),
        ("pay", json!(0), Some("malformed-request")),
        ("pay", json!(-1_800), Some("malformed-request")),
        ("pay", json!(1_800.5), Some("malformed-request")),
        ("pay", json!("1800"), Some("malformed-request")),
        ("pay", json!(4_294_969_096_u64), Some("malformed-request")),
        ("pay", Value::Null, None),
    ] {
        let answer = stage.add(&stage.one, &stage.labs.fresh("g"), role, &json!({"max_duration_seconds": seconds}));
        match kind {
            None => assert_eq!(answer.status, 201, "{seconds}: {}", answer.body),
            Some(kind) => assert_eq!((answer.status, problem(&answer).as_str()), (400, kind), "{role} {seconds}"),
        }
    }
    // An edit is held to the same.
    let id = stage.added(&stage.one, "edited", "pay", &json!({}));
    let refused = stage.edit(&stage.one, &id, 1, &json!({"max_duration_seconds": 2_401}));
    assert_eq!((refused.status, problem(&refused).as_str()), (400, "cannot-be"));
}

#[test]
fn no_session_lasts_longer_than_its_mapping_and_its_role_let_it() {
    on_each("no_session_lasts_longer_than_its_mapping_and_its_role_let_it", |stage| {
        stage.added(&stage.one, "short", "read-results", &json!({"max_duration_seconds": 1_800}));
        stage.added(&stage.one, "long", "read-results", &json!({}));
        stage.added(&stage.one, "long", "pay", &json!({}));
        let short = signed_in(stage.labs.broker(), "short", &["short"]);
        let long = signed_in(stage.labs.broker(), "long", &["long"]);
        let too_long = (400, "duration-too-long".to_owned());

        for (who, role, wanted, given) in [
            (&short, "read-results", None, Some("1800")),
            (&short, "read-results", Some(1_800), Some("1800")),
            (&short, "read-results", Some(900), Some("900")),
            (&short, "read-results", Some(1_801), None),
            (&long, "read-results", None, Some("3600")),
            (&long, "read-results", Some(3_600), Some("3600")),
            (&long, "pay", None, Some("2400")),
            (&long, "pay", Some(2_400), Some("2400")),
            (&long, "pay", Some(2_401), None),
        ] {
            stage.labs.advance(TimeDelta::zero());
            let answer = stage.credential(who, role, wanted);
            match given {
                Some(given) => {
                    assert_eq!((answer.0, seconds_asked_for(stage).as_str()), (200, given), "{role} {wanted:?}");
                }
                None => assert_eq!((answer, stage.labs.sts.asked().len()), (too_long.clone(), 0), "{role} {wanted:?}"),
            }
        }
        for wanted in [899, 3_601] {
            assert_eq!(stage.credential(&long, "pay", Some(wanted)), (400, "malformed-request".to_owned()));
        }
    });
}

#[test]
fn an_end_lies_in_the_future_and_ends_at_that_moment() {
    on_each("an_end_lies_in_the_future_and_ends_at_that_moment", |stage| {
        let at = |micros| {
            let end = stage.labs.now() + TimeDelta::microseconds(micros);
            json!({"ends_at": end.to_rfc3339_opts(SecondsFormat::Micros, true)})
        };
        for past in [at(0), at(-1), at(-1_000_000_000), json!({"ends_at": "0001-01-01T00:00:00Z"})] {
            let answer = stage.add(&stage.one, "students", "pay", &past);
            assert_eq!((answer.status, problem(&answer).as_str()), (400, "cannot-be"), "{past}");
        }
        for rubbish in
            ["", "tomorrow", "2027-01-01", "2027-01-01T00:00:00", "2027-13-01T00:00:00Z", "10000-01-01T00:00:00Z"]
        {
            let answer = stage.add(&stage.one, "students", "pay", &json!({"ends_at": rubbish}));
            assert_eq!((answer.status, problem(&answer).as_str()), (400, "malformed-request"), "{rubbish}");
        }
        let id = stage.added(&stage.one, "students", "pay", &at(1_000_000));
        let student = signed_in(stage.labs.broker(), "student", &["students"]);

        assert!(stage.gives(&student, "pay"));
        stage.labs.advance(TimeDelta::microseconds(999_999));
        assert!(stage.gives(&student, "pay"));
        stage.labs.advance(TimeDelta::microseconds(1));
        assert!(!stage.gives(&student, "pay"));
        assert_eq!(stage.mapping(&id)["state"], "ended");
        assert_eq!(stage.get(&student, "/api/v1/labs/vision").status, 404);
    });
}

#[test]
fn a_mapping_that_is_ended_gives_nothing_at_the_next_issuance_and_an_edit_brings_it_back() {
    on_each("a_mapping_that_is_ended_gives_nothing_at_the_next_issuance_and_an_edit_brings_it_back", |stage| {
        let id = stage.added(&stage.one, "students", "pay", &json!({}));
        let student = signed_in(stage.labs.broker(), "student", &["students"]);
        assert!(stage.gives(&student, "pay"));

        assert_eq!(stage.end(&stage.manager, &id, 1).status, 200);
        assert!(!stage.gives(&student, "pay"), "the session lives, and that is all");
        assert_eq!(stage.get(&student, "/api/v1/me").json()["roles"], json!([]));

        let back = stage.edit(&stage.manager, &id, 2, &json!({"ends_at": null}));
        assert_eq!((back.status, &back.json()["mapping"]["state"]), (200, &json!("live")));
        assert!(stage.gives(&student, "pay"));
    });
}

#[test]
fn one_group_has_one_role_once() {
    on_each("one_group_has_one_role_once", |stage| {
        let id = stage.added(&stage.one, "students", "pay", &json!({"needs_mfa": true}));
        for more in [json!({}), json!({"needs_mfa": true}), json!({"ends_at": "2027-01-01T00:00:00Z"})] {
            let twice = stage.add(&stage.manager, "students", "pay", &more);
            assert_eq!((twice.status, problem(&twice).as_str()), (409, "conflict"), "{more}");
            assert!(twice.body.contains(&id), "it says which one to change: {}", twice.body);
        }
        // Another role, another group, another provider; and the same once the first has ended.
        stage.added(&stage.one, "students", "read-results", &json!({}));
        stage.added(&stage.one, "Students", "pay", &json!({}));
        stage.added(&stage.one, "students", "pay", &json!({"connection": "hospital"}));
        assert_eq!(stage.end(&stage.one, &id, 1).status, 200);
        let second = stage.added(&stage.one, "students", "pay", &json!({}));

        // And the first does not come back beside it.
        let back = stage.edit(&stage.one, &id, 2, &json!({"ends_at": null}));
        assert_eq!((back.status, problem(&back).as_str()), (409, "conflict"), "{}", back.body);
        assert!(back.body.contains(&second), "{}", back.body);
        assert_eq!(stage.mapping(&id)["state"], "ended");
    });
}

#[test]
fn a_role_or_a_connection_that_there_is_not_cannot_be_mapped() {
    let stage = Stage::on(Kind::Sqlite);
    let refused = |body: &Value| {
        let answer = stage.ask(&stage.one, "POST", MAPPINGS).json(body).send();
        (answer.status, problem(&answer))
    };
    let (cannot_be, malformed) = ((400, "cannot-be".to_owned()), (400, "malformed-request".to_owned()));

    assert_eq!(refused(&json!({"connection": "campus", "group": "g", "role": "no-such-role"})), cannot_be);
    assert_eq!(refused(&json!({"connection": "nowhere", "group": "g", "role": "pay"})), cannot_be);
    // There are two connections, and nobody guesses.
    assert_eq!(refused(&json!({"group": "g", "role": "pay"})), cannot_be);
    for body in [
        json!({"connection": "Campus", "group": "g", "role": "pay"}),
        json!({"connection": "campus", "group": "g", "role": "Pay"}),
        json!({"connection": "campus", "group": "", "role": "pay"}),
        json!({"connection": "campus", "group": "a\nb", "role": "pay"}),
        json!({"connection": "campus", "group": "g".repeat(513), "role": "pay"}),
        json!({"connection": "campus", "group": ["g"], "role": "pay"}),
        json!({"connection": "campus", "role": "pay"}),
        json!([]),
        json!(null),
    ] {
        assert_eq!(refused(&body), malformed, "{body}");
    }
    assert_eq!(stage.get(&stage.one, MAPPINGS).json()["mappings"], json!([]));
}
