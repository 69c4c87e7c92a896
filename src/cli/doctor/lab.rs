//! `lodge doctor --lab`: what keeps one from a role of a lab, link by link.

use std::thread::sleep;

use crate::cli::client::LabClient;
use crate::cli::failure::Failure;
use crate::cli::output::{Mark, Output};
use crate::cli::pace::PAUSE;
use crate::cli::{Helper, summary};
use crate::domain::id::{LabName, RoleName};
use crate::wire::Me;
use crate::wire::accounts::{DiagnosedLink, Diagnosis};

/// For 90 seconds, which a check takes at most when nothing is tried again for long.
const LOOKS: u32 = 180;

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) lab: &'a LabName,
    pub(super) role: Option<&'a RoleName>,
    pub(super) json: bool,
}

pub(super) fn run(helper: &Helper, question: Question<'_>, output: &mut Output<'_>) -> Result<(), Failure> {
    let client = helper.lab(question.lab)?;
    let Some(diagnosis) = diagnosis(&client, question, output)? else {
        let me = client.me()?;
        if !question.json {
            known(question.lab, &me).iter().try_for_each(|(mark, line)| output.marked(*mark, line))?;
            OUTSIDE.iter().try_for_each(|line| output.answer(line))?;
        }
        return Err(Failure::NotOfLab { lab: question.lab.clone() });
    };
    if question.json {
        output.json(&diagnosis)?;
    } else {
        links(&diagnosis).iter().try_for_each(|(mark, line)| output.marked(*mark, line))?;
        advice(&diagnosis).iter().try_for_each(|line| output.answer(line))?;
    }
    match first_broken(&diagnosis) {
        None => Ok(()),
        Some(link) => Err(Failure::BrokenLink { lab: question.lab.clone(), title: link.title.clone() }),
    }
}

/// The diagnosis, once the account was looked at; none for a lab that one does not belong to.
fn diagnosis(
    client: &LabClient,
    question: Question<'_>,
    output: &mut Output<'_>,
) -> Result<Option<Diagnosis>, Failure> {
    let ask = || client.diagnosis(question.role);
    let Some(mut diagnosis) = ask()? else { return Ok(None) };
    if diagnosis.running.is_some() {
        output.say(&format!("Looking at the AWS account of {} …", question.lab));
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

fn links(diagnosis: &Diagnosis) -> Vec<(Mark, String)> {
    let one = |link: &DiagnosedLink| (Mark::of(&link.state), format!("{}: {}", link.title, link.says));
    diagnosis.links.iter().map(one).collect()
}

fn advice(diagnosis: &Diagnosis) -> Vec<String> {
    let name = match &diagnosis.role {
        Some(role) => format!("{}/{role}", diagnosis.lab),
        None => diagnosis.lab.clone(),
    };
    let mut lines = vec![String::new()];
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
fn known(lab: &LabName, me: &Me) -> [(Mark, String); 3] {
    let who = summary::who(me);
    [
        (Mark::Ok, format!("Your sign-in: You are {who}, signed in at {}.", me.connection_title)),
        (Mark::Ok, format!("Your groups: {}.", summary::groups(me))),
        (Mark::NotOk, format!("The lab: there is no lab {lab} that you belong to.")),
    ]
}

/// What that can be.
const OUTSIDE: [&str; 5] = [
    "",
    "What it can be:",
    "  1. The lab is called otherwise. `lodge status` lists the labs of your roles.",
    "  2. No mapping gives one of these groups a role there. Ask a PI of the lab, and send them this list.",
    "  3. You are in the right group since your last sign-in only. Sign in again: lodge login",
];

#[cfg(test)]
mod tests;
