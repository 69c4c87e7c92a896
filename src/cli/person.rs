//! How people and their standings read.

use crate::wire::labs::LabPerson;

/// The name, which anybody may bear, and the id, which nobody else has.
pub(crate) fn person(person: &LabPerson) -> String {
    named(person.name.as_deref(), &person.id, person.looks_like_another)
}

/// The same of somebody of whom no more is known.
pub(crate) fn named(name: Option<&str>, id: &str, looks_like_another: bool) -> String {
    match name {
        Some(name) if looks_like_another => format!("{name} ({id}, a look-alike)"),
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
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
