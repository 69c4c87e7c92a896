//! No header of a request makes an address of ours, for those who are signed in either; and nobody is led elsewhere.

use lodge::app::ReturnTo;
use lodge::http::routes::ROUTES;
use url::Url;

use super::{is_get, right};
use crate::routes::Stage;
use crate::support::databases::Kind;

/// What a stranger's link, or a proxy that was set up carelessly, may send.
const SPOOFS: [&[(&str, &str)]; 5] = [
    &[("host", "evil.example")],
    &[("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "evil"), ("x-forwarded-port", "6666")],
    &[("forwarded", "host=evil.example;proto=evil")],
    &[("x-original-url", "/evil"), ("x-rewrite-url", "/evil"), ("x-forwarded-prefix", "/evil"), ("x-host", "evil")],
    &[("referer", "https://evil.example/"), ("x-forwarded-server", "evil.example")],
];

#[test]
fn no_header_makes_an_address_on_any_page_of_who_is_signed_in() {
    let stage = Stage::on(Kind::Sqlite);
    let mut walked = 0;
    for route in ROUTES.iter().filter(is_get) {
        for spoof in SPOOFS {
            let (caller, request) = right(&stage, route);
            let ask = request.by(&stage, &caller).page();
            let page = spoof.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send();

            assert!(request.answers.contains(&page.status), "{} {spoof:?}: {}", route.path, page.status);
            let told = page.headers.iter().map(|(_, value)| value.as_str()).chain([page.body.as_str()]);
            let told: Vec<_> = told.filter(|text| text.contains("evil") || text.contains(":6666")).collect();
            assert!(told.is_empty(), "{} {spoof:?}: {told:?}", route.path);
            walked += 1;
        }
    }
    assert!(walked >= 100, "{walked}");
}

#[test]
fn an_invitation_s_link_is_of_the_configured_address_whatever_the_request_says() {
    let stage = Stage::on(Kind::Sqlite);
    for path in ["/operator/labs/{lab}/invitation", "/api/v1/operator/labs/{lab}/invitation"] {
        let route = ROUTES.iter().find(|route| route.path == path && route.method == "post").unwrap();
        for spoof in &SPOOFS[1..] {
            let (caller, request) = right(&stage, route);
            let ask = request.by(&stage, &caller);
            let page = spoof.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send();

            assert!(request.answers.contains(&page.status), "{}", page.status);
            assert!(page.body.contains(&format!("{}/invitations/lodge_inv_", stage.labs.running.url)), "{}", page.body);
            assert!(!page.body.contains("evil"), "{spoof:?}: {}", page.body);
        }
    }
}

#[test]
fn no_page_to_return_to_is_elsewhere() {
    let ours = Url::parse("https://lodge.example.edu/sign-in").unwrap();
    let (mut taken, mut refused) = (0, 0);
    let starts =
        ["", "/", "/labs/", "/labs", "/operator/", "/operator", "/oauth/authorize?", "/sessions", "/invitation"];
    let ends = [
        "",
        "//evil.example",
        "/evil.example",
        "\\evil.example",
        "/\\evil.example",
        "..//evil.example",
        "../..//evil.example",
        "%2e%2e//evil.example",
        "%2e%2e/%2e%2e//evil.example",
        "%2f%2fevil.example",
        "@evil.example",
        ".evil.example",
        ":80@evil.example",
        "https://evil.example",
        "javascript:x",
        "\tevil.example",
        "\r\nlocation: https://evil.example",
        "\u{2028}",
        "?next=https://evil.example",
        "#https://evil.example",
        "\u{0}",
        "．．／／evil.example",
    ];
    for text in starts.iter().flat_map(|start| ends.iter().map(move |end| format!("{start}{end}"))) {
        // Once as a browser reads it, once as one that is lenient does.
        let Ok(page) = text.parse::<ReturnTo>() else {
            refused += 1;
            continue;
        };
        let to = ours.join(page.as_str()).unwrap();
        assert_eq!(to.origin(), ours.origin(), "{text:?} leads to {to}");
        assert!(page.as_str().bytes().all(|b| b.is_ascii_graphic() && b != b'\\'), "{text:?}");
        assert!(!page.as_str().starts_with("//"), "{text:?}");
        taken += 1;
    }
    assert!(taken > 20 && refused > 100, "{taken} {refused}");
}
