//! One clock for many programs that are not ours, which a test moves.
//!
//! libfaketime stands before the system's own clock in each program and in whatever that starts. How far the clock is ahead
//! stands in a file, which every look at the clock reads, so that all of them agree at every moment however late they
//! start. Only the time of day moves: timers and timeouts run as they always do.

use std::cell::Cell;
use std::process::Command;

use chrono::TimeDelta;
use tempfile::TempDir;

use super::peers;
use super::process::Process;

/// The clock. It begins at the time that it is.
pub(crate) struct MovedClock {
    folder: TempDir,
    ahead: Cell<TimeDelta>,
    /// What libfaketime shares between processes: a semaphore and some memory.
    shared: String,
}

impl MovedClock {
    /// Starts one. Needs [`peers::Peer::Faketime`].
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, TimeDelta::zero());
        let mut first = Command::new("sh");
        first.args(["-c", "sh -c 'echo $FAKETIME_SHARED'"]);
        preload(&mut first, &folder);
        let shared = Process::run("what libfaketime shares", &mut first, "").stdout.trim().to_owned();
        assert!(shared.starts_with('/'), "libfaketime shares nothing: {shared:?}");
        Self { folder, ahead: Cell::new(TimeDelta::zero()), shared }
    }

    /// Gives a program, and whatever it starts, this clock. Static programs do not take it.
    pub(crate) fn give(&self, command: &mut Command) {
        preload(command, &self.folder);
        command.env("FAKETIME_SHARED", &self.shared);
    }

    /// Moves it on, for all of them at once.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.ahead.set(self.ahead.get() + by);
        write(&self.folder, self.ahead.get());
    }
}

/// Whoever makes it leaves it behind.
impl Drop for MovedClock {
    fn drop(&mut self) {
        for (name, prefix) in self.shared.split(' ').zip(["sem.", ""]) {
            let _ = std::fs::remove_file(format!("/dev/shm/{prefix}{}", name.trim_start_matches('/')));
        }
    }
}

fn preload(command: &mut Command, folder: &TempDir) {
    command
        .env("LD_PRELOAD", peers::faketime())
        .env("FAKETIME_TIMESTAMP_FILE", folder.path().join("ahead"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

/// Nobody may read half of it.
fn write(folder: &TempDir, ahead: TimeDelta) {
    let whole = folder.path().join("next");
    std::fs::write(&whole, format!("+{}\n", ahead.num_seconds())).unwrap();
    std::fs::rename(whole, folder.path().join("ahead")).unwrap();
}
