//! `lodge exec`: a command with credentials in its environment.
//!
//! On Unix the helper becomes the command: signals, exit code, terminal and job control are the command's own, and
//! nothing of the helper stays. Elsewhere it starts the command, waits, and ends as it did. The credentials stand in the
//! command's environment and nowhere else; they are not renewed, so a job that may outlive them is for `lodge serve` or a
//! profile.

use std::ffi::OsString;
use std::process::Command;

use clap::Args;

use crate::domain::id::RoleAddress;

use super::aws_variables::Variables;
use super::credentials::{self, LEAST};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::{Helper, command};

const EXAMPLES: &str = "\
Examples:
  lodge exec vision/read-results -- aws s3 ls
  lodge exec vision/publish bash

Environment of the command:
  LODGE_ROLE  the role that it has; inside of one, another is refused";

/// The arguments of `lodge exec`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExecArguments {
    /// The lab and the role in it, such as vision/read-results
    #[arg(value_name = "LAB/ROLE")]
    role: RoleAddress,
    /// What to run, with its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(helper: &Helper, arguments: &ExecArguments, output: &mut Output<'_>) -> Result<Exit, Failure> {
    command::refuse_to_nest(helper)?;
    let role = &arguments.role;
    let credentials = credentials::get(helper, role, LEAST, &mut |line| output.say(line))?;
    let variables = Variables::of_credentials(&credentials).ok_or_else(|| odd(helper))?;
    become_command(command::with_role(&arguments.command, role, &variables))
}

/// The broker answered what AWS never gives.
pub(crate) fn odd(helper: &Helper) -> Failure {
    let broker = helper.sessions().and_then(|sessions| helper.broker(&sessions)).ok().flatten();
    Failure::NotABroker {
        broker: broker.map_or_else(|| "the broker".to_owned(), |broker| broker.to_string()),
        what: "its credentials are none of AWS's".to_owned(),
    }
}

#[cfg(unix)]
fn become_command(mut command: Command) -> Result<Exit, Failure> {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    Err(command::not_run(&command, error))
}

#[cfg(not(unix))]
fn become_command(mut command: Command) -> Result<Exit, Failure> {
    let status = command.status().map_err(|error| command::not_run(&command, error))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(Exit::Failed, Exit::Command))
}
