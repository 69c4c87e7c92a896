//! `lodge configure` on other people's files: the real helper, a real broker, and the tools that read what it writes.

mod corpus;
mod readers;
mod writing;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::programs;
use crate::support::world::World;

/// What the person of these tests may ask for.
const PROFILES: [&str; 2] = ["vision-pay", "vision-publish"];

fn signed_in(world: &World) -> Person {
    Person::signed_in("postdoc", &world.url)
}

/// Runs `lodge configure` on this file.
fn configure(person: &Person, file: &Path, arguments: &[&str]) -> Ended {
    let line = [&["configure"], arguments].concat();
    person.lodge_with(&line, &[("AWS_CONFIG_FILE", file.to_str().unwrap())])
}

/// Has the lab end every mapping that it has.
fn close_all_roles(world: &World) {
    let professor = Person::signed_in("professor", &world.url);
    let listed = professor.lodge(&["mapping", "list", "vision", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let mappings = listed["mappings"].as_array().unwrap();
    assert!(!mappings.is_empty());
    for mapping in mappings {
        let ended = professor.lodge(&["mapping", "end", "vision", mapping["id"].as_str().unwrap()]);
        assert!(ended.status.success(), "{}", ended.stderr);
    }
}

/// What shows that a file was written anew.
fn stamp(file: &Path) -> (u64, std::time::SystemTime) {
    let found = fs::metadata(file).unwrap();
    (found.ino(), found.modified().unwrap())
}
