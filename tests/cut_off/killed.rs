//! The broker is killed with SIGKILL between any two steps of a cut-off: the next start finishes it, and nobody was issued
//! anything in between.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};

use chrono::{DateTime, TimeDelta, Utc};
use lodge::ambient::Clock;
use lodge::demo::seed;
use lodge::domain::cut_off::CUT_OFF_POLICY;
use serde_json::{Value, json};

use crate::support::campus::{Campus, Running};
use crate::support::database::Kind;
use crate::support::process::Process;
use crate::support::proxy::{Moment, Recorded};
use crate::support::{PATIENCE, caller, eventually, raw};

const ROLE: &str = "vision/read-results";

/// The calls that a cut-off makes of AWS. Killed at each of them, before AWS has it, so that it never gets there, and before the
/// broker has the answer.
const CALLS: [&str; 5] =
    ["AssumeRole of the steward", "PutRolePolicy", "AssumeRole of the canary", "GetRolePolicy", "the canary's call"];

fn call(recorded: &Recorded) -> &'static str {
    let form = recorded.form();
    let of_steward = form.get("RoleSessionName").is_some_and(|name| name.starts_with("st-"));
    match form.get("Action").map(String::as_str) {
        Some("AssumeRole") if of_steward => CALLS[0],
        Some("PutRolePolicy") => CALLS[1],
        Some("AssumeRole") => CALLS[2],
        Some("GetRolePolicy") => CALLS[3],
        None if recorded.header("x-amz-target").is_some() => CALLS[4],
        _ => "another one",
    }
}

struct Scene {
    campus: Campus,
    student: String,
    token: String,
    pi: String,
    session_role: String,
}

impl Scene {
    fn new(kind: Kind) -> Self {
        let campus = Campus::on(kind);
        let (student, token) = campus.signed_in("student");
        let (_, pi) = campus.signed_in("professor");
        let session_role = seed::LABS.iter().find(|lab| lab.name == "vision").unwrap().session_role();
        Self { campus, student: student.to_string(), token, pi, session_role }
    }

    fn asks(&self, broker: SocketAddr) -> Option<String> {
        caller::ask(broker, &self.token, ROLE).problem()
    }

    fn cut_off(&self, broker: SocketAddr) -> String {
        let ask = raw::post(&format!("http://{broker}/api/v1/labs/vision/cut-offs"));
        let ask = ask.header("authorization", &format!("Bearer {}", self.pi)).json(&json!({"person": self.student}));
        let answer = ask.send();
        assert_eq!(answer.status, 202, "{}", answer.body);
        serde_json::from_str::<Value>(&answer.body).unwrap()["id"].as_str().unwrap().to_owned()
    }

    fn look(&self, broker: SocketAddr, id: &str) -> Value {
        let ask = raw::get(&format!("http://{broker}/api/v1/labs/vision/cut-offs/{id}"));
        serde_json::from_str(&ask.header("authorization", &format!("Bearer {}", self.pi)).send().body).unwrap()
    }

    fn policy(&self) -> Option<String> {
        self.campus.aws.role(&self.session_role).unwrap().inline_policies.remove(CUT_OFF_POLICY)
    }

    /// Whoever administers the account removes the deny, so that a new one shows.
    fn forget_policy(&self) {
        self.campus.aws.change_role(&self.session_role, |role| role.inline_policies.clear()).unwrap();
    }
}

#[test]
fn killed_between_any_two_steps_the_next_start_finishes_it_and_nothing_was_issued() {
    let scene = Scene::new(Kind::Sqlite);
    {
        let broker = scene.campus.start();
        assert!(caller::ask(broker.address, &scene.token, ROLE).received().is_some());
    }
    for call in CALLS {
        for moment in [Moment::BeforeUpstream, Moment::BeforeAnswer] {
            let what = format!("{call}, {moment:?}");
            let running = scene.campus.start();
            let (process, id) = killed_at(&scene, running, call, moment);
            drop(process);
            let Running { process: _process, address } = scene.campus.start();
            finishes(&scene, address, &id, &what);
        }
    }
}

/// Where there are several brokers, nobody has to start one.
#[test]
fn what_a_broker_that_was_killed_has_left_another_one_finishes() {
    if !crate::support::postgres::require("what_a_broker_that_was_killed_has_left_another_one_finishes") {
        return;
    }
    let scene = Scene::new(Kind::Postgres);
    let (running, other) = (scene.campus.start(), scene.campus.start());
    assert!(caller::ask(other.address, &scene.token, ROLE).received().is_some());

    let (_process, id) = killed_at(&scene, running, CALLS[1], Moment::BeforeUpstream);

    finishes(&scene, other.address, &id, "on PostgreSQL");
}

/// Kills a broker in the middle of a cut-off; gives what is left of it.
fn killed_at(scene: &Scene, running: Running, wanted: &'static str, moment: Moment) -> (Process, String) {
    scene.forget_policy();
    let Running { process, address } = running;
    let (tell, told) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let (is_done, gate) = (AtomicBool::new(false), Mutex::new(gate));
    scene.campus.sts.on_each(move |now, recorded| {
        if now == moment && call(recorded) == wanted && !is_done.swap(true, Ordering::SeqCst) {
            let _ = tell.send(recorded.number);
            let _ = gate.lock().unwrap().recv_timeout(PATIENCE);
        }
    });
    let id = scene.cut_off(address);
    let held = told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{wanted}, {moment:?}: it never came"));

    process.killer().kill();

    // What AWS has not seen at that moment it never sees.
    scene.campus.sts.answer_instead(move |recorded| (recorded.number == held).then(Vec::new));
    let _ = go.send(());
    (process, id)
}

/// That a cut-off gets to its end here, with nothing issued on the way.
fn finishes(scene: &Scene, address: SocketAddr, id: &str, what: &str) {
    let again: DateTime<Utc> = scene.look(address, id)["reissue_at"].as_str().unwrap().parse().unwrap();
    let is_refused = || {
        // Once it is over, they are given credentials as ever.
        if Clock::System.now() + TimeDelta::seconds(2) < again {
            assert_eq!(scene.asks(address).as_deref(), Some("cut-off"), "{what}");
        }
    };
    is_refused();
    let finished = eventually("a cut-off that is finished", || {
        let look = scene.look(address, id);
        is_refused();
        look["steps"][2]["at"].is_string().then_some(look)
    });
    let policy = scene.policy().unwrap_or_else(|| panic!("{what}: {finished}"));
    assert!(policy.contains(&scene.student), "{what}");
    let issued = scene.campus.ledger().iter().filter(|entry| entry.event.kind() == "issued").count();
    assert_eq!(issued, 1, "{what}: the one of before");
    eventually("a cut-off with nothing left to wait for", || {
        scene.look(address, id)["done"].as_bool().filter(|it| *it)
    });
}

/// Nor what STS gives by a mapping that ends meanwhile: "and cut off" finds nobody there yet.
#[test]
fn what_was_under_way_when_its_mapping_ended_is_not_handed_out() {
    let scene = Scene::new(Kind::Sqlite);
    let broker = scene.campus.start();
    let (token, address) = (scene.token.clone(), broker.address);
    let pi = format!("Bearer {}", scene.pi);
    let mappings = format!("http://{address}/api/v1/labs/vision/mappings");
    let all: Value = serde_json::from_str(&raw::get(&mappings).header("authorization", &pi).send().body).unwrap();
    let of_students = |it: &&Value| it["role"] == "read-results" && it["state"] == "live";
    let ids: Vec<&str> =
        all["mappings"].as_array().unwrap().iter().filter(of_students).map(|it| it["id"].as_str().unwrap()).collect();
    scene.campus.sts.hold(Moment::BeforeAnswer);
    let asking = std::thread::spawn(move || caller::ask(address, &token, ROLE));
    scene.campus.sts.wait_for(1);

    for id in &ids {
        let end = raw::post(&format!("{mappings}/{id}/end?cut_off=true"));
        let answer = end.header("authorization", &pi).header("if-match", "\"1\"").send();
        assert!((200..300).contains(&answer.status), "{}", answer.body);
    }
    scene.campus.sts.release();

    let answer = asking.join().unwrap();
    assert_eq!((answer.problem().as_deref(), answer.received().is_some()), (Some("no-such-role"), false));
    let outcomes: Vec<&str> = scene.campus.ledger().iter().map(|entry| entry.event.kind()).collect();
    assert_eq!((outcomes.as_slice(), ids.is_empty()), (["attempted", "failed"].as_slice(), false));
}

/// What STS gives to somebody who is cut off while it is asked is dropped.
#[test]
fn what_was_under_way_when_somebody_was_cut_off_is_not_handed_out() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        if kind == Kind::Postgres
            && !crate::support::postgres::require("what_was_under_way_when_somebody_was_cut_off_is_not_handed_out")
        {
            continue;
        }
        let scene = Scene::new(kind);
        let broker = scene.campus.start();
        scene.campus.sts.forget();
        scene.campus.sts.hold(Moment::BeforeAnswer);
        let (token, address) = (scene.token.clone(), broker.address);
        let asking = std::thread::spawn(move || caller::ask(address, &token, ROLE));
        scene.campus.sts.wait_for(1);

        scene.cut_off(broker.address);
        scene.campus.sts.release();

        let answer = asking.join().unwrap();
        assert_eq!((answer.problem().as_deref(), answer.received().is_some()), (Some("cut-off"), false));
        let outcomes: Vec<&str> = scene.campus.ledger().iter().map(|entry| entry.event.kind()).collect();
        assert_eq!(outcomes, ["attempted", "failed"]);
    }
}
