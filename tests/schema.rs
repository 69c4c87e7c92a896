//! The two schemas are one: the same tables, columns, keys and indexes on SQLite and on PostgreSQL, the same statements
//! understood by both, and a way forward from every schema that was ever released.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use lodge::domain::ledger::Entry;
use lodge::store::{self, Kind as StatementKind, all_statements};
use sqlx::{Column, Connection, Executor, PgConnection, Row, SqlSafeStr, SqliteConnection, Statement};

use crate::support::databases::{Kind, TestDatabase, look, raw_postgres, raw_sqlite};
use crate::support::serving::wait;
use crate::support::{files_under, postgres, root};

fn migrations(database: &str) -> BTreeSet<String> {
    let files = files_under(&root().join("migrations").join(database)).into_iter();
    files.map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn both_folders_of_migrations_hold_the_same_names() {
    let names = migrations("sqlite");

    assert!(names.len() >= 9);
    assert_eq!(names, migrations("postgres"));
    let numbers: Vec<_> = names.iter().map(|name| name[..4].parse::<usize>().unwrap()).collect();
    assert_eq!(numbers, (1..=names.len()).collect::<Vec<_>>(), "numbered in order");
}

/// What a database has: a line for each column, key and index, in words that both databases share.
type Shape = BTreeSet<String>;

/// Every text column that holds a time; on PostgreSQL they have a type of their own.
fn is_time(column: &str) -> bool {
    column.ends_with("_at") || column == "at"
}

/// Every integer column that holds yes or no; on PostgreSQL they have a type of their own.
fn is_boolean(column: &str) -> bool {
    column == "mfa" || column.starts_with("needs_") || column.starts_with("is_")
}

async fn sqlite_shape(connection: &mut SqliteConnection) -> Shape {
    let mut shape = Shape::new();
    for row in
        rows(connection, "select name from sqlite_master where type = 'table' and name not like '\\_%' escape '\\'")
            .await
    {
        let table: String = row.get(0);
        for row in
            rows(connection, &format!("select name, type, \"notnull\", pk from pragma_table_info('{table}')")).await
        {
            let (name, kind, not_null, key): (String, String, i64, i64) =
                (row.get(0), row.get(1), row.get(2), row.get(3));
            let kind = kind.to_lowercase();
            let kind = match kind.as_str() {
                "text" if is_time(&name) => "time",
                "integer" if is_boolean(&name) => "boolean",
                "integer" => "integer",
                "text" => "text",
                other => other,
            };
            // SQLite does not say of a key of one text column that it is never null; the tables are strict.
            let null = if not_null == 1 || key > 0 { "not null" } else { "null" };
            shape.insert(format!("{table}.{name} {kind} {null}"));
        }
        let keys = format!(
            "select group_concat(\"from\", ',' order by seq), \"table\", group_concat(coalesce(\"to\", ''), ',' order by seq) \
             from pragma_foreign_key_list('{table}') group by id"
        );
        for row in rows(connection, &keys).await {
            let (from, to_table, to): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            shape.insert(format!("{table} ({from}) references {to_table} ({to})"));
        }
        let indexes = format!(
            "select list.name, list.\"unique\", coalesce(master.sql, ''), \
             (select group_concat(name, ',' order by seqno) from pragma_index_info(list.name)) \
             from pragma_index_list('{table}') as list join sqlite_master as master on master.name = list.name"
        );
        for row in rows(connection, &indexes).await {
            let (unique, made_by, columns): (i64, String, String) = (row.get(1), row.get(2), row.get(3));
            let only_where = made_by.split_once(" where ").map_or("", |(_, condition)| condition);
            shape.insert(index(&table, &columns, unique == 1, only_where));
        }
    }
    shape
}

async fn postgres_shape(connection: &mut PgConnection) -> Shape {
    let mut shape = Shape::new();
    let columns = "select table_name::text, column_name::text, data_type::text, is_nullable::text \
        from information_schema.columns where table_schema = 'public' and table_name not like '\\_%'";
    for row in sqlx::query(columns).fetch_all(&mut *connection).await.unwrap() {
        let (table, name, kind, null): (String, String, String, String) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let kind = match kind.as_str() {
            "timestamp with time zone" if is_time(&name) => "time",
            "boolean" if is_boolean(&name) => "boolean",
            "bigint" => "integer",
            "integer" => "a short integer",
            "text" => "text",
            other => other,
        };
        shape.insert(format!("{table}.{name} {kind} {}", if null == "NO" { "not null" } else { "null" }));
    }
    let keys = "select conrelid::regclass::text, confrelid::regclass::text, \
        (select string_agg(attname, ',' order by place) from unnest(conkey) with ordinality as it (number, place) \
         join pg_attribute on attrelid = conrelid and attnum = number), \
        (select string_agg(attname, ',' order by place) from unnest(confkey) with ordinality as it (number, place) \
         join pg_attribute on attrelid = confrelid and attnum = number) \
        from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace";
    for row in sqlx::query(keys).fetch_all(&mut *connection).await.unwrap() {
        let (table, to_table, from, to): (String, String, String, String) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        shape.insert(format!("{table} ({from}) references {to_table} ({to})"));
    }
    let indexes = "select indrelid::regclass::text, indisunique, coalesce(pg_get_expr(indpred, indrelid), ''), \
        (select string_agg(attname, ',' order by place) from unnest(indkey) with ordinality as it (number, place) \
         join pg_attribute on attrelid = indrelid and attnum = number) \
        from pg_index join pg_class on pg_class.oid = indrelid \
        where relnamespace = 'public'::regnamespace and relname not like '\\_%'";
    for row in sqlx::query(indexes).fetch_all(&mut *connection).await.unwrap() {
        let (table, unique, partial, columns): (String, bool, String, String) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let only_where = partial.replace("::text", "").replace(['(', ')'], "");
        shape.insert(index(&table, &columns, unique, &only_where));
    }
    shape
}

fn index(table: &str, columns: &str, unique: bool, only_where: &str) -> String {
    let unique = if unique { " unique" } else { "" };
    format!("{table} ({columns}){unique} index {only_where}")
}

async fn rows(connection: &mut SqliteConnection, statement: &str) -> Vec<sqlx::sqlite::SqliteRow> {
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).fetch_all(connection).await.unwrap()
}

fn differences(sqlite: &Shape, postgres: &Shape) -> Vec<String> {
    let only = |one: &Shape, other: &Shape, name: &str| {
        one.difference(other).map(|line| format!("only {name}: {line}")).collect::<Vec<_>>()
    };
    [only(sqlite, postgres, "SQLite"), only(postgres, sqlite, "PostgreSQL")].concat()
}

#[test]
fn both_schemas_are_the_same_column_by_column() {
    if !postgres::require("both_schemas_are_the_same_column_by_column") {
        return;
    }
    wait(async {
        let (one, other) = (TestDatabase::new(Kind::Sqlite).await, TestDatabase::new(Kind::Postgres).await);
        let (mut one, mut other) = (raw_sqlite(&one.owner).await, raw_postgres(&other.owner).await);
        let (sqlite, postgres) = (sqlite_shape(&mut one).await, postgres_shape(&mut other).await);

        assert!(sqlite.len() > 100, "{sqlite:#?}");
        assert_eq!(differences(&sqlite, &postgres), [""; 0]);

        // What would be missed, were it not looked at.
        for fault in [
            "alter table mapping add column more text",
            "alter table mapping alter column changed_at set not null",
            "alter table mapping alter column revision type integer",
            "alter table mapping drop constraint mapping_lab_id_role_fkey",
            "drop index mapping_by_role",
            "drop index ledger_entry_outcome",
        ] {
            let mut changed = other.begin().await.unwrap();
            sqlx::query(fault).execute(&mut *changed).await.unwrap();
            let shape = postgres_shape(&mut changed).await;
            assert!(!differences(&sqlite, &shape).is_empty(), "{fault}");
            changed.rollback().await.unwrap();
        }
    });
}

#[test]
fn every_statement_is_understood_by_both() {
    if !postgres::require("every_statement_is_understood_by_both") {
        return;
    }
    wait(async {
        let (one, other) = (TestDatabase::new(Kind::Sqlite).await, TestDatabase::new(Kind::Postgres).await);
        // As the broker's own login: it must have the right to each.
        let (mut sqlite, mut postgres) = (raw_sqlite(&one.broker).await, raw_postgres(&other.broker).await);
        let all = all_statements();
        assert!(all.len() > 60 && all.iter().any(|it| it.kind == StatementKind::Across));

        for statement in all {
            let on_sqlite = sqlite.prepare(statement.text.into_sql_str()).await;
            let on_sqlite = on_sqlite.unwrap_or_else(|error| panic!("{} on SQLite: {error}", statement.name));
            let on_postgres = postgres.prepare(statement.text.into_sql_str()).await;
            let on_postgres = on_postgres.unwrap_or_else(|error| panic!("{} on PostgreSQL: {error}", statement.name));
            let names = |columns: Vec<&str>| columns.join(", ");
            let sqlite = names(on_sqlite.columns().iter().map(Column::name).collect());
            let postgres = names(on_postgres.columns().iter().map(Column::name).collect());
            // `count(*)` and the like have the name that each gives it, and are read by place.
            if !statement.text.contains("count(*)") {
                assert_eq!(sqlite, postgres, "{}", statement.name);
            }
        }
    });
}

/// A dump of a schema that was released.
struct Released {
    kind: Kind,
    file: PathBuf,
}

fn released() -> Vec<Released> {
    files_under(&root().join("tests/released"))
        .into_iter()
        .map(|file| {
            let kind = if file.to_string_lossy().contains("sqlite-") { Kind::Sqlite } else { Kind::Postgres };
            Released { kind, file }
        })
        .collect()
}

/// Every value of every row, by table; of later versions, only the columns that were there before.
type Contents = BTreeMap<String, Vec<String>>;

async fn contents(
    connection: &mut SqliteConnection,
    columns: Option<&BTreeMap<String, String>>,
) -> (Contents, BTreeMap<String, String>) {
    let (mut contents, mut known) = (Contents::new(), BTreeMap::new());
    for row in
        rows(connection, "select name from sqlite_master where type = 'table' and name not like '\\_%' escape '\\'")
            .await
    {
        let table: String = row.get(0);
        let list = match columns {
            Some(columns) if !columns.contains_key(&table) => continue,
            Some(columns) => columns[&table].clone(),
            None => {
                let names = format!("select group_concat(name, ', ') from pragma_table_info('{table}')");
                rows(connection, &names).await[0].get(0)
            }
        };
        let quoted = list.split(", ").map(|name| format!("quote({name})")).collect::<Vec<_>>().join(" || ',' || ");
        let values = rows(connection, &format!("select {quoted} from {table} order by 1")).await;
        contents.insert(table.clone(), values.iter().map(|row| row.get(0)).collect());
        known.insert(table, list);
    }
    (contents, known)
}

#[test]
fn migrations_run_forward_from_every_released_schema_and_lose_nothing() {
    let released = released();
    for file in ["sqlite-0004.sql", "sqlite-0011.sql", "sqlite-0015.sql", "postgres-0011.sql"] {
        assert!(released.iter().any(|it| it.file.ends_with(file)), "{file} is missing");
    }

    for Released { kind, file } in released {
        if !Kind::all("migrations_run_forward_from_every_released_schema_and_lose_nothing").contains(&kind) {
            continue;
        }
        let shown = file.display();
        let dump = std::fs::read_to_string(&file).unwrap();
        wait(async {
            let database = TestDatabase::empty(kind);
            let before = match database.postgres() {
                None => {
                    let mut connection = raw_sqlite(&database.owner).await;
                    connection.execute(sqlx::AssertSqlSafe(dump.clone())).await.unwrap();
                    let before = contents(&mut connection, None).await;
                    connection.close().await.unwrap();
                    Some(before)
                }
                Some(postgres) => {
                    postgres.psql_as_owner(&dump);
                    None
                }
            };

            store::migrate(&database.owner, &database.broker).await.unwrap_or_else(|error| panic!("{shown}: {error}"));

            let store = database.open().await;
            let health = store.health().await.unwrap();
            assert!(health.findings.iter().all(|finding| finding.problem.is_none()), "{shown}: {health:?}");
            let mut tx = store.read().await.unwrap();
            let ledger: Vec<Entry> = tx.all_books(1_000).await.unwrap().into_iter().map(|row| row.entry).collect();
            assert!(ledger.len() >= 15, "{shown}: {}", ledger.len());
            let later: DateTime<Utc> = "2027-01-01T00:00:00Z".parse().unwrap();
            let open = tx.open_attempts(later, 10).await.unwrap();
            assert_eq!(
                open.iter().map(|it| it.attempt.as_str()).collect::<Vec<_>>(),
                ["rs-0123456789abcdef"],
                "{shown}"
            );
            drop(tx);
            store.close().await;
            // Who was given a role is known, and every mapping has the revision that it was at.
            let known: Vec<(String, i64)> = look(
                &database.owner,
                "select person.subject, (select count(*) from ledger_entry where kind = 'issued' \
                 and book = lab_person.lab_id and person = lab_person.person_id \
                 and at between first_asked_at and last_asked_at) \
                 from lab_person join person on person.id = lab_person.person_id order by 1",
            )
            .await;
            assert_eq!(known, [("u-1002".to_owned(), 2), ("u-1003".to_owned(), 1)], "{shown}");
            let mappings: Vec<(i64, i64)> = look(
                &database.owner,
                "select count(*), count(mapping_revision.revision) from mapping left join mapping_revision \
                 on mapping_revision.lab_id = mapping.lab_id and mapping_revision.mapping_id = mapping.id \
                 and mapping_revision.revision = mapping.revision",
            )
            .await;
            assert!(mappings[0].0 > 0 && mappings[0].0 == mappings[0].1, "{shown}: {mappings:?}");
            if let Some((before, columns)) = before {
                let mut connection = raw_sqlite(&database.owner).await;
                let (after, _) = contents(&mut connection, Some(&columns)).await;
                assert!(before.values().map(Vec::len).sum::<usize>() > 40, "{shown}: {before:?}");
                assert_eq!(before, after, "{shown}");
            }
        });
    }
}
