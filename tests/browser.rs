//! A real browser on the way from a helper to the broker and back: every click works under the pages' own content policy,
//! and nothing is complained about in the console. What else people do in a browser is in `tests/console_walk/`.

use serde_json::{Value, json};

use crate::support::browser::{self, Seen};
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::world::World;

const PEERS: [Peer; 2] = [Peer::Node, Peer::Chromium];

/// The button of somebody at the identity provider.
fn button_of(name: &str) -> Value {
    let people = lodge::demo::seed::people();
    let subject = &people.iter().find(|person| person.username == name).unwrap().subject;
    json!({ "selector": format!("button[value='{subject}']") })
}

/// The steps from a helper's address, clicked by somebody, to this button of the broker's.
fn confirmation(url: &str, name: &str, button: &str) -> Vec<Value> {
    vec![
        json!({ "goto": url }),
        json!({ "expect_title": "^Sign in - Example University$" }),
        json!({ "click": button_of(name) }),
        json!({ "expect_title": "^Let the helper act for you\\? · Lodge$" }),
        json!({ "expect_status": 200 }),
        json!({ "read": { "selector": "h1" } }),
        json!({ "click": { "role": "button", "name": button } }),
    ]
}

/// Fails when the browser had anything to complain about.
fn assert_clean(seen: &Seen) {
    assert_eq!(seen.complaints(), [] as [String; 0]);
}

#[test]
fn yes_in_the_browser_signs_the_helper_in() {
    if !peers::require("yes_in_the_browser_signs_the_helper_in", &PEERS) {
        return;
    }
    let world = World::start();
    let student = Person::new("student");
    let (helper, url) = student.begin_login(&world.url);

    let mut steps = confirmation(url.as_str(), "student", "Yes, it is me");
    // The way there is a refresh from a page of ours: no redirect may follow the form.
    steps.push(json!({ "expect_title": "^You are signed in - Lodge$" }));
    steps.push(json!({ "expect_text": "You can close this page and go back to the terminal." }));
    let seen = browser::run(&steps.into());
    let ended = helper.wait();

    assert_clean(&seen);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("vision/read-results"), "{}", ended.stderr);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(seen.texts(), [format!("Let lodge on {} act for you?", host.trim())]);
    assert!(student.ask_for("vision/read-results").status.success());
}

#[test]
fn no_in_the_browser_gives_the_helper_nothing() {
    if !peers::require("no_in_the_browser_gives_the_helper_nothing", &PEERS) {
        return;
    }
    let world = World::start();
    let student = Person::new("student");
    let (helper, url) = student.begin_login(&world.url);

    let mut steps = confirmation(url.as_str(), "student", "No");
    steps.push(json!({ "expect_title": "^You declined - Lodge$" }));
    let seen = browser::run(&steps.into());
    let ended = helper.wait();

    assert_clean(&seen);
    assert_eq!(ended.status.code(), Some(1));
    let last = ended.stderr.lines().last();
    assert_eq!(last, Some("lodge: the sign-in was declined in the browser; nothing was stored"));
    assert_eq!(student.ask_for("vision/read-results").status.code(), Some(4));
}

#[test]
fn the_browser_needs_no_script_of_ours() {
    if !peers::require("the_browser_needs_no_script_of_ours", &PEERS) {
        return;
    }
    let world = World::start();
    let student = Person::new("student");
    let (helper, url) = student.begin_login(&world.url);

    let mut steps = confirmation(url.as_str(), "student", "Yes, it is me");
    steps.push(json!({ "expect_title": "^You are signed in - Lodge$" }));
    let seen = browser::run_with(&json!({ "steps": steps, "javascript": false }));

    assert_clean(&seen);
    assert_eq!(helper.wait().status.code(), Some(0));
}

/// Fails when the browser noted anything but that the page's own status is an error, which Chromium notes by itself.
fn assert_clean_but_for_400(seen: &Seen) {
    let noted = seen.complaints();
    assert!(noted.len() == 1 && noted[0].contains("400 (Bad Request)"), "{noted:?}");
}

#[test]
fn a_refused_sign_in_is_a_page_that_begins_again() {
    if !peers::require("a_refused_sign_in_is_a_page_that_begins_again", &PEERS) {
        return;
    }
    let world = World::start();
    let connection = lodge::demo::seed::CONNECTION;

    let seen = browser::run(&json!([
        { "goto": format!("{}/auth/{connection}/callback?code=a&state=b", world.url) },
        { "expect_status": 400 },
        { "expect_text": "Reference: act-" },
        { "click": { "role": "link", "name": "Begin again" } },
        { "expect_title": "^Sign in - Example University$" },
    ]));

    assert_clean_but_for_400(&seen);
}

#[test]
fn a_problem_is_a_page_that_leads_back() {
    if !peers::require("a_problem_is_a_page_that_leads_back", &PEERS) {
        return;
    }
    let world = World::start();

    let seen = browser::run(&json!([
        { "goto": format!("{}/oauth/authorize", world.url) },
        { "expect_status": 400 },
        { "expect_text": "Something is missing from this address. Run lodge login again." },
        { "click": { "role": "link", "name": "To the first page" } },
        { "expect_text": "Keys for an afternoon" },
    ]));

    assert_clean_but_for_400(&seen);
}
