//! Files that nobody but their owner may read: keys, sessions, the database.
//!
//! On Windows the access list of the user's profile does this work; there these are ordinary files.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a file that is not there yet, for writing.
///
/// # Errors
///
/// When there is one already, or it cannot be made.
pub fn create_new(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

/// Makes the file when it is not there, and leaves it as it is when it is.
///
/// # Errors
///
/// When it cannot be made, or cannot be written.
pub fn create_if_missing(path: &Path) -> io::Result<()> {
    open_or_create(path).map(|_| ())
}

/// Opens the file for writing, and makes it when it is not there. What is in it stays.
///
/// # Errors
///
/// When it cannot be made, or cannot be written.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    options().append(true).create(true).open(path)
}

/// Makes a folder that is not there yet, and that nobody else may look into.
///
/// # Errors
///
/// When there is something of that name already, or it cannot be made.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether nobody but its owner may read or write the file.
///
/// # Errors
///
/// When there is no such file.
pub fn is_private(path: &Path) -> io::Result<bool> {
    let metadata = std::fs::metadata(path)?;
    #[cfg(unix)]
    let others = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077;
    #[cfg(not(unix))]
    let others = 0 * metadata.len();
    Ok(others == 0)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_file_is_private_and_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");

        io::Write::write_all(&mut create_new(&path).unwrap(), b"secret").unwrap();
        assert!(is_private(&path).unwrap());
        assert!(create_new(&path).is_err());
        create_if_missing(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"secret");
    }

    #[test]
    fn a_new_folder_is_private_and_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder");

        create_folder(&path).unwrap();

        assert!(is_private(&path).unwrap());
        assert!(create_folder(&path).is_err());
    }

    #[test]
    fn any_right_of_others_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_if_missing(&path).unwrap();

        for mode in [0o640, 0o604, 0o620, 0o610] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(!is_private(&path).unwrap(), "{mode:o}");
        }
    }
}
