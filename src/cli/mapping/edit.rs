//! `lodge mapping edit`: change the conditions of a mapping, on the revision that was seen.

use clap::{Args, ValueEnum};

use super::outcome::Told;
use super::words;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::session_length::{NotASessionLength, SessionLength};
use crate::cli::when::{NotATime, When};
use crate::domain::id::{LabName, MappingId};
use crate::wire::labs::{Mapping, MappingEdit, MappingOutcome};
use crate::wire::timestamp;

const EXAMPLES: &str = "\
Examples:
  lodge mapping edit vision map-0123456789abcdef --until 2026-12-24
  lodge mapping edit vision map-0123456789abcdef --until never --max-duration none
  lodge mapping edit vision map-0123456789abcdef --needs-mfa yes --revision 3";

/// The arguments of `lodge mapping edit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EditArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// The mapping, as `lodge mapping list` names it
    #[arg(value_name = "MAPPING-ID")]
    mapping: MappingId,
    #[command(flatten)]
    changes: Changes,
    /// Change this revision and no other; otherwise the one that it has now
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    revision: Option<i64>,
    /// Print the outcome as one JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// What is to change.
#[derive(Debug, Args)]
struct Changes {
    /// When it ends: 2026-12-24 (the end of that day in UTC, 2026-12-25T00:00:00Z),
    /// 2026-12-24T17:00:00Z, a span from now such as 36h, 90d, 12w, or never
    #[arg(long, value_name = "WHEN|never", verbatim_doc_comment, value_parser = end_or_never)]
    until: Option<Setting<When>>,
    /// The longest session it gives, 30m to 1h, or in seconds; none for the role's own maximum
    #[arg(long, value_name = "LENGTH|none", value_parser = length_or_none)]
    max_duration: Option<Setting<SessionLength>>,
    /// Whether it is only for a sign-in with a second factor
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    needs_mfa: Option<YesOrNo>,
    /// Whether it is only for people whom a PI approves, one by one
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    needs_approval: Option<YesOrNo>,
}

/// A condition that is set, or taken away with a word.
#[derive(Clone, Copy, Debug)]
enum Setting<T> {
    Nothing,
    To(T),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum YesOrNo {
    Yes,
    No,
}

fn end_or_never(text: &str) -> Result<Setting<When>, NotATime> {
    if text == "never" { Ok(Setting::Nothing) } else { text.parse().map(Setting::To) }
}

fn length_or_none(text: &str) -> Result<Setting<SessionLength>, NotASessionLength> {
    if text == "none" { Ok(Setting::Nothing) } else { text.parse().map(Setting::To) }
}

impl<T> Setting<T> {
    fn map<U>(self, to: impl FnOnce(T) -> U) -> Option<U> {
        match self {
            Self::Nothing => None,
            Self::To(value) => Some(to(value)),
        }
    }
}

impl Changes {
    fn edit(&self, helper: &Helper) -> Result<MappingEdit, Failure> {
        let at = |when: When| timestamp(when.moment(helper.clock.now()));
        let is_yes = |answer| answer == YesOrNo::Yes;
        let edit = MappingEdit {
            ends_at: self.until.map(|until| until.map(at)),
            max_duration_seconds: self.max_duration.map(|length| length.map(|length| length.seconds)),
            needs_mfa: self.needs_mfa.map(is_yes),
            needs_approval: self.needs_approval.map(is_yes),
        };
        if edit == MappingEdit::default() { Err(Failure::NothingToChange) } else { Ok(edit) }
    }
}

pub(crate) fn run(helper: &Helper, arguments: &EditArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let edit = arguments.changes.edit(helper)?;
    let lab = helper.lab(&arguments.lab)?;
    let before = lab.mapping(&arguments.mapping)?;
    let revision = arguments.revision.unwrap_or(before.revision);

    let outcome = lab.edit(&arguments.mapping, revision, &edit)?;

    if !arguments.json {
        let after = match &outcome {
            MappingOutcome::Done { mapping } => &mapping.terms,
            MappingOutcome::Waiting { change } => &change.terms,
        };
        output.say(&format!("{}: {}", before.id, words::gift(&arguments.lab, &before)));
        let differences = words::differences(&before.terms, after);
        // What was read is what was changed only when nobody came in between.
        let is_what_changed = revision == before.revision;
        differences.iter().filter(|_| is_what_changed).for_each(|line| output.say(&format!("  {line}")));
    }
    let when_done = match &outcome {
        MappingOutcome::Done { mapping } => vec![done(revision, mapping)],
        MappingOutcome::Waiting { .. } => Vec::new(),
    };
    Told { lab: &arguments.lab, outcome: &outcome, is_for_programs: arguments.json, when_done }.to(output)
}

fn done(revision: i64, after: &Mapping) -> String {
    if revision == after.revision {
        "Nothing has changed: it was so already.".to_owned()
    } else {
        format!("Changed; it now has revision {}.", after.revision)
    }
}
