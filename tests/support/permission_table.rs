//! The checked-in tables `tests/mturk-actions.csv` and `tests/s3-actions.csv`: which role may do what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::peers;
use super::process::Process;
use super::root;

/// `(action, role) → allowed`, for every action and every role.
pub(crate) type Table = BTreeMap<(String, String), bool>;

/// The checked-in table `tests/mturk-actions.csv`.
pub(crate) fn table() -> Table {
    read("mturk-actions.csv", "mechanicalturk")
}

/// A checked-in table over the actions of a service.
pub(crate) fn read(file: &str, service: &str) -> Table {
    let text = std::fs::read_to_string(root().join("tests").join(file)).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = rows.next().unwrap();
    assert_eq!(head[0], "action");
    let mut table = Table::new();
    for row in rows {
        assert_eq!(row.len(), head.len(), "{row:?}");
        for (role, cell) in head.iter().zip(&row).skip(1) {
            let is_allowed = match *cell {
                "allow" => true,
                "deny" => false,
                other => panic!("{}: neither allow nor deny: {other}", row[0]),
            };
            let before = table.insert((format!("{service}:{}", row[0]), (*role).to_owned()), is_allowed);
            assert!(before.is_none(), "{} stands twice", row[0]);
        }
    }
    table
}

/// What the independent evaluator answers to a question; see `tests/peers/iam-simulate.mjs`. Needs [`peers::Peer::Node`].
pub(crate) fn simulated(question: &Value) -> Table {
    let ended = Process::run("iam-simulate", &mut peers::node("iam-simulate.mjs"), &question.to_string());
    assert!(ended.status.success(), "{}", ended.stderr);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    let mut table = Table::new();
    for (call, verdicts) in answer["verdicts"].as_object().unwrap() {
        for (role, verdict) in verdicts.as_object().unwrap() {
            table.insert((call.clone(), role.clone()), verdict == "allow");
        }
    }
    table
}

pub(crate) fn all_actions(table: &Table) -> BTreeSet<&str> {
    table.keys().map(|(action, _)| action.as_str()).collect()
}

/// Where two tables differ, a line for each cell.
pub(crate) fn differences(expected: &Table, found: &Table) -> Vec<String> {
    let cells: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let word = |cell: Option<&bool>| match cell {
        Some(true) => "allow",
        Some(false) => "deny",
        None => "nothing",
    };
    cells
        .into_iter()
        .filter(|cell| expected.get(cell) != found.get(cell))
        .map(|cell| {
            let (is, should) = (word(found.get(cell)), word(expected.get(cell)));
            format!("{} as {}: {is}, and the table says {should}", cell.0, cell.1)
        })
        .collect()
}

#[test]
fn a_cell_that_is_missing_is_a_difference() {
    let table = table();
    let mut short = table.clone();
    short.pop_first();

    assert_eq!(differences(&table, &short).len(), 1);
    assert_eq!(differences(&short, &table).len(), 1);
}
