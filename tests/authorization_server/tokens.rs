//! The token endpoint, revocation, and what a token is good for.

use chrono::TimeDelta;
use lodge::app::Error;

use super::Stage;
use crate::support::broker::{helper_code, helper_token, me, trade};
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

impl Stage {
    fn code(&self) -> String {
        helper_code(&mut Visitor::new(), &self.running.url, "student")
    }

    fn revoke(&self, token: &str) -> Page {
        raw::post_form(&self.url("/oauth/revoke"), &[("token", token)]).send()
    }
}

/// A refusal as RFC 6749, section 5.2 writes it.
fn refuses(page: &Page, error: &str, what: &str) {
    assert_eq!(page.status, 400, "{what}: {}", page.body);
    assert_eq!(page.json()["error"], error, "{what}");
    assert_eq!((page.header("cache-control"), page.header("pragma")), (Some("no-store"), Some("no-cache")), "{what}");
    assert!(!page.body.contains("access_token"), "{what}: {}", page.body);
}

#[test]
fn a_code_is_traded_by_the_one_who_asked_for_it_alone() {
    let stage = Stage::new();
    let url = &stage.running.url;
    let code = stage.code();
    for (change, error) in [
        (("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "invalid_grant"),
        (("code_verifier", "x"), "invalid_grant"),
        (("code_verifier", ""), "invalid_request"),
        (("redirect_uri", "http://127.0.0.1:49153/callback"), "invalid_grant"),
        (("redirect_uri", "http://127.0.0.1:49152/callback/"), "invalid_grant"),
        (("redirect_uri", ""), "invalid_request"),
        (("code", "rubbish"), "invalid_grant"),
        (("code", ""), "invalid_request"),
        (("client_id", "evil"), "invalid_client"),
        (("client_id", ""), "invalid_request"),
        (("grant_type", "password"), "unsupported_grant_type"),
        (("grant_type", "client_credentials"), "unsupported_grant_type"),
        (("grant_type", "implicit"), "unsupported_grant_type"),
        (("grant_type", "refresh_token"), "invalid_request"),
        (("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), "unsupported_grant_type"),
        (("grant_type", ""), "invalid_request"),
    ] {
        refuses(&trade(url, &code, &[change]), error, &format!("{change:?}"));
    }
    let as_json = raw::post(&stage.url("/oauth/token")).header("content-type", "application/json").body("{}");
    refuses(&as_json.send(), "invalid_request", "JSON");
    let query = format!("/oauth/token?grant_type=authorization_code&client_id=lodge-cli&code={code}");
    refuses(&raw::post_form(&stage.url(&query), &[]).send(), "invalid_request", "a code in the address");
    assert_eq!(raw::get(&stage.url(&query)).send().status, 405);

    // The positive control: none of that has spent the code.
    let answer = trade(url, &code, &[]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
    let token = answer.json();
    assert_eq!((token["token_type"].as_str(), token["expires_in"].as_u64()), (Some("Bearer"), Some(15 * 60)));
    assert_eq!(token["refresh_token_expires_in"].as_u64(), Some(12 * 3_600));
    assert!(token["access_token"].as_str().unwrap().starts_with("lodge_at_"));
    assert!(token["refresh_token"].as_str().unwrap().starts_with("lodge_rt_"));
    assert_eq!(token.as_object().unwrap().len(), 5);
}

#[test]
fn a_code_that_is_used_twice_ends_the_session_of_its_first_use() {
    let stage = Stage::new();
    let url = &stage.running.url;
    let (code, bystander) = (stage.code(), helper_token(&mut Visitor::new(), url, "student"));
    let token = trade(url, &code, &[]).json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(me(url, &token).status, 200);

    refuses(&trade(url, &code, &[]), "invalid_grant", "a second time");

    assert_eq!(me(url, &token).status, 401);
    assert_eq!(me(url, &bystander).status, 200, "another session of the same person goes on");
}

#[test]
fn a_code_is_good_for_a_minute() {
    let stage = Stage::new();
    let (in_time, late) = (stage.code(), stage.code());

    stage.clock.advance(TimeDelta::seconds(60));
    assert_eq!(trade(&stage.running.url, &in_time, &[]).status, 200);
    stage.clock.advance(TimeDelta::microseconds(1));
    refuses(&trade(&stage.running.url, &late, &[]), "invalid_grant", "too late");
}

/// Whoever signs out does not want a helper to begin a moment later.
#[test]
fn a_code_is_worth_nothing_once_its_browser_has_signed_out() {
    let stage = Stage::new();
    let url = &stage.running.url;
    let (mut visitor, mut other) = (Visitor::new(), Visitor::new());
    let [gone, stays] = [&mut visitor, &mut other].map(|visitor| helper_code(visitor, url, "student"));
    let home = visitor.open(&stage.url("/"));
    visitor.press(&home, "Sign out");

    refuses(&trade(url, &gone, &[]), "invalid_grant", "after the sign-out");
    assert_eq!(trade(url, &stays, &[]).status, 200, "another browser of the same person");
}

#[test]
fn a_revoked_token_opens_nothing_and_rubbish_is_revoked_as_well() {
    let stage = Stage::new();
    let url = &stage.running.url;
    let mut visitor = Visitor::new();
    let (token, other) = (helper_token(&mut visitor, url, "student"), helper_token(&mut visitor, url, "student"));

    for rubbish in ["rubbish", "lodge_at_AAAA", &"x".repeat(5_000)] {
        let answer = stage.revoke(rubbish);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{rubbish}");
    }
    let in_query = raw::post_form(&stage.url(&format!("/oauth/revoke?token={token}")), &[]).send();
    refuses(&in_query, "invalid_request", "a token in the address");
    assert_eq!(me(url, &token).status, 200, "the positive control");

    let answer = stage.revoke(&token);

    assert_eq!((answer.status, answer.body.as_str(), answer.header("cache-control")), (200, "", Some("no-store")));
    assert_eq!((me(url, &token).status, me(url, &other).status), (401, 200));
    assert_eq!(stage.revoke(&token).status, 200, "a second time");
}

/// Between the look at the token and the decision there is time for a sign-out.
#[test]
fn a_session_that_ended_a_moment_ago_gives_nothing_any_more() {
    let stage = Stage::new();
    let broker = &stage.running.broker;
    let token = helper_token(&mut Visitor::new(), &stage.running.url, "student");
    let caller = wait(broker.helper_caller(&token.clone().into())).unwrap();
    let address = "vision/read-results".parse().unwrap();
    // The positive control: up to here it is STS that is missing, and not the session.
    assert!(matches!(wait(broker.issue(&caller, &address, None)), Err(Error::Aws(_))));
    let entries = stage.running.ledger().len();

    assert_eq!(stage.revoke(&token).status, 200);

    assert!(matches!(wait(broker.issue(&caller, &address, None)), Err(Error::SignInNeeded)));
    assert_eq!(stage.running.ledger().len(), entries, "and it is no attempt");
}

#[test]
fn a_token_counts_in_its_header_alone_and_for_what_it_is() {
    let stage = Stage::new();
    let mut visitor = Visitor::new();
    let token = helper_token(&mut visitor, &stage.running.url, "student");
    let (session, code) = (stage.session(&visitor), stage.code());
    let me = stage.url("/api/v1/me");
    for (what, ask) in [
        ("nothing", raw::get(&me)),
        ("a token in the query", raw::get(&format!("{me}?access_token={token}"))),
        ("a token as a password", raw::get(&me).header("authorization", &format!("Basic {token}"))),
        ("a token without a scheme", raw::get(&me).header("authorization", &token)),
        ("no token", raw::get(&me).header("authorization", "Bearer ")),
        ("a token and more", raw::get(&me).header("authorization", &format!("Bearer {token}x"))),
        ("a token in a cookie", raw::get(&me).header("cookie", &format!("lodge_session={token}"))),
        ("a browser's cookie", raw::get(&me).header("cookie", &format!("lodge_session={session}"))),
        ("a browser's session", raw::get(&me).header("authorization", &format!("Bearer {session}"))),
        ("a code", raw::get(&me).header("authorization", &format!("Bearer {code}"))),
    ] {
        let answer = ask.send();

        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
        assert_eq!(answer.json()["type"], "urn:lodge:problem:sign-in-needed", "{what}");
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{what}");
    }
    let as_page = raw::get(&stage.url("/")).header("cookie", &format!("lodge_session={token}")).page().send();
    assert!(!as_page.text().contains("Sam Student"), "a helper's token is no browser's session");
    // The positive control; the scheme's case is of no account (RFC 7235, section 2.1).
    assert_eq!(raw::get(&me).header("authorization", &format!("bearer {token}")).send().status, 200);
}

#[test]
fn the_metadata_says_what_there_is() {
    let stage = Stage::with(|plan| plan.public_url("https://lodge.example.edu"));

    let document = raw::get(&stage.url("/.well-known/oauth-authorization-server"));
    let document = document.header("host", "evil.example").send();

    assert_eq!(document.header("content-type"), Some("application/json"));
    let shown = serde_json::to_string_pretty(&document.json()).unwrap();
    insta::assert_snapshot!(shown.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @r#"
    {
      "acr_values_supported": [
        "mfa"
      ],
      "authorization_endpoint": "https://lodge.example.edu/oauth/authorize",
      "authorization_response_iss_parameter_supported": true,
      "code_challenge_methods_supported": [
        "S256"
      ],
      "grant_types_supported": [
        "authorization_code",
        "refresh_token"
      ],
      "issuer": "https://lodge.example.edu",
      "lodge_helper_version": "VERSION",
      "response_modes_supported": [
        "query"
      ],
      "response_types_supported": [
        "code"
      ],
      "revocation_endpoint": "https://lodge.example.edu/oauth/revoke",
      "revocation_endpoint_auth_methods_supported": [
        "none"
      ],
      "token_endpoint": "https://lodge.example.edu/oauth/token",
      "token_endpoint_auth_methods_supported": [
        "none"
      ]
    }
    "#);
}
