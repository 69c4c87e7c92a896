//! The one place that writes to stdout and stderr.
//!
//! stdout is data that a program may read; everything for people goes to stderr. Names, titles and details come from
//! a broker and from a university: no line carries their control characters to a terminal or starts a second line.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use super::failure::Failure;

/// Where the helper writes.
pub struct Output<'a> {
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
}

impl<'a> Output<'a> {
    /// An output over these two streams.
    pub fn new(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Self { stdout, stderr }
    }

    /// Writes data to stdout. A reader that has gone away is a success: it has what it wanted.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.stdout.write_all(bytes).and_then(|()| self.stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Stdout(error)),
            _ => Ok(()),
        }
    }

    /// Writes one line of an answer to stdout.
    pub(crate) fn answer(&mut self, line: &str) -> Result<(), Failure> {
        self.data(format!("{}\n", one_line(line)).as_bytes())
    }

    /// Writes one JSON object to stdout, for programs. Not for secrets: nothing wipes it.
    pub(crate) fn json(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        let mut json = serde_json::to_vec_pretty(object).map_err(|error| Failure::Stdout(error.into()))?;
        json.push(b'\n');
        self.data(&json)
    }

    /// Tells the person one line, on stderr.
    pub(crate) fn say(&mut self, line: &str) {
        self.block(&format!("{}\n", one_line(line)));
    }

    /// Writes our own text to stderr as it is. Nobody is left to tell when stderr itself is gone.
    pub(crate) fn block(&mut self, text: &str) {
        let _ = self.stderr.write_all(text.as_bytes()).and_then(|()| self.stderr.flush());
    }

    /// Says why the verb failed, on one line.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        self.say(&format!("lodge: {failure}"));
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

/// The text on one line: line breaks and tabs become spaces, other control characters and those that reorder text
/// are dropped.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => line.push(' '),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => {}
            c => line.push(c),
        }
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_from_elsewhere_cannot_move_the_cursor_or_start_another_line() {
        assert_eq!(one_line("no\r\n\u{1b}[31mred\u{7}\u{9b}2J\u{202e}\u{61c}txet\tend \n"), "no [31mred2Jtxet end");
        assert_eq!(one_line("  indented, größer, 漢字"), "  indented, größer, 漢字");
    }

    #[test]
    fn a_reader_that_has_gone_away_is_success_and_a_full_disk_is_not() {
        let mut stderr = Vec::new();

        let mut gone = Broken(io::ErrorKind::BrokenPipe);
        assert!(Output::new(&mut gone, &mut stderr).data(b"{}").is_ok());

        let mut full = Broken(io::ErrorKind::StorageFull);
        assert!(matches!(Output::new(&mut full, &mut stderr).data(b"{}"), Err(Failure::Stdout(_))));
    }

    #[test]
    fn a_failure_is_one_line() {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());

        Output::new(&mut stdout, &mut stderr).failure(&Failure::Refused { detail: "one\ntwo".into() });

        assert_eq!(String::from_utf8(stderr).unwrap(), "lodge: one two\n");
        assert!(stdout.is_empty());
    }
}
