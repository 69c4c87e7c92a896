//! The builds of the helper that an operator offers to everybody: what `/download` lists, and what it sends.
//!
//! The folder is looked through once, when the broker starts, and each file in it is kept open: no name in an address ever
//! opens one, and what takes a file's name later is not what is sent. A file that is written over where it lies has
//! another digest; [`Download::read_at`] still reads it, so whoever sends it has to hash what goes out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// The end of the name of a file with a digest: `sha256sum lodge > lodge.sha256`.
const DIGEST_ENDING: &str = ".sha256";

/// How long a name may be.
const NAME_MAX_CHARS: usize = 100;

/// How many files a folder may hold: each is kept open.
const FILES_MAX: usize = 64;

/// A folder whose files cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum DownloadsError {
    /// The folder, or a file in it, cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that nobody could ask for, or would know what to do with.
    #[error("{}: {problem}", path.display())]
    Unfit {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Every file that is offered.
#[derive(Debug, Default)]
pub struct Downloads(BTreeMap<String, Arc<Download>>);

/// A file that is offered.
#[derive(Debug)]
pub struct Download {
    name: String,
    bytes: u64,
    sha256: [u8; 32],
    file: File,
}

impl Downloads {
    /// Looks through a folder: every file in it but hidden ones, and nothing below it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, when a file has a name that needs quoting, is empty, or is not what the file with its digest
    /// says.
    pub fn read(folder: &Path) -> Result<Self, DownloadsError> {
        let unreadable = |source| DownloadsError::Read { path: folder.to_owned(), source };
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let unfit = |problem| DownloadsError::Unfit { path: path.clone(), problem };
            let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| unfit("the name is no text"))?;
            if name.starts_with('.') || path.is_dir() {
                continue;
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if !name.chars().all(is_plain) || name.starts_with('-') || name.len() > NAME_MAX_CHARS {
                return Err(unfit("a name is of letters, digits, dots, - and _, and no longer than 100"));
            }
            let download = Download::read(&path, name.to_owned())
                .map_err(|source| DownloadsError::Read { path: path.clone(), source })?;
            if download.bytes == 0 {
                return Err(unfit("is empty"));
            }
            found.insert(name.to_owned(), Arc::new(download));
            if found.len() > FILES_MAX {
                return Err(unfit("there are more than 64 files beside it"));
            }
        }
        let downloads = Self(found);
        downloads.check_digests(folder)?;
        Ok(downloads)
    }

    /// Holds each file with a digest to the file that it is of.
    fn check_digests(&self, folder: &Path) -> Result<(), DownloadsError> {
        for download in self.0.values() {
            let Some(of) = download.name.strip_suffix(DIGEST_ENDING) else { continue };
            let unfit = |problem| DownloadsError::Unfit { path: folder.join(&download.name), problem };
            let of = self.0.get(of).ok_or_else(|| unfit("the file that it is the digest of is not there"))?;
            let said = download
                .start()
                .map_err(|source| DownloadsError::Read { path: folder.join(&download.name), source })?;
            if said != of.sha256().as_bytes() {
                return Err(unfit("the file that it is the digest of has another: copy both there again"));
            }
        }
        Ok(())
    }

    /// The programs that are offered, by name, without the files with their digests.
    pub fn programs(&self) -> impl Iterator<Item = &Download> {
        self.0.values().map(AsRef::as_ref).filter(|download| !download.name.ends_with(DIGEST_ENDING))
    }

    /// The file of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Download>> {
        self.0.get(name).cloned()
    }
}

impl Download {
    fn read(path: &Path, name: String) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut hash, mut part, mut bytes) = (Sha256::new(), vec![0; 64 * 1024], 0);
        loop {
            match file.read(&mut part)? {
                0 => break,
                n => {
                    hash.update(&part[..n]);
                    bytes += n as u64;
                }
            }
        }
        Ok(Self { name, bytes, sha256: hash.finalize().into(), file })
    }

    /// As many bytes as a digest has digits.
    fn start(&self) -> io::Result<Vec<u8>> {
        let mut start = vec![0; 64.min(usize::try_from(self.bytes).unwrap_or(64))];
        self.read_at(0, &mut start)?;
        Ok(start)
    }

    /// What it is called: nothing in it means anything to a shell, an address or a header.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest of what was found, in hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(self.sha256)
    }

    /// The same, as bytes.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Fills `part` with what stands from `offset` on. Does not move, so that many may read at once.
    ///
    /// # Errors
    ///
    /// When there is not so much, or it cannot be read.
    pub fn read_at(&self, offset: u64, part: &mut [u8]) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_exact_at(&self.file, part, offset);
        #[cfg(windows)]
        {
            let mut done = 0;
            while done < part.len() {
                let at = offset + done as u64;
                match std::os::windows::fs::FileExt::seek_read(&self.file, &mut part[done..], at)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    n => done += n,
                }
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn refused(files: &[(&str, &str)]) -> String {
        Downloads::read(folder(files).path()).unwrap_err().to_string()
    }

    const DIGEST_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn what_lies_in_the_folder_is_offered_and_nothing_below_it() {
        let sum = format!("{DIGEST_OF_ABC}  lodge-linux\n");
        let folder = folder(&[("lodge-linux", "abc"), ("lodge-linux.sha256", &sum), (".hidden", "x")]);
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below/secret"), "x").unwrap();

        let downloads = Downloads::read(folder.path()).unwrap();

        let listed: Vec<_> = downloads.programs().map(|it| (it.name(), it.bytes(), it.sha256())).collect();
        assert_eq!(listed, [("lodge-linux", 3, DIGEST_OF_ABC.to_owned())]);
        assert!(downloads.get("lodge-linux.sha256").is_some());
        for none in ["", ".", "..", ".hidden", "below", "below/secret", "./lodge-linux", "lodge-linux/", "LODGE-LINUX"]
        {
            assert!(downloads.get(none).is_none(), "{none}");
        }
    }

    #[test]
    fn what_is_not_fit_to_be_offered_is_named() {
        assert!(refused(&[("lodge linux", "abc")]).contains("lodge linux: a name is of letters"));
        assert!(refused(&[("lodge;x", "abc")]).contains("a name is of"));
        assert!(refused(&[("-rf", "abc")]).contains("a name is of"));
        assert!(refused(&[("lodge", "")]).ends_with("lodge: is empty"));
        assert!(refused(&[("lodge", "abd"), ("lodge.sha256", DIGEST_OF_ABC)]).contains("has another"));
        assert!(refused(&[("lodge", "abc"), ("lodge.sha256", "ba78")]).contains("has another"));
        assert!(refused(&[("lodge.sha256", DIGEST_OF_ABC)]).contains("is not there"));
        let many: Vec<_> = (0..65).map(|n| format!("lodge-{n}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "x")).collect();
        assert!(refused(&many).contains("more than 64"));
        assert!(Downloads::read(Path::new("/nowhere")).unwrap_err().to_string().contains("cannot read /nowhere"));
    }

    #[test]
    fn what_takes_a_files_name_later_is_not_what_is_read() {
        let folder = folder(&[("lodge", "abc"), ("other", "xyz")]);
        let downloads = Downloads::read(folder.path()).unwrap();
        fs::rename(folder.path().join("other"), folder.path().join("lodge")).unwrap();

        let mut part = [0; 3];
        downloads.get("lodge").unwrap().read_at(0, &mut part).unwrap();

        assert_eq!(&part, b"abc");
    }
}
