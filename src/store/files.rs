//! The files of a database, as they were when it was opened.
//!
//! A file that was deleted or renamed can still be written by whoever has it open, and SQLite does not look: an entry
//! would be committed to a file that nobody can ever open again. So the files at the paths are compared with those that
//! were opened, around every transaction. What this cannot see is a file that is overwritten in place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, Result};

/// What SQLite keeps beside a database in WAL mode (sqlite.org/walformat.html): entries are in the first of them until
/// they are copied into the database itself.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The files, and which they were.
#[derive(Clone, Debug)]
pub(super) struct Files(Arc<[(PathBuf, Identity)]>);

/// The device and the number of a file on it, where the system has such.
type Identity = (u64, u64);

impl Files {
    /// The files that are there now. They must stay the same for as long as the database is open: somebody keeps a
    /// connection, because the last one to close takes the write-ahead log away.
    pub(super) fn of(database: &Path) -> std::io::Result<Self> {
        let noted = SUFFIXES.iter().map(|suffix| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            let path = PathBuf::from(path);
            let identity = identity(&path)?;
            Ok((path, identity))
        });
        noted.collect::<std::io::Result<_>>().map(Self)
    }

    /// That each is still at its path.
    pub(super) fn check(&self) -> Result<()> {
        self.missing().map_or(Ok(()), |path| Err(Error::Moved(path.to_owned())))
    }

    /// The first that is gone, or that another file has taken the place of.
    fn missing(&self) -> Option<&Path> {
        let is_missing = |(path, known): &&(PathBuf, Identity)| identity(path).ok().as_ref() != Some(known);
        self.0.iter().find(is_missing).map(|(path, _)| path.as_path())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// A file that is open cannot be deleted there.
#[cfg(not(unix))]
fn identity(path: &Path) -> std::io::Result<Identity> {
    std::fs::metadata(path).map(|_| (0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_or_another_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |suffix: &str| folder.path().join(format!("lodge.db{suffix}"));
        for suffix in SUFFIXES {
            std::fs::write(path(suffix), "").unwrap();
        }
        let files = Files::of(&path("")).unwrap();
        std::fs::write(path("-wal"), "more").unwrap();
        assert_eq!(files.missing(), None);

        std::fs::rename(path("-wal"), path("-aside")).unwrap();
        assert_eq!(files.missing(), Some(path("-wal").as_path()));
        std::fs::write(path("-wal"), "more").unwrap();
        assert_eq!(files.missing(), Some(path("-wal").as_path()), "another file of the same name");
        std::fs::rename(path("-aside"), path("-wal")).unwrap();
        assert_eq!(files.missing(), None, "put back");

        std::fs::remove_file(path("")).unwrap();
        assert_eq!(files.missing(), Some(path("").as_path()));
        assert!(Files::of(&path("")).is_err());
    }
}
