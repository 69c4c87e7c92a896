//! How the helper ends, as numbers that scripts can act on. They are part of the public face and never change meaning.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// The exit code of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Refused by the broker, or failed here: trying again as it is will not help.
    Failed = 1,
    /// The command line or the environment is wrong.
    Usage = 2,
    /// The broker cannot be reached or is unavailable: try again.
    Unavailable = 3,
    /// A person must sign in.
    SignInNeeded = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
