//! `lodge sessions`: the AWS credentials of a lab that live, and what was cut off of late.

mod cut_offs;
mod live;
#[cfg(test)]
mod tests;

use clap::Args;

use super::Helper;
use super::failure::Failure;
use super::output::Output;
use crate::domain::id::LabName;

const EXAMPLES: &str = "\
Examples:
  lodge sessions vision
  lodge sessions vision --json | jq -r '.sessions[] | select(.role == \"pay\") | .person'
  lodge sessions vision --cut-off";

/// The arguments of `lodge sessions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SessionsArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// List what was cut off instead, the newest first
    #[arg(long)]
    cut_off: bool,
    /// How many cut-offs at most
    #[arg(
        long, value_name = "NUMBER", requires = "cut_off", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=200)
    )]
    limit: u32,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &SessionsArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    if arguments.cut_off { cut_offs::run(helper, arguments, output) } else { live::run(helper, arguments, output) }
}
