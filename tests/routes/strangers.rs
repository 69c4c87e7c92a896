//! A lab of strangers cannot be told from one that does not exist, and what is another lab's cannot be told from what
//! does not exist: status, headers and body are the same, byte for byte.

use std::collections::BTreeSet;

use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;
use lodge::http::routes::ROUTES;
use serde_json::json;

use super::requests::{Body, Request, request};
use super::{Caller, Stage, Who};
use crate::support::databases::Kind;
use crate::support::raw::public;
use crate::support::serving::wait;
use crate::support::visitor::Page;

const LAB: &str = "/api/v1/labs/vision";

/// Names of labs that do not exist, and of one that was put away.
const NO_LABS: [&str; 3] = ["atlantis", "visio", "retired"];

/// What cannot be a lab's name. It tells nothing of any lab, so whatever else is wrong may be said first or last.
const NO_NAMES: [&str; 4] = ["vision-", "VISION", "%00", "vision%2f..%2flanguage"];

/// Ids that are nobody's, or no ids at all.
const RUBBISH: [&str; 6] =
    ["nonsense", "map-0000000000000000", "p-0000000000000000", "%00", "%2e%2e", "%27%20or%201=1--"];

fn in_labs() -> impl Iterator<Item = &'static lodge::http::routes::Route> {
    ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/labs/{lab}"))
}

/// Which part of an address is the id of a thing in the lab.
fn place_of_id(path: &str) -> usize {
    if path.contains("/account/checks") { 7 } else { 6 }
}

/// The same request with one thing in it changed; each may be answered differently by somebody who belongs there.
fn variations(stage: &Stage, plain: Request) -> Vec<Request> {
    let mut all = Vec::new();
    for if_match in [None, Some("\"1\""), Some("\"99\""), Some("*"), Some("rubbish")] {
        all.push(Request { if_match, ..plain.clone() });
    }
    for body in [
        Body::None,
        Body::Json(json!({})),
        Body::Json(json!([])),
        Body::Json(json!({"connection": "campus", "group": "language-students", "role": "no-such-role"})),
        Body::Json(json!({"lab": "language", "lab_id": stage.labs.b.id.as_str()})),
        Body::Form("standing=pi".to_owned()),
    ] {
        all.push(Request { body, ..plain.clone() });
    }
    let kept: Vec<_> = plain.path.split('/').collect();
    // What stands in the place of an id, or of a role.
    let place = place_of_id(&plain.path);
    if kept.len() > place {
        let mut ids: Vec<String> = RUBBISH.map(str::to_owned).to_vec();
        ids.push(
            stage.labs.mapping(&stage.labs.b, &stage.labs.fresh("group"), "pay", MappingTerms::default()).to_string(),
        );
        ids.push(stage.labs.change(&stage.labs.b, &stage.second_pi).to_string());
        ids.push(stage.second_pi.to_string());
        for id in &ids {
            let mut parts = kept.clone();
            parts[place] = id;
            all.push(Request { path: parts.join("/"), ..plain.clone() });
        }
    }
    all.push(plain);
    all
}

/// The same request to another lab.
fn at_lab(request: &Request, lab: &str) -> Request {
    let path = request.path.replacen("/labs/vision", &format!("/labs/{lab}"), 1);
    Request { path, ..request.clone() }
}

/// What there is of the lab, as its PI sees it, and what stands in its ledger beside the attempts of strangers.
fn everything_of_the_lab(stage: &Stage, pi: &Caller) -> Vec<String> {
    let see = |path: &str| {
        let request = Request {
            method: "GET",
            path: format!("{LAB}{path}"),
            if_match: None,
            body: Body::None,
            cookie: None,
            answers: &[200],
        };
        request.by(stage, pi).send().body
    };
    let mut all = ["", "/mappings?limit=200", "/mapping-changes", "/people", "/limits"].map(see).to_vec();
    let acts = stage.labs.book(&stage.labs.a).into_iter().filter(|entry| !entry.event.is_of_attempt());
    all.extend(acts.map(|entry| entry.canonical().unwrap()));
    all
}

#[test]
fn a_lab_of_strangers_answers_like_one_that_does_not_exist() {
    for kind in Kind::all("a_lab_of_strangers_answers_like_one_that_does_not_exist") {
        let stage = Stage::on(kind);
        let pi = stage.caller(Who::Pi);
        wait(async {
            let (seeding, retired) = (stage.labs.seeding(), "retired".parse().unwrap());
            let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
            seeding.add_lab(&retired, "Retired", arn, Some("mturk")).await.unwrap();
            seeding.desk().archive_lab(&retired).await.unwrap();
        });
        let mut seen = BTreeSet::new();
        for who in [Who::Stranger, Who::OtherPi, Who::Nobody, Who::Suspended] {
            let caller = stage.caller(who);
            let all: Vec<_> =
                in_labs().map(|route| (route, variations(&stage, request(&stage, route, &caller).unwrap()))).collect();
            let before = everything_of_the_lab(&stage, &pi);
            for (route, requests) in all {
                for request in &requests {
                    let here = request.by(&stage, &caller).send();
                    seen.insert((who as u8, here.status));
                    for lab in &NO_LABS[..if matches!(who, Who::Stranger) { 3 } else { 1 }] {
                        let there = at_lab(request, lab).by(&stage, &caller).send();

                        assert_eq!(
                            public(&here),
                            public(&there),
                            "{who:?} can tell {} {} from {lab}'s",
                            request.method,
                            request.path
                        );
                    }
                }
                // The last one is right in everything but who sends it.
                let right = requests.last().unwrap().by(&stage, &caller).send();
                let expected = if caller.has_token() { 404 } else { 401 };
                assert_eq!(right.status, expected, "{} {}: {}", route.method, route.path, right.body);
                for name in NO_NAMES {
                    let there = at_lab(requests.last().unwrap(), name).by(&stage, &caller).send();
                    assert_eq!(public(&right), public(&there), "{who:?} {} {} and {name}", route.method, route.path);
                }
            }
            assert_eq!(everything_of_the_lab(&stage, &pi), before, "{who:?}");
        }
        assert!(seen.contains(&(Who::Stranger as u8, 400)) && seen.contains(&(Who::Stranger as u8, 428)), "{seen:?}");
    }
}

/// Methods that a route does not have, too.
#[test]
fn no_method_tells_a_lab_of_strangers() {
    let stage = Stage::on(Kind::Sqlite);
    let caller = stage.caller(Who::OtherPi);
    let paths: BTreeSet<_> = in_labs()
        .map(|route| request(&stage, route, &caller).unwrap().path)
        .chain([format!("{LAB}/nothing")])
        .collect();
    for path in &paths {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let here = Request {
                method,
                path: path.clone(),
                if_match: Some("\"1\""),
                body: Body::None,
                cookie: None,
                answers: &[],
            };
            let there = at_lab(&here, "atlantis").by(&stage, &caller).send();
            let here = here.by(&stage, &caller).send();

            assert_eq!(public(&here), public(&there), "{method} {path}");
            assert!(here.status >= 400, "{method} {path}: {}", here.status);
        }
    }
}

/// Ids of one lab under the address of another, by somebody who may do everything there.
#[test]
fn what_is_another_lab_s_answers_like_what_does_not_exist() {
    for kind in Kind::all("what_is_another_lab_s_answers_like_what_does_not_exist") {
        let stage = Stage::on(kind);
        let labs = &stage.labs;
        let pi = stage.caller(Who::Pi);
        // A second PI, so that nothing is refused only because the first is the last.
        labs.appoint(&labs.b, Office::Pi, "other-second-pi");
        let other_pi = stage.caller(Who::OtherPi);
        let mut tried = 0;
        for route in in_labs().filter(|route| route.path.contains('}') && route.path.matches('{').count() == 2) {
            // A person is no lab's: who knows somebody's id may appoint them.
            if (route.method, route.path) == ("put", "/api/v1/labs/{lab}/people/{person}") {
                continue;
            }
            let of_a = request(&stage, route, &pi).unwrap();
            let before = everything_of_the_lab(&stage, &pi);
            let there = at_lab(&of_a, "language");
            let answer = there.by(&stage, &other_pi).send();
            let id = there.path.split('/').nth(place_of_id(&there.path)).unwrap();
            let unknown = ["map-0000000000000000", "chg-0000000000000000", "p-0000000000000000", "nonsense", "%00"];
            if route.path.contains("{role}") {
                continue;
            }
            for other in unknown {
                let path = there.path.replacen(id, other, 1);
                let nothing = Request { path, ..there.clone() }.by(&stage, &other_pi).send();

                assert_eq!(public(&answer), public(&nothing), "{} {} and {other}", route.method, there.path);
            }
            assert_eq!(answer.status, 404, "{} {}: {}", route.method, there.path, answer.body);
            assert_eq!(everything_of_the_lab(&stage, &pi), before, "{} {}", route.method, there.path);
            tried += 1;
        }
        assert_eq!(tried, 11);
    }
}

/// What a lab lists is its own.
#[test]
fn no_list_holds_anything_of_another_lab() {
    for kind in Kind::all("no_list_holds_anything_of_another_lab") {
        let stage = Stage::on(kind);
        let labs = &stage.labs;
        let [pi, other_pi] = [Who::Pi, Who::OtherPi].map(|who| stage.caller(who));
        let secrets = [
            labs.mapping(&labs.a, "a-secret-group", "pay", MappingTerms::default()).to_string(),
            labs.change(&labs.a, &stage.second_pi).to_string(),
            stage.second_pi.to_string(),
            pi.person.clone().unwrap().to_string(),
            "a-secret-group".to_owned(),
            "\"vision\"".to_owned(),
        ];
        let of_other_pi = |path: &str| {
            let request = Request {
                method: "GET",
                path: path.to_owned(),
                if_match: None,
                body: Body::None,
                cookie: None,
                answers: &[200],
            };
            request.by(&stage, &other_pi).send()
        };
        let mut pages: Vec<Page> = [
            "",
            "/mappings",
            "/mappings?limit=200&after=map-0000000000000000",
            "/mapping-changes",
            "/people",
            "/limits",
        ]
        .map(|path| of_other_pi(&format!("/api/v1/labs/language{path}")))
        .to_vec();
        pages.push(of_other_pi("/api/v1/me"));

        for page in &pages {
            assert_eq!(page.status, 200, "{}", page.url);
            assert!(!secrets.iter().any(|secret| page.body.contains(secret)), "{}: {}", page.url, page.body);
        }
        // That they would be seen.
        let own = everything_of_the_lab(&stage, &pi).concat();
        assert!(secrets.iter().all(|secret| own.contains(secret)), "{own}");
    }
}
