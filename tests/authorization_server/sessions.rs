//! A browser's session: its cookie, how it begins, where it leads, how it ends.

use chrono::TimeDelta;
use url::Url;

use super::Stage;
use crate::support::broker::helper_query;
use crate::support::databases::raw_sqlite;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

impl Stage {
    fn home_with(&self, cookie: &str) -> Page {
        raw::get(&self.url("/")).page().header("cookie", cookie).send()
    }
}

fn is_signed_in(page: &Page) -> bool {
    assert_eq!(page.status, 200, "{}", page.text());
    page.text().contains("Sam Student")
}

/// Signs in hop by hop, whatever the broker's public address is; gives every `Set-Cookie` of start and callback.
fn cookies_of_a_sign_in(stage: &Stage) -> Vec<String> {
    let cookies = |page: &Page| -> Vec<String> {
        page.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.clone()).collect()
    };
    let start = raw::get(&stage.url("/auth/campus/start")).send();
    let mut all = cookies(&start);
    let callback = raw::get(start.location().unwrap().as_str()).send().location().unwrap();
    let path = format!("{}?{}", callback.path(), callback.query().unwrap());
    let back = raw::get(&stage.url(&path)).header("cookie", all[0].split(';').next().unwrap()).send();
    assert_eq!(back.status, 303, "{}", back.body);
    all.extend(cookies(&back));
    all
}

#[test]
fn over_https_the_cookies_belong_to_this_host_alone() {
    let stage = Stage::with(|plan| plan.public_url("https://lodge.example.edu"));

    let cookies = cookies_of_a_sign_in(&stage);

    let [begun, session, ended, connection] = &cookies[..] else { panic!("{cookies:?}") };
    let attributes = |cookie: &str| cookie.split_once("; ").unwrap().1.to_owned();
    let (name, _) = begun.split_once('=').unwrap();
    assert!(name.starts_with("__Host-lodge_sign_in_") && session.starts_with("__Host-lodge_session="), "{cookies:?}");
    assert_eq!(attributes(begun), "Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(attributes(session), "Path=/; Max-Age=28800; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(*ended, format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"));
    assert_eq!(connection, "__Host-lodge_connection=campus; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure");
    // The same token under the name that any neighbour could set is nobody's.
    let pair = session.split(';').next().unwrap();
    assert!(is_signed_in(&stage.home_with(pair)));
    assert!(!is_signed_in(&stage.home_with(pair.trim_start_matches("__Host-"))));
}

#[test]
fn over_http_the_cookies_make_no_promise_that_a_browser_would_refuse() {
    let stage = Stage::new();

    let cookies = cookies_of_a_sign_in(&stage);

    let attributes: Vec<_> = cookies.iter().map(|cookie| cookie.split_once("; ").unwrap().1).collect();
    assert!(cookies[0].starts_with("lodge_sign_in_") && cookies[1].starts_with("lodge_session="), "{cookies:?}");
    assert_eq!(attributes[1], "Path=/; Max-Age=28800; HttpOnly; SameSite=Lax");
    assert!(attributes.iter().all(|attributes| !attributes.contains("Domain") && !attributes.contains("Secure")));
}

#[test]
fn a_session_that_somebody_else_chose_is_replaced() {
    let stage = Stage::new();
    let start = raw::get(&stage.url("/auth/campus/start")).send();
    let begun = start.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let callback = raw::get(start.location().unwrap().as_str()).send().location().unwrap();

    let planted = "lodge_session=a-session-that-somebody-planted";
    let back = raw::get(callback.as_str()).header("cookie", &format!("{planted}; {begun}")).send();

    assert_eq!(back.status, 303, "{}", back.body);
    let fresh = back.header("set-cookie").unwrap().split(';').next().unwrap();
    assert!(fresh.starts_with("lodge_session=") && fresh != planted, "{fresh}");
    assert!(is_signed_in(&stage.home_with(fresh)) && !is_signed_in(&stage.home_with(planted)));
}

#[test]
fn a_new_sign_in_ends_the_session_before_it() {
    let stage = Stage::new();
    let mut visitor = stage.visitor();
    let before = stage.session(&visitor);

    visitor.open(&stage.url("/auth/campus/start"));

    let after = stage.session(&visitor);
    assert_ne!(before, after);
    assert!(is_signed_in(&stage.home_with(&format!("lodge_session={after}"))));
    assert!(!is_signed_in(&stage.home_with(&format!("lodge_session={before}"))));
}

#[test]
fn two_sessions_in_one_request_are_none() {
    let stage = Stage::new();
    let (one, two) = (stage.session(&stage.visitor()), stage.session(&stage.visitor()));

    assert!(!is_signed_in(&stage.home_with(&format!("lodge_session={one}; lodge_session={two}"))));
    assert!(!is_signed_in(&stage.home_with(&format!("lodge_session=; lodge_session={one}"))));
    let two_headers = raw::get(&stage.url("/")).page().header("cookie", &format!("lodge_session={one}"));
    assert!(!is_signed_in(&two_headers.header("cookie", &format!("lodge_session={two}")).send()));
    // The positive control: a browser may well send the same one twice.
    assert!(is_signed_in(&stage.home_with(&format!("lodge_session={one}; other=1; lodge_session={one}"))));
}

/// Anybody can begin a sign-in, so nothing is kept of one that nobody completes.
#[test]
fn a_sign_in_that_is_only_begun_writes_nothing() {
    let stage = Stage::new();
    // Changes whenever somebody else has written anything.
    let mut beside = wait(raw_sqlite(&stage.running.database.owner));
    let mut version = || wait(sqlx::query_scalar::<_, i64>("pragma data_version").fetch_one(&mut beside)).unwrap();
    let before = version();

    for _ in 0..20 {
        assert_eq!(raw::get(&stage.url("/auth/campus/start")).send().status, 303);
    }

    assert_eq!(version(), before);
    stage.visitor();
    assert_ne!(version(), before, "the positive control");
}

/// Each sign-in that is begun leaves a cookie, and a browser sends all of them to us: only the newest few stay.
#[test]
fn a_browser_keeps_the_cookies_of_its_newest_sign_ins_only() {
    let stage = Stage::new();
    let start = stage.url("/auth/campus/start");
    let mut cookies: Vec<String> = Vec::new();
    let mut cleared = Vec::new();
    for _ in 0..7 {
        let page = raw::get(&start).header("cookie", &cookies.join("; ")).send();
        let set: Vec<_> = page.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, it)| it).collect();
        for cookie in set.iter().filter(|cookie| cookie.contains("Max-Age=0")) {
            let (name, _) = cookie.split_once('=').unwrap();
            cookies.retain(|kept| !kept.starts_with(name));
            cleared.push(name.to_owned());
        }
        cookies.push(set[0].split(';').next().unwrap().to_owned());
        stage.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!((cookies.len(), cleared.len()), (5, 2), "{cleared:?}");

    // The newest of them leads in still, and what is over or forged goes with the next start.
    let forged = format!("lodge_sign_in_0123456789ab={}", "x".repeat(300));
    let page = raw::get(&start).header("cookie", &forged).send();
    let set: Vec<_> = page.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, it)| it.clone()).collect();
    assert!(set[1].starts_with("lodge_sign_in_0123456789ab=; Path=/; Max-Age=0"), "{set:?}");
    stage.clock.advance(TimeDelta::minutes(11));
    let page = raw::get(&start).header("cookie", &cookies.join("; ")).send();
    assert_eq!(page.headers.iter().filter(|(_, value)| value.contains("Max-Age=0")).count(), 5);
}

#[test]
fn a_browsers_session_ends_by_itself() {
    let stage = Stage::new();
    let cookie = format!("lodge_session={}", stage.session(&stage.visitor()));

    // Used every 24 minutes, it lives for eight hours and no longer.
    for _ in 1..20 {
        stage.clock.advance(TimeDelta::minutes(24));
        assert!(is_signed_in(&stage.home_with(&cookie)));
    }
    stage.clock.advance(TimeDelta::minutes(24) - TimeDelta::microseconds(1));
    assert!(is_signed_in(&stage.home_with(&cookie)));
    stage.clock.advance(TimeDelta::microseconds(1));
    assert!(!is_signed_in(&stage.home_with(&cookie)));
}

#[test]
fn a_browsers_session_that_nobody_uses_ends_sooner() {
    let stage = Stage::new();
    let cookie = format!("lodge_session={}", stage.session(&stage.visitor()));

    stage.clock.advance(TimeDelta::minutes(30) - TimeDelta::microseconds(1));
    assert!(is_signed_in(&stage.home_with(&cookie)));
    stage.clock.advance(TimeDelta::minutes(30));
    assert!(!is_signed_in(&stage.home_with(&cookie)), "what is idle for 30 minutes is over");
    stage.clock.advance(-TimeDelta::minutes(1));
    assert!(is_signed_in(&stage.home_with(&cookie)), "the positive control");
}

#[test]
fn signing_out_takes_the_button_on_our_own_page_and_ends_the_session_for_good() {
    let stage = Stage::new();
    let (mut visitor, mut other) = (stage.visitor(), stage.visitor());
    let cookie = format!("lodge_session={}", stage.session(&visitor));
    let token_of = |visitor: &mut Visitor| visitor.open(&stage.url("/")).forms()[0].fields[0].1.clone();
    let (own, foreign) = (token_of(&mut visitor), token_of(&mut other));
    let post = |token: &str, header: (&str, &str)| {
        let ask = raw::post_form(&stage.url("/sign-out"), &[("form_token", token)]).page();
        ask.header("cookie", &cookie).header(header.0, header.1).send()
    };
    let plain = ("x-nothing", "1");

    assert_eq!(raw::get(&stage.url("/sign-out")).page().header("cookie", &cookie).send().status, 405);
    for (what, page) in [
        ("no token", post("", plain)),
        ("another's token", post(&foreign, plain)),
        ("another site", post(&own, ("sec-fetch-site", "cross-site"))),
        ("a hidden origin", post(&own, ("origin", "null"))),
    ] {
        assert_eq!((page.status, page.header("set-cookie")), (403, None), "{what}: {}", page.text());
    }
    assert!(is_signed_in(&stage.home_with(&cookie)), "none of that was a sign-out");

    let page = post(&own, plain);

    assert_eq!((page.status, page.header("location")), (303, Some("/")));
    assert_eq!(page.header("set-cookie"), Some("lodge_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    assert!(!is_signed_in(&stage.home_with(&cookie)), "a copy of the cookie is worth nothing");
    assert!(is_signed_in(&other.open(&stage.url("/"))));
}

#[test]
fn a_sign_in_leads_to_a_page_of_ours_or_to_the_first_one() {
    let stage = Stage::new();
    let lead = |return_to: &str| -> Url {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to).finish();
        Visitor::new().open(&stage.url(&format!("/sign-in?{query}"))).url
    };
    for evil in [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "https:///evil.example",
        "/oauth/authorize?x=\r\nLocation: https://evil.example",
        "/oauth/authorize?x=\\@evil.example",
        "/oauth/../../evil",
        "/oauth/authorize?\u{ff0f}evil",
        "/\u{2215}evil.example",
        "javascript:evil()",
        "/sign-out",
        "",
    ] {
        assert_eq!(lead(evil).as_str(), stage.url("/"), "{evil:?}");
    }
    let ours = format!("/oauth/authorize?{}", helper_query(&[]));
    assert_eq!(lead(&ours).as_str(), stage.url(&ours), "the positive control");
}
