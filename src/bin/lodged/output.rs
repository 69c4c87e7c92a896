//! Standard output: what was asked for, and nothing else.

use std::io::{ErrorKind, Write};

use serde::Serialize;

/// Writes lines for a person or a program. A reader that has gone away has what it wanted.
pub(crate) fn answer(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The same as one line of JSON.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    answer(&format!("{}\n", serde_json::to_string(document)?))
}

/// The text on one line, whatever stands in it: names and addresses come from files and from other machines.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
