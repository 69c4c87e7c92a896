//! A lab's pages.

mod glyph;
mod overview;
mod people;

pub use overview::{lab_for_member, overview};
pub use people::{OfficeForm, PeopleNotice, Removal, appoint, people, remove};
