//! `lodge people appoint`: somebody becomes a manager or a PI of a lab.

use clap::{Args, ValueEnum};

use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::person::{person, standing_name};
use crate::domain::id::{LabName, PersonId};
use crate::wire::labs::Appointment;

const EXAMPLES: &str = "\
Examples:
  lodge people appoint vision p-0123456789abcdef --as manager
  lodge people appoint vision p-0123456789abcdef --as pi";

/// The arguments of `lodge people appoint`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AppointArguments {
    /// The lab
    #[arg(value_name = "LAB")]
    lab: LabName,
    /// The person, who reads this in `lodge status`
    #[arg(value_name = "PERSON-ID")]
    person: PersonId,
    /// What they become
    #[arg(long = "as", value_name = "manager|pi", hide_possible_values = true)]
    standing: Standing,
}

/// What somebody can be appointed to.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Standing {
    Manager,
    Pi,
}

pub(crate) fn run(helper: &Helper, arguments: &AppointArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let standing = match arguments.standing {
        Standing::Manager => "manager",
        Standing::Pi => "pi",
    };
    let lab = &arguments.lab;

    let appointed = helper.lab(lab)?.appoint(&arguments.person, &Appointment { standing: standing.to_owned() })?;

    let standing = appointed.standing.as_deref().map_or("nothing", standing_name);
    output.say(&format!("{} at {} is now a {standing} of {lab}.", person(&appointed), appointed.connection_title));
    output.say(&format!("To take it back: lodge people remove {lab} {}", arguments.person));
    Ok(())
}
