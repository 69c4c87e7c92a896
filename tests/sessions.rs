//! Somebody's own sessions: what they see of them, and that what they end is over everywhere.

use chrono::{DateTime, TimeDelta};
use lodge::ambient::{Clock, ManualClock};
use lodge::oidc::Algorithm;
use lodge::store::Address;
use serde_json::Value;
use url::Url;

use crate::support::broker::{Plan, TestBroker, helper_token, me, seed};
use crate::support::databases::{Kind, raw_postgres, raw_sqlite};
use crate::support::evil_provider::EvilProvider;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

struct Stage {
    running: TestBroker,
    clock: ManualClock,
    _provider: EvilProvider,
}

impl Stage {
    fn on(kind: Kind) -> Self {
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
        let provider = EvilProvider::start(Clock::Manual(clock.clone()));
        let plan = Plan::new(Clock::Manual(clock.clone())).on(kind);
        let running = plan.connection("campus", &provider.issuer, Algorithm::Es256).start();
        seed(&running.broker);
        Self { running, clock, _provider: provider }
    }

    fn each(test: &str) -> impl Iterator<Item = Self> {
        Kind::all(test).into_iter().map(Self::on)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url)
    }

    /// A browser that is signed in.
    fn visitor(&self) -> Visitor {
        let mut visitor = Visitor::new();
        assert_eq!(visitor.open(&self.url("/auth/campus/start")).url.path(), "/");
        visitor
    }

    fn cookie(&self, visitor: &Visitor) -> String {
        let cookie = visitor.cookie(&Url::parse(&self.url("/")).unwrap(), "lodge_session").unwrap();
        format!("lodge_session={cookie}")
    }

    fn is_signed_in(&self, cookie: &str) -> bool {
        raw::get(&self.url("/")).page().header("cookie", cookie).send().text().contains("Sam Student")
    }

    fn api(&self, method: &'static str, path: &str, token: &str) -> Page {
        raw::ask(method, &self.url(path)).header("authorization", &format!("Bearer {token}")).send()
    }

    fn listed(&self, token: &str) -> Vec<Value> {
        self.api("GET", "/api/v1/me/sessions", token).json().as_array().unwrap().clone()
    }
}

fn ids(listed: &[Value]) -> Vec<String> {
    listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn somebody_sees_where_they_are_signed_in() {
    for stage in Stage::each("somebody_sees_where_they_are_signed_in") {
        let mut visitor = stage.visitor();
        let token = helper_token(&mut visitor, &stage.running.url, "nobody is asked");
        stage.clock.advance(TimeDelta::minutes(2));

        let page = visitor.open(&stage.url("/sessions"));
        let listed = stage.listed(&token);

        let text = page.text();
        assert!(text.contains("this browser") && text.contains("lodge on laptop"), "{text}");
        assert!(text.contains("Signed in 13:00 UTC") && text.contains("Last used 13:02 UTC"), "{text}");
        assert_eq!(listed.len(), 2, "{listed:?}");
        let [browser, helper] = &listed[..] else { panic!() };
        assert_eq!((&browser["kind"], &browser["is_this"]), (&"browser".into(), &false.into()));
        assert_eq!((&helper["kind"], &helper["is_this"]), (&"helper".into(), &true.into()));
        assert_eq!((&helper["host"], &helper["created_at"]), (&"laptop".into(), &"2026-11-21T13:00:00Z".into()));
        assert_eq!(browser["seen_at"], "2026-11-21T13:02:00Z");
        assert_eq!(browser["expires_at"], "2026-11-21T21:00:00Z");
    }
}

#[test]
fn what_somebody_ends_is_over_and_nothing_else_is() {
    for stage in Stage::each("what_somebody_ends_is_over_and_nothing_else_is") {
        let (mut here, there) = (stage.visitor(), stage.visitor());
        let token = helper_token(&mut here, &stage.running.url, "nobody is asked");
        let (here_cookie, there_cookie) = (stage.cookie(&here), stage.cookie(&there));

        let page = here.open(&stage.url("/sessions"));
        // The first is this browser's own or the other's: the button says which.
        let page = here.press(&page, "End it");
        assert_eq!(page.url.path(), "/sessions");
        let live = [stage.is_signed_in(&there_cookie), me(&stage.running.url, &token).status == 200];
        assert_eq!(live.iter().filter(|live| **live).count(), 1, "{live:?}");
        assert!(stage.is_signed_in(&here_cookie));

        let page = here.press(&page, "Sign out here");
        assert_eq!(page.url.path(), "/");
        assert!(!stage.is_signed_in(&here_cookie), "a copy of the cookie is worth nothing");
    }
}

#[test]
fn all_others_end_at_once() {
    for stage in Stage::each("all_others_end_at_once") {
        let (mut here, mut there) = (stage.visitor(), stage.visitor());
        let url = &stage.running.url;
        let (token, other) =
            (helper_token(&mut here, url, "nobody is asked"), helper_token(&mut there, url, "nobody is asked"));

        let page = here.open(&stage.url("/sessions"));
        here.press(&page, "End all others");
        assert!(stage.is_signed_in(&stage.cookie(&here)) && !stage.is_signed_in(&stage.cookie(&there)));
        assert_eq!((me(url, &token).status, me(url, &other).status), (401, 401));

        let token = helper_token(&mut here, url, "nobody is asked");
        assert_eq!(stage.api("DELETE", "/api/v1/me/sessions", &token).status, 204);
        assert_eq!((me(url, &token).status, stage.is_signed_in(&stage.cookie(&here))), (200, false));
    }
}

#[test]
fn a_session_of_somebody_else_is_none() {
    for stage in Stage::each("a_session_of_somebody_else_is_none") {
        let mut visitor = stage.visitor();
        let token = helper_token(&mut visitor, &stage.running.url, "nobody is asked");
        let stranger = crate::support::signed_in::signed_in(&stage.running.broker, "stranger", &[]);

        assert_eq!(stage.listed(&stranger.token).len(), 2, "their own");
        for id in ids(&stage.listed(&token)).iter().map(String::as_str).chain(["cs-0123456789abcdef", "evil", "%ff"]) {
            let answer = stage.api("DELETE", &format!("/api/v1/me/sessions/{id}"), &stranger.token);
            assert_eq!(
                (answer.status, &answer.json()["type"]),
                (404, &"urn:lodge:problem:no-such-session".into()),
                "{id}"
            );
        }
        assert_eq!(stage.listed(&token).len(), 2);
        // The positive control.
        let helper = ids(&stage.listed(&token))[1].clone();
        assert_eq!(stage.api("DELETE", &format!("/api/v1/me/sessions/{helper}"), &token).status, 204);
        assert_eq!(me(&stage.running.url, &token).status, 401);
    }
}

#[test]
fn a_session_is_ended_by_the_button_on_our_own_page_only() {
    let stage = Stage::on(Kind::Sqlite);
    let (visitor, mut other) = (stage.visitor(), stage.visitor());
    let cookie = stage.cookie(&visitor);
    let foreign = other.open(&stage.url("/sessions")).forms()[0].fields[0].1.clone();

    for (what, token, header) in
        [("no token", "", ("x-nothing", "1")), ("another's token", &foreign, ("x-nothing", "1"))]
    {
        let form = [("form_token", token), ("session", "others")];
        let ask = raw::post_form(&stage.url("/sessions/end"), &form).page();
        let page = ask.header("cookie", &cookie).header(header.0, header.1).send();
        assert_eq!(page.status, 403, "{what}: {}", page.text());
    }
    assert!(stage.is_signed_in(&stage.cookie(&other)));
}

#[test]
fn a_browser_that_is_not_signed_in_is_led_through_the_sign_in_to_its_sessions() {
    let stage = Stage::on(Kind::Sqlite);

    let page = Visitor::new().open(&stage.url("/sessions"));

    assert_eq!((page.status, page.url.path()), (200, "/sessions"));
}

#[test]
fn a_browser_remembers_where_its_person_is_from() {
    let clock = Clock::Manual(ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap()));
    let providers = [(); 3].map(|()| EvilProvider::start(clock.clone()));
    let plan = ["alpha", "beta", "gamma"]
        .iter()
        .zip(&providers)
        .fold(Plan::new(clock), |plan, (name, provider)| plan.connection(name, &provider.issuer, Algorithm::Es256));
    let broker = plan.start();
    let mut visitor = Visitor::new();
    let order = |page: &Page| -> Vec<String> {
        let links = page.links().into_iter().filter(|(_, url)| url.path().starts_with("/auth/"));
        links.map(|(text, _)| text).collect()
    };

    let first = visitor.open(&format!("{}/sign-in", broker.url));
    assert_eq!(order(&first), ["ALPHA", "BETA", "GAMMA"]);
    assert!(!first.text().contains("last"));
    visitor.open(&format!("{}/auth/gamma/start", broker.url));

    let again = visitor.open(&format!("{}/sign-in?return_to=%2Fsessions&other=1", broker.url));
    assert_eq!(order(&again), ["GAMMA", "ALPHA", "BETA"], "shown first, and not gone to unasked");
    assert!(
        again
            .body
            .contains("class=\"button primary wide\" href=\"/auth/gamma/start?return_to=%2Fsessions&#38;other=1\"")
    );
    // Whoever is to prove more of themselves goes to where they came from.
    let fresh = visitor.open(&format!("{}/sign-in?mfa=1&return_to=%2F", broker.url));
    assert!(fresh.trail.iter().any(|(url, _)| url.path() == "/auth/gamma/start"), "{:?}", fresh.trail);
    // A cookie that somebody made up is worth nothing.
    let made_up = raw::get(&format!("{}/sign-in", broker.url)).page().header("cookie", "lodge_connection=<b>evil</b>");
    assert_eq!(order(&made_up.send()), ["ALPHA", "BETA", "GAMMA"]);
}

#[test]
fn pages_say_how_old_the_groups_are() {
    let stage = Stage::on(Kind::Sqlite);
    let mut visitor = stage.visitor();
    stage.clock.advance(TimeDelta::minutes(12));

    let home = visitor.open(&stage.url("/"));
    let confirm = visitor.open(&stage.url(&format!("/oauth/authorize?{}", crate::support::broker::helper_query(&[]))));

    for page in [home, confirm] {
        assert!(page.text().contains("Groups as of 13:00 UTC"), "{}", page.text());
    }
}

async fn sign_ins_of(owner: &Address, person: &str) -> i64 {
    const COUNT: &str = "select count(*) from sign_in where person_id = $1";
    match owner {
        Address::Sqlite(_) => {
            let mut database = raw_sqlite(owner).await;
            sqlx::query_scalar(COUNT).bind(person).fetch_one(&mut database).await.unwrap()
        }
        Address::Postgres(_) => {
            let mut database = raw_postgres(owner).await;
            sqlx::query_scalar(COUNT).bind(person).fetch_one(&mut database).await.unwrap()
        }
    }
}

#[test]
fn what_has_ended_is_forgotten_after_a_month_and_a_latest_sign_in_never() {
    for stage in Stage::each("what_has_ended_is_forgotten_after_a_month_and_a_latest_sign_in_never") {
        let mut visitor = stage.visitor();
        helper_token(&mut visitor, &stage.running.url, "nobody is asked");
        stage.clock.advance(TimeDelta::hours(13));
        // A second sign-in of the same person, and somebody who never comes again.
        let mut again = stage.visitor();
        let gone = crate::support::signed_in::signed_in(&stage.running.broker, "gone", &["chess"]);
        let home = again.open(&stage.url("/"));
        let id = home.text().split("You in the ledger ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let count = |person: &str| wait(sign_ins_of(&stage.running.database.owner, person));
        wait(stage.running.broker.sweep()).unwrap();
        assert_eq!(count(&id), 2, "a month has not passed");

        stage.clock.advance(TimeDelta::days(31));
        wait(stage.running.broker.sweep()).unwrap();

        assert_eq!(count(&id), 1, "the latest stays");
        assert_eq!(count(gone.person.as_str()), 1);
        assert!(again.open(&stage.url("/auth/campus/start")).text().contains("vision-students"));
    }
}
