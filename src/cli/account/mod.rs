//! `lodge account`: a lab's AWS account, joining it, and checking it.

mod check;
mod follow;
mod history;
mod report;
mod show;
mod stack;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use super::Helper;
use super::failure::Failure;
use super::output::Output;

/// The verbs about a lab's AWS account.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountVerb {
    /// Show how a lab's AWS account stands, and which roles it is ready for
    Show(show::ShowArguments),
    /// Print the CloudFormation template of what a lab's AWS account should have
    ///
    /// Whoever administers the account creates a stack of it there, or updates the
    /// one that is there. The external ids in it are this lab's own: hand it to
    /// nobody else.
    #[command(verbatim_doc_comment)]
    Stack(stack::StackArguments),
    /// Join a lab's AWS account once its stack is created
    ///
    /// The account has to prove itself: the broker gets in, nobody gets in without
    /// the lab's external ids, and what is there is what should be. IAM takes a
    /// while to apply what is new, so this is tried again for up to some minutes.
    /// Only a PI of the lab joins its account. The exit code is 0 when the account
    /// has proved itself, and 1 otherwise.
    #[command(verbatim_doc_comment)]
    Join(check::JoinArguments),
    /// Look at a lab's AWS account now
    ///
    /// The exit code is 0 when the account has proved itself, and 1 otherwise.
    #[command(verbatim_doc_comment)]
    Check(check::CheckArguments),
    /// List the checks of a lab's AWS account
    History(history::HistoryArguments),
}

pub(crate) fn run(helper: &Helper, verb: &AccountVerb, output: &mut Output<'_>) -> Result<(), Failure> {
    match verb {
        AccountVerb::Show(arguments) => show::run(helper, arguments, output),
        AccountVerb::Stack(arguments) => stack::run(helper, arguments, output),
        AccountVerb::Join(arguments) => check::join(helper, arguments, output),
        AccountVerb::Check(arguments) => check::check(helper, arguments, output),
        AccountVerb::History(arguments) => history::run(helper, arguments, output),
    }
}
