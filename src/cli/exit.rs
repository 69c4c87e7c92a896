//! How the helper ends, as numbers that scripts can act on. They are part of the public face and never change meaning.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// The exit code of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// Done: 0.
    Done,
    /// Refused by the broker, or failed here: trying again as it is will not help. 1.
    Failed,
    /// The command line or the environment is wrong: 2.
    Usage,
    /// The broker cannot be reached or is unavailable: try again. 3.
    Unavailable,
    /// A person must sign in: 4.
    SignInNeeded,
    /// What a command ended with that was run on somebody's behalf.
    Command(u8),
}

impl Exit {
    /// What a shell says of a command that cannot be run, and of one that is not there.
    pub(crate) const COMMAND_CANNOT_RUN: Self = Self::Command(126);
    pub(crate) const COMMAND_NOT_FOUND: Self = Self::Command(127);

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::SignInNeeded => 4,
            Self::Command(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
