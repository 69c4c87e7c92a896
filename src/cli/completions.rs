//! `lodge completions` and `lodge man`.

use clap::Args;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The arguments of `lodge completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {}

pub(crate) fn run(helper: &Helper, arguments: &CompletionsArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let _ = (helper, arguments, output);
    Ok(())
}
