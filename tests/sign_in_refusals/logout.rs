//! A provider's word that somebody has left, and what is not its word (O15).
//!
//! Every case is told to a broker where the person is signed in: they stay so. Its twin, told behind it, signs them out.

use lodge::domain::ledger::Event;
use serde_json::{Value, json};

use super::id_tokens::{remove, shift};
use super::stage::Stage;
use super::table::Row;
use crate::support::evil_provider::{Key, Lie, Secret, Signature};
use crate::support::raw;
use crate::support::visitor::{Page, Visitor};

const PATH: &str = "/auth/campus/backchannel-logout";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A logout token that is not one.
struct Forgery {
    id: &'static str,
    what: &'static str,
    header: fn(&mut Value),
    claims: fn(&mut Value),
    signature: Signature,
    /// Whether it is taken, and ends nobody's session whom it does not name.
    status: u16,
}

const RIGHT: Signature = Signature::By(Key::P256);

const fn claims(id: &'static str, what: &'static str, claims: fn(&mut Value)) -> Forgery {
    Forgery { id, what, header: |_| {}, claims, signature: RIGHT, status: 400 }
}

const fn header(id: &'static str, what: &'static str, header: fn(&mut Value), signature: Signature) -> Forgery {
    Forgery { id, what, header, claims: |_| {}, signature, status: 400 }
}

/// It is good, and of somebody else.
const fn another(id: &'static str, what: &'static str, claims: fn(&mut Value)) -> Forgery {
    Forgery { id, what, header: |_| {}, claims, signature: RIGHT, status: 200 }
}

#[rustfmt::skip]
const FORGERIES: &[Forgery] = &[
    claims("O15.1", "a nonce, as in an ID token", |c| c["nonce"] = json!("n")),
    claims("O15.2", "no events", |c| remove(c, "events")),
    claims("O15.3", "another event", |c| c["events"] = json!({"http://schemas.openid.net/event/other": {}})),
    claims("O15.4", "the event in a list", |c| c["events"] = json!([EVENT])),
    claims("O15.5", "an event that is a word", |c| c["events"] = json!({EVENT: "evil"})),
    claims("O15.6", "for another client", |c| c["aud"] = json!("evil")),
    claims("O15.7", "for us and another client", |c| c["aud"] = json!(["lodge", "evil"])),
    claims("O15.8", "of another issuer", |c| c["iss"] = json!("https://evil.example")),
    claims("O15.9", "issued 601 s ago", |c| shift(c, "iat", -601)),
    claims("O15.10", "issued in 61 s", |c| shift(c, "iat", 61)),
    claims("O15.11", "never issued", |c| remove(c, "iat")),
    claims("O15.12", "ended 61 s ago", |c| shift(c, "exp", -61)),
    claims("O15.13", "no jti", |c| remove(c, "jti")),
    claims("O15.14", "a jti that is a number", |c| c["jti"] = json!(1)),
    claims("O15.15", "neither sub nor sid", |c| { remove(c, "sub"); remove(c, "sid"); }),
    claims("O15.16", "a sub that is a list", |c| c["sub"] = json!(["subject-1"])),
    claims("O15.17", "a sid that is a number", |c| c["sid"] = json!(1)),
    header("O15.18", "alg none", |h| h["alg"] = json!("none"), Signature::Absent),
    header("O15.19", "HS256 with our client secret", |h| h["alg"] = json!("HS256"), Signature::Hmac(Secret::Client)),
    header("O15.20", "by another key", |_| {}, Signature::By(Key::OtherP256)),
    header("O15.21", "typ of an access token", |h| h["typ"] = json!("at+jwt"), RIGHT),
    header("O15.22", "typ of a security event of another kind", |h| h["typ"] = json!("secevent+jwt"), RIGHT),
    header("O15.23", "crit", |h| h["crit"] = json!(["x"]), RIGHT),
    another("O15.24", "another session at the provider", |c| { remove(c, "sub"); c["sid"] = json!("session-2"); }),
    another("O15.25", "another person", |c| { remove(c, "sid"); c["sub"] = json!("subject-2"); }),
    another("O15.26", "another person, and this session", |c| c["sub"] = json!("subject-2")),
    another("O15.27", "another session, and this person", |c| c["sid"] = json!("session-2")),
];

#[rustfmt::skip]
const OTHERS: &[(&str, &str, &str, &str)] = &[
    ("O15.40", "a second time, after another sign-in", "the first time", "400, and nothing ends"),
    ("O15.41", "an ID token of that person", "a logout token", "400, and nothing ends"),
    ("O15.42", "in an address, in JSON, twice, or too large", "in a form", "refused, and nothing ends"),
    ("O15.43", "at the address of another connection", "at its own", "400, and nothing ends"),
];

pub(super) fn rows() -> Vec<Row> {
    let forgeries = FORGERIES.iter().map(|it| {
        let outcome = format!("{}, and nothing ends", it.status);
        Row::new(it.id, &format!("a logout token: {}", it.what), "as it should be: 200, and the session ends", &outcome)
    });
    let others =
        OTHERS.iter().map(|(id, what, twin, outcome)| Row::new(id, &format!("a logout token: {what}"), twin, outcome));
    forgeries.chain(others).collect()
}

/// With a session at the provider that has a name.
const NAMED: Lie = Lie::Claims(|c| c["sid"] = json!("session-1"));

impl Stage {
    /// A browser that is signed in.
    fn browser(&self) -> Visitor {
        self.provider.lie(&[NAMED]);
        let mut visitor = Visitor::new();
        let page = visitor.open(&self.url("/auth/campus/start"));
        assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
        visitor
    }

    /// A logout token, changed so.
    fn logout_token(&self, jti: &str, forged: Option<&Forgery>) -> String {
        let now = self.provider.now();
        let mut header = json!({"alg": "ES256", "kid": Key::P256.id(), "typ": "logout+jwt"});
        let mut claims = json!({
            "iss": self.provider.issuer, "aud": "lodge", "iat": now, "exp": now + 120, "jti": jti,
            "sub": "subject-1", "sid": "session-1", "events": {EVENT: {}},
        });
        let mut signature = RIGHT;
        if let Some(forgery) = forged {
            (forgery.header)(&mut header);
            (forgery.claims)(&mut claims);
            signature = forgery.signature;
        }
        self.provider.seal(&header, &claims, signature)
    }

    fn tell(&self, token: &str) -> Page {
        raw::post_form(&self.url(PATH), &[("logout_token", token)]).send()
    }

    fn is_signed_in(&self, visitor: &mut Visitor) -> bool {
        visitor.open(&self.url("/")).text().contains("Sam Student")
    }

    fn logouts(&self) -> usize {
        self.ledger().iter().filter(|entry| matches!(entry.event, Event::ProviderLogout { .. })).count()
    }
}

#[test]
fn what_is_not_the_providers_word_ends_nothing() {
    let stage = Stage::new();
    for (number, forgery) in FORGERIES.iter().enumerate() {
        let (id, what) = (forgery.id, forgery.what);
        let mut browser = stage.browser();
        let logouts = stage.logouts();

        let told = stage.tell(&stage.logout_token(&format!("forged-{number}"), Some(forgery)));

        assert_eq!((told.status, told.header("cache-control")), (forgery.status, Some("no-store")), "{id} {what}");
        assert_eq!(told.header("set-cookie"), None, "{id} {what}");
        assert!(!told.body.to_lowercase().contains("evil"), "{id} {what}: {}", told.body);
        assert!(stage.is_signed_in(&mut browser), "{id} {what}");
        assert_eq!(stage.logouts(), logouts, "{id} {what}");

        let told = stage.tell(&stage.logout_token(&format!("true-{number}"), None));
        assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")), "{id} {what}: {}", told.body);
        assert!(!stage.is_signed_in(&mut browser), "{id} {what}: its twin");
        assert_eq!(stage.logouts(), logouts + 1, "{id} {what}: its twin");
    }
}

#[test]
fn the_providers_word_is_good_in_each_of_its_forms() {
    let stage = Stage::new();
    for (number, change) in [
        (|_, c| remove(c, "sid")) as fn(&mut Value, &mut Value),
        |_, c| remove(c, "sub"),
        |_, c| remove(c, "exp"),
        |h, _| remove(h, "typ"),
        |h, _| h["typ"] = json!("JWT"),
        |h, _| h["typ"] = json!("application/logout+jwt"),
        |_, c| c["aud"] = json!(["lodge"]),
        |_, c| c["events"][EVENT] = json!({"reason": "x"}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut browser = stage.browser();
        let now = stage.provider.now();
        let mut header = json!({"alg": "ES256", "kid": Key::P256.id(), "typ": "logout+jwt"});
        let mut claims = json!({
            "iss": stage.provider.issuer, "aud": "lodge", "iat": now, "exp": now + 120, "jti": format!("j-{number}"),
            "sub": "subject-1", "sid": "session-1", "events": {EVENT: {}},
        });
        change(&mut header, &mut claims);

        let told = stage.tell(&stage.provider.seal(&header, &claims, RIGHT));

        assert_eq!(told.status, 200, "{number}: {}", told.body);
        assert!(!stage.is_signed_in(&mut browser), "{number}");
    }
}

#[test]
fn the_providers_word_is_good_once() {
    let stage = Stage::new();
    let token = stage.logout_token("once", None);
    let mut before = stage.browser();
    assert_eq!(stage.tell(&token).status, 200);
    assert!(!stage.is_signed_in(&mut before));

    let mut after = stage.browser();
    assert_eq!(stage.tell(&token).status, 400);
    assert!(stage.is_signed_in(&mut after));
}

#[test]
fn an_id_token_logs_nobody_out() {
    let stage = Stage::new();
    let mut browser = stage.browser();
    let now = stage.provider.now();
    let claims = json!({
        "iss": stage.provider.issuer, "aud": "lodge", "iat": now, "exp": now + 120, "sub": "subject-1", "nonce": "n",
        "jti": "an-id-token", "sid": "session-1",
    });

    for header in [json!({"alg": "ES256", "kid": "key-1", "typ": "JWT"}), json!({"alg": "ES256", "kid": "key-1"})] {
        assert_eq!(stage.tell(&stage.provider.seal(&header, &claims, RIGHT)).status, 400);
    }
    assert!(stage.is_signed_in(&mut browser));
}

#[test]
fn the_providers_word_comes_by_form_and_at_its_own_address() {
    let stage = Stage::planned(|_| {}, |plan, issuer| plan.connection("other", issuer, lodge::oidc::Algorithm::Es256));
    let mut browser = stage.browser();
    let token = stage.logout_token("by-form", None);
    let url = stage.url(PATH);
    let form = "application/x-www-form-urlencoded";
    let long = format!("logout_token={}", "A".repeat(70_000));

    for (what, ask) in [
        ("in the address", raw::post(&format!("{url}?logout_token={token}")).header("content-type", form)),
        ("by GET", raw::get(&format!("{url}?logout_token={token}"))),
        ("in JSON", raw::post(&url).json(&json!({ "logout_token": token }))),
        ("twice", raw::post_form(&url, &[("logout_token", &token), ("logout_token", &token)])),
        ("as text", raw::post(&url).header("content-type", "text/plain").body(&format!("logout_token={token}"))),
        ("too large", raw::post(&url).header("content-type", form).body(&long)),
        ("nothing", raw::post_form(&url, &[])),
        ("an empty one", raw::post_form(&url, &[("logout_token", "")])),
        ("no token", raw::post_form(&url, &[("logout_token", "a.b.c")])),
        ("nowhere", raw::post_form(&stage.url("/auth/nobody/backchannel-logout"), &[("logout_token", &token)])),
        (
            "from a page of somebody else",
            raw::post_form(&url, &[("logout_token", &token)]).header("origin", "https://evil.example"),
        ),
    ] {
        let told = ask.send();
        assert!((400..500).contains(&told.status), "{what}: {} {}", told.status, told.body);
        assert!(stage.is_signed_in(&mut browser), "{what}");
    }
    // Both connections are one provider's; the person signed in at the one, and is another at the other.
    let at_other = raw::post_form(&stage.url("/auth/other/backchannel-logout"), &[("logout_token", &token)]).send();
    assert!(matches!(at_other.status, 200 | 400), "{}", at_other.body);
    assert!(stage.is_signed_in(&mut browser));

    assert_eq!(stage.tell(&token).status, 200, "the twin");
    assert!(!stage.is_signed_in(&mut browser));
}
