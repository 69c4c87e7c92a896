//! `lodge account join` and `lodge account check`: a check of the account, followed to its end.

use clap::Args;

use super::follow::follow;
use super::report;
use crate::cli::Helper;
use crate::cli::client::LabClient;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::domain::id::LabName;
use crate::wire::accounts::AccountCheck;

const JOIN_EXAMPLES: &str = "\
Examples:
  lodge account stack vision --output lodge-vision.json
  aws cloudformation deploy --stack-name lodge --template-file lodge-vision.json --capabilities CAPABILITY_NAMED_IAM
  lodge account join vision";

const CHECK_EXAMPLES: &str = "\
Examples:
  lodge account check vision
  lodge account check vision --json | jq -r '.troubles[].says'";

/// The arguments of `lodge account join`.
#[derive(Debug, Args)]
#[command(after_help = JOIN_EXAMPLES)]
pub(crate) struct JoinArguments {
    #[command(flatten)]
    of: Of,
}

/// The arguments of `lodge account check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, Args)]
struct Of {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// Print the check as one JSON object when it is over, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn join(helper: &Helper, arguments: &JoinArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    run(helper, &arguments.of, LabClient::join_account, output)
}

pub(crate) fn check(helper: &Helper, arguments: &CheckArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    run(helper, &arguments.of, LabClient::check_account, output)
}

fn run(
    helper: &Helper,
    of: &Of,
    begin: impl Fn(&LabClient) -> Result<AccountCheck, Failure>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let lab = helper.lab(&of.lab)?;
    let check = follow(&lab, &of.lab, begin(&lab)?, output)?;
    if of.json {
        output.json(&check)?;
    } else {
        report::outcome(&of.lab, &check).iter().try_for_each(|line| output.answer(line))?;
    }
    if check.verdict.as_deref() == Some("proven") {
        Ok(())
    } else {
        Err(Failure::NotProven { lab: of.lab.clone(), says: check.says.unwrap_or_default() })
    }
}
