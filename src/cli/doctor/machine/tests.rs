//! `lodge doctor`, whole, on a machine with nothing wrong and on machines with one thing wrong each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde_json::Value;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::stand_in::{Desk, StandIn, metadata};
use crate::cli::surroundings::Surroundings;

const ME: &str = r#"{"person_id":"p-0123456789abcdef","name":"Ada","connection":"campus","connection_title":"Example University",
    "signed_in_at":"2026-11-21T09:00:00Z","session_expires_at":"2026-11-21T21:00:00Z","groups":["students"],
    "roles":[{"lab":"vision","role":"read-results","title":"Read results","ends_at":null}],"standings":[]}"#;

/// What no line may show.
const CANARY: &str = "canary+secret/key";

/// A machine: a desk with programs, AWS files and variables.
struct Machine {
    desk: Desk,
    broker: StandIn,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    /// One with nothing wrong.
    fn new() -> Self {
        Self::at(StandIn::start(|url, line| match line {
            "GET /.well-known/oauth-authorization-server" => ("200 OK\r\nDate: Sat, 21 Nov 2026 13:00:00 GMT", {
                let known = metadata(url);
                format!("{},\"lodge_helper_version\":\"0.0.1\"}}", known.trim_end_matches('}'))
            }),
            "GET /api/v1/me" => ("200 OK", ME.to_owned()),
            _ => ("404 Not Found", String::new()),
        }))
    }

    fn at(broker: StandIn) -> Self {
        let mut desk = Desk::signed_in(&broker);
        for name in ["bin/lodge", "bin/aws"] {
            program(&desk.directory.path().join(name));
        }
        let environment = &mut desk.helper.environment;
        environment.surroundings.program = Some(desk.directory.path().join("bin/lodge"));
        environment.surroundings.path = vec![desk.directory.path().join("bin")];
        environment.aws_config = Some(desk.directory.path().join("aws/config"));
        environment.aws_credentials = Some(desk.directory.path().join("aws/credentials"));
        environment.cache = Some(desk.directory.path().join("cache"));
        let machine = Self { desk, broker, variables: Vec::new() };
        let line = format!("{} credential-process vision/read-results", machine.path("bin/lodge").display());
        machine.write("aws/config", &format!("[profile vision-read-results]\ncredential_process = {line}\n"));
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.directory.path().join(name)
    }

    fn home(&self) -> PathBuf {
        self.path("lodge")
    }

    fn session_file(&self) -> PathBuf {
        let mut files = fs::read_dir(self.home()).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        chmod(&path, 0o600);
    }

    fn profile(&self, command: &str) {
        let line = command.replace("LODGE", &self.path("bin/lodge").display().to_string());
        self.write("aws/config", &format!("[profile vision-read-results]\ncredential_process = {line}\n"));
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.to_owned()));
        let surroundings = &mut self.desk.helper.environment.surroundings;
        let variable = |name: &str| {
            let found = self.variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone())
        };
        *surroundings = Surroundings::of(variable, surroundings.path.clone(), surroundings.program.clone());
    }

    /// What `lodge doctor` finds: its exit code, and what is not ok, each with its remedy.
    fn found(&self) -> (Exit, Vec<(String, String, String, String)>) {
        let (exit, text, stderr) = self.desk.run(&["doctor"]);
        assert!(!text.contains(CANARY) && !stderr.contains(CANARY), "{text}{stderr}");
        let (again, json, _) = self.desk.run(&["doctor", "--json"]);
        assert!(!json.contains(CANARY), "{json}");
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(exit, again);
        let text_of = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
        let all = json["checks"].as_array().unwrap().iter();
        let bad = all.filter(|check| check["state"] != "ok");
        let bad: Vec<_> = bad
            .map(|check| {
                (text_of(check, "subject"), text_of(check, "state"), text_of(check, "says"), text_of(check, "remedy"))
            })
            .collect();
        for (_, _, says, remedy) in &bad {
            assert!(text.contains(says.as_str()) && text.contains(&format!("        run: {remedy}\n")), "{text}");
        }
        (exit, bad)
    }

    /// The only thing that is wrong, which is this one.
    #[track_caller]
    fn has(&self, subject: &str, state: &str, says: &str, remedy: &str) {
        let (exit, bad) = self.found();
        let [(found_subject, found_state, found_says, found_remedy)] = bad.as_slice() else { panic!("{bad:#?}") };
        assert_eq!((found_subject.as_str(), found_state.as_str()), (subject, state), "{bad:#?}");
        assert!(found_says.contains(says) && found_remedy.contains(remedy), "{bad:#?}");
        assert_eq!(exit, if state == "not-ok" { Exit::Failed } else { Exit::Done });
    }
}

fn program(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "#!/bin/sh\n").unwrap();
    chmod(path, 0o755);
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn of_a_healthy_machine_nothing_is_said_but_ok() {
    let machine = Machine::new();

    let (exit, stdout, stderr) = machine.desk.run(&["doctor"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    let folder = machine.desk.directory.path().display().to_string();
    let shown = stdout.replace(&folder, "~").replace(&machine.broker.url, "https://lodge.example.edu");
    insta::assert_snapshot!(shown.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @"
    ok      This program: it is ~/bin/lodge.
    ok      The AWS CLI: it is ~/bin/aws.
    ok      Files and folders: what lodge and the AWS tools keep is yours alone.
    ok      The disk: ~/lodge can be written.
    ok      Locks: they work in ~/lodge.
    ok      The proxy: none is set.
    ok      The broker: https://lodge.example.edu answers.
    ok      The clock: it is within 1 second of the broker's.
    ok      The version: lodge VERSION is as new as the broker needs.
    ok      The sign-in: you are Ada (p-0123456789abcdef) until 2026-11-21 21:00 UTC.
    ok      Keys in the environment: there are none.
    ok      Keys in files: there are none.
    ok      AWS profiles: these get their credentials from this lodge: vision-read-results.
    ");
    let lines: Vec<_> = machine.broker.asked().iter().map(|asked| asked.line.clone()).collect();
    assert_eq!(lines, ["GET /.well-known/oauth-authorization-server", "GET /api/v1/me"]);
}

#[test]
fn keys_in_the_environment_are_found() {
    let mut machine = Machine::new();
    machine.set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    machine.set("AWS_SECRET_ACCESS_KEY", CANARY);

    machine.has(
        "environment-keys",
        "not-ok",
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (AKIA…MPLE) are set",
        "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY",
    );
}

#[test]
fn keys_that_lodge_itself_handed_out_are_no_fault() {
    let mut machine = Machine::new();
    machine.set("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE");
    machine.set("LODGE_ROLE", "vision/read-results");

    assert_eq!(machine.found(), (Exit::Done, Vec::new()));
}

#[test]
fn a_web_identity_in_the_environment_is_found() {
    let mut machine = Machine::new();
    machine.set("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token");
    machine.set("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/x");

    machine.has("web-identity", "not-ok", "before they look at a profile", "unset AWS_WEB_IDENTITY_TOKEN_FILE");
}

#[test]
fn a_container_endpoint_that_nobody_serves_any_more_is_found() {
    let mut machine = Machine::new();
    machine.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/credentials");
    machine.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", CANARY);

    machine.has("container-endpoint", "not-ok", "nobody serves at 127.0.0.1:1 any more", "unset AWS_CONTAINER");
}

#[test]
fn a_chosen_profile_that_is_not_there_or_is_anothers_is_found() {
    let mut machine = Machine::new();
    machine.set("AWS_PROFILE", "visoin");
    machine.has("chosen-profile", "not-ok", "AWS_PROFILE is visoin, and there is no such profile", "unset AWS_PROFILE");

    let mut machine = Machine::new();
    machine.set("AWS_PROFILE", "work");
    machine.write("aws/credentials", "[work]\nregion = eu-west-1\n");
    machine.has("chosen-profile", "warning", "does not get its credentials from lodge", "unset AWS_PROFILE");
}

#[test]
fn keys_in_files_are_found_with_what_they_do() {
    let key = format!("aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {CANARY}\n");
    let temporary = format!("aws_access_key_id=ASIAIOSFODNN7EXAMPLE\naws_session_token={CANARY}\n");

    let machine = Machine::new();
    machine.write("aws/credentials", &format!("[vision-read-results]\n{key}"));
    machine.has("static-keys", "not-ok", "AKIA…MPLE in the section vision-read-results", "aws/credentials");

    let machine = Machine::new();
    machine.write("aws/credentials", &format!("[default]\n{key}"));
    machine.has("static-keys", "warning", "the long-term key AKIA…MPLE", "have the key deleted in IAM");

    let machine = Machine::new();
    machine.write("aws/credentials", &format!("[old]\n{temporary}expiration = 2026-11-21T12:59:59Z\n"));
    machine.has("static-keys", "warning", "the temporary key ASIA…MPLE in the section old", "aws/credentials");

    let machine = Machine::new();
    machine.write("aws/credentials", &format!("[fresh]\n{temporary}expiration = 2026-11-21T13:00:01Z\n"));
    assert_eq!(machine.found(), (Exit::Done, Vec::new()));

    let machine = Machine::new();
    let config = fs::read_to_string(machine.path("aws/config")).unwrap();
    machine.write("aws/config", &format!("{config}{key}"));
    machine.has("static-keys", "not-ok", "wins over the profile of that name", "aws/config");
}

#[test]
fn profiles_that_run_another_program_or_none_are_found() {
    let machine = Machine::new();
    machine.profile("/no/such/lodge credential-process vision/read-results");
    let this = machine.path("bin/lodge");
    let remedy = format!(
        "aws configure set profile.vision-read-results.credential_process '{} credential-process vision/read-results'",
        this.display()
    );
    machine.has("profiles", "not-ok", "runs /no/such/lodge, which is not there", &remedy);

    let machine = Machine::new();
    machine.profile("./lodge credential-process vision/read-results");
    machine.has("profiles", "not-ok", "runs ./lodge, which is no absolute path", "aws configure set");

    let machine = Machine::new();
    program(&machine.path("old/lodge"));
    machine.profile(&format!("{} credential-process vision/read-results", machine.path("old/lodge").display()));
    machine.has("profiles", "warning", "and this is", "aws configure set");

    let machine = Machine::new();
    machine.profile("LODGE credential-process");
    machine.has("profiles", "not-ok", "not as `lodge credential-process LAB/ROLE`", "aws/config");
}

#[test]
fn profiles_for_a_role_or_a_broker_that_is_not_open_are_found() {
    let machine = Machine::new();
    machine.profile("LODGE credential-process vision/pay");
    machine.has("profiles", "not-ok", "asks for vision/pay, which is not open", "lodge doctor --lab vision --role pay");

    let machine = Machine::new();
    machine.profile("LODGE credential-process --broker https://other.example.edu vision/pay");
    machine.has("profiles", "not-ok", "not signed in to https://other", "lodge login https://other.example.edu");
}

#[test]
fn a_profile_that_is_there_twice_is_found() {
    let machine = Machine::new();
    let config = fs::read_to_string(machine.path("aws/config")).unwrap();
    machine.write("aws/config", &format!("{config}[profile x]\nregion=a\n[profile x]\nregion=b\n"));

    machine.has("profiles", "not-ok", "more than one section for the profile x", "aws/config");
}

/// The broker says when it is by itself: the stand-in for it has no clock of its own.
#[test]
fn a_clock_that_is_wrong_is_found() {
    let machine = Machine::at(StandIn::start(|url, line| match line {
        "GET /api/v1/me" => ("200 OK\r\nDate: Sat, 21 Nov 2026 13:00:00 GMT", ME.to_owned()),
        _ => ("200 OK\r\nDate: Sat, 21 Nov 2026 13:07:00 GMT", metadata(url)),
    }));

    machine.has("clock", "not-ok", "this machine is 7 minutes behind the broker", "set-ntp");
}

#[test]
fn a_proxy_that_is_away_or_is_none_is_found() {
    let mut machine = Machine::new();
    machine.set("HTTPS_PROXY", &format!("http://ada:{}@127.0.0.1:1", "canary%2Bsecret"));
    machine.has("proxy", "not-ok", "HTTPS_PROXY is 127.0.0.1:1, where nobody answers", "unset HTTPS_PROXY");
    assert!(!machine.desk.run(&["doctor"]).1.contains("canary"));

    let mut machine = Machine::new();
    machine.set("HTTPS_PROXY", "fax://canteen");
    machine.has("proxy", "not-ok", "HTTPS_PROXY is no address", "unset HTTPS_PROXY");
}

#[test]
fn a_proxy_that_stands_before_this_machine_is_found() {
    let mut machine = Machine::new();
    let proxy = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    machine.set("HTTP_PROXY", &format!("http://{}", proxy.local_addr().unwrap()));
    machine.set("NO_PROXY", "example.edu,127.0.0.1");

    let remedy = "export NO_PROXY='example.edu,127.0.0.1,169.254.170.2'";
    machine.has("proxy", "warning", "NO_PROXY does not name 169.254.170.2, so", remedy);
}

#[test]
fn what_others_can_read_is_found() {
    let machine = Machine::new();
    fs::create_dir(machine.path("cache")).unwrap();
    chmod(&machine.path("cache"), 0o700);
    machine.write("cache/kept", "");
    chmod(&machine.path("cache/kept"), 0o644);
    machine.has("permissions", "not-ok", "cache/kept is open to others", "chmod 600");

    let machine = Machine::new();
    chmod(&machine.home(), 0o755);
    machine.has("permissions", "warning", "others on this machine see what", "chmod 700");

    for mode in [0o770, 0o755] {
        let machine = Machine::new();
        fs::create_dir(machine.path("cache")).unwrap();
        chmod(&machine.path("cache"), mode);
        machine.has("permissions", "not-ok", "cache is open to others", "chmod 700");
    }

    let machine = Machine::new();
    chmod(&machine.path("aws"), 0o777);
    machine.has("permissions", "not-ok", "have commands run in your name", "chmod go-w");

    let machine = Machine::new();
    machine.write("aws/credentials", "");
    chmod(&machine.path("aws/credentials"), 0o644);
    machine.has("permissions", "warning", "others on this machine can read", "chmod 600");
}

#[test]
fn a_session_that_others_can_read_is_found() {
    let machine = Machine::new();
    chmod(&machine.session_file(), 0o644);

    let (exit, bad) = machine.found();

    assert_eq!(exit, Exit::Failed);
    let subjects: Vec<_> = bad.iter().map(|(subject, ..)| subject.as_str()).collect();
    assert_eq!(subjects, ["permissions", "sign-in"]);
    assert!(bad.iter().all(|(.., remedy)| remedy.starts_with("chmod 600 ")), "{bad:?}");
}

#[test]
fn a_runtime_directory_that_is_not_ones_own_is_found() {
    let mut machine = Machine::new();
    let runtime = machine.path("runtime");
    fs::create_dir(&runtime).unwrap();
    chmod(&runtime, 0o755);
    machine.desk.helper.environment.runtime = Some(runtime);

    machine.has("runtime-directory", "warning", "is open to others", "chmod 700");
}

#[test]
fn a_home_that_cannot_be_made_is_found() {
    let mut machine = Machine::new();
    machine.desk.helper.environment.home = Some(machine.path("bin/lodge/home"));

    let (exit, bad) = machine.found();

    assert_eq!(exit, Exit::Failed);
    let storage = bad.iter().find(|(subject, ..)| subject == "storage").unwrap();
    assert!(storage.2.contains("below something that is no folder") && storage.3.contains("LODGE_HOME="), "{bad:?}");
}

#[test]
fn an_old_helper_is_found() {
    let machine = Machine::at(StandIn::start(|url, line| {
        if line == "GET /api/v1/me" {
            return ("200 OK", ME.to_owned());
        }
        let known = metadata(url);
        ("200 OK", format!("{},\"lodge_helper_version\":\"99.0.0\"}}", known.trim_end_matches('}')))
    }));

    machine.has("version", "warning", "the broker is made for 99.0.0", "/download");
}

#[test]
fn several_programs_of_the_name_are_found() {
    let mut machine = Machine::new();
    program(&machine.path("other/lodge"));
    let path = &mut machine.desk.helper.environment.surroundings.path;
    path.push(machine.desk.directory.path().join("other"));
    machine.has("program", "warning", "there is another on PATH", "rm ");

    machine.desk.helper.environment.surroundings.path.reverse();
    machine.has("program", "warning", "the first lodge on PATH is", "export PATH=");
}

#[test]
fn no_sign_in_and_one_that_has_expired_are_found() {
    let machine = Machine::new();
    fs::remove_file(machine.session_file()).unwrap();
    machine.has("sign-in", "not-ok", "not signed in to http://127.0.0.1", "lodge login http://127.0.0.1");

    let machine = Machine::at(StandIn::start(|url, _| ("200 OK", metadata(url))));
    machine.desk.clock.advance(TimeDelta::hours(13));
    machine.has("sign-in", "not-ok", "not signed in to http://127.0.0.1", "lodge login http://127.0.0.1");

    let machine = Machine::at(StandIn::start(|url, line| match line {
        "GET /.well-known/oauth-authorization-server" => ("200 OK", metadata(url)),
        "POST /oauth/token" => ("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned()),
        _ => ("401 Unauthorized", String::new()),
    }));
    machine.has("sign-in", "not-ok", "not signed in to http://127.0.0.1", "lodge login http://127.0.0.1");
}

#[test]
fn a_broker_that_is_away_or_is_none_is_found() {
    let machine = Machine::at(StandIn::start(|_, _| ("200 OK", "<html>Welcome to the Wi-Fi</html>".to_owned())));
    machine.has("broker", "not-ok", "does not answer as a Lodge broker does", "lodge login URL");

    let gone = Machine::new();
    let url = "http://127.0.0.1:1".to_owned();
    let session: Session = gone.desk.session(&gone.broker);
    let session =
        Session { broker: url.clone(), revocation_endpoint: format!("{url}/oauth/revoke"), renewal: None, ..session };
    gone.desk.helper.sessions().unwrap().keep(&url.parse().unwrap(), &session).unwrap();
    gone.has("broker", "not-ok", "http://127.0.0.1:1 cannot be reached", "curl --verbose http://127.0.0.1:1/healthz");
}

#[test]
fn with_everything_wrong_at_once_everything_is_said() {
    let mut machine = Machine::new();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SESSION_TOKEN", CANARY),
        ("AWS_PROFILE", "visoin"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "nonsense"),
        ("HTTPS_PROXY", "fax://canteen"),
    ] {
        machine.set(name, value);
    }
    machine.profile("/no/such/lodge credential-process vision/pay");
    machine.write("aws/credentials", "[vision-read-results]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n[x]\n[x]\n");
    chmod(&machine.path("aws"), 0o777);
    chmod(&machine.session_file(), 0o644);
    chmod(&machine.home(), 0o777);
    let environment = &mut machine.desk.helper.environment;
    environment.broker = Some("http://127.0.0.1:1".to_owned());
    environment.runtime = Some(PathBuf::from("/no/such/directory"));
    environment.surroundings.path.clear();

    let (exit, bad) = machine.found();

    assert_eq!(exit, Exit::Failed);
    for subject in [
        "program",
        "aws-cli",
        "permissions",
        "runtime-directory",
        "proxy",
        "broker",
        "sign-in",
        "environment-keys",
        "web-identity",
        "chosen-profile",
        "container-endpoint",
        "static-keys",
        "profiles",
    ] {
        assert!(bad.iter().any(|(found, ..)| found == subject), "{subject}: {bad:#?}");
    }
    let (_, _, stderr) = machine.desk.run(&["doctor"]);
    assert!(stderr.ends_with("things are NOT OK on this machine; below each stands what to run\n"), "{stderr}");
}

#[test]
fn without_a_home_a_sign_in_or_a_broker_it_still_looks() {
    let mut desk = Desk::new();
    let (exit, stdout, _) = desk.run(&["doctor"]);
    assert_eq!(exit, Exit::Failed);
    assert!(
        stdout.contains("NOT OK  The sign-in: not signed in to any broker.\n        run: lodge login URL\n"),
        "{stdout}"
    );

    desk.helper.environment.home = None;
    let (exit, stdout, _) = desk.run(&["doctor"]);
    assert_eq!(exit, Exit::Failed);
    assert!(stdout.contains("there is no home directory"), "{stdout}");
    assert!(stdout.contains("ok      Keys in the environment"), "{stdout}");
}
