//! How people and their standings read.

use crate::wire::labs::LabPerson;

/// The name, which anybody may bear, and the id, which nobody else has.
pub(crate) fn person(person: &LabPerson) -> String {
    match &person.name {
        Some(name) if person.looks_like_another => format!("{name} ({}, a look-alike)", person.id),
        Some(name) => format!("{name} ({})", person.id),
        None => person.id.clone(),
    }
}

/// The name where the id stands beside it.
pub(crate) fn name(person: &LabPerson) -> String {
    match &person.name {
        Some(name) if person.looks_like_another => format!("{name} (a look-alike)"),
        Some(name) => name.clone(),
        None => "-".to_owned(),
    }
}

/// What people call a standing.
pub(crate) fn standing_name(standing: &str) -> &str {
    if standing == "pi" { "PI" } else { standing }
}
