//! Nobody sets more than they are asked for: a field that is not one of a body's refuses the whole of it.

use lodge::http::routes::ROUTES;
use serde_json::{Value, json};

use super::requests::{Body, Request, request};
use super::{Stage, Who};
use crate::support::databases::Kind;
use crate::support::raw;

/// What somebody might hope that a body sets, too.
fn hopes(stage: &Stage) -> Vec<(&'static str, Value)> {
    vec![
        ("lab", json!("language")),
        ("lab_id", json!(stage.labs.b.id.as_str())),
        ("id", json!("map-0000000000000000")),
        ("mapping_id", json!("map-0000000000000000")),
        ("revision", json!(7)),
        ("standing", json!("pi")),
        ("author", json!(stage.second_pi.as_str())),
        ("person", json!(stage.second_pi.as_str())),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("asked", json!(null)),
        ("benefits_author", json!(false)),
        ("role_arn", json!("arn:aws:iam::999900001111:role/lodge/lodge-session")),
        ("external_id", json!("x")),
        ("policy", json!("{}")),
        ("is_admin", json!(true)),
        ("__proto__", json!({})),
    ]
}

#[test]
fn a_field_that_a_body_does_not_have_refuses_all_of_it() {
    let stage = Stage::on(Kind::Sqlite);
    let caller = |route: &str| match route {
        _ if route.contains("/credentials") => Who::Member,
        _ if route.contains("/operator/") => Who::Operator,
        _ => Who::Pi,
    };
    let mut tried = 0;
    for route in ROUTES.iter().filter(|route| route.path.starts_with("/api/")) {
        let caller = stage.caller(caller(route.path));
        let right = request(&stage, route, &caller).unwrap();
        let Body::Json(body) = &right.body else { continue };
        let entries = || stage.labs.book(&stage.labs.a).len();
        for (field, value) in hopes(&stage).into_iter().filter(|(field, _)| body.get(field).is_none()) {
            let mut more = body.clone();
            more[field] = value;
            let before = entries();

            let answer = Request { body: Body::Json(more), ..right.clone() }.by(&stage, &caller).send();

            assert_eq!(answer.status, 400, "{} {}: {field}: {}", route.method, route.path, answer.body);
            assert_eq!(answer.json()["type"], "urn:lodge:problem:malformed-request");
            assert_eq!(entries(), before, "{field}");
            tried += 1;
        }
        // A field that comes twice is nobody's guess.
        let twice = body.to_string().replacen('{', &format!("{{{},", body.to_string().trim_matches(['{', '}'])), 1);
        let ask = Request { body: Body::None, ..right.clone() }.by(&stage, &caller);
        let answer = ask.header("content-type", "application/json").body(&twice).send();
        assert_eq!(answer.status, 400, "{twice}: {}", answer.body);
        // And without any of it, the same body is taken.
        assert!(right.answers.contains(&right.by(&stage, &caller).send().status), "{} {}", route.method, route.path);
    }
    assert_eq!(tried, 18 * 16 - 2, "eighteen bodies, and one that has a standing in it, one a person");
}

/// Such a body is sound: it is this broker that has several connections.
#[test]
fn a_mapping_names_its_connection_where_there_are_several() {
    let stage = Stage::on(Kind::Sqlite);
    let pi = stage.caller(Who::Pi);
    for body in [json!({"group": "g", "role": "pay"}), json!({"group": "g", "role": "pay", "connection": null})] {
        let url = stage.labs.url("/api/v1/labs/vision/mappings");

        let answer = pi.show(raw::post(&url).json(&body), None).send();

        assert_eq!((answer.status, &answer.json()["type"]), (400, &json!("urn:lodge:problem:cannot-be")));
        assert_eq!(answer.json()["detail"], "`connection` must be one of: campus, hospital, proxy.");
    }
}

/// What reads an object would take a list for one: its fields, by their places.
#[test]
fn a_list_is_no_body() {
    let stage = Stage::on(Kind::Sqlite);
    let mut tried = 0;
    for route in ROUTES.iter().filter(|route| route.path.starts_with("/api/")) {
        let who = match () {
            () if route.path.contains("/operator") => Who::Operator,
            () if route.path.contains("/credentials") => Who::Member,
            () => Who::Pi,
        };
        let caller = stage.caller(who);
        let right = request(&stage, route, &caller).unwrap();
        let Body::Json(body) = &right.body else { continue };
        let values: Vec<_> = body.as_object().unwrap().values().cloned().collect();
        for list in [json!([]), json!([null]), json!([null, null, null, null]), json!(values), json!([body])] {
            let answer = Request { body: Body::Json(list.clone()), ..right.clone() }.by(&stage, &caller).send();

            assert_eq!(answer.status, 400, "{} {}: {list}: {}", route.method, route.path, answer.body);
            tried += 1;
        }
    }
    assert!(tried >= 35, "{tried}");
}
