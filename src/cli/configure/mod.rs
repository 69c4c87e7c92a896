//! `lodge configure`: one AWS profile for each role, kept in step with what is open.
//!
//! The file is the person's. Only sections that carry our [`marker`] are ever changed, and of those only our own lines;
//! see [`merge`]. The command in them is the same for every SDK, see [`command`]; nothing that a broker sends reaches the
//! file but names that were parsed.

mod command;
mod file;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod marker;
mod merge;
mod names;
mod report;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Helper;
use super::aws_config::{AwsConfig, Edit, apply, preview};
use super::broker_url::BrokerUrl;
use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::summary;
use crate::domain::id::{LabName, RoleAddress};
use crate::wire::Me;

use command::HelperCommand;
use file::ConfigFile;
use merge::{Merge, State, Wanted, merge};
use report::Report;

const EXAMPLES: &str = "\
Examples:
  lodge configure
  lodge configure --dry-run
  lodge configure --lab vision --prune
  lodge configure --json | jq -r '.profiles[] | .profile + \" \" + .state'";

/// The arguments of `lodge configure`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigureArguments {
    /// Only the profiles of this lab
    #[arg(long, value_name = "LAB")]
    lab: Option<LabName>,
    /// Also remove the profiles whose role is not open to you any more
    #[arg(long)]
    prune: bool,
    /// Show what would be changed in the file, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

/// What keeps profiles from being written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AwsConfigError {
    #[error("there is no home directory to write AWS profiles in; set AWS_CONFIG_FILE to a file of your own")]
    NoPlace,
    #[error("this program does not know where it is, so no profile can run it; run it by its full path")]
    ProgramUnknown,
    #[error(
        "no profile can run {}: AWS tools or a shell could take a character of that path for something else; move it \
         to a path of letters, digits and spaces, then run: lodge configure",
        path.display()
    )]
    ProgramPath { path: PathBuf },
    #[error("no profile can name {broker}: a shell could take a character of that name for something else")]
    BrokerName { broker: String },
    #[error("{file} is read-only and was left as it is; run: chmod u+w '{file}'", file = path.display())]
    ReadOnly { path: PathBuf },
    #[error("{} is not a plain file; set AWS_CONFIG_FILE to one, or move it away", path.display())]
    NotAFile { path: PathBuf },
    #[error("something else keeps writing {}; try again when it is done", path.display())]
    KeepsChanging { path: PathBuf },
    #[error("another lodge configure is at work on {}; try again", path.display())]
    Locked { path: PathBuf },
    #[error("not every profile could be written, for the reasons above")]
    SomeRefused,
}

pub(crate) fn run(helper: &Helper, arguments: &ConfigureArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let person = helper.signed_in()?;
    let me = person.ask(Client::me)?;
    let roles = roles(&me, person.broker())?;
    let path = helper.environment.aws_config.as_deref().ok_or(AwsConfigError::NoPlace)?;
    let program = helper.environment.program.as_deref().ok_or(AwsConfigError::ProgramUnknown)?;
    let command = HelperCommand::new(program, person.broker())?;
    let wanted = Wanted {
        broker: person.broker(),
        roles: &roles,
        command: &command,
        lab: arguments.lab.as_ref(),
        prune: arguments.prune,
    };

    let file = ConfigFile::new(path, &helper.random);
    if arguments.dry_run {
        let bytes = file.read()?;
        let merge = merge(&AwsConfig::parse(&bytes), &wanted);
        return show(path, &bytes, &merge, arguments, &wanted, output);
    }
    let merge = file.update(|bytes| {
        let merge = merge(&AwsConfig::parse(bytes), &wanted);
        (merged(bytes, &merge.edits), merge)
    })?;
    tell(path, &merge, arguments, &wanted, &me, output)?;
    if merge.outcomes.iter().any(|outcome| matches!(outcome.state, State::Refused(_))) {
        return Err(AwsConfigError::SomeRefused.into());
    }
    Ok(())
}

/// The roles that are open, as names that were parsed.
fn roles(me: &Me, broker: &BrokerUrl) -> Result<BTreeSet<RoleAddress>, Failure> {
    let parsed = me.roles.iter().map(|role| format!("{}/{}", role.lab, role.role).parse());
    parsed.collect::<Result<_, _>>().map_err(|_| Failure::NotABroker {
        broker: broker.to_string(),
        what: "it names a role as none can be named".to_owned(),
    })
}

/// The text with the edits, unless there are none.
fn merged(bytes: &[u8], edits: &[Edit]) -> Option<Vec<u8>> {
    (!edits.is_empty()).then(|| apply(bytes, edits))
}

/// Says what would be done.
fn show(
    path: &Path,
    bytes: &[u8],
    merge: &Merge,
    arguments: &ConfigureArguments,
    wanted: &Wanted<'_>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let is_changed = !merge.edits.is_empty();
    if arguments.json {
        return output.json(&Report::new(path, wanted.broker, true, is_changed, &merge.outcomes));
    }
    if is_changed {
        let names = [format!("--- {}", path.display()), format!("+++ {}", path.display())];
        names.iter().chain(&preview(bytes, &merge.edits)).try_for_each(|line| output.answer(line))?;
    }
    say(output, merge.outcomes.iter().filter_map(|outcome| outcome.refusal(path)));
    output.say(if is_changed { "Nothing was changed yet." } else { "There is nothing to change." });
    Ok(())
}

/// Says what was done.
fn tell(
    path: &Path,
    merge: &Merge,
    arguments: &ConfigureArguments,
    wanted: &Wanted<'_>,
    me: &Me,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if arguments.json {
        return output.json(&Report::new(path, wanted.broker, false, !merge.edits.is_empty(), &merge.outcomes));
    }
    if !merge.outcomes.is_empty() {
        report::table(&merge.outcomes).iter().try_for_each(|line| output.answer(line))?;
    }
    say(output, merge.outcomes.iter().filter_map(|outcome| outcome.refusal(path)));
    match (wanted.lab, wanted.roles) {
        (_, roles) if roles.is_empty() => {
            say(output, summary::no_role(wanted.broker, me));
        }
        (Some(lab), roles) if !roles.iter().any(|role| role.lab == *lab) => {
            output.say(&format!("No role of {lab} is open to you; to see which are, run: lodge status"));
        }
        _ => {}
    }
    say(output, report::next(path, &merge.outcomes, wanted.lab, me));
    Ok(())
}

fn say(output: &mut Output<'_>, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        output.say(&line);
    }
}

#[cfg(test)]
mod tests;
