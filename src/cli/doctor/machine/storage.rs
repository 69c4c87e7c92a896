//! Whether the helper can keep what it keeps: on a disk that is full, read-only or elsewhere in the network, under a
//! lock.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::ambient::Random;
use crate::cli::Helper;
use crate::private_file;

use super::check::{Check, Subject, quoted};

const STORAGE: Subject = Subject { name: "storage", title: "The disk" };
const LOCKS: Subject = Subject { name: "locks", title: "Locks" };
const RUNTIME: Subject = Subject { name: "runtime-directory", title: "XDG_RUNTIME_DIR" };

/// As much as a session is, and as credentials are.
const TRIED_BYTES: usize = 4096;

/// The disk as it was tried.
struct Tried {
    /// Whether a second one gets a lock that the first has.
    locks: Locks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Locks {
    Work,
    Fail,
}

pub(super) fn checks(helper: &Helper) -> Vec<Check> {
    let environment = &helper.environment;
    let mut checks: Vec<_> = environment.runtime.as_deref().and_then(runtime).into_iter().collect();
    let Some(home) = &environment.home else { return checks };
    let runtime_is_fit = environment.runtime.is_some() && checks.is_empty();
    if home.is_dir() {
        match tried(home, &helper.random) {
            Ok(tried) => {
                checks.push(STORAGE.ok(format!("{} can be written", home.display())));
                checks.push(locks(home, tried.locks, network(home), runtime_is_fit));
            }
            Err(error) => checks.push(unwritable(home, &error)),
        }
    } else if let Some(error) = cannot_be_made(home) {
        checks.push(unwritable(home, &error));
    } else {
        checks.push(STORAGE.ok(format!("{} is made when you sign in", home.display())));
    }
    checks
}

/// Writes a file there, locks it twice, and takes it away.
fn tried(home: &Path, random: &Random) -> io::Result<Tried> {
    // A name that the next write sweeps away, should this be interrupted.
    let path = home.join(format!(".half-written-{}", hex::encode(random.bytes::<9>())));
    let done = write_and_lock(&path);
    let _ = fs::remove_file(&path);
    done
}

fn write_and_lock(path: &Path) -> io::Result<Tried> {
    let mut file = private_file::create_new(path)?;
    file.write_all(&[b'-'; TRIED_BYTES])?;
    file.sync_all()?;
    let locks = match file.try_lock() {
        Ok(()) if matches!(File::open(path)?.try_lock(), Err(TryLockError::WouldBlock)) => Locks::Work,
        _ => Locks::Fail,
    };
    Ok(Tried { locks })
}

/// Why a folder that is not there could not be made.
fn cannot_be_made(home: &Path) -> Option<io::Error> {
    let above: PathBuf = home.ancestors().skip(1).find(|path| path.exists())?.to_owned();
    if !above.is_dir() {
        return Some(ErrorKind::NotADirectory.into());
    }
    #[cfg(unix)]
    if let Err(error) = rustix::fs::access(&above, rustix::fs::Access::WRITE_OK) {
        return Some(error.into());
    }
    None
}

fn unwritable(home: &Path, error: &io::Error) -> Check {
    let (why, remedy) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            ("the disk, or your share of it, is full", format!("df -h {}; quota -s", quoted(existing(home))))
        }
        ErrorKind::ReadOnlyFilesystem => ("the disk is read-only", elsewhere()),
        ErrorKind::PermissionDenied => ("you may not", elsewhere()),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => ("it is below something that is no folder", elsewhere()),
        _ => ("that fails", elsewhere()),
    };
    STORAGE.not_ok(format!("{} cannot be written: {why} ({error})", home.display()), remedy)
}

fn existing(home: &Path) -> &Path {
    home.ancestors().find(|path| path.exists()).unwrap_or(home)
}

fn elsewhere() -> String {
    "export LODGE_HOME=DIRECTORY, one that you can write".to_owned()
}

/// Locks keep helpers that start together from each asking the broker. Nothing is lost without them but time.
fn locks(home: &Path, locks: Locks, network: Option<&'static str>, runtime_is_fit: bool) -> Check {
    let place = network.map(|name| format!(" ({name}, in the network)")).unwrap_or_default();
    if locks == Locks::Work {
        return LOCKS.ok(format!("they work in {}{place}", home.display()));
    }
    if runtime_is_fit {
        return LOCKS.ok(format!("they are in XDG_RUNTIME_DIR; in {}{place} they have no effect", home.display()));
    }
    LOCKS.warning(
        format!("they have no effect in {}{place}, so helpers that start together all ask the broker", home.display()),
        "export LODGE_HOME=DIRECTORY, one on a disk of this machine, or set XDG_RUNTIME_DIR",
    )
}

/// The file system of a folder, when it is one of those that are elsewhere.
#[cfg(target_os = "linux")]
fn network(folder: &Path) -> Option<&'static str> {
    // From linux/magic.h; those of AFS, Lustre, GPFS, BeeGFS and Ceph from their own sources.
    match i128::from(rustix::fs::statfs(folder).ok()?.f_type) & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        0x1983_0326 => Some("BeeGFS"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<&'static str> {
    None
}

/// What is wrong with the directory that is this person's on this machine alone.
#[cfg(unix)]
fn runtime(path: &Path) -> Option<Check> {
    use std::os::unix::fs::MetadataExt;

    let remedy = "unset XDG_RUNTIME_DIR";
    let shown = path.display();
    let found = match path.metadata() {
        Ok(found) if found.is_dir() => found,
        _ => return Some(RUNTIME.warning(format!("{shown} is no directory"), remedy)),
    };
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Some(RUNTIME.warning(format!("{shown} belongs to another user, as after su or sudo"), remedy));
    }
    (found.mode() & 0o077 != 0).then(|| {
        RUNTIME.warning(format!("{shown} is open to others on this machine"), format!("chmod 700 {}", quoted(path)))
    })
}

#[cfg(not(unix))]
fn runtime(_: &Path) -> Option<Check> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_disk_cannot_be_written_is_told_apart() {
        let says = |kind: ErrorKind| {
            let check = unwritable(Path::new("/srv/ada/.config/lodge"), &kind.into());
            format!("{}{}", check.line(), check.remedy().unwrap())
        };

        assert!(says(ErrorKind::StorageFull).contains("is full") && says(ErrorKind::StorageFull).contains("df -h"));
        assert!(says(ErrorKind::QuotaExceeded).contains("your share of it"));
        assert!(says(ErrorKind::ReadOnlyFilesystem).contains("read-only"));
        assert!(says(ErrorKind::PermissionDenied).contains("export LODGE_HOME="));
    }

    #[test]
    fn locks_without_effect_matter_only_where_no_runtime_directory_has_them() {
        let judge = |works, network, fit| locks(Path::new("/srv/ada"), works, network, fit).line();

        assert_eq!(judge(Locks::Work, Some("NFS"), false), "Locks: they work in /srv/ada (NFS, in the network).");
        assert!(judge(Locks::Fail, Some("NFS"), true).contains("they are in XDG_RUNTIME_DIR"));
        assert!(judge(Locks::Fail, Some("NFS"), false).contains("all ask the broker"));
    }
}
