//! The line that says a section is ours, and whose.
//!
//! A section without it is never changed. It stands directly below the header, and is read back only as it was written,
//! to the letter: whoever changes it makes the section their own.

use crate::cli::broker_url::BrokerUrl;
use crate::domain::id::RoleAddress;

const BEGINNING: &str = "# Written by lodge configure for ";
const MIDDLE: &str = " at ";

/// What a section of ours is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) role: RoleAddress,
    pub(super) broker: BrokerUrl,
}

impl Marker {
    /// The marker that is on this line.
    pub(super) fn parse(content: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(content).ok()?;
        let (role, broker) = line.strip_prefix(BEGINNING)?.split_once(MIDDLE)?;
        let marker = Self { role: role.parse().ok()?, broker: broker.parse().ok()? };
        (marker.line() == line).then_some(marker)
    }

    /// The line, without its end.
    pub(super) fn line(&self) -> String {
        format!("{BEGINNING}{}{MIDDLE}{}", self.role, self.broker)
    }
}
