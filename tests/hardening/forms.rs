//! A change in a browser comes from a page of ours, in that very session, or it is not made; and it sets what the form has
//! and nothing else.

use lodge::http::routes::Admits;
use secrecy::{ExposeSecret as _, SecretString};

use super::{difference, forms, right, rows, settle};
use crate::routes::requests::{Body, Request};
use crate::routes::{Caller, Stage, Who};
use crate::support::databases::Kind;
use crate::support::raw::Ask;

/// What somebody who changes the request in one thing sends: what it is called, the body's type, the body.
fn variations(stage: &Stage, form: &str, own: &str) -> Vec<(&'static str, &'static str, String)> {
    let urlencoded = "application/x-www-form-urlencoded";
    let other = stage.caller(Who::OtherPi).cookie.unwrap();
    let foreign = stage.labs.broker().form_token(&SecretString::from(other)).expose_secret().to_owned();
    let json: serde_json::Map<String, serde_json::Value> =
        url::form_urlencoded::parse(form.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect();
    let json = serde_json::Value::from(json).to_string();
    let parts = url::form_urlencoded::parse(form.as_bytes())
        .map(|(name, value)| format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    let multipart = format!("{}--x--\r\n", parts.collect::<String>());
    vec![
        ("no token", urlencoded, form.replace(&format!("form_token={own}"), "")),
        ("an empty token", urlencoded, form.replace(own, "")),
        ("the token of somebody else", urlencoded, form.replace(own, &foreign)),
        ("a token that is one letter off", urlencoded, form.replace(own, &format!("{own}A"))),
        ("two tokens", urlencoded, format!("form_token={foreign}&{form}")),
        ("JSON", "application/json", json.clone()),
        ("JSON as text", "text/plain", json),
        ("a form as text", "text/plain", form.to_owned()),
        ("multipart", "multipart/form-data; boundary=x", multipart),
    ]
}

/// Where it may come from, and is not taken from.
const ORIGINS: [&[(&str, &str)]; 6] = [
    &[("origin", "null")],
    &[("origin", "https://evil.example")],
    &[("origin", "http://sub.127.0.0.1")],
    &[("origin", "http://127.0.0.1:1")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
];

/// Methods that no route of ours takes on somebody's word.
const OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

fn with_body(request: &Request, content_type: &str, body: &str, stage: &Stage, caller: &Caller) -> Ask {
    let ask = Request { body: Body::None, ..request.clone() }.by(stage, caller);
    ask.header("content-type", content_type).body(body)
}

#[test]
fn a_form_is_taken_from_a_page_of_ours_in_that_very_session_only() {
    let stage = Stage::on(Kind::Sqlite);
    let mut tried = 0;
    for route in forms() {
        let (caller, request) = right(&stage, route);
        let Body::Form(form) = &request.body else { panic!("{} {} has a form", route.method, route.path) };
        let cookie = SecretString::from(caller.cookie.clone().unwrap());
        let own = stage.labs.broker().form_token(&cookie).expose_secret().to_owned();
        assert!(form.contains(&own), "{}", route.path);
        let variations = variations(&stage, form, &own);
        settle(&stage);
        let before = rows(&stage);

        for (what, content_type, body) in variations {
            let page = with_body(&request, content_type, &body, &stage, &caller).send();
            assert!(matches!(page.status, 400 | 403 | 415), "{} with {what}: {}", route.path, page.status);
            assert_eq!(page.header("set-cookie"), None, "{} with {what}", route.path);
            tried += 1;
        }
        for headers in ORIGINS {
            let ask = request.by(&stage, &caller);
            let page = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send();
            assert_eq!(page.status, 403, "{} from {headers:?}", route.path);
            tried += 1;
        }
        // A link, or a picture, with what the form holds.
        let link = Request { method: "GET", path: format!("{}?{form}&_method=POST", request.path), ..request.clone() };
        for name in OVERRIDES {
            let ask = Request { body: Body::None, ..link.clone() }.by(&stage, &caller).header(name, "POST");
            let page = ask.header("sec-fetch-site", "cross-site").page().send();
            assert!(page.status < 500, "{}", page.status);
        }
        assert_eq!(difference(&before, &rows(&stage)), [""; 0], "{} {}", route.method, route.path);

        // And as it should be, it is taken.
        let page = request.by(&stage, &caller).header("origin", &stage.labs.running.url).send();
        assert!(request.answers.contains(&page.status), "{} {}: {}", route.path, page.status, page.body);
    }
    assert!(tried >= 15 * 12, "{tried}");
}

/// Mass assignment: what a form does not have is not looked at.
#[test]
fn a_field_that_a_form_does_not_have_does_nothing() {
    let stage = Stage::on(Kind::Sqlite);
    let person = stage.caller(Who::Stranger).person.unwrap();
    let extra = [
        ("lab", "language"),
        ("lab_id", stage.labs.b.id.as_str()),
        ("standing", "pi"),
        ("is_operator", "1"),
        ("operator", "true"),
        ("person", person.as_str()),
        ("role_arn", "arn:aws:iam::999900001111:role/lodge/lodge-session"),
        ("external_id", "chosen"),
        ("id", "lab-0000000000000000"),
        ("archived_at", "2020-01-01T00:00:00Z"),
        ("_method", "DELETE"),
    ];
    let of_others = |all: Vec<String>| -> Vec<String> {
        let lab = stage.labs.b.id.as_str();
        all.into_iter().filter(|row| row.contains(lab) || row.contains(person.as_str())).collect()
    };
    for route in forms() {
        let (caller, request) = right(&stage, route);
        let Body::Form(form) = &request.body else { panic!("{} {} has a form", route.method, route.path) };
        let has = |name: &str| url::form_urlencoded::parse(form.as_bytes()).any(|(own, _)| own == name);
        let more = extra.iter().filter(|(name, _)| !has(name) && !is_own(route.admits, name));
        let query = url::form_urlencoded::Serializer::new(form.clone()).extend_pairs(more).finish();
        settle(&stage);
        let before = of_others(rows(&stage));

        let page = Request { body: Body::Form(query), ..request.clone() }.by(&stage, &caller).send();

        assert!(request.answers.contains(&page.status) || page.status == 400, "{}: {}", route.path, page.status);
        assert_eq!(difference(&before, &of_others(rows(&stage))), [""; 0], "{} {}", route.method, route.path);
        assert!(
            !rows(&stage).iter().any(|row| row.contains("999900001111") || row.contains("chosen")),
            "{}",
            route.path
        );
    }
}

/// Fields that some forms of a lab's pages have and leave out where they may.
fn is_own(admits: Admits, name: &str) -> bool {
    matches!(admits, Admits::ManagerPage | Admits::PiPage) && matches!(name, "standing" | "person")
}
