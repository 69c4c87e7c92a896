//! The one place that writes to stdout and stderr.
//!
//! stdout is data that a program may read; everything for people goes to stderr. Names, titles and details come from
//! a broker and from a university: no line carries their control characters to a terminal or starts a second line.
//!
//! It is also the one place that knows how colour is made. Colour only repeats what a word says already.

use std::fmt;
use std::io::{self, Write};

use clap::builder::StyledStr;
use serde::Serialize;

use super::environment::Colour;
use super::failure::Failure;

/// Where the helper writes.
pub struct Output<'a> {
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
    colour: Colour,
}

/// How something stands that was looked at, in a word at the start of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mark {
    Ok,
    /// Worth knowing, and no fault.
    Note,
    Warning,
    NotOk,
    Skipped,
    Unclear,
}

impl Mark {
    /// The mark for a state that a broker gives a step or a link.
    pub(crate) fn of(state: &str) -> Self {
        match state {
            "passed" => Self::Ok,
            "failed" => Self::NotOk,
            "skipped" => Self::Skipped,
            _ => Self::Unclear,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::NotOk => "NOT OK",
            Self::Skipped => "-",
            Self::Unclear => "unclear",
        }
    }

    /// The colour of its word: one of the eight that every terminal knows.
    const fn sequence(self) -> &'static str {
        match self {
            Self::Ok => "\u{1b}[32m",
            Self::Warning | Self::Unclear => "\u{1b}[33m",
            Self::NotOk => "\u{1b}[1;31m",
            Self::Note | Self::Skipped => "\u{1b}[2m",
        }
    }
}

const END: &str = "\u{1b}[0m";

impl<'a> Output<'a> {
    /// An output over these two streams.
    pub fn new(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Self { stdout, stderr, colour: Colour::default() }
    }

    /// The same with colour where it may be.
    #[must_use]
    pub fn in_colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
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

    /// Writes one line of an answer to stdout that says how something stands.
    pub(crate) fn marked(&mut self, mark: Mark, line: &str) -> Result<(), Failure> {
        self.data(marked(mark, line, self.colour.stdout).as_bytes())
    }

    /// Tells the person one line that says how something stands, on stderr.
    pub(crate) fn tell(&mut self, mark: Mark, line: &str) {
        self.block(&marked(mark, line, self.colour.stderr));
    }

    /// Writes help, or the version, to stdout.
    pub(crate) fn help(&mut self, text: &StyledStr) -> Result<(), Failure> {
        self.data(styled(text, self.colour.stdout).as_bytes())
    }

    /// Says what is wrong with the command line.
    pub(crate) fn usage(&mut self, text: &StyledStr) {
        self.block(&styled(text, self.colour.stderr));
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
        let (start, end) = if self.colour.stderr { (Mark::NotOk.sequence(), END) } else { ("", "") };
        let line = one_line(&failure.to_string());
        self.block(&format!("{start}lodge:{end} {line}\n"));
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

fn marked(mark: Mark, line: &str, colour: bool) -> String {
    let (start, end) = if colour { (mark.sequence(), END) } else { ("", "") };
    let line = one_line(line);
    // The blanks are outside of the colour: some terminals would fill them.
    let blanks = " ".repeat(8 - mark.word().len());
    format!("{start}{}{end}{blanks}{line}\n", mark.word())
}

fn styled(text: &StyledStr, colour: bool) -> String {
    if colour { text.ansi().to_string() } else { text.to_string() }
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
    fn colour_is_on_the_stream_that_may_have_it_and_around_the_word_alone() {
        let print = |colour| {
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            let mut output = Output::new(&mut stdout, &mut stderr).in_colour(colour);
            output.marked(Mark::NotOk, "one\u{1b}[31m").unwrap();
            output.tell(Mark::Ok, "two");
            output.failure(&Failure::Refused { detail: "\u{1b}[0mthree".into() });
            (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
        };

        let (stdout, stderr) = print(Colour::default());
        assert_eq!((stdout.as_str(), stderr.as_str()), ("NOT OK  one[31m\n", "ok      two\nlodge: [0mthree\n"));
        let (stdout, stderr) = print(Colour { stdout: true, stderr: false });
        assert_eq!(stdout, "\u{1b}[1;31mNOT OK\u{1b}[0m  one[31m\n");
        assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
        let (stdout, stderr) = print(Colour { stdout: false, stderr: true });
        assert!(!stdout.contains('\u{1b}'), "{stdout:?}");
        assert_eq!(stderr, "\u{1b}[32mok\u{1b}[0m      two\n\u{1b}[1;31mlodge:\u{1b}[0m [0mthree\n");
    }

    #[test]
    fn a_failure_is_one_line() {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());

        Output::new(&mut stdout, &mut stderr).failure(&Failure::Refused { detail: "one\ntwo".into() });

        assert_eq!(String::from_utf8(stderr).unwrap(), "lodge: one two\n");
        assert!(stdout.is_empty());
    }
}
