//! `lodge exec`: a command with credentials in its environment.

use clap::Args;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The arguments of `lodge exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArguments {}

pub(crate) fn run(helper: &Helper, arguments: &ExecArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let _ = (helper, arguments, output);
    Ok(())
}
