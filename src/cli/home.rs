//! The helper's directory: small private files, written whole or not at all.
//!
//! A file is refused, not repaired, when somebody else could have read or written it: a session that others may have
//! seen is for its owner to think about. On Windows the user profile's own access list does this work.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::ambient::{Clock, Random};
use crate::private_file;

use super::failure::Failure;

/// Largest file that is read: a session is under 2 KiB.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Age at which a half-written file is certainly nobody's any more.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);

const HALF_WRITTEN: &str = ".half-written-";

/// A lock that is had.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// The directory.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    directory: PathBuf,
    clock: Clock,
    random: Random,
}

impl Home {
    pub(crate) fn new(directory: PathBuf, clock: Clock, random: Random) -> Self {
        Self { directory, clock, random }
    }

    /// Where the file of this name is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The file's bytes, `None` when there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let path = self.path(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Failure::File { action: "read", path, source }),
            Ok(found) if !found.is_file() => return Err(Failure::NotAFile { path }),
            Ok(_) => {}
        }
        let refused = |source| Failure::File { action: "read", path: path.clone(), source };
        let file = File::open(&path).map_err(refused)?;
        permissions::check(&self.directory, &path, &file)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(refused)?;
        Ok(Some(bytes))
    }

    /// Replaces the file. Another process sees the old one or the new one, never half of it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.make()?;
        self.sweep();

        let path = self.path(name);
        let suffix = URL_SAFE_NO_PAD.encode(self.random.bytes::<9>());
        let half_written = self.path(&format!("{HALF_WRITTEN}{suffix}"));
        let written = write_private(&half_written, bytes).and_then(|()| fs::rename(&half_written, &path));
        written.map_err(|source| {
            let _ = fs::remove_file(&half_written);
            Failure::File { action: "write", path, source }
        })
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

    /// The directory, made where it is not there.
    fn make(&self) -> Result<(), Failure> {
        permissions::create_directory(&self.directory).map_err(|source| Failure::File {
            action: "create",
            path: self.directory.clone(),
            source,
        })?;
        permissions::check_directory(&self.directory)
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

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = private_file::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
mod permissions {
    use std::fs::{self, DirBuilder, File};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::Path;

    use super::Failure;

    pub(super) fn create_directory(directory: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)
    }

    /// Who may write in the directory may put a session of their own in place of ours.
    pub(super) fn check_directory(directory: &Path) -> Result<(), Failure> {
        let found = metadata(directory)?;
        if found.mode() & 0o022 != 0 {
            return Err(Failure::OpenToOthers { path: directory.to_owned(), mode: "700" });
        }
        Ok(())
    }

    /// The open file must be ours alone. Ours is: the directory's owner, which is the only user id to be had without
    /// unsafe code.
    pub(super) fn check(directory: &Path, path: &Path, file: &File) -> Result<(), Failure> {
        check_directory(directory)?;
        let found =
            file.metadata().map_err(|source| Failure::File { action: "read", path: path.to_owned(), source })?;
        if found.uid() != metadata(directory)?.uid() {
            return Err(Failure::OfAnotherUser { path: path.to_owned() });
        }
        if found.mode() & 0o077 != 0 {
            return Err(Failure::OpenToOthers { path: path.to_owned(), mode: "600" });
        }
        Ok(())
    }

    fn metadata(directory: &Path) -> Result<fs::Metadata, Failure> {
        fs::metadata(directory).map_err(|source| Failure::File { action: "read", path: directory.to_owned(), source })
    }
}

#[cfg(not(unix))]
mod permissions {
    use std::fs::{self, File};
    use std::io;
    use std::path::Path;

    use super::Failure;

    pub(super) fn create_directory(directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    pub(super) fn check_directory(_: &Path) -> Result<(), Failure> {
        Ok(())
    }

    pub(super) fn check(_: &Path, _: &Path, _: &File) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::new(parent.path().join("lodge"), Clock::System, Random::System);
        (parent, home)
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_written_is_read_and_only_its_owner_can_read_it() {
        let (_parent, home) = home();

        assert!(home.read("a").unwrap().is_none());
        home.write("a", b"one").unwrap();
        home.write("a", b"two").unwrap();

        assert_eq!(home.read("a").unwrap().unwrap().as_slice(), b"two");
        assert_eq!(fs::metadata(home.path("a")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&home.directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&home.directory).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_way_to_mend_it() {
        let (_parent, home) = home();
        home.write("a", b"one").unwrap();

        for mode in [0o640, 0o604, 0o620, 0o660] {
            chmod(&home.path("a"), mode);
            let said = home.read("a").unwrap_err().to_string();
            assert!(said.ends_with(&format!("run: chmod 600 '{}'", home.path("a").display())), "{said}");
        }
        chmod(&home.path("a"), 0o400);
        assert!(home.read("a").is_ok());
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let (_parent, home) = home();
        home.write("a", b"one").unwrap();
        chmod(&home.directory, 0o777);

        assert!(matches!(home.read("a"), Err(Failure::OpenToOthers { mode: "700", .. })));
        assert!(matches!(home.write("a", b"two"), Err(Failure::OpenToOthers { mode: "700", .. })));
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let (_parent, home) = home();
        home.write("a", b"one").unwrap();
        if std::os::unix::fs::chown(home.path("a"), Some(12_345), None).is_err() {
            return; // Only root can give a file away.
        }

        assert!(matches!(home.read("a"), Err(Failure::OfAnotherUser { .. })));
    }

    #[test]
    fn a_link_or_a_directory_is_not_a_session() {
        let (parent, home) = home();
        home.write("a", b"one").unwrap();
        symlink(home.path("a"), home.path("link")).unwrap();

        assert!(matches!(home.read("link"), Err(Failure::NotAFile { .. })));
        assert!(matches!(
            Home { directory: parent.path().to_owned(), ..home }.read("lodge"),
            Err(Failure::NotAFile { .. })
        ));
    }

    #[test]
    fn what_an_interrupted_write_left_is_swept_when_it_is_old() {
        let (_parent, home) = home();
        home.write("a", b"one").unwrap();
        let (old, fresh) = (home.path(".half-written-old"), home.path(".half-written-fresh"));
        let file = File::create(&old).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        File::create(&fresh).unwrap();

        home.write("a", b"two").unwrap();

        assert!(!old.exists());
        assert!(fresh.exists());
    }
}
