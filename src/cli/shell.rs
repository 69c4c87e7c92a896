//! `lodge env`: credentials for a shell, as statements that it evaluates.
//!
//! The statements first unset whatever would shadow the credentials, then set them. They are secret: on a terminal they
//! are shown to nobody who did not ask for just that.

use clap::Args;
use zeroize::Zeroizing;

use crate::domain::id::RoleAddress;

use super::aws_variables::{SHADOWING, Variables};
use super::credentials::{self, LEAST};
use super::environment::LODGE_ROLE;
use super::failure::Failure;
use super::output::Output;
use super::shell_language::{Guess, Shell};
use super::{Helper, exec};

const EXAMPLES: &str = "\
Examples:
  eval \"$(lodge env vision/read-results)\"
  lodge env vision/read-results --shell fish | source
  eval \"$(lodge env --unset)\"";

/// The arguments of `lodge env`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EnvArguments {
    /// The lab and the role in it, such as vision/read-results
    #[arg(value_name = "LAB/ROLE", required_unless_present = "unset")]
    role: Option<RoleAddress>,
    /// The shell that is to evaluate it; otherwise the one in `SHELL`
    #[arg(long, value_enum)]
    shell: Option<Shell>,
    /// Show the credentials even on a terminal
    #[arg(long)]
    show: bool,
    /// Print what undoes it: no credentials are left in the shell
    #[arg(long, conflicts_with_all = ["role", "show"])]
    unset: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &EnvArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let shell = chosen(helper, arguments.shell, output);
    if arguments.unset {
        return output.data(&statements(shell, &Variables(Vec::new())));
    }
    let role = arguments.role.as_ref().ok_or(Failure::NoRoleGiven)?;
    if helper.environment.shows_stdout && !arguments.show {
        return Err(Failure::WouldShow { instead: shell.evaluating(&format!("lodge env {role}")) });
    }
    let credentials = credentials::get(helper, role, LEAST, &mut |line| output.say(line))?;
    let variables = Variables::of_credentials(&credentials).ok_or_else(|| exec::odd(helper))?;
    output.data(&statements(shell, &variables))
}

/// The shell to write for; says so where that is a guess.
pub(crate) fn chosen(helper: &Helper, asked: Option<Shell>, output: &mut Output<'_>) -> Shell {
    match asked.map_or_else(|| Shell::guess(helper.environment.shell.as_deref()), Guess::Known) {
        Guess::Known(shell) => shell,
        Guess::Unsure(shell) => {
            output.say(&format!(
                "lodge: SHELL does not say which shell this is, so this is written for {shell}; for another, add --shell"
            ));
            shell
        }
    }
}

/// Unsets whatever would shadow these variables, and sets them.
pub(crate) fn statements(shell: Shell, variables: &Variables) -> Zeroizing<Vec<u8>> {
    let is_set = |name: &str| variables.0.iter().any(|(set, _)| *set == name);
    let unset: Vec<&str> = SHADOWING.into_iter().chain([LODGE_ROLE]).filter(|name| !is_set(name)).collect();
    // Room for all of it: a buffer that grows leaves copies behind that nothing wipes.
    let mut text = Zeroizing::new(Vec::with_capacity(32 * 1024));
    shell.unset(&unset, &mut text);
    for (name, value) in &variables.0 {
        shell.set(name, value, &mut text);
    }
    text
}
