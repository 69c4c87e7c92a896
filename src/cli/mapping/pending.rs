//! `lodge mapping pending`: the changes that wait for a second PI.

use clap::Args;

use super::words;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::moment::moment;
use crate::cli::output::Output;
use crate::cli::person::person;
use crate::cli::table::Table;
use crate::domain::id::LabName;
use crate::wire::labs::MappingChange;

const EXAMPLES: &str = "\
Examples:
  lodge mapping pending vision
  lodge mapping pending vision --json | jq -r '.changes[].id'";

/// The arguments of `lodge mapping pending`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PendingArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &PendingArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let waiting = helper.lab(&arguments.lab)?.changes()?;
    if arguments.json {
        return output.json(&waiting);
    }
    let lab = &arguments.lab;
    let id = match waiting.changes.as_slice() {
        [] => {
            output.say(&format!("No change of {lab}'s mappings waits for a second PI."));
            return Ok(());
        }
        [only] => &only.id,
        _ => "CHANGE-ID",
    };
    table(&waiting.changes).lines().iter().try_for_each(|line| output.answer(line))?;
    output.say(&format!("A PI who did not ask for it can let one hold: lodge mapping confirm {lab} {id}"));
    output.say(&format!("Any PI, or who asked for it, can drop one:    lodge mapping decline {lab} {id}"));
    Ok(())
}

fn table(changes: &[MappingChange]) -> Table<9> {
    let heads = ["ID", "ASKED BY", "CHANGES", "GROUP", "CONNECTION", "ROLE", "CONDITIONS", "END", "LAPSES"];
    let mut table = Table::new(heads);
    for change in changes {
        let MappingChange { id, mapping, author, group, connection, role, terms, lapses_at, .. } = change;
        let mapping = mapping.as_deref().unwrap_or("a new mapping");
        let (author, conditions) = (person(author), words::conditions(terms));
        let (end, lapses) = (words::end(terms), moment(lapses_at));
        table.row([id, &author, mapping, group, connection, role, &conditions, &end, &lapses]);
    }
    let is_one_connection = changes.windows(2).all(|pair| pair[0].connection == pair[1].connection);
    if is_one_connection { table.without(4) } else { table }
}
