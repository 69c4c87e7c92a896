//! `lodge serve`: the container-credentials endpoint, on loopback.

use clap::Args;

use super::Helper;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;

/// The arguments of `lodge serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {}

pub(crate) fn run(helper: &Helper, arguments: &ServeArguments, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let _ = (helper, arguments, output);
    Ok(Exit::Done)
}
