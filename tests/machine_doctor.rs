//! `lodge doctor`, the program itself, on a machine with nothing wrong, on machines with one thing wrong each, and on one
//! with everything wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::TimeDelta;
use lodge::ambient::Clock;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::free_port;
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::programs;
use crate::support::world::World;

/// What no line may show.
const CANARY: &str = "canary+secret/key";

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// Somebody's machine: they are signed in, and have a profile.
struct Machine {
    person: Person,
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(world: &World) -> Self {
        let person = Person::signed_in("student", &world.url);
        let machine = Self { person, folder: tempfile::tempdir().unwrap(), variables: Vec::new() };
        chmod(machine.person.home(), 0o700);
        program(&machine.path("bin/aws"));
        machine.profile(&format!("{} credential-process vision/read-results", this().display()));
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
    }

    fn profile(&self, command: &str) {
        self.write("aws/config", &format!("[profile vision]\ncredential_process = {command}\n"));
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.to_owned()));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = programs::lodge(self.person.home());
        let path = std::env::join_paths([this().parent().unwrap(), &self.path("bin"), &self.path("more")]).unwrap();
        command.env("PATH", path).env_remove("XDG_RUNTIME_DIR").env_remove("NO_PROXY").env_remove("no_proxy");
        command.env("AWS_CONFIG_FILE", self.path("aws/config"));
        command.env("AWS_SHARED_CREDENTIALS_FILE", self.path("aws/credentials"));
        command.envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        command.args(arguments);
        command
    }

    fn doctor(&self) -> Ended {
        let ended = Process::run("lodge doctor", &mut self.command(&["doctor"]), "");
        assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
        ended
    }

    /// It says this of something that is wrong, and has this run against it.
    #[track_caller]
    fn hears(&self, mark: &str, says: &str, remedy: &str) {
        heard(&self.doctor(), mark, says, remedy);
    }

    /// The same, and of nothing else.
    #[track_caller]
    fn hears_only(&self, mark: &str, says: &str, remedy: &str) {
        let ended = self.doctor();
        heard(&ended, mark, says, remedy);
        assert_eq!(wrong(&ended.stdout).len(), 1, "{}", ended.stdout);
    }
}

#[track_caller]
fn heard(ended: &Ended, mark: &str, says: &str, remedy: &str) {
    let mut lines = ended.stdout.lines().skip_while(|line| !(line.starts_with(mark) && line.contains(says)));
    let line = lines.next().unwrap_or_else(|| panic!("{mark} {says}: {}{}", ended.stdout, ended.stderr));
    let run = lines.next().unwrap_or_default();
    assert!(run.starts_with("        run: ") && run.contains(remedy), "{line}\n{run}");
    let is_bad = ended.stdout.lines().any(|line| line.starts_with("NOT OK"));
    assert_eq!(ended.status.code(), Some(i32::from(is_bad)), "{}", ended.stdout);
}

/// The lines that say that something is not as it should be.
fn wrong(stdout: &str) -> Vec<&str> {
    stdout.lines().filter(|line| !line.starts_with("ok      ") && !line.starts_with("        ")).collect()
}

fn this() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lodge"))
}

fn program(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "#!/bin/sh\n").unwrap();
    chmod(path, 0o755);
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A broker of another time and another version, and nothing besides.
fn odd_broker(clock_is_ahead: TimeDelta, version: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut part = [0; 1024];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(read @ 1..) => head.extend_from_slice(&part[..read]),
                    _ => break,
                }
            }
            let body = json!({
                "issuer": own,
                "authorization_endpoint": format!("{own}/oauth/authorize"),
                "token_endpoint": format!("{own}/oauth/token"),
                "revocation_endpoint": format!("{own}/oauth/revoke"),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": true,
                "lodge_helper_version": version,
            })
            .to_string();
            let date = (Clock::System.now() + clock_is_ahead).format("%a, %d %b %Y %H:%M:%S GMT");
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    url
}

#[test]
fn a_healthy_machine_is_ok_throughout_also_for_programs() {
    let world = World::start();
    let machine = Machine::new(&world);

    let ended = machine.doctor();
    let json = Process::run("lodge", &mut machine.command(&["doctor", "--json"]), "");

    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert_eq!(wrong(&ended.stdout), [""; 0]);
    for title in ["The broker", "The clock", "The version", "The sign-in", "Locks", "AWS profiles"] {
        assert!(ended.stdout.contains(&format!("ok      {title}: ")), "{title}: {}", ended.stdout);
    }
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["not_ok"], &json["warnings"]), (&json!(0), &json!(0)));
    assert_eq!(json["checks"].as_array().unwrap().len(), ended.stdout.lines().count());
}

#[test]
fn what_shadows_the_helper_in_the_environment_is_named_with_its_remedy() {
    let world = World::start();

    let mut keys = Machine::new(&world);
    keys.set("AWS_ACCESS_KEY_ID", KEY);
    keys.set("AWS_SECRET_ACCESS_KEY", CANARY);
    keys.hears_only("NOT OK", "(AKIA…MPLE) are set", "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY");

    let mut profile = Machine::new(&world);
    profile.set("AWS_PROFILE", "visoin");
    profile.hears_only("NOT OK", "AWS_PROFILE is visoin, and there is no such profile", "unset AWS_PROFILE");

    let mut endpoint = Machine::new(&world);
    endpoint.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://127.0.0.1:{}/", free_port()));
    endpoint.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", CANARY);
    endpoint.hears_only("NOT OK", "nobody serves at 127.0.0.1", "unset AWS_CONTAINER_CREDENTIALS_FULL_URI");

    let mut proxy = Machine::new(&world);
    proxy.set("HTTPS_PROXY", &format!("http://ada:canary-password@127.0.0.1:{}", free_port()));
    proxy.hears_only("NOT OK", "where nobody answers", "unset HTTPS_PROXY");
}

#[test]
fn what_is_wrong_in_the_files_of_aws_tools_is_named_with_its_remedy() {
    let world = World::start();
    let keys = format!("aws_access_key_id = {KEY}\naws_secret_access_key = {CANARY}\n");

    let shadowed = Machine::new(&world);
    shadowed.write("aws/credentials", &format!("[vision]\n{keys}"));
    shadowed.hears_only("NOT OK", "wins over the profile of that name", "aws/credentials");

    let long_term = Machine::new(&world);
    long_term.write("aws/credentials", &format!("[default]\n{keys}"));
    long_term.hears_only("warning", "the long-term key AKIA…MPLE", "have the key deleted in IAM");

    let gone = Machine::new(&world);
    gone.profile("/no/such/lodge credential-process vision/read-results");
    gone.hears_only(
        "NOT OK",
        "runs /no/such/lodge, which is not there",
        "aws configure set profile.vision.credential_process",
    );

    let closed = Machine::new(&world);
    closed.profile(&format!("{} credential-process vision/pay", this().display()));
    closed.hears_only(
        "NOT OK",
        "asks for vision/pay, which is not open to you",
        "lodge doctor --lab vision --role pay",
    );

    let twice = Machine::new(&world);
    let config = std::fs::read_to_string(twice.path("aws/config")).unwrap();
    twice.write("aws/config", &format!("{config}[profile x]\n[profile x]\n"));
    twice.hears_only("NOT OK", "more than one section for the profile x", "aws/config");
}

#[test]
fn what_is_wrong_with_the_disk_and_its_permissions_is_named_with_its_remedy() {
    let world = World::start();

    let open = Machine::new(&world);
    chmod(&open.person.session_file(&world.url), 0o644);
    open.hears("NOT OK", "is open to others", "chmod 600");
    let stdout = open.doctor().stdout;
    let remedy = stdout.lines().find_map(|line| line.strip_prefix("        run: chmod")).unwrap();
    assert!(Process::run("sh", Command::new("sh").args(["-c", &format!("chmod{remedy}")]), "").status.success());
    assert_eq!(wrong(&open.doctor().stdout), [""; 0], "the remedy helps");

    let full = Machine::new(&world);
    let mut limited = programs::with_file_limit(&full.command(&["doctor"]), 0);
    limited.env("PATH", std::env::var_os("PATH").unwrap());
    heard(&Process::run("lodge doctor", &mut limited, ""), "NOT OK", "the disk, or your share of it, is full", "df -h");

    let mut nowhere = Machine::new(&world);
    nowhere.write("file", "");
    nowhere.set("LODGE_HOME", nowhere.path("file/lodge").to_str().unwrap().to_owned().as_str());
    nowhere.hears("NOT OK", "cannot be written", "export LODGE_HOME=");

    let two = Machine::new(&world);
    program(&two.path("more/lodge"));
    two.hears_only("warning", "there is another on PATH", "rm ");
}

#[test]
fn what_is_wrong_with_the_broker_the_clock_and_the_sign_in_is_named_with_its_remedy() {
    let world = World::start();

    let out = Machine::new(&world);
    assert!(out.person.lodge(&["logout"]).status.success());
    out.hears_only("NOT OK", "not signed in to", &format!("lodge login {}", world.url));

    let mut late = Machine::new(&world);
    // Half a minute to either side, since a clock says whole seconds and asking takes a moment.
    late.set("LODGE_BROKER", &odd_broker(TimeDelta::seconds(-47 * 60 - 30), "0.0.1"));
    late.hears("NOT OK", "this machine is 47 minutes ahead of the broker", "sudo ");

    let mut old = Machine::new(&world);
    old.set("LODGE_BROKER", &odd_broker(TimeDelta::zero(), "99.0.0"));
    old.hears("warning", "the broker is made for 99.0.0", "/download");

    let away = Machine::new(&world);
    drop(world);
    away.hears("NOT OK", "cannot be reached", "curl --verbose http://127.0.0.1");
    assert!(away.doctor().stdout.contains("ok      The sign-in: it lasts until"), "{}", away.doctor().stdout);
}

#[test]
fn a_broker_that_never_answers_is_given_up() {
    let world = World::start();
    let mut machine = Machine::new(&world);
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();

    machine.set("LODGE_BROKER", &format!("http://{}", silent.local_addr().unwrap()));

    machine.hears("NOT OK", "cannot be reached (no answer in time)", "curl --verbose");
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_is_named_with_its_remedy() {
    if !peers::require("a_certificate_that_is_not_to_be_trusted_is_named_with_its_remedy", &[Peer::Nginx]) {
        return;
    }
    let world = World::start();
    let mut machine = Machine::new(&world);
    let (key, certificate) = (machine.path("key.pem"), machine.path("certificate.pem"));
    let mut request = Command::new("openssl");
    request.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    request.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    request.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    assert!(Process::run("openssl", &mut request, "").status.success());
    let port = free_port();
    let mut serve = Command::new("openssl");
    serve.args(["s_server", "-www", "-accept", &port.to_string(), "-cert"]).arg(&certificate).arg("-key").arg(&key);
    let server = Process::start("openssl s_server", &mut serve);
    server.wait_for_line("ACCEPT");

    machine.set("LODGE_BROKER", &format!("https://localhost:{port}"));

    machine.hears("NOT OK", "somebody in between answers for the broker", "curl --verbose");
}

#[test]
fn with_everything_wrong_at_once_it_still_says_everything_and_does_not_hang() {
    let world = World::start();
    let mut machine = Machine::new(&world);
    let session = machine.person.session_file(&world.url);
    machine.profile("/no/such/lodge credential-process vision/pay");
    machine.write("aws/credentials", &format!("[vision]\naws_access_key_id = {KEY}\n[x]\n[x]\n"));
    chmod(&machine.path("aws"), 0o777);
    chmod(&session, 0o644);
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("AWS_SESSION_TOKEN", CANARY),
        ("AWS_PROFILE", "visoin"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/token"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "nonsense"),
        ("HTTPS_PROXY", "fax://canteen"),
        ("XDG_RUNTIME_DIR", "/no/such/directory"),
        ("PATH", "/no/such/path"),
    ] {
        machine.set(name, value);
    }
    drop(world);

    let ended = machine.doctor();

    assert_eq!(ended.status.code(), Some(1));
    for title in [
        "This program",
        "The AWS CLI",
        "Files and folders",
        "XDG_RUNTIME_DIR",
        "The proxy",
        "The broker",
        "The sign-in",
        "Keys in the environment",
        "A web identity in the environment",
        "The profile in the environment",
        "A container endpoint in the environment",
        "Keys in files",
        "AWS profiles",
    ] {
        let line = wrong(&ended.stdout).into_iter().find(|line| line[8..].starts_with(title));
        assert!(line.is_some(), "{title}: {}", ended.stdout);
    }
    let remedies = ended.stdout.lines().filter(|line| line.starts_with("        run: ")).count();
    assert_eq!(remedies, wrong(&ended.stdout).len(), "{}", ended.stdout);
}
