//! Headers that name another host than the one that was configured: no address of ours comes out of a request (6.11).

use lodge::http::routes::ROUTES;
use url::Url;

use super::stage::{Stage, parameter};
use super::table::Row;
use crate::support::broker::helper_query;
use crate::support::raw::{self, Ask};
use crate::support::visitor::Page;

/// What a stranger, or a proxy that was set up carelessly, may send.
const SPOOFS: [&[(&str, &str)]; 8] = [
    &[("host", "evil.example")],
    &[("host", "evil.example:443")],
    &[("x-forwarded-host", "evil.example")],
    &[("x-forwarded-host", "evil.example, evil.example"), ("x-forwarded-proto", "evil"), ("x-forwarded-port", "6666")],
    &[("forwarded", "host=evil.example;proto=evil")],
    &[("forwarded", "for=\"[::1]\";host=\"evil.example\"")],
    &[("x-original-url", "/evil"), ("x-rewrite-url", "/evil"), ("x-forwarded-prefix", "/evil")],
    &[("x-http-method-override", "DELETE"), ("referer", "https://evil.example/"), ("x-real-ip", "evil")],
];

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let everywhere = "every route answers as it does without, and repeats nothing of it";
    vec![
        Row::new("H1.1", "Host of another host", "the configured one", everywhere),
        Row::new("H1.2", "Host of another host, at the way to the provider", "the configured one", "redirect_uri is the configured callback"),
        Row::new("H2.1", "X-Forwarded-Host, -Proto, -Port, -Prefix, X-Original-URL, a method in a header", "none", everywhere),
        Row::new("H2.2", "the same at the authorization server's metadata", "none", "issuer and endpoints are the configured ones"),
        Row::new("H3.1", "Forwarded", "none", everywhere),
        Row::new("H3.2", "all of them over a public address with TLS", "none", "cookies stay __Host- and Secure"),
    ]
}

fn with(ask: Ask, headers: &[(&str, &str)]) -> Ask {
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

/// A page without what is new in every answer: ids, and what a sign-in makes up.
fn lasting(page: &Page) -> (u16, Vec<(String, String)>) {
    let headers = page.headers.iter().filter(|(name, _)| {
        !matches!(name.as_str(), "x-request-id" | "date" | "connection" | "content-length" | "set-cookie" | "location")
    });
    (page.status, headers.cloned().collect())
}

/// Every route, with its parts filled in by something.
fn requests(stage: &Stage) -> Vec<(String, &'static str)> {
    ROUTES
        .iter()
        .map(|route| {
            let path = route
                .path
                .replace("{connection}", "campus")
                .replace("{token}", "no-such-token")
                .replace("{lab}", "vision")
                .replace("{role}", "read-results");
            let path = match path.find('{') {
                Some(at) => format!("{}some-id{}", &path[..at], path[at..].split_once('}').unwrap().1),
                None => path,
            };
            let query = match path.as_str() {
                "/oauth/authorize" => format!("?{}", helper_query(&[])),
                "/sign-in" => "?return_to=/invitation".to_owned(),
                _ => String::new(),
            };
            (stage.url(&format!("{path}{query}")), route.method)
        })
        .collect()
}

#[test]
fn no_header_makes_an_address_of_ours() {
    let stage = Stage::new();
    stage.provider.lie(&[]);
    for (url, method) in requests(&stage) {
        let method = match method {
            "get" => "GET",
            "post" => "POST",
            "put" => "PUT",
            "patch" => "PATCH",
            "delete" => "DELETE",
            other => panic!("{other}"),
        };
        let plain = raw::ask(method, &url).page().send();
        for spoof in SPOOFS {
            let page = with(raw::ask(method, &url).page(), spoof).send();

            assert_eq!(lasting(&page), lasting(&plain), "{method} {url} {spoof:?}");
            let repeated = page.headers.iter().find(|(_, value)| value.contains("evil") || value.contains("6666"));
            assert_eq!(repeated, None, "{method} {url} {spoof:?}");
            assert!(!page.body.contains("evil"), "{method} {url} {spoof:?}: {}", page.body);
        }
    }
}

#[test]
fn the_way_to_the_provider_leads_back_to_the_configured_address() {
    let stage = Stage::planned(|_| {}, |plan, _| plan.public_url("https://lodge.example.edu"));
    stage.provider.lie(&[]);
    for spoof in SPOOFS {
        let page = with(raw::get(&stage.url("/auth/campus/start")).page(), spoof).send();

        assert_eq!(page.status, 303, "{spoof:?}");
        let to = Url::parse(page.header("location").unwrap()).unwrap();
        assert_eq!(to.origin().ascii_serialization(), stage.provider.issuer, "{spoof:?}");
        let back = parameter(&to, "redirect_uri");
        assert_eq!(back.as_deref(), Some("https://lodge.example.edu/auth/campus/callback"), "{spoof:?}");
        for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
            assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{spoof:?}: {cookie}");
            assert!(cookie.contains("; Path=/;") && !cookie.to_lowercase().contains("domain"), "{spoof:?}: {cookie}");
        }
    }
}

#[test]
fn our_metadata_names_the_configured_address() {
    let stage = Stage::planned(|_| {}, |plan, _| plan.public_url("https://lodge.example.edu"));
    for spoof in SPOOFS {
        let page = with(raw::get(&stage.url("/.well-known/oauth-authorization-server")), spoof).send();

        let metadata = page.json();
        assert_eq!(
            metadata["issuer"].as_str().unwrap().trim_end_matches('/'),
            "https://lodge.example.edu",
            "{spoof:?}"
        );
        for (name, value) in metadata.as_object().unwrap() {
            if name.ends_with("_endpoint") {
                assert!(value.as_str().unwrap().starts_with("https://lodge.example.edu/"), "{spoof:?}: {name} {value}");
            }
        }
    }
}
