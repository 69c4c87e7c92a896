//! How a job is told: who does what in the browser, step by step, whatever they do it with.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use chrono::TimeDelta;
use lodge::ambient::ManualClock;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Seen, Window};
use crate::support::world::World;

/// What people press and fill with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Mouse,
    /// No mouse at all: Tab, Enter, Space, arrows and letters.
    Keyboard,
    /// A mouse, and no script of the pages runs.
    NoScript,
}

/// A job in the making: its people with their windows.
pub(super) struct Play<'a> {
    pub(super) world: &'a World,
    /// The world's, where the job is about time.
    pub(super) clock: Option<&'a ManualClock>,
    browser: &'a Browser,
    manner: Manner,
    windows: RefCell<BTreeMap<String, Window<'a>>>,
    seen: Cell<Witness>,
}

/// What shows that a job was done in its manner.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    mouse_presses: u64,
    scripts: usize,
}

impl<'a> Play<'a> {
    pub(super) fn new(browser: &'a Browser, world: &'a World, clock: Option<&'a ManualClock>, manner: Manner) -> Self {
        Self { world, clock, browser, manner, windows: RefCell::default(), seen: Cell::default() }
    }

    /// An address of the broker.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.world.url)
    }

    /// Somebody goes through these steps, in their own window. Fails on whatever a page must never do, at any step.
    pub(super) fn by(&self, who: &str, steps: &[Value]) -> Seen {
        let mut windows = self.windows.borrow_mut();
        let window = windows.entry(who.to_owned()).or_insert_with(|| self.browser.window(who, self.settings()));
        let seen = window.go(steps);
        let Witness { mouse_presses, scripts } = self.seen.get();
        self.seen
            .set(Witness { mouse_presses: mouse_presses + seen.mouse_presses(), scripts: scripts + seen.scripts() });
        let unexpected: Vec<String> =
            seen.complaints().into_iter().filter(|complaint| !was_expected(complaint, steps)).collect();
        assert_eq!(unexpected, [] as [String; 0], "{who}, {:?}, at {}", self.manner, seen.url());
        seen
    }

    /// The text that the last of these steps reads.
    pub(super) fn told(&self, who: &str, steps: &[Value]) -> String {
        (*self.by(who, steps).texts().last().unwrap()).to_owned()
    }

    /// Holds that it was all done in its manner.
    pub(super) fn was_done_in_its_manner(&self) {
        let Witness { mouse_presses, scripts } = self.seen.get();
        let wanted = match self.manner {
            Manner::Mouse => (true, true),
            Manner::Keyboard => (false, true),
            // No listener runs without a script, so nothing counts the presses.
            Manner::NoScript => (false, false),
        };
        assert_eq!((mouse_presses > 0, scripts > 0), wanted, "a mouse was pressed, scripts were fetched");
    }

    /// How often a mouse was pressed so far, where a script could count it.
    pub(super) fn mouse_presses(&self) -> u64 {
        self.seen.get().mouse_presses
    }

    pub(super) const fn manner(&self) -> Manner {
        self.manner
    }

    /// Lets time pass for everybody.
    pub(super) fn later(&self, by: TimeDelta) {
        self.clock.unwrap().advance(by);
    }

    /// Closes all windows.
    pub(super) fn over(self) {
        for (_, window) in self.windows.into_inner() {
            window.close();
        }
    }

    fn settings(&self) -> Value {
        // A telephone where it matters least what one presses with; the keyboard belongs to a desk.
        let (width, height) = if self.manner == Manner::Keyboard { (1280, 800) } else { (360, 740) };
        json!({
            "javascript": self.manner != Manner::NoScript,
            "manner": if self.manner == Manner::Keyboard { "keyboard" } else { "mouse" },
            "viewport": { "width": width, "height": height },
            "never_sideways": true,
            "timeout_ms": 20_000,
        })
    }
}

/// Chromium itself notes a status that is an error, as these steps say that it is to be.
fn was_expected(complaint: &str, steps: &[Value]) -> bool {
    let noted = |status: &Value| complaint.contains(&format!("responded with a status of {status} "));
    complaint.starts_with("console_errors: ") && steps.iter().any(|step| noted(&step["expect_status"]))
}

pub(super) fn open(url: &str) -> Value {
    json!({ "goto": url })
}

pub(super) fn press(button: &str) -> Value {
    json!({ "click": { "role": "button", "name": button } })
}

pub(super) fn follow(link: &str) -> Value {
    json!({ "click": { "role": "link", "name": link } })
}

/// Presses what a CSS selector says.
pub(super) fn press_at(selector: &str) -> Value {
    json!({ "click": { "selector": selector } })
}

pub(super) fn fill(label: &str, value: &str) -> Value {
    json!({ "fill": { "label": label, "value": value } })
}

/// Pastes a text into what a CSS selector says.
pub(super) fn paste_at(selector: &str, text: &str) -> Value {
    json!({ "paste": { "selector": selector, "value": text } })
}

pub(super) fn choose(label: &str, option: &str) -> Value {
    json!({ "choose": { "label": label, "option": option } })
}

pub(super) fn tick(selector: &str) -> Value {
    json!({ "tick": { "selector": selector } })
}

pub(super) fn sees(text: &str) -> Value {
    json!({ "expect_text": text })
}

pub(super) fn sees_no(text: &str) -> Value {
    json!({ "expect_no_text": text })
}

pub(super) fn title(pattern: &str) -> Value {
    json!({ "expect_title": pattern })
}

pub(super) fn at(pattern: &str) -> Value {
    json!({ "expect_url": pattern })
}

pub(super) fn status(status: u16) -> Value {
    json!({ "expect_status": status })
}

/// Reads a text letter by letter, line by line.
pub(super) fn copy(selector: &str) -> Value {
    json!({ "copy": { "selector": selector } })
}

pub(super) fn read(selector: &str) -> Value {
    json!({ "read": { "selector": selector } })
}

pub(super) fn download(link: &str) -> Value {
    json!({ "download": { "role": "link", "name": link } })
}

/// What the file that was last downloaded is called.
pub(super) fn file(pattern: &str) -> Value {
    json!({ "expect_file": pattern })
}

/// What somebody does on the identity provider's page to be signed in.
pub(super) fn be(name: &str) -> Value {
    press_at(&format!("button[name=person][value='{}']", subject(name)))
}

/// The same by a second factor.
pub(super) fn be_with_second_factor(name: &str) -> Value {
    press_at(&format!("button[name=second_factor][value$='{}']", subject(name)))
}

fn subject(name: &str) -> String {
    let mut people = lodge::demo::seed::people().into_iter();
    people.find(|person| person.username == name).unwrap().subject
}
