//! What a check came to, for people: pure text, one line per item.

use crate::domain::id::LabName;
use crate::wire::accounts::{AccountCheck, Cause, Probe, Trouble};

/// What a check came to, and what is wrong.
pub(super) fn outcome(lab: &LabName, check: &AccountCheck) -> Vec<String> {
    let mut lines = Vec::new();
    match (check.reason.as_str(), check.verdict.as_deref()) {
        ("join", Some("proven")) => lines.push(format!("The AWS account of {lab} is joined: it has proved itself.")),
        (_, Some(_)) => lines.push(format!("{lab}: {}.", check.says.as_deref().unwrap_or("it is over"))),
        (_, None) => lines.push(format!("{lab}: the check is under way.")),
    }
    for trouble in &check.troubles {
        lines.push(String::new());
        lines.extend(of_trouble(trouble));
    }
    if !check.probes.is_empty() {
        lines.push(String::new());
        lines.extend(check.probes.iter().map(of_probe));
    }
    lines
}

fn of_trouble(trouble: &Trouble) -> Vec<String> {
    let how = match trouble.severity.as_str() {
        "stops" => "NOT OK",
        "opens" => "OPEN",
        "differs" => "DIFFERS",
        _ => "UNCLEAR",
    };
    let about = trouble.role.as_ref().map(|role| format!("{role}: ")).unwrap_or_default();
    match trouble.causes.as_slice() {
        [cause] => {
            let mut lines = vec![format!("{how:8}{about}{}", cause.says)];
            lines.extend(next(cause, 8));
            lines
        }
        causes => {
            let mut lines = vec![format!("{how:8}{about}AWS does not say which it is; the likeliest first:")];
            for (number, cause) in (1..).zip(causes) {
                lines.push(format!("        {number}. {}", cause.says));
                lines.extend(next(cause, 11));
            }
            lines
        }
    }
}

fn next(cause: &Cause, indent: usize) -> [String; 2] {
    let space = " ".repeat(indent);
    [format!("{space}who can mend it: {}", cause.mender.says), format!("{space}next: {}", cause.next)]
}

/// What a role's harmless call came to, with the service's own words.
pub(super) fn of_probe(probe: &Probe) -> String {
    let action = probe.action.as_deref().map(|action| format!("{action}: ")).unwrap_or_default();
    let status = probe.status.map(|status| status.to_string());
    let said: Vec<&str> = [status.as_deref(), probe.code.as_deref(), probe.message.as_deref()]
        .into_iter()
        .flatten()
        .filter(|_| probe.outcome != "works")
        .collect();
    let said = if said.is_empty() { String::new() } else { format!("; AWS said: {}", said.join(" ")) };
    format!("{}: {action}{}{said}", probe.role, probe.says)
}
