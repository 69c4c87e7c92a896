//! Chromium, told step by step what to do. The steps are described in `tests/peers/browser.mjs`.

use std::cell::{Cell, RefCell};

use serde_json::{Value, json};

use super::peers;
use super::process::Process;

/// A running Chromium. It opens windows that know nothing of each other.
pub(crate) struct Browser {
    process: RefCell<Process>,
    asked: Cell<usize>,
}

/// A window, with its own cookies.
pub(crate) struct Window<'a> {
    browser: &'a Browser,
    name: String,
    settings: RefCell<Value>,
}

/// What was seen while the steps ran.
#[derive(Debug)]
pub(crate) struct Seen(Value);

/// Runs the steps in a fresh profile; panics with what went wrong when one fails. Needs [`peers::Peer::Node`] and
/// [`peers::Peer::Chromium`].
pub(crate) fn run(steps: &Value) -> Seen {
    run_with(&json!({ "steps": steps }))
}

/// The same, with the other settings that `browser.mjs` takes.
pub(crate) fn run_with(settings: &Value) -> Seen {
    attempt(settings).went_through()
}

/// The same, without a word about a failed step: for tests about failing.
pub(crate) fn attempt(settings: &Value) -> Seen {
    Browser::start().ask(settings.clone())
}

impl Browser {
    /// Starts one. Needs [`peers::Peer::Node`] and [`peers::Peer::Chromium`].
    pub(crate) fn start() -> Self {
        let mut command = peers::node("browser.mjs");
        command.env("LODGE_TEST_CHROMIUM", peers::chromium());
        Self { process: RefCell::new(Process::start("browser", &mut command)), asked: Cell::new(0) }
    }

    /// A window that opens with its first step; what `settings` may have stands in `browser.mjs`.
    pub(crate) fn window(&self, name: &str, settings: Value) -> Window<'_> {
        Window { browser: self, name: name.to_owned(), settings: RefCell::new(settings) }
    }

    fn ask(&self, mut what: Value) -> Seen {
        let number = self.asked.replace(self.asked.get() + 1);
        what["n"] = number.into();
        let mut process = self.process.borrow_mut();
        process.say(&format!("{what}\n"));
        let answer = process.wait_for_line(&format!("{{\"n\":{number},"));
        Seen(serde_json::from_str(&answer).unwrap_or_else(|e| panic!("the browser did not answer: {e}\n{answer}")))
    }
}

impl Window<'_> {
    /// Goes through the steps; panics with what went wrong when one fails.
    pub(crate) fn go(&self, steps: &[Value]) -> Seen {
        self.attempt(steps).went_through()
    }

    /// The same, without a word about a failed step.
    pub(crate) fn attempt(&self, steps: &[Value]) -> Seen {
        let mut asked = self.settings.replace(json!({}));
        asked["window"] = self.name.as_str().into();
        asked["steps"] = steps.into();
        self.browser.ask(asked)
    }

    /// Closes it, cookies and all; the next steps open it anew, with the usual settings.
    pub(crate) fn close(self) {
        self.browser.ask(json!({ "close": self.name }));
    }
}

impl Seen {
    fn went_through(self) -> Self {
        if let Some(failure) = self.failure() {
            panic!("{failure}");
        }
        self
    }

    /// The step that failed, and why.
    pub(crate) fn failure(&self) -> Option<String> {
        let step = self.0["steps"].as_array().into_iter().flatten().find(|step| step["ok"] == false)?;
        Some(format!("the browser could not do {}: {}\nat {}", step["step"], step["error"], step["url"]))
    }

    /// What the `read`, `value` and `download` steps found, in order.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.0["steps"].as_array().into_iter().flatten().filter_map(|step| step["text"].as_str()).collect()
    }

    /// Where the browser stood at the end.
    pub(crate) fn url(&self) -> &str {
        self.0["url"].as_str().unwrap()
    }

    /// Everything that a page of ours must never cause: errors in the console, breaches of its own content policy,
    /// uncaught exceptions, failed requests and requests to another machine; something serious for axe-core, a page wider
    /// than its window where that was looked at, a focus that one cannot see.
    pub(crate) fn complaints(&self) -> Vec<String> {
        const KINDS: [&str; 8] = [
            "console_errors",
            "violations",
            "page_errors",
            "failed_requests",
            "foreign_requests",
            "too_wide",
            "axe",
            "focus_unseen",
        ];
        KINDS.iter().flat_map(|kind| self.list(kind).map(move |what| format!("{kind}: {what}"))).collect()
    }

    /// The scripts that were fetched to be run.
    pub(crate) fn scripts(&self) -> usize {
        self.list("scripts").count()
    }

    /// How often a mouse was pressed.
    pub(crate) fn mouse_presses(&self) -> u64 {
        self.0["mouse_presses"].as_u64().unwrap()
    }

    fn list(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0[kind].as_array().into_iter().flatten()
    }
}
