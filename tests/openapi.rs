//! The description of the API (`GET /api/v1/openapi.json`): that it speaks of every route and of no other, is a document
//! that tools can read, and changes only where somebody has looked. That the broker answers as it says is the business of
//! `schemathesis`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lodge::http::openapi::document;
use lodge::http::problem::Kind;
use lodge::http::routes::{Admits, ROUTES, Route};
use lodge::oidc::Algorithm;
use serde_json::{Value, json};

use crate::support::broker::Plan;
use crate::support::peers::{self, Peer};
use crate::support::process::Process;
use crate::support::raw;

/// The description as it was agreed on.
const SNAPSHOT: &str = include_str!("openapi/openapi.json");

/// Every operation: method, path, and what is said of it.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, all)| {
            all.as_object().unwrap().iter().map(move |(method, it)| (method.as_str(), path.as_str(), it))
        })
        .collect()
}

/// Every value under `key`, wherever it stands.
fn all_under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|value| all_under(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| all_under(value, key, found)),
        _ => {}
    }
}

/// Whether only somebody who is signed in gets anything.
fn is_open(route: &Route) -> bool {
    route.admits == Admits::Anyone
}

/// What is wrong with a description of these routes, a line for each.
fn wrong_with(document: &Value, routes: &[Route]) -> Vec<String> {
    let mut found = Vec::new();
    let described = operations(document);
    let api: Vec<_> = routes.iter().filter(|route| route.path.starts_with("/api/")).collect();
    for route in &api {
        let Some((.., operation)) =
            described.iter().find(|(method, path, _)| (*method, *path) == (route.method, route.path))
        else {
            found.push(format!("{} {} is not described: see src/http/openapi", route.method, route.path));
            continue;
        };
        let of = |what: &str| format!("{} {}: {what}", route.method, route.path);
        let in_address: BTreeSet<_> =
            route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let said: BTreeSet<_> =
            parameters.iter().filter(|it| it["in"] == "path").filter_map(|it| it["name"].as_str()).collect();
        if in_address != said {
            found.push(of(&format!("has {in_address:?} in its address, and {said:?} is described")));
        }
        if operation["security"].is_null() != is_open(route) {
            found.push(of("the token"));
        }
        let responses = operation["responses"].as_object().unwrap();
        if !responses.keys().any(|status| status.starts_with('2')) {
            found.push(of("says nothing of what it is good for"));
        }
        if responses.contains_key("401") == is_open(route) {
            found.push(of("401"));
        }
        let takes_json = matches!(route.method, "put" | "patch");
        if takes_json && operation["requestBody"].is_null() {
            found.push(of("has no body"));
        }
        if operation["summary"].as_str().is_none_or(str::is_empty) {
            found.push(of("says nothing of itself"));
        }
        let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
        if !tags.contains(&&operation["tags"][0]) {
            found.push(of("is listed nowhere: see `TAGS`"));
        }
    }
    for (method, path, _) in &described {
        if !api.iter().any(|route| (route.method, route.path) == (*method, *path)) {
            found.push(format!("{method} {path} is described and does not exist"));
        }
    }
    let names: Vec<_> = described.iter().map(|(.., operation)| operation["operationId"].as_str().unwrap()).collect();
    if names.iter().collect::<BTreeSet<_>>().len() != names.len() {
        found.push(format!("a name stands for two: {names:?}"));
    }
    let mut pointers = Vec::new();
    all_under(document, "$ref", &mut pointers);
    for pointer in &pointers {
        let pointer = pointer.as_str().unwrap().trim_start_matches('#');
        if document.pointer(pointer).is_none() {
            found.push(format!("{pointer} is not there"));
        }
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        if !pointers.iter().any(|pointer| pointer.as_str().unwrap().ends_with(&format!("/{name}"))) {
            found.push(format!("nothing speaks of {name}"));
        }
    }
    found
}

#[test]
fn every_route_of_the_api_is_described_and_no_other() {
    let wrong = wrong_with(&document(), ROUTES);

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(operations(&document()).len() >= 21);
}

#[test]
fn a_description_that_is_not_of_the_routes_is_noticed() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        wrong_with(&document, ROUTES).join("\n")
    };
    let mapping = "/api/v1/labs/{lab}/mappings/{mapping}";

    let without = with(&|it| drop(it["paths"][mapping].as_object_mut().unwrap().remove("patch")));
    assert!(without.starts_with("patch /api/v1/labs/{lab}/mappings/{mapping} is not described"), "{without}");
    let more = with(&|it| {
        it["paths"]["/api/v1/labs/{lab}/secrets"] = json!({ "get": { "operationId": "x", "responses": {} } });
    });
    assert!(more.contains("get /api/v1/labs/{lab}/secrets is described and does not exist"), "{more}");
    let renamed = with(&|it| it["paths"][mapping]["get"]["parameters"][1]["name"] = json!("map"));
    assert!(renamed.contains("{\"lab\", \"mapping\"} in its address"), "{renamed}");
    let open = with(&|it| drop(it["paths"][mapping]["get"].as_object_mut().unwrap().remove("security")));
    assert!(open.contains("the token"), "{open}");
    let twice = with(&|it| it["paths"][mapping]["get"]["operationId"] = json!("editMapping"));
    assert!(twice.contains("a name stands for two"), "{twice}");
    let gone = with(&|it| drop(it["components"]["schemas"].as_object_mut().unwrap().remove("MappingEdit")));
    assert!(gone.contains("/components/schemas/MappingEdit is not there"), "{gone}");
    let unused = with(&|it| it["components"]["schemas"]["Nothing"] = json!({}));
    assert!(unused.contains("nothing speaks of Nothing"), "{unused}");
    let closed = wrong_with(&document(), &[Route { method: "get", path: "/api/v1/me", admits: Admits::Anyone }]);
    assert!(closed.concat().contains("get /api/v1/me: the token"), "{closed:?}");
}

#[test]
fn the_description_is_the_one_that_was_agreed_on() {
    let now = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
    std::fs::write(&made, &now).unwrap();

    let agreed: Value = serde_json::from_str(SNAPSHOT).unwrap();
    assert!(
        agreed == document(),
        "a change of the API belongs in tests/openapi/openapi.json; as it is now: {}",
        made.display()
    );
}

#[test]
fn the_broker_serves_it_to_anybody() {
    let running =
        Plan::new(lodge::ambient::Clock::System).connection("campus", "http://127.0.0.1:1", Algorithm::Es256).start();

    let served = raw::get(&format!("{}/api/v1/openapi.json", running.url)).send();

    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    assert_eq!(served.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(served.json(), document());
    assert_eq!(served.json()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Every kind is in the one table that the code takes them from; here, that the table reaches whoever reads.
#[test]
fn every_kind_of_problem_is_described_with_its_status() {
    let document = document();
    let described = &document["components"]["schemas"]["Problem"]["properties"]["type"];
    let mut answered = BTreeMap::<String, BTreeSet<u16>>::new();
    for (.., operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = document.pointer(response["$ref"].as_str().unwrap_or("#")[1..].as_ref()).unwrap();
            let Some(narrowed) = response["content"]["application/problem+json"]["schema"]["allOf"].get(1) else {
                continue;
            };
            assert_eq!(&narrowed["properties"]["status"]["const"].to_string(), status);
            for urn in narrowed["properties"]["type"]["enum"].as_array().unwrap() {
                answered.entry(urn.as_str().unwrap().to_owned()).or_default().insert(status.parse().unwrap());
            }
        }
    }

    for kind in Kind::ALL {
        let text = described["description"].as_str().unwrap();
        assert!(described["enum"].as_array().unwrap().contains(&json!(kind.urn())), "{kind:?}");
        assert!(text.contains(&format!("| `{}` |", kind.urn())) && text.contains(kind.means()), "{kind:?}");
        let statuses: BTreeSet<_> = kind.statuses().iter().map(http::StatusCode::as_u16).collect();
        let answered = answered.remove(&kind.urn()).unwrap_or_default();
        assert!(answered.is_subset(&statuses), "{kind:?} is described with {answered:?}");
        // The rest is of pages, and of signing in.
        let elsewhere = [Kind::InvitationOver, Kind::SignInFailed, Kind::ForeignForm, Kind::SlowDown];
        assert_eq!(answered.is_empty(), elsewhere.contains(kind), "{kind:?}");
    }
    assert!(answered.is_empty(), "{answered:?}");
}

#[test]
fn tools_can_read_the_description() {
    if !peers::require("tools_can_read_the_description", &[Peer::Python]) {
        return;
    }
    let validate = |document: &Value| {
        let script = "import json, sys\nfrom openapi_spec_validator import validate\nvalidate(json.load(sys.stdin))";
        Process::run("openapi-spec-validator", peers::python().args(["-c", script]), &document.to_string())
    };
    let sound = validate(&document());
    assert!(sound.status.success(), "{}", sound.stderr);

    let mut broken = document();
    broken["paths"]["/api/v1/me"]["get"]["responses"] = json!([]);
    assert!(!validate(&broken).status.success(), "one that is broken must be noticed");
}
