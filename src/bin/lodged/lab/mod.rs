//! `lodged lab`: setting labs up, looking at them and putting them away.

mod create;
mod invite;
mod look;
mod sheet;
mod shelve;
mod stack;
mod trust;

use clap::{Args, Subcommand};
use lodge::domain::id::LabName;

use super::arguments::Common;

/// What `--json` gives of a lab, for the help.
const SHEET: &str = "With --json, an object with id, name, title, account, session_role, external_id, created_at, \
    archived_at (or null), roles (name, template, max_duration_seconds), looked_after_by (person, name, connection, \
    standing), invitation (id, created_at, lapses_at; or null) and trust_policy.";

#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    /// Make a lab, and say what its AWS account must trust
    ///
    /// Makes the external id that the account's role must ask for, and a role of the lab for each policy template of the
    /// pack. Nothing is asked of AWS.
    #[command(after_help = SHEET)]
    Create(create::Arguments),
    /// List the labs
    #[command(
        after_help = "With --json, an array of objects with id, name, title, account, session_role, created_at and \
        archived_at (or null)."
    )]
    List(Common),
    /// Show one lab: its roles, who looks after it, its invitation, and what its AWS account must trust
    #[command(after_help = SHEET)]
    Show(look::ShowArguments),
    /// Print a CloudFormation template of what the lab's AWS account should have
    ///
    /// Whoever owns the account makes a stack of it: the session role with its trust policy, its permissions (all that the
    /// lab's roles give, and nothing else) and its boundary, and a role for the broker itself, which may look whether all
    /// this is as it was, and cut sessions off. Nothing is asked of AWS.
    #[command(after_help = stack::EXAMPLES)]
    Stack(stack::Arguments),
    /// Put a lab away: it gives nothing any more, and is there for nobody but the operator
    ///
    /// Its roles, its mappings and its ledger stay as they are. AWS credentials that were handed out already live until
    /// they expire, an hour at most.
    #[command(after_help = "With --json, an object as in `lodged lab list`.")]
    Archive(Named),
    /// Bring a lab back that was put away, as it was
    #[command(after_help = "With --json, an object as in `lodged lab list`.")]
    Restore(Named),
    /// Make a link that makes whoever accepts it a PI of the lab
    ///
    /// The link, alone on standard output, is good once and for a week, and only for somebody who signs in. It is shown
    /// here and never again. A new one ends the one before it.
    #[command(after_help = "With --json, an object with lab, invitation (id, created_at, lapses_at) and link; with \
        --withdraw without the link.")]
    InvitePi(invite::Arguments),
}

/// One lab.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The lab
    #[arg(value_name = "NAME")]
    name: LabName,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(command: &LabCommand) -> anyhow::Result<()> {
    match command {
        LabCommand::Create(arguments) => create::run(arguments).await,
        LabCommand::List(common) => look::list(common).await,
        LabCommand::Show(arguments) => look::show(arguments).await,
        LabCommand::Stack(arguments) => stack::run(arguments).await,
        LabCommand::Archive(named) => shelve::archive(named).await,
        LabCommand::Restore(named) => shelve::restore(named).await,
        LabCommand::InvitePi(arguments) => invite::run(arguments).await,
    }
}

/// What an error speaks of.
fn about(name: &LabName) -> String {
    format!("lab {name}")
}
