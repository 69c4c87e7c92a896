//! The console's pages: extracts who asks and for what, calls one use case, shows what came of it.

pub(super) mod lab;
