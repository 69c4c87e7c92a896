//! `lodge mapping list`: the mappings of a lab, and how many changes wait for a second PI.

use clap::Args;

use super::words;
use crate::cli::Helper;
use crate::cli::client::LabClient;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::table::Table;
use crate::domain::id::LabName;
use crate::wire::labs::{Mapping, MappingState, Mappings};

const EXAMPLES: &str = "\
Examples:
  lodge mapping list vision
  lodge mapping list vision --all --json | jq -r '.mappings[] | [.id, .group, .role, .state] | @tsv'";

/// The arguments of `lodge mapping list`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// Show those that have ended, too
    #[arg(long)]
    all: bool,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &ListArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let lab = helper.lab(&arguments.lab)?;
    let Mappings { mut mappings, next } = lab.mappings()?;
    let count = mappings.len();
    mappings.retain(|mapping| arguments.all || mapping.state == MappingState::Live);
    if arguments.json {
        return output.json(&Mappings { mappings, next });
    }
    let waiting = waiting(&lab)?;

    let notes = if mappings.is_empty() {
        nothing_to_show(&arguments.lab, count, &lab)?
    } else {
        table(&mut mappings).lines().iter().try_for_each(|line| output.answer(line))?;
        ended(count - mappings.len()).into_iter().collect()
    };
    for note in notes.iter().chain(&waiting_note(&arguments.lab, waiting)) {
        output.say(note);
    }
    Ok(())
}

/// How many changes wait; none for somebody who may see the mappings but not these.
fn waiting(lab: &LabClient) -> Result<usize, Failure> {
    match lab.changes() {
        Ok(waiting) => Ok(waiting.changes.len()),
        Err(Failure::Refused { detail }) => {
            tracing::debug!(detail, "the changes that wait are not shown");
            Ok(0)
        }
        Err(failure) => Err(failure),
    }
}

fn table(mappings: &mut [Mapping]) -> Table<7> {
    mappings.sort_by(|one, other| {
        let order = |mapping: &Mapping| (mapping.state == MappingState::Ended, mapping.role.clone());
        order(one).cmp(&order(other)).then_with(|| one.group.cmp(&other.group)).then_with(|| one.id.cmp(&other.id))
    });
    let mut table = Table::new(["ID", "GROUP", "CONNECTION", "ROLE", "CONDITIONS", "END", "REVISION"]);
    for mapping in &*mappings {
        let Mapping { id, group, connection, role, terms, revision, .. } = mapping;
        let (conditions, end) = (words::conditions(terms), words::end_of(mapping));
        table.row([id, group, connection, role, &conditions, &end, &revision.to_string()]);
    }
    let is_one_connection = mappings.windows(2).all(|pair| pair[0].connection == pair[1].connection);
    if is_one_connection { table.without(2) } else { table }
}

fn ended(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 more has ended; --all shows it.".to_owned()),
        count => Some(format!("{count} more have ended; --all shows them.")),
    }
}

/// Says what to do first.
fn nothing_to_show(name: &LabName, ended: usize, lab: &LabClient) -> Result<Vec<String>, Failure> {
    let roles: Vec<String> = lab.lab()?.roles.into_iter().map(|role| role.name).collect();
    let role = roles.first().map_or("ROLE", String::as_str);
    let ended = if ended == 0 { "" } else { "; --all shows those that have ended" };
    let mut lines = vec![
        format!("No mapping of {name} gives a role to anybody{ended}."),
        format!("Give one to the members of a group: lodge mapping add {name}/{role} --group GROUP"),
    ];
    if roles.len() > 1 {
        lines.push(format!("Its roles: {}.", roles.join(", ")));
    }
    Ok(lines)
}

fn waiting_note(lab: &LabName, count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 change waits for a second PI: lodge mapping pending {lab}")),
        count => Some(format!("{count} changes wait for a second PI: lodge mapping pending {lab}")),
    }
}
