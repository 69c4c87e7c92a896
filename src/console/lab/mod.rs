//! A lab's pages.

mod account;
pub(in crate::console) mod cut_offs;
mod diagnosis;
mod glyph;
mod ledger;
mod mappings;
mod overview;
mod own_roles;
mod people;
mod roles;
mod settings;
mod why;

pub use account::{account, account_history, account_page};
pub use cut_offs::{CutOffForm, SessionsForm, cut_off, cut_off_ask, cut_offs, live_sessions};
pub use diagnosis::diagnosis;
pub use ledger::{LedgerForm, WrongField, ledger};
pub use mappings::{
    FormErrors, MappingFields, MappingForm, Notice, mapping_end, mapping_form, mapping_page, mappings_page, shown_day,
};
pub use overview::{lab_for_member, overview};
pub use own_roles::{RoleFields, RoleForm, RoleWrong, role_end, role_form};
pub use people::{OfficeForm, PeopleNotice, Removal, appoint, people, remove};
pub use roles::roles;
pub use settings::{LimitForm, SettingsForm, settings};
pub use why::{WhyForm, why};
