//! A lab's pages.

mod overview;

pub use overview::overview;
