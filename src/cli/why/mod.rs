//! `lodge why`: why AWS refused something, and what would help.
//!
//! The text of an error can hold whatever stood around it, keys included. So it is read here, by the same reader that the
//! broker has, and the broker is sent what that understood, written as AWS writes it. What it did not understand stays on
//! this machine.

mod words;

use std::io::{self, IsTerminal, Read};
use std::str::FromStr;

use clap::Args;
use zeroize::Zeroizing;

use super::client::Client;
use super::credentials::forget_dead;
use super::failure::Failure;
use super::output::Output;
use super::signed_in::SignedIn;
use super::{Helper, summary};
use crate::domain::id::{LabName, ParseError, PersonId, RoleAddress, RoleName};
use crate::domain::why::{AwsError, PASTED_MAX_BYTES};
use crate::wire::why::{Why, WhyQuestion};

const EXAMPLES: &str = "\
Examples:
  aws mturk send-bonus … 2>&1 | lodge why
  lodge why < error.txt
  aws s3 ls s3://results 2>&1 | lodge why vision/read-results
  lodge why --action mechanicalturk:SendBonus vision
  lodge why --action mechanicalturk:SendBonus vision/pay --for p-c355kk4jyt1vw1jc
  lodge why --json < error.txt | jq -r .finding";

/// The arguments of `lodge why`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WhyArguments {
    /// The lab, or the role in it that was used; where it is left out, the error says which
    #[arg(value_name = "LAB[/ROLE]")]
    place: Option<Place>,
    /// Ask about this action, instead of reading an error from standard input
    #[arg(long, value_name = "SERVICE:ACTION", requires = "place")]
    action: Option<String>,
    /// The ARN of what it is called on, where the action is called on anything
    #[arg(long, value_name = "ARN")]
    resource: Option<String>,
    /// One of the lab's people, by their id, if you look after the lab
    #[arg(long = "for", value_name = "PERSON", requires = "place")]
    person: Option<PersonId>,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

/// A lab, or a role of it.
#[derive(Clone, Debug)]
struct Place {
    lab: LabName,
    role: Option<RoleName>,
}

impl FromStr for Place {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.contains('/') {
            let RoleAddress { lab, role } = text.parse()?;
            Ok(Self { lab, role: Some(role) })
        } else {
            Ok(Self { lab: text.parse()?, role: None })
        }
    }
}

pub(crate) fn run(helper: &Helper, arguments: &WhyArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let error = match &arguments.action {
        Some(_) => None,
        None => Some(printed(helper, output)?),
    };
    let question = WhyQuestion {
        error: error.map(|error| error.to_string()),
        action: arguments.action.clone(),
        resource: arguments.resource.clone(),
        role: arguments.place.as_ref().and_then(|place| place.role.as_ref()).map(ToString::to_string),
        person: arguments.person.as_ref().map(ToString::to_string),
    };
    let lab = arguments.place.as_ref().map(|place| &place.lab);
    let person = helper.signed_in()?;
    let why = person.ask(|client, token| client.why(token, lab, &question))?;
    let forgotten = forget_dead_of(helper, &person, &why, output);
    if arguments.json {
        return output.json(&why);
    }
    words::lines(&why).into_iter().chain(summary::forgotten(&forgotten)).try_for_each(|line| output.answer(&line))
}

/// Deletes what this machine keeps when that is why AWS said no. The answer is worth having without it.
fn forget_dead_of(helper: &Helper, person: &SignedIn, why: &Why, output: &mut Output<'_>) -> Vec<RoleAddress> {
    if why.finding != "cut-off" || why.person.is_some() {
        return Vec::new();
    }
    match person.ask(Client::me) {
        Ok(me) => forget_dead(helper, person.broker(), &me, output),
        Err(failure) => {
            output.say(&format!("lodge: warning: what was cut off may still be kept on this machine: {failure}"));
            Vec::new()
        }
    }
}

/// The error in what a tool printed.
fn printed(helper: &Helper, output: &mut Output<'_>) -> Result<AwsError, Failure> {
    let mut ask = || output.say("Paste what the tool printed. Ctrl-D on a line of its own ends it; Ctrl-C stops:");
    let text = (helper.printed)(&mut ask).map_err(Failure::Stdin)?;
    if text.len() > PASTED_MAX_BYTES {
        return Err(Failure::TooMuchPrinted { kilobytes: PASTED_MAX_BYTES / 1024 });
    }
    AwsError::read(&text).ok_or(Failure::NoAwsError)
}

/// Standard input to its end, or as far as it matters.
pub(super) fn read_stdin(ask: &mut dyn FnMut()) -> io::Result<Zeroizing<String>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        ask();
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASTED_MAX_BYTES + 1));
    let most = u64::try_from(PASTED_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    stdin.lock().take(most).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests;
