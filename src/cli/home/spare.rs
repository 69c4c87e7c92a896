//! A second place for when the first cannot be written: a home directory that is full, or read-only.
//!
//! A refresh token is good once. A session that was renewed and could not be kept would end there, so it is kept in the
//! directory that the system gives each person while they are on (`$XDG_RUNTIME_DIR`), until the first can be written again.

use zeroize::Zeroizing;

use super::{Home, Lock, Reserved};
use crate::cli::failure::Failure;

/// The two places. Of a file that both have, the newer counts.
#[derive(Clone, Debug)]
pub(crate) struct Homes {
    first: Home,
    spare: Option<Home>,
}

impl Homes {
    pub(crate) fn new(first: Home, spare: Option<Home>) -> Self {
        Self { first, spare }
    }

    /// The place where files belong.
    pub(crate) fn first(&self) -> &Home {
        &self.first
    }

    /// The file's bytes, `None` when neither has it.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        match &self.spare {
            Some(spare)
                if spare.written_at(name).is_some_and(|at| self.first.written_at(name).is_none_or(|it| it < at)) =>
            {
                spare.read(name)
            }
            _ => self.first.read(name),
        }
    }

    /// Replaces the file, in the second place when the first cannot take it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.reserve(name, bytes.len())?.write(bytes)
    }

    /// Room in the first place, else in the second. The failure is that of the first.
    pub(crate) fn reserve(&self, name: &str, length: usize) -> Result<Reserved, Failure> {
        match (self.first.reserve(name, length), &self.spare) {
            (Err(refused @ Failure::File { .. }), Some(spare)) => {
                tracing::debug!(%refused, "kept in the spare directory");
                spare.reserve(name, length).map_err(|_| refused)
            }
            (taken, _) => taken,
        }
    }

    /// The lock of this name in the first place, or in the second where there can be none in the first.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<Lock>, Failure> {
        match (self.first.try_lock(name), &self.spare) {
            (Err(refused @ Failure::File { .. }), Some(spare)) => spare.try_lock(name).map_err(|_| refused),
            (tried, _) => tried,
        }
    }

    /// Deletes the file in both places.
    pub(crate) fn delete(&self, name: &str) -> Result<(), Failure> {
        let spare = self.spare.as_ref().map_or(Ok(()), |spare| spare.delete(name));
        self.first.delete(name).and(spare)
    }
}
