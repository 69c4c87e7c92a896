//! What became of a change: it holds, or it waits for a second PI.

use crate::cli::failure::Failure;
use crate::cli::moment::moment;
use crate::cli::output::Output;
use crate::domain::id::LabName;
use crate::wire::labs::{MappingChange, MappingOutcome};

/// What a verb asked for, and what is to be said of it.
pub(super) struct Told<'a> {
    pub(super) lab: &'a LabName,
    pub(super) outcome: &'a MappingOutcome,
    /// Whether a program wants the outcome itself.
    pub(super) is_for_programs: bool,
    /// What a person is told when the change holds.
    pub(super) when_done: Vec<String>,
}

impl Told<'_> {
    /// Tells it. That nothing has changed yet is told in any case: the exit code does not show it.
    pub(super) fn to(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self.outcome {
            MappingOutcome::Waiting { change } => waiting(self.lab, change).iter().for_each(|line| output.say(line)),
            MappingOutcome::Done { .. } if self.is_for_programs => {}
            MappingOutcome::Done { .. } => self.when_done.iter().for_each(|line| output.say(line)),
        }
        if self.is_for_programs { output.json(self.outcome) } else { Ok(()) }
    }
}

fn waiting(lab: &LabName, change: &MappingChange) -> [String; 3] {
    let MappingChange { id, lapses_at, .. } = change;
    [
        "Nothing has changed yet: it gives you yourself more than you had, and the lab has another PI.".to_owned(),
        format!("Another PI lets it hold with: lodge mapping confirm {lab} {id}"),
        format!("It lapses at {}; to drop it before: lodge mapping decline {lab} {id}", moment(lapses_at)),
    ]
}
