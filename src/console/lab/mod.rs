//! A lab's pages.

mod account;
mod diagnosis;
mod glyph;
mod ledger;
mod mappings;
mod overview;
mod people;
mod roles;
mod settings;

pub use account::{account, account_history, account_page};
pub use diagnosis::diagnosis;
pub use ledger::{LedgerForm, WrongField, ledger};
pub use mappings::{
    FormErrors, MappingFields, MappingForm, Notice, mapping_end, mapping_form, mapping_page, mappings_page, shown_day,
};
pub use overview::{lab_for_member, overview};
pub use people::{OfficeForm, PeopleNotice, Removal, appoint, people, remove};
pub use roles::roles;
pub use settings::{LimitForm, SettingsForm, settings};
