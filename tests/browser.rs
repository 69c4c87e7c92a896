//! A real browser on the real pages: every click works under the pages' own content policy, nothing is complained about
//! in the console, and every page fits a telephone and a dark room. Pictures of all of it are kept to be looked at.

use std::path::{Path, PathBuf};

use lodge::playground::Seeding;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::browser::{self, Seen};
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::world::World;

const PEERS: [Peer; 2] = [Peer::Node, Peer::Chromium];

/// The widths that pages are looked at: a laptop and a small telephone.
const VIEWPORTS: [(&str, u32, u32); 2] = [("wide", 1280, 800), ("narrow", 390, 844)];

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

/// Where pictures of these pages go, and the pictures taken so far.
struct Album {
    folder: PathBuf,
    name: String,
    taken: Vec<PathBuf>,
}

impl Album {
    fn new(viewport: &str, scheme: &str) -> Self {
        let folder = peers::artefacts().join("pages");
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, name: format!("{viewport}-{scheme}"), taken: Vec::new() }
    }

    fn picture_of(&mut self, page: &str) -> Value {
        let file = self.folder.join(format!("{page}-{}.png", self.name));
        self.taken.push(file.clone());
        json!({ "screenshot": file })
    }
}

/// The width of a picture, in pixels. Source: the PNG specification, section 11.2.2 (IHDR).
fn width_of(picture: &Path) -> u32 {
    let bytes = std::fs::read(picture).unwrap_or_else(|e| panic!("{}: {e}", picture.display()));
    assert_eq!(&bytes[12..16], b"IHDR", "{}", picture.display());
    u32::from_be_bytes(bytes[16..20].try_into().unwrap())
}

/// Every page there is, in the order in which somebody meets them: first `student`, then `guest`.
fn tour(world: &World, helper_url: &str, album: &mut Album) -> Vec<Value> {
    let click = |role: &str, name: &str| json!({ "click": { "role": role, "name": name } });
    let mut steps = vec![
        json!({ "goto": world.url }),
        json!({ "expect_text": "Keys for an afternoon" }),
        album.picture_of("welcome"),
        click("link", "Sign in"),
        json!({ "expect_title": "^Sign in - Example University$" }),
        album.picture_of("provider"),
        json!({ "click": button_of("student") }),
        json!({ "expect_title": "^Your roles · Lodge$" }),
        json!({ "expect_text": "vision/read-results" }),
        json!({ "expect_no_text": "vision/pay" }),
        album.picture_of("home-student"),
        json!({ "goto": helper_url }),
        json!({ "expect_title": "^Let the helper act for you" }),
        album.picture_of("confirm"),
        click("button", "Yes, it is me"),
        json!({ "expect_title": "^You are signed in - Lodge$" }),
        album.picture_of("signed-in"),
        json!({ "goto": world.url }),
        click("link", "Your sessions"),
        json!({ "expect_title": "^Your sessions · Lodge$" }),
        json!({ "expect_text": "Chrome on Linux this browser" }),
        album.picture_of("sessions"),
        click("button", "End all others"),
        json!({ "expect_title": "^Your sessions · Lodge$" }),
        json!({ "expect_no_text": "lodge on" }),
        click("button", "Sign out"),
        json!({ "expect_text": "Keys for an afternoon" }),
    ];
    steps.extend([
        click("link", "Sign in"),
        json!({ "click": button_of("guest") }),
        json!({ "expect_title": "^Your roles · Lodge$" }),
        json!({ "expect_text": "You have no role yet" }),
        album.picture_of("home-guest"),
        click("button", "Sign out"),
        click("link", "Sign in"),
        json!({ "click": button_of("postdoc") }),
        json!({ "expect_text": "vision/pay" }),
        album.picture_of("home-postdoc"),
    ]);
    steps
}

#[test]
fn every_page_fits_wide_and_narrow_in_light_and_dark() {
    if !peers::require("every_page_fits_wide_and_narrow_in_light_and_dark", &PEERS) {
        return;
    }
    let world = World::start();
    for (viewport, width, height) in VIEWPORTS {
        for scheme in ["light", "dark"] {
            let student = Person::new("student");
            let (helper, url) = student.begin_login(&world.url);
            let mut album = Album::new(viewport, scheme);
            let steps = tour(&world, url.as_str(), &mut album);

            let size = json!({ "width": width, "height": height });
            let seen = browser::run_with(&json!({ "steps": steps, "viewport": size, "scheme": scheme }));

            assert_clean(&seen);
            assert_eq!(helper.wait().status.code(), Some(0));
            for picture in &album.taken {
                assert_eq!(width_of(picture), width, "{} must be scrolled sideways", picture.display());
            }
        }
    }
}

#[test]
fn an_invitation_is_accepted_by_two_clicks() {
    if !peers::require("an_invitation_is_accepted_by_two_clicks", &PEERS) {
        return;
    }
    let world = World::start();
    let seeding = Seeding::new(&world.broker).unwrap();
    for (viewport, width, height) in VIEWPORTS {
        for scheme in ["light", "dark"] {
            let invited = world.wait_for(seeding.desk().invite_pi(&"language".parse().unwrap())).unwrap();
            let link = invited.link.expose_secret();
            let mut album = Album::new(viewport, scheme);
            let steps = json!([
                { "goto": link },
                { "expect_title": "^Sign in - Example University$" },
                { "click": button_of("guest") },
                { "expect_title": "^Become PI of Language Lab\\? · Lodge$" },
                { "expect_text": "You are Robin Vale, signed in at Example University." },
                { "expect_text": "444455556666" },
                album.picture_of("invitation"),
                { "click": { "role": "button", "name": "Yes, I am its PI" } },
                { "expect_title": "^Your roles · Lodge$" },
                { "expect_text": "PI of language" },
                album.picture_of("home-new-pi"),
            ]);

            let size = json!({ "width": width, "height": height });
            let seen = browser::run_with(&json!({ "steps": steps, "viewport": size, "scheme": scheme }));

            assert_clean(&seen);
            assert_eq!(seen.url(), format!("{}/", world.url), "the token is in no address any more");
            for picture in &album.taken {
                assert_eq!(width_of(picture), width, "{} must be scrolled sideways", picture.display());
            }
        }
    }
}

#[test]
fn a_page_that_is_too_wide_is_noticed() {
    if !peers::require("a_page_that_is_too_wide_is_noticed", &PEERS) {
        return;
    }
    let mut album = Album::new("narrow", "light");

    browser::run_with(&json!({ "viewport": { "width": 390, "height": 844 }, "steps": [
        { "goto": "data:text/html,<!doctype html><p style='width:500px'>wide" },
        album.picture_of("too-wide"),
    ]}));

    assert!(width_of(&album.taken[0]) >= 500);
}

#[test]
fn a_refused_sign_in_is_a_page_that_begins_again() {
    if !peers::require("a_refused_sign_in_is_a_page_that_begins_again", &PEERS) {
        return;
    }
    let world = World::start();
    let connection = lodge::demo::seed::CONNECTION;
    for (viewport, width, height) in VIEWPORTS {
        for scheme in ["light", "dark"] {
            let mut album = Album::new(viewport, scheme);
            let size = json!({ "width": width, "height": height });
            let steps = json!([
                { "goto": format!("{}/auth/{connection}/callback?code=a&state=b", world.url) },
                { "expect_status": 400 },
                { "expect_text": "Reference: act-" },
                album.picture_of("refused"),
                { "click": { "role": "link", "name": "Begin again" } },
                { "expect_title": "^Sign in - Example University$" },
            ]);

            let seen = browser::run_with(&json!({ "steps": steps, "viewport": size, "scheme": scheme }));

            // Chromium notes the status itself; there is nothing else to note.
            let noted = seen.complaints();
            assert!(noted.len() == 1 && noted[0].contains("400 (Bad Request)"), "{noted:?}");
            assert_eq!(width_of(&album.taken[0]), width);
        }
    }
}

#[test]
fn a_problem_is_a_page_that_leads_back() {
    if !peers::require("a_problem_is_a_page_that_leads_back", &PEERS) {
        return;
    }
    let world = World::start();
    let mut album = Album::new("narrow", "light");

    let seen = browser::run_with(&json!({ "viewport": { "width": 390, "height": 844 }, "steps": [
        { "goto": format!("{}/oauth/authorize", world.url) },
        { "expect_status": 400 },
        { "expect_text": "Something is missing from this address. Run lodge login again." },
        album.picture_of("problem"),
        { "click": { "role": "link", "name": "To the first page" } },
        { "expect_text": "Keys for an afternoon" },
    ]}));

    // Chromium notes the status itself; there is nothing else to note.
    let noted = seen.complaints();
    assert!(noted.len() == 1 && noted[0].contains("400 (Bad Request)"), "{noted:?}");
    assert_eq!(width_of(&album.taken[0]), 390);
}
