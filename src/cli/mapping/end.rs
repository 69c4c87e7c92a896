//! `lodge mapping end`: a mapping gives its role to nobody any more. Nothing is deleted, so it can be undone.

use clap::Args;

use super::outcome::Told;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::domain::id::{LabName, MappingId};
use crate::wire::labs::{Mapping, MappingOutcome, MappingState};

const EXAMPLES: &str = "\
Examples:
  lodge mapping end vision map-0123456789abcdef
  lodge mapping end vision map-0123456789abcdef --cut-off";

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
    /// Cut off everybody, too, who has live AWS credentials by it
    #[arg(long)]
    cut_off: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &EndArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let lab = helper.lab(&arguments.lab)?;
    let before = lab.mapping(&arguments.mapping)?;
    let revision = arguments.revision.unwrap_or(before.revision);

    let outcome = lab.end(&arguments.mapping, revision, arguments.cut_off)?;

    let when_done = match &outcome {
        MappingOutcome::Done { mapping } => ended(arguments, &before, mapping),
        MappingOutcome::Waiting { .. } => Vec::new(),
    };
    Told { lab: &arguments.lab, outcome: &outcome, is_for_programs: false, when_done }.to(output)
}

fn ended(arguments: &EndArguments, before: &Mapping, after: &Mapping) -> Vec<String> {
    let lab = &arguments.lab;
    let Mapping { id, group, connection_title, role, .. } = after;
    if before.revision == after.revision {
        return if arguments.cut_off {
            std::iter::once(format!("{id} had ended already.")).chain(cut_off(lab)).collect()
        } else {
            vec![format!("Nothing has changed: {id} had ended already.")]
        };
    }
    let undone_with = before.terms.ends_at.as_deref().filter(|_| before.state == MappingState::Live).unwrap_or("never");
    let mut lines =
        vec![format!("Ended {id}: it no longer gives {lab}/{role} to members of {group} at {connection_title}.")];
    if arguments.cut_off {
        lines.extend(cut_off(lab));
    } else {
        lines.push(
            "AWS credentials that were already handed out live on until they expire, an hour at most.".to_owned(),
        );
    }
    lines.push(format!("To undo it: lodge mapping edit {lab} {id} --until {undone_with}"));
    lines
}

fn cut_off(lab: &LabName) -> [String; 3] {
    [
        "Whoever had live AWS credentials by it is cut off. AWS may take some minutes to go by it everywhere; the"
            .to_owned(),
        "credentials die anyway, an hour at most after they were handed out.".to_owned(),
        format!("To see how far that has got: lodge sessions {lab} --cut-off"),
    ]
}
