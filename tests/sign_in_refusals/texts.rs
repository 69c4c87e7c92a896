//! What people and providers are called: nothing of it becomes a line of the log, a part of a page, or a person (6.8).

use lodge::domain::sign_in::SignInRefusal as Why;
use serde_json::json;

use super::stage::Stage;
use super::table::Row;
use super::{Case, play};
use crate::support::evil_provider::Lie;
use crate::support::logs;
use crate::support::raw;
use crate::support::visitor::{Page, Visitor};

/// What somebody or something is called.
struct Text {
    id: &'static str,
    what: &'static str,
    name: &'static str,
}

const fn text(id: &'static str, what: &'static str, name: &'static str) -> Text {
    Text { id, what, name }
}

#[rustfmt::skip]
const NAMES: &[Text] = &[
    text("T1.1", "a name in two lines", "Sam\r\n2026-11-22T00:00:00Z  WARN lodge: marker"),
    text("T1.2", "a name that colours a terminal", "\u{1b}[31mSam\u{1b}[2J marker"),
    text("T1.3", "a name with a line separator", "Sam\u{2028}marker\u{2029}"),
    text("T1.4", "a name that turns round", "Sam \u{202e}rekram\u{202c} marker"),
    text("T1.5", "a name that is a script", "<script>alert('marker')</script>"),
    text("T1.6", "a name that leaves an attribute", "\" onmouseover=\"marker()\" x='"),
    text("T1.7", "a name for a template", "{{ 7*7 }}{% marker %}${7*7}"),
    text("T1.8", "a name with letters put together", "Jose\u{301} marker"),
    text("T1.9", "a name with letters that look the same", "S\u{430}m Student marker"),
    text("T1.10", "a name of no width", "\u{200b}\u{200d}\u{feff}"),
    text("T1.11", "a name with a zero", "Sam\u{0}marker"),
    text("T1.12", "a wide name", "\u{ff33}\u{ff41}\u{ff4d} marker"),
    text("T1.13", "a name of another's address", "pi@example.edu marker"),
    text("T1.14", "a formula", "=HYPERLINK(\"https://evil.example\") marker"),
];

#[rustfmt::skip]
const GROUPS: &[Text] = &[
    text("T2.1", "a group that is a script", "<script>alert('marker')</script>"),
    text("T2.2", "a group that leaves an attribute", "\"><img src=x onerror=marker()>"),
    text("T2.3", "a group that htmx would read", "x\" hx-get=\"/sign-out\" hx-trigger=\"load marker"),
    text("T2.4", "a group with letters put together, where the mapping has one letter", "vision-e\u{301}tudiants"),
    text("T2.5", "a group for a template", "{{ 7*7 }}{% marker %}"),
    text("T2.6", "a group that is the mapped one and a space", "vision-students "),
];

#[rustfmt::skip]
const OTHERS: &[(&str, &str, &str, &str)] = &[
    ("T3.1", "a browser that calls itself a script, with letters that turn round", "Firefox", "signs in: it is text among one's sessions, and no line of the log"),
    ("T3.2", "a path, a host or a method that is a line of the log", "a path", "no line of the log repeats it"),
    ("T4.2", "every text that a provider may send with a refusal", "none", "no page and no line of the log repeats it"),
    ("T5.1", "names in every form, one after another", "a plain one", "one person"),
    ("T5.2", "a subject with capital letters", "the subject", "two people"),
];

fn sized() -> Vec<Case> {
    vec![
        Case::harmless(
            "T1.20",
            "a name of 300 letters: cut",
            "nnnnnnnnnn",
            [Lie::Claims(|c| c["name"] = json!("n".repeat(300)))],
        ),
        Case::harmless(
            "T1.21",
            "a name of 20,000 letters: cut",
            "nnnnnnnnnn",
            [Lie::Claims(|c| c["name"] = json!("n".repeat(20_000)))],
        ),
        Case::harmless(
            "T1.22",
            "a name that is a list: none",
            super::STUDENT,
            [Lie::Claims(|c| c["name"] = json!(["evil"]))],
        ),
        Case::refused(
            "T2.20",
            "a group that colours a terminal",
            Why::Groups,
            [Lie::Claims(|c| {
                c["groups"] = json!(["\u{1b}[31mevil"]);
            })],
        ),
        Case::refused(
            "T2.21",
            "a group in two lines",
            Why::Groups,
            [Lie::Claims(|c| {
                c["groups"] = json!(["a\r\nWARN evil"]);
            })],
        ),
        Case::refused(
            "T4.1",
            "an error whose description is a line of the log",
            Why::Declined,
            [Lie::Callback(|answer| {
                answer.retain(|(name, _)| name != "code");
                answer.push(("error".to_owned(), "access_denied".to_owned()));
                answer
                    .push(("error_description".to_owned(), "\r\n2026 WARN evil \u{1b}[31m\u{2028}\u{202e}".to_owned()));
            })],
        )
        .untraded(),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let names = NAMES.iter().map(|it| {
        Row::new(it.id, it.what, "a plain name", "signs in: it is text on a page, and the person is the same")
    });
    let groups = GROUPS
        .iter()
        .map(|it| Row::new(it.id, it.what, "the mapped group", "signs in: it is text on a page, and gives no role"));
    let others = OTHERS.iter().map(|(id, what, twin, outcome)| Row::new(id, what, twin, outcome));
    names.chain(groups).chain(others).chain(sized().iter().map(Row::from)).collect()
}

/// What is wrong with a page that has this text of a stranger's in it.
fn flaw(page: &Page, told: &str) -> Option<String> {
    let bad = page.body.chars().find(|c| c.is_control() && *c != '\n');
    if let Some(bad) = bad {
        return Some(format!("{bad:?} in {}", page.body));
    }
    let is_markup = told.contains(['<', '>', '"', '\'', '&']) && page.body.contains(told);
    (is_markup
        || page.body.replacen("<script src=\"/assets/lodge.js", "", 1).contains("<script")
        || page.body.contains("<img"))
    .then(|| page.body.clone())
}

impl Stage {
    fn page_with(&self, lies: &[Lie]) -> Page {
        self.clock.advance(chrono::TimeDelta::seconds(1));
        self.provider.lie(lies);
        let page = Visitor::new().open(&self.url("/auth/campus/start"));
        assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
        page
    }
}

/// Who a page says that one is.
fn person(page: &Page) -> String {
    let text = page.text();
    let (_, after) = text.split_once("in the ledger ").unwrap_or_else(|| panic!("nobody: {text}"));
    after.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn what_somebody_is_called_is_text_and_nobody_else() {
    let stage = Stage::new();
    let plain = person(&stage.page_with(&[]));
    for Text { id, what, name } in NAMES {
        let page = stage.page_with(&[Lie::Text("name", name)]);

        assert_eq!(flaw(&page, name), None, "{id} {what}");
        assert_eq!(person(&page), plain, "{id} {what}");
        for turned in ['\u{202e}', '\u{2028}', '\u{200b}', '\u{feff}'] {
            assert!(!page.body.contains(turned), "{id} {what}: {turned:?}");
        }
    }
    assert_eq!(logs::with("marker"), [""; 0]);
    let other = stage.page_with(&[Lie::Claims(|c| c["sub"] = json!("Subject-1"))]);
    assert_ne!(person(&other), plain);
}

#[test]
fn what_a_group_is_called_is_text_and_no_other_group() {
    let stage = Stage::new();
    let lab = crate::support::broker::seed(&stage.broker.broker);
    crate::support::serving::wait(async {
        let seeding = lodge::playground::Seeding::new(&stage.broker.broker).unwrap();
        seeding.add_mapping(&lab, "campus", "vision-\u{e9}tudiants", "read-results").await.unwrap();
    });
    let page = stage.page_with(&[]);
    assert!(page.text().contains("vision/read-results"), "the twin: {}", page.text());
    let page = stage.page_with(&[Lie::Claims(|c| c["groups"] = json!(["vision-\u{e9}tudiants"]))]);
    assert!(page.text().contains("vision/read-results"), "the twin: {}", page.text());
    for Text { id, what, name } in GROUPS {
        let page = stage.page_with(&[Lie::Text("groups", name)]);

        assert_eq!(flaw(&page, name), None, "{id} {what}");
        assert!(!page.text().contains("vision/read-results"), "{id} {what}: {}", page.text());
    }
    assert_eq!(logs::with("marker"), [""; 0]);
}

#[test]
fn names_and_groups_that_are_too_much_come_to_what_is_documented() {
    play(&sized());
}

#[test]
fn what_a_browser_calls_itself_is_text() {
    let stage = Stage::new();
    stage.provider.lie(&[]);
    let agents = [
        "<script>alert('agent-marker')</script>",
        "Mozilla/5.0 \u{202e}agent-marker\u{2028}",
        "Mozilla/5.0 (X11; Linux) \"; agent-marker=\"x",
        &"agent-marker".repeat(300),
    ];
    for agent in agents {
        let start = raw::get(&stage.url("/auth/campus/start")).page().header("user-agent", agent).send();
        let cookie = start.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let callback = raw::get(start.location().unwrap().as_str()).send().location().unwrap();
        let back = raw::get(callback.as_str()).page().header("user-agent", agent).header("cookie", &cookie).send();
        let session = back.headers.iter().find(|(name, value)| name == "set-cookie" && value.contains("lodge_session"));
        let session =
            session.unwrap_or_else(|| panic!("{agent}: {}", back.text())).1.split(';').next().unwrap().to_owned();
        for path in ["/", "/sessions"] {
            let page = raw::get(&stage.url(path)).page().header("user-agent", agent).header("cookie", &session).send();

            assert_eq!(page.status, 200, "{path}: {}", page.text());
            assert_eq!(flaw(&page, agent), None, "{path} {agent}");
            assert!(!page.body.contains(['\u{202e}', '\u{2028}']), "{path}: {}", page.body);
        }
    }
    assert_eq!(logs::with("agent-marker"), [""; 0]);
}

#[test]
fn what_is_asked_for_is_nowhere_in_the_log() {
    let stage = Stage::new();
    for path in [
        "/auth/path-marker%0d%0aWARN%20evil/start",
        "/path-marker%1b[31m",
        "/sign-in?return_to=path-marker%0d%0a",
        "/auth/campus/callback?state=path-marker%0d%0a&code=path-marker&iss=path-marker&error=path-marker",
        "/invitations/path-marker%e2%80%ae",
        "/oauth/authorize?client_id=path-marker%0a&host=path-marker%1b",
    ] {
        let page = raw::get(&stage.url(path)).page().header("referer", "https://evil.example/path-marker").send();
        assert!(page.status < 500, "{path}: {}", page.status);
    }
    assert_eq!(logs::with("path-marker"), [""; 0]);
}
