//! `lodge doctor`: what keeps one from a role of a lab, link by link.

use std::thread::sleep;

use clap::Args;

use super::Helper;
use super::account::{PAUSE, mark};
use super::client::LabClient;
use super::failure::Failure;
use super::output::Output;
use super::summary;
use crate::domain::id::{LabName, RoleName};
use crate::wire::Me;
use crate::wire::accounts::{DiagnosedLink, Diagnosis};

const EXAMPLES: &str = "\
Examples:
  lodge doctor --lab vision
  lodge doctor --lab vision --role read-results
  lodge doctor --lab vision --json | jq -r .first_broken";

/// For 90 seconds, which a check takes at most when nothing is tried again for long.
const LOOKS: u32 = 180;

/// The arguments of `lodge doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArguments {
    /// The lab
    #[arg(long, value_name = "LAB")]
    lab: LabName,
    /// The role; otherwise the first that you are given there
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleName>,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &DoctorArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let client = helper.lab(&arguments.lab)?;
    let Some(diagnosis) = diagnosis(&client, arguments, output)? else {
        let me = client.me()?;
        if !arguments.json {
            outside(&arguments.lab, &me).iter().try_for_each(|line| output.answer(line))?;
        }
        return Err(Failure::NotOfLab { lab: arguments.lab.clone() });
    };
    if arguments.json {
        output.json(&diagnosis)?;
    } else {
        lines(&diagnosis).iter().try_for_each(|line| output.answer(line))?;
    }
    match first_broken(&diagnosis) {
        None => Ok(()),
        Some(link) => Err(Failure::BrokenLink { lab: arguments.lab.clone(), title: link.title.clone() }),
    }
}

/// The diagnosis, once the account was looked at; none for a lab that one does not belong to.
fn diagnosis(
    client: &LabClient,
    arguments: &DoctorArguments,
    output: &mut Output<'_>,
) -> Result<Option<Diagnosis>, Failure> {
    let ask = || client.diagnosis(arguments.role.as_ref());
    let Some(mut diagnosis) = ask()? else { return Ok(None) };
    if diagnosis.running.is_some() {
        output.say(&format!("Looking at the AWS account of {} …", arguments.lab));
    }
    for _ in 0..LOOKS {
        if diagnosis.running.is_none() {
            return Ok(Some(diagnosis));
        }
        sleep(PAUSE);
        let Some(next) = ask()? else { return Ok(None) };
        diagnosis = next;
    }
    output.say("That takes longer than usual. This is as far as it is known:");
    Ok(Some(diagnosis))
}

fn first_broken(diagnosis: &Diagnosis) -> Option<&DiagnosedLink> {
    let first = diagnosis.first_broken.as_deref()?;
    diagnosis.links.iter().find(|link| link.link == first)
}

fn lines(diagnosis: &Diagnosis) -> Vec<String> {
    let name = match &diagnosis.role {
        Some(role) => format!("{}/{role}", diagnosis.lab),
        None => diagnosis.lab.clone(),
    };
    let one = |link: &DiagnosedLink| format!("{:8}{}: {}", mark(&link.state), link.title, link.says);
    let mut lines: Vec<String> = diagnosis.links.iter().map(one).collect();
    lines.push(String::new());
    let Some(link) = first_broken(diagnosis) else {
        lines.push(format!("Nothing keeps you from {name}."));
        return lines;
    };
    let kind = if link.state == "unclear" { "of which nobody knows whether it holds" } else { "that is broken" };
    lines.push(format!("The first link {kind}: {}.", lower(&link.title)));
    match link.causes.as_slice() {
        [] => {}
        [cause] => lines.push(format!("What it is: {cause}.")),
        causes => {
            lines.push("What it can be, the likeliest first:".to_owned());
            lines.extend((1..).zip(causes).map(|(number, cause)| format!("  {number}. {cause}")));
        }
    }
    if !link.menders.is_empty() {
        let menders: Vec<&str> = link.menders.iter().map(|mender| mender.says.as_str()).collect();
        lines.push(format!("Who can mend it: {}.", menders.join(", or ")));
    }
    if !link.next.is_empty() {
        lines.push("What to do next:".to_owned());
        lines.extend(link.next.iter().map(|next| format!("  - {next}")));
    }
    lines
}

fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What is known of somebody in a lab that they do not belong to: the broker does not say whether there is one.
fn outside(lab: &LabName, me: &Me) -> Vec<String> {
    vec![
        format!("ok      Your sign-in: You are {}, signed in at {}.", summary::who(me), me.connection_title),
        format!("ok      Your groups: {}.", summary::groups(me)),
        format!("NOT OK  The lab: there is no lab {lab} that you belong to."),
        String::new(),
        "What it can be:".to_owned(),
        "  1. The lab is called otherwise. `lodge status` lists the labs of your roles.".to_owned(),
        "  2. No mapping gives one of these groups a role there. Ask a PI of the lab, and send them this list."
            .to_owned(),
        "  3. You are in the right group since your last sign-in only. Sign in again: lodge login".to_owned(),
    ]
}

#[cfg(test)]
mod tests;
