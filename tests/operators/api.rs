//! The same for programs.

use lodge::domain::lab::Office;
use serde_json::{Value, json};

use super::{ARN, Desk};
use crate::support::databases::Kind;
use crate::support::signed_in::signed_in;

impl Desk {
    fn api(&self, method: &'static str, path: &str, body: Option<Value>) -> (u16, Value) {
        let ask = self.operator.ask(method, &self.labs.url(&format!("/api/v1/operator{path}")));
        let answer = match body {
            Some(body) => ask.json(&body).send(),
            None => ask.send(),
        };
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
    }
}

#[test]
fn a_lab_is_made_its_pi_invited_and_the_lab_put_away_by_a_program() {
    for kind in Kind::all("a_lab_is_made_its_pi_invited_and_the_lab_put_away_by_a_program") {
        let desk = Desk::on(kind);
        let new = json!({"name": "robotics", "title": "Robotics Lab", "session_role": ARN, "pack": "mturk"});

        let (status, lab) = desk.api("POST", "/labs", Some(new.clone()));
        assert_eq!((status, &lab["account"], lab["roles"].as_array().unwrap().len()), (201, &json!("444455556666"), 3));
        let condition = &lab["trust_policy"]["Statement"][0]["Condition"]["StringEquals"];
        assert_eq!(condition["sts:ExternalId"], lab["external_id"]);
        let (status, problem) = desk.api("POST", "/labs", Some(new));
        assert_eq!((status, &problem["type"]), (409, &json!("urn:lodge:problem:conflict")));

        let (status, made) = desk.api("POST", "/labs/robotics/invitation", None);
        assert_eq!(status, 201);
        assert!(made["link"].as_str().unwrap().contains("/invitations/lodge_inv_"));
        let (_, lab) = desk.api("GET", "/labs/robotics", None);
        assert_eq!(lab["invitation"], made["invitation"]);
        assert_eq!(desk.api("DELETE", "/labs/robotics/invitation", None).0, 204);
        assert_eq!(desk.api("DELETE", "/labs/robotics/invitation", None).0, 409);
        assert!(desk.api("POST", "/labs/robotics/archive", None).1["archived_at"].is_string());
        assert_eq!(desk.api("POST", "/labs/robotics/invitation", None).0, 409, "archived");
        assert!(desk.api("POST", "/labs/robotics/restore", None).1["archived_at"].is_null());
        assert_eq!(desk.api("GET", "/labs/atlantis", None).0, 404);
        assert_eq!(desk.api("GET", "/labs/ATLANTIS", None).0, 404);
    }
}

#[test]
fn lists_go_on_where_they_ended() {
    for kind in Kind::all("lists_go_on_where_they_ended") {
        let desk = Desk::on(kind);
        for subject in ["a", "b", "c"] {
            signed_in(desk.labs.broker(), subject, &[]);
        }
        for (list, all) in [("labs", 2), ("people", 4)] {
            let (mut seen, mut after) = (0, String::new());
            loop {
                let (status, page) = desk.api("GET", &format!("/{list}?limit=1{after}"), None);
                assert_eq!(status, 200, "{page}");
                seen += page[list].as_array().unwrap().len();
                let Some(next) = page["next"].as_str() else { break };
                after = format!("&after={next}");
            }
            assert_eq!(seen, all, "{list}");
            let (_, page) = desk.api("GET", &format!("/{list}?limit=200"), None);
            assert_eq!((page[list].as_array().unwrap().len(), page.get("next")), (all, Some(&Value::Null)));
            for wrong in ["limit=0", "limit=201", "limit=x", "after=%00"] {
                assert_eq!(desk.api("GET", &format!("/{list}?{wrong}"), None).0, 400, "{list} {wrong}");
            }
        }
    }
}

#[test]
fn people_connections_and_what_needs_the_operator_are_told_to_programs() {
    let desk = Desk::on(Kind::Sqlite);
    let kim = desk.labs.holder(&desk.labs.a, Office::Pi, "kim", &[]);
    let needs = |desk: &Desk| desk.api("GET", "", None).1["needy_labs"].clone();
    assert_eq!(needs(&desk), json!([{"name": "language", "need": "no-pi"}]));

    let (_, person) = desk.api("GET", &format!("/people/{}", kim.person), None);
    assert_eq!(person["standings"], json!([{"lab": "vision", "standing": "pi"}]));
    assert_eq!((&person["browser_sessions"], &person["helper_sessions"]), (&json!(1), &json!(1)));
    let (_, done) = desk.api("POST", &format!("/people/{}/suspend", kim.person), None);
    assert_eq!(done, json!({"id": kim.person.to_string(), "sessions_ended": 2}));
    let (_, found) = desk.api("GET", "/people?suspended=true", None);
    assert_eq!(found["people"].as_array().unwrap().len(), 1);
    assert_eq!(needs(&desk).as_array().unwrap().len(), 2, "its only PI is suspended");
    assert!(desk.api("POST", &format!("/people/{}/restore", kim.person), None).1["suspended_at"].is_null());
    assert_eq!(desk.api("GET", "/people/p-0000000000000000", None).0, 404);

    let (_, connections) = desk.api("GET", "/connections", None);
    assert_eq!(connections["connections"].as_array().unwrap().len(), 3);
    let (status, check) = desk.api("POST", "/connections/hospital/check", None);
    assert_eq!((status, check["problems"].as_array().unwrap().len()), (200, 1), "{check}");
    assert_eq!(desk.api("POST", "/connections/nowhere/check", None).0, 404);
    let (_, version) = desk.api("GET", "/version", None);
    assert_eq!(version["program"], env!("CARGO_PKG_VERSION"));
}
