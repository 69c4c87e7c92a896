//! Who somebody is, on the pages that ask them something.

use super::parts::{for_people, lately};
use crate::app::{Broker, Profile};
use crate::domain::person::DisplayName;

/// A person as the pages show them.
pub(super) struct Who<'a> {
    pub(super) name: &'a str,
    pub(super) id: String,
    pub(super) connection: &'a str,
    pub(super) signed_in_at: String,
    /// How old what is known of the groups is.
    pub(super) groups_as_of: String,
}

impl<'a> Who<'a> {
    pub(super) fn new(broker: &'a Broker, profile: &'a Profile, id: String) -> Self {
        Self {
            name: profile.snapshot.display_name.as_ref().map_or("Somebody without a name", DisplayName::as_str),
            id,
            connection: broker.connection_title(&profile.snapshot.evidence.connection),
            signed_in_at: for_people(profile.snapshot.evidence.groups_at),
            groups_as_of: lately(profile.snapshot.evidence.groups_at, broker.clock.now()),
        }
    }
}
