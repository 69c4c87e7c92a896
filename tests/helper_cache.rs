//! What is kept on a person's machine, and hundreds of processes that want it at the same moment.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::campus::{Campus, Running};
use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::programs;
use crate::support::proxy::{Moment, Recorded};
use crate::support::{eventually, files_under};

const CROWD: usize = 500;

const ASK: [&str; 2] = ["credential-process", "vision/read-results"];

/// A student with a helper, and a broker that can be watched.
struct Scene {
    campus: Campus,
    _broker: Running,
    student: Person,
}

impl Scene {
    fn new() -> Self {
        let campus = Campus::new();
        let broker = campus.start();
        let student = Person::signed_in("student", &campus.front.url());
        campus.front.forget();
        Self { campus, _broker: broker, student }
    }

    fn helper(&self) -> Command {
        let mut command = programs::lodge(self.student.home());
        command.args(ASK);
        command
    }

    /// Starts that many helpers, and waits for none.
    fn crowd(&self, count: usize) -> Vec<Child> {
        let start = |_| self.helper().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        (0..count).map(|number| start(number).unwrap()).collect()
    }

    /// What the broker was asked for credentials.
    fn asked(&self) -> usize {
        count(&self.campus.front.recorded(), "/credentials")
    }

    /// The one file with credentials.
    fn kept(&self) -> PathBuf {
        let mut files = files_under(&self.student.home().join("credentials"));
        files.retain(|path| path.extension().is_some_and(|it| it == "json"));
        assert_eq!(files.len(), 1, "{files:?}");
        files.pop().unwrap()
    }

    /// Lets the helper think that its access token is over.
    fn expire(&self) {
        let file = self.student.session_file(&self.campus.front.url());
        let mut session: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        session["renewal"]["access_expires_at"] = json!("2020-01-01T00:00:00Z");
        std::fs::write(&file, session.to_string()).unwrap();
    }

    fn run(command: &mut Command) -> Ended {
        Process::run("lodge", command, "")
    }
}

fn count(recorded: &[Recorded], path: &str) -> usize {
    recorded.iter().filter(|request| request.path().ends_with(path)).count()
}

/// The one object that all of them printed.
fn printed_by(crowd: impl IntoIterator<Item = Output>) -> Value {
    let mut printed: Vec<Vec<u8>> = Vec::new();
    for ended in crowd {
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success(), "{}: {stderr}", ended.status);
        assert_eq!(stderr, "");
        printed.push(ended.stdout);
    }
    printed.dedup();
    assert_eq!(printed.len(), 1, "not all of them printed the same");
    let object: Value = serde_json::from_slice(&printed[0]).unwrap();
    assert_eq!((&object["Version"], object["AccessKeyId"].as_str().map(|id| &id[..4])), (&json!(1), Some("ASIA")));
    object
}

#[test]
fn five_hundred_at_once_are_one_request() {
    let scene = Scene::new();
    let started = Instant::now();

    let crowd = scene.crowd(CROWD);
    let object = printed_by(crowd.into_iter().map(|child| child.wait_with_output().unwrap()));

    println!("{CROWD} helpers in {} ms", started.elapsed().as_millis());
    assert_eq!((scene.asked(), scene.campus.front.recorded().len()), (1, 1));
    assert_eq!(printed_by([scene.helper().output().unwrap()]), object);
    assert_eq!(scene.asked(), 1);
}

#[test]
fn when_the_one_that_asks_is_killed_another_asks_and_all_others_are_served() {
    let scene = Scene::new();
    scene.campus.front.hold(Moment::BeforeAnswer);
    let mut crowd = scene.crowd(CROWD);
    scene.campus.front.wait_for(1);
    let lock = eventually("the word of who asks", || {
        let locks = files_under(&scene.student.home().join("credentials"));
        let lock = locks.into_iter().find(|path| path.extension().is_some_and(|it| it == "lock"))?;
        serde_json::from_slice::<Value>(&std::fs::read(lock).ok()?).ok()
    });
    let asking = crowd.iter().position(|child| u64::from(child.id()) == lock["pid"].as_u64().unwrap()).unwrap();

    let mut killed = crowd.remove(asking);
    killed.kill().unwrap();
    assert!(!killed.wait().unwrap().success());
    scene.campus.front.wait_for(2);
    scene.campus.front.release();

    printed_by(crowd.into_iter().map(|child| child.wait_with_output().unwrap()));
    assert_eq!(scene.asked(), 2);
}

#[test]
fn a_file_that_is_corrupt_costs_one_request_and_heals() {
    let scene = Scene::new();
    assert!(scene.student.lodge(&ASK).status.success());
    std::fs::write(scene.kept(), b"{\"broker\":\"htt").unwrap();

    let crowd = scene.crowd(100);
    let object = printed_by(crowd.into_iter().map(|child| child.wait_with_output().unwrap()));

    assert_eq!(scene.asked(), 2);
    let kept: Value = serde_json::from_slice(&std::fs::read(scene.kept()).unwrap()).unwrap();
    assert_eq!(kept["access_key_id"], object["AccessKeyId"]);
}

/// A limit on the size of files stands in for a full disk: both are a write that fails.
#[test]
fn on_a_full_disk_it_serves_and_says_that_nothing_is_kept() {
    let scene = Scene::new();

    for asked in 1..=2 {
        let ended = Scene::run(&mut programs::with_file_limit(&scene.helper(), 0));
        assert!(ended.status.success(), "{}", ended.stderr);
        assert!(ended.stdout.starts_with("{\"Version\":1,") && ended.stdout.ends_with("}\n"), "{}", ended.stdout);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("not kept, so each call asks the broker: cannot write"), "{}", ended.stderr);
        assert_eq!(scene.asked(), asked);
    }

    let ended = Scene::run(&mut scene.helper());
    assert_eq!((ended.status.success(), ended.stderr.as_str()), (true, ""), "there is room again");
    scene.kept();
    let left: Vec<_> = files_under(scene.student.home());
    assert!(!left.iter().any(|path| path.to_string_lossy().contains("half-written")), "{left:?}");
}

/// What a refresh token gets must be written down, or the session is over.
#[test]
fn a_session_is_not_renewed_where_it_cannot_be_kept() {
    let scene = Scene::new();
    scene.expire();

    let ended = Scene::run(&mut programs::with_file_limit(&scene.helper(), 0));

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.starts_with("lodge: cannot write "), "{}", ended.stderr);
    assert_eq!(scene.campus.front.recorded().len(), 0, "the refresh token was traded");
    assert!(scene.student.lodge(&ASK).status.success(), "there is room again");
}

#[cfg(target_os = "linux")]
#[test]
fn with_a_read_only_home_it_serves_and_renews_the_session_elsewhere() {
    let scene = Scene::new();
    let (home, run) = (scene.student.home(), tempfile::tempdir().unwrap());
    let mut helper = scene.helper();
    helper.env("XDG_RUNTIME_DIR", run.path());

    scene.expire();

    for asked in 1..=2 {
        let ended = Scene::run(&mut programs::with_read_only(&helper, home));
        assert!(ended.status.success(), "{}", ended.stderr);
        assert!(ended.stdout.starts_with("{\"Version\":1,"), "{}", ended.stdout);
        assert!(ended.stderr.contains("not kept, so each call asks the broker: cannot create"), "{}", ended.stderr);
        assert_eq!(scene.asked(), asked);
    }
    assert_eq!(count(&scene.campus.front.recorded(), "/oauth/token"), 1, "what was kept elsewhere is not read");

    let logout = Scene::run(programs::lodge(home).arg("logout").env("XDG_RUNTIME_DIR", run.path()));
    assert!(logout.status.success(), "{}", logout.stderr);
    let left: Vec<_> = files_under(run.path());
    assert!(left.iter().all(|path| path.extension().is_some_and(|it| it == "lock")), "{left:?}");
}

/// Whether this helper has come to where they meet.
#[cfg(target_os = "linux")]
fn has_come(helper: &Child) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", helper.id())) else { return false };
    let mut files = open.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    files.any(|file| file.to_string_lossy().ends_with(".lock"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_broker_that_says_no_is_asked_once_by_those_who_are_there() {
    let scene = Scene::new();
    scene.campus.front.hold(Moment::BeforeAnswer);
    let start = || {
        let mut command = programs::lodge(scene.student.home());
        command.args(["credential-process", "vision/pay"]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let first = start();
    scene.campus.front.wait_for(1);
    let others: Vec<_> = (0..20).map(|_| start()).collect();
    eventually("all of them wait", || others.iter().all(has_come).then_some(()));
    // As long as it takes to read a line, and more.
    std::thread::sleep(Duration::from_millis(200));
    scene.campus.front.release();

    let mut said: Vec<_> = std::iter::once(first).chain(others).map(|one| one.wait_with_output().unwrap()).collect();
    assert!(said.iter().all(|one| one.status.code() == Some(1) && one.stdout.is_empty()), "{said:?}");
    said.dedup_by(|one, other| one.stderr == other.stderr);
    assert_eq!(said.len(), 1);
    assert_eq!(scene.asked(), 1);
}

/// A copy of the session that ended, or of what was kept, opens nothing that was not open.
#[test]
fn signing_out_takes_away_what_is_kept() {
    let scene = Scene::new();
    assert!(scene.student.lodge(&ASK).status.success());
    let file = scene.kept();

    assert!(scene.student.lodge(&["logout"]).status.success());

    assert!(!file.exists());
    assert_eq!(scene.student.lodge(&ASK).status.code(), Some(4));
}

#[test]
fn status_tells_what_is_kept_and_until_when() {
    let scene = Scene::new();
    let object: Value = serde_json::from_str(&scene.student.lodge(&ASK).stdout).unwrap();

    let text = scene.student.lodge(&["status"]).stdout;
    let json: Value = serde_json::from_str(&scene.student.lodge(&["status", "--json"]).stdout).unwrap();

    assert!(text.contains("Kept on this machine:\n  vision/read-results  credentials until "), "{text}");
    let kept = json!([{"lab": "vision", "role": "read-results", "expires_at": object["Expiration"]}]);
    assert_eq!(json["cached"], kept);
}
