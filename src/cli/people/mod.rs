//! `lodge people`: who looks after a lab. A person is named by their opaque id, which they read in `lodge status`.

mod appoint;
mod list;
mod remove;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The verbs about people.
#[derive(Debug, Subcommand)]
pub(crate) enum PeopleVerb {
    /// List who looks after a lab
    List(list::ListArguments),
    /// Make somebody a manager or a PI of a lab
    ///
    /// They have to have signed in once, and tell you their own id, which begins
    /// with p- and stands in their `lodge status`.
    #[command(verbatim_doc_comment)]
    Appoint(appoint::AppointArguments),
    /// Take somebody's standing in a lab away; your own, too
    ///
    /// What their groups give them stays. Only a PI of the lab can undo it, so
    /// somebody else has to when you take your own away.
    #[command(verbatim_doc_comment)]
    Remove(remove::RemoveArguments),
}

pub(crate) fn run(helper: &Helper, verb: &PeopleVerb, output: &mut Output<'_>) -> Result<(), Failure> {
    match verb {
        PeopleVerb::List(arguments) => list::run(helper, arguments, output),
        PeopleVerb::Appoint(arguments) => appoint::run(helper, arguments, output),
        PeopleVerb::Remove(arguments) => remove::run(helper, arguments, output),
    }
}
