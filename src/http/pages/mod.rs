//! The console's pages: extracts who asks and for what, calls one use case, shows what came of it.

pub(super) mod lab;
pub(super) mod ledger;
pub(super) mod mappings;
pub(super) mod people;
pub(super) mod roles;
pub(super) mod settings;

/// How many people, or other things, a page shows.
const PAGE: u32 = 50;
pub(super) mod operator;
