//! `lodge account history`: the checks of a lab's AWS account.

use clap::Args;

use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::moment::moment;
use crate::cli::output::Output;
use crate::cli::table::Table;
use crate::domain::id::LabName;
use crate::wire::accounts::Trouble;

const EXAMPLES: &str = "\
Examples:
  lodge account history vision
  lodge account history vision --json | jq -r '.checks[] | select(.verdict != \"proven\") | .troubles[].says'";

/// The arguments of `lodge account history`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HistoryArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

/// More causes than this are counted and not named: `lodge account check` has them all.
const CAUSES_NAMED: usize = 2;

fn in_a_line(trouble: &Trouble) -> String {
    match &trouble.causes[..] {
        [first, rest @ ..] if rest.len() >= CAUSES_NAMED => {
            format!("AWS does not say which: {}; or one of {} other things", first.says, rest.len())
        }
        _ => trouble.says.clone(),
    }
}

pub(crate) fn run(helper: &Helper, arguments: &HistoryArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let history = helper.lab(&arguments.lab)?.account_checks(arguments.limit)?;
    if arguments.json {
        return output.json(&history);
    }
    if history.checks.is_empty() {
        output.say(&format!("The AWS account of {} was never checked.", arguments.lab));
        return Ok(());
    }
    let mut table = Table::new(["CHECK", "BEGAN", "WHY", "BY", "OUTCOME", "WHAT IS WRONG"]);
    for check in &history.checks {
        let wrong: Vec<String> = check.troubles.iter().map(in_a_line).collect();
        let wrong = if wrong.is_empty() { "-".to_owned() } else { wrong.join("; ") };
        let why = match check.reason.as_str() {
            "join" => "to join it",
            "demand" => "somebody asked",
            "watch" => "it was time",
            other => other,
        };
        let (by, verdict) = (check.by.as_deref().unwrap_or("the broker"), check.verdict.as_deref());
        table.row([&check.id, &moment(&check.begun_at), why, by, verdict.unwrap_or("under way"), &wrong]);
    }
    table.lines().iter().try_for_each(|line| output.answer(line))?;
    if history.next.is_some() {
        let count = history.checks.len();
        output
            .say(&format!("These are the newest {count}. Older ones: --limit, up to 100, or the page of the account."));
    }
    Ok(())
}
