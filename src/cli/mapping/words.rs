//! Mappings and their conditions, as people read them.

use crate::cli::moment::moment;
use crate::cli::session_length::SessionLength;
use crate::domain::id::LabName;
use crate::wire::labs::{Mapping, MappingState, MappingTerms};

/// Everything but the end, in a few words; a hyphen for none.
pub(super) fn conditions(terms: &MappingTerms) -> String {
    let mut words = Vec::new();
    if terms.needs_mfa {
        words.push("second factor".to_owned());
    }
    if terms.needs_approval {
        words.push("PI's approval".to_owned());
    }
    if let Some(seconds) = terms.max_duration_seconds {
        words.push(format!("{} at most", SessionLength { seconds }));
    }
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

/// When these conditions end.
pub(super) fn end(terms: &MappingTerms) -> String {
    terms.ends_at.as_deref().map_or_else(|| "never".to_owned(), moment)
}

/// When a mapping ends, or that it has.
pub(super) fn end_of(mapping: &Mapping) -> String {
    match (mapping.state, &mapping.terms.ends_at) {
        (MappingState::Live, _) => end(&mapping.terms),
        (MappingState::Ended, Some(at)) => format!("ended {}", moment(at)),
        (MappingState::Ended, None) => "ended".to_owned(),
    }
}

/// Who gets what: `members of staff at Example University get vision/pay`.
pub(super) fn gift(lab: &LabName, mapping: &Mapping) -> String {
    let Mapping { group, connection_title, role, .. } = mapping;
    format!("members of {group} at {connection_title} get {lab}/{role}")
}

/// The conditions that a sentence ends with: ` (second factor; until 2026-12-25 00:00 UTC)`.
pub(super) fn under(terms: &MappingTerms) -> String {
    let conditions = Some(conditions(terms)).filter(|words| words != "-");
    let end = terms.ends_at.as_deref().map(|at| format!("until {}", moment(at)));
    let words: Vec<String> = conditions.into_iter().chain(end).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join("; ")) }
}

/// What differs, a line for each: `end: never -> 2026-12-25 00:00 UTC`.
pub(super) fn differences(before: &MappingTerms, after: &MappingTerms) -> Vec<String> {
    let length = |terms: &MappingTerms| {
        let seconds = terms.max_duration_seconds;
        seconds.map_or_else(|| "the role's own maximum".to_owned(), |seconds| SessionLength { seconds }.to_string())
    };
    let needed = |is_needed| if is_needed { "needed" } else { "not needed" }.to_owned();
    [
        ("end", end(before), end(after)),
        ("longest session", length(before), length(after)),
        ("second factor", needed(before.needs_mfa), needed(after.needs_mfa)),
        ("PI's approval", needed(before.needs_approval), needed(after.needs_approval)),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(name, before, after)| format!("{name}: {before} -> {after}"))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> MappingTerms {
        MappingTerms {
            ends_at: Some("2026-12-25T00:00:00Z".into()),
            max_duration_seconds: Some(1_800),
            needs_mfa: true,
            needs_approval: true,
        }
    }

    #[test]
    fn conditions_are_named_in_a_few_words() {
        assert_eq!(conditions(&MappingTerms::default()), "-");
        assert_eq!(conditions(&all()), "second factor, PI's approval, 30 min at most");
        assert_eq!(under(&MappingTerms::default()), "");
        assert_eq!(under(&MappingTerms { needs_mfa: true, ..MappingTerms::default() }), " (second factor)");
        assert_eq!(under(&all()), " (second factor, PI's approval, 30 min at most; until 2026-12-25 00:00 UTC)");
    }

    #[test]
    fn only_what_differs_is_named() {
        assert_eq!(differences(&all(), &all()), Vec::<String>::new());
        insta::assert_snapshot!(differences(&MappingTerms::default(), &all()).join("\n"), @"
        end: never -> 2026-12-25 00:00 UTC
        longest session: the role's own maximum -> 30 min
        second factor: not needed -> needed
        PI's approval: not needed -> needed
        ");
    }
}
