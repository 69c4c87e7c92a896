//! `lodged policies check`: what is wrong with policy templates and IAM policies, for somebody's desk or CI.
//!
//! Asks nobody: everything that is said comes from the files and from what is known about AWS's actions.

mod files;
mod lines;
mod review;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use lodge::domain::policy::PolicyLibrary;
use lodge::domain::policy::lint::Severity;
use serde::Serialize;

use super::output;
use review::{Review, What};

#[derive(Debug, Subcommand)]
pub(crate) enum PoliciesCommand {
    /// Say what is wrong with policy templates and IAM policies
    ///
    /// Looks at the templates that are shipped, or at every .json file below DIR: at templates (PACK/NAME.json, as under
    /// policies/) and at plain IAM policies. Talks to nobody. Ends with 1 when there is an error: a policy that does not
    /// do what it says, or that AWS would not take.
    #[command(after_help = "With --json, an object with ok, summary, and files: file, kind (template, policy, \
        trust-policy, other or unreadable), characters, findings (code, severity, statement, sid, element, message, \
        instead), explanation, beyond (role, actions) and rewritten (text, changes).")]
    Check {
        /// The folder; without it, what is shipped
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Answer with one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Everything that is said.
#[derive(Serialize)]
struct Report {
    /// Whether there is no error.
    ok: bool,
    summary: Summary,
    files: Vec<Review>,
}

/// How much there is of each.
#[derive(Serialize)]
struct Summary {
    files: usize,
    templates: usize,
    policies: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
}

pub(crate) fn run(command: &PoliciesCommand) -> anyhow::Result<ExitCode> {
    let PoliciesCommand::Check { folder, json } = command;
    let shipped = PolicyLibrary::shipped()?;
    let files: Vec<Review> = match folder {
        None => shipped.iter().map(|(name, template)| Review::shipped(name, template)).collect(),
        Some(folder) => files::below(folder)?.iter().map(|found| Review::of(found, &shipped)).collect(),
    };
    let report = Report::of(files);
    let Summary { templates, policies, errors, .. } = report.summary;
    // Whoever checks a folder with nothing in it has named another than they meant.
    if let Some(folder) = folder
        && templates + policies + errors == 0
    {
        bail!("no policy template and no policy below {}: name the folder that they are in", folder.display());
    }
    if *json { output::json(&report) } else { output::answer(&lines::all(&report)) }?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Report {
    fn of(files: Vec<Review>) -> Self {
        let of_kind = |kind| files.iter().filter(|review| review.kind == kind).count();
        let of_severity = |severity| files.iter().map(|review| review.count(severity)).sum();
        let summary = Summary {
            files: files.len(),
            templates: of_kind(What::Template),
            policies: of_kind(What::Policy),
            errors: of_severity(Severity::Error),
            warnings: of_severity(Severity::Warning),
            notes: of_severity(Severity::Note),
        };
        Self { ok: summary.errors == 0, summary, files }
    }
}
