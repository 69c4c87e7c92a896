//! The JSON files below a folder, each read or with a sentence about why not.
//!
//! Links are followed inside the folder and nowhere else: what is checked is what lies in the folder, on this machine and
//! on the next. Hidden files and folders are left out, and nothing is looked at twice.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The largest file that is read. What IAM takes of one policy is a hundredth of it.
const MAX_BYTES: u64 = 1 << 20;

/// A file, or a folder or link that cannot be looked into.
pub(super) struct Found {
    /// Below the folder, with slashes.
    pub(super) name: String,
    /// The folder that it lies in and its name without `.json`: `mturk/pay`.
    pub(super) pack_and_name: String,
    /// What is in it, or why nobody knows.
    pub(super) text: Result<String, String>,
}

/// Everything below `folder`, by name.
pub(super) fn below(folder: &Path) -> anyhow::Result<Vec<Found>> {
    let root = folder.canonicalize().with_context(|| format!("cannot look into {}", folder.display()))?;
    let mut walk = Walk { root: &root, seen: BTreeSet::new(), found: Vec::new() };
    walk.look(&root, &root);
    walk.found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a Path,
    /// Where what was looked at really is.
    seen: BTreeSet<PathBuf>,
    found: Vec<Found>,
}

impl Walk<'_> {
    /// Looks at `path`, which really is at `real`.
    fn look(&mut self, path: &Path, real: &Path) {
        let mut waiting = vec![(path.to_owned(), real.to_owned())];
        while let Some((path, real)) = waiting.pop() {
            if real.is_dir() {
                if self.seen.insert(real.clone()) {
                    waiting.extend(self.entries(&path, &real));
                }
            } else if path.extension().is_some_and(|extension| extension == "json") && self.seen.insert(real.clone()) {
                self.add(&path, read(&real));
            }
        }
    }

    /// What is in a folder, and where it really is. The first to be looked at comes last, and links come first.
    fn entries(&mut self, path: &Path, real: &Path) -> Vec<(PathBuf, PathBuf)> {
        let listed = match fs::read_dir(real).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(listed) => listed,
            Err(error) => {
                self.add(path, Err(format!("cannot be looked into: {error}")));
                return Vec::new();
            }
        };
        let mut entries = Vec::new();
        for entry in listed {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let (path, real) = (path.join(&name), real.join(&name));
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link {
                entries.push((is_link, path, real));
                continue;
            }
            match real.canonicalize() {
                Ok(target) if target.starts_with(self.root) => entries.push((is_link, path, target)),
                Ok(target) if target.is_dir() || is_json(&path) => {
                    self.add(&path, Err("is a link that leads out of the folder: copy what it leads to".to_owned()));
                }
                Err(_) if is_json(&path) => self.add(&path, Err("is a link that leads nowhere".to_owned())),
                Ok(_) | Err(_) => {}
            }
        }
        entries.sort_by(|one, other| other.cmp(one));
        // What lies there itself is looked at before a link to it.
        entries.sort_by_key(|(is_link, ..)| !is_link);
        entries.into_iter().map(|(_, path, real)| (path, real)).collect()
    }

    fn add(&mut self, path: &Path, text: Result<String, String>) {
        let below = path.strip_prefix(self.root).ok().filter(|below| !below.as_os_str().is_empty());
        let below = below.or(path.file_name().map(Path::new)).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let pack_and_name = format!("{}/{}", part(path.parent().and_then(Path::file_name)), part(path.file_stem()));
        self.found.push(Found { name: parts.join("/"), pack_and_name, text });
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// The text of a file, or why it is none.
fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    // A pipe would be waited for.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("is larger than 1 MB, and no policy is".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("is not UTF-8: byte {} is no part of a character", error.utf8_error().valid_up_to() + 1)
    })
}
