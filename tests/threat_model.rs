//! `deploy/threat-model.md` names tests that show what it says: each of them is there, and each of its rows names one or says
//! that there is none.

use std::collections::BTreeSet;

use crate::support::{files_under, root};

/// The names of all tests there are.
fn tests() -> BTreeSet<String> {
    let sources = ["src", "tests"].map(|folder| files_under(&root().join(folder)));
    let sources = sources.iter().flatten().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let texts: Vec<_> = sources.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    texts.iter().flat_map(|text| tests_in(text)).collect()
}

/// The functions that stand behind the word for a test, other attributes between them or not.
fn tests_in(text: &str) -> Vec<String> {
    // Put together here, so that this file's own words are none.
    let word = concat!("#[te", "st]");
    let after = text.split(word).skip(1).filter_map(|rest| rest.split_once("fn "));
    let plain = after.filter(|(between, _)| !between.contains('{'));
    plain.filter_map(|(_, rest)| rest.split_once('(')).map(|(name, _)| name.to_owned()).collect()
}

/// What is wrong with the document: a line for each.
fn wrong(document: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_shown = false;
    for line in document.lines() {
        if !line.starts_with('|') {
            is_shown = false;
            continue;
        }
        let last = line.trim_matches('|').rsplit(" | ").next().unwrap_or_default().trim();
        if last == "shown by" {
            is_shown = true;
        } else if is_shown && !line.starts_with("|---") {
            let named: Vec<_> = last.split('`').skip(1).step_by(2).collect();
            if named.is_empty() && !last.starts_with("no test") {
                found.push(format!("no test, and nothing said of that: {line}"));
            }
            let missing = named.into_iter().filter(|name| !tests.contains(*name));
            found.extend(missing.map(|name| format!("there is no test {name}")));
        }
    }
    found
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let document = std::fs::read_to_string(root().join("deploy/threat-model.md")).unwrap();
    let tests = tests();

    assert_eq!(wrong(&document, &tests), [""; 0]);
    assert!(tests.len() > 500, "{}", tests.len());
    assert!(document.matches("| shown by |").count() >= 9);
    for actor in
        ["student", "PI", "operator", "campus network", "AWS account", "database", "laptop", "provider", "machine"]
    {
        assert!(document.lines().any(|line| line.starts_with("### ") && line.contains(actor)), "{actor}");
    }
    assert!(document.contains("\n## Out of scope\n"));
}

#[test]
fn a_threat_without_a_test_or_with_one_that_is_gone_is_found() {
    let tests = BTreeSet::from(["a_test".to_owned()]);
    let table = |last: &str| format!("| can | cannot | shown by |\n|---|---|---|\n| do | not | {last} |\n");

    assert_eq!(wrong(&table("`a_test`"), &tests), [""; 0]);
    assert_eq!(wrong(&table("no test: it is AWS"), &tests), [""; 0]);
    assert_eq!(wrong(&table("`a_test`, `another_test`"), &tests), ["there is no test another_test"]);
    assert_eq!(wrong(&table("believe us"), &tests).len(), 1);
    assert_eq!(tests_in(concat!("#[te", "st]\n#[cfg(unix)]\nfn one() {\n}\nfn two() {}")), ["one"]);
}
