//! `lodged demo`, as a person starts it: a program of its own, with a folder that outlives it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::process::{Ended, Process};
use super::{free_ports, programs};

/// The last line of what a demo prints once everything listens.
pub(crate) const READY: &str = "Ctrl-C ends it.";

/// A running demo.
pub(crate) struct Demo {
    pub(crate) process: Process,
    pub(crate) data: PathBuf,
    /// The broker's port; the identity provider has the next one, the small AWS the one after it.
    pub(crate) port: u16,
    /// How long it took from its start to its being ready.
    pub(crate) ready_after: Duration,
}

impl Demo {
    /// A demo on three free ports.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at(free_ports(3), data)
    }

    /// A demo on three ports from this one on.
    pub(crate) fn start_at(port: u16, data: &Path) -> Self {
        let started = Instant::now();
        let process = Process::start("lodged demo", &mut command(port, data));
        process.wait_for_line(READY);
        Self { process, data: data.to_owned(), port, ready_after: started.elapsed() }
    }

    /// The broker's address, without a final slash.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The small AWS's address, without a final slash.
    pub(crate) fn aws_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 2)
    }

    /// The file that the demo wrote for `AWS_CONFIG_FILE`.
    pub(crate) fn aws_config(&self) -> PathBuf {
        self.data.join("aws-config")
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn stop(self) -> Ended {
        self.process.signal("INT");
        self.process.wait()
    }
}

/// The command that starts a demo.
pub(crate) fn command(port: u16, data: &Path) -> Command {
    let mut command = programs::lodged();
    // Cargo says so to what it runs, and the demo then names its commands as one runs them from a clone.
    command.env_remove("CARGO").args(["demo", "--port", &port.to_string(), "--data"]).arg(data);
    command
}
