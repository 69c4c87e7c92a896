//! What tests share: programs that end with the test, a proxy that sees and delays, peers, and a visitor who fills in
//! forms. Blocking and without a runtime: a test is a story of programs talking to each other, told in order.

pub(crate) mod accounts;
pub(crate) mod aws_cli;
pub(crate) mod broker;
pub(crate) mod broker_program;
pub(crate) mod browser;
pub(crate) mod caller;
pub(crate) mod campus;
pub(crate) mod canaries;
pub(crate) mod database;
pub(crate) mod databases;
pub(crate) mod demo;
pub(crate) mod dice;
pub(crate) mod downloads;
pub(crate) mod evil_provider;
pub(crate) mod joining;
pub(crate) mod labs;
pub(crate) mod ledger;
pub(crate) mod logs;
pub(crate) mod moved_clock;
pub(crate) mod peers;
pub(crate) mod permission_table;
pub(crate) mod person;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod programs;
pub(crate) mod proxy;
pub(crate) mod raw;
pub(crate) mod scripted_sts;
pub(crate) mod serving;
pub(crate) mod signed;
pub(crate) mod signed_in;
pub(crate) mod visitor;
pub(crate) mod world;

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a program of ours or a peer may take to do what it was asked: long, because two cores do everything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A port of 127.0.0.1 that nobody listens on now. Somebody else may take it before you do: where a program can be told
/// port 0 and asked what it got, do that.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A port with `count` free ports from it on, for programs that take their neighbours. Below the ports that systems hand
/// out by themselves, so that no passing connection has it meanwhile, nor between two starts of one program.
pub(crate) fn free_ports(count: u16) -> u16 {
    const LOWEST: u16 = 16_384;
    const HIGHEST: u16 = 32_000;
    for attempt in 0..1_000 {
        let random = RandomState::new().hash_one(attempt) % u64::from(HIGHEST - LOWEST);
        let first = LOWEST + u16::try_from(random).unwrap();
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
    panic!("no {count} free ports in a row")
}

/// The folder that holds `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Asks `ready` again and again until it gives something; panics with `what` when it never does.
pub(crate) fn eventually<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < until, "still waiting after {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The one line that a program has said, without its end.
///
/// # Panics
///
/// When it is no line, more than one, not ended, or has anything in it that moves a cursor.
pub(crate) fn only_line(said: &str) -> &str {
    let line = said.strip_suffix('\n').unwrap_or_else(|| panic!("not a whole line: {said:?}"));
    assert!(!line.is_empty() && !line.chars().any(char::is_control), "not one line: {said:?}");
    line
}

/// Every file under `folder`, in a stable order.
pub(crate) fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn ports_in_a_row_are_free() {
    let first = free_ports(3);

    let all: Vec<_> = (first..first + 3).map(|port| TcpListener::bind(("127.0.0.1", port))).collect();

    assert!(all.iter().any(Result::is_ok));
}

#[test]
fn one_line_is_one_line() {
    assert_eq!(only_line("lodge: größer\n"), "lodge: größer");
    for other in ["", "\n", "unended", "one\ntwo\n", "one\n\n", "\nlate\n", "back\rover\n", "\u{1b}[31mred\n"] {
        assert!(std::panic::catch_unwind(|| only_line(other)).is_err(), "{other:?}");
    }
}
