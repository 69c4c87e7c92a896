//! The small identity provider and the small AWS.

pub mod aws;
pub mod idp;
mod markup;
pub mod seed;
