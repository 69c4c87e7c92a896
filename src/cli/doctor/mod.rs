//! `lodge doctor`: what keeps one from credentials. Without `--lab` it looks at this machine, with it at the way from a
//! person to a role of a lab.

mod lab;
mod machine;

use clap::Args;

use super::Helper;
use super::failure::Failure;
use super::output::Output;
use crate::domain::id::{LabName, RoleName};

const EXAMPLES: &str = "\
Examples:
  lodge doctor
  lodge doctor --json | jq -r '.checks[] | select(.state == \"not-ok\") | .remedy'
  lodge doctor --lab vision
  lodge doctor --lab vision --role read-results
  lodge doctor --lab vision --json | jq -r .first_broken";

/// The arguments of `lodge doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArguments {
    /// The lab; without it, this machine is looked at
    #[arg(long, value_name = "LAB")]
    lab: Option<LabName>,
    /// The role; otherwise the first that you are given there
    #[arg(long, value_name = "ROLE", requires = "lab")]
    role: Option<RoleName>,
    /// Print one JSON object instead, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(helper: &Helper, arguments: &DoctorArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    match &arguments.lab {
        Some(lab) => {
            let question = lab::Question { lab, role: arguments.role.as_ref(), json: arguments.json };
            lab::run(helper, question, output)
        }
        None => machine::run(helper, arguments.json, output),
    }
}
