//! Many helpers of one person renew one session at the same moment.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::support::campus::{Campus, Running};
use crate::support::databases::{raw_postgres, raw_sqlite};
use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::programs;

const CROWD: usize = 50;

/// A university whose student has a helper; on PostgreSQL there are two brokers.
struct Scene {
    campus: Campus,
    brokers: Vec<Running>,
    student: Person,
}

impl Scene {
    fn on(kind: Kind) -> Self {
        let campus = Campus::on(kind);
        let count = if kind == Kind::Postgres { 2 } else { 1 };
        let brokers = (0..count).map(|_| campus.start()).collect();
        let student = Person::signed_in("student", &campus.front.url());
        Self { campus, brokers, student }
    }

    fn file(&self) -> std::path::PathBuf {
        self.student.session_file(&self.campus.front.url())
    }

    fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap()
    }

    /// Lets the access token be over, as far as the broker knows and, `openly`, as far as the helper does.
    fn expire(&self, openly: bool) {
        let past = "2020-01-01T00:00:00+00:00";
        if openly {
            let mut session = self.kept();
            session["renewal"]["access_expires_at"] = json!("2020-01-01T00:00:00Z");
            std::fs::write(self.file(), session.to_string()).unwrap();
        }
        let place = &self.campus.place;
        self.campus.block_on(async {
            if place.server().is_some() {
                let mut database = raw_postgres(&place.owner()).await;
                let sql = "update cli_token set access_expires_at = $1::timestamptz";
                sqlx::query(sql).bind(past).execute(&mut database).await.unwrap();
            } else {
                let mut database = raw_sqlite(&place.owner()).await;
                let sql = "update cli_token set access_expires_at = $1";
                sqlx::query(sql).bind(past).execute(&mut database).await.unwrap();
            }
        });
    }

    /// How many helper sessions there are, how many of them ended, and how many generations of tokens they have.
    fn counts(&self) -> (i64, i64, i64) {
        let sql = "select (select count(*) from cli_session), \
            (select count(*) from cli_session where ended_at is not null), (select count(*) from cli_token)";
        let place = &self.campus.place;
        self.campus.block_on(async {
            if place.server().is_some() {
                let mut database = raw_postgres(&place.owner()).await;
                sqlx::query_as(sql).fetch_one(&mut database).await.unwrap()
            } else {
                let mut database = raw_sqlite(&place.owner()).await;
                sqlx::query_as(sql).fetch_one(&mut database).await.unwrap()
            }
        })
    }

    /// Starts that many helpers at once, and waits for all of them.
    fn crowd(&self) -> Vec<Ended> {
        let helpers: Vec<_> = (0..CROWD)
            .map(|_| {
                let mut command = programs::lodge(self.student.home());
                Process::start("lodge", command.args(["credential-process", "--no-cache", "vision/read-results"]))
            })
            .collect();
        helpers.into_iter().map(Process::wait).collect()
    }

    fn nothing_was_reused(&self) {
        let broker = self.campus.broker(Clock::System);
        assert_eq!(self.campus.block_on(async { reused(&broker).await }), [""; 0]);
        for broker in &self.brokers {
            let said = broker.process.stderr();
            assert!(!said.contains("ERROR") && !said.contains("shown again"), "{said}");
        }
    }
}

async fn reused(broker: &Broker) -> Vec<String> {
    let rows = broker.store.read().await.unwrap().all_books(10_000).await.unwrap();
    broker.store.close().await;
    let reused = rows.into_iter().filter(|row| matches!(row.entry.event, Event::TokenReused { .. }));
    reused.map(|row| row.entry.canonical().unwrap()).collect()
}

#[test]
fn fifty_helpers_at_once_all_get_credentials_and_renew_the_session_once() {
    for kind in Kind::all("fifty_helpers_at_once_all_get_credentials_and_renew_the_session_once") {
        let scene = Scene::on(kind);
        for (round, openly) in [(1, true), (2, false)] {
            scene.expire(openly);
            let before = scene.kept();
            let started = Instant::now();

            let ended = scene.crowd();

            println!("{kind:?}: {CROWD} helpers in {} ms", started.elapsed().as_millis());
            for ended in &ended {
                assert!(ended.status.success(), "{}", ended.stderr);
                assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str()), (1, ""));
            }
            let after = scene.kept();
            assert_ne!(before["access_token"], after["access_token"]);
            assert_eq!(scene.counts(), (1, 0, 1 + round), "one session, which was renewed once");
        }
        scene.nothing_was_reused();
    }
}

#[test]
fn fifty_requests_with_one_refresh_token_all_get_the_same_tokens() {
    for kind in Kind::all("fifty_requests_with_one_refresh_token_all_get_the_same_tokens") {
        let scene = Scene::on(kind);
        let token = scene.kept()["renewal"]["refresh_token"].as_str().unwrap().to_owned();
        let start = Barrier::new(CROWD);

        let pairs: Vec<Pair> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..CROWD)
                .map(|number| {
                    let url = format!("http://{}", scene.brokers[number % scene.brokers.len()].address);
                    let (token, start) = (&token, &start);
                    scope.spawn(move || {
                        start.wait();
                        Pair::in_answer(&refresh_with(&url, token, &[]))
                    })
                })
                .collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        });

        let different: BTreeSet<_> = pairs.into_iter().collect();
        assert_eq!((different.len(), scene.counts()), (1, (1, 0, 2)));
        let pair = different.first().unwrap();
        assert_ne!(pair.refresh, token);
        let url = scene.campus.front.url();
        assert_eq!(crate::support::broker::me(&url, &pair.access).status, 200);
        Pair::in_answer(&refresh_with(&url, &pair.refresh, &[]));
        scene.nothing_was_reused();
    }
}

/// A helper that was stopped while it had the lock, or a file system that keeps it for no reason.
#[test]
fn a_lock_that_nobody_lets_go_of_is_passed_over() {
    let scene = Scene::on(Kind::Sqlite);
    scene.expire(true);
    let lock = scene.file().with_extension("json.lock");
    let held = File::options().append(true).open(&lock).unwrap();
    held.lock().unwrap();
    let started = Instant::now();

    let ended = scene.student.ask_for("vision/read-results");

    let took = started.elapsed();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(took >= Duration::from_secs(5) && took < Duration::from_secs(10), "{took:?}");
    assert_eq!(scene.counts(), (1, 0, 2));
    // The positive control: with the lock it takes no time.
    drop(held);
    scene.expire(true);
    let started = Instant::now();
    assert!(scene.student.ask_for("vision/read-results").status.success());
    assert!(started.elapsed() < Duration::from_secs(5));
}
