//! What the schema itself says of labs, read from both databases: no table and no key is forgotten.

use std::collections::BTreeSet;

use lodge::store::LAB_TABLES;

use super::fixture::World;
use super::raw_sql::{Raw, lab_column};
use crate::support::databases::Kind;
use crate::support::serving::wait;

/// The tables that have a column which says whose lab a row is.
async fn tables_of_labs(raw: &mut Raw) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for table in raw.tables().await {
        let columns = raw.columns(&table).await;
        let is_one = |column: &String| {
            let column = column.to_lowercase();
            column == "lab" || column == "book" || column.starts_with("lab_") || column.ends_with("_lab")
        };
        if table == "lab" || columns.iter().any(is_one) {
            found.insert(table);
        }
    }
    found
}

/// The keys by which a row refers to another table's: table, columns, other table, its columns.
async fn references(raw: &mut Raw) -> Vec<[String; 4]> {
    let text = match raw {
        Raw::Sqlite(_) => {
            "select m.name, group_concat(f.\"from\"), f.\"table\", group_concat(f.\"to\") \
             from sqlite_master m, pragma_foreign_key_list(m.name) f where m.type = 'table' \
             group by m.name, f.id order by 1, 2"
        }
        Raw::Postgres(_) => {
            "select conrelid::regclass::text, \
             (select string_agg(a.attname, ',' order by k.place) from unnest(conkey) with ordinality k (n, place) \
              join pg_attribute a on a.attrelid = conrelid and a.attnum = k.n), confrelid::regclass::text, \
             (select string_agg(a.attname, ',' order by k.place) from unnest(confkey) with ordinality k (n, place) \
              join pg_attribute a on a.attrelid = confrelid and a.attnum = k.n) \
             from pg_constraint where contype = 'f' order by 1, 2"
        }
    };
    let rows = raw.run(text, &[]).await;
    rows.iter().map(|row| row.split('|').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()).collect()
}

/// The keys that a row of one lab could refer to another's by, a line for each.
fn stray<'a>(references: impl IntoIterator<Item = &'a [String; 4]>) -> Vec<String> {
    let of_labs = |[table, _, other, _]: &&[String; 4]| {
        [table, other].into_iter().all(|table| LAB_TABLES.contains(&table.as_str()))
    };
    let strays = references.into_iter().filter(of_labs).filter(|[table, columns, other, others]| {
        let mut pairs = columns.split(',').zip(others.split(','));
        !pairs.any(|pair| pair == (lab_column(table), lab_column(other)))
    });
    strays.map(|reference| reference.join(" ")).collect()
}

async fn assert_nothing_is_forgotten(mut world: World) {
    let expected: BTreeSet<_> = LAB_TABLES.map(str::to_owned).into();
    assert_eq!(tables_of_labs(&mut world.raw).await, expected);

    let references = references(&mut world.raw).await;
    assert!(references.len() > 8, "{references:?}");
    assert_eq!(stray(&references), [""; 0]);

    // That it would have been noticed.
    world.raw.run("create table forgotten (id text primary key, lab_id text, role text)", &[]).await;
    assert!(tables_of_labs(&mut world.raw).await.contains("forgotten"));
}

#[test]
fn every_table_with_a_lab_in_it_is_known() {
    for kind in Kind::all("every_table_with_a_lab_in_it_is_known") {
        wait(async { assert_nothing_is_forgotten(World::new(kind, &[]).await).await });
    }
}

#[test]
fn a_key_that_leaves_the_lab_out_is_noticed() {
    let key = |columns: [&str; 4]| columns.map(str::to_owned);

    assert_eq!(stray([&key(["mapping", "role", "lab_role", "name"])]).len(), 1);
    assert_eq!(stray([&key(["mapping", "id,role", "lab_role", "lab_id,name"])]).len(), 1);
    assert_eq!(stray([&key(["mapping", "lab_id,role", "lab_role", "lab_id,name"])]).len(), 0);
    assert_eq!(stray([&key(["standing", "person_id", "person", "id"])]).len(), 0, "a person is no lab's");
}
