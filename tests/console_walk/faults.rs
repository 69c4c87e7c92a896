//! The harness itself: what a page may do wrong, planted, is noticed each time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::browser::{Browser, Seen};
use crate::support::peers::{self, Peer};

/// The page's own policy, with style in the page, which planted faults need.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// A server that answers everything with this page, under that policy.
fn serve(main: &str) -> String {
    let page = format!(
        "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Planted</title>\
         <link rel=icon href='data:,'><style>a, button, input {{ display: inline-block; min-height: 30px; margin: 8px }}\
         </style><main><h1>Planted</h1><p>A page.</p>{main}</main></html>"
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let mut caller = caller.unwrap();
            let mut lines = BufReader::new(caller.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = write!(
                caller,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-security-policy: {POLICY}\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    url
}

/// What is seen of a page that is looked at as every page of the console is.
fn looked_at(browser: &Browser, name: &str, main: &str) -> Seen {
    let folder = peers::artefacts().join("planted");
    std::fs::create_dir_all(&folder).unwrap();
    let views = json!([
        { "name": "wide-light", "width": 1280, "height": 800, "scheme": "light" },
        { "name": "narrow-dark", "width": 360, "height": 740, "scheme": "dark" },
    ]);
    let window = browser.window(name, json!({ "timeout_ms": 3_000 }));
    let seen = window.attempt(&[
        json!({ "goto": serve(main) }),
        json!({ "gallery": { "folder": folder, "name": name, "views": views } }),
        json!({ "tab_through": true }),
    ]);
    window.close();
    seen
}

/// Everything that was wrong, in one text.
fn wrong(seen: &Seen) -> String {
    seen.complaints().into_iter().chain(seen.failure()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_page_without_fault_passes_and_each_planted_fault_is_caught() {
    let name = "a_page_without_fault_passes_and_each_planted_fault_is_caught";
    if !peers::require(name, &[Peer::Node, Peer::Chromium]) {
        return;
    }
    let browser = Browser::start();
    let fine = "<form><label for=g>Group</label> <input id=g name=g> <button>Save</button> <a href='/'>Back</a></form>";
    let faults = [
        ("contrast", "<p style='color:#bbb;background:#fff'>Who can read this?</p>", "color-contrast"),
        ("label", "<form><input name=g></form>", "\"rule\":\"label\""),
        ("button", "<button></button>", "button-name"),
        ("table", "<table style='width:900px'><tr><th scope=col>Wide<tr><td>1</table>", "too_wide"),
        ("script", "<script>document.title = 'mine'</script>", "script-src"),
        ("handler", "<button onclick='1'>Go</button>", "script-src"),
        ("unreachable", "<button tabindex=-1>Delete</button>", "Tab never reaches <button> \\\"Delete\\\""),
        (
            "no-button",
            "<span role=button style='padding:20px'>Press me</span>",
            "Tab never reaches <span> \\\"Press me\\\"",
        ),
        ("unseen", "<style>.n:focus { outline: none }</style><a class=n href='/'>Where am I?</a>", "focus_unseen"),
        (
            "small",
            "<style>b a { min-height: 0; margin: 0; font-size: 8px; display: block }</style>\
            <b><a href='/1'>1</a><a href='/2'>2</a></b>",
            "target-size",
        ),
        ("foreign", "<img alt='' src='http://192.0.2.1/x.png'>", "violations"),
    ];

    assert_eq!(wrong(&looked_at(&browser, "fine", fine)), "");
    for (name, main, caught_as) in faults {
        let wrong = wrong(&looked_at(&browser, name, &format!("{fine}{main}")));
        assert!(wrong.contains(caught_as), "{name} was not caught as {caught_as}:\n{wrong}");
        if let Some(line) = wrong.lines().find(|line| line.starts_with("axe: ")) {
            let found: Value = serde_json::from_str(&line["axe: ".len()..]).unwrap();
            for told in ["rule", "element", "help"] {
                assert!(found[told].as_str().is_some_and(|text| !text.is_empty()), "{line}");
            }
        }
    }
}

#[test]
fn a_trap_for_the_keyboard_is_noticed_and_no_mouse_helps() {
    let name = "a_trap_for_the_keyboard_is_noticed_and_no_mouse_helps";
    if !peers::require(name, &[Peer::Node, Peer::Chromium]) {
        return;
    }
    let browser = Browser::start();
    let url = serve("<a href='/'>First</a> <button tabindex=-1>Delete</button> <button>Save</button>");
    let press = |name: &str| json!({ "click": { "role": "button", "name": name } });
    let steps = |name: &str| [json!({ "goto": url }), press(name)];

    let keyboard = browser.window("keyboard", json!({ "manner": "keyboard", "timeout_ms": 3_000 }));
    let unreachable = keyboard.attempt(&steps("Delete"));
    let reachable = keyboard.attempt(&steps("Save"));
    let mouse = browser.window("mouse", json!({ "timeout_ms": 3_000 })).attempt(&steps("Delete"));

    let complaint = unreachable.failure().unwrap_or_default();
    assert!(complaint.contains("Tab never reaches it; it passes <a> "), "{complaint}");
    assert_eq!((reachable.failure(), reachable.mouse_presses()), (None, 0));
    assert_eq!((mouse.failure(), mouse.mouse_presses()), (None, 1), "a mouse is counted");
}

#[test]
fn without_javascript_no_script_runs_or_is_even_fetched() {
    let name = "without_javascript_no_script_runs_or_is_even_fetched";
    if !peers::require(name, &[Peer::Node, Peer::Chromium]) {
        return;
    }
    let browser = Browser::start();
    let page = "data:text/html,<!doctype html><title>still</title><script>document.title = 'ran'</script>";
    let fetching = serve("<script src='/lodge.js'></script>");

    for (javascript, expected, fetched) in [(true, "^ran$", 1), (false, "^still$", 0)] {
        let window = browser.window("page", json!({ "javascript": javascript, "timeout_ms": 3_000 }));
        window.go(&[json!({ "goto": page }), json!({ "expect_title": expected })]);
        assert_eq!(window.attempt(&[json!({ "goto": fetching })]).scripts(), fetched);
        window.close();
    }
}
