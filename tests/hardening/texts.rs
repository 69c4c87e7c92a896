//! What somebody writes stays where it was written: it makes no header and no line of a log.

use lodge::http::routes::ROUTES;

use super::right;
use crate::routes::Stage;
use crate::routes::requests::{Body, Request};
use crate::support::databases::Kind;
use crate::support::logs;

/// What ends a line, moves a cursor or turns a line round, where it is not seen.
const HOSTILE: [&str; 6] = ["\r\nx-marker: 1", "\n", "\u{1b}[2J\u{1b}[31m", "\u{2028}", "\u{202e}", "\u{85}WARN"];

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Whoever asks, whatever for: the log has the route and nothing of what was sent.
#[test]
fn nothing_that_is_sent_to_any_route_is_in_a_log_or_a_header() {
    const MARKER: &str = "hardening-marker";
    logs::listen();
    let stage = Stage::on(Kind::Sqlite);
    for route in ROUTES {
        for hostile in HOSTILE {
            let (caller, request) = right(&stage, route);
            let text = format!("{MARKER}{hostile}{MARKER}");
            let between = if request.path.contains('?') { '&' } else { '?' };
            let path = format!("{}{between}after={}&x={}", request.path, encoded(&text), encoded(&text));
            let body = match &request.body {
                Body::Form(form) => Body::Form(format!("{form}&name={0}&group={0}&title={0}&x={0}", encoded(&text))),
                Body::Json(_) => Body::Json(serde_json::json!({"name": text, "group": text, "title": text})),
                Body::None => Body::None,
            };
            let ask = Request { path, body, ..request }.by(&stage, &caller).page();
            let page = ask
                .header("user-agent", &format!("{MARKER} {}", text.replace(|c: char| !c.is_ascii_graphic(), "")))
                .send();

            assert!(page.status < 500, "{} {} with {hostile:?}: {}", route.method, route.path, page.status);
            // What was sent may be in an address to come back to, where it is encoded; it makes no header.
            assert_eq!(page.header("x-marker"), None, "{} {}", route.method, route.path);
            let bad = page.headers.iter().find(|(_, value)| value.chars().any(|c| c.is_control() || !c.is_ascii()));
            assert_eq!(bad, None, "{} {} with {hostile:?}", route.method, route.path);
        }
    }
    let written = logs::with(MARKER);
    assert!(written.is_empty(), "{written:#?}");
}

/// What a lab is called stands in the ledger and on pages, and cannot be a text that does more than that.
#[test]
fn a_lab_is_called_nothing_that_could_mislead() {
    use lodge::app::desk::lab_title;

    for hostile in HOSTILE.iter().chain(&["\u{200b}", "\u{feff}", "\u{0}", "\u{2066}", "\u{7f}"]) {
        assert_eq!(lab_title(&format!("Vision{hostile}Lab")), None, "{hostile:?}");
    }
    assert_eq!(lab_title(" Laboratório de Visão 🔬 ").as_deref(), Some("Laboratório de Visão 🔬"));
}
