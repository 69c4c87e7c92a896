//! `lodge people remove`: somebody no longer looks after a lab.

use clap::Args;

use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::person::{person, standing_name};
use crate::domain::id::{LabName, PersonId};

const EXAMPLES: &str = "\
Example:
  lodge people remove vision p-0123456789abcdef";

/// The arguments of `lodge people remove`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RemoveArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// The person, as `lodge people list` names them
    #[arg(value_name = "PERSON-ID")]
    person: PersonId,
}

pub(crate) fn run(helper: &Helper, arguments: &RemoveArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let RemoveArguments { lab: name, person: id } = arguments;
    let lab = helper.lab(name)?;
    // Read first: what is taken away has to be known to say how to give it back.
    let people = match lab.people() {
        Ok(people) => people.people,
        // Whoever may not list the others may still remove themselves.
        Err(Failure::Refused { .. }) => Vec::new(),
        Err(failure) => return Err(failure),
    };
    let before = people.iter().find(|person| person.id == id.as_str());

    lab.remove(id)?;

    match before.and_then(|before| Some((before, before.standing.as_deref()?))) {
        Some((before, standing)) => {
            output.say(&format!("{} is no longer a {} of {name}.", person(before), standing_name(standing)));
            output.say(&format!("To undo it, a PI of {name} runs: lodge people appoint {name} {id} --as {standing}"));
        }
        None => output.say(&format!("{id} has no standing in {name}.")),
    }
    Ok(())
}
