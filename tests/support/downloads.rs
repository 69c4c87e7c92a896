//! Builds of the helper for a broker of the tests to offer; a line of text is enough of one.

use tempfile::TempDir;

/// What the build is called.
pub(crate) const NAME: &str = "lodge-0.1.0-linux-x86_64";

/// What is in it.
pub(crate) const CONTENT: &str = "abc";

/// The digest of that (FIPS 180-2, B.1).
pub(crate) const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A folder with one build, and with its digest as `sha256sum` writes it.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(NAME), CONTENT).unwrap();
    std::fs::write(folder.path().join(format!("{NAME}.sha256")), format!("{SHA256}  {NAME}\n")).unwrap();
    folder
}

/// Where the build is, as the page links to it.
pub(crate) fn address() -> String {
    format!("/download/{NAME}?sha256={SHA256}")
}
