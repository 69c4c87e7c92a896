//! The operator's commands, as programs, on both databases: what they print, what they refuse, and what they do to a
//! broker that runs.

mod backup;
mod beside;
mod commands;
mod invitation;
mod opening;
mod shelving;
mod suspension;

use std::path::{Path, PathBuf};
use std::process::Command;

use lodge::ambient::Random;
use lodge::app::KeyFile;
use lodge::domain::actor::{Actor, OperatorName};
use lodge::domain::ledger::{Entry, Thread};
use lodge::store::Store;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::campus::Campus;
use crate::support::database::{Kind, Place};
use crate::support::process::{Ended, Process};
use crate::support::serving::wait;
use crate::support::{only_line, programs, root};

/// The account that the operator of these tests has.
const OPERATOR: &str = "ada";

/// A role for a lab of an operator's.
const SESSION_ROLE: &str = "arn:aws:iam::777788889999:role/lodge/lodge-session";

/// Somebody at the broker's machine, with its settings.
struct Operator<'a> {
    settings: PathBuf,
    place: &'a Place,
}

impl<'a> Operator<'a> {
    fn of(campus: &'a Campus) -> Self {
        Self { settings: campus.settings(), place: &campus.place }
    }

    /// `lodged` with these arguments and the settings.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = programs::lodged();
        self.place.give_programs(&mut command);
        command.env_remove("SUDO_USER").env("USER", OPERATOR);
        command.args(arguments).arg("--config").arg(&self.settings);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Process::run("lodged", &mut self.command(arguments), "")
    }

    /// What it prints, nothing being wrong.
    fn told(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        ended.stdout
    }

    /// The same with `--json`: one line.
    fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.told(&[arguments, &["--json"]].concat());
        serde_json::from_str(only_line(&printed)).unwrap()
    }

    /// The one line of a refusal, without the program's name. With `--json` it is the same.
    fn refused(&self, arguments: &[&str]) -> String {
        let [said, again] = [&[][..], &["--json"]].map(|extra| {
            let ended = self.run(&[arguments, extra].concat());
            assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""), "{arguments:?}: {}", ended.stderr);
            only_line(&ended.stderr).strip_prefix("lodged: ").unwrap().to_owned()
        });
        assert_eq!(said, again);
        said
    }

    /// The link that `lodged lab invite-pi` prints, alone.
    fn invite(&self, lab: &str) -> String {
        let ended = self.run(&["lab", "invite-pi", lab]);
        assert!(ended.status.success(), "{}", ended.stderr);
        only_line(&ended.stdout).to_owned()
    }
}

/// Settings of a broker whose database was never made.
struct Premises {
    folder: TempDir,
    place: Place,
}

impl Premises {
    fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(kind, folder.path());
        KeyFile::read_or_create(&folder.path().join("key"), &Random::System).unwrap();
        let premises = Self { folder, place };
        premises.write(&premises.place.toml());
        premises
    }

    /// Settings with this section for the database.
    fn write(&self, database: &str) {
        let folder = self.folder.path().display();
        let rest = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://lodge.example.edu\"\n\
             [secrets]\nkey_file = \"{folder}/key\"\n"
        );
        std::fs::write(self.folder.path().join("lodge.toml"), format!("{rest}{database}")).unwrap();
    }

    fn operator(&self) -> Operator<'_> {
        Operator { settings: self.folder.path().join("lodge.toml"), place: &self.place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The names of all migrations, in order.
fn migrations() -> Vec<String> {
    let names = names_in(&root().join("migrations/sqlite")).into_iter();
    names.map(|name| name.trim_end_matches(".sql").split_once('_').unwrap().1.replace('_', " ")).collect()
}

/// Every entry of every book.
fn ledger(place: &Place) -> Vec<Entry> {
    wait(async {
        let store = Store::open(&place.broker()).await.unwrap();
        let rows = store.read().await.unwrap().all_books(100_000).await.unwrap();
        store.close().await;
        rows.into_iter().map(|row| row.entry).collect()
    })
}

/// The kinds of what operators did, in order, with the account that the ledger has for each.
fn acts(place: &Place) -> Vec<(String, String)> {
    let entries = ledger(place).into_iter();
    let of_operators = entries.filter_map(|entry| match entry.thread {
        Thread::Act(Actor::Operator(name), _) => Some((name, entry.event)),
        _ => None,
    });
    let kind = |event: &lodge::domain::ledger::Event| {
        serde_json::to_value(event).unwrap()["kind"].as_str().unwrap().to_owned()
    };
    of_operators.map(|(name, event)| (OperatorName::to_string(&name), kind(&event))).collect()
}

/// The names of the files in a folder.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}
