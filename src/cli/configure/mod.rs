//! `lodge configure`: one AWS profile for each role.

use clap::Args;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The arguments of `lodge configure`.
#[derive(Debug, Args)]
pub(crate) struct ConfigureArguments {}

pub(crate) fn run(helper: &Helper, arguments: &ConfigureArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let _ = (helper, arguments, output);
    Ok(())
}
