//! `lodge mapping decline`: a change that waits is dropped.

use clap::Args;

use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::domain::id::{LabName, MappingChangeId};

const EXAMPLES: &str = "\
Example:
  lodge mapping decline vision chg-0123456789abcdef";

/// The arguments of `lodge mapping decline`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeclineArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// The change, as `lodge mapping pending` names it
    #[arg(value_name = "CHANGE-ID")]
    change: MappingChangeId,
}

pub(crate) fn run(helper: &Helper, arguments: &DeclineArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    helper.lab(&arguments.lab)?.decline(&arguments.change)?;

    output.say(&format!("Dropped {}: the lab's mappings stay as they are.", arguments.change));
    Ok(())
}
