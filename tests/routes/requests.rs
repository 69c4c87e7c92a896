//! For each route, a request that is right in everything but, perhaps, the one who sends it.

use lodge::domain::id::PersonId;
use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;
use lodge::http::routes::Route;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{Caller, Stage, Who};
use crate::support::broker::helper_query;
use crate::support::raw::{self, Ask};
use crate::support::serving::wait;

/// A request, and what whoever is admitted gets.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    /// With every part filled in.
    pub(super) path: String,
    pub(super) if_match: Option<&'static str>,
    pub(super) body: Body,
    /// A cookie beside the session's.
    pub(super) cookie: Option<String>,
    /// What is answered to who may call it.
    pub(super) answers: &'static [u16],
}

#[derive(Clone)]
pub(super) enum Body {
    None,
    Json(serde_json::Value),
    Form(String),
}

impl Request {
    /// As this caller sends it.
    pub(super) fn by(&self, stage: &Stage, caller: &Caller) -> Ask {
        let mut ask = raw::ask(self.method, &stage.labs.url(&self.path));
        if let Some(revision) = self.if_match {
            ask = ask.header("if-match", revision);
        }
        ask = match &self.body {
            Body::None => ask,
            Body::Json(body) => ask.header("content-type", "application/json").body(&body.to_string()),
            Body::Form(form) => ask.header("content-type", "application/x-www-form-urlencoded").body(form),
        };
        caller.show(ask, self.cookie.as_deref())
    }
}

fn form(fields: &[(&str, &str)]) -> Body {
    Body::Form(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
}

/// The helper session of this caller; any, when they have none.
fn own_session(stage: &Stage, caller: &Caller) -> String {
    let listed = caller.token.as_deref().filter(|_| caller.has_token()).map(|token| {
        let ask = raw::get(&stage.labs.url("/api/v1/me/sessions"));
        ask.header("authorization", &format!("Bearer {token}")).send().json()
    });
    let is_this = |all: serde_json::Value| all.as_array()?.iter().find(|one| one["is_this"] == true).cloned();
    let own = listed.and_then(is_this).and_then(|one| Some(one["id"].as_str()?.to_owned()));
    own.unwrap_or_else(|| "cs-0123456789abcdef".to_owned())
}

/// The token in the forms of this caller's pages; anything, when they have none.
fn form_token(stage: &Stage, caller: &Caller) -> String {
    let cookie = SecretString::from(caller.cookie.clone().unwrap_or_default());
    stage.labs.broker().form_token(&cookie).expose_secret().to_owned()
}

/// The token of an open invitation to be a PI of a lab that no other call is about.
fn invitation(stage: &Stage) -> String {
    wait(async {
        let seeding = stage.labs.seeding();
        let name = stage.labs.fresh("lab").parse().unwrap();
        let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
        seeding.add_lab(&name, "A new lab", arn, None).await.unwrap();
        let link = seeding.desk().invite_pi(&name).await.unwrap().link;
        link.expose_secret().rsplit('/').next().unwrap().to_owned()
    })
}

/// Somebody whose standing this caller may take away: a manager their own, a PI anybody's.
fn removed(stage: &Stage, caller: &Caller) -> PersonId {
    let own = caller.person.clone().filter(|_| caller.who == Who::Manager);
    own.unwrap_or_else(|| stage.labs.appoint(&stage.labs.a, Office::Manager, &stage.labs.fresh("person")))
}

/// A request to this route by somebody who will be this caller, or `None` for a route that nobody has written one for.
pub(super) fn request(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    if route.path.starts_with("/api/") { of_api(stage, route, caller) } else { of_pages(stage, route, caller) }
}

fn get(path: &str, answers: &'static [u16]) -> Request {
    Request { method: "GET", path: path.to_owned(), if_match: None, body: Body::None, cookie: None, answers }
}

fn send(method: &'static str, path: &str, body: Body, answers: &'static [u16]) -> Request {
    Request { method, body, ..get(path, answers) }
}

/// Pages, our authorization server, and whether the broker is well.
fn of_pages(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    Some(match (route.method, route.path) {
        (
            "get",
            path @ ("/"
            | "/sign-in"
            | "/assets/lodge.css"
            | "/assets/lodge.js"
            | "/healthz"
            | "/readyz"
            | "/.well-known/oauth-authorization-server"),
        ) => get(path, &[200]),
        ("post", "/sign-out") => send("POST", "/sign-out", form(&[("form_token", &form_token(stage, caller))]), &[303]),
        ("get", "/auth/{connection}/start") => get("/auth/campus/start", &[303]),
        // No token of the provider's.
        ("post", "/auth/{connection}/backchannel-logout") => {
            send("POST", "/auth/campus/backchannel-logout", form(&[("logout_token", "x")]), &[400])
        }
        ("get", path @ "/sessions") => get(path, if caller.has_cookie() { &[200] } else { &[303] }),
        ("get", "/labs/{lab}") => get("/labs/vision", &[200]),
        ("get", "/labs/{lab}/people") => get("/labs/vision/people", &[200]),
        ("get", "/labs/{lab}/people/appoint") => get("/labs/vision/people/appoint", &[200]),
        ("post", "/labs/{lab}/people/appoint") => {
            let person = stage.labs.appoint(&stage.labs.b, Office::Manager, &stage.labs.fresh("person"));
            let token = form_token(stage, caller);
            let form = form(&[("form_token", &token), ("person", person.as_str()), ("standing", "manager")]);
            send("POST", "/labs/vision/people/appoint", form, &[303])
        }
        // A manager lays their own standing down.
        ("get", "/labs/{lab}/people/remove") => {
            get(&format!("/labs/vision/people/remove?person={}", removed(stage, caller)), &[200])
        }
        ("post", "/labs/{lab}/people/remove") => {
            let (token, person) = (form_token(stage, caller), removed(stage, caller));
            let form = form(&[("form_token", &token), ("person", person.as_str())]);
            send("POST", "/labs/vision/people/remove", form, &[303])
        }
        ("post", path @ "/sessions/end") => {
            send("POST", path, form(&[("form_token", &form_token(stage, caller)), ("session", "others")]), &[303])
        }
        // Nobody has begun this sign-in.
        ("get", "/auth/{connection}/callback") => get("/auth/campus/callback?state=a&code=b", &[400]),
        ("get", "/invitations/{token}") => get(&format!("/invitations/{}", invitation(stage)), &[303]),
        // Who is not signed in is asked to.
        ("get", "/invitation") => {
            let cookie = Some(format!("lodge_invitation={}", invitation(stage)));
            Request { cookie, ..get("/invitation", if caller.has_cookie() { &[200] } else { &[303] }) }
        }
        ("post", "/invitation") => {
            let cookie = Some(format!("lodge_invitation={}", invitation(stage)));
            let form = form(&[("form_token", &form_token(stage, caller))]);
            Request { cookie, ..send("POST", "/invitation", form, &[303]) }
        }
        ("get", path @ "/oauth/authorize") => {
            let answers: &[u16] = if caller.has_cookie() { &[200] } else { &[303] };
            get(&format!("{path}?{}", helper_query(&[])), answers)
        }
        ("post", path @ "/oauth/authorize") => {
            let form = format!("{}&form_token={}&answer=no", helper_query(&[]), form_token(stage, caller));
            send("POST", path, Body::Form(form), &[200])
        }
        // A code that was never given out.
        ("post", path @ "/oauth/token") => send("POST", path, form(&[("code", "x")]), &[400]),
        ("post", path @ "/oauth/revoke") => send("POST", path, form(&[("token", "nobody's")]), &[200]),
        _ => return of_ledger_and_settings(stage, route, caller),
    })
}

/// The pages about what was done in a lab, what its roles can do, and how it is set.
fn of_ledger_and_settings(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    Some(match (route.method, route.path) {
        ("get", "/labs/{lab}/roles") => get("/labs/vision/roles", &[200]),
        ("get", "/labs/{lab}/settings") => get("/labs/vision/settings?set=groups&count=1&unit=days", &[200]),
        ("post", "/labs/{lab}/settings/groups-age") => {
            let form = form(&[("form_token", &form_token(stage, caller)), ("seconds", "86400")]);
            send("POST", "/labs/vision/settings/groups-age", form, &[303])
        }
        ("post", "/labs/{lab}/settings/sign-in-age/{role}") => {
            let form = form(&[("form_token", &form_token(stage, caller)), ("seconds", "86400")]);
            send("POST", "/labs/vision/settings/sign-in-age/pay", form, &[303])
        }
        ("get", "/labs/{lab}/ledger") => get("/labs/vision/ledger?kind=credentials&q=x", &[200]),
        ("get", "/labs/{lab}/ledger/export.csv") => get("/labs/vision/ledger/export.csv", &[200]),
        ("get", "/labs/{lab}/ledger/export.jsonl") => get("/labs/vision/ledger/export.jsonl", &[200]),
        _ => return None,
    })
}

fn of_api(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    let labs = &stage.labs;
    let mapping = || labs.mapping(&labs.a, &labs.fresh("group"), "read-results", MappingTerms::default());
    Some(match (route.method, route.path) {
        ("get", path @ ("/api/v1/me" | "/api/v1/me/sessions")) => get(path, &[200]),
        ("delete", path @ "/api/v1/me/sessions") => send("DELETE", path, Body::None, &[204]),
        ("delete", "/api/v1/me/sessions/{session}") => {
            send("DELETE", &format!("/api/v1/me/sessions/{}", own_session(stage, caller)), Body::None, &[204])
        }
        ("post", "/api/v1/labs/{lab}/roles/{role}/credentials") => {
            let body = Body::Json(json!({"duration_seconds": 900}));
            send("POST", "/api/v1/labs/vision/roles/read-results/credentials", body, &[200])
        }
        ("get", "/api/v1/labs/{lab}") => get("/api/v1/labs/vision", &[200]),
        ("get", "/api/v1/labs/{lab}/mappings") => get("/api/v1/labs/vision/mappings", &[200]),
        ("post", "/api/v1/labs/{lab}/mappings") => {
            let body = json!({"connection": "campus", "group": labs.fresh("group"), "role": "pay"});
            send("POST", "/api/v1/labs/vision/mappings", Body::Json(body), &[201])
        }
        ("get", "/api/v1/labs/{lab}/mappings/{mapping}") => {
            get(&format!("/api/v1/labs/vision/mappings/{}", mapping()), &[200])
        }
        ("patch", "/api/v1/labs/{lab}/mappings/{mapping}") => {
            let path = format!("/api/v1/labs/vision/mappings/{}", mapping());
            let body = Body::Json(json!({"needs_mfa": true}));
            Request { if_match: Some("\"1\""), ..send("PATCH", &path, body, &[200]) }
        }
        ("post", "/api/v1/labs/{lab}/mappings/{mapping}/end") => {
            let path = format!("/api/v1/labs/vision/mappings/{}/end", mapping());
            Request { if_match: Some("\"1\""), ..send("POST", &path, Body::None, &[200]) }
        }
        ("get", "/api/v1/labs/{lab}/mapping-changes") => get("/api/v1/labs/vision/mapping-changes", &[200]),
        ("post", "/api/v1/labs/{lab}/mapping-changes/{change}/confirm") => {
            let change = labs.change(&labs.a, &stage.second_pi);
            send("POST", &format!("/api/v1/labs/vision/mapping-changes/{change}/confirm"), Body::None, &[200])
        }
        // A manager withdraws what they asked for themselves.
        ("post", "/api/v1/labs/{lab}/mapping-changes/{change}/decline") => {
            let author = caller.person.as_ref().filter(|_| caller.who == Who::Manager).unwrap_or(&stage.second_pi);
            let change = labs.change(&labs.a, author);
            send("POST", &format!("/api/v1/labs/vision/mapping-changes/{change}/decline"), Body::None, &[204])
        }
        ("get", "/api/v1/labs/{lab}/limits") => get("/api/v1/labs/vision/limits", &[200]),
        ("patch", "/api/v1/labs/{lab}/limits") => {
            let body = Body::Json(json!({"groups_max_age_seconds": 86_400}));
            send("PATCH", "/api/v1/labs/vision/limits", body, &[200])
        }
        ("patch", "/api/v1/labs/{lab}/roles/{role}/limits") => {
            let body = Body::Json(json!({"sign_in_max_age_seconds": 86_400}));
            send("PATCH", "/api/v1/labs/vision/roles/pay/limits", body, &[200])
        }
        ("get", "/api/v1/labs/{lab}/roles") => get("/api/v1/labs/vision/roles", &[200]),
        ("get", "/api/v1/labs/{lab}/ledger") => get("/api/v1/labs/vision/ledger?limit=5", &[200]),
        ("get", "/api/v1/labs/{lab}/ledger/export.csv") => get("/api/v1/labs/vision/ledger/export.csv", &[200]),
        ("get", "/api/v1/labs/{lab}/ledger/export.jsonl") => get("/api/v1/labs/vision/ledger/export.jsonl", &[200]),
        ("get", "/api/v1/labs/{lab}/people") => get("/api/v1/labs/vision/people", &[200]),
        ("get", "/api/v1/labs/{lab}/members") => get("/api/v1/labs/vision/members", &[200]),
        ("get", "/api/v1/labs/{lab}/overview") => get("/api/v1/labs/vision/overview", &[200]),
        ("get", "/api/v1/labs/{lab}/role-sessions") => get("/api/v1/labs/vision/role-sessions", &[200]),
        ("put", "/api/v1/labs/{lab}/people/{person}") => {
            let person = labs.appoint(&labs.b, Office::Manager, &labs.fresh("person"));
            let body = Body::Json(json!({"standing": "manager"}));
            send("PUT", &format!("/api/v1/labs/vision/people/{person}"), body, &[200])
        }
        // A manager lays their own standing down.
        ("delete", "/api/v1/labs/{lab}/people/{person}") => {
            send("DELETE", &format!("/api/v1/labs/vision/people/{}", removed(stage, caller)), Body::None, &[204])
        }
        _ => return None,
    })
}
