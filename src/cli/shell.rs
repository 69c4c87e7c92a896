//! `lodge env`: credentials for a shell.

use clap::Args;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The arguments of `lodge env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArguments {}

pub(crate) fn run(helper: &Helper, arguments: &EnvArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let _ = (helper, arguments, output);
    Ok(())
}
