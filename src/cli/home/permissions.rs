//! Whose a file or a directory is, and who else may do what with it.

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use rustix::fs::OFlags;
    use rustix::process::geteuid;

    use crate::cli::failure::Failure;
    use crate::cli::home::Closed;

    pub(crate) fn create_directory(directory: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)
    }

    /// Opens a plain file for reading, `None` when there is none. A link is not followed, and a pipe not waited for.
    pub(crate) fn open(path: &Path) -> Result<Option<File>, Failure> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) => {
                Err(Failure::NotAFile { path: path.to_owned() })
            }
            Err(source) => Err(Failure::File { action: "read", path: path.to_owned(), source }),
        }
    }

    /// Opens a file for locking, and makes it when it is not there.
    pub(crate) fn open_for_locking(path: &Path) -> io::Result<File> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)
    }

    /// The directory must be ours, and closed to others.
    pub(crate) fn check_directory(directory: &Path, closed: Closed) -> Result<(), Failure> {
        let found = fs::metadata(directory).map_err(|source| not_read(directory, source))?;
        belongs(directory, &found)?;
        if found.mode() & closed as u32 != 0 {
            return Err(Failure::OpenToOthers { path: directory.to_owned(), mode: "700" });
        }
        Ok(())
    }

    /// The open file must be ours alone.
    pub(crate) fn check(path: &Path, file: &File) -> Result<(), Failure> {
        let found = file.metadata().map_err(|source| not_read(path, source))?;
        if !found.is_file() {
            return Err(Failure::NotAFile { path: path.to_owned() });
        }
        belongs(path, &found)?;
        if found.mode() & 0o077 != 0 {
            return Err(Failure::OpenToOthers { path: path.to_owned(), mode: "600" });
        }
        Ok(())
    }

    fn belongs(path: &Path, found: &Metadata) -> Result<(), Failure> {
        if found.uid() == geteuid().as_raw() { Ok(()) } else { Err(Failure::OfAnotherUser { path: path.to_owned() }) }
    }

    fn not_read(path: &Path, source: io::Error) -> Failure {
        Failure::File { action: "read", path: path.to_owned(), source }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::Path;

    use crate::cli::failure::Failure;
    use crate::cli::home::Closed;

    pub(crate) fn create_directory(directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    pub(crate) fn open(path: &Path) -> Result<Option<File>, Failure> {
        match File::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Failure::File { action: "read", path: path.to_owned(), source }),
        }
    }

    pub(crate) fn open_for_locking(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
    }

    pub(crate) fn check_directory(_: &Path, _: Closed) -> Result<(), Failure> {
        Ok(())
    }

    pub(crate) fn check(path: &Path, file: &File) -> Result<(), Failure> {
        let is_file = file.metadata().is_ok_and(|found| found.is_file());
        if is_file { Ok(()) } else { Err(Failure::NotAFile { path: path.to_owned() }) }
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::{check, check_directory, create_directory, open, open_for_locking};
#[cfg(unix)]
pub(super) use unix::{check, check_directory, create_directory, open, open_for_locking};
