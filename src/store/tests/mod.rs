//! The whole store. What needs a PostgreSQL server is in `tests/`, which can start one.

mod ledger;
mod sqlite;

use tempfile::TempDir;

use super::sql::{Kind, LAB_TABLES, Listed};
use super::*;

/// A new SQLite database, and the store that has it.
pub(super) async fn open() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::Sqlite(folder.path().join("lodge.db"));
    migrate(&address, &address).await.unwrap();
    let store = Store::serve(&address).await.unwrap();
    (folder, store)
}

#[test]
fn only_statements_across_labs_or_in_one_name_a_lab_s_table() {
    let names_one = |statement: &Listed| {
        let words = statement.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.into_iter().any(|word| LAB_TABLES.contains(&word))
    };

    let all = all_statements();
    assert!(all.len() > 60, "a list of statements is missing: {}", all.len());
    for statement in all {
        assert_eq!(statement.kind != Kind::Platform, names_one(&statement), "{}", statement.name);
    }
}
