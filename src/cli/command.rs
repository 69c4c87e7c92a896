//! A command that somebody wants run with a role: how it is made ready, and what is said when it cannot be run.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::process::Command;

use crate::domain::id::RoleAddress;

use super::Helper;
use super::aws_variables::Variables;
use super::failure::Failure;

/// The command with these variables. `words` has at least one word.
pub(crate) fn with_role(words: &[OsString], role: &RoleAddress, variables: &Variables) -> Command {
    let (program, arguments) = words.split_first().map_or((OsString::new(), &[][..]), |(it, all)| (it.clone(), all));
    let mut command = Command::new(program);
    command.args(arguments);
    variables.give(&mut command, role);
    command
}

/// Refuses inside of what `exec` or `serve` runs: nobody could say which role it is that a command has.
pub(crate) fn refuse_to_nest(helper: &Helper) -> Result<(), Failure> {
    match &helper.environment.inside {
        Some(role) => Err(Failure::Nested { role: role.clone() }),
        None => Ok(()),
    }
}

/// Why a command does not run.
pub(crate) fn not_run(command: &Command, source: io::Error) -> Failure {
    let command = command.get_program().to_string_lossy().into_owned();
    match source.kind() {
        ErrorKind::NotFound => Failure::CommandNotFound { command },
        _ => Failure::CommandNotRun { command, source },
    }
}
