//! A lab's pages.

mod glyph;
mod ledger;
mod overview;
mod people;
mod roles;
mod settings;

pub use ledger::{LedgerForm, WrongField, ledger};
pub use overview::{lab_for_member, overview};
pub use people::{OfficeForm, PeopleNotice, Removal, appoint, people, remove};
pub use roles::roles;
pub use settings::{LimitForm, SettingsForm, settings};
