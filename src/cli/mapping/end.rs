//! `lodge mapping end`: a mapping gives its role to nobody any more. Nothing is deleted, so it can be undone.

use clap::Args;

use super::outcome::Told;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::domain::id::{LabName, MappingId};
use crate::wire::labs::{Mapping, MappingOutcome, MappingState};

const EXAMPLES: &str = "\
Example:
  lodge mapping end vision map-0123456789abcdef";

/// The arguments of `lodge mapping end`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EndArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// The mapping, as `lodge mapping list` names it
    #[arg(value_name = "MAPPING-ID")]
    mapping: MappingId,
    /// End this revision and no other; otherwise the one that it has now
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    revision: Option<i64>,
}

pub(crate) fn run(helper: &Helper, arguments: &EndArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let lab = helper.lab(&arguments.lab)?;
    let before = lab.mapping(&arguments.mapping)?;
    let revision = arguments.revision.unwrap_or(before.revision);

    let outcome = lab.end(&arguments.mapping, revision)?;

    let when_done = match &outcome {
        MappingOutcome::Done { mapping } => ended(&arguments.lab, &before, mapping),
        MappingOutcome::Waiting { .. } => Vec::new(),
    };
    Told { lab: &arguments.lab, outcome: &outcome, is_for_programs: false, when_done }.to(output)
}

fn ended(lab: &LabName, before: &Mapping, after: &Mapping) -> Vec<String> {
    let Mapping { id, group, connection_title, role, .. } = after;
    if before.revision == after.revision {
        return vec![format!("Nothing has changed: {id} had ended already.")];
    }
    let undone_with = before.terms.ends_at.as_deref().filter(|_| before.state == MappingState::Live).unwrap_or("never");
    vec![
        format!("Ended {id}: it no longer gives {lab}/{role} to members of {group} at {connection_title}."),
        "AWS credentials that were already handed out live on until they expire, an hour at most.".to_owned(),
        format!("To undo it: lodge mapping edit {lab} {id} --until {undone_with}"),
    ]
}
