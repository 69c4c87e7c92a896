//! `lodge mapping add`: give a role to the members of a group.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::outcome::Told;
use super::words;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::session_length::SessionLength;
use crate::cli::when::When;
use crate::domain::id::{ConnectionName, RoleAddress};
use crate::wire::labs::{MappingOutcome, NewMapping};
use crate::wire::timestamp;

const EXAMPLES: &str = "\
Examples:
  lodge mapping add vision/read-results --group vision-students
  lodge mapping add vision/pay --group vision-postdocs --until 2026-12-24 --needs-mfa
  lodge mapping add vision/publish --group vision-guests --until 12w --max-duration 30m --needs-approval";

/// The arguments of `lodge mapping add`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AddArguments {
    /// The lab and the role in it, such as vision/read-results
    #[arg(value_name = "LAB/ROLE")]
    role: RoleAddress,
    /// The group, exactly as `lodge status` shows it to its members
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    group: String,
    /// Where its members sign in; needed only when the broker has more than one connection
    #[arg(long, value_name = "NAME")]
    connection: Option<ConnectionName>,
    /// When it ends: 2026-12-24 (the end of that day in UTC, 2026-12-25T00:00:00Z),
    /// 2026-12-24T17:00:00Z, or a span from now such as 36h, 90d, 12w
    #[arg(long, value_name = "WHEN", verbatim_doc_comment)]
    until: Option<When>,
    /// The longest session it gives, 30m to 1h, or in seconds; otherwise the role's own maximum
    #[arg(long, value_name = "LENGTH")]
    max_duration: Option<SessionLength>,
    /// Only for a sign-in with a second factor
    #[arg(long)]
    needs_mfa: bool,
    /// Only for people whom a PI approves, one by one
    #[arg(long)]
    needs_approval: bool,
    /// Print the outcome as one JSON object, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &AddArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let lab = helper.lab(&arguments.role.lab)?;
    let outcome = lab.add(&NewMapping {
        connection: arguments.connection.as_ref().map(ToString::to_string),
        group: arguments.group.clone(),
        role: arguments.role.role.to_string(),
        ends_at: arguments.until.map(|when| timestamp(when.moment(helper.clock.now()))),
        max_duration_seconds: arguments.max_duration.map(|length| length.seconds),
        needs_mfa: arguments.needs_mfa,
        needs_approval: arguments.needs_approval,
    })?;

    let name = &arguments.role.lab;
    let when_done = match &outcome {
        MappingOutcome::Done { mapping } => vec![
            format!("Added {}: {}{}.", mapping.id, words::gift(name, mapping), words::under(&mapping.terms)),
            format!("To take it back: lodge mapping end {name} {}", mapping.id),
        ],
        MappingOutcome::Waiting { .. } => Vec::new(),
    };
    Told { lab: name, outcome: &outcome, is_for_programs: arguments.json, when_done }.to(output)
}
