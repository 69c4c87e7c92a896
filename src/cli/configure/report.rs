//! What is said about the profiles, to people and to programs.

use std::path::Path;

use serde::Serialize;

use super::merge::{Obstacle, Outcome, State};
use crate::cli::broker_url::BrokerUrl;
use crate::cli::table::Table;
use crate::domain::id::{LabName, RoleAddress};
use crate::wire::Me;

/// What `--json` prints: stable, only ever extended.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    file: String,
    broker: &'a str,
    dry_run: bool,
    /// Whether the file was changed, or with `dry_run`, whether it would be.
    changed: bool,
    profiles: Vec<ReportedProfile>,
}

#[derive(Serialize)]
struct ReportedProfile {
    profile: String,
    lab: String,
    role: String,
    state: &'static str,
    /// Why, and what to do; only where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &Path, broker: &'a BrokerUrl, dry_run: bool, changed: bool, outcomes: &[Outcome]) -> Self {
        let profile = |outcome: &Outcome| ReportedProfile {
            profile: outcome.profile.clone(),
            lab: outcome.role.lab.to_string(),
            role: outcome.role.role.to_string(),
            state: outcome.state.name(),
            says: outcome.refusal(file),
        };
        let file_name = file.display().to_string();
        Self {
            file: file_name,
            broker: broker.as_str(),
            dry_run,
            changed,
            profiles: outcomes.iter().map(profile).collect(),
        }
    }
}

impl State {
    /// What programs know it as.
    fn name(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::ByHand => "by-hand",
            Self::Removed => "removed",
            Self::Emptied => "emptied",
            Self::Stale => "stale",
            Self::Refused(_) => "refused",
        }
    }

    /// What people are told.
    fn says(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "as it was",
            Self::ByHand => "written by hand, left as it is",
            Self::Removed => "removed",
            Self::Emptied => "command removed, your own settings left",
            Self::Stale => "not open to you any more, left",
            Self::Refused(_) => "NOT WRITTEN",
        }
    }

    /// Whether AWS tools can use the profile now.
    fn is_usable(&self) -> bool {
        matches!(self, Self::Added | Self::Changed | Self::Unchanged | Self::ByHand)
    }
}

impl Outcome {
    /// Why the profile was not written, and what to do about it.
    pub(super) fn refusal(&self, file: &Path) -> Option<String> {
        let State::Refused(obstacle) = &self.state else { return None };
        let (profile, file) = (&self.profile, file.display());
        let reason = match obstacle {
            Obstacle::NameTaken => format!(
                "{file} has a section [profile {profile}] that lodge configure did not write for it; rename or remove \
                 that section"
            ),
            Obstacle::NamedTwice => format!(
                "{file} has [profile {profile}] more than once, which AWS tools do not read; remove or rename the others"
            ),
            Obstacle::TwoCommands => format!(
                "[profile {profile}] in {file} has credential_process more than once; remove the lines that you added"
            ),
            Obstacle::IndentedLines => format!(
                "in [profile {profile}] in {file}, the indented lines below credential_process are read as part of it; \
                 remove their indent"
            ),
        };
        Some(format!("{profile} for {} was not written: {reason}, then run: lodge configure", self.role))
    }
}

/// A line for each profile.
pub(super) fn table(outcomes: &[Outcome]) -> Vec<String> {
    let mut table = Table::new(["PROFILE", "ROLE", "NOW"]);
    for Outcome { profile, role, state } in outcomes {
        table.row([profile, &role.to_string(), state.says()]);
    }
    table.lines()
}

/// What to run next.
pub(super) fn next(file: &Path, outcomes: &[Outcome], lab: Option<&LabName>, me: &Me) -> Vec<String> {
    let emptied = outcomes.iter().filter(|outcome| outcome.state == State::Emptied).map(|outcome| {
        let (profile, file) = (&outcome.profile, file.display());
        format!("{profile} gives no credentials any more; when you do not need its settings, remove it from {file}")
    });
    let mut lines: Vec<String> = emptied.collect();
    let stale = outcomes.iter().filter(|outcome| outcome.state == State::Stale).count();
    if stale > 0 {
        let lab = lab.map(|lab| format!(" --lab {lab}")).unwrap_or_default();
        let them = if stale == 1 { "a profile whose role is" } else { "profiles whose roles are" };
        lines.push(format!("To remove {them} not open to you any more, run: lodge configure{lab} --prune"));
    }
    // A role that is given at once makes the better first example.
    let is_given_at_once = |outcome: &&&Outcome| {
        let RoleAddress { lab, role } = &outcome.role;
        me.roles.iter().any(|it| it.needs.is_none() && it.lab == lab.as_str() && it.role == role.as_str())
    };
    let usable: Vec<_> = outcomes.iter().filter(|outcome| outcome.state.is_usable()).collect();
    if let Some(first) = usable.iter().find(is_given_at_once).or(usable.first()) {
        lines.push(format!("To try one, run: aws sts get-caller-identity --profile {}", first.profile));
    }
    lines
}
