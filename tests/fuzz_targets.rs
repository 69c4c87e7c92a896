//! The fuzz targets try what ships: they are built with the same versions of everything.

use std::collections::BTreeSet;

use toml::Table;

use crate::support::root;

/// What the targets have that the helper has not.
const THEIR_OWN: [&str; 4] = ["arbitrary", "jobserver", "libfuzzer-sys", "lodge-fuzz"];

/// Name, version and source of every package in a lock file.
fn locked(path: &str) -> BTreeSet<(String, String, String)> {
    let lock: Table = std::fs::read_to_string(root().join(path)).unwrap().parse().unwrap();
    let text = |package: &toml::Value, key| package.get(key).and_then(toml::Value::as_str).unwrap_or("").to_owned();
    let packages = lock["package"].as_array().unwrap();
    packages.iter().map(|it| (text(it, "name"), text(it, "version"), text(it, "source"))).collect()
}

#[test]
fn the_fuzz_targets_are_built_with_the_versions_that_ship() {
    let shipped = locked("Cargo.lock");

    let tried = locked("tests/fuzz/Cargo.lock");

    let others: Vec<_> = tried.difference(&shipped).filter(|it| !THEIR_OWN.contains(&it.0.as_str())).collect();
    assert!(others.is_empty(), "copy Cargo.lock to tests/fuzz/ and run `cargo fetch` there: {others:?}");
    assert!(tried.len() > 50);
}
