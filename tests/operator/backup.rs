//! Copies of a database in use: each is whole and of one moment, and a broker can go on from it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use lodge::store::Store;
use serde_json::json;

use super::{Operator, Premises, ledger, names_in};
use crate::support::caller::{self, Received};
use crate::support::campus::{Campus, Running};
use crate::support::database::{Kind, Place};
use crate::support::eventually;
use crate::support::ledger::{attempts_in, complaints, count_issued, open};
use crate::support::process::Process;
use crate::support::programs::with_file_limit;
use crate::support::serving::wait;

const ROLE: &str = "vision/read-results";

const COPIES: usize = 4;

/// Callers who ask for credentials until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    given: Arc<AtomicUsize>,
    callers: Vec<std::thread::JoinHandle<Vec<Received>>>,
}

impl Load {
    fn on(broker: &Running, token: &str) -> Self {
        let (stop, given) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let callers = (0..3).map(|_| {
            let (address, token) = (broker.address, token.to_owned());
            let (stop, given) = (Arc::clone(&stop), Arc::clone(&given));
            std::thread::spawn(move || {
                let mut received = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let credential = caller::ask(address, &token, ROLE).received();
                    received.push(credential.expect("a copy that is made is no reason to refuse anybody"));
                    given.fetch_add(1, Ordering::SeqCst);
                }
                received
            })
        });
        Self { callers: callers.collect(), stop, given }
    }

    /// Waits until somebody has been given another.
    fn wait_for_one(&self) {
        let before = self.given.load(Ordering::SeqCst);
        eventually("a credential", || (self.given.load(Ordering::SeqCst) > before).then_some(()));
    }

    fn end(self) -> Vec<Received> {
        self.stop.store(true, Ordering::SeqCst);
        self.callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    }
}

#[test]
fn copies_of_a_database_in_use_are_whole_and_a_broker_goes_on_from_each() {
    for kind in Kind::all("copies_of_a_database_in_use_are_whole_and_a_broker_goes_on_from_each") {
        let campus = Campus::on(kind);
        let operator = Operator::of(&campus);
        let (_, token) = campus.signed_in("student");
        let folder = tempfile::tempdir().unwrap();
        let broker = campus.start();
        let load = Load::on(&broker, &token);
        let copies: Vec<_> = (0..COPIES).map(|number| folder.path().join(format!("copy-{number}"))).collect();

        for copy in &copies {
            load.wait_for_one();
            let report = operator.json(&["backup", copy.to_str().unwrap()]);
            let size = std::fs::metadata(copy).unwrap().len();
            assert_eq!((&report["file"], &report["bytes"]), (&json!(copy), &json!(size)));
        }

        let received = load.end();
        drop(broker);
        assert_eq!(complaints(&campus.ledger(), &received), [""; 0]);
        assert_eq!(names_in(folder.path()), ["copy-0", "copy-1", "copy-2", "copy-3"], "and nothing beside them");
        let mut issued = Vec::new();
        for copy in &copies {
            assert_private(copy);
            let folder = tempfile::tempdir().unwrap();
            let restored = campus.place.restored(copy, folder.path());
            issued.push(is_whole(&restored));
            serves(&campus, &restored, folder.path(), &token);
        }
        println!("{kind:?}: {} received; the copies have {issued:?} issued", received.len());
        assert!(issued.is_sorted() && issued[0] > 0 && issued[COPIES - 1] <= received.len(), "{issued:?}");
        assert!(issued[0] < issued[COPIES - 1], "the database was not in use: {issued:?}");
    }
}

fn assert_private(file: &Path) {
    assert!(lodge::private_file::is_private(file).unwrap(), "{}", file.display());
}

/// Looks at a restored database as `lodged doctor` does, and at its ledger. Gives how many credentials it knows of.
fn is_whole(place: &Place) -> usize {
    let (health, rows) = wait(async {
        let store = Store::open(&place.broker()).await.unwrap();
        let health = store.health().await.unwrap();
        let rows = store.read().await.unwrap().all_books(1_000_000).await.unwrap();
        store.close().await;
        (health, rows)
    });
    let problems: Vec<_> = health.findings.iter().filter(|finding| finding.problem.is_some()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let attempts = attempts_in(rows);
    assert_eq!(complaints(&attempts, &[]), [""; 0]);
    assert!(open(&attempts).len() <= 3, "at most as many as there were callers");
    count_issued(&attempts)
}

/// A broker on this database gives the same person the same role.
fn serves(campus: &Campus, place: &Place, folder: &Path, token: &str) {
    let settings = std::fs::read_to_string(campus.settings()).unwrap().replace(&campus.place.toml(), &place.toml());
    std::fs::write(folder.join("lodge.toml"), settings).unwrap();
    let mut command = crate::support::programs::lodged();
    command.arg("serve").arg("--config").arg(folder.join("lodge.toml")).env("LODGE_LOG", "warn,lodge=info");
    campus.give_identity(&mut command);
    let before = ledger(place).len();
    let running = campus.start_with(&mut command);

    let given = caller::ask(running.address, token, ROLE).received();

    drop(running);
    let given = given.expect("a credential from a broker on a copy");
    let after = ledger(place);
    assert!(after.len() >= before + 2, "{before} and then {}", after.len());
    let attempts: Vec<_> = after.into_iter().filter(|entry| entry.event.is_of_attempt()).collect();
    assert_eq!(complaints(&attempts, &[given]), [""; 0]);
}

/// The commands that `lodged backup` prints, run as they are printed.
#[test]
fn the_way_back_is_told_and_works_as_told() {
    for kind in Kind::all("the_way_back_is_told_and_works_as_told") {
        let premises = Premises::new(kind);
        premises.place.migrate();
        let operator = premises.operator();
        let create = |name| {
            let lab = ["lab", "create", name, "--title", "T", "--session-role", super::SESSION_ROLE];
            operator.told(&lab);
        };
        create("before");
        let copy = premises.path("a copy");
        let told = operator.told(&["backup", copy.to_str().unwrap()]);
        create("after");
        let commands: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("  ")).collect();

        assert!(told.starts_with(&format!("{}, ", copy.display())), "{told}");
        for command in &commands {
            let ended = shell(&premises, command);
            assert!(ended.status.success() || command.starts_with("mkdir"), "{command}: {}", ended.stderr);
        }

        if let Some(database) = premises.place.server() {
            assert_eq!(commands.len(), 3, "{told}");
            let restored = format!("{}_restored", database.name());
            premises.write(&premises.place.toml().replace(database.name(), &restored));
            operator.told(&["migrate"]);
            let labs = operator.json(&["lab", "list"]);
            database.psql(&format!("drop database {restored} with (force);"));
            assert_eq!((labs.as_array().unwrap().len(), &labs[0]["name"]), (1, &json!("before")));
        } else {
            assert_eq!(commands.len(), 2, "{told}");
            let labs = operator.json(&["lab", "list"]);
            assert_eq!((labs.as_array().unwrap().len(), &labs[0]["name"]), (1, &json!("before")));
            assert_private(&premises.place.file());
            assert!(premises.place.beside(".before").join("lodge.db").is_file(), "the old one is kept");
        }
    }
}

/// Runs a line as somebody who may do anything, on a machine where `lodged` is on the path and PostgreSQL's settings are
/// the server's own. The owner of the files is whoever runs the tests.
fn shell(premises: &Premises, line: &str) -> crate::support::process::Ended {
    use std::os::unix::fs::MetadataExt;
    let me = std::fs::metadata("/proc/self").unwrap().uid().to_string();
    let line = line.replace("--owner lodge ", &format!("--owner {me} "));
    let mut command = match premises.place.server() {
        None => Command::new("sh"),
        Some(database) => {
            // What the restoring login has in its own password file.
            let as_owner = line.starts_with("pg_restore");
            let mut command = Command::new("env");
            let program = database.program("psql");
            for (name, value) in program.get_envs() {
                if let Some(value) = value.filter(|_| !as_owner || name != "PGPASSWORD") {
                    command.env(name, value);
                }
            }
            if as_owner {
                command.env("PGPASSWORD", std::fs::read_to_string(premises.path("owner-password")).unwrap());
            }
            premises.place.give_programs(&mut command);
            command.arg("sh");
            command
        }
    };
    let program = crate::support::programs::lodged().get_program().to_owned();
    let script = format!("lodged() {{ {} \"$@\"; }}; {line}", Path::new(&program).display());
    Process::run("sh", command.args(["-c", &script]), "")
}

#[test]
fn a_file_that_is_there_is_left_as_it_is() {
    for kind in Kind::all("a_file_that_is_there_is_left_as_it_is") {
        let premises = Premises::new(kind);
        premises.place.migrate();
        let there = premises.path("there");
        std::fs::write(&there, "something of somebody's").unwrap();

        let says = premises.operator().refused(&["backup", there.to_str().unwrap()]);

        assert!(says.ends_with(&format!("{} is there already; name another file", there.display())), "{says}");
        assert_eq!(std::fs::read_to_string(&there).unwrap(), "something of somebody's");
        assert!(!names_in(premises.folder.path()).iter().any(|name| name.contains("partial")));
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    for kind in Kind::all("what_cannot_be_written_leaves_nothing_behind") {
        let premises = Premises::new(kind);
        premises.place.migrate();
        let operator = premises.operator();
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("nowhere/copy");
        let full = folder.path().join("copy");

        let says = operator.refused(&["backup", nowhere.to_str().unwrap()]);
        // A limit on the size of files stands in for a full disk. SQLite's own log must still fit.
        let kib = if kind == Kind::Sqlite { 64 } else { 8 };
        let command = operator.command(&["backup", full.to_str().unwrap()]);
        let ended = Process::run("lodged", &mut with_file_limit(&command, kib), "");

        let place = format!("{} cannot be written: No such file or directory (os error 2)", nowhere.display());
        assert!(says.ends_with(&place), "{says}");
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
        let line = crate::support::only_line(&ended.stderr);
        assert!(line.contains("could not be copied") || line.contains("pg_dump failed"), "{line}");
        assert_eq!(names_in(folder.path()), [""; 0]);
        operator.told(&["backup", full.to_str().unwrap()]);
    }
}

#[test]
fn a_copy_that_is_broken_off_leaves_nothing_behind() {
    for kind in Kind::all("a_copy_that_is_broken_off_leaves_nothing_behind") {
        // At its beginning and in its midst.
        for pause in [0, 0, 0, 30, 300] {
            let premises = Premises::new(kind);
            premises.place.migrate();
            let folder = tempfile::tempdir().unwrap();
            let copy = folder.path().join("copy");
            // Something that takes its time: much to copy, or a `pg_dump` that sleeps.
            let mut command = premises.operator().command(&["backup", copy.to_str().unwrap()]);
            let slow = tempfile::tempdir().unwrap();
            if kind == Kind::Sqlite {
                grow(&premises);
            } else {
                let program = slow.path().join("pg_dump");
                std::fs::write(&program, "#!/bin/sh\necho $$ >\"${0%/*}/id\"\nexec sleep 60\n").unwrap();
                std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
                command.env("PATH", format!("{}:/usr/bin:/bin", slow.path().display()));
            }
            let backup = Process::start("lodged backup", &mut command);
            eventually("the beginning of a copy", || (!names_in(folder.path()).is_empty()).then_some(()));
            assert!(names_in(folder.path())[0].starts_with("copy.partial-"));
            if kind == Kind::Postgres && pause > 0 {
                eventually("pg_dump", || process_of(slow.path()).filter(|id| is_alive(id)));
            }

            std::thread::sleep(Duration::from_millis(pause));
            backup.signal("INT");

            let ended = backup.wait();
            assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
            let line = crate::support::only_line(&ended.stderr);
            assert_eq!(line, format!("lodged: stopped; nothing was left at {}", copy.display()));
            assert_eq!(names_in(folder.path()), [""; 0]);
            if let Some(id) = process_of(slow.path()) {
                eventually("the end of pg_dump", || (!is_alive(&id)).then_some(()));
            }
        }
    }
}

/// The process that a slow `pg_dump` has noted.
fn process_of(folder: &Path) -> Option<String> {
    let id = std::fs::read_to_string(folder.join("id")).ok()?;
    Some(id.strip_suffix('\n')?.to_owned())
}

/// Whether it does anything any more. One that has ended and that nobody has asked about does not.
fn is_alive(id: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Makes the database so large that a copy takes a while.
fn grow(premises: &Premises) {
    wait(async {
        use sqlx::{Connection, Executor};
        let url = format!("sqlite://{}", premises.place.file().display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        connection
            .execute(
                "create table bulk (text text); with recursive n (i) as (select 1 union all select i + 1 from n where \
                 i < 150000) insert into bulk select hex(randomblob(500)) from n",
            )
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
}

/// Row security leaves rows out without a word.
#[test]
fn a_login_that_does_not_see_every_row_makes_no_copy() {
    if !crate::support::postgres::require("a_login_that_does_not_see_every_row_makes_no_copy") {
        return;
    }
    let premises = Premises::new(Kind::Postgres);
    premises.place.migrate();
    premises.place.server().unwrap().psql_as_owner("drop policy owner on lab_role;");

    let says = premises.operator().refused(&["backup", premises.path("copy").to_str().unwrap()]);

    let whole = "the copy would not be whole: the login `lodge_owner` does not see every row of lab_role: it must have the \
        policy `owner`";
    assert!(says.ends_with(whole), "{says}");
    assert!(!premises.path("copy").exists());
}

#[test]
fn a_program_that_is_missing_is_named() {
    if !crate::support::postgres::require("a_program_that_is_missing_is_named") {
        return;
    }
    let premises = Premises::new(Kind::Postgres);
    premises.place.migrate();
    let mut command = premises.operator().command(&["backup", premises.path("copy").to_str().unwrap()]);

    let ended = Process::run("lodged", command.env("PATH", "/nowhere"), "");

    let line = crate::support::only_line(&ended.stderr);
    assert!(
        line.ends_with("pg_dump is missing; install PostgreSQL's client programs (Debian: postgresql-client)"),
        "{line}"
    );
    assert!(!names_in(premises.folder.path()).iter().any(|name| name.starts_with("copy")));
}

#[test]
fn a_name_that_sqlite_cannot_take_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let premises = Premises::new(Kind::Sqlite);
    premises.place.migrate();
    let before = names_in(premises.folder.path());
    let name = std::ffi::OsStr::from_bytes(b"copy-\xff");
    let mut command = premises.operator().command(&["backup"]);

    let ended = Process::run("lodged", command.arg(premises.folder.path().join(name)), "");

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("SQLite takes names in UTF-8 only"), "{}", ended.stderr);
    assert_eq!(names_in(premises.folder.path()), before);
}
