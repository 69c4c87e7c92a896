//! The helper's directories: small private files, written whole or not at all.
//!
//! A file is refused, not repaired, when somebody else could have read or written it: what others may have seen is for its
//! owner to think about. On Windows the user profile's own access list does this work.

mod permissions;
mod spare;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::ambient::{Clock, Random};
use crate::private_file;

use super::failure::Failure;

pub(crate) use spare::Homes;

/// Largest file that is read: a session is under 2 KiB, credentials are under 8.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Age at which a half-written file is certainly nobody's any more.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);

const HALF_WRITTEN: &str = ".half-written-";

/// What others on this machine must not be able to do with a directory, as bits of its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Closed {
    /// Who may write in it may put a file of their own in place of ours.
    ToWriters = 0o022,
    /// Nor look into it.
    ToAll = 0o077,
}

/// A lock that is had.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// The directory.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    directory: PathBuf,
    closed: Closed,
    clock: Clock,
    random: Random,
}

impl Home {
    pub(crate) fn new(directory: PathBuf, closed: Closed, clock: Clock, random: Random) -> Self {
        Self { directory, closed, clock, random }
    }

    /// Where the file of this name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The file's bytes, `None` when there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let path = self.path(name);
        let Some(file) = permissions::open(&path)? else { return Ok(None) };
        permissions::check_directory(&self.directory, self.closed)?;
        permissions::check(&path, &file)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 * 1024));
        match file.take(MAX_FILE_BYTES).read_to_end(&mut bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(source) => Err(Failure::File { action: "read", path, source }),
        }
    }

    /// Replaces the file. Another process sees the old one or the new one, never half of it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.reserve(name, 0)?.write(bytes)
    }

    /// Takes the room that a new file of this length needs, before there is anything to put into it.
    pub(crate) fn reserve(&self, name: &str, length: usize) -> Result<Reserved, Failure> {
        self.make()?;
        self.sweep();

        let suffix = URL_SAFE_NO_PAD.encode(self.random.bytes::<9>());
        let half_written = self.path(&format!("{HALF_WRITTEN}{suffix}"));
        let path = self.path(name);
        let taken = private_file::create_new(&half_written).and_then(|mut file| {
            if length > 0 {
                file.write_all(&vec![b' '; length])?;
                file.sync_all()?;
            }
            Ok(file)
        });
        match taken {
            Ok(file) => Ok(Reserved { file, half_written, path }),
            Err(source) => {
                let _ = fs::remove_file(&half_written);
                Err(Failure::File { action: "write", path, source })
            }
        }
    }

    /// The lock of this name, when nobody else has it. It is let go of when dropped, and when its holder dies.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<Lock>, Failure> {
        self.make()?;
        let path = self.path(name);
        let file =
            private_file::open_or_create(&path).map_err(|source| Failure::File { action: "lock", path, source })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some network file systems know no locks. One that everybody has is better than a helper that does nothing.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Lock { _file: file })),
        }
    }

    /// A file to lock, which stays what it is. `None` where there can be none.
    pub(crate) fn lock_file(&self, name: &str) -> Option<File> {
        self.make().ok()?;
        let file = permissions::open_for_locking(&self.path(name)).ok()?;
        permissions::check(&self.path(name), &file).ok()?;
        Some(file)
    }

    /// Deletes the file; it is no failure when there is none.
    pub(crate) fn delete(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::File { action: "delete", path, source: error })
            }
            _ => Ok(()),
        }
    }

    /// The names of the files that are there, in no order. None when it cannot be looked into.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// When the file was last written.
    fn written_at(&self, name: &str) -> Option<std::time::SystemTime> {
        fs::symlink_metadata(self.path(name)).and_then(|found| found.modified()).ok()
    }

    /// The directory, made where it is not there.
    fn make(&self) -> Result<(), Failure> {
        permissions::create_directory(&self.directory).map_err(|source| Failure::File {
            action: "create",
            path: self.directory.clone(),
            source,
        })?;
        permissions::check_directory(&self.directory, self.closed)
    }

    /// Removes what an interrupted write left behind. Best effort: the next write tries again.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            let abandoned = entry.file_name().to_string_lossy().starts_with(HALF_WRITTEN)
                && entry.metadata().and_then(|found| found.modified()).is_ok_and(|modified| {
                    (self.clock.now() - DateTime::<Utc>::from(modified)).to_std().is_ok_and(|age| age > ABANDONED_AFTER)
                });
            if abandoned {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Room for a file that is about to be written. Nothing is left of it when it is not.
#[derive(Debug)]
pub(crate) struct Reserved {
    file: File,
    half_written: PathBuf,
    path: PathBuf,
}

impl Reserved {
    /// Writes the file and puts it in its place.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.fill(bytes).and_then(|()| fs::rename(&self.half_written, &self.path));
        written.map_err(|source| Failure::File { action: "write", path: self.path.clone(), source })
    }

    fn fill(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(bytes)?;
        self.file.set_len(bytes.len() as u64)?;
        self.file.sync_all()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // In its place it has another name.
        let _ = fs::remove_file(&self.half_written);
    }
}
