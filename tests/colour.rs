//! Colour, of the program itself: on a terminal that knows it, unless `NO_COLOR` is set, and nowhere else.

use std::process::Command;

use crate::support::process::Process;
use crate::support::programs;

/// What begins every sequence that moves a cursor or changes a colour.
const ESCAPE: char = '\u{1b}';

/// Lines that print marks, failures, help, usage and logs.
const LINES: [&[&str]; 5] =
    [&["doctor"], &["status"], &["--help"], &["no-such-verb"], &["login", "http://127.0.0.1:1", "--no-browser"]];

#[test]
fn no_escape_code_reaches_a_pipe() {
    let home = tempfile::tempdir().unwrap();

    for line in LINES {
        let mut command = programs::lodge(home.path());
        command.args(line).env("TERM", "xterm-256color").env("CLICOLOR_FORCE", "1").env("LODGE_LOG", "trace");
        let ended = Process::run("lodge", &mut command, "");

        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(ESCAPE), "{line:?}: {ended:?}");
    }
}

/// What a terminal of its own shows of a run of the helper.
#[cfg(target_os = "linux")]
fn shown(line: &[&str], variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let helper = programs::lodge(home.path());
    let program = helper.get_program().to_str().unwrap();
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &format!("{program} {}", line.join(" ")), "/dev/null"]);
    for (name, value) in helper.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color").env("LODGE_LOG", "debug");
    let ended = Process::run("script", command.envs(variables.iter().copied()), "");
    assert!(!ended.stdout.is_empty(), "{line:?}: {ended:?}");
    ended.stdout
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_has_colour_unless_it_or_its_person_wants_none() {
    for line in LINES {
        let coloured = shown(line, &[]);
        let asked_for_none = shown(line, &[("NO_COLOR", "1")]);
        let dumb = shown(line, &[("TERM", "dumb")]);

        assert!(coloured.contains(ESCAPE), "{line:?}: {coloured}");
        assert!(!asked_for_none.contains(ESCAPE), "{line:?}: {asked_for_none:?}");
        assert!(!dumb.contains(ESCAPE), "{line:?}: {dumb:?}");
    }
    assert!(shown(&["doctor"], &[]).contains("\u{1b}[1;31mNOT OK\u{1b}[0m  The sign-in"));
    assert!(shown(&["status"], &[]).contains("\u{1b}[1;31mlodge:\u{1b}[0m not signed in to any broker"));
}
