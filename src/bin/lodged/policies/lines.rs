//! What is said of the files, for people: each line begins with the file that it is about.

use lodge::domain::policy::lint::Severity;
use lodge::domain::policy::{Explained, SESSION_POLICY_MAX_CHARS};

use super::review::{Beyond, Review, What};
use super::{Report, Summary};
use crate::output;

/// How many actions are listed; `--json` has them all.
const LISTED: usize = 12;

pub(super) fn all(report: &Report) -> String {
    let mut text = String::new();
    for review in &report.files {
        for line in of_file(review) {
            text.push_str(&output::one_line(&format!("{}: {line}", review.file)));
            text.push('\n');
        }
    }
    text.push_str(&summary(&report.summary));
    text
}

fn of_file(review: &Review) -> Vec<String> {
    let mut lines = vec![head(review)];
    lines.extend(review.findings.iter().map(ToString::to_string));
    if let Some(explanation) = &review.explanation {
        lines.extend(explanation.allows.iter().flat_map(|part| explained("allows", part)));
        lines.extend(explanation.denies.iter().flat_map(|part| explained("denies", part)));
    }
    lines.extend(review.beyond.iter().map(beyond));
    if let Some(rewritten) = &review.rewritten {
        for change in &rewritten.changes {
            lines.push(format!("today's name, statement {}, {}:", change.statement, change.element));
            lines.push(format!("- {}", change.from));
            lines.extend(change.to.iter().map(|to| format!("+ {to}")));
        }
    }
    lines
}

/// What the file is, and whether all is well with it.
fn head(review: &Review) -> String {
    let what = match review.kind {
        What::Template => "template",
        What::Policy => "policy",
        What::TrustPolicy => return "a trust policy, which is not looked into".to_owned(),
        What::Other => return "neither a policy template nor a policy".to_owned(),
        What::Unreadable => return "not read".to_owned(),
    };
    let long = review.characters.map(|characters| {
        let filled = if review.kind == What::Template { " filled with its examples" } else { "" };
        format!(", {characters} of {SESSION_POLICY_MAX_CHARS} characters{filled}")
    });
    let well = if review.findings.is_empty() { ", ok" } else { "" };
    format!("{what}{}{well}", long.unwrap_or_default())
}

/// A line for what is common to the actions, and one for each.
fn explained(word: &str, part: &Explained) -> Vec<String> {
    let level = part.level.map(|level| format!(" ({level})")).unwrap_or_default();
    let when = if part.when.is_empty() { String::new() } else { format!(", when {}", part.when.join(" and ")) };
    let mut lines = vec![format!("{word} of {}{level}, on {}{when}:", part.service, part.on)];
    for action in part.actions.iter().take(LISTED) {
        let does = action.does.map(|does| format!(": {does}")).unwrap_or_default();
        lines.push(format!("    {}{does}", action.name));
    }
    if let Some(more) = part.actions.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!("    and {more} more"));
    }
    lines
}

fn beyond(beyond: &Beyond) -> String {
    let Beyond { role, actions } = beyond;
    if actions.is_empty() {
        return format!("beyond {role}: no action");
    }
    let listed = actions.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    let more = match actions.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("beyond {role}: {}: {listed}{more}", counted(actions.len(), "action"))
}

fn summary(summary: &Summary) -> String {
    let Summary { files, templates, policies, errors, warnings, notes } = *summary;
    let policies = if policies == 1 { "1 policy".to_owned() } else { format!("{policies} policies") };
    format!(
        "{}, {}, {policies}: {}, {}, {}\n",
        counted(files, "file"),
        counted(templates, "template"),
        counted(errors, Severity::Error.as_str()),
        counted(warnings, Severity::Warning.as_str()),
        counted(notes, Severity::Note.as_str())
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
