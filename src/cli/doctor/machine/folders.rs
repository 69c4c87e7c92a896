//! Who else can read or write what the helper and the AWS tools keep: their folders, and the files in them.

use crate::cli::environment::Environment;
#[cfg(unix)]
use crate::cli::home::Closed;

use super::check::{Check, Subject};

const FOLDERS: Subject = Subject { name: "permissions", title: "Files and folders" };

#[cfg(not(unix))]
pub(super) fn checks(_: &Environment) -> Vec<Check> {
    vec![FOLDERS.ok("the access list of your profile protects them")]
}

#[cfg(unix)]
pub(super) fn checks(environment: &Environment) -> Vec<Check> {
    let mut checks = Vec::new();
    let home = environment.home.as_deref();
    let cache = environment.cache.as_deref();
    checks.extend(home.into_iter().flat_map(|home| unix::own(home, Closed::ToWriters, cache)));
    checks.extend(cache.into_iter().flat_map(|cache| unix::own(cache, Closed::ToAll, None)));
    let folder = environment.aws_config.as_deref().and_then(std::path::Path::parent);
    checks.extend(folder.and_then(unix::of_aws));
    checks.extend(environment.aws_config.as_deref().and_then(unix::of_aws));
    checks.extend(environment.aws_credentials.as_deref().and_then(unix::of_aws));
    if checks.is_empty() {
        checks.push(FOLDERS.ok("what lodge and the AWS tools keep is yours alone"));
    }
    checks
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    use rustix::process::geteuid;

    use super::{Check, FOLDERS};
    use crate::cli::doctor::machine::check::quoted;
    use crate::cli::home::Closed;

    /// More files than a person has roles.
    const FILES_MAX: usize = 1_000;

    /// What is wrong with a folder of the helper's, which is to be closed so far, and with what is in it but for what is in
    /// `other`. Nothing, when there is none.
    pub(super) fn own(folder: &Path, closed: Closed, other: Option<&Path>) -> Vec<Check> {
        // A folder may be a link; what is in it may not.
        let Ok(found) = fs::metadata(folder) else { return Vec::new() };
        let first = private(folder, &found, closed).or_else(|| visible(folder, &found));
        let mut checks: Vec<_> = first.into_iter().collect();
        for path in inside(folder).into_iter().filter(|path| !other.is_some_and(|other| path.starts_with(other))) {
            if let Ok(found) = fs::symlink_metadata(&path) {
                checks.extend(private(&path, &found, Closed::ToWriters));
            }
        }
        checks
    }

    fn inside(folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if found.len() == FILES_MAX {
                    return found;
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                }
                found.push(entry.path());
            }
        }
        found
    }

    /// Whether others see what the folder holds: at which brokers somebody is.
    fn visible(folder: &Path, found: &Metadata) -> Option<Check> {
        (found.mode() & 0o055 != 0).then(|| {
            let says = format!("others on this machine see what {} holds", folder.display());
            FOLDERS.warning(says, format!("chmod 700 {}", quoted(folder)))
        })
    }

    /// Nobody else may as much as read a file, or do with a folder what it is to be closed to: the helper refuses what
    /// others may have seen.
    fn private(path: &Path, found: &Metadata, closed: Closed) -> Option<Check> {
        let mode = if found.is_dir() { "700" } else { "600" };
        if found.uid() != geteuid().as_raw() {
            let says = format!("{} belongs to another user", path.display());
            return Some(FOLDERS.not_ok(says, format!("sudo chown -R \"$(id -u)\" {}", quoted(path))));
        }
        if found.file_type().is_symlink() {
            let says = format!("{} is a link, which lodge does not follow", path.display());
            return Some(FOLDERS.not_ok(says, format!("rm {}", quoted(path))));
        }
        let open = if found.is_dir() { closed as u32 } else { 0o077 };
        (found.mode() & open != 0).then(|| {
            let says = format!("{} is open to others on this machine", path.display());
            FOLDERS.not_ok(says, format!("chmod {mode} {}", quoted(path)))
        })
    }

    /// What the AWS tools keep: who writes it has commands run in one's name, who reads it has the keys in it.
    pub(super) fn of_aws(path: &Path) -> Option<Check> {
        let found = fs::metadata(path).ok()?;
        // Such as /dev/null, which is how one says that there is none.
        if !found.is_dir() && !found.is_file() {
            return None;
        }
        let owner = found.uid();
        if owner != geteuid().as_raw() && owner != 0 {
            let says = format!("{} belongs to another user, who can have commands run in your name", path.display());
            return Some(FOLDERS.not_ok(says, format!("sudo chown \"$(id -u)\" {}", quoted(path))));
        }
        // In a folder such as /tmp nobody takes the place of another's file.
        let is_shared_safely = found.is_dir() && found.mode() & 0o1000 != 0;
        if found.mode() & 0o022 != 0 && !is_shared_safely {
            let says =
                format!("others on this machine can write {}, and so have commands run in your name", path.display());
            return Some(FOLDERS.not_ok(says, format!("chmod go-w {}", quoted(path))));
        }
        let holds_keys = found.is_file() && path.file_name().is_some_and(|name| name == "credentials");
        (holds_keys && found.mode() & 0o044 != 0).then(|| {
            let says = format!("others on this machine can read {}", path.display());
            FOLDERS.warning(says, format!("chmod 600 {}", quoted(path)))
        })
    }
}
