//! The real programs that tests talk to, where `tests/run` put them.
//!
//! | variable | holds |
//! |---|---|
//! | `LODGE_TEST_PEERS` | `full`: a missing peer is a failure; `none` or unset: tests that need one are skipped |
//! | `LODGE_TEST_PYTHON` | a Python with boto3, moto, openapi-spec-validator and schemathesis |
//! | `LODGE_TEST_AWS` | the AWS CLI |
//! | `LODGE_TEST_NODE_MODULES` | the folder with oidc-provider, openid-client, iam-simulate, playwright-core and the JavaScript SDK |
//! | `LODGE_TEST_CHROMIUM` | Chromium |
//! | `LODGE_TEST_NGINX` | nginx |
//! | `LODGE_TEST_CADDY` | Caddy |
//! | `LODGE_TEST_FAKETIME` | the library of faketime that programs with threads are started with |
//! | `LODGE_TEST_TMUX` | tmux; unset: the one on `PATH` |

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::process::Process;
use super::{programs, root};

/// A program, or a set of packages, that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Python with its packages.
    Python,
    /// The AWS CLI.
    AwsCli,
    /// Node.js with its packages.
    Node,
    /// Chromium, driven from Node.js.
    Chromium,
    /// nginx.
    Nginx,
    /// Caddy.
    Caddy,
    /// libfaketime.
    Faketime,
    /// tmux.
    Tmux,
}

/// True when the peers are there. False when this run goes without: says loudly which test is skipped.
///
/// # Panics
///
/// When this is a full run and one of them is missing.
#[must_use]
pub(crate) fn require(test: &str, peers: &[Peer]) -> bool {
    let wanted = variable("LODGE_TEST_PEERS");
    match wanted.as_deref() {
        Some("full") => {
            for peer in peers {
                if let Err(missing) = peer.look() {
                    panic!("{test} needs {peer:?}, and this is a full run: {missing}");
                }
            }
            true
        }
        Some("none") | None => {
            // Not `eprintln!`: cargo keeps what a passing test prints to itself, and this must be seen.
            let _ = writeln!(std::io::stderr(), "skipped: {test} (needs {peers:?}; `tests/run` sets them up)");
            false
        }
        Some(other) => panic!("LODGE_TEST_PEERS is {other:?}, neither `full` nor `none`"),
    }
}

impl Peer {
    const fn variable(self) -> &'static str {
        match self {
            Self::Python => "LODGE_TEST_PYTHON",
            Self::AwsCli => "LODGE_TEST_AWS",
            Self::Node => "LODGE_TEST_NODE_MODULES",
            Self::Chromium => "LODGE_TEST_CHROMIUM",
            Self::Nginx => "LODGE_TEST_NGINX",
            Self::Caddy => "LODGE_TEST_CADDY",
            Self::Faketime => "LODGE_TEST_FAKETIME",
            Self::Tmux => "LODGE_TEST_TMUX",
        }
    }

    fn look(self) -> Result<PathBuf, String> {
        let name = self.variable();
        let on_path = || if self == Self::Tmux { on_path("tmux") } else { None };
        let path = variable(name).map(PathBuf::from).or_else(on_path).ok_or_else(|| format!("{name} is not set"))?;
        if path.exists() { Ok(path) } else { Err(format!("{name} is {}, which does not exist", path.display())) }
    }

    fn path(self) -> PathBuf {
        self.look().unwrap_or_else(|missing| panic!("ask `peers::require` first: {missing}"))
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
}

/// Where tmux is.
pub(crate) fn tmux() -> PathBuf {
    Peer::Tmux.path()
}

/// The Python that has the packages.
pub(crate) fn python() -> Command {
    let mut command = Command::new(Peer::Python.path());
    command.env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    without_aws_settings(&mut command);
    command
}

/// The AWS CLI, with no settings but what the test gives it. Give it `AWS_CONFIG_FILE`.
pub(crate) fn aws() -> Command {
    let mut command = Command::new(Peer::AwsCli.path());
    without_aws_settings(&mut command);
    command.env("AWS_PAGER", "");
    command
}

/// Where the AWS CLI is.
pub(crate) fn aws_program() -> PathBuf {
    Peer::AwsCli.path()
}

/// Node.js with a script of `tests/peers/`.
pub(crate) fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(root().join("tests/peers").join(script)).env("LODGE_TEST_NODE_MODULES", Peer::Node.path());
    command
}

/// No program may find the credentials or the settings of whoever runs the tests, nor look for a machine's own role.
pub(super) fn without_aws_settings(command: &mut Command) {
    programs::forget(command, "AWS_");
    command
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_DEFAULT_REGION", "us-east-1");
}

/// A running node oidc-provider. Its sign-in takes any of its accounts with any password.
pub(crate) struct OidcProvider {
    pub(crate) process: Process,
    /// Without a final slash.
    pub(crate) issuer: String,
}

/// What the provider is told; the rest is in `tests/peers/oidc-provider.mjs`.
#[derive(Default)]
pub(crate) struct OidcSettings<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a str,
    pub(crate) redirect_uri: &'a str,
    /// Who can sign in, with the groups that the claim `groups` lists; `None` sends no such claim.
    pub(crate) accounts: &'a [(&'a str, Option<&'a [&'a str]>)],
    /// Whether the groups are in the ID token too, or at userinfo alone.
    pub(crate) groups_in_id_token: bool,
    /// Whether it signs what it says at userinfo.
    pub(crate) signed_user_info: bool,
    /// Accounts that use a second factor.
    pub(crate) with_second_factor: &'a [&'a str],
    /// Accounts that are said to have shown who they are an hour ago, whatever was asked.
    pub(crate) long_ago: &'a [&'a str],
    /// Where the client hears of logouts.
    pub(crate) backchannel_logout_uri: Option<&'a str>,
}

impl OidcProvider {
    /// Starts one. Needs [`Peer::Node`].
    pub(crate) fn start(settings: &OidcSettings<'_>) -> Self {
        let mut accounts = BTreeMap::new();
        for (name, groups) in settings.accounts {
            let mut claims = json!({"name": name, "email": format!("{name}@example.edu"), "email_verified": true});
            if let Some(groups) = groups {
                claims["groups"] = json!(groups);
            }
            accounts.insert(*name, claims);
        }
        let told = json!({
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "redirect_uris": [settings.redirect_uri],
            "accounts": accounts,
            "id_token_claims": settings.groups_in_id_token,
            "signed_userinfo": settings.signed_user_info,
            "with_second_factor": settings.with_second_factor,
            "long_ago": settings.long_ago,
            "backchannel_logout_uri": settings.backchannel_logout_uri,
        });
        let process = Process::start("oidc-provider", node("oidc-provider.mjs").env("LODGE_OP", told.to_string()));
        let ready: Value = serde_json::from_str(&process.wait_for_line("\"issuer\"")).unwrap();
        Self { process, issuer: ready["issuer"].as_str().unwrap().to_owned() }
    }
}

/// A running moto. It enforces nothing.
pub(crate) struct Moto {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl Moto {
    /// Starts one. Needs [`Peer::Python`].
    pub(crate) fn start() -> Self {
        Self::started(&mut python())
    }

    /// One whose account is this one, and not moto's own.
    pub(crate) fn of_account(account: &str) -> Self {
        Self::started(python().env("MOTO_ACCOUNT_ID", account))
    }

    fn started(python: &mut Command) -> Self {
        let process = Process::start("moto", python.arg(root().join("tests/peers/moto-server.py")));
        let ready: Value = serde_json::from_str(&process.wait_for_line("\"port\"")).unwrap();
        Self { process, port: u16::try_from(ready["port"].as_u64().unwrap()).unwrap() }
    }
}

/// Where libfaketime is.
pub(crate) fn faketime() -> PathBuf {
    Peer::Faketime.path()
}

/// Where Chromium is.
pub(crate) fn chromium() -> PathBuf {
    Peer::Chromium.path()
}

/// nginx or Caddy, with no settings of whoever runs the tests.
pub(crate) fn proxy(peer: Peer) -> Command {
    let mut command = Command::new(peer.path());
    programs::forget(&mut command, "CADDY");
    command
}

/// A folder for what a test wants to show, such as a screenshot.
pub(crate) fn artefacts() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("artefacts");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A variable of the environment; what is empty counts as not set.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok().filter(|value| !value.is_empty())
}
