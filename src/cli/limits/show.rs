//! `lodge limits show`: what holds in a lab.

use clap::Args;

use super::age::Age;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::table::Table;
use crate::domain::id::LabName;

const EXAMPLES: &str = "\
Examples:
  lodge limits show vision
  lodge limits show vision --json | jq -r '.roles[] | [.name, .sign_in_max_age_seconds] | @tsv'";

/// The arguments of `lodge limits show`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &ShowArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let limits = helper.lab(&arguments.lab)?.limits()?;
    if arguments.json {
        return output.json(&limits);
    }
    let set_by = |is_set: bool| if is_set { "the lab" } else { "default" };
    let age = |seconds: u32| Age { seconds }.to_string();
    let mut table = Table::new(["OF", "LIMIT", "AT MOST", "SET BY"]);
    let groups = age(limits.groups_max_age_seconds);
    table.row([&limits.lab, "age of the groups", &groups, set_by(limits.groups_max_age_is_set)]);
    for role in &limits.roles {
        let name = format!("{}/{}", limits.lab, role.name);
        let what = if role.spends { "age of the sign-in (it can spend)" } else { "age of the sign-in" };
        table.row([&name, what, &age(role.sign_in_max_age_seconds), set_by(role.sign_in_max_age_is_set)]);
    }
    table.lines().iter().try_for_each(|line| output.answer(line))
}
