//! Who gets in where, and that who loses a standing or a mapping is out at the next request.

use std::fmt::Write as _;
use std::path::Path;

use lodge::domain::lab::Office;
use lodge::domain::mapping::MappingTerms;
use lodge::http::routes::{Admits, ROUTES, Route};
use serde_json::json;

use super::requests::{Request, request};
use super::{Caller, EVERYBODY, Stage, Who};
use crate::support::broker::ask_for;
use crate::support::databases::Kind;
use crate::support::labs::Labs;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::signed_in::signed_in;

/// The answers as they were agreed on: a route per line, a caller per column.
const CALLERS: &str = include_str!("callers.txt");

/// What this caller gets from a route that says of itself whom it admits.
fn expected(route: &Route, caller: &Caller, request: &Request) -> Vec<u16> {
    let (standing, gets_in) = (caller.who, request.answers.to_vec());
    let is_pi = matches!(standing, Who::Pi | Who::PiByCookie | Who::PiByToken);
    let in_lab = |gets_in_as: bool| match standing {
        _ if !caller.has_token() => vec![401],
        Who::Stranger | Who::Operator | Who::OtherPi => vec![404],
        _ if gets_in_as => gets_in.clone(),
        _ => vec![403],
    };
    let on_page = |gets_in_as: bool| match standing {
        _ if !caller.has_cookie() && route.method == "get" => vec![303],
        _ if !caller.has_cookie() => vec![401],
        Who::Stranger | Who::Operator | Who::OtherPi => vec![404],
        _ if gets_in_as => gets_in.clone(),
        _ => vec![403],
    };
    // For everybody else there is no such page.
    let is_operator = standing == Who::Operator;
    match route.admits {
        Admits::Operator if !caller.has_token() => vec![401],
        Admits::OperatorPage if !caller.has_cookie() => vec![if route.method == "get" { 303 } else { 401 }],
        Admits::Operator | Admits::OperatorPage if !is_operator => vec![404],
        Admits::Anyone | Admits::Operator | Admits::OperatorPage => gets_in,
        Admits::Browser if caller.has_cookie() => gets_in,
        Admits::Helper if caller.has_token() => gets_in,
        // No other standing gives a role: what a PI wants to use, a mapping has to give.
        Admits::RoleHolder if standing == Who::Member => gets_in,
        Admits::RoleHolder if caller.has_token() => vec![404],
        Admits::Browser | Admits::Helper | Admits::RoleHolder => vec![401],
        Admits::Member => in_lab(true),
        Admits::Manager => in_lab(is_pi || standing == Who::Manager),
        Admits::Pi => in_lab(is_pi),
        Admits::MemberPage => on_page(true),
        Admits::ManagerPage => on_page(is_pi || standing == Who::Manager),
        Admits::PiPage => on_page(is_pi),
    }
}

/// What everybody gets everywhere; and what is wrong with it, a line for each.
fn call_everything(stage: &Stage, routes: &[Route]) -> (String, Vec<String>) {
    let mut found = Vec::new();
    let mut table = format!("{:6} {:64} {:11}", "", "", "admits");
    for who in EVERYBODY {
        write!(table, " {}", column(who)).unwrap();
    }
    table.push('\n');
    for route in routes {
        write!(table, "{:6} {:64} {:11}", route.method, route.path, format!("{:?}", route.admits)).unwrap();
        for who in EVERYBODY {
            let caller = stage.caller(who);
            let Some(request) = request(stage, route, &caller) else {
                found.push(format!("{} {}: write a request for it in `requests`", route.method, route.path));
                break;
            };

            let answer = request.by(stage, &caller).send();

            let expected = expected(route, &caller, &request);
            if !expected.contains(&answer.status) {
                let place = format!("{} {} by {who:?}", route.method, route.path);
                found.push(format!("{place}: {} instead of {expected:?}: {}", answer.status, answer.body));
            }
            write!(table, " {:>w$}", answer.status, w = column(who).len()).unwrap();
        }
        table.push('\n');
    }
    (table, found)
}

fn column(who: Who) -> String {
    format!("{who:?}").to_lowercase()
}

#[test]
fn every_route_admits_whom_it_says_and_nobody_else() {
    for kind in Kind::all("every_route_admits_whom_it_says_and_nobody_else") {
        let stage = Stage::on(kind);

        let (table, found) = call_everything(&stage, ROUTES);

        assert!(found.is_empty(), "{}", found.join("\n"));
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callers.txt");
        std::fs::write(&made, &table).unwrap();
        assert!(
            table == CALLERS,
            "a new route, or another answer, belongs in tests/routes/callers.txt; as it is now: {}\n{table}",
            made.display()
        );
    }
}

#[test]
fn a_route_that_says_something_else_of_itself_is_noticed() {
    let stage = Stage::on(Kind::Sqlite);
    let planted = |method, path, admits| call_everything(&stage, &[Route { method, path, admits }]).1.len();

    let mappings = "/api/v1/labs/{lab}/mappings";
    assert_eq!(planted("get", mappings, Admits::Manager), 0);
    assert_eq!(planted("get", mappings, Admits::Member), 1, "a member gets 403");
    assert_eq!(planted("get", mappings, Admits::Pi), 1, "a manager gets in");
    assert!(planted("get", mappings, Admits::Anyone) > 1);
    assert_eq!(planted("get", "/api/v1/labs/{lab}", Admits::Manager), 1, "a member gets in");
    assert!(planted("post", "/sign-out", Admits::Anyone) > 1);
    assert!(planted("get", "/healthz", Admits::Browser) > 1);
    assert_eq!(planted("get", "/api/v1/labs/{lab}/something-new", Admits::Pi), 1, "nobody has written a request");
}

#[test]
fn the_api_takes_a_token_in_one_place_and_no_cookie() {
    let stage = Stage::on(Kind::Sqlite);
    let (pi, url) = (stage.caller(Who::Pi), stage.labs.url("/api/v1/me"));
    let (token, cookie) = (pi.token.unwrap(), pi.cookie.unwrap());
    let with = |name: &str, value: &str| raw::get(&url).header(name, value).send().status;

    assert_eq!(with("authorization", &format!("Bearer {token}")), 200);
    for (name, value) in [
        ("authorization", token.clone()),
        ("authorization", format!("Basic {token}")),
        ("authorization", format!("Bearer {cookie}")),
        ("authorization", "Bearer ".to_owned()),
        ("cookie", format!("lodge_session={cookie}")),
        ("cookie", format!("lodge_session={token}")),
        ("x-authorization", format!("Bearer {token}")),
    ] {
        assert_eq!(with(name, &value), 401, "{name}: {value}");
    }
    assert_eq!(raw::get(&format!("{url}?access_token={token}")).send().status, 401);
    // A browser sends the cookie along with whatever another site lets it do: the API does not care.
    for path in ["/api/v1/labs/vision/mappings", "/api/v1/labs/vision/roles/read-results/credentials"] {
        let ask = raw::post(&stage.labs.url(path)).header("cookie", &format!("lodge_session={cookie}"));
        assert_eq!(ask.body("{}").send().status, 401, "{path}");
    }
    // And a token of a helper opens no page.
    let page = raw::get(&stage.labs.url("/")).header("cookie", &format!("lodge_session={token}")).page().send();
    assert!(!page.text().contains("Sign out"), "{}", page.text());
}

/// ASVS 8.3.2: the session lives, and what it opened is closed.
#[test]
fn who_loses_a_standing_or_a_mapping_is_out_at_the_next_request() {
    for kind in Kind::all("who_loses_a_standing_or_a_mapping_is_out_at_the_next_request") {
        let stage = Stage::on(kind);
        let labs = &stage.labs;
        let [pi, manager] = [Who::Pi, Who::Manager].map(|who| stage.caller(who));
        let by = |caller: &Caller, method, path: &str| {
            let ask = raw::ask(method, &labs.url(path)).header("authorization", &format!("Bearer {}", caller.token()));
            ask.header("if-match", "\"1\"").header("content-type", "application/json")
        };
        let (lab, mappings) = ("/api/v1/labs/vision", "/api/v1/labs/vision/mappings");
        let status = |caller: &Caller, path: &str| by(caller, "GET", path).send().status;

        // A manager.
        assert_eq!((status(&manager, lab), status(&manager, mappings)), (200, 200));
        let person = format!("{lab}/people/{}", manager.person.as_ref().unwrap());
        assert_eq!(by(&pi, "DELETE", &person).send().status, 204);
        assert_eq!((status(&manager, lab), status(&manager, mappings)), (404, 404));
        let new = json!({"connection": "campus", "group": "g", "role": "pay"}).to_string();
        assert_eq!(by(&manager, "POST", mappings).body(&new).send().status, 404);

        // A PI, by another one.
        let second = labs.holder(&labs.a, Office::Pi, "second-pi", &[]);
        let demoted = json!({"standing": "manager"}).to_string();
        let path = labs.url(&format!("{lab}/people/{}", pi.person.as_ref().unwrap()));
        let answer = second.ask("PUT", &path).header("content-type", "application/json").body(&demoted).send();
        assert_eq!((answer.status, status(&pi, mappings)), (200, 200));
        let change = labs.change(&labs.a, &second.person);
        let confirm = format!("{lab}/mapping-changes/{change}/confirm");
        assert_eq!(by(&pi, "POST", &confirm).send().status, 403);
        assert_eq!(second.ask("DELETE", &path).send().status, 204);
        assert_eq!(status(&pi, lab), 404);

        // A member.
        let mapping = labs.mapping(&labs.a, "vision-guests", "read-results", MappingTerms::default());
        let guest = signed_in(labs.broker(), "guest", &["vision-guests"]);
        let ask = |labs: &Labs| ask_for(&labs.running.url, &guest.token, "vision/read-results", "").status;
        assert_eq!((ask(labs), guest.ask("GET", &labs.url(lab)).send().status), (200, 200));
        let end = second.ask("POST", &labs.url(&format!("{mappings}/{mapping}/end"))).header("if-match", "\"1\"");
        assert_eq!(end.send().status, 200);
        assert_eq!((ask(labs), guest.ask("GET", &labs.url(lab)).send().status), (404, 404));
        assert_eq!(guest.ask("GET", &labs.url("/api/v1/me")).send().json()["roles"], json!([]));
    }
}

/// Suspending somebody ends their sessions. Should one live all the same, it opens no lab.
#[test]
fn somebody_suspended_gets_nothing_even_by_a_session_that_lives() {
    let stage = Stage::on(Kind::Sqlite);
    for who in [Who::Member, Who::Manager, Who::Pi] {
        let caller = stage.caller(who);
        let right: Vec<_> = ROUTES
            .iter()
            .filter(|route| route.path.starts_with("/api/v1/labs/"))
            .map(|route| request(&stage, route, &caller).unwrap())
            .collect();
        wait(async {
            let mut tx = stage.labs.broker().store.write().await.unwrap();
            let operator = stage.labs.seeding().desk().operator.clone();
            assert!(tx.suspend(&operator, caller.person.as_ref().unwrap(), stage.labs.now()).await.unwrap());
            tx.commit().await.unwrap();
        });

        for request in right {
            let answer = request.by(&stage, &caller).send();

            let expected = if request.path.ends_with("/credentials") { 403 } else { 401 };
            assert_eq!(answer.status, expected, "{who:?} {} {}: {}", request.method, request.path, answer.body);
        }
    }
}

#[test]
fn an_archived_lab_is_there_for_nobody() {
    let stage = Stage::on(Kind::Sqlite);
    let name = "vision".parse().unwrap();
    let callers = [Who::Member, Who::Manager, Who::Pi].map(|who| stage.caller(who));
    let mut asked = 0;
    wait(stage.labs.seeding().desk().archive_lab(&name)).unwrap();

    for caller in &callers {
        let me = caller.show(raw::get(&stage.labs.url("/api/v1/me")), None).send().json();
        assert_eq!((&me["roles"], &me["standings"]), (&json!([]), &json!([])));
        for route in ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/labs/")) {
            let request = request(&stage, route, caller).unwrap();
            let answer = request.by(&stage, caller).send();

            assert_eq!(answer.status, 404, "{} {}: {}", route.method, route.path, answer.body);
            asked += 1;
        }
    }
    assert!(asked >= 39, "{asked}");
}
