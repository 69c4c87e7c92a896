//! `lodge revoke`: cuts off whoever has live AWS credentials, and says how far that has got.
//!
//! The broker does it, and goes on by itself whatever becomes of this command. Nothing here promises more than is known:
//! AWS takes its time, and it is said when the sessions die in any case.

mod follow;
mod own;
#[cfg(test)]
mod tests;
mod way;
mod words;

use clap::{ArgGroup, Args};

use super::Helper;
use super::failure::Failure;
use super::output::Output;
use crate::domain::id::{CutOffId, LabName, ParseError, PersonId, RoleName};
use way::{Shown, Way};

const USAGE: &str = "\
lodge revoke <LAB> <--person <PERSON-ID>|--role <ROLE>|--all> [--reason <TEXT>] [--hold] [--wait] [--json]
       lodge revoke --me [--reason <TEXT>] [--wait] [--json]
       lodge revoke --person <PERSON-ID> --everywhere [--reason <TEXT>] [--wait] [--json]
       lodge revoke <LAB> --show <CUT-OFF-ID> [--wait] [--json]
       lodge revoke <LAB> --lift <CUT-OFF-ID> [--json]";

const EXAMPLES: &str = "\
Examples:
  lodge sessions vision
  lodge revoke vision --person p-0123456789abcdef --reason 'laptop stolen' --wait
  lodge revoke vision --role pay --hold
  lodge revoke vision --all
  lodge revoke --me
  lodge revoke --person p-0123456789abcdef --everywhere
  lodge revoke vision --show cut-0123456789abcdef --wait
  lodge revoke vision --lift cut-0123456789abcdef";

/// What a broker keeps of a reason.
const REASON_MAX_CHARS: usize = 200;

/// The arguments of `lodge revoke`.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    override_usage = USAGE,
    group = ArgGroup::new("what").args(["person", "role", "all", "me", "show", "lift"]).required(true).multiple(true)
)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line, each of which stands by itself")]
pub(crate) struct RevokeArguments {
    /// The lab; none for --me and --everywhere
    #[arg(value_name = "LAB", required_unless_present_any = ["me", "everywhere"], conflicts_with_all = ["me", "everywhere"])]
    lab: Option<LabName>,
    /// Cut off this person, as `lodge sessions` names them
    #[arg(long, value_name = "PERSON-ID", conflicts_with_all = ["role", "all", "me", "lift"])]
    person: Option<PersonId>,
    /// Cut off everybody who has credentials of this role
    #[arg(long, value_name = "ROLE", conflicts_with_all = ["all", "me", "show", "lift", "everywhere"])]
    role: Option<RoleName>,
    /// Cut off everybody in the lab
    #[arg(long, conflicts_with_all = ["me", "show", "lift", "everywhere"])]
    all: bool,
    /// Cut off yourself, in all labs, and drop what this machine keeps
    #[arg(long, conflicts_with_all = ["lift", "everywhere"])]
    me: bool,
    /// Cut off the person in all labs, if you are an operator of the broker
    #[arg(long, requires = "person")]
    everywhere: bool,
    /// Why, in one line, for the ledger and for whoever asks why AWS says no
    #[arg(long, value_name = "TEXT", value_parser = reason, conflicts_with_all = ["show", "lift"])]
    reason: Option<String>,
    /// Keep back new credentials, too, until somebody lifts that
    #[arg(long, requires = "lab", conflicts_with_all = ["me", "everywhere", "show", "lift"])]
    hold: bool,
    /// Wait until AWS has it and a denial was seen, and say each step
    #[arg(long, conflicts_with = "lift")]
    wait: bool,
    /// Show how far this cut-off has got
    #[arg(long, value_name = "CUT-OFF-ID", conflicts_with = "lift")]
    show: Option<CutOffId>,
    /// Let those have credentials again whom this cut-off keeps out; needs a fresh sign-in: lodge login --fresh
    #[arg(long, value_name = "CUT-OFF-ID")]
    lift: Option<CutOffId>,
    /// Print how far it has got as one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

fn reason(text: &str) -> Result<String, ParseError> {
    let text = text.trim();
    let fits = (1..=REASON_MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(ParseError::new("reason", "one line of 1 to 200 characters")) }
}

pub(crate) fn run(helper: &Helper, arguments: &RevokeArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    if let (Some(lab), Some(_), Some(id)) = (&arguments.lab, &arguments.person, &arguments.show) {
        return Err(Failure::ShowKnowsWhose { see: format!("lodge revoke {lab} --show {id}") });
    }
    let way = Way::of(helper, arguments)?;
    let shown = match (&arguments.show, &arguments.lift) {
        (Some(id), _) => way.look(id)?,
        (None, Some(id)) => way.lift(id)?,
        (None, None) => cut_off(helper, &way, arguments, output)?,
    };
    if arguments.wait {
        let (shown, ended) = follow::follow(helper, &way, shown, output)?;
        tell(helper, &way, arguments, &shown, output)?;
        return ended;
    }
    tell(helper, &way, arguments, &shown, output)?;
    if !arguments.json && !shown.is_over() {
        output.say(&format!("To follow it: {} --wait", way.command(&way.id(&shown)?)));
    }
    Ok(())
}

/// Cuts off, and drops what this machine keeps of it: whatever the broker says, since it may have taken what it could not
/// answer any more.
fn cut_off(helper: &Helper, way: &Way, arguments: &RevokeArguments, output: &mut Output<'_>) -> Result<Shown, Failure> {
    let cut_off = way.cut_off(arguments);
    let forgotten = own::forget(helper, way.person(), arguments);
    let shown = cut_off?;
    if let Err(failure) = forgotten {
        output.say(&format!("lodge: warning: this machine still keeps credentials that are dead: {failure}"));
    }
    if arguments.me {
        for line in own::WORDS {
            output.say(line);
        }
    }
    Ok(shown)
}

fn tell(
    helper: &Helper,
    way: &Way,
    arguments: &RevokeArguments,
    shown: &Shown,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if arguments.json {
        return output.json(shown);
    }
    // What was followed was told step by step already.
    let steps = if arguments.wait { words::Steps::Told } else { words::Steps::ToTell };
    let lift = way.lift_command(&way.id(shown)?);
    let lines = words::lines(shown, steps, &lift, helper.clock.now());
    lines.iter().try_for_each(|(mark, line)| match mark {
        Some(mark) => output.marked(*mark, line),
        None => output.answer(line),
    })
}
