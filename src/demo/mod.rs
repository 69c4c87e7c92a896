//! The small identity provider and the small AWS.

pub mod aws;
pub mod idp;
pub mod seed;
