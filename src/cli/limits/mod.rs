//! `lodge limits`: how old sign-ins and groups may be in a lab.

mod age;
mod set;
mod show;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The verbs about limits.
#[derive(Debug, Subcommand)]
pub(crate) enum LimitsVerb {
    /// Show how old sign-ins and groups may be in a lab
    Show(show::ShowArguments),
    /// Set how old groups may be in a lab, or a sign-in for one of its roles
    ///
    /// A person's groups are read when they sign in: who has left a group keeps
    /// what it gives until their next sign-in, or until the groups are too old.
    /// The age of a sign-in counts from when they signed in here; for a role that
    /// can spend, from when they showed the university who they are. Only a PI of
    /// the lab sets limits.
    #[command(verbatim_doc_comment)]
    Set(set::SetArguments),
}

pub(crate) fn run(helper: &Helper, verb: &LimitsVerb, output: &mut Output<'_>) -> Result<(), Failure> {
    match verb {
        LimitsVerb::Show(arguments) => show::run(helper, arguments, output),
        LimitsVerb::Set(arguments) => set::run(helper, arguments, output),
    }
}
