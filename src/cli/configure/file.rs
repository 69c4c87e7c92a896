//! The file that profiles are written into: somebody's, so it is replaced whole or not at all.
//!
//! A link is followed and stays a link. Mode and owner are kept. A file that its owner made read-only is left alone:
//! renaming another one over it would work, and would be wrong. Two helpers take turns under a lock beside the file; a
//! program that knows nothing of it is noticed when the file is not, just before it is replaced, what it was read as, and
//! all is worked out again from what is there by then.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::AwsConfigError;
use crate::ambient::Random;
use crate::cli::failure::Failure;
use crate::private_file;

/// How often it is tried anew when somebody else writes the file meanwhile.
const TRIES: usize = 10;

/// How long another helper may hold the lock. It holds it for as long as a file takes to be written.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often a lock that another holds is tried.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// Links that lead to links: as many as the system itself follows.
const MAX_LINKS: usize = 40;

/// The file.
#[derive(Debug)]
pub(super) struct ConfigFile<'a> {
    path: &'a Path,
    random: &'a Random,
}

impl<'a> ConfigFile<'a> {
    pub(super) fn new(path: &'a Path, random: &'a Random) -> Self {
        Self { path, random }
    }

    /// What is in the file; nothing when there is none.
    pub(super) fn read(&self) -> Result<Vec<u8>, Failure> {
        Ok(read(&self.target()?)?.unwrap_or_default())
    }

    /// Replaces what is in the file with what `change` makes of it, unless that is `None`. It may be asked more than
    /// once; the last answer counts.
    pub(super) fn update<T>(&self, change: impl Fn(&[u8]) -> (Option<Vec<u8>>, T)) -> Result<T, Failure> {
        let (new, answer) = change(&self.read()?);
        if new.is_none() {
            return Ok(answer);
        }
        let target = self.target()?;
        let folder = folder_of(&target);
        writable(&target)?;
        make_folder(&folder)?;
        let _lock = self.lock(&target, &folder)?;
        for _ in 0..TRIES {
            let old = read(&target)?;
            let (new, answer) = change(old.as_deref().unwrap_or_default());
            let Some(new) = new else { return Ok(answer) };
            if self.replace(&target, &folder, old.as_deref(), &new)? {
                return Ok(answer);
            }
        }
        Err(AwsConfigError::KeepsChanging { path: self.path.to_owned() }.into())
    }

    /// Where the file really is.
    fn target(&self) -> Result<PathBuf, Failure> {
        let mut target = self.path.to_owned();
        for _ in 0..MAX_LINKS {
            match fs::read_link(&target) {
                Ok(next) => target = folder_of(&target).join(next),
                Err(_) => return Ok(target),
            }
        }
        Err(AwsConfigError::NotAFile { path: self.path.to_owned() }.into())
    }

    /// Writes the file, unless it has changed since it was `old`; says whether it did.
    fn replace(&self, target: &Path, folder: &Path, old: Option<&[u8]>, new: &[u8]) -> Result<bool, Failure> {
        let metadata = writable(target)?;
        let suffix = URL_SAFE_NO_PAD.encode(self.random.bytes::<9>());
        let half_written = folder.join(half_written(target) + &suffix);
        let written = write(&half_written, new, metadata.as_ref()).map_err(|source| failed("write", target, source));
        let replaced = written.and_then(|()| {
            if read(target)?.as_deref() != old {
                return Ok(false);
            }
            fs::rename(&half_written, target).map_err(|source| failed("write", target, source))?;
            Ok(true)
        });
        if matches!(replaced, Ok(true)) {
            // Best effort: the rename is done, and survives anything but a loss of power.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        } else {
            let _ = fs::remove_file(&half_written);
        }
        replaced
    }

    /// The lock, which dies with its holder.
    fn lock(&self, target: &Path, folder: &Path) -> Result<File, Failure> {
        let path = folder.join(format!(".{}.lodge-lock", name_of(target)));
        let file = private_file::open_or_create(&path).map_err(|source| failed("write", target, source))?;
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    sweep(target, folder);
                    return Ok(file);
                }
                // Some network file systems know no locks; what is read is compared all the same.
                Err(TryLockError::Error(_)) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(LOCK_INTERVAL),
                Err(TryLockError::WouldBlock) => {
                    return Err(AwsConfigError::Locked { path: self.path.to_owned() }.into());
                }
            }
        }
    }
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Failure {
    Failure::File { action, path: path.to_owned(), source }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What the names of files begin with that are being written, to be put in the place of this one.
fn half_written(target: &Path) -> String {
    format!(".{}.half-written-", name_of(target))
}

/// Removes what interrupted writes left behind, for whoever has the lock: nobody is writing then.
fn sweep(target: &Path, folder: &Path) {
    let beginning = half_written(target);
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|it| it.file_name().to_string_lossy().starts_with(&beginning)) {
        let _ = fs::remove_file(entry.path());
    }
}

/// What the system says of the file; `None` when there is none.
fn metadata(path: &Path) -> Result<Option<Metadata>, Failure> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(AwsConfigError::NotAFile { path: path.to_owned() }.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed("read", path, source)),
    }
}

/// The same, of a file that its owner may write.
fn writable(path: &Path) -> Result<Option<Metadata>, Failure> {
    let metadata = metadata(path)?;
    if metadata.as_ref().is_some_and(is_read_only) {
        return Err(AwsConfigError::ReadOnly { path: path.to_owned() }.into());
    }
    Ok(metadata)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    if metadata(path)?.is_none() {
        return Ok(None);
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed("read", path, source)),
    }
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(|source| failed("create", folder, source))
}

/// Writes a new file with the rights and the owner of the old one, if there is one.
fn write(path: &Path, bytes: &[u8], like: Option<&Metadata>) -> std::io::Result<()> {
    let mut file = private_file::create_new(path)?;
    file.write_all(bytes)?;
    if let Some(like) = like {
        take_after(&file, like)?;
    }
    file.sync_all()
}

#[cfg(unix)]
fn is_read_only(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o200 == 0
}

#[cfg(not(unix))]
fn is_read_only(metadata: &Metadata) -> bool {
    metadata.permissions().readonly()
}

/// Gives a file the owner and the mode of another. Who may not give it to that group does not give the group's rights to
/// another either.
#[cfg(unix)]
fn take_after(file: &File, like: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let is_owner = fchown(file, Some(like.uid()), Some(like.gid())).is_ok();
    let has_group = is_owner || fchown(file, None, Some(like.gid())).is_ok();
    let mode = like.mode() & if has_group { 0o777 } else { 0o707 };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn take_after(_: &File, _: &Metadata) -> std::io::Result<()> {
    Ok(())
}
