//! A lab makes its own roles: over the API and on its pages, on both databases, by real requests.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use lodge::domain::lab::{Lab, Office};
use lodge::domain::ledger::Event;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw;
use crate::support::signed_in::SignedIn;
use crate::support::visitor::Page;

/// The vision lab, and its only PI.
struct Stage {
    labs: Labs,
    pi: SignedIn,
}

/// What a role of the pack for data in S3 is filled with.
fn bucket(prefix: &str) -> Value {
    json!({"bucket": "vision-data", "prefix": prefix})
}

fn new_role(name: &str, template: &str, prefix: &str) -> Value {
    json!({"name": name, "template": template, "parameters": bucket(prefix)})
}

impl Stage {
    fn on(kind: Kind) -> Self {
        let labs = Labs::on(kind);
        let pi = labs.holder(&labs.a, Office::Pi, "the-pi", &["vision-staff"]);
        Self { labs, pi }
    }

    fn lab(&self) -> &Lab {
        &self.labs.a
    }

    fn call(&self, by: &SignedIn, method: &'static str, path: &str, body: &Value) -> Page {
        by.ask(method, &self.labs.url(&format!("/api/v1/labs/vision{path}"))).json(body).send()
    }

    fn with_version(&self, method: &'static str, path: &str, version: &str, body: &Value) -> Page {
        let url = self.labs.url(&format!("/api/v1/labs/vision{path}"));
        self.pi.ask(method, &url).header("if-match", &format!("\"{version}\"")).json(body).send()
    }

    /// The role's version, after it was made.
    fn made(&self, name: &str, template: &str, prefix: &str) -> String {
        let answer = self.call(&self.pi, "POST", "/roles", &new_role(name, template, prefix));
        assert_eq!(answer.status, 201, "{}", answer.body);
        let role = answer.json();
        assert_eq!(answer.header("etag").unwrap(), format!("\"{}\"", role["version"].as_str().unwrap()));
        role["version"].as_str().unwrap().to_owned()
    }

    fn roles(&self) -> Vec<String> {
        let all = self.call(&self.pi, "GET", "/roles", &Value::Null).json();
        all["roles"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect()
    }

    fn open(&self, path: &str) -> Page {
        let cookie = format!("lodge_session={}", self.pi.cookie);
        raw::get(&self.labs.url(path)).header("cookie", &cookie).page().send()
    }

    /// Sends a form of a page of the PI's.
    fn post(&self, path: &str, fields: &str) -> Page {
        let cookie = SecretString::from(self.pi.cookie.clone());
        let token = self.labs.broker().form_token(&cookie).expose_secret().to_owned();
        raw::post(&self.labs.url(path))
            .header("cookie", &format!("lodge_session={}", self.pi.cookie))
            .header("origin", &self.labs.running.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .page()
            .body(&format!("form_token={token}&{fields}"))
            .send()
    }

    /// What was written in the lab's ledger about its roles.
    fn written(&self) -> Vec<Event> {
        let is_of_roles = |event: &Event| event.kind().starts_with("role-");
        self.labs.book(self.lab()).into_iter().map(|entry| entry.event).filter(is_of_roles).collect()
    }
}

/// The version that a form on the page would send.
fn version_on(page: &Page) -> String {
    let after = page.body.split("name=\"version\" value=\"").nth(1).unwrap();
    after.split('"').next().unwrap().to_owned()
}

/// What a refusal says.
fn refused(answer: &Page, status: u16, kind: &str) -> String {
    assert_eq!(answer.status, status, "{}", answer.body);
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:lodge:problem:{kind}"), "{problem}");
    problem["detail"].as_str().unwrap().to_owned()
}

#[test]
fn a_pi_makes_a_role_of_a_template_changes_it_ends_it_and_makes_it_again() {
    for kind in Kind::all("a_pi_makes_a_role_of_a_template_changes_it_ends_it_and_makes_it_again") {
        let stage = Stage::on(kind);
        let before = stage.written().len();

        let first = stage.made("read-data", "s3-data/read-results", "results/");
        assert!(stage.roles().contains(&"read-data".to_owned()));
        let shorter = json!({"max_duration_seconds": 900});
        let changed = stage.with_version("PATCH", "/roles/read-data", &first, &shorter);
        assert_eq!(changed.status, 200, "{}", changed.body);
        let second = changed.json()["version"].as_str().unwrap().to_owned();
        assert_eq!(changed.json()["parameters"], bucket("results/"), "what is not said stays");
        let late = stage.with_version("PATCH", "/roles/read-data", &first, &json!({"max_duration_seconds": 1800}));
        assert!(refused(&late, 412, "changed-meanwhile").contains("changed the role meanwhile"));
        let ended = stage.with_version("POST", "/roles/read-data/end", &second, &Value::Null);
        assert_eq!(ended.status, 204, "{}", ended.body);
        assert!(!stage.roles().contains(&"read-data".to_owned()));
        let gone = stage.with_version("POST", "/roles/read-data/end", &second, &Value::Null);
        refused(&gone, 404, "not-in-lab");
        let again = stage.made("read-data", "s3-data/publish", "more/");
        assert_ne!(again, first);

        let parameters = |prefix: &str| {
            BTreeMap::from([("bucket".to_owned(), "vision-data".to_owned()), ("prefix".to_owned(), prefix.to_owned())])
        };
        let written = stage.written().split_off(before);
        let kinds: Vec<_> = written.iter().map(Event::kind).collect();
        assert_eq!(kinds, ["role-added", "role-changed", "role-ended", "role-added"]);
        let Event::RoleChanged { before, after, gives_more, .. } = &written[1] else { panic!() };
        assert_eq!((before.max_duration_seconds, after.max_duration_seconds, *gives_more), (3_600, 900, false));
        let Event::RoleAdded { template, parameters: filled, .. } = &written[3] else { panic!() };
        assert_eq!((template.as_str(), filled), ("s3-data/publish", &parameters("more/")));
    }
}

#[test]
fn a_role_that_cannot_be_is_refused_with_the_field_and_the_reason() {
    for kind in Kind::all("a_role_that_cannot_be_is_refused_with_the_field_and_the_reason") {
        let stage = Stage::on(kind);
        let before = stage.written().len();
        let mut wild = new_role("read-data", "s3-data/read-results", "a/");
        wild["parameters"]["bucket"] = json!("vision*");
        let mut variable = wild.clone();
        variable["parameters"]["bucket"] = json!("${aws:userid}");
        let mut more = new_role("read-data", "s3-data/read-results", "a/");
        more["parameters"]["more"] = json!("x");
        let mut less = more.clone();
        less["parameters"] = json!({"bucket": "vision-data"});
        for (body, status, kind, says) in [
            (new_role("pay", "s3-data/publish", "a/"), 409, "conflict", "has a role of that name already"),
            (new_role("Read", "s3-data/publish", "a/"), 400, "cannot-be", "cannot be called that"),
            (new_role("read-data", "s3-data/gone", "a/"), 400, "cannot-be", "no such template"),
            (new_role("read-data", "s3-data/publish", "a"), 400, "cannot-be", "does not end with a slash"),
            (wild, 400, "cannot-be", "`bucket` holds `*`"),
            (variable, 400, "cannot-be", "`bucket` holds `$`"),
            (more, 400, "cannot-be", "no parameter `more`"),
            (less, 400, "cannot-be", "`prefix` is missing"),
        ] {
            for path in ["/roles", "/roles/preview"] {
                let detail = refused(&stage.call(&stage.pi, "POST", path, &body), status, kind);
                assert!(detail.contains(says), "{body}: {detail}");
            }
        }
        assert_eq!(stage.written().len(), before);
    }
}

#[test]
fn only_a_pi_makes_roles_by_a_fresh_sign_in_and_a_manager_looks() {
    for kind in Kind::all("only_a_pi_makes_roles_by_a_fresh_sign_in_and_a_manager_looks") {
        let stage = Stage::on(kind);
        let manager = stage.labs.holder(stage.lab(), Office::Manager, "the-manager", &[]);
        let body = new_role("read-data", "s3-data/read-results", "a/");

        refused(&stage.call(&manager, "POST", "/roles", &body), 403, "standing-needed");
        let look = stage.call(&manager, "POST", "/roles/preview", &body);
        assert_eq!(look.status, 200, "{}", look.body);
        let templates = stage.call(&manager, "GET", "/templates", &Value::Null).json();
        let names: Vec<_> =
            templates["templates"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            ["mturk/pay", "mturk/publish", "mturk/read-results", "s3-data/publish", "s3-data/read-results"]
        );
        stage.labs.advance(TimeDelta::minutes(61));
        let detail = refused(&stage.call(&stage.pi, "POST", "/roles", &body), 403, "fresh-sign-in-needed");
        assert!(detail.contains("sign"), "{detail}");
    }
}

#[test]
fn a_role_that_somebody_has_is_not_ended() {
    for kind in Kind::all("a_role_that_somebody_has_is_not_ended") {
        let stage = Stage::on(kind);
        let version = stage.made("read-data", "s3-data/read-results", "a/");
        let mapping = json!({"connection": "campus", "group": "readers", "role": "read-data"});
        let mapped = stage.call(&stage.pi, "POST", "/mappings", &mapping);
        assert_eq!(mapped.status, 201, "{}", mapped.body);

        let ended = stage.with_version("POST", "/roles/read-data/end", &version, &Value::Null);

        assert!(refused(&ended, 409, "conflict").contains("1 live mapping"));
        let id = mapped.json()["mapping"]["id"].as_str().unwrap().to_owned();
        let over = stage.with_version("POST", &format!("/mappings/{id}/end"), "1", &Value::Null);
        assert_eq!(over.status, 200, "{}", over.body);
        let ended = stage.with_version("POST", "/roles/read-data/end", &version, &Value::Null);
        assert_eq!(ended.status, 204, "{}", ended.body);
        let again = stage.call(&stage.pi, "POST", "/mappings", &mapping);
        refused(&again, 400, "cannot-be");
    }
}

#[test]
fn a_change_says_what_it_newly_allows_and_takes_away() {
    let stage = Stage::on(Kind::Sqlite);
    stage.made("read-data", "s3-data/read-results", "results/");
    let look = |prefix: &str| {
        let answer = stage.call(&stage.pi, "POST", "/roles/read-data/preview", &json!({"parameters": bucket(prefix)}));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let look = answer.json();
        let actions = |list: &str| -> Vec<String> {
            look[list].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap().to_owned()).collect()
        };
        (look["gives_more"].as_bool().unwrap(), actions("newly_allows"), actions("no_longer_allows"))
    };

    let (more, newly, no_longer) = look("results/2026/");
    assert!(!more && newly.is_empty(), "below what it had: {newly:?}");
    assert!(no_longer.contains(&"s3:GetObject".to_owned()), "{no_longer:?}");
    let (more, newly, no_longer) = look("other/");
    assert!(more && newly.contains(&"s3:GetObject".to_owned()) && no_longer.contains(&"s3:GetObject".to_owned()));
    assert_eq!(look("results/"), (false, vec![], vec![]));
    let new = stage.call(&stage.pi, "POST", "/roles/preview", &new_role("x", "mturk/pay", ""));
    assert_eq!(refused(&new, 400, "cannot-be"), "The template has no parameter `bucket`.");
    let new = stage.call(&stage.pi, "POST", "/roles/preview", &json!({"name": "x", "template": "mturk/pay"})).json();
    assert_eq!((new["money"].as_str(), new["newly_allows"].as_array().unwrap().len()), (Some("pays"), 14));
    assert!(new["policy_chars"].as_u64().unwrap() < 2_048 && new["policy_chars_max"] == 2_048);
    assert_eq!(new["newly_allows"][0]["example"], "*");
}

#[test]
fn nobody_of_two_pis_widens_a_role_that_they_have_themselves() {
    for kind in Kind::all("nobody_of_two_pis_widens_a_role_that_they_have_themselves") {
        let stage = Stage::on(kind);
        let version = stage.made("read-data", "s3-data/read-results", "results/");
        let mapping = json!({"connection": "campus", "group": "vision-staff", "role": "read-data"});
        assert_eq!(stage.call(&stage.pi, "POST", "/mappings", &mapping).status, 201);
        let wider = json!({"parameters": bucket("everything/")});
        let narrower = json!({"parameters": bucket("results/2026/")});

        // Alone, they may: nobody else could be asked.
        let alone = stage.with_version("PATCH", "/roles/read-data", &version, &narrower).json();
        let version = alone["version"].as_str().unwrap().to_owned();
        let other = stage.labs.holder(stage.lab(), Office::Pi, "the-other-pi", &[]);
        let refusal = stage.with_version("PATCH", "/roles/read-data", &version, &wider);
        assert!(refused(&refusal, 403, "standing-needed").contains("have this role yourself"));
        let url = stage.labs.url("/api/v1/labs/vision/roles/read-data");
        let by_other = other.ask("PATCH", &url).header("if-match", &format!("\"{version}\"")).json(&wider).send();
        assert_eq!(by_other.status, 200, "{}", by_other.body);
        let version = by_other.json()["version"].as_str().unwrap().to_owned();
        let back = stage.with_version("PATCH", "/roles/read-data", &version, &json!({"max_duration_seconds": 900}));
        assert_eq!(back.status, 200, "less takes no second PI: {}", back.body);
    }
}

#[test]
fn the_pages_make_change_and_end_a_role() {
    let stage = Stage::on(Kind::Sqlite);
    let page = |path: &str| stage.open(path);
    let filled = "name=read-data&template=s3-data%2Fread-results&longest=3600&p-bucket=vision-data&p-prefix=results%2F";

    let choose = page("/labs/vision/roles/new");
    assert!(choose.body.contains("s3-data/read-results") && choose.body.contains("can pay at once"), "{}", choose.body);
    let wrong = page("/labs/vision/roles/new?look=1&name=x&template=s3-data%2Fread-results&p-bucket=A&p-prefix=a%2F");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("href=\"#p-bucket\""), "{}", wrong.body);
    let look = page(&format!("/labs/vision/roles/new?look=1&{filled}"));
    assert!(look.status == 200 && look.body.contains("Make this role"), "{}", look.body);
    let done = stage.post("/labs/vision/roles/new", filled);
    assert_eq!(done.status, 303, "{}", done.body);
    let list = page(done.header("location").unwrap());
    assert!(
        list.body.contains("The role read-data is made") && list.body.contains("arn:aws:s3:::vision-data/results/*")
    );
    let twice = stage.post("/labs/vision/roles/new", filled);
    assert!(twice.status == 400 && twice.body.contains("has a role of that name already"), "{}", twice.body);

    let narrower = filled.replace("results%2F", "results%2F2026%2F");
    let edit = page(&format!("/labs/vision/roles/read-data/edit?look=1&{narrower}"));
    assert!(edit.body.contains("No longer allowed") && !edit.body.contains("Newly allowed"), "{}", edit.body);
    let version = version_on(&edit);
    let done = stage.post("/labs/vision/roles/read-data/edit", &format!("{narrower}&version={version}"));
    assert_eq!(done.status, 303, "{}", done.body);
    let end = page("/labs/vision/roles/read-data/end");
    let version = version_on(&end);
    let done = stage.post("/labs/vision/roles/read-data/end", &format!("version={version}"));
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(page(done.header("location").unwrap()).body.contains("The role read-data has ended"));
    assert!(page("/labs/vision/roles/new").body.contains("make it again"));
}
