//! `lodge mapping`: which groups get which roles of a lab, for those who look after it.
//!
//! A change names the revision that it is made on, so nobody overwrites what they have not seen. What gives its own
//! author more than they had waits for a second PI; the broker decides that, and here it is only said.

mod add;
mod confirm;
mod decline;
mod edit;
mod end;
mod list;
mod outcome;
mod pending;
#[cfg(test)]
mod tests;
mod words;

use clap::Subcommand;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The verbs about mappings.
#[derive(Debug, Subcommand)]
pub(crate) enum MappingVerb {
    /// List the mappings of a lab
    List(list::ListArguments),
    /// Give a role to the members of a group
    ///
    /// When that gives you yourself more than you had and the lab has another PI,
    /// it waits until another PI confirms it.
    #[command(verbatim_doc_comment)]
    Add(add::AddArguments),
    /// Change the conditions of a mapping
    ///
    /// What you do not name stays as it is. Nothing is overwritten that somebody
    /// else changed meanwhile. A change that gives you yourself more than you had
    /// waits until another PI confirms it.
    #[command(verbatim_doc_comment)]
    Edit(edit::EditArguments),
    /// End a mapping: it gives its role to nobody any more
    ///
    /// AWS credentials that were already handed out live on until they expire,
    /// an hour at most. With --cut-off, everybody who has live ones by it is cut
    /// off. AWS may take some minutes to go by that everywhere.
    #[command(verbatim_doc_comment)]
    End(end::EndArguments),
    /// List the changes that wait for a second PI
    Pending(pending::PendingArguments),
    /// Confirm a change that another PI asked for: it holds from now on
    Confirm(confirm::ConfirmArguments),
    /// Drop a change that waits: another's, or your own
    Decline(decline::DeclineArguments),
}

pub(crate) fn run(helper: &Helper, verb: &MappingVerb, output: &mut Output<'_>) -> Result<(), Failure> {
    match verb {
        MappingVerb::List(arguments) => list::run(helper, arguments, output),
        MappingVerb::Add(arguments) => add::run(helper, arguments, output),
        MappingVerb::Edit(arguments) => edit::run(helper, arguments, output),
        MappingVerb::End(arguments) => end::run(helper, arguments, output),
        MappingVerb::Pending(arguments) => pending::run(helper, arguments, output),
        MappingVerb::Confirm(arguments) => confirm::run(helper, arguments, output),
        MappingVerb::Decline(arguments) => decline::run(helper, arguments, output),
    }
}
