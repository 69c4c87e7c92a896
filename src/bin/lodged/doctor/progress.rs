//! A line on a terminal that says how far it is; nothing anywhere else.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far it is.
pub(super) struct Progress(Arc<State>);

struct State {
    all: usize,
    done: AtomicUsize,
    is_shown: bool,
}

/// One of the things that are waited for.
pub(super) struct Step(Arc<State>);

impl Progress {
    /// None of `all` is done.
    pub(super) fn of(all: usize) -> Self {
        let state = State { all, done: AtomicUsize::new(0), is_shown: std::io::stderr().is_terminal() };
        state.show();
        Self(Arc::new(state))
    }

    pub(super) fn step(&self) -> Step {
        Step(Arc::clone(&self.0))
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        self.0.write("\r\x1b[K");
    }
}

impl Step {
    /// One more is done.
    pub(super) fn done(self) {
        self.0.done.fetch_add(1, Ordering::SeqCst);
        self.0.show();
    }
}

impl State {
    fn show(&self) {
        self.write(&format!("\rlooked at {} of {}", self.done.load(Ordering::SeqCst), self.all));
    }

    /// A closed terminal is no error.
    fn write(&self, text: &str) {
        if self.is_shown {
            let mut stderr = std::io::stderr().lock();
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        }
    }
}
