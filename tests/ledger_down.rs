//! When the ledger cannot be written, nothing is given. Each test takes the database away in another way.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock};
use lodge::domain::ledger::{Event, Failure};

use crate::support::caller::{self, Reply};
use crate::support::campus::{Campus, Running};
use crate::support::eventually;
use crate::support::ledger::{complaints, count_issued, open};
use crate::support::programs::with_file_limit;
use crate::support::proxy::Moment;

const ROLE: &str = "vision/read-results";

/// The broker answered that it cannot, and gave nothing.
fn is_unavailable(reply: &Reply) -> bool {
    assert_eq!(reply.received(), None);
    (reply.status(), reply.problem().as_deref()) == (Some(503), Some("unavailable"))
}

#[test]
fn a_ledger_that_somebody_else_has_locked_gives_nothing_and_sts_is_not_asked() {
    let campus = Campus::new();
    let (_, token) = campus.signed_in("student");
    let broker = campus.start();
    let store = campus.store();
    let lock = campus.block_on(store.write()).unwrap();

    let refused = caller::ask(broker.address, &token, ROLE);
    campus.block_on(lock.commit()).unwrap();

    assert!(is_unavailable(&refused), "{refused:?}");
    assert_eq!(campus.aws.calls(), []);
    let given = caller::ask(broker.address, &token, ROLE).received().expect("a credential, now that the lock is gone");
    campus.block_on(store.close());
    let ledger = campus.ledger();
    assert_eq!((complaints(&ledger, &[given]), ledger.len()), (Vec::new(), 2));
}

#[test]
fn a_credential_whose_record_cannot_be_written_does_not_leave() {
    let campus = Campus::new();
    let (_, token) = campus.signed_in("student");
    let broker = campus.start();
    let store = campus.store();
    let lock = Arc::new(Mutex::new(None));
    let (handle, holder, writer) = (campus.handle(), Arc::clone(&lock), store.clone());
    campus.sts.on_each(move |moment, _| {
        if moment == Moment::BeforeAnswer {
            *holder.lock().unwrap() = Some(handle.block_on(writer.write()).unwrap());
        }
    });

    let refused = caller::ask(broker.address, &token, ROLE);
    let held = lock.lock().unwrap().take().unwrap();
    campus.block_on(held.commit()).unwrap();

    assert!(is_unavailable(&refused), "{refused:?}");
    assert!(campus.aws.calls()[0].succeeded(), "STS had made a credential");
    campus.block_on(store.close());
    let ledger = campus.ledger();
    assert_eq!((complaints(&ledger, &[]), count_issued(&ledger), open(&ledger).len()), (Vec::new(), 0, 1));

    let clock = ManualClock::at(Clock::System.now());
    clock.advance(TimeDelta::minutes(3));
    assert_eq!(campus.block_on(campus.broker(Clock::Manual(clock)).sweep()).unwrap(), 1);
    assert!(matches!(&campus.ledger()[1].event, Event::Failed { reason: Failure::Interrupted, .. }));
}

/// A limit on the size of files stands in for a full disk: to SQLite both are a write that fails.
#[test]
fn a_full_disk_gives_nothing_and_a_disk_with_room_again_does() {
    let campus = Campus::new();
    let (_, token) = campus.signed_in("student");
    let kib = std::fs::metadata(campus.database()).unwrap().len() / 1_024 + 64;
    let broker = campus.start_with(&mut with_file_limit(&campus.command("warn,lodge=info"), kib));

    let (mut received, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        let reply = caller::ask(broker.address, &token, ROLE);
        match reply.received() {
            Some(credential) => received.push(credential),
            None => refused.push(reply),
        }
    }

    println!("full disk: {} credentials, {} refusals", received.len(), refused.len());
    assert!(!received.is_empty(), "the limit was too low to show anything");
    assert!(refused.len() >= 10, "the limit was too high to show anything");
    assert!(refused.iter().all(is_unavailable), "{refused:?}");
    let ledger = campus.ledger();
    assert_eq!((complaints(&ledger, &received), count_issued(&ledger)), (Vec::new(), received.len()));

    let id = broker.process.killer().id().to_string();
    let raised = Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &id]).status();
    let again = match raised {
        Ok(status) if status.success() => broker,
        // Without the program, the broker is started again as an operator would.
        _ => {
            drop(broker);
            campus.start()
        }
    };
    received.push(caller::ask(again.address, &token, ROLE).received().expect("a credential, now that there is room"));
    assert_eq!(complaints(&campus.ledger(), &received), [""; 0]);
}

/// What somebody may do to the files of a running broker's database.
type Damage = fn(&Path);

fn sidecar(database: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", database.display()))
}

const DAMAGES: [(&str, Damage); 5] = [
    ("everything is deleted", |database| {
        for suffix in ["", "-wal", "-shm"] {
            std::fs::remove_file(sidecar(database, suffix)).unwrap();
        }
    }),
    ("the database is deleted", |database| std::fs::remove_file(database).unwrap()),
    ("the write-ahead log is deleted", |database| std::fs::remove_file(sidecar(database, "-wal")).unwrap()),
    ("the write-ahead log's index is deleted", |database| std::fs::remove_file(sidecar(database, "-shm")).unwrap()),
    ("an older copy is put in its place", |database| {
        let copy = database.with_extension("copy");
        std::fs::copy(database, &copy).unwrap();
        std::fs::rename(&copy, database).unwrap();
    }),
];

/// An entry that only an unlinked file holds is no record: nobody can read it once the broker ends.
#[test]
fn a_database_whose_files_are_not_at_their_path_any_more_gives_nothing() {
    for (what, damage) in DAMAGES {
        let campus = Campus::new();
        let (_, token) = campus.signed_in("student");
        let broker = campus.start();
        caller::ask(broker.address, &token, ROLE).received().expect("a credential, as long as all is well");
        let calls = campus.aws.calls().len();

        damage(&campus.database());

        for _ in 0..3 {
            let refused = caller::ask(broker.address, &token, ROLE);
            assert!(is_unavailable(&refused), "{what}: {refused:?}");
        }
        assert_eq!(campus.aws.calls().len(), calls, "{what}: STS was asked");
        let ready = ureq::get(format!("http://{}/readyz", broker.address)).call();
        assert!(
            matches!(ready, Err(ureq::Error::StatusCode(503))),
            "{what}: it says that it is ready, or not: {ready:?}"
        );
        // What it has written may come here a moment after its answer.
        broker.process.wait_for_line("not the one that was opened");
    }
}

#[test]
fn a_database_that_is_deleted_while_sts_answers_gives_nothing() {
    for (what, damage) in DAMAGES {
        let campus = Campus::new();
        let (_, token) = campus.signed_in("student");
        let Running { process: _process, address } = campus.start();
        let database = campus.database();
        campus.sts.on_each(move |moment, _| {
            if moment == Moment::BeforeAnswer {
                damage(&database);
            }
        });

        let refused = caller::ask(address, &token, ROLE);

        assert!(is_unavailable(&refused), "{what}: {refused:?}");
        assert!(campus.aws.calls()[0].succeeded(), "STS had made a credential");
    }
}

#[test]
fn a_database_that_is_put_back_is_used_again() {
    let campus = Campus::new();
    let (_, token) = campus.signed_in("student");
    let broker = campus.start();
    let aside = campus.database().with_extension("aside");
    std::fs::rename(campus.database(), &aside).unwrap();
    let refused = caller::ask(broker.address, &token, ROLE);
    assert!(is_unavailable(&refused), "{refused:?}");
    assert!(!campus.database().exists(), "a new one was made, with no ledger in it");

    std::fs::rename(&aside, campus.database()).unwrap();

    let given = caller::ask(broker.address, &token, ROLE).received().expect("a credential, now that it is back");
    assert_eq!(complaints(&campus.ledger(), &[given]), [""; 0]);
}

#[test]
fn an_attempt_whose_caller_hangs_up_has_its_outcome() {
    let campus = Campus::new();
    let (_, token) = campus.signed_in("student");
    let broker = campus.start();
    for moment in [Moment::BeforeUpstream, Moment::BeforeAnswer] {
        campus.sts.forget();
        campus.sts.hold(moment);
        let mut caller = caller::begin(broker.address, &token, ROLE).unwrap();
        campus.sts.wait_for(1);
        caller.flush().unwrap();

        drop(caller);

        // Long enough for the broker to see that nobody is there.
        std::thread::sleep(Duration::from_millis(200));
        campus.sts.release();
        eventually("the outcome", || open(&campus.ledger()).is_empty().then_some(()));
    }
    let ledger = campus.ledger();
    assert_eq!((complaints(&ledger, &[]), count_issued(&ledger), ledger.len()), (Vec::new(), 2, 4));
}
