//! `lodge mapping confirm`: the second PI lets a change hold.

use clap::Args;

use super::outcome::Told;
use super::words;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::domain::id::{LabName, MappingChangeId};
use crate::wire::labs::MappingOutcome;

const EXAMPLES: &str = "\
Example:
  lodge mapping confirm vision chg-0123456789abcdef";

/// The arguments of `lodge mapping confirm`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfirmArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// The change, as `lodge mapping pending` names it
    #[arg(value_name = "CHANGE-ID")]
    change: MappingChangeId,
}

pub(crate) fn run(helper: &Helper, arguments: &ConfirmArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let outcome = helper.lab(&arguments.lab)?.confirm(&arguments.change)?;

    let lab = &arguments.lab;
    let when_done = match &outcome {
        MappingOutcome::Done { mapping } => vec![
            format!("Confirmed {}: {}{}.", arguments.change, words::gift(lab, mapping), words::under(&mapping.terms)),
            format!("To end that mapping: lodge mapping end {lab} {}", mapping.id),
        ],
        MappingOutcome::Waiting { .. } => Vec::new(),
    };
    Told { lab, outcome: &outcome, is_for_programs: false, when_done }.to(output)
}
