//! `lodge serve` as a program: what a job is given, who is answered, and what is left behind.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::person::Person;
use crate::support::process::Process;
use crate::support::world::World;
use crate::support::{eventually, files_under, only_line, programs};

const ROLE: &str = "vision/read-results";

/// Prints what a job is given, and goes on until its input ends.
const TELL: &str = "echo url $AWS_CONTAINER_CREDENTIALS_FULL_URI; echo file $AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; \
                    echo ready; read end; exit 42";

struct Scene {
    _world: World,
    student: Person,
    runtime: TempDir,
}

/// What a job was told.
struct Told {
    url: String,
    file: PathBuf,
    token: String,
}

impl Scene {
    fn start() -> Self {
        let world = World::start();
        let student = Person::signed_in("student", &world.url);
        Self { _world: world, student, runtime: tempfile::tempdir().unwrap() }
    }

    fn serve(&self, arguments: &[&str]) -> Command {
        let mut command = programs::lodge(self.student.home());
        command.args(["serve", ROLE]).args(arguments).env("XDG_RUNTIME_DIR", self.runtime.path());
        command
    }

    fn begin(&self, script: &str) -> Process {
        let command = self.serve(&["--", "sh", "-c", script]);
        Process::start("lodge serve", &mut programs::with_all_signals(&command))
    }

    /// Whether something is left of it in this machine's memory or in the person's home.
    fn left_behind(&self) -> Vec<PathBuf> {
        let mut left = files_under(self.runtime.path());
        left.extend(std::fs::read_dir(self.runtime.path()).unwrap().map(|entry| entry.unwrap().path()));
        left.retain(|path| path.to_string_lossy().contains("lodge-serve"));
        left
    }
}

impl Told {
    fn of(process: &Process) -> Self {
        process.wait_for_line("ready");
        let stdout = process.stdout();
        let value = |name: &str| stdout.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let file = PathBuf::from(value("file"));
        let token = std::fs::read_to_string(&file).unwrap();
        Self { url: value("url"), file, token }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().strip_suffix("/credentials").unwrap()
    }

    fn ask(&self) -> (u16, Value) {
        let settings = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent: ureq::Agent = settings.timeout_global(Some(Duration::from_secs(20))).build().into();
        let mut answer = agent.get(&self.url).header("authorization", &self.token).call().unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&body).unwrap())
    }
}

#[test]
fn a_job_finds_the_endpoint_and_nothing_of_it_is_left() {
    let scene = Scene::start();
    let mut command = scene.serve(&["--", "sh", "-c", &format!("env | grep -e ^AWS -e ^LODGE_ROLE; {TELL}")]);
    command.envs([
        ("AWS_ACCESS_KEY_ID", "was-there-before"),
        ("AWS_PROFILE", "was-there-before"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "was-there-before"),
    ]);
    let job = Process::start("lodge serve", &mut command);
    let told = Told::of(&job);

    let (status, given) = told.ask();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let modes = (mode(&told.file), mode(told.file.parent().unwrap()));
    let printed = job.stdout();
    let ended = job.wait();

    assert_eq!(status, 200, "{given}");
    let mut keys: Vec<_> = given.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["AccessKeyId", "AccountId", "Expiration", "SecretAccessKey", "Token"]);
    assert_eq!(modes, (0o600, 0o700));
    assert!(told.token.len() >= 43 && told.token.bytes().all(|byte| byte.is_ascii_graphic()), "256 bits, no newline");
    assert!(printed.contains("LODGE_ROLE=vision/read-results\n") && !printed.contains("was-there-before"), "{printed}");
    for secret in [&told.token, given["SecretAccessKey"].as_str().unwrap(), given["Token"].as_str().unwrap()] {
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret));
    }
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(42), ""));
    assert_eq!(scene.left_behind(), [""; 0].map(PathBuf::from));
    assert!(!told.file.exists());
}

#[test]
fn a_jobs_own_code_is_what_serve_ends_with() {
    let scene = Scene::start();

    for (script, code) in
        [("exit 0", 0), ("exit 3", 3), ("exit 42", 42), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
    {
        let ended = scene.begin(script).wait();
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(code), ""), "{script}");
    }
    assert_eq!(scene.student.lodge(&["serve", ROLE, "--", "no-such-command-here"]).status.code(), Some(127));
    let left = files_under(scene.student.home());
    assert!(!left.iter().any(|path| path.to_string_lossy().contains("lodge-serve")), "{left:?}");
    assert_eq!(scene.left_behind(), [""; 0].map(PathBuf::from));
}

#[test]
fn signals_reach_the_job() {
    let scene = Scene::start();

    for signal in ["INT", "TERM", "HUP", "QUIT", "USR1"] {
        let script = format!("trap 'echo got {signal}; exit 7' {signal}; echo ready; while :; do sleep 0.05; done");
        let job = scene.begin(&script);
        job.wait_for_line("ready");

        job.signal(signal);

        let ended = job.wait();
        assert_eq!(ended.status.code(), Some(7), "{signal}: {}", ended.stderr);
        assert!(ended.stdout.ends_with(&format!("got {signal}\n")), "{}", ended.stdout);
        assert_eq!(scene.left_behind(), [""; 0].map(PathBuf::from), "{signal}");
    }
}

#[test]
fn ctrl_c_reaches_the_job_once() {
    let scene = Scene::start();
    let script = scene.student.home().join("job");
    // What the helper passes on comes in the order in which it heard of it, so a second interrupt would be here before this.
    let text = "trap 'echo interrupted; kill -USR1 $PPID' INT; trap 'echo told; exit 9' USR1; echo ready; \
                until read a; do :; done";
    std::fs::write(&script, text).unwrap();
    let line = format!("exec {} serve {ROLE} -- sh {}", env!("CARGO_BIN_EXE_lodge"), script.display());
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    for (name, value) in scene.serve(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    let mut terminal = Process::start("script", &mut command);
    terminal.wait_for_line("ready");

    terminal.say("\u{3}");
    terminal.wait_for_line("told");
    let ended = terminal.wait();
    assert_eq!(ended.stdout.matches("interrupted").count(), 1, "{}", ended.stdout);
    assert_eq!(ended.status.code(), Some(9), "{}", ended.stdout);
}

#[test]
fn a_job_that_is_to_outlive_its_terminal_does() {
    let scene = Scene::start();
    let lodge = env!("CARGO_BIN_EXE_lodge");
    let line = format!("trap '' HUP; exec {lodge} serve {ROLE} -- sh -c '{TELL}'");
    let mut command = programs::shell(scene.student.home(), &[], &line);
    let job = Process::start("lodge serve", command.env("XDG_RUNTIME_DIR", scene.runtime.path()));
    let told = Told::of(&job);

    job.signal("HUP");

    assert_eq!(told.ask().0, 200);
    assert_eq!(job.wait().status.code(), Some(42));
}

#[test]
fn without_a_command_it_serves_whoever_evaluates_what_it_prints() {
    let scene = Scene::start();
    for signal in ["INT", "TERM", "HUP"] {
        let mut command = programs::with_all_signals(&scene.serve(&["--shell", "bash"]));
        let serving = Process::start("lodge serve", &mut command);
        serving.wait_for_line("export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=");
        let said = serving.wait_for_line("until Ctrl-C");
        let statements = serving.stdout();
        let mut shell = programs::shell(scene.student.home(), &[], &format!("{statements}\n{TELL}"));
        let job = Process::start("job", shell.env("AWS_SECRET_ACCESS_KEY", "was-there-before"));
        let told = Told::of(&job);
        let given = told.ask();
        assert_eq!(job.wait().status.code(), Some(42));

        serving.signal(signal);

        let ended = serving.wait();
        assert_eq!(given.0, 200);
        assert!(statements.contains("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY "), "{statements}");
        assert!(!statements.contains(&told.token), "{statements}");
        assert_eq!(only_line(&ended.stderr), said);
        assert!(said.contains(told.address()) && said.contains("expire at 20"), "{said}");
        assert_eq!(ended.status.code(), Some(0), "{signal}");
        assert_eq!(scene.left_behind(), [""; 0].map(PathBuf::from));
    }
}

#[test]
fn a_port_that_is_taken_is_said() {
    let scene = Scene::start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let ended = Process::run("lodge serve", &mut scene.serve(&["--port", &port, "--", "true"]), "");

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    assert!(only_line(&ended.stderr).contains(&format!("cannot serve on 127.0.0.1:{port}: ")), "{}", ended.stderr);
}

#[test]
fn two_hundred_at_once_are_answered_beside_as_many_that_stall() {
    let scene = Scene::start();
    let job = scene.begin(TELL);
    let told = Told::of(&job);
    let stalled: Vec<_> = (0..200)
        .map(|number| {
            let mut caller = TcpStream::connect(told.address()).unwrap();
            caller.write_all(&b"GET /credentials HTTP/1.1\r\nHost:"[..number % 20]).unwrap();
            caller
        })
        .collect();

    let begun = Instant::now();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..200).map(|_| scope.spawn(|| told.ask())).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let took = begun.elapsed();

    assert!(answers.iter().all(|(status, body)| *status == 200 && body["AccessKeyId"] == answers[0].1["AccessKeyId"]));
    assert!(took < Duration::from_secs(20), "{took:?}");
    drop(stalled);
    assert_eq!(job.wait().status.code(), Some(42));
}

#[test]
fn the_endpoint_ends_with_the_job() {
    let scene = Scene::start();
    let job = scene.begin(TELL);
    let told = Told::of(&job);
    let id = job.killer().id();

    assert_eq!(job.wait().status.code(), Some(42));

    eventually("the end of the program", || (!Path::new(&format!("/proc/{id}")).exists()).then_some(()));
    assert!(!told.file.exists());
}
