//! `lodge serve`: an endpoint on loopback that gives AWS tools credentials, for jobs that outlive them.
//!
//! AWS tools know such endpoints from containers: they ask again whenever their credentials run out, and are answered
//! from memory, since some wait for no more than a second. Either the endpoint lives as long as a command that is given,
//! which takes signals and ends as if it had been started alone; or it lives until it is ended, for whoever is told
//! where it is. Whoever asks must show a token, which stands in a file that only its owner can read.

mod answer;
mod endpoint;
mod keeper;
mod shadows;
mod signals;
#[cfg(test)]
mod tests;
mod token_file;

use std::ffi::OsString;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use clap::Args;

use crate::domain::id::RoleAddress;
use crate::wire::timestamp;

use super::aws_variables::Variables;
use super::exit::Exit;
use super::failure::Failure;
use super::http_listener::Listener;
use super::moment::moment;
use super::output::Output;
use super::shell_language::Shell;
use super::{Helper, authorize, command, credentials, shell};

use endpoint::Endpoint;
use keeper::{AHEAD, Keeper};
use signals::Caught;
use token_file::TokenFile;

/// How long a tool may take to say what it wants. None takes longer than to write a few hundred bytes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether a command has ended of which no signal tells.
const LOOK_INTERVAL: Duration = Duration::from_millis(if cfg!(unix) { 1_000 } else { 50 });

const EXAMPLES: &str = "\
Examples:
  lodge serve vision/read-results -- python train.py
  lodge serve vision/read-results > here.sh &";

/// The arguments of `lodge serve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    /// The lab and the role in it, such as vision/read-results
    #[arg(value_name = "LAB/ROLE")]
    role: RoleAddress,
    /// The port on 127.0.0.1; otherwise one that is free
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// The shell that is to evaluate what is printed; otherwise the one in `SHELL`
    #[arg(long, value_enum, conflicts_with = "command")]
    shell: Option<Shell>,
    /// What to run; without it, this serves until Ctrl-C and prints what a shell is to evaluate
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<OsString>,
}

/// What happens while the endpoint is up.
#[derive(Debug)]
enum Event {
    /// A signal came.
    Signal(Caught),
    /// There is something to tell the person.
    Say(String),
}

pub(crate) fn run(helper: &Helper, arguments: &ServeArguments, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let role = &arguments.role;
    let is_alone = arguments.command.is_empty();
    if !is_alone {
        command::refuse_to_nest(helper)?;
    }
    let shell = if is_alone { Some(shell::chosen(helper, arguments.shell, output)) } else { None };
    let port = arguments.port;
    let listener = Listener::bind(port).map_err(|source| Failure::Serve { port, source })?;
    let port = listener.port();
    if let Some(shadow) = shadows::found(&helper.environment) {
        output.say(&format!("lodge: {shadow}"));
    }

    let first = credentials::get(helper, role, AHEAD, &mut |line| output.say(line))?;
    let expires = moment(&timestamp(first.expires_at));
    let (sender, events) = channel();
    // From here on a signal ends nothing by itself: what stands in a file is removed first.
    signals::listen(is_alone, &sender)?;
    let token = authorize::secret(&helper.random);
    let file = TokenFile::create(helper, &token)?;
    let keeper = Keeper::start(helper.clone(), role.clone(), first, sender);
    let endpoint = Endpoint::new(port, token, keeper.kept());
    let variables = Variables::of_endpoint(endpoint.url(), file.path()?);
    let _serving = listener.serve(PATIENCE, move |asked, caller| endpoint.attend(&asked, caller));

    if let Some(shell) = shell {
        output.data(&shell::statements(shell, &variables))?;
        output.say(&format!(
            "Serving {role} on 127.0.0.1:{port} until Ctrl-C. Evaluate these statements in the shell that runs the job. \
             The credentials of now expire at {expires}, and are renewed before."
        ));
        wait_for_end(&events, output);
        return Ok(Exit::Done);
    }
    let mut command = command::with_role(&arguments.command, role, &variables);
    let child = command.spawn().map_err(|error| command::not_run(&command, error))?;
    Ok(code(wait_for_command(child, &events, output)?))
}

/// Until a signal comes.
fn wait_for_end(events: &Receiver<Event>, output: &mut Output<'_>) {
    while let Ok(event) = events.recv() {
        match event {
            Event::Signal(_) => return,
            Event::Say(line) => output.say(&line),
        }
    }
}

/// Until the command has ended. Signals that it has not had itself are passed on.
fn wait_for_command(
    mut child: Child,
    events: &Receiver<Event>,
    output: &mut Output<'_>,
) -> Result<ExitStatus, Failure> {
    loop {
        match events.recv_timeout(LOOK_INTERVAL) {
            Ok(Event::Signal(caught)) => caught.pass_on(&child),
            Ok(Event::Say(line)) => output.say(&line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if let Some(status) = child.try_wait().map_err(Failure::Signals)? {
            return Ok(status);
        }
    }
}

/// As a shell says it: a command that a signal ended has 128 and the signal's number.
fn code(status: ExitStatus) -> Exit {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal).and_then(|code| u8::try_from(code).ok());
    code.map_or(Exit::Failed, Exit::Command)
}
