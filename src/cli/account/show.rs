//! `lodge account show`: how a lab's AWS account stands.

use clap::Args;

use super::report;
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::moment::moment;
use crate::cli::output::Output;
use crate::cli::table::Table;
use crate::domain::id::LabName;
use crate::wire::accounts::{Account, AccountRole};

const EXAMPLES: &str = "\
Examples:
  lodge account show vision
  lodge account show vision --json | jq -r '.roles[] | [.role, .ready] | @tsv'";

/// The arguments of `lodge account show`.
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
    let account = helper.lab(&arguments.lab)?.account()?;
    if arguments.json {
        return output.json(&account);
    }
    lines(&arguments.lab, &account).iter().try_for_each(|line| output.answer(line))
}

fn lines(lab: &LabName, account: &Account) -> Vec<String> {
    let mut lines = vec![
        account.says.clone(),
        format!("Account:      {}", account.account_id),
        format!("Role there:   {}", account.session_role),
    ];
    let moments =
        [("Joined:", &account.joined_at), ("Looked at:", &account.checked_at), ("Next look:", &account.next_check_at)];
    for (name, at) in moments {
        lines.extend(at.as_ref().map(|at| format!("{name:13} {}", moment(at))));
    }
    if !account.roles.is_empty() {
        lines.push(String::new());
        let mut table = Table::new(["ROLE", "READY", "HARMLESS CALL"]);
        for role in &account.roles {
            table.row([&role.role, &readiness(role), role.probe.as_ref().map_or("-", |probe| &probe.says)]);
        }
        lines.extend(table.lines());
    }
    if let Some(check) = &account.check {
        lines.push(String::new());
        lines.push(format!("The check of {}:", moment(&check.begun_at)));
        lines.extend(report::outcome(lab, check));
    }
    lines
}

fn readiness(role: &AccountRole) -> String {
    match (role.ready.as_str(), role.uncovered.as_deref()) {
        ("ready", _) => "yes".to_owned(),
        ("awaiting-update", Some(actions @ [_, ..])) => {
            format!("no: the stack must be updated for {}", actions.join(", "))
        }
        ("awaiting-update", _) => "no: the stack must be updated".to_owned(),
        ("not-joined", _) => "no: the account is not joined".to_owned(),
        (other, _) => other.to_owned(),
    }
}
