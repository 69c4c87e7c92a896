//! How people and their standings read.

use crate::wire::labs::LabPerson;

/// The name, which anybody may bear, and the id, which nobody else has.
pub(crate) fn person(person: &LabPerson) -> String {
    match &person.name {
        Some(name) => format!("{name} ({})", person.id),
        None => person.id.clone(),
    }
}

/// What people call a standing.
pub(crate) fn standing_name(standing: &str) -> &str {
    if standing == "pi" { "PI" } else { standing }
}
