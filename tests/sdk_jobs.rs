//! Jobs of real SDKs that outlive two lifetimes of their credentials, and never notice.
//!
//! boto3, the AWS CLI, the JavaScript SDK and the Rust SDK each run twice: over `credential_process`, and as the command of
//! `lodge serve`. Broker, small AWS, helpers and SDKs share one clock, which moves on by some minutes whenever every job
//! has made a call: so each job calls all along, and a slow machine changes nothing but how long this takes. What the small
//! AWS was asked, and what it answered, is seen from outside, and no job may try a call twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use aws_config::BehaviorVersion;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use chrono::TimeDelta;

use crate::support::demo;
use crate::support::free_ports;
use crate::support::moved_clock::MovedClock;
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::process::Process;
use crate::support::programs;
use crate::support::proxy::RecordingProxy;
use crate::support::root;

const ROLE: &str = "vision/read-results";

/// By how much the clock moves at a time, and how often: two lifetimes of an hour, and a little more.
const STEP: TimeDelta = TimeDelta::minutes(4);
const STEPS: usize = 32;

/// Set for the process that is [`the_job_of_the_rust_sdk`].
const IS_JOB: &str = "LODGE_TEST_SDK_JOB";

#[derive(Clone, Copy, Debug)]
enum Sdk {
    Boto3,
    AwsCli,
    JavaScript,
    Rust,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    CredentialProcess,
    Serve,
}

struct Job {
    name: String,
    process: Process,
    /// Between the job and the small AWS.
    proxy: RecordingProxy,
}

impl Sdk {
    /// The job, which makes a call for each line of its input.
    fn job(self, way: Way) -> Command {
        match self {
            Self::Boto3 => {
                let mut python = peers::python();
                python.arg(root().join("tests/peers/sdk-job.py"));
                python
            }
            Self::AwsCli => {
                let mut shell = Command::new("sh");
                let script = "number=0; while read line; do \"$0\" sts get-caller-identity >/dev/null || exit 1; \
                              number=$((number + 1)); echo done $number.; done";
                shell.args(["-c", script]).arg(peers::aws_program());
                shell
            }
            Self::JavaScript => {
                let mut node = peers::node("sdk-job.mjs");
                // Otherwise it says which versions of Node.js it will not take next year.
                node.env("NODE_NO_WARNINGS", "1").arg(match way {
                    Way::CredentialProcess => "fromProcess",
                    Way::Serve => "fromHttp",
                });
                node
            }
            Self::Rust => {
                let mut own = Command::new(std::env::current_exe().unwrap());
                own.args(["--exact", "sdk_jobs::the_job_of_the_rust_sdk", "--ignored", "--nocapture"]).env(IS_JOB, "1");
                own
            }
        }
    }
}

impl Job {
    fn start(sdk: Sdk, way: Way, student: &Person, aws_port: u16, clock: &MovedClock) -> Self {
        let (proxy, config) = (RecordingProxy::to_port(aws_port), student.home().join("aws-config"));
        let wanted = sdk.job(way);
        let mut command = match way {
            Way::CredentialProcess => Command::new(wanted.get_program()),
            Way::Serve => {
                let mut lodge = Command::new(env!("CARGO_BIN_EXE_lodge"));
                lodge.args(["serve", ROLE, "--"]).arg(wanted.get_program());
                lodge
            }
        };
        command.args(wanted.get_args());
        // The helper's own surroundings, then the job's.
        let helper = programs::lodge(student.home());
        for (name, value) in helper.get_envs().chain(wanted.get_envs()) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if matches!(way, Way::CredentialProcess) {
            command.env("AWS_CONFIG_FILE", &config).env("AWS_PROFILE", "job");
        }
        command
            .env("AWS_ENDPOINT_URL", proxy.url())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_PAGER", "");
        clock.give(&mut command);
        let name = format!("{sdk:?} over {way:?}");
        Self { process: Process::start(&name, &mut command), name, proxy }
    }

    /// The keys that it signed with, in the order of their first use. Every call must have been answered well.
    fn keys(&self, calls: usize) -> Vec<String> {
        let recorded = self.proxy.recorded();
        assert_eq!(recorded.len(), calls, "{}: one request for each call", self.name);
        let mut keys = Vec::new();
        for request in recorded {
            let answer = request.answer.as_ref().unwrap();
            assert_eq!(answer.status, 200, "{}: {}", self.name, answer.body());
            let header = request.header("authorization").unwrap();
            let key = header.split_once("Credential=").unwrap().1.split_once('/').unwrap().0;
            if !keys.iter().any(|known| known == key) {
                keys.push(key.to_owned());
            }
        }
        keys
    }
}

fn write_profile(path: &Path) {
    let lodge = env!("CARGO_BIN_EXE_lodge");
    std::fs::write(path, format!("[profile job]\ncredential_process = {lodge} credential-process {ROLE}\n")).unwrap();
}

#[test]
fn jobs_of_every_sdk_outlive_two_lifetimes_of_their_credentials() {
    let name = "jobs_of_every_sdk_outlive_two_lifetimes_of_their_credentials";
    if !peers::require(name, &[Peer::Python, Peer::AwsCli, Peer::Node, Peer::Faketime]) {
        return;
    }
    let clock = MovedClock::start();
    let data = tempfile::tempdir().unwrap();
    let port = free_ports(3);
    let mut broker = demo::command(port, data.path());
    clock.give(&mut broker);
    let broker = Process::start("lodged demo", &mut broker);
    broker.wait_for_line(demo::READY);
    let student = Person::signed_in("student", &format!("http://127.0.0.1:{port}"));
    write_profile(&student.home().join("aws-config"));
    let sdks = [Sdk::Boto3, Sdk::AwsCli, Sdk::JavaScript, Sdk::Rust];
    let ways = [Way::CredentialProcess, Way::Serve];
    let both = sdks.into_iter().flat_map(|sdk| ways.map(|way| (sdk, way)));
    let mut jobs: Vec<_> = both.map(|(sdk, way)| Job::start(sdk, way, &student, port + 2, &clock)).collect();

    for call in 1..=STEPS {
        for job in &mut jobs {
            job.process.say("call\n");
        }
        for job in &jobs {
            job.process.wait_for_line(&format!("done {call}."));
        }
        clock.advance(STEP);
    }

    let mut all = BTreeSet::new();
    for job in jobs {
        let keys = job.keys(STEPS);
        assert!(keys.len() >= 3, "{} had {keys:?}", job.name);
        all.extend(keys);
        let ended = job.process.wait();
        assert!(ended.status.success(), "{}: {}", job.name, ended.stderr);
        assert_eq!(ended.stderr, "", "{}", job.name);
    }
    assert!(all.iter().all(|key| key.starts_with("ASIA")), "{all:?}");
}

/// Not a test: a job, which the one above starts as a process of its own.
#[test]
#[ignore = "it is started by a test, and reads what that says"]
fn the_job_of_the_rust_sdk() {
    if std::env::var_os(IS_JOB).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let client = aws_sdk_sts::Client::new(&config);
        for (number, _) in std::io::stdin().lines().enumerate() {
            client.get_caller_identity().send().await.unwrap();
            println!("done {}.", number + 1);
        }
    });
}
