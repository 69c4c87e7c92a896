//! What every answer says to browsers, and that no page has anything in it that these words forbid.

use lodge::http::routes::ROUTES;

use super::{is_get, right};
use crate::routes::{Stage, Who};
use crate::support::databases::Kind;
use crate::support::raw;
use crate::support::visitor::Page;

/// Word for word, so that nobody loosens it unseen.
const EXPECTED: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// What is wrong with an answer's headers.
fn flaws(page: &Page, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, expected) in EXPECTED {
        let all: Vec<_> = page.headers.iter().filter(|(given, _)| given == name).collect();
        if all.len() != 1 || all[0].1 != expected {
            found.push(format!("{path}: {name}: {all:?}"));
        }
    }
    let is_asset = path.starts_with("/assets/") || path.starts_with("/download/");
    // What is the same for everybody may be kept; everything else is somebody's.
    let kept = match path {
        _ if is_asset => "public, max-age=31536000, immutable",
        "/api/v1/openapi.json" => "public, max-age=300",
        _ => "no-store",
    };
    if page.header("cache-control") != Some(kept) {
        found.push(format!("{path}: cache-control: {:?}", page.header("cache-control")));
    }
    // Nobody else's script reads an answer of ours (3.4.2).
    if let Some((name, _)) = page.headers.iter().find(|(name, _)| name.starts_with("access-control-")) {
        found.push(format!("{path}: {name}"));
    }
    found
}

/// What a page has in it that runs, looks or leads otherwise than our own files say: a line for each.
fn inline(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in body.split('<').skip(1) {
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        let name = name.to_ascii_lowercase();
        let inside = tag.split_once('>').map_or(tag, |(inside, _)| inside);
        // Quoted values hold no attribute.
        let bare: String = inside.split('"').step_by(2).collect::<Vec<_>>().join("\"");
        for attribute in bare.split_whitespace().skip(1) {
            let attribute = attribute.to_ascii_lowercase();
            if attribute.starts_with("on") && attribute.contains('=') || attribute.starts_with("style=") {
                found.push(format!("<{inside}>"));
            }
        }
        let has_content = tag.split_once('>').is_some_and(|(_, content)| !content.trim().is_empty());
        let elsewhere =
            ["src=\"http", "src=\"//", "href=\"javascript:", "href=\"data:", "action=\"//", "action=\"http"];
        if name == "style"
            || matches!(name.as_str(), "iframe" | "object" | "embed" | "base")
            || (name == "script" && (!inside.contains("src=\"/assets/") || has_content))
            || elsewhere.iter().any(|start| inside.to_ascii_lowercase().contains(start))
        {
            found.push(format!("<{inside}>"));
        }
    }
    found
}

#[test]
fn every_answer_of_every_route_has_the_headers() {
    let stage = Stage::on(Kind::Sqlite);
    let (mut found, mut walked) = (Vec::new(), 0);
    for route in ROUTES {
        let (caller, request) = right(&stage, route);
        let nobody = stage.caller(Who::Nobody);
        for who in [&caller, &nobody] {
            for page in [request.by(&stage, who).send(), request.by(&stage, who).page().send()] {
                found.extend(flaws(&page, page.url.path()));
                walked += 1;
            }
        }
    }
    let url = |path: &str| stage.labs.url(path);
    for page in [
        raw::get(&url("/nothing")).page().send(),
        raw::ask("DELETE", &url("/")).send(),
        raw::post(&url("/oauth/token")).body(&"x".repeat(100_000)).send(),
        raw::ask("OPTIONS", &url("/api/v1/me"))
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization")
            .send(),
        raw::get(&url("/")).header("origin", "https://evil.example").send(),
    ] {
        assert!(page.status >= 400 || page.url.path() == "/", "{}", page.url);
        found.extend(flaws(&page, page.url.path()));
    }

    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(walked >= 4 * ROUTES.len());
}

#[test]
fn no_page_has_anything_inline_and_every_form_has_its_token() {
    let stage = Stage::on(Kind::Sqlite);
    let mut pages = 0;
    for route in ROUTES.iter().filter(is_get) {
        let (caller, request) = right(&stage, route);
        for who in [&caller, &stage.caller(Who::Nobody), &stage.caller(Who::Member)] {
            let page = request.by(&stage, who).page().send();
            if !page.header("content-type").is_some_and(|it| it.starts_with("text/html")) {
                continue;
            }
            assert_eq!(inline(&page.body), [""; 0], "{}", page.url);
            assert!(page.body.len() < 100 * 1_024, "{}: {} bytes", page.url, page.body.len());
            for form in page.forms().iter().filter(|form| form.is_post) {
                let has_token = form.fields.iter().any(|(name, value)| name == "form_token" && value.len() > 20);
                assert!(has_token, "{}: {form:?}", page.url);
            }
            pages += 1;
        }
    }
    assert!(pages >= 40, "{pages}");
}

#[test]
fn what_is_inline_is_noticed() {
    for planted in [
        "<p style=\"color:red\">x</p>",
        "<a href=\"/\" onclick=\"x()\">x</a>",
        "<body onload='x'>",
        "<script>x()</script>",
        "<script src=\"/assets/lodge.js\">x()</script>",
        "<script src=\"https://evil.example/x.js\"></script>",
        "<style>p{}</style>",
        "<a href=\"javascript:x\">x</a>",
        "<iframe src=\"/\"></iframe>",
        "<base href=\"/\">",
        "<form action=\"https://evil.example/\">",
    ] {
        assert_eq!(inline(planted).len(), 1, "{planted}");
    }
    for fine in [
        "<script src=\"/assets/lodge.js?v=1\" defer></script>",
        "<p title=\"an onclick=x or style=y\">on = style=&#60;b&#62;</p>",
        "<a href=\"/on?one=1\">x</a>",
    ] {
        assert_eq!(inline(fine), [""; 0], "{fine}");
    }
}
