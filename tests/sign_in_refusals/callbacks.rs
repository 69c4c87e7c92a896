//! Our callback: the right answer at the wrong place, at the wrong time, in the wrong browser, or beside itself.

use chrono::{DateTime, TimeDelta};
use lodge::ambient::{Clock, ManualClock};
use lodge::app::Broker;
use lodge::oidc::Algorithm;
use url::Url;

use super::{Stage, is_clean, parameter};
use crate::support::broker::Plan;
use crate::support::evil_provider::{EvilProvider, Lie};
use crate::support::raw;
use crate::support::visitor::{Page, Visitor};

const NOT_OURS: &str = "does not belong to a sign-in that this browser began";

impl Stage {
    /// A browser that the provider has just sent back, and where to; it has not gone there yet.
    fn sent_back(&self, connection: &str) -> (Visitor, Url) {
        let mut visitor = Visitor::new();
        visitor.stop_before(&format!("{}/auth/{connection}/callback", self.broker.url));
        let page = visitor.open(&format!("{}/auth/{connection}/start", self.broker.url));
        let callback = page.location().unwrap_or_else(|| panic!("not sent back: {}", page.text()));
        (visitor, callback)
    }

    /// The page says no, there is no session, and nobody asked the provider for tokens.
    fn refused(&self, what: &str, page: &Page, status: u16, says: &str) {
        assert_eq!(page.status, status, "{what}: {}", page.text());
        assert!(is_clean(page), "{what}: {page:?}");
        assert!(page.text().contains(says), "{what}: {}", page.text());
        let cookies: Vec<_> = page.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
        assert!(cookies.is_empty(), "{what}: {cookies:?}");
        assert_eq!(self.provider.asked("/token"), 0, "{what}");
    }
}

/// What is changed, how, and what the page then is and says.
type Change<'a> = (&'a str, &'a dyn Fn(&Url) -> String, u16, &'a str);

/// The callback with some parameters changed; an empty value leaves one out.
fn with(callback: &Url, changes: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
    for (name, value) in changes {
        pairs.retain(|(existing, _)| existing != name);
        pairs.push(((*name).to_owned(), (*value).to_owned()));
    }
    pairs.retain(|(_, value)| !value.is_empty());
    let mut url = callback.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

#[test]
fn an_answer_that_is_not_to_this_sign_in_is_refused_before_any_token_is_asked_for() {
    let stage = Stage::new();
    let another = "c3RhdGU".repeat(6);
    let twice = |name: &str, callback: &Url| format!("{callback}&{name}=evil");
    let table: [Change<'_>; 12] = [
        ("no state", &|url| with(url, &[("state", "")]), 400, NOT_OURS),
        ("another state", &|url| with(url, &[("state", &another)]), 400, NOT_OURS),
        ("a state that is no token", &|url| with(url, &[("state", "<b>evil</b>")]), 400, NOT_OURS),
        ("no code", &|url| with(url, &[("code", "")]), 400, NOT_OURS),
        ("code and error", &|url| with(url, &[("error", "access_denied")]), 400, NOT_OURS),
        ("two states", &|url| twice("state", url), 400, NOT_OURS),
        ("two codes", &|url| twice("code", url), 400, NOT_OURS),
        ("two issuers", &|url| twice("iss", url), 400, NOT_OURS),
        ("another issuer", &|url| with(url, &[("iss", "https://evil.example")]), 502, "does not hold"),
        ("the issuer with a slash", &|url| with(url, &[("iss", &(stage.provider.issuer.clone() + "/"))]), 502, "hold"),
        ("no issuer, though one is promised", &|url| with(url, &[("iss", "")]), 502, "does not hold"),
        ("nothing at all", &|url| url.as_str().split('?').next().unwrap().to_owned(), 400, NOT_OURS),
    ];
    for (what, change, status, says) in table {
        let (mut visitor, callback) = stage.sent_back("campus");
        stage.provider.lie(&[]);

        let page = visitor.open(&change(&callback));

        stage.refused(what, &page, status, says);
    }
    // The positive control: the same way, with nothing changed.
    let (mut visitor, callback) = stage.sent_back("campus");
    assert_eq!(visitor.open(&with(&callback, &[])).url.path(), "/");
}

#[test]
fn an_answer_in_another_browser_is_refused() {
    let stage = Stage::new();
    for (what, mut other) in [
        ("a browser that began nothing", Visitor::new()),
        ("a browser that began another sign-in", stage.sent_back("campus").0),
    ] {
        let (mut own, callback) = stage.sent_back("campus");
        stage.provider.lie(&[]);

        let page = other.open(callback.as_str());
        stage.refused(what, &page, 400, NOT_OURS);

        // A stranger spends nothing: whose it is signs in.
        let page = own.open(callback.as_str());
        assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
    }
}

/// The cookie that ties a sign-in to its browser, as a browser sends it.
fn sign_in_cookie(visitor: &Visitor, callback: &Url) -> String {
    let name = format!("lodge_sign_in_{}", Broker::sign_in_label(&parameter(callback, "state").unwrap().into()));
    format!("{name}={}", visitor.cookie(callback, &name).unwrap())
}

#[test]
fn an_answer_with_another_cookie_is_refused() {
    let stage = Stage::new();
    let (visitor, callback) = stage.sent_back("campus");
    let (other, other_callback) = stage.sent_back("campus");
    let cookie = sign_in_cookie(&visitor, &callback);
    let (name, _) = cookie.split_once('=').unwrap();
    let others = sign_in_cookie(&other, &other_callback);
    let (_, others) = others.split_once('=').unwrap();

    let page = raw::get(callback.as_str()).page().header("cookie", &format!("{name}={others}")).send();

    stage.refused("the name of its own cookie, the value of another's", &page, 400, NOT_OURS);
}

/// As two terminals that ask for a sign-in at the same moment have them.
#[test]
fn two_tabs_of_one_browser_sign_in_side_by_side() {
    let stage = Stage::new();
    let (mut visitor, first) = stage.sent_back("campus");
    let second = visitor.open(&stage.start_url()).location().unwrap();

    for callback in [first, second] {
        let page = visitor.open(callback.as_str());
        assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
    }
}

/// Also when the browser kept the cookie that it was told to forget.
#[test]
fn an_answer_is_taken_once() {
    let stage = Stage::new();
    let (mut visitor, callback) = stage.sent_back("campus");
    let cookie = sign_in_cookie(&visitor, &callback);
    assert_eq!(visitor.open(callback.as_str()).url.path(), "/");
    assert_eq!(stage.provider.asked("/token"), 1);
    stage.provider.lie(&[]);

    let page = visitor.open(callback.as_str());
    let with_cookie = raw::get(callback.as_str()).page().header("cookie", &cookie).send();

    stage.refused("a second time", &page, 400, NOT_OURS);
    stage.refused("a second time with the cookie", &with_cookie, 400, NOT_OURS);
}

#[test]
fn an_answer_that_did_not_hold_cannot_be_tried_again() {
    let stage = Stage::new();
    let (mut visitor, callback) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    visitor.open(&with(&callback, &[("iss", "https://evil.example")]));

    let page = visitor.open(callback.as_str());

    stage.refused("the true answer after a false one", &page, 400, NOT_OURS);
}

#[test]
fn a_sign_in_takes_ten_minutes_at_most() {
    let stage = Stage::new();

    let (mut visitor, callback) = stage.sent_back("campus");
    stage.clock.advance(TimeDelta::minutes(10));
    assert_eq!(visitor.open(callback.as_str()).url.path(), "/");

    let (mut visitor, callback) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    stage.clock.advance(TimeDelta::minutes(10) + TimeDelta::microseconds(1));
    let page = visitor.open(callback.as_str());
    stage.refused("too late", &page, 400, "longer than ten minutes");
}

#[test]
fn an_error_of_the_provider_is_told_in_our_own_words() {
    let stage = Stage::new();
    for error in ["access_denied", "<script>evil()</script>", "evil\r\nSet-Cookie: lodge_session=evil"] {
        let (mut visitor, callback) = stage.sent_back("campus");
        stage.provider.lie(&[]);
        let url = with(
            &callback,
            &[
                ("code", ""),
                ("error", error),
                ("error_description", "<img src=x onerror=evil()>"),
                ("error_uri", "https://evil.example"),
            ],
        );

        let page = visitor.open(&url);

        stage.refused(error, &page, 403, "did not let you in, or you left it");
        assert!(page.body.matches('<').count() < 50 && !page.body.contains("onerror"), "{}", page.body);
    }
}

#[test]
fn an_answer_at_another_connection_is_refused() {
    let manual = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
    let clock = Clock::Manual(manual.clone());
    let (provider, other) = (EvilProvider::start(clock.clone()), EvilProvider::start(clock.clone()));
    let plan = Plan::new(clock).connection("campus", &provider.issuer, Algorithm::Es256);
    let broker = plan.connection("other", &other.issuer, Algorithm::Es256).start();
    let stage = Stage { provider, broker, clock: manual };

    // The other provider leads its visitor, with the visitor's own state, to the callback of ours.
    let (mut visitor, callback) = stage.sent_back("other");
    let page = visitor.open(&callback.as_str().replace("/auth/other/", "/auth/campus/"));
    stage.refused("a mix-up", &page, 400, NOT_OURS);
    let (_, campus_callback) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    let (mut visitor, callback) = stage.sent_back("other");
    let (code, iss) = (parameter(&campus_callback, "code").unwrap(), stage.provider.issuer.clone());
    let page = visitor.open(&with(&callback, &[("code", &code), ("iss", &iss)]));
    stage.refused("a code of ours at the other's callback", &page, 502, "does not hold");
    assert_eq!(other.asked("/token"), 0);

    // The positive control: each at its own.
    for connection in ["campus", "other"] {
        let (mut visitor, callback) = stage.sent_back(connection);
        assert_eq!(visitor.open(callback.as_str()).url.path(), "/", "{connection}");
    }
}

#[test]
fn a_provider_that_promises_no_issuer_may_leave_it_out_and_may_not_lie() {
    const NO_PROMISE: Lie = Lie::Metadata(|document| {
        document["authorization_response_iss_parameter_supported"] = serde_json::json!(false);
    });
    let stage = Stage::new();

    stage.signs_in(&[NO_PROMISE, Lie::Callback(|answer| answer.retain(|(name, _)| name != "iss"))]);
    stage.signs_in(&[NO_PROMISE]);
    let (mut visitor, callback) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    let page = visitor.open(&with(&callback, &[("iss", "https://evil.example")]));

    stage.refused("another issuer", &page, 502, "does not hold");
}

#[test]
fn a_callback_that_there_is_not_is_a_clean_page() {
    let stage = Stage::new();
    stage.provider.lie(&[]);
    for (path, status) in [
        ("/auth/nobody/callback?code=evil&state=evil", 404),
        ("/auth/nobody/start", 404),
        ("/auth/%3Cevil%3E/start", 404),
        ("/auth/%ff/callback?code=evil&state=evil", 404),
        ("/auth/campus/start?return_to=/&return_to=//evil.example", 400),
        ("/sign-in?return_to=/&return_to=//evil.example", 400),
    ] {
        let page = raw::get(&format!("{}{path}", stage.broker.url)).page().send();

        stage.refused(path, &page, status, "");
    }
    // An answer by form (`response_mode=form_post`) was not asked for.
    let posted = raw::post_form(&format!("{}/auth/campus/callback", stage.broker.url), &[("code", "evil")]).send();
    assert_eq!((posted.status, posted.header("set-cookie")), (405, None));
}
