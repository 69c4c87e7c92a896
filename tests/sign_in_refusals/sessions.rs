//! A browser's session: whose it is, how it is kept, what it lets others do, and how it ends (6.5).

use chrono::TimeDelta;
use lodge::http::routes::{Admits, ROUTES, Route};
use url::Url;

use super::stage::Stage;
use super::table::Row;
use crate::support::broker::helper_query;
use crate::support::raw::{self, Ask};
use crate::support::visitor::{Page, Visitor};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let row = Row::new;
    vec![
        row("S1.1", "a session cookie of an attacker's making, before the sign-in", "none", "a new session; the attacker's is none"),
        row("S1.2", "an attacker's own session, planted in the victim's browser", "none", "a new session; the attacker's has ended"),
        row("S1.3", "a second sign-in in one browser", "the first", "a new session; the first has ended"),
        row("S2.1", "two session cookies with two values, in one header or two", "one value twice", "nobody is signed in"),
        row("S2.2", "a session cookie without its prefix, over TLS", "with it", "nobody is signed in"),
        row("S2.3", "a session cookie in other letters, quoted, cut, longer, or of another's name", "as it is", "nobody is signed in"),
        row("S2.4", "many sign-in cookies tossed in", "one", "the sign-in is completed"),
        row("S2.5", "an address with the session in it", "a cookie", "nobody is signed in"),
        row("S3.1", "the cookie of a session that was signed out", "before", "nobody is signed in; the cookie was taken back with its attributes"),
        row("S3.2", "the form of a session that was signed out, in the next one", "the next one's form", "403, and nothing ends"),
        row("S4.1", "every change: a form from another site, from nowhere, from a neighbour, as text, in parts, without its token",
            "the page's own", "403 or 415, and nothing is changed"),
        row("S4.3", "every change: a form from elsewhere with the token of our own page", "from our own page", "403, and nothing is changed"),
        row("S4.2", "every change of the API with the browser's cookie", "a helper's token", "401"),
        row("S5.1", "a session that was used yesterday", "today", "nobody is signed in"),
        row("S5.2", "a session that nobody used for longer than the idle limit", "for as long as that", "nobody is signed in"),
        row("S6.1", "a session of somebody who was suspended since", "before", "nobody is signed in"),
    ]
}

/// The name of the session's cookie where there is no TLS.
const NAME: &str = "lodge_session";

impl Stage {
    fn signed_in(&self) -> (Visitor, String) {
        self.provider.lie(&[]);
        let mut visitor = Visitor::new();
        let page = visitor.open(&self.url("/auth/campus/start"));
        assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
        let session = visitor.cookie(&page.url, NAME).unwrap();
        (visitor, session)
    }

    fn home_with(&self, cookies: &str) -> Page {
        raw::get(&self.url("/")).page().header("cookie", cookies).send()
    }

    fn is_anybody(&self, session: &str) -> bool {
        is_anybody(&self.home_with(&format!("{NAME}={session}")))
    }

    /// A sign-in, hop by hop, in a browser that has these cookies already; gives what it has at the end.
    fn sign_in_with(&self, cookies: &str) -> Page {
        let start = raw::get(&self.url("/auth/campus/start")).page().header("cookie", cookies).send();
        let own = start.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let callback = raw::get(start.location().unwrap().as_str()).send().location().unwrap();
        let callback = self.url(&format!("{}?{}", callback.path(), callback.query().unwrap()));
        raw::get(&callback).page().header("cookie", &format!("{cookies}; {own}")).send()
    }
}

fn is_anybody(page: &Page) -> bool {
    assert_eq!(page.status, 200, "{}", page.text());
    page.text().contains("Sam Student")
}

/// The session that an answer begins.
fn begun(page: &Page) -> String {
    let mut cookies = page.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value);
    let value = cookies.find_map(|cookie| cookie.split(';').next()?.split_once(&format!("{NAME}=")));
    value.unwrap_or_else(|| panic!("no session: {page:?}")).1.to_owned()
}

#[test]
fn a_session_that_somebody_else_chose_is_nobodys() {
    let stage = Stage::new();
    let made_up = "lodge_bs_c2Vzc2lvbi10aGF0LXNvbWVib2R5LXBsYW50ZWQ";
    let fresh = begun(&stage.sign_in_with(&format!("{NAME}={made_up}")));
    assert!(fresh != made_up && stage.is_anybody(&fresh) && !stage.is_anybody(made_up));

    let (_, attackers) = stage.signed_in();
    let fresh = begun(&stage.sign_in_with(&format!("{NAME}={attackers}")));
    assert!(fresh != attackers && stage.is_anybody(&fresh) && !stage.is_anybody(&attackers));

    let (mut visitor, first) = stage.signed_in();
    visitor.open(&stage.url("/auth/campus/start"));
    let second = visitor.cookie(&Url::parse(&stage.url("/")).unwrap(), NAME).unwrap();
    assert!(second != first && stage.is_anybody(&second) && !stage.is_anybody(&first));
}

#[test]
fn a_cookie_that_was_tossed_in_signs_nobody_in() {
    let stage = Stage::new();
    let (one, two) = (stage.signed_in().1, stage.signed_in().1);
    assert!(is_anybody(&stage.home_with(&format!("{NAME}={one}; a=b; {NAME}={one}"))), "the twin");

    for cookies in [
        format!("{NAME}={one}; {NAME}={two}"),
        format!("{NAME}={two}; {NAME}={one}"),
        format!("{NAME}=; {NAME}={one}"),
        format!("{NAME}={one}; {NAME}=made-up"),
        format!("LODGE_SESSION={one}"),
        format!("{NAME}=\"{one}\""),
        format!("{NAME}={}", &one[..one.len() - 1]),
        format!("{NAME}={one}A"),
        format!("{NAME}={one}="),
        format!("{NAME}={}", one.to_lowercase()),
        format!("__Host-{NAME}={one}"),
        format!("__Secure-{NAME}={one}"),
        format!("lodge_invitation={one}"),
        format!("{NAME}%3D{one}"),
        format!("{NAME}=' or 1=1 --"),
        format!("{NAME}={}", "A".repeat(5_000)),
    ] {
        assert!(!is_anybody(&stage.home_with(&cookies)), "{cookies}");
    }
    let in_two_headers = raw::get(&stage.url("/")).page().header("cookie", &format!("{NAME}={one}"));
    assert!(!is_anybody(&in_two_headers.header("cookie", &format!("{NAME}={two}")).send()));
    for query in ["session", NAME, "token", "access_token"] {
        assert!(!is_anybody(&raw::get(&stage.url(&format!("/?{query}={one}"))).page().send()), "{query}");
    }
    // Whoever fills the jar keeps nobody out.
    let tossed: Vec<String> = (0..20).map(|n| format!("lodge_sign_in_tossed{n}=x.y")).collect();
    assert!(stage.is_anybody(&begun(&stage.sign_in_with(&tossed.join("; ")))));
}

#[test]
fn over_tls_a_session_is_this_hosts_alone() {
    let stage = Stage::planned(|_| {}, |plan, _| plan.public_url("https://lodge.example.edu"));
    let answer = stage.sign_in_with("a=b");
    let session = begun(&answer);

    assert!(is_anybody(&stage.home_with(&format!("__Host-{NAME}={session}"))), "the twin");
    assert!(!is_anybody(&stage.home_with(&format!("{NAME}={session}"))));
    for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert!(pair.starts_with("__Host-"), "{cookie}");
        for attribute in ["Path=/;", "HttpOnly", "SameSite=Lax", "Secure"] {
            assert!(attributes.contains(attribute), "{cookie}");
        }
        assert!(!attributes.contains("Domain"), "{cookie}");
    }
    assert!(answer.header("strict-transport-security").is_some());
}

#[test]
fn signing_out_ends_the_session() {
    let stage = Stage::new();
    let (mut visitor, session) = stage.signed_in();
    let home = visitor.open(&stage.url("/"));
    let old_form = home.forms().into_iter().find(|form| form.action.path() == "/sign-out").unwrap();

    let page = raw::post(&stage.url("/sign-out"))
        .page()
        .header("origin", &stage.broker.url)
        .header("cookie", &format!("{NAME}={session}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(&format!("form_token={}", old_form.fields.iter().find(|(name, _)| name == "form_token").unwrap().1))
        .send();

    assert_eq!(page.status, 303, "{}", page.text());
    let taken = page.header("set-cookie").unwrap();
    assert!(taken.starts_with(&format!("{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")), "{taken}");
    assert!(!stage.is_anybody(&session));
    // The old form is no form of the next session.
    let (mut visitor, next) = stage.signed_in();
    let page = visitor.submit(&old_form, &[]);
    assert_eq!(page.status, 403, "{}", page.text());
    assert!(stage.is_anybody(&next));
}

/// A change that a page of somebody else could have a browser send.
type Forgery = (&'static str, fn(Ask) -> Ask);

#[rustfmt::skip]
const FORGERIES: [Forgery; 12] = [
    ("from another site", |ask| ask.header("origin", "https://evil.example").header("sec-fetch-site", "cross-site")),
    ("from another site, as old browsers tell it", |ask| ask.header("origin", "https://evil.example")),
    ("from nowhere", |ask| ask.header("origin", "null")),
    ("from nowhere, across", |ask| ask.header("origin", "null").header("sec-fetch-site", "cross-site")),
    ("from a neighbour", |ask| ask.header("origin", "http://neighbour.127.0.0.1").header("sec-fetch-site", "same-site")),
    ("from a neighbour, without an origin", |ask| ask.header("sec-fetch-site", "same-site")),
    ("from another port of this host", |ask| ask.header("origin", "http://127.0.0.1:1")),
    ("without any word of where from", |ask| ask),
    ("typed in", |ask| ask.header("sec-fetch-site", "none")),
    ("from another site that names our host", |ask| ask.header("origin", "https://evil.example").header("x-forwarded-host", "evil.example")),
    ("with the method in a header", |ask| ask.header("origin", "https://evil.example").header("x-http-method-override", "GET")),
    ("from our page, without its token", |ask| ask.header("sec-fetch-site", "same-origin")),
];

#[test]
fn a_change_that_another_page_asks_for_is_not_made() {
    let stage = Stage::new();
    let (_, session) = stage.signed_in();
    let bodies = [
        ("application/x-www-form-urlencoded", format!("{}&form_token=evil&answer=yes", helper_query(&[]))),
        ("application/x-www-form-urlencoded", format!("{}&answer=yes", helper_query(&[]))),
        ("text/plain", "form_token=evil".to_owned()),
        ("application/json", r#"{"form_token":"evil"}"#.to_owned()),
        (
            "multipart/form-data; boundary=x",
            "--x\r\ncontent-disposition: form-data; name=\"form_token\"\r\n\r\nevil\r\n--x--".to_owned(),
        ),
    ];
    let mut asked = 0;
    for route in ROUTES.iter().filter(|route| route.method != "get" && route.admits.is_by_browser()) {
        let url = stage.url(
            &route.path.replace("{lab}", "vision").replace("{session}", "some-session").replace("{id}", "some-id"),
        );
        for (what, forge) in FORGERIES {
            for (content_type, body) in &bodies {
                let ask = raw::ask("POST", &url).page().header("content-type", content_type).body(body);
                let page = forge(ask.header("cookie", &format!("{NAME}={session}; lodge_invitation=some"))).send();

                // Whoever may not see a page learns nothing of where its form may come from; `hardening` has who may.
                let is_none = page.status == 404 && (route.admits == Admits::OperatorPage || route.path.contains('{'));
                assert!(
                    is_none || matches!(page.status, 400 | 403 | 415),
                    "{} {what} {content_type}: {}",
                    route.path,
                    page.text()
                );
                assert_eq!(page.header("set-cookie"), None, "{} {what} {content_type}", route.path);
                asked += 1;
            }
        }
    }
    assert!(asked >= 3 * 60, "{asked}");
    assert!(stage.is_anybody(&session), "still signed in");
}

/// Where a request comes from counts by itself, should a form's token ever get out.
#[test]
fn a_change_from_elsewhere_is_not_made_even_with_the_forms_own_token() {
    let stage = Stage::new();
    let (mut visitor, session) = stage.signed_in();
    let home = visitor.open(&stage.url("/"));
    let form = home.forms().into_iter().find(|form| form.action.path() == "/sign-out").unwrap();
    let token = &form.fields.iter().find(|(name, _)| name == "form_token").unwrap().1;
    for route in ROUTES.iter().filter(|route| route.method != "get" && route.admits.is_by_browser()) {
        for (what, forge) in &FORGERIES[..7] {
            let fields = format!("{}&form_token={token}&answer=yes&session=others", helper_query(&[]));
            let ask = raw::ask("POST", &stage.url(route.path))
                .page()
                .header("content-type", "application/x-www-form-urlencoded")
                .header("cookie", &format!("{NAME}={session}"));
            let page = forge(ask.body(&fields)).send();

            assert_eq!((page.status, page.header("set-cookie")), (403, None), "{} {what}", route.path);
            assert!(stage.is_anybody(&session), "{} {what}", route.path);
        }
    }
    let page = visitor.submit(&form, &[]);
    assert_eq!((page.status, page.url.path()), (200, "/"), "the twin: {}", page.text());
    assert!(!stage.is_anybody(&session), "the twin");
}

#[test]
fn a_browsers_cookie_opens_nothing_of_the_helpers() {
    let stage = Stage::new();
    let (_, session) = stage.signed_in();
    let mut asked = 0;
    // What anybody may read is the same for everybody.
    let for_somebody = |route: &&Route| route.path.starts_with("/api/") && route.admits != Admits::Anyone;
    for route in ROUTES.iter().filter(for_somebody) {
        let url = stage.url(&route.path.replace(['{', '}'], ""));
        let method = match route.method {
            "get" => "GET",
            "post" => "POST",
            "put" => "PUT",
            "patch" => "PATCH",
            _ => "DELETE",
        };
        let cookie = format!("{NAME}={session}");
        let page = raw::ask(method, &url).header("origin", &stage.broker.url).header("cookie", &cookie).send();
        assert_eq!(page.status, 401, "{method} {}: {}", route.path, page.body);
        asked += 1;
    }
    assert!(asked > 10, "{asked}");
}

#[test]
fn a_session_ends_by_itself() {
    let stage = Stage::new();
    let (_, session) = stage.signed_in();
    // In use all day.
    for _ in 0..15 {
        stage.clock.advance(TimeDelta::minutes(29));
        assert!(stage.is_anybody(&session), "the twin");
    }
    stage.clock.advance(TimeDelta::minutes(29) + TimeDelta::hours(1));
    assert!(!stage.is_anybody(&session), "longer than a day's work");

    let (_, session) = stage.signed_in();
    stage.clock.advance(TimeDelta::minutes(29));
    assert!(stage.is_anybody(&session), "the twin");
    stage.clock.advance(TimeDelta::minutes(32));
    assert!(!stage.is_anybody(&session), "left alone");
}

#[test]
fn who_is_suspended_is_out_at_the_next_request() {
    let stage = Stage::new();
    let (mut visitor, session) = stage.signed_in();
    let text = visitor.open(&stage.url("/")).text();
    let person = text.split_once("in the ledger ").unwrap().1.split_whitespace().next().unwrap().parse().unwrap();
    crate::support::serving::wait(async {
        let seeding = lodge::playground::Seeding::new(&stage.broker.broker).unwrap();
        seeding.desk().suspend(&person).await.unwrap();
    });

    assert!(!stage.is_anybody(&session));
    let page = Visitor::new().open(&stage.url("/auth/campus/start"));
    assert_eq!(page.status, 403, "{}", page.text());
    assert!(page.header("set-cookie").is_none_or(|cookie| !cookie.contains(NAME)));
}
