//! Ugly files as they are found on real machines, in `tests/aws_config_corpus`: whatever is in them, what is not ours
//! stays as it is, byte for byte; a second run changes nothing; and when the roles are gone, `--prune` gives back what was
//! there before.
//!
//! Where a file has sections of ours that somebody changed, `NAME.after` says what it is to become, and `NAME.pruned` what
//! is to be left of it.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::support::root;

/// The files with a profile that is not ours under a name that ours would have.
const REFUSED: [&str; 1] = ["somebody-elses-name"];

/// The files in which somebody wrote one of the profiles by hand.
const BY_HAND: [&str; 1] = ["written-by-hand"];

/// One file of the corpus, for one broker.
pub(super) struct Ugly {
    pub(super) name: String,
    pub(super) before: Vec<u8>,
    after: Option<Vec<u8>>,
    pruned: Option<Vec<u8>>,
}

/// All of them, as they are when their sections of ours are of this broker; and one more that is too large to keep.
pub(super) fn corpus(world: &World) -> Vec<Ugly> {
    let folder = root().join("tests/aws_config_corpus");
    let read = |name: &str| {
        let bytes = fs::read(folder.join(name)).ok()?;
        let bytes = replaced(&bytes, b"https://lodge.example.edu", world.url.as_bytes());
        Some(replaced(&bytes, b"PROGRAM", env!("CARGO_BIN_EXE_lodge").as_bytes()))
    };
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.contains('.')).collect();
    names.sort();
    let ugly = |name: String| Ugly {
        before: read(&name).unwrap(),
        after: read(&format!("{name}.after")),
        pruned: read(&format!("{name}.pruned")),
        name,
    };
    let mut all: Vec<Ugly> = names.into_iter().map(ugly).collect();
    all.push(Ugly { name: "large".to_owned(), before: large(), after: None, pruned: None });
    all
}

/// A file of a megabyte and more, as programs write them that add a profile for each account.
fn large() -> Vec<u8> {
    let section = |number: usize| {
        format!(
            "[profile account-{number}]\nrole_arn = arn:aws:iam::{number:012}:role/admin\nsource_profile = base\n\n"
        )
    };
    (0..12_000).map(section).collect::<String>().into_bytes()
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut done = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|part| part == from) {
        done.extend_from_slice(&rest[..at]);
        done.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    done.extend_from_slice(rest);
    done
}

impl Ugly {
    /// A file of its own with what is in it.
    pub(super) fn put(&self, folder: &Path) -> PathBuf {
        let file = folder.join(&self.name);
        fs::write(&file, &self.before).unwrap();
        file
    }

    /// The names under which the profiles are to be there afterwards.
    fn adds(&self) -> usize {
        let there = [&REFUSED[..], &BY_HAND].concat().contains(&self.name.as_str());
        PROFILES.len() - usize::from(there)
    }

    /// Holds the file, after the first run, to what it is to become.
    fn is_as_it_should_be(&self, now: &[u8]) {
        let name = &self.name;
        if let Some(after) = &self.after {
            assert_eq!(String::from_utf8_lossy(now), String::from_utf8_lossy(after), "{name}");
            return;
        }
        assert!(now.starts_with(&self.before), "{name}: something of it changed");
        let added = String::from_utf8(now[self.before.len()..].to_vec()).unwrap().replace('\r', "\n");
        let lines: Vec<&str> = added.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 3 * self.adds(), "{name}: {added}");
        for section in lines.chunks(3) {
            assert!(section[0].starts_with("[profile vision-"), "{name}: {section:?}");
            assert!(section[1].starts_with("# Written by lodge configure for vision/"), "{name}: {section:?}");
            assert!(section[2].starts_with("credential_process = /"), "{name}: {section:?}");
        }
    }
}

#[test]
fn what_is_not_ours_stays_as_it_is_and_goes_on_doing_so() {
    let world = World::start();
    let postdoc = signed_in(&world);
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(&world);
    assert!(corpus.len() >= 20 && corpus.iter().any(|ugly| ugly.before.len() > 1_000_000));

    for ugly in &corpus {
        let file = ugly.put(folder.path());

        let first = configure(&postdoc, &file, &[]);
        let (now, stamped) = (fs::read(&file).unwrap(), stamp(&file));
        let second = configure(&postdoc, &file, &[]);
        let preview = configure(&postdoc, &file, &["--dry-run"]);

        let code = i32::from(REFUSED.contains(&ugly.name.as_str()));
        for ended in [&first, &second] {
            assert_eq!(ended.status.code(), Some(code), "{}: {}", ugly.name, ended.stderr);
        }
        ugly.is_as_it_should_be(&now);
        assert_eq!(stamp(&file), stamped, "{}: the second run wrote", ugly.name);
        assert_eq!((preview.status.code(), preview.stdout.as_str()), (Some(0), ""), "{}", ugly.name);
    }

    close_all_roles(&world);
    for ugly in &corpus {
        let file = folder.path().join(&ugly.name);
        let before = fs::read(&file).unwrap();

        let named = configure(&postdoc, &file, &[]);
        let untouched = fs::read(&file).unwrap();
        let pruned = configure(&postdoc, &file, &["--prune"]);
        let (now, stamped) = (fs::read(&file).unwrap(), stamp(&file));
        configure(&postdoc, &file, &["--prune"]);

        assert!(named.status.success() && named.stderr.contains("lodge configure --prune"), "{}", named.stderr);
        assert!(untouched == before, "{}: it was pruned before anybody said so", ugly.name);
        assert!(pruned.status.success(), "{}: {}", ugly.name, pruned.stderr);
        let expected = ugly.pruned.as_ref().unwrap_or(&ugly.before);
        assert_eq!(String::from_utf8_lossy(&now), String::from_utf8_lossy(expected), "{}", ugly.name);
        assert!(now == *expected, "{}: the bytes differ", ugly.name);
        assert_eq!(stamp(&file), stamped, "{}: the second run wrote", ugly.name);
    }
}
