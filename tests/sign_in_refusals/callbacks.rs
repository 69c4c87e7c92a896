//! Our callback: the right answer at the wrong place, at the wrong time, in the wrong browser, or beside itself (O1 to
//! O7, O12, O14).

use chrono::{DateTime, TimeDelta};
use lodge::ambient::{Clock, ManualClock};
use lodge::app::Broker;
use lodge::domain::sign_in::SignInRefusal as Why;
use lodge::oidc::Algorithm;
use url::Url;

use super::stage::{Refused, Stage, is_clean, parameter};
use super::table::Row;
use crate::support::broker::Plan;
use crate::support::evil_provider::{EvilProvider, Lie};
use crate::support::raw;
use crate::support::visitor::{Page, Visitor};

impl Stage {
    /// A browser that the provider has just sent back, and where to; it has not gone there yet.
    fn sent_back(&self, connection: &str) -> (Visitor, Url) {
        let mut visitor = Visitor::new();
        visitor.stop_before(&self.url(&format!("/auth/{connection}/callback")));
        let page = visitor.open(&self.url(&format!("/auth/{connection}/start")));
        let callback = page.location().unwrap_or_else(|| panic!("not sent back: {}", page.text()));
        (visitor, callback)
    }

    /// The page says no, there is no session, and the provider was asked so often for tokens.
    fn refused(&self, what: &str, page: &Page, why: Why, token_calls: usize) {
        match self.refusal(page) {
            Ok(Refused { reason, .. }) => assert_eq!(reason, why, "{what}"),
            Err(flaw) => panic!("{what}: {flaw}"),
        }
        assert_eq!(self.provider.asked("/token"), token_calls, "{what}");
    }
}

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

fn twice(callback: &Url, name: &str) -> String {
    format!("{callback}&{name}=evil")
}

/// A callback in the right browser with something in it that is not right.
struct Change {
    id: &'static str,
    what: &'static str,
    make: fn(&Url) -> String,
    why: Why,
}

const fn change(id: &'static str, what: &'static str, why: Why, make: fn(&Url) -> String) -> Change {
    Change { id, what, make, why }
}

#[rustfmt::skip]
const CHANGES: &[Change] = &[
    change("O1.1", "no state", Why::NotThisBrowser, |url| with(url, &[("state", "")])),
    change("O1.2", "another state", Why::NotThisBrowser, |url| with(url, &[("state", &"c3RhdGU".repeat(6))])),
    change("O1.3", "a state that is no token", Why::NotThisBrowser, |url| with(url, &[("state", "<b>evil</b>")])),
    change("O1.4", "a state of 5,000 letters", Why::NotThisBrowser, |url| with(url, &[("state", &"s".repeat(5_000))])),
    change("O1.5", "a state with one letter changed", Why::NotThisBrowser, |url| {
        let state = parameter(url, "state").unwrap();
        let (first, rest) = state.split_at(1);
        with(url, &[("state", &format!("{}{rest}", if first == "A" { "B" } else { "A" }))])
    }),
    change("O1.6", "a state and one letter more", Why::NotThisBrowser,
        |url| with(url, &[("state", &(parameter(url, "state").unwrap() + "A"))])),
    change("O1.7", "no code", Why::NotThisBrowser, |url| with(url, &[("code", "")])),
    change("O1.8", "nothing at all", Why::NotThisBrowser, |url| url.as_str().split('?').next().unwrap().to_owned()),

    change("O4.1", "another iss", Why::WrongIssuer, |url| with(url, &[("iss", "https://evil.example")])),
    change("O4.2", "iss with a slash", Why::WrongIssuer, |url| with(url, &[("iss", &(parameter(url, "iss").unwrap() + "/"))])),
    change("O4.3", "no iss, though one is promised", Why::WrongIssuer, |url| with(url, &[("iss", "")])),
    change("O4.4", "iss in capitals", Why::WrongIssuer, |url| with(url, &[("iss", &parameter(url, "iss").unwrap().to_uppercase())])),

    change("O6.1", "code and error", Why::NotThisBrowser, |url| with(url, &[("error", "access_denied")])),
    change("O6.2", "two state", Why::NotThisBrowser, |url| twice(url, "state")),
    change("O6.3", "two code", Why::NotThisBrowser, |url| twice(url, "code")),
    change("O6.4", "two iss", Why::NotThisBrowser, |url| twice(url, "iss")),
    change("O6.5", "an error, as everybody knows it", Why::Declined, |url| with(url, &[("code", ""), ("error", "access_denied")])),
    change("O6.6", "an error that is a script", Why::Declined,
        |url| with(url, &[("code", ""), ("error", "<script>evil()</script>")])),
    change("O6.7", "an error that breaks the line", Why::Declined,
        |url| with(url, &[("code", ""), ("error", "evil\r\nSet-Cookie: lodge_session=evil")])),
    change("O6.8", "an error whose description is a page", Why::Declined, |url| with(url, &[
        ("code", ""), ("error", "access_denied"), ("error_description", "<img src=x onerror=evil()>"),
        ("error_uri", "https://evil.example"),
    ])),
    change("O6.9", "an error without a state", Why::NotThisBrowser,
        |url| with(url, &[("code", ""), ("state", ""), ("error", "access_denied")])),
    change("O6.10", "an error whose description turns lines round", Why::Declined, |url| with(url, &[
        ("code", ""), ("error", "access_denied"), ("error_description", "\u{202e}\u{2028}\u{1b}[31mevil\u{0}"),
    ])),
];

/// What happens otherwise, each in a test of its own.
#[rustfmt::skip]
const OTHERS: &[(&str, &str, &str, &str)] = &[
    ("O1.20", "in a browser that began nothing", "in the one that began it", "refused: not-this-browser"),
    ("O1.21", "in a browser that began another sign-in", "in the one that began it", "refused: not-this-browser"),
    ("O1.22", "under the name of its own cookie, the value of another's", "its own", "refused: not-this-browser"),
    ("O1.23", "a second time", "the first time", "refused: not-this-browser"),
    ("O1.24", "a second time, with the cookie kept", "the first time", "refused: not-this-browser"),
    ("O1.25", "the true answer after a false one", "the true answer", "refused: not-this-browser"),
    ("O1.26", "after more than ten minutes", "after ten minutes", "refused: too-late"),
    ("O1.27", "at the callback of another connection", "at its own", "refused: not-this-browser"),
    ("O1.28", "with a cookie that was changed", "its own", "refused: not-this-browser"),
    ("O2.1", "an attacker's code in a victim's sign-in", "the victim's own", "refused: token-refused"),
    ("O2.2", "the same at a provider that does not look at the verifier", "the victim's own", "refused: id-token-nonce"),
    ("O2.3", "an attacker's whole answer in a victim's browser", "the victim's own", "refused: not-this-browser"),
    ("O3.1", "the challenge taken out on the way to the provider", "left as it is", "refused: token-refused"),
    ("O3.2", "the challenge made plain on the way", "left as it is", "refused: token-refused"),
    ("O3.3", "two sign-ins", "one", "two challenges, both S256, and two nonces"),
    ("O4.20", "our provider's code at a hostile provider's callback", "at its own", "refused: wrong-issuer"),
    ("O4.21", "iss of another, where none is promised", "none", "refused: wrong-issuer"),
    ("O5.20", "two connections at one provider", "one", "two people"),
    ("O7.1", "a page to return to that is elsewhere, in every form", "one of ours", "signs in, and lands on the home page"),
    ("O12.1", "a sign-in that another site begins, with an issuer and an address of its own", "of ours", "goes to the configured provider, and then home"),
    ("O14.1", "an answer by form", "as it was asked for", "405, and the sign-in can still be completed"),
    ("O14.2", "an answer behind the number sign", "as it was asked for", "refused: not-this-browser"),
    ("O14.3", "a callback that there is not", "one that there is", "a clean page"),
];

pub(super) fn rows() -> Vec<Row> {
    let changes =
        CHANGES.iter().map(|it| Row::new(it.id, it.what, "as the provider sent it", &format!("refused: {}", it.why)));
    let others = OTHERS.iter().map(|(id, what, twin, outcome)| Row::new(id, what, twin, outcome));
    changes.chain(others).collect()
}

#[test]
fn an_answer_that_is_not_to_this_sign_in_is_refused_before_any_token_is_asked_for() {
    let stage = Stage::new();
    for Change { id, what, make, why } in CHANGES {
        let (mut visitor, callback) = stage.sent_back("campus");
        let page = visitor.open(&with(&callback, &[]));
        assert_eq!((page.status, page.url.path()), (200, "/"), "{id} {what}: its twin: {}", page.text());
        let (mut visitor, callback) = stage.sent_back("campus");
        stage.provider.lie(&[]);

        let page = visitor.open(&make(&callback));

        stage.refused(&format!("{id} {what}"), &page, *why, 0);
        assert!(page.body.matches('<').count() < 60 && !page.body.contains("onerror"), "{id} {what}: {}", page.body);
    }
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

        stage.refused(what, &page, Why::NotThisBrowser, 0);
        let page = own.open(callback.as_str());
        assert_eq!((page.status, page.url.path()), (200, "/"), "whom it belongs to: {}", page.text());
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
    let (name, own) = cookie.split_once('=').unwrap();
    let others = sign_in_cookie(&other, &other_callback);
    let (_, others) = others.split_once('=').unwrap();
    let with_cookie = |cookies: &[String]| {
        stage.provider.lie(&[]);
        raw::get(callback.as_str()).page().header("cookie", &cookies.join("; ")).send()
    };

    stage.refused("another's", &with_cookie(&[format!("{name}={others}")]), Why::NotThisBrowser, 0);
    stage.refused("none", &with_cookie(&[]), Why::NotThisBrowser, 0);
    stage.refused("an empty one", &with_cookie(&[format!("{name}=")]), Why::NotThisBrowser, 0);
    stage.refused("two", &with_cookie(&[cookie.clone(), format!("{name}={others}")]), Why::NotThisBrowser, 0);
    stage.refused("two", &with_cookie(&[format!("{name}={others}"), cookie.clone()]), Why::NotThisBrowser, 0);
    stage.refused("cut", &with_cookie(&[cookie[..cookie.len() - 1].to_owned()]), Why::NotThisBrowser, 0);
    // Every letter of it counts.
    for at in (0..own.len()).step_by(7) {
        let other = if &own[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{name}={}{other}{}", &own[..at], &own[at + 1..]);
        stage.refused(&format!("letter {at}"), &with_cookie(&[changed]), Why::NotThisBrowser, 0);
    }
    assert_eq!(with_cookie(&[cookie]).header("location"), Some("/"));
}

/// As two terminals that ask for a sign-in at the same moment have them.
#[test]
fn two_tabs_of_one_browser_sign_in_side_by_side() {
    let stage = Stage::new();
    let (mut visitor, first) = stage.sent_back("campus");
    let second = visitor.open(&stage.url("/auth/campus/start")).location().unwrap();

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
    stage.refused("a second time", &page, Why::NotThisBrowser, 0);

    let with_cookie = raw::get(callback.as_str()).page().header("cookie", &cookie).send();
    stage.refused("a second time with the cookie", &with_cookie, Why::NotThisBrowser, 0);
}

/// Many at once: the code is traded once, and one of them is signed in.
#[test]
fn an_answer_that_comes_many_times_at_once_is_taken_once() {
    let stage = Stage::new();
    let (visitor, callback) = stage.sent_back("campus");
    let cookie = sign_in_cookie(&visitor, &callback);

    let signed_in: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| raw::get(callback.as_str()).page().header("cookie", &cookie).send()))
            .collect();
        all.into_iter().map(|one| usize::from(one.join().unwrap().header("location") == Some("/"))).sum()
    });

    assert_eq!((signed_in, stage.provider.asked("/token")), (1, 1));
}

#[test]
fn an_answer_that_did_not_hold_cannot_be_tried_again() {
    let stage = Stage::new();
    let (mut visitor, callback) = stage.sent_back("campus");
    let cookie = sign_in_cookie(&visitor, &callback);
    stage.provider.lie(&[]);
    visitor.open(&with(&callback, &[("iss", "https://evil.example")]));

    let page = raw::get(callback.as_str()).page().header("cookie", &cookie).send();

    stage.refused("the true answer after a false one", &page, Why::NotThisBrowser, 0);
}

#[test]
fn a_sign_in_takes_ten_minutes_at_most() {
    let stage = Stage::new();

    let (mut visitor, callback) = stage.sent_back("campus");
    stage.clock.advance(TimeDelta::minutes(10));
    assert_eq!(visitor.open(callback.as_str()).url.path(), "/");

    let (mut visitor, callback) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    stage.clock.advance(TimeDelta::minutes(10) + TimeDelta::seconds(1));
    let page = visitor.open(callback.as_str());
    stage.refused("too late", &page, Why::TooLate, 0);
}

/// Two connections, `campus` and `other`, at two providers.
fn two_providers() -> (Stage, EvilProvider) {
    let manual = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
    let other = EvilProvider::start(Clock::Manual(manual));
    let stage = Stage::planned(|_| {}, |plan: Plan, _| plan.connection("other", &other.issuer, Algorithm::Es256));
    (stage, other)
}

#[test]
fn an_answer_at_another_connection_is_refused() {
    let (stage, other) = two_providers();

    // The other provider leads its visitor, with the visitor's own state, to the callback of ours.
    let (mut visitor, callback) = stage.sent_back("other");
    let page = visitor.open(&callback.as_str().replace("/auth/other/", "/auth/campus/"));
    stage.refused("a mix-up", &page, Why::NotThisBrowser, 0);
    let (_, campus_callback) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    let (mut visitor, callback) = stage.sent_back("other");
    let (code, iss) = (parameter(&campus_callback, "code").unwrap(), stage.provider.issuer.clone());
    let page = visitor.open(&with(&callback, &[("code", &code), ("iss", &iss)]));
    stage.refused("a code of ours at the other's callback", &page, Why::WrongIssuer, 0);
    assert_eq!(other.asked("/token"), 0);

    // The positive control: each at its own.
    for connection in ["campus", "other"] {
        let (mut visitor, callback) = stage.sent_back(connection);
        assert_eq!(visitor.open(callback.as_str()).url.path(), "/", "{connection}");
    }
}

/// As if two labs of two universities had brought the same provider: nobody is anybody else there.
#[test]
fn one_provider_behind_two_connections_has_two_peoples() {
    let stage = Stage::planned(|_| {}, |plan: Plan, issuer| plan.connection("other", issuer, Algorithm::Es256));
    let person = |connection: &str| {
        let (mut visitor, callback) = stage.sent_back(connection);
        let text = visitor.open(callback.as_str()).text();
        let (_, after) = text.split_once("in the ledger ").unwrap_or_else(|| panic!("nobody: {text}"));
        after.split_whitespace().next().unwrap().to_owned()
    };

    assert_eq!(person("campus"), person("campus"));
    assert_ne!(person("campus"), person("other"));
}

#[test]
fn a_code_in_another_sign_in_is_refused() {
    let stage = Stage::new();
    let (_, attackers) = stage.sent_back("campus");
    let (mut victim, victims) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    let code = parameter(&attackers, "code").unwrap();
    let page = victim.open(&with(&victims, &[("code", &code)]));
    stage.refused("an attacker's code", &page, Why::TokenRefused, 1);

    let (_, attackers) = stage.sent_back("campus");
    let (mut victim, victims) = stage.sent_back("campus");
    stage.provider.lie(&[Lie::NoVerifier]);
    let code = parameter(&attackers, "code").unwrap();
    let page = victim.open(&with(&victims, &[("code", &code)]));
    stage.refused("at a provider that does not look", &page, Why::IdTokenNonce, 1);

    let (_, attackers) = stage.sent_back("campus");
    let (mut victim, victims) = stage.sent_back("campus");
    stage.provider.lie(&[]);
    let page = victim.open(attackers.as_str());
    stage.refused("an attacker's answer", &page, Why::NotThisBrowser, 0);
    assert_eq!(victim.open(victims.as_str()).url.path(), "/");
}

/// A browser in front of the provider, and where it is about to go.
fn before_provider(stage: &Stage) -> (Visitor, Url) {
    let mut visitor = Visitor::new();
    visitor.stop_before(&stage.provider.issuer);
    let to = visitor.open(&stage.url("/auth/campus/start")).location().unwrap();
    visitor.stop_before("never");
    (visitor, to)
}

#[test]
fn a_challenge_cannot_be_taken_out_on_the_way() {
    let stage = Stage::new();
    for (what, changes) in [
        ("taken out", vec![("code_challenge", ""), ("code_challenge_method", "")]),
        ("made plain", vec![("code_challenge_method", "plain")]),
    ] {
        let (mut visitor, to) = before_provider(&stage);
        stage.provider.lie(&[]);
        let page = visitor.open(&with(&to, &changes));
        stage.refused(what, &page, Why::TokenRefused, 1);
    }
    let (mut visitor, to) = before_provider(&stage);
    assert_eq!(visitor.open(&with(&to, &[])).url.path(), "/");
}

#[test]
fn every_sign_in_has_a_challenge_a_nonce_and_a_state_of_its_own() {
    let stage = Stage::new();
    let all: Vec<Url> = (0..3).map(|_| before_provider(&stage).1).collect();

    for name in ["code_challenge", "nonce", "state"] {
        let values: std::collections::BTreeSet<_> = all.iter().map(|url| parameter(url, name).unwrap()).collect();
        assert_eq!(values.len(), 3, "{name}");
        assert!(values.iter().all(|value| value.len() >= 43), "{name}: {values:?}");
    }
    for url in &all {
        assert_eq!(parameter(url, "code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(parameter(url, "response_type").as_deref(), Some("code"));
        let redirect = parameter(url, "redirect_uri").unwrap();
        assert_eq!(redirect, stage.url("/auth/campus/callback"));
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

    stage.refused("another issuer", &page, Why::WrongIssuer, 0);
}

#[test]
fn nobody_is_led_elsewhere_after_signing_in() {
    let stage = Stage::new();
    let to = |path: &str, return_to: &str| {
        let query: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        let page = Visitor::new().open(&stage.url(&format!("{path}?return_to={query}")));
        let hosts: Vec<_> = page.trail.iter().map(|(url, _)| url.origin().ascii_serialization()).collect();
        let known = |origin: &String| *origin == stage.broker.url || *origin == stage.provider.issuer;
        assert!(hosts.iter().all(known), "{return_to}: {hosts:?}");
        (page.status, page.url.path().to_owned())
    };
    for path in ["/auth/campus/start", "/sign-in"] {
        for elsewhere in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example/",
            "https:evil.example",
            "/%0d%0aLocation:%20https://evil.example",
            "/\r\nLocation: https://evil.example",
            "\u{2215}\u{2215}evil.example",
            "/\u{2215}evil.example",
            "///evil.example",
            "/oauth/authorize/../../evil",
            "javascript:alert(1)",
            "data:text/html,evil",
            " //evil.example",
            "\t//evil.example",
            "/sign-out",
            "/api/v1/me",
            "evil",
            "",
        ] {
            assert_eq!(to(path, elsewhere), (200, "/".to_owned()), "{path} {elsewhere:?}");
        }
        // The twin: a page of ours.
        assert_eq!(to(path, "/invitation").1, "/invitation", "{path}");
    }
}

#[test]
fn a_sign_in_that_another_site_begins_goes_where_ours_goes() {
    let stage = Stage::new();
    let evil = "iss=https%3A%2F%2Fevil.example&login_hint=evil&target_link_uri=https%3A%2F%2Fevil.example%2F";
    stage.provider.lie(&[]);

    let page = Visitor::new().open(&stage.url(&format!("/sign-in?{evil}")));

    assert_eq!((page.status, page.url.as_str()), (200, format!("{}/", stage.broker.url).as_str()));
    assert!(page.trail.iter().skip(1).all(|(url, _)| !url.as_str().contains("evil")), "{:?}", page.trail);
    // Without the provider's answer there is no session.
    let began = raw::get(&stage.url(&format!("/sign-in?{evil}"))).page().send();
    assert!(began.headers.iter().all(|(_, value)| !value.contains("lodge_session") && !value.contains("evil")));
    for path in ["/login", "/initiate", "/auth/campus"] {
        assert_eq!(raw::get(&stage.url(&format!("{path}?{evil}"))).page().send().status, 404, "{path}");
    }
}

#[test]
fn an_answer_in_another_way_than_was_asked_for_is_none() {
    let stage = Stage::new();
    let (mut visitor, callback) = stage.sent_back("campus");
    let cookie = sign_in_cookie(&visitor, &callback);
    let fields: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let path = stage.url("/auth/campus/callback");
    stage.provider.lie(&[]);

    // As the provider's page would send it, and as nobody in particular.
    let across =
        raw::post_form(&path, &fields).header("origin", &stage.provider.issuer).header("cookie", &cookie).send();
    let plain = raw::post_form(&path, &fields).header("cookie", &cookie).send();
    assert!(matches!(across.status, 403 | 405), "{across:?}");
    assert_eq!((plain.status, plain.header("set-cookie")), (405, None));
    assert_eq!(across.header("set-cookie"), None);
    let fragment = visitor.open(&path);
    stage.refused("behind the number sign", &fragment, Why::NotThisBrowser, 0);

    assert_eq!(visitor.open(callback.as_str()).url.path(), "/");
}

#[test]
fn a_callback_that_there_is_not_is_a_clean_page() {
    let stage = Stage::new();
    stage.provider.lie(&[]);
    for (path, statuses) in [
        ("/auth/nobody/callback?code=evil&state=evil", [400, 404]),
        ("/auth/nobody/start", [404, 404]),
        ("/auth/%3Cevil%3E/start", [404, 404]),
        ("/auth/%ff/callback?code=evil&state=evil", [404, 404]),
        ("/auth/campus/start?return_to=/&return_to=//evil.example", [400, 400]),
        ("/sign-in?return_to=/&return_to=//evil.example", [400, 400]),
    ] {
        let page = raw::get(&stage.url(path)).page().send();

        assert!(statuses.contains(&page.status), "{path}: {page:?}");
        assert!(is_clean(&page), "{path}: {page:?}");
        assert_eq!(page.header("set-cookie"), None, "{path}");
    }
    assert_eq!(stage.provider.asked("/token"), 0);
}
