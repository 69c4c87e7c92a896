//! `lodge people list`: who looks after a lab.

use clap::Args;

use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::person::{name, standing_name};
use crate::cli::table::Table;
use crate::domain::id::LabName;

const EXAMPLES: &str = "\
Examples:
  lodge people list vision
  lodge people list vision --json | jq -r '.people[] | [.id, .standing] | @tsv'";

/// The arguments of `lodge people list`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &ListArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let people = helper.lab(&arguments.lab)?.people()?;
    if arguments.json {
        return output.json(&people);
    }
    if people.people.is_empty() {
        output.say(&format!("Nobody looks after {} yet; the broker's operator names its first PI.", arguments.lab));
        return Ok(());
    }
    let mut table = Table::new(["ID", "NAME", "STANDING", "SIGNS IN AT"]);
    for person in &people.people {
        let standing = person.standing.as_deref().map_or("-", standing_name);
        table.row([&person.id, &name(person), standing, &person.connection_title]);
    }
    table.lines().iter().try_for_each(|line| output.answer(line))
}
