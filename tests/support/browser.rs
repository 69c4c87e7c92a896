//! Chromium, told step by step what to do. The steps are described in `tests/peers/browser.mjs`.

use serde_json::{Value, json};

use super::peers;
use super::process::Process;

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
    let seen = attempt(settings);
    let failed = seen.0["steps"].as_array().into_iter().flatten().find(|step| step["ok"] == false);
    if let Some(step) = failed {
        panic!("the browser could not do {}: {}\nat {}", step["step"], step["error"], step["url"]);
    }
    seen
}

/// The same, without a word about a failed step: for tests about failing.
pub(crate) fn attempt(settings: &Value) -> Seen {
    let mut command = peers::node("browser.mjs");
    command.env("LODGE_TEST_CHROMIUM", peers::chromium());
    let ended = Process::run("browser", &mut command, &settings.to_string());
    let seen = serde_json::from_str(&ended.stdout);
    Seen(seen.unwrap_or_else(|e| panic!("the browser did not answer: {e}\n{}{}", ended.stdout, ended.stderr)))
}

impl Seen {
    /// What the `read` steps found, in order.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.0["steps"].as_array().into_iter().flatten().filter_map(|step| step["text"].as_str()).collect()
    }

    /// Where the browser stood at the end.
    pub(crate) fn url(&self) -> &str {
        self.0["url"].as_str().unwrap()
    }

    /// Everything that a page of ours must never cause: errors in the console, breaches of its own content policy,
    /// uncaught exceptions, failed requests and requests to another machine.
    pub(crate) fn complaints(&self) -> Vec<String> {
        ["console_errors", "violations", "page_errors", "failed_requests", "foreign_requests"]
            .iter()
            .flat_map(|kind| self.0[kind].as_array().into_iter().flatten().map(move |what| format!("{kind}: {what}")))
            .collect()
    }
}
