//! The broker is killed with SIGKILL between any two steps of a cut-off: the next start finishes it, and nobody was issued
//! anything in between.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use lodge::demo::seed;
use lodge::domain::cut_off::CUT_OFF_POLICY;
use serde_json::{Value, json};

use crate::support::campus::{Campus, Running};
use crate::support::database::Kind;
use crate::support::proxy::Moment;
use crate::support::{PATIENCE, caller, eventually, raw};

const ROLE: &str = "vision/read-results";

/// The calls that a cut-off makes of AWS: its own session, the deny and the session that tries it, the deny read back, and the
/// try. Killed at each of them, before AWS has it and before the broker has the answer.
const CALLS: usize = 5;

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
    for call in 1..=CALLS {
        for moment in [Moment::BeforeUpstream, Moment::BeforeAnswer] {
            killed_at(&scene, call, moment);
        }
    }
}

fn killed_at(scene: &Scene, call: usize, moment: Moment) {
    let what = format!("call {call}, {moment:?}");
    scene.forget_policy();
    let Running { process, address } = scene.campus.start();
    let (tell, told) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let (seen, is_done, gate) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)), Mutex::new(gate));
    let done = Arc::clone(&is_done);
    scene.campus.sts.on_each(move |now, _| {
        if now == moment && !done.load(Ordering::SeqCst) && seen.fetch_add(1, Ordering::SeqCst) + 1 == call {
            let _ = tell.send(());
            let _ = gate.lock().unwrap().recv_timeout(PATIENCE);
        }
    });
    let id = scene.cut_off(address);
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{what}: it never came"));

    process.killer().kill();

    is_done.store(true, Ordering::SeqCst);
    let _ = go.send(());
    drop(process);
    let Running { process: _process, address } = scene.campus.start();
    assert_eq!(scene.asks(address).as_deref(), Some("cut-off"), "{what}");
    let finished = eventually("a cut-off that the next start finishes", || {
        let look = scene.look(address, &id);
        assert_eq!(scene.asks(address).as_deref(), Some("cut-off"), "{what}");
        look["steps"][2]["at"].is_string().then_some(look)
    });
    let policy = scene.policy().unwrap_or_else(|| panic!("{what}: {finished}"));
    assert!(policy.contains(&scene.student), "{what}");
    let issued = scene.campus.ledger().iter().filter(|entry| entry.event.kind() == "issued").count();
    assert_eq!(issued, 1, "{what}: the one of before");
    eventually("a cut-off with nothing left to wait for", || {
        scene.look(address, &id)["done"].as_bool().filter(|it| *it)
    });
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
