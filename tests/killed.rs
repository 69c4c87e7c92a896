//! The broker is killed with SIGKILL at every point on the way of a credential, again and again. Whatever happens, a
//! credential that somebody has in hand is in the ledger, and after the next start every attempt has one outcome.
//!
//! Nothing in the broker knows of these tests. Where it is killed is chosen from outside: by a proxy that holds the call
//! to STS, by the database's write lock, by a log that nobody reads, by looking at the ledger, and by chance.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock, Random};
use lodge::app::Broker;
use lodge::domain::ledger::{Entry, Event, Failure};

use crate::support::caller::{self, Received};
use crate::support::campus::{Campus, Running, address_in};
use crate::support::ledger::{complaints, count_issued, open};
use crate::support::proxy::Moment;
use crate::support::{PATIENCE, eventually};

/// How often the broker is killed at each point.
const KILLS: usize = 50;

const ROLE: &str = "vision/read-results";

/// One university, whose broker is killed over and over.
struct Scene {
    campus: Campus,
    token: String,
    /// A broker that is never killed. It stands ten minutes in the future, where every attempt that is open is old.
    sweeper: Broker,
    /// Everything that anybody ever received.
    received: Vec<Received>,
    kills: Vec<Kill>,
    started: Instant,
}

/// What one kill left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kill {
    /// Credentials that a client had received.
    received: usize,
    /// Credentials that the ledger said were issued.
    issued: usize,
    /// Attempts without an outcome.
    open: usize,
}

impl Scene {
    fn new() -> Self {
        let campus = Campus::new();
        let (_, token) = campus.signed_in("student");
        let clock = ManualClock::at(Clock::System.now());
        clock.advance(TimeDelta::minutes(10));
        let sweeper = campus.broker(Clock::Manual(clock));
        Self { campus, token, sweeper, received: Vec::new(), kills: Vec::new(), started: Instant::now() }
    }

    /// Asks for a credential on a thread of its own.
    fn ask(&self, broker: SocketAddr) -> std::thread::JoinHandle<Option<Received>> {
        let token = self.token.clone();
        std::thread::spawn(move || caller::ask(broker, &token, ROLE).received())
    }

    /// Looks at what is left after a kill, has a broker end what was open, and looks again.
    fn after_kill(&mut self, received: impl IntoIterator<Item = Received>) {
        let (known, issued_before) = (self.received.len(), self.kills.iter().map(|kill| kill.issued).sum::<usize>());
        self.received.extend(received);
        let left = self.campus.ledger();
        assert_eq!(complaints(&left, &self.received), [""; 0]);
        let open_attempts = open(&left);
        self.kills.push(Kill {
            received: self.received.len() - known,
            issued: count_issued(&left) - issued_before,
            open: open_attempts.len(),
        });

        let ended = self.campus.block_on(self.sweeper.sweep()).unwrap();

        assert_eq!(ended, open_attempts.len());
        let swept = self.campus.ledger();
        assert_eq!(complaints(&swept, &self.received), [""; 0]);
        assert!(open(&swept).is_empty());
        let interrupted = |entry: &&Entry| matches!(entry.event, Event::Failed { reason: Failure::Interrupted, .. });
        let ended: Vec<&str> = swept[..].iter().filter(interrupted).map(|entry| entry.thread.id()).collect();
        assert!(open_attempts.iter().all(|attempt| ended.contains(attempt)));
    }

    /// Says what the kills have hit, and shows that the broker still does its work.
    fn finish(mut self, point: &str) -> Vec<Kill> {
        let broker = self.campus.start();
        let last = caller::ask(broker.address, &self.token, ROLE).received().expect("a broker that works again");
        drop(broker);
        let kills = self.kills.clone();
        self.after_kill([last]);
        let count = |hit: fn(&Kill) -> bool| kills.iter().filter(|kill| hit(kill)).count();
        println!(
            "{} kills {point}, in {} ms: {} had received a credential, {} had issued one, {} had an open attempt; \
             {} credentials in all",
            kills.len(),
            self.started.elapsed().as_millis(),
            count(|kill| kill.received > 0),
            count(|kill| kill.issued > 0),
            count(|kill| kill.open > 0),
            self.received.len(),
        );
        kills
    }
}

#[test]
fn killed_before_sts_answers_nothing_was_given() {
    let mut scene = Scene::new();
    for _ in 0..KILLS {
        let Running { process, address } = scene.campus.start();
        scene.campus.sts.forget();
        scene.campus.sts.hold(Moment::BeforeUpstream);
        let asking = scene.ask(address);
        scene.campus.sts.wait_for(1);

        process.killer().kill();

        let received = asking.join().unwrap();
        scene.campus.sts.release();
        scene.after_kill(received);
    }

    let kills = scene.finish("between `attempted` and the answer of STS");
    assert_eq!(kills, vec![Kill { received: 0, issued: 0, open: 1 }; KILLS]);
}

#[test]
fn killed_before_the_record_is_written_nothing_was_given() {
    let mut scene = Scene::new();
    let store = scene.campus.store();
    let lock = Arc::new(Mutex::new(None));
    let (sent, answered) = mpsc::channel();
    let (handle, holder, writer) = (scene.campus.handle(), Arc::clone(&lock), store.clone());
    scene.campus.sts.on_each(move |moment, call| match moment {
        Moment::BeforeUpstream => {}
        Moment::BeforeAnswer => *holder.lock().unwrap() = Some(handle.block_on(writer.write()).unwrap()),
        Moment::AfterAnswer => sent.send(call.answer.as_ref().unwrap().status).unwrap(),
    });
    for _ in 0..KILLS {
        let Running { process, address } = scene.campus.start();
        let asking = scene.ask(address);
        assert_eq!(answered.recv_timeout(PATIENCE).unwrap(), 200);
        // The broker has the credential in hand, and waits for the lock to write it down.
        std::thread::sleep(Duration::from_millis(10 + up_to(30)));

        process.killer().kill();

        let received = asking.join().unwrap();
        let held = lock.lock().unwrap().take().unwrap();
        scene.campus.block_on(held.commit()).unwrap();
        scene.after_kill(received);
    }

    scene.campus.sts.on_each(|_, _| {});
    scene.campus.block_on(store.close());
    let kills = scene.finish("between the answer of STS and `issued`");
    assert_eq!(kills, vec![Kill { received: 0, issued: 0, open: 1 }; KILLS]);
}

#[test]
fn killed_before_the_reply_the_record_stands() {
    let mut scene = Scene::new();
    let store = scene.campus.store();
    for _ in 0..KILLS {
        let broker = Gagged::start(&scene.campus);
        let seen = count_issued(&scene.campus.ledger());
        let asking = scene.ask(broker.address);
        wait_until_issued(&scene.campus, &store, seen);

        drop(broker);

        let received = asking.join().unwrap();
        scene.after_kill(received);
    }

    scene.campus.block_on(store.close());
    let kills = scene.finish("between `issued` and the reply, held by a log that nobody reads");
    assert_eq!(kills, vec![Kill { received: 0, issued: 1, open: 0 }; KILLS]);
}

#[test]
fn killed_as_soon_as_the_record_is_seen_it_covers_what_was_received() {
    let mut scene = Scene::new();
    let store = scene.campus.store();
    for round in 0..KILLS {
        let Running { process, address } = scene.campus.start();
        let seen = count_issued(&scene.campus.ledger());
        let token = scene.token.clone();
        let ask = if round % 2 == 0 { caller::ask } else { caller::ask_slowly };
        let asking = std::thread::spawn(move || ask(address, &token, ROLE).received());
        wait_until_issued(&scene.campus, &store, seen);

        process.killer().kill();

        let received = asking.join().unwrap();
        scene.after_kill(received);
    }

    scene.campus.block_on(store.close());
    let kills = scene.finish("as soon as `issued` was seen, every other one with a slow reader");
    assert!(kills.iter().all(|kill| kill.issued == 1 && kill.open == 0), "{kills:?}");
}

#[test]
fn killed_at_any_moment_under_load_the_ledger_covers_what_was_received() {
    const CALLERS: usize = 6;
    let mut scene = Scene::new();
    for round in 0..KILLS {
        let Running { process, address } = scene.campus.start();
        let (gone, got) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let askers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (token, gone, got) = (scene.token.clone(), Arc::clone(&gone), Arc::clone(&got));
                std::thread::spawn(move || {
                    let mut received = Vec::new();
                    while !gone.load(Ordering::SeqCst) {
                        received.extend(caller::ask(address, &token, ROLE).received());
                        got.fetch_or(!received.is_empty(), Ordering::SeqCst);
                    }
                    received
                })
            })
            .collect();
        // Every other broker lives long enough to have given something, however busy this machine is.
        if round % 2 == 0 {
            eventually("a first credential", || got.load(Ordering::SeqCst).then_some(()));
        }
        std::thread::sleep(Duration::from_millis(up_to(120)));

        process.killer().kill();

        gone.store(true, Ordering::SeqCst);
        let received: Vec<_> = askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect();
        scene.after_kill(received);
    }

    let kills = scene.finish("at random moments under six parallel callers");
    let count = |hit: fn(&Kill) -> bool| kills.iter().filter(|kill| hit(kill)).count();
    assert!(count(|kill| kill.received > 0) >= KILLS / 4, "too few had received anything: {kills:?}");
    assert!(count(|kill| kill.open > 0) >= KILLS / 4, "too few were in the middle of something: {kills:?}");
}

/// Waits until the ledger holds more issued credentials than before, looking as often as it can.
fn wait_until_issued(campus: &Campus, store: &lodge::store::Store, before: usize) {
    let until = Instant::now() + PATIENCE;
    campus.block_on(async {
        loop {
            let rows = store.read().await.unwrap().all_books(u32::MAX).await.unwrap();
            let ledger: Vec<Entry> = rows.into_iter().map(|row| row.entry).collect();
            if count_issued(&ledger) > before {
                return;
            }
            assert!(Instant::now() < until, "nothing was issued");
        }
    });
}

/// A random number below `most`.
fn up_to(most: u64) -> u64 {
    u64::from_le_bytes(Random::System.bytes()) % most
}

/// A broker that stops at its first word: its standard error is a pipe that is full. The first word of a request is the
/// line that tells how the attempt ended, which comes after the record and before the reply.
struct Gagged {
    child: Child,
    address: SocketAddr,
    /// As long as it is open, the broker waits; once it is closed, whoever fills the pipe ends.
    _unread: std::io::PipeReader,
}

impl Gagged {
    fn start(campus: &Campus) -> Self {
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        let mut command = campus.command("warn,lodge=info");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer.try_clone().unwrap());
        let child = command.spawn().unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"\n") || !said.windows(5).any(|five| five == b"ready") {
            let mut byte = [0];
            assert_eq!(reader.read(&mut byte).unwrap(), 1, "the broker ended");
            said.push(byte[0]);
        }
        let line = String::from_utf8(said).unwrap();
        std::thread::spawn(move || while writer.write_all(&[b'.'; 4_096]).is_ok() {});
        std::thread::sleep(Duration::from_millis(20));
        Self { child, address: address_in(&line), _unread: reader }
    }
}

impl Drop for Gagged {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
