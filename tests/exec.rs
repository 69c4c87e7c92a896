//! `lodge exec` and `lodge env`: what a command and a shell are given, and what becomes of a command.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;

use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::world::World;
use crate::support::{only_line, programs};

const ROLE: &str = "vision/read-results";

/// What somebody may have in their environment from another provider.
const INHERITED: [(&str, &str); 15] = [
    ("AWS_ACCESS_KEY_ID", "AKIAOLD"),
    ("AWS_SECRET_ACCESS_KEY", "was-there-before"),
    ("AWS_SESSION_TOKEN", "was-there-before"),
    ("AWS_SECURITY_TOKEN", "was-there-before"),
    ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"),
    ("AWS_ACCOUNT_ID", "999999999999"),
    ("AWS_PROFILE", "was-there-before"),
    ("AWS_DEFAULT_PROFILE", "was-there-before"),
    ("AWS_ROLE_ARN", "was-there-before"),
    ("AWS_ROLE_SESSION_NAME", "was-there-before"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/old"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/old"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "was-there-before"),
    ("AWS_CONTAINER_SOMETHING_NEW", "was-there-before"),
    ("AWS_BEARER_TOKEN_BEDROCK", "was-there-before"),
];

/// What is no credential.
const KEPT: [(&str, &str); 3] =
    [("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_CONFIG_FILE", "/dev/null")];

struct Scene {
    /// Broker and AWS, for as long as the test runs.
    world: World,
    student: Person,
}

impl Scene {
    fn start() -> Self {
        let world = World::start();
        let student = Person::signed_in("student", &world.url);
        Self { world, student }
    }

    fn exec(&self, command: &[&str]) -> Ended {
        self.student.lodge(&[&["exec", ROLE, "--"], command].concat())
    }

    /// A command that is running.
    fn begin(&self, script: &str) -> Process {
        let mut command = programs::lodge(self.student.home());
        command.args(["exec", ROLE, "--", "sh", "-c", script]);
        Process::start("lodge exec", &mut programs::with_all_signals(&command))
    }
}

fn variables(printed: &str) -> BTreeMap<&str, &str> {
    let ours = |name: &str| name.starts_with("AWS_") || name == "LODGE_ROLE";
    printed.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| ours(name)).collect()
}

#[test]
fn a_commands_own_code_is_what_exec_ends_with() {
    let scene = Scene::start();

    for code in [0, 3, 42] {
        assert_eq!(scene.exec(&["sh", "-c", &format!("exit {code}")]).status.code(), Some(code));
    }
    assert_eq!(scene.exec(&["sh", "-c", "kill -KILL $$"]).status.signal(), Some(9));
    let dashless = scene.student.lodge(&["exec", ROLE, "sh", "-c", "echo \"$1\"; exit 5", "-", "--version"]);
    assert_eq!((dashless.status.code(), dashless.stdout.as_str()), (Some(5), "--version\n"), "{}", dashless.stderr);
}

#[test]
fn exec_becomes_the_command_and_signals_are_the_commands_own() {
    let scene = Scene::start();

    for signal in ["INT", "TERM", "HUP", "USR1"] {
        let script = format!("trap 'echo got {signal}; exit 7' {signal}; echo ready $$; while :; do sleep 0.05; done");
        let running = scene.begin(&script);
        let ready = running.wait_for_line("ready");

        assert_eq!(ready, format!("ready {}", running.killer().id()), "no process of ours is in between");
        running.signal(signal);

        let ended = running.wait();
        assert_eq!(ended.status.code(), Some(7), "{signal}: {}", ended.stderr);
        assert!(ended.stdout.ends_with(&format!("got {signal}\n")), "{}", ended.stdout);
    }
}

#[test]
fn a_command_ignores_no_signal_that_we_ignore() {
    let scene = Scene::start();

    for verb in ["exec", "serve"] {
        let ended = scene.student.lodge(&[verb, ROLE, "--", "grep", "SigIgn", "/proc/self/status"]);

        let mask = ended.stdout.strip_prefix("SigIgn:").unwrap_or_else(|| panic!("{}", ended.stderr)).trim();
        let broken_pipe = 1 << 12;
        assert_eq!(u64::from_str_radix(mask, 16).unwrap() & broken_pipe, 0, "{verb}: {mask}");
    }
}

#[test]
fn a_command_has_these_credentials_and_none_that_were_there_before() {
    let scene = Scene::start();
    let before: Vec<_> = INHERITED.into_iter().chain(KEPT).collect();

    let ended = scene.student.lodge_with(&["exec", ROLE, "--", "env"], &before);

    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
    let mut found = variables(&ended.stdout);
    assert!(!ended.stdout.contains("was-there-before"), "{}", ended.stdout);
    for (name, value) in KEPT {
        assert_eq!(found.remove(name), Some(value), "{name}");
    }
    assert!(found.remove("AWS_ACCESS_KEY_ID").unwrap().starts_with("ASIA"));
    assert!(found.remove("AWS_CREDENTIAL_EXPIRATION").unwrap().ends_with('Z'));
    assert!(found.remove("AWS_SECRET_ACCESS_KEY").is_some() && found.remove("AWS_SESSION_TOKEN").is_some());
    assert_eq!(found.remove("AWS_ACCOUNT_ID"), Some("111122223333"));
    assert_eq!(found.remove("LODGE_ROLE"), Some(ROLE));
    let rest: Vec<_> = found.keys().copied().collect();
    assert_eq!(
        rest,
        ["AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_SHARED_CREDENTIALS_FILE"],
        "the test's own"
    );
    assert_eq!(scene.world.ledger().len(), 2);
}

#[test]
fn inside_of_one_role_another_is_refused() {
    let scene = Scene::start();
    let lodge = env!("CARGO_BIN_EXE_lodge");

    let nested = scene.exec(&[lodge, "exec", "vision/publish", "--", "echo", "ran"]);
    let served = scene.exec(&[lodge, "serve", "vision/publish", "--", "echo", "ran"]);
    let apart = scene.exec(&["env", "-u", "LODGE_ROLE", lodge, "exec", ROLE, "--", "echo", "ran"]);

    for refused in [nested, served] {
        assert_eq!((refused.status.code(), refused.stdout.as_str()), (Some(2), ""));
        let line = only_line(&refused.stderr);
        assert!(line.contains("already, as vision/read-results") && line.contains("env -u LODGE_ROLE"), "{line}");
    }
    assert_eq!((apart.status.code(), apart.stdout.as_str()), (Some(0), "ran\n"), "{}", apart.stderr);
}

#[test]
fn a_command_that_cannot_be_run_gives_what_a_shell_gives() {
    let scene = Scene::start();
    let file = scene.student.home().join("not-a-program");
    std::fs::write(&file, "x").unwrap();

    for verb in ["exec", "serve"] {
        let missing = scene.student.lodge(&[verb, ROLE, "--", "no-such-command-here"]);
        let barred = scene.student.lodge(&[verb, ROLE, "--", file.to_str().unwrap()]);

        assert_eq!(missing.status.code(), Some(127));
        assert!(only_line(&missing.stderr).starts_with("lodge: there is no command no-such-command-here"));
        assert_eq!(barred.status.code(), Some(126));
        assert!(only_line(&barred.stderr).contains("cannot be run"), "{}", barred.stderr);
    }
}

#[test]
fn without_credentials_nothing_is_run() {
    let scene = Scene::start();

    for verb in ["exec", "serve"] {
        let refused = scene.student.lodge(&[verb, "vision/pay", "--", "echo", "ran"]);
        let nobody = Person::new("nobody").lodge(&[verb, ROLE, "--", "echo", "ran"]);

        assert_eq!((refused.status.code(), refused.stdout.as_str()), (Some(1), ""));
        assert_eq!((nobody.status.code(), nobody.stdout.as_str()), (Some(4), ""));
        only_line(&refused.stderr);
        only_line(&nobody.stderr);
    }
}

#[test]
fn no_secret_is_in_any_command_line() {
    let scene = Scene::start();
    let script =
        "printf 'key %s.\\ntoken %s.\\n' \"$AWS_SECRET_ACCESS_KEY\" \"$AWS_SESSION_TOKEN\"; echo ready; read end";
    let running = scene.begin(script);
    running.wait_for_line("ready");
    let printed = running.stdout();
    let secrets: Vec<_> = printed.lines().filter_map(|line| line.strip_suffix('.')?.split_once(' ')).collect();

    let lines: Vec<_> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|process| std::fs::read(process.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .collect();

    assert!(lines.iter().any(|line| line.contains("read end")), "the command itself is seen");
    assert_eq!(secrets.len(), 2);
    for (name, secret) in secrets {
        assert!(secret.len() > 30 && !lines.iter().any(|line| line.contains(secret)), "{name}");
    }
    assert!(running.wait().status.code() == Some(1), "its input has ended");
}

#[test]
fn a_shell_that_evaluates_env_has_the_credentials_until_it_undoes_it() {
    let scene = Scene::start();
    let script = format!(
        "eval \"$(lodge env {ROLE})\" || exit 1; env; echo ----; lodge exec {ROLE} -- true || exit 1
         eval \"$(lodge env --unset)\" || exit 1; env"
    );

    for shell in ["/bin/sh", "/bin/bash"] {
        let mut command = programs::shell(scene.student.home(), &[], &format!("exec {shell} -u -c '{script}'"));
        let ended = Process::run("shell", command.env("SHELL", shell).envs(INHERITED), "");

        assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
        let (with, without) = ended.stdout.split_once("----\n").unwrap();
        let (with, without) = (variables(with), variables(without));
        assert!(with["AWS_ACCESS_KEY_ID"].starts_with("ASIA") && with["AWS_ACCOUNT_ID"] == "111122223333");
        assert!(!with.contains_key("AWS_PROFILE") && !with.contains_key("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
        let is_setting = |name: &&&str| name.ends_with("_FILE") || name.contains("REGION") || name.contains("METADATA");
        let left: Vec<_> = without.keys().filter(|name| !is_setting(name)).collect();
        assert_eq!(left, [&"AWS_CONTAINER_SOMETHING_NEW"], "a shell is told names, and knows those of today");
    }
}
