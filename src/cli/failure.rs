//! Everything that can go wrong in the helper, with its sentence and its exit code.
//!
//! A sentence says what happened and what to do next, on one line, because AWS tools show it to people who never
//! typed `lodge`. No variant holds a secret.

use std::io;
use std::path::PathBuf;

use crate::domain::id::{LabName, MappingId, RoleAddress};
use crate::wire::Problem;

use super::configure::AwsConfigError;
use super::exit::Exit;

/// What follows a failure of this machine's.
pub(crate) const FIND_OUT: &str = "; to find out why, run: lodge doctor";

/// Why a verb did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(
        "there is no error of AWS in that, in a form that is known; give the last lines that the tool printed, or ask: \
         lodge why --action SERVICE:ACTION LAB/ROLE"
    )]
    NoAwsError,
    #[error("that is more than {kilobytes} KiB; give the last lines that the tool printed alone")]
    TooMuchPrinted { kilobytes: usize },
    #[error("cannot read what was printed: {0}; give it on standard input")]
    Stdin(io::Error),
    #[error("which broker? run: lodge login URL (or set LODGE_BROKER)")]
    NoBrokerGiven,
    #[error("{0}")]
    BrokerUrl(#[from] BrokerUrlError),
    #[error("there is no home directory to keep a session in; set LODGE_HOME to a directory of your own")]
    NoHome,

    #[error("not signed in to any broker; run: lodge login URL")]
    NoBrokerKnown,
    #[error("not signed in to {broker}; run: lodge login {broker}")]
    NotSignedIn { broker: String },
    #[error("not signed in to {broker}: the session file {} is damaged; run: lodge login {broker}", path.display())]
    DamagedSession { broker: String, path: PathBuf },

    #[cfg(feature = "keyring")]
    #[error("{0}")]
    Keyring(super::keyring::KeyringFailure),
    #[error("{file} is open to others on this machine; run: chmod {mode} '{file}'", file = path.display())]
    OpenToOthers { path: PathBuf, mode: &'static str },
    #[error("{} belongs to another user; remove it, then run: lodge login URL", path.display())]
    OfAnotherUser { path: PathBuf },
    #[error("{} is not a plain file; remove it, then run: lodge login URL", path.display())]
    NotAFile { path: PathBuf },
    #[error("cannot {action} {}: {source}{FIND_OUT}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot write to stdout: {0}")]
    Stdout(io::Error),
    #[error("cannot wait for the browser on 127.0.0.1: {0}")]
    Listen(io::Error),

    #[error("{broker} cannot be reached ({reason}); try again")]
    Unreachable { broker: String, reason: String },
    #[error("{broker} is unavailable ({status}{}); try again", problem_suffix(problem.as_deref()))]
    Unavailable { broker: String, status: u16, problem: Option<Box<Problem>> },
    #[error(
        "another lodge (process {pid}) has been asking {broker} for this for {seconds} s without an end; try again, or end it: kill {pid}"
    )]
    HeldUp { broker: String, pid: u32, seconds: u64 },
    /// What another process was told that asked for the same at the same moment.
    #[error("{says}")]
    Shared { exit: Exit, says: String },
    #[error("{broker} does not answer as a Lodge broker does: {what}")]
    NotABroker { broker: String, what: String },

    #[error("{0}")]
    AwsConfig(#[from] AwsConfigError),

    #[error("{detail}")]
    Refused { detail: String },
    #[error("{role}: {detail}")]
    RoleRefused { role: RoleAddress, detail: String },
    #[error(
        "somebody else changed {mapping} meanwhile, so nothing was overwritten; see how it is now: \
         lodge mapping list {lab} --all"
    )]
    ChangedMeanwhile { lab: LabName, mapping: MappingId },
    #[error("nothing to change is given; see: lodge mapping edit --help")]
    NothingToChange,
    #[error("{option} is of {of}; run: lodge limits set {place} {option} AGE")]
    LimitElsewhere { option: &'static str, of: &'static str, place: &'static str },
    #[error("the AWS account of {lab} has not proved itself: {says}")]
    NotProven { lab: LabName, says: String },
    #[error("the check goes on at the broker; to see what came of it: lodge account show {lab}")]
    CheckGoesOn { lab: LabName },
    #[error(
        "AWS does not have it after {minutes} minutes: {says}; the broker goes on trying; to see how far it has got: {see}"
    )]
    NotCutOffYet { minutes: i64, says: String, see: String },
    #[error("it is not over yet, and the broker goes on by itself; to see how far it has got: {see}")]
    CutOffGoesOn { see: String },
    #[error("a cut-off knows whose it is; leave --person out: {see}")]
    ShowKnowsWhose { see: String },
    #[error("not all is well for you in {lab}: {title}")]
    BrokenLink { lab: LabName, title: String },
    #[error("{0} NOT OK on this machine; below each stands what to run")]
    MachineNotWell(String),
    #[error("you do not belong to a lab {lab}")]
    NotOfLab { lab: LabName },
    #[error("the sign-in was declined in the browser; nothing was stored")]
    Declined,
    #[error("the sign-in did not succeed: {0}")]
    SignIn(String),
    #[error("nobody signed in within 5 minutes; run the command again when you are ready")]
    NobodyCame,
    #[error(
        "this runs inside of `lodge exec` or `lodge serve` already, as {role}; leave that first (exit), or run: \
         env -u LODGE_ROLE lodge …"
    )]
    Nested { role: String },
    #[error("there is no command {command} on your PATH; check how it is written, or give its whole path")]
    CommandNotFound { command: String },
    #[error("{command} cannot be run: {source}; check that it is a program that you may execute")]
    CommandNotRun { command: String, source: io::Error },
    #[error("these statements are secret and would show here; run: {instead} (or add --show to see them)")]
    WouldShow { instead: String },
    #[error("for which role? run: lodge env LAB/ROLE (lodge status shows yours)")]
    NoRoleGiven,
    #[error("cannot serve on 127.0.0.1:{port}: {source}; choose another port, or leave --port out")]
    Serve { port: u16, source: io::Error },
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error("{broker} could not be told ({reason}), so its session lives on until it expires; the one here is deleted")]
    LoggedOutHereOnly { broker: String, reason: String },
}

/// What is wrong with a broker's URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokerUrlError {
    #[error("a broker's URL looks like https://lodge.example.edu")]
    NotAUrl,
    #[error("a broker's URL is an address without path, query or user: https://lodge.example.edu")]
    MoreThanAnOrigin,
    #[error(
        "plain http would show your session to the network; use https (http works only for 127.0.0.1 and localhost)"
    )]
    PlainHttp,
}

impl Failure {
    /// The exit code that belongs to this failure.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoBrokerGiven
            | Self::NoAwsError
            | Self::TooMuchPrinted { .. }
            | Self::BrokerUrl(_)
            | Self::NoHome
            | Self::NothingToChange
            | Self::ShowKnowsWhose { .. }
            | Self::Nested { .. }
            | Self::WouldShow { .. }
            | Self::NoRoleGiven
            | Self::LimitElsewhere { .. } => Exit::Usage,
            Self::CommandNotFound { .. } => Exit::COMMAND_NOT_FOUND,
            Self::CommandNotRun { .. } => Exit::COMMAND_CANNOT_RUN,
            Self::NoBrokerKnown | Self::NotSignedIn { .. } | Self::DamagedSession { .. } => Exit::SignInNeeded,
            Self::Unreachable { .. }
            | Self::Unavailable { .. }
            | Self::HeldUp { .. }
            | Self::LoggedOutHereOnly { .. } => Exit::Unavailable,
            Self::Shared { exit, .. } => *exit,
            #[cfg(feature = "keyring")]
            Self::Keyring(_) => Exit::SignInNeeded,
            Self::OpenToOthers { .. }
            | Self::OfAnotherUser { .. }
            | Self::NotAFile { .. }
            | Self::File { .. }
            | Self::Stdout(_)
            | Self::Stdin(_)
            | Self::Listen(_)
            | Self::Serve { .. }
            | Self::Signals(_)
            | Self::NotABroker { .. }
            | Self::AwsConfig(_)
            | Self::Refused { .. }
            | Self::RoleRefused { .. }
            | Self::ChangedMeanwhile { .. }
            | Self::NotProven { .. }
            | Self::CheckGoesOn { .. }
            | Self::NotCutOffYet { .. }
            | Self::CutOffGoesOn { .. }
            | Self::BrokenLink { .. }
            | Self::MachineNotWell(_)
            | Self::NotOfLab { .. }
            | Self::Declined
            | Self::SignIn(_)
            | Self::NobodyCame => Exit::Failed,
        }
    }

    /// The same failure, named after the role that was asked for when it is the broker's word about that role.
    pub(crate) fn about(self, role: &RoleAddress) -> Self {
        match self {
            Self::Refused { detail } => Self::RoleRefused { role: role.clone(), detail },
            other => other,
        }
    }
}

fn problem_suffix(problem: Option<&Problem>) -> String {
    let Some(problem) = problem else { return String::new() };
    let request = problem.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
    format!(": {}{request}", problem.detail.trim_end_matches('.'))
}
