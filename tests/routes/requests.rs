//! For each route, a request that is right in everything but, perhaps, the one who sends it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use lodge::domain::account::{CheckReason, Verdict};
use lodge::domain::id::{AccountCheckId, CutOffId, PersonId};
use lodge::domain::lab::{Office, Role};
use lodge::domain::mapping::MappingTerms;
use lodge::domain::role_session::SessionDuration;
use lodge::http::routes::Route;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{Caller, Stage, Who};
use crate::support::accounts;
use crate::support::broker::helper_query;
use crate::support::downloads;
use crate::support::labs::Labs;
use crate::support::raw::{self, Ask};
use crate::support::serving::wait;
use crate::support::signed_in::signed_in;

/// A request, and what whoever is admitted gets.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// With every part filled in.
    pub(crate) path: String,
    pub(crate) if_match: Option<&'static str>,
    pub(crate) body: Body,
    /// A cookie beside the session's.
    pub(crate) cookie: Option<String>,
    /// What is answered to who may call it.
    pub(crate) answers: &'static [u16],
}

#[derive(Clone)]
pub(crate) enum Body {
    None,
    Json(serde_json::Value),
    Form(String),
}

impl Request {
    /// As this caller sends it.
    pub(crate) fn by(&self, stage: &Stage, caller: &Caller) -> Ask {
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

/// A check of the lab's account that is over.
fn check(stage: &Stage) -> AccountCheckId {
    let labs = &stage.labs;
    let report = accounts::well(labs.now());
    wait(labs.account(&labs.a).checked(TimeDelta::seconds(30), CheckReason::Demand, report, Some(Verdict::Proven)))
}

/// A request to this route by somebody who will be this caller, or `None` for a route that nobody has written one for.
pub(crate) fn request(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    match route.path {
        path if path.contains("/cut-off") => of_cut_offs(stage, route, caller),
        path if path.starts_with("/api/v1/operator") => of_desk_api(stage, route),
        path if path.starts_with("/operator") => of_desk(stage, route, caller),
        path if path.starts_with("/api/") => of_api(stage, route, caller),
        _ => of_pages(stage, route, caller),
    }
}

/// A lab that no other call is about: as it was made, with an open invitation, or put away.
fn fresh_lab(stage: &Stage, with_invitation: bool, is_archived: bool) -> String {
    let name = stage.labs.fresh("lab");
    wait(async {
        let (seeding, lab) = (stage.labs.seeding(), name.parse().unwrap());
        let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
        seeding.add_lab(&lab, "A new lab", arn, None).await.unwrap();
        if with_invitation {
            seeding.desk().invite_pi(&lab).await.unwrap();
        }
        if is_archived {
            seeding.desk().archive_lab(&lab).await.unwrap();
        }
    });
    name
}

/// Somebody whom no other call is about.
fn fresh_person(stage: &Stage, is_suspended: bool) -> String {
    let person = signed_in(stage.labs.broker(), &stage.labs.fresh("person"), &[]).person;
    if is_suspended {
        wait(stage.labs.seeding().desk().suspend(&person)).unwrap();
    }
    person.to_string()
}

/// The pages of whoever runs the broker.
fn of_desk(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    let token = form_token(stage, caller);
    let press = |path: String, answers: &'static [u16]| send("POST", &path, form(&[("form_token", &token)]), answers);
    let lab = |with_invitation, is_archived| fresh_lab(stage, with_invitation, is_archived);
    let person = |is_suspended| fresh_person(stage, is_suspended);
    Some(match (route.method, route.path) {
        (
            "get",
            path @ ("/operator"
            | "/operator/labs"
            | "/operator/labs/new"
            | "/operator/people"
            | "/operator/connections"
            | "/operator/versions"),
        ) => get(path, &[200]),
        ("post", path @ "/operator/labs/new") => {
            let (name, arn) = (stage.labs.fresh("lab"), "arn:aws:iam::111122223333:role/lodge/lodge-session");
            let fields = [
                ("form_token", token.as_str()),
                ("name", &name),
                ("title", "A"),
                ("session_role", arn),
                ("pack", "none"),
            ];
            send("POST", path, form(&fields), &[303])
        }
        ("get", "/operator/labs/{lab}") => get("/operator/labs/vision", &[200]),
        ("get", "/operator/labs/{lab}/archive") => get("/operator/labs/vision/archive", &[200]),
        ("get", "/operator/labs/{lab}/restore") => get("/operator/labs/vision/restore", &[200]),
        ("post", "/operator/labs/{lab}/invitation") => {
            press(format!("/operator/labs/{}/invitation", lab(false, false)), &[200])
        }
        ("post", "/operator/labs/{lab}/invitation/withdraw") => {
            press(format!("/operator/labs/{}/invitation/withdraw", lab(true, false)), &[303])
        }
        ("post", "/operator/labs/{lab}/archive") => {
            press(format!("/operator/labs/{}/archive", lab(false, false)), &[303])
        }
        ("post", "/operator/labs/{lab}/restore") => {
            press(format!("/operator/labs/{}/restore", lab(false, true)), &[303])
        }
        ("get", "/operator/people/{person}") => get(&format!("/operator/people/{}", stage.second_pi), &[200]),
        ("get", "/operator/people/{person}/suspend") => {
            get(&format!("/operator/people/{}/suspend", stage.second_pi), &[200])
        }
        ("get", "/operator/people/{person}/restore") => {
            get(&format!("/operator/people/{}/restore", stage.second_pi), &[200])
        }
        ("post", "/operator/people/{person}/suspend") => {
            press(format!("/operator/people/{}/suspend", person(false)), &[303])
        }
        ("post", "/operator/people/{person}/restore") => {
            press(format!("/operator/people/{}/restore", person(true)), &[303])
        }
        ("post", "/operator/connections/{connection}/check") => {
            press("/operator/connections/hospital/check".to_owned(), &[200])
        }
        _ => return None,
    })
}

/// The same for their helpers.
fn of_desk_api(stage: &Stage, route: &Route) -> Option<Request> {
    const LABS: &str = "/api/v1/operator/labs";
    const PEOPLE: &str = "/api/v1/operator/people";
    let lab = |with_invitation, is_archived| fresh_lab(stage, with_invitation, is_archived);
    let post = |path: String, answers: &'static [u16]| send("POST", &path, Body::None, answers);
    Some(match (route.method, route.path.trim_start_matches("/api/v1/operator")) {
        ("get", "" | "/labs" | "/people" | "/connections" | "/version") => get(route.path, &[200]),
        ("post", "/labs") => {
            let arn = "arn:aws:iam::111122223333:role/lodge/lodge-session";
            let body = json!({"name": stage.labs.fresh("lab"), "title": "A", "session_role": arn});
            send("POST", LABS, Body::Json(body), &[201])
        }
        ("get", "/labs/{lab}") => get(&format!("{LABS}/vision"), &[200]),
        ("post", "/labs/{lab}/invitation") => post(format!("{LABS}/{}/invitation", lab(false, false)), &[201]),
        ("delete", "/labs/{lab}/invitation") => {
            send("DELETE", &format!("{LABS}/{}/invitation", lab(true, false)), Body::None, &[204])
        }
        ("post", "/labs/{lab}/archive") => post(format!("{LABS}/{}/archive", lab(false, false)), &[200]),
        ("post", "/labs/{lab}/restore") => post(format!("{LABS}/{}/restore", lab(false, true)), &[200]),
        ("get", "/people/{person}") => get(&format!("{PEOPLE}/{}", stage.second_pi), &[200]),
        ("post", "/people/{person}/suspend") => {
            post(format!("{PEOPLE}/{}/suspend", fresh_person(stage, false)), &[200])
        }
        ("post", "/people/{person}/restore") => post(format!("{PEOPLE}/{}/restore", fresh_person(stage, true)), &[200]),
        ("post", "/connections/{connection}/check") => {
            post("/api/v1/operator/connections/hospital/check".to_owned(), &[200])
        }
        _ => return None,
    })
}

fn get(path: &str, answers: &'static [u16]) -> Request {
    Request { method: "GET", path: path.to_owned(), if_match: None, body: Body::None, cookie: None, answers }
}

fn send(method: &'static str, path: &str, body: Body, answers: &'static [u16]) -> Request {
    Request { method, body, ..get(path, answers) }
}

/// A form of a page of a lab, pressed by this caller.
fn posted(stage: &Stage, caller: &Caller, path: &str, fields: &[(&str, &str)]) -> Request {
    let token = form_token(stage, caller);
    let fields: Vec<_> = fields.iter().copied().chain([("form_token", token.as_str())]).collect();
    send("POST", path, form(&fields), &[303])
}

/// The page of a new mapping.
fn mapping_page(stage: &Stage, more: &str) -> String {
    let labs = &stage.labs;
    let id = labs.mapping(&labs.a, &labs.fresh("group"), "read-results", MappingTerms::default());
    format!("/labs/vision/mappings/{id}{more}")
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
            | "/download"
            | "/healthz"
            | "/readyz"
            | "/.well-known/oauth-authorization-server"),
        ) => get(path, &[200]),
        ("get", "/download/{file}") => get(&downloads::address(), &[200]),
        ("post", "/sign-out") => send("POST", "/sign-out", form(&[("form_token", &form_token(stage, caller))]), &[303]),
        ("get", "/auth/{connection}/start") => get("/auth/campus/start", &[303]),
        // No token of the provider's.
        ("post", "/auth/{connection}/backchannel-logout") => {
            send("POST", "/auth/campus/backchannel-logout", form(&[("logout_token", "x")]), &[400])
        }
        ("get", path @ "/sessions") => get(path, if caller.has_cookie() { &[200] } else { &[303] }),
        ("get", "/labs/{lab}") => get("/labs/vision", &[200]),
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
        _ => return of_mappings_and_people(stage, route, caller),
    })
}

/// The pages about who gets what in a lab, and who looks after it.
fn of_mappings_and_people(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    Some(match (route.method, route.path) {
        ("get", "/labs/{lab}/mappings") => get("/labs/vision/mappings", &[200]),
        ("get", "/labs/{lab}/mappings/new") => get("/labs/vision/mappings/new", &[200]),
        ("post", "/labs/{lab}/mappings") => {
            let group = stage.labs.fresh("group");
            let fields = [("connection", "campus"), ("group", group.as_str()), ("role", "pay")];
            posted(stage, caller, "/labs/vision/mappings", &fields)
        }
        ("get", "/labs/{lab}/mappings/{mapping}") => get(&mapping_page(stage, ""), &[200]),
        ("get", "/labs/{lab}/mappings/{mapping}/edit") => get(&mapping_page(stage, "/edit"), &[200]),
        ("get", "/labs/{lab}/mappings/{mapping}/end") => get(&mapping_page(stage, "/end"), &[200]),
        ("post", "/labs/{lab}/mappings/{mapping}/edit") => {
            posted(stage, caller, &mapping_page(stage, "/edit"), &[("revision", "1"), ("mfa", "1")])
        }
        ("post", "/labs/{lab}/mappings/{mapping}/end") => {
            posted(stage, caller, &mapping_page(stage, "/end"), &[("revision", "1")])
        }
        ("post", "/labs/{lab}/mappings/{mapping}/back") => {
            posted(stage, caller, &mapping_page(stage, "/back"), &[("revision", "1"), ("back", "1")])
        }
        ("post", "/labs/{lab}/mapping-changes/{change}/confirm") => {
            let change = stage.labs.change(&stage.labs.a, &stage.second_pi);
            posted(stage, caller, &format!("/labs/vision/mapping-changes/{change}/confirm"), &[])
        }
        // A manager withdraws what they asked for themselves.
        ("post", "/labs/{lab}/mapping-changes/{change}/decline") => {
            let author = caller.person.as_ref().filter(|_| caller.who == Who::Manager).unwrap_or(&stage.second_pi);
            let change = stage.labs.change(&stage.labs.a, author);
            posted(stage, caller, &format!("/labs/vision/mapping-changes/{change}/decline"), &[])
        }
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
        _ => return of_ledger_and_settings(stage, route, caller),
    })
}

/// The pages about what was done in a lab, what its roles can do, and how it is set.
fn of_ledger_and_settings(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    Some(match (route.method, route.path) {
        ("post", "/labs/{lab}/why") => {
            let form = form(&[("form_token", &form_token(stage, caller)), ("action", "mechanicalturk:SendBonus")]);
            send("POST", "/labs/vision/why", form, &[200])
        }
        (
            "get",
            path @ ("/labs/{lab}/roles"
            | "/labs/{lab}/why"
            | "/labs/{lab}/account"
            | "/labs/{lab}/account/stack"
            | "/labs/{lab}/account/history"
            | "/labs/{lab}/diagnosis"),
        ) => get(&path.replace("{lab}", "vision"), &[200]),
        ("post", path @ ("/labs/{lab}/account/join" | "/labs/{lab}/account/check")) => {
            posted(stage, caller, &path.replace("{lab}", "vision"), &[])
        }
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
        _ => return of_own_roles(stage, route, caller),
    })
}

/// The version of a role of [`own_role`], as an `ETag`.
const ROLE_VERSION: &str = "\"943600df66f4e8ee\"";

/// A role that no other call is about.
fn own_role(labs: &Labs) -> String {
    let name = labs.fresh("role");
    let role = Role {
        name: name.parse().unwrap(),
        template: "mturk/read-results".parse().unwrap(),
        parameters: BTreeMap::new(),
        max_duration: SessionDuration::from_seconds(900).unwrap(),
        sign_in_age: None,
    };
    assert_eq!(format!("\"{}\"", role.version()), ROLE_VERSION);
    wait(async { labs.seeding().add_role(&labs.a, &role).await.unwrap() });
    name
}

/// A lab's making of its own roles, on its pages and in the API.
fn of_own_roles(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    let labs = &stage.labs;
    Some(match (route.method, route.path) {
        ("get", "/labs/{lab}/roles/new") => get("/labs/vision/roles/new?template=mturk%2Fpay", &[200]),
        ("post", "/labs/{lab}/roles/new") => {
            let name = labs.fresh("role");
            posted(stage, caller, "/labs/vision/roles/new", &[("name", &name), ("template", "mturk/pay")])
        }
        ("get", "/labs/{lab}/roles/{role}/edit") => get("/labs/vision/roles/pay/edit", &[200]),
        ("get", "/labs/{lab}/roles/{role}/end") => get("/labs/vision/roles/pay/end", &[200]),
        ("post", path @ ("/labs/{lab}/roles/{role}/edit" | "/labs/{lab}/roles/{role}/end")) => {
            let path = path.replace("{lab}", "vision").replace("{role}", &own_role(labs));
            posted(stage, caller, &path, &[("version", ROLE_VERSION.trim_matches('"')), ("longest", "3600")])
        }
        ("get", "/api/v1/labs/{lab}/templates") => get("/api/v1/labs/vision/templates", &[200]),
        ("post", path @ ("/api/v1/labs/{lab}/roles" | "/api/v1/labs/{lab}/roles/preview")) => {
            let body = Body::Json(json!({"name": labs.fresh("role"), "template": "mturk/pay"}));
            send("POST", &path.replace("{lab}", "vision"), body, &[200, 201])
        }
        ("get", "/api/v1/labs/{lab}/roles/{role}") => get("/api/v1/labs/vision/roles/pay", &[200]),
        ("post", "/api/v1/labs/{lab}/roles/{role}/preview") => {
            let body = Body::Json(json!({"max_duration_seconds": 900}));
            send("POST", "/api/v1/labs/vision/roles/pay/preview", body, &[200])
        }
        ("patch", "/api/v1/labs/{lab}/roles/{role}") => {
            let role = own_role(labs);
            let body = Body::Json(json!({"max_duration_seconds": 3_600}));
            let path = format!("/api/v1/labs/vision/roles/{role}");
            Request { if_match: Some(ROLE_VERSION), ..send("PATCH", &path, body, &[200]) }
        }
        ("post", "/api/v1/labs/{lab}/roles/{role}/end") => {
            let path = format!("/api/v1/labs/vision/roles/{}/end", own_role(labs));
            Request { if_match: Some(ROLE_VERSION), ..send("POST", &path, Body::None, &[204]) }
        }
        _ => return of_cut_offs(stage, route, caller),
    })
}

fn of_api(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    let labs = &stage.labs;
    let mapping = || labs.mapping(&labs.a, &labs.fresh("group"), "read-results", MappingTerms::default());
    Some(match (route.method, route.path) {
        ("get", path @ ("/api/v1/openapi.json" | "/api/v1/me" | "/api/v1/me/sessions")) => get(path, &[200]),
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
        ("get", path @ "/api/v1/labs/{lab}/groups") => get(&path.replace("{lab}", "vision"), &[200]),
        ("post", "/api/v1/labs/{lab}/mappings/preview") => {
            let body = json!({"connection": "campus", "group": labs.fresh("group"), "role": "pay"});
            send("POST", "/api/v1/labs/vision/mappings/preview", Body::Json(body), &[200])
        }
        ("post", "/api/v1/labs/{lab}/mappings/{mapping}/preview") => {
            let path = format!("/api/v1/labs/vision/mappings/{}/preview", mapping());
            send("POST", &path, Body::Json(json!({"end": true})), &[200])
        }
        ("get", "/api/v1/labs/{lab}/mappings/{mapping}/revisions") => {
            get(&format!("/api/v1/labs/vision/mappings/{}/revisions", mapping()), &[200])
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
        _ => return of_own_roles(stage, route, caller),
    })
}

/// A cut-off of this caller in all labs; of anybody, when they are nobody.
fn own_cut_off(stage: &Stage, caller: &Caller) -> CutOffId {
    stage.labs.cut_off_everywhere(caller.person.as_ref().unwrap_or(&stage.second_pi))
}

/// What speaks of sessions that live and of cutting them off, on pages and in the API.
fn of_cut_offs(stage: &Stage, route: &Route, caller: &Caller) -> Option<Request> {
    let labs = &stage.labs;
    // Somebody of the lab whom no other call is about.
    let somebody = || labs.appoint(&labs.a, Office::Manager, &labs.fresh("person"));
    let cut_off = || labs.cut_off(&labs.a, &somebody());
    let reason = || Body::Json(json!({"reason": "a lost laptop"}));
    Some(match (route.method, route.path) {
        ("get", path @ ("/labs/{lab}/sessions" | "/labs/{lab}/cut-offs" | "/api/v1/labs/{lab}/cut-offs")) => {
            get(&path.replace("{lab}", "vision"), &[200])
        }
        ("get", "/labs/{lab}/cut-off") => get(&format!("/labs/vision/cut-off?person={}", somebody()), &[200]),
        ("post", "/labs/{lab}/cut-off") => {
            posted(stage, caller, "/labs/vision/cut-off", &[("person", somebody().as_str()), ("hold", "on")])
        }
        ("get", path @ ("/labs/{lab}/cut-offs/{cut_off}" | "/api/v1/labs/{lab}/cut-offs/{cut_off}")) => {
            get(&path.replace("{lab}", "vision").replace("{cut_off}", cut_off().as_str()), &[200])
        }
        ("post", "/labs/{lab}/cut-offs/{cut_off}/lift") => {
            posted(stage, caller, &format!("/labs/vision/cut-offs/{}/lift", cut_off()), &[])
        }
        ("post", "/api/v1/labs/{lab}/cut-offs") => {
            let body = Body::Json(json!({"person": somebody().as_str()}));
            send("POST", "/api/v1/labs/vision/cut-offs", body, &[202])
        }
        ("post", "/api/v1/labs/{lab}/cut-offs/{cut_off}/lift") => {
            send("POST", &format!("/api/v1/labs/vision/cut-offs/{}/lift", cut_off()), Body::None, &[200])
        }
        ("post", path @ "/api/v1/me/cut-off") => send("POST", path, reason(), &[202]),
        ("get", "/api/v1/me/cut-offs/{cut_off}") => {
            get(&format!("/api/v1/me/cut-offs/{}", own_cut_off(stage, caller)), &[200])
        }
        // Who is not signed in is asked to.
        ("get", path @ "/sessions/cut-off") => get(path, if caller.has_cookie() { &[200] } else { &[303] }),
        ("get", "/sessions/cut-offs/{cut_off}") => {
            let answers: &[u16] = if caller.has_cookie() { &[200] } else { &[303] };
            get(&format!("/sessions/cut-offs/{}", own_cut_off(stage, caller)), answers)
        }
        ("post", path @ "/sessions/cut-off") => posted(stage, caller, path, &[("reason", "a lost laptop")]),
        ("post", "/api/v1/operator/people/{person}/cut-off") => {
            let path = format!("/api/v1/operator/people/{}/cut-off", fresh_person(stage, false));
            send("POST", &path, reason(), &[202])
        }
        ("get", "/api/v1/operator/people/{person}/cut-offs/{cut_off}") => {
            let id = labs.cut_off_everywhere(&stage.second_pi);
            get(&format!("/api/v1/operator/people/{}/cut-offs/{id}", stage.second_pi), &[200])
        }
        ("get", "/operator/people/{person}/cut-off") => {
            get(&format!("/operator/people/{}/cut-off", stage.second_pi), &[200])
        }
        ("post", "/operator/people/{person}/cut-off") => {
            posted(stage, caller, &format!("/operator/people/{}/cut-off", fresh_person(stage, false)), &[])
        }
        _ => return of_account(stage, route),
    })
}

/// What speaks of the lab's AWS account.
fn of_account(stage: &Stage, route: &Route) -> Option<Request> {
    Some(match (route.method, route.path) {
        ("get", path @ ("/api/v1/labs/{lab}/account" | "/api/v1/labs/{lab}/account/stack")) => {
            get(&path.replace("{lab}", "vision"), &[200])
        }
        ("get", "/api/v1/labs/{lab}/account/checks") => get("/api/v1/labs/vision/account/checks?limit=2", &[200]),
        ("get", "/api/v1/labs/{lab}/account/checks/{check}") => {
            get(&format!("/api/v1/labs/vision/account/checks/{}", check(stage)), &[200])
        }
        ("post", path @ ("/api/v1/labs/{lab}/account/join" | "/api/v1/labs/{lab}/account/checks")) => {
            send("POST", &path.replace("{lab}", "vision"), Body::None, &[202])
        }
        ("post", path @ ("/api/v1/labs/{lab}/why" | "/api/v1/why")) => {
            let body = Body::Json(json!({"action": "mechanicalturk:SendBonus"}));
            send("POST", &path.replace("{lab}", "vision"), body, &[200])
        }
        ("get", "/api/v1/labs/{lab}/diagnosis") => get("/api/v1/labs/vision/diagnosis?role=pay", &[200]),
        _ => return None,
    })
}
