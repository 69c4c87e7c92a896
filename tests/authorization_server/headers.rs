//! What every answer carries, and what no request can change.

use std::collections::BTreeMap;

use lodge::domain::lab::Role;
use lodge::domain::role_session::SessionDuration;
use lodge::playground::Seeding;

use super::Stage;
use crate::support::broker::{STUDENTS, ask_for, helper_query, helper_token};
use crate::support::evil_provider::Lie;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

fn has_every_header(page: &Page, what: &str) {
    let policy = page.header("content-security-policy").unwrap_or_default();
    for part in ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), Some(value), "{what}: {name}");
    }
    assert!(page.header("x-request-id").is_some_and(|id| id.starts_with("req-")), "{what}");
    assert_eq!(page.header("access-control-allow-origin"), None, "{what}");
    let cache = page.header("cache-control");
    assert_eq!(cache, Some(if what == "the style sheet" { "public, max-age=31536000, immutable" } else { "no-store" }));
}

#[test]
fn every_kind_of_answer_carries_every_header() {
    let stage = Stage::new();
    // A role of which nothing is known is taken for one that spends money, and asks for that.
    stage.provider.lie(&[Lie::Claims(|claims| claims["auth_time"] = claims["iat"].clone())]);
    let mut visitor = Visitor::new();
    let token = helper_token(&mut visitor, &stage.running.url, "student");
    let cookie = format!("lodge_session={}", stage.session(&visitor));
    // A role whose template is gone: the broker's own fault.
    let role = Role {
        name: "broken".parse().unwrap(),
        template: "mturk/gone".parse().unwrap(),
        parameters: BTreeMap::new(),
        max_duration: SessionDuration::MAX,
        sign_in_age: None,
    };
    wait(async {
        let seeding = Seeding::new(&stage.running.broker).unwrap();
        seeding.add_role(&stage.lab, &role).await.unwrap();
        seeding.add_mapping(&stage.lab, "campus", STUDENTS, "broken").await.unwrap();
    });
    let get = |path: &str| raw::get(&stage.url(path));
    let post = |path: &str, fields: &[(&str, &str)]| raw::post_form(&stage.url(path), fields);
    let authorize = format!("/oauth/authorize?{}", helper_query(&[]));
    let sheet = get("/").page().send().body;
    let sheet = sheet.split("href=\"").find(|part| part.starts_with("/assets/")).unwrap().split('"').next().unwrap();

    for (what, status, page) in [
        ("the first page", 200, get("/").page().send()),
        ("a signed-in page", 200, get("/").page().header("cookie", &cookie).send()),
        ("the page that asks", 200, get(&authorize).page().header("cookie", &cookie).send()),
        ("the style sheet", 200, get(sheet).send()),
        ("health", 200, get("/healthz").send()),
        ("the metadata", 200, get("/.well-known/oauth-authorization-server").send()),
        ("a redirect", 303, get("/auth/campus/start").send()),
        ("a bad request", 400, get("/oauth/authorize").page().send()),
        ("a bad callback", 400, get("/auth/campus/callback").page().send()),
        ("a token refused", 400, post("/oauth/token", &[]).send()),
        ("nobody", 401, get("/api/v1/me").send()),
        ("a foreign form", 403, post("/sign-out", &[]).header("origin", "null").page().send()),
        ("no page", 404, get("/no/such/page").page().send()),
        ("no page for a machine", 404, get("/api/v1/none").send()),
        ("no such role", 404, ask_for(&stage.running.url, &token, "vision/none", "")),
        ("no role's name", 404, ask_for(&stage.running.url, &token, "vision/%ff", "")),
        ("another method", 405, get("/oauth/token").send()),
        ("too much", 413, post("/oauth/token", &[("x", &"x".repeat(65 * 1024))]).send()),
        ("our own fault", 500, ask_for(&stage.running.url, &token, "vision/broken", "")),
    ] {
        assert_eq!(page.status, status, "{what}: {}", page.body);
        has_every_header(&page, what);
        assert_eq!(page.header("strict-transport-security"), None, "{what}: there is no TLS here");
    }

    wait(stage.running.broker.store.close());
    for (what, page) in [
        ("no database, for a browser", get("/").page().header("cookie", &cookie).send()),
        ("no database, for a helper", ask_for(&stage.running.url, &token, "vision/read-results", "")),
    ] {
        assert_eq!(page.status, 503, "{what}: {}", page.body);
        has_every_header(&page, what);
    }
}

#[test]
fn no_header_of_a_request_changes_an_address() {
    let stage = Stage::new();
    let visitor = stage.visitor();
    let cookie = format!("lodge_session={}", stage.session(&visitor));
    let paths = [
        "/",
        "/sign-in",
        "/auth/campus/start",
        "/.well-known/oauth-authorization-server",
        &format!("/oauth/authorize?{}", helper_query(&[])),
    ];
    for path in paths {
        let plain = raw::get(&stage.url(path)).page().header("cookie", &cookie).send();
        for (name, value) in [
            ("host", "evil-spoof.example"),
            ("x-forwarded-host", "evil-spoof.example"),
            ("x-forwarded-proto", "evil-spoof"),
            ("x-forwarded-for", "evil-spoof"),
            ("x-original-url", "/evil-spoof"),
            ("x-rewrite-url", "/evil-spoof"),
            ("x-http-method-override", "EVIL-SPOOF"),
            ("forwarded", "host=evil-spoof.example;proto=https"),
        ] {
            let spoofed = raw::get(&stage.url(path)).page().header("cookie", &cookie).header(name, value).send();

            assert_eq!(spoofed.status, plain.status, "{path} with {name}: {}", spoofed.body);
            // Long enough that no random token on the page ever holds it.
            let repeats = format!("{spoofed:?}").to_lowercase().contains("evil-spoof");
            assert!(!repeats, "{path} with {name}: {spoofed:?}");
            let redirect = |page: &Page| {
                let url = page.location()?;
                let to_us = url.query_pairs().find(|(key, _)| key == "redirect_uri").map(|(_, to)| to.into_owned());
                Some((url.origin(), url.path().to_owned(), to_us))
            };
            assert_eq!(redirect(&spoofed), redirect(&plain), "{path} with {name}");
        }
    }
}

#[test]
fn a_broker_behind_https_keeps_its_visitors_there() {
    let stage = Stage::with(|plan| plan.public_url("https://lodge.example.edu"));

    for path in ["/", "/no/such/page", "/api/v1/me"] {
        let page = raw::get(&stage.url(path)).page().send();

        assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"), "{path}");
        has_every_header(&page, path);
    }
    let to_provider = raw::get(&stage.url("/auth/campus/start")).send().location().unwrap();
    let back = to_provider.query_pairs().find(|(key, _)| key == "redirect_uri").unwrap().1.into_owned();
    assert_eq!(back, "https://lodge.example.edu/auth/campus/callback");
}
