//! The checked-in table `tests/mturk-actions.csv`: which role may do what at Mechanical Turk.

use std::collections::{BTreeMap, BTreeSet};

use super::root;

/// `(action, role) → allowed`, for every action and every role.
pub(crate) type Table = BTreeMap<(String, String), bool>;

/// The checked-in table `tests/mturk-actions.csv`.
pub(crate) fn table() -> Table {
    let text = std::fs::read_to_string(root().join("tests/mturk-actions.csv")).unwrap();
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
            let before = table.insert((format!("mechanicalturk:{}", row[0]), (*role).to_owned()), is_allowed);
            assert!(before.is_none(), "{} stands twice", row[0]);
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
