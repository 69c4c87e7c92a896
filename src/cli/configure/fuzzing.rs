//! The way in for the fuzz target `config_merge`.

use std::path::Path;

use super::command::HelperCommand;
use super::merge::{Wanted, merge};
use crate::cli::aws_config::{AwsConfig, apply};

/// What a file becomes when these roles are open; what it was, when one of them is no role.
#[must_use]
pub fn configure(text: &[u8], roles: &[&str], prune: bool) -> Vec<u8> {
    let written = || {
        let broker = "https://lodge.example.edu".parse().ok()?;
        let command = HelperCommand::new(Path::new("/usr/bin/lodge"), &broker).ok()?;
        let roles = roles.iter().map(|role| role.parse()).collect::<Result<_, _>>().ok()?;
        let wanted = Wanted { broker: &broker, roles: &roles, command: &command, lab: None, prune };
        Some(apply(text, &merge(&AwsConfig::parse(text), &wanted).edits))
    };
    written().unwrap_or_else(|| text.to_vec())
}
