//! A lab's pages.

mod glyph;
mod ledger;
mod mappings;
mod overview;
mod people;
mod roles;
mod settings;

pub use ledger::{LedgerForm, WrongField, ledger};
pub use mappings::{
    FormErrors, MappingFields, MappingForm, Notice, mapping_end, mapping_form, mapping_page, mappings_page, shown_day,
};
pub use overview::{lab_for_member, overview};
pub use people::{OfficeForm, PeopleNotice, Removal, appoint, people, remove};
pub use roles::roles;
pub use settings::{LimitForm, SettingsForm, settings};
