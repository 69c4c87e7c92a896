//! How a cut-off reads to a person: whose it is, why, and how far it has got.

use crate::wire::cut_offs::{CutOff, CutOffCause, CutOffStep, CutOffStepName, WhoseSessions};

use super::person::named;

/// Whose sessions.
pub(crate) fn whose(whose: &WhoseSessions) -> String {
    match whose {
        WhoseSessions::Person { id, name } => named(name.as_deref(), id, false),
        WhoseSessions::Role { role } => format!("all of {role}"),
        WhoseSessions::Everyone => "everybody".to_owned(),
    }
}

/// What led to it, in a few words.
pub(crate) const fn cause(cause: CutOffCause) -> &'static str {
    match cause {
        CutOffCause::Asked => "somebody wanted it",
        CutOffCause::MappingEnded => "a mapping was ended",
        CutOffCause::Suspended => "the person was suspended",
        CutOffCause::SignedOut => "their university signed them out",
        CutOffCause::Everywhere => "they were cut off in all labs",
    }
}

/// The reason that somebody gave, else what led to it.
pub(crate) fn why(cut_off: &CutOff) -> &str {
    cut_off.reason.as_deref().unwrap_or_else(|| cause(cut_off.cause))
}

/// When this step was done, if it was.
pub(crate) fn reached(cut_off: &CutOff, name: CutOffStepName) -> Option<&str> {
    cut_off.steps.iter().find(|step| step.step == name)?.at.as_deref()
}

/// Whether AWS has it. It may take minutes until all of AWS goes by it.
pub(crate) fn is_at_aws(cut_off: &CutOff) -> bool {
    cut_off.done || reached(cut_off, CutOffStepName::DenyReadBack).is_some()
}

/// What a step says of itself, or what it is.
pub(crate) fn step(step: &CutOffStep) -> &str {
    match (step.says.as_str(), step.step) {
        ("", CutOffStepName::IssuingStopped) => "nothing is issued any more",
        ("", CutOffStepName::DenyWritten) => "AWS takes the deny",
        ("", CutOffStepName::DenyReadBack) => "AWS gives it back as it was written",
        ("", CutOffStepName::DenialSeen) => "a session of before is seen to be denied",
        (says, _) => says,
    }
}

/// How far it has got, in a few words.
pub(crate) fn how_far(cut_off: &CutOff) -> String {
    let is_there = |name| reached(cut_off, name).is_some();
    let far = match &cut_off.trouble {
        Some(trouble) if !is_at_aws(cut_off) => format!("AWS does not have it: {}", trouble.says.trim_end_matches('.')),
        _ if is_there(CutOffStepName::DenialSeen) => "AWS has it, and a denial was seen".to_owned(),
        _ if is_at_aws(cut_off) => "AWS has it".to_owned(),
        _ if is_there(CutOffStepName::DenyWritten) => "AWS has taken it".to_owned(),
        _ => "nothing is issued any more".to_owned(),
    };
    match (cut_off.held, &cut_off.lifted_at) {
        (_, Some(_)) => format!("{far}; lifted"),
        (true, None) => format!("{far}; held until somebody lifts it"),
        (false, None) => far,
    }
}
