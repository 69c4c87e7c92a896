//! The small AWS.
