//! A connection that runs any text at all, to either database, and looks at what is then in the tables.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lodge::store::{Address, LAB_TABLES};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

use crate::support::databases::{raw_postgres, raw_sqlite};

/// What is bound to a parameter.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    At(DateTime<Utc>),
    NoTime,
    NoText,
    Flag(bool),
}

/// A connection.
pub(super) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The columns of each table that holds labs' data.
#[derive(Clone, Debug)]
pub(super) struct Layout(BTreeMap<&'static str, Vec<String>>);

macro_rules! fetch {
    ($connection:expr, $text:expr, $values:expr, $row:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($text.to_owned()));
        for value in $values {
            query = match value.clone() {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
                Value::At(at) => query.bind(at),
                Value::NoText => query.bind(None::<String>),
                Value::NoTime => query.bind(None::<DateTime<Utc>>),
                Value::Flag(flag) => query.bind(flag),
            };
        }
        query.fetch_all($connection).await.map(|rows| rows.iter().map($row).collect())
    }};
}

impl Raw {
    pub(super) async fn sqlite(address: &Address) -> Self {
        Self::Sqlite(raw_sqlite(address).await)
    }

    pub(super) async fn postgres(address: &Address) -> Self {
        Self::Postgres(raw_postgres(address).await)
    }

    /// Runs one statement. A row is a text, with `|` between its columns.
    pub(super) async fn try_run(&mut self, text: &str, values: &[Value]) -> sqlx::Result<Vec<String>> {
        match self {
            Self::Sqlite(connection) => fetch!(connection, text, values, sqlite_row),
            Self::Postgres(connection) => fetch!(connection, text, values, postgres_row),
        }
    }

    /// The same, where it must work.
    pub(super) async fn run(&mut self, text: &str, values: &[Value]) -> Vec<String> {
        self.try_run(text, values).await.unwrap_or_else(|e| panic!("{text}\n{e}"))
    }

    /// Lets row security know which lab this transaction is in; `*` for all of them.
    pub(super) async fn enter(&mut self, lab: &str) {
        if matches!(self, Self::Postgres(_)) {
            self.run("select set_config('lodge.lab', $1, true)", &[Value::Text(lab.to_owned())]).await;
        }
    }

    /// The names of a table's columns, in order.
    pub(super) async fn columns(&mut self, table: &str) -> Vec<String> {
        let text = match self {
            Self::Sqlite(_) => "select name from pragma_table_info($1) order by cid",
            Self::Postgres(_) => {
                "select column_name::text from information_schema.columns \
                 where table_schema = current_schema() and table_name = $1 order by ordinal_position"
            }
        };
        self.run(text, &[Value::Text(table.to_owned())]).await
    }

    /// The tables that there are.
    pub(super) async fn tables(&mut self) -> Vec<String> {
        let text = match self {
            Self::Sqlite(_) => "select name from sqlite_master where type = 'table' order by name",
            Self::Postgres(_) => {
                "select relname::text from pg_class where relnamespace = to_regnamespace(current_schema()::text) \
                 and relkind in ('r', 'p', 'v', 'm', 'f') order by relname"
            }
        };
        self.run(text, &[]).await
    }

    pub(super) async fn layout(&mut self) -> Layout {
        let mut columns = BTreeMap::new();
        for table in LAB_TABLES {
            columns.insert(table, self.columns(table).await);
        }
        Layout(columns)
    }

    /// Every row of every lab, in two: those of this lab, and those of all others.
    pub(super) async fn dump(&mut self, layout: &Layout, lab: &str) -> (Vec<String>, Vec<String>) {
        let (mut of_lab, mut of_others) = (Vec::new(), Vec::new());
        for (table, columns) in &layout.0 {
            let texts: Vec<_> = columns.iter().map(|column| format!("coalesce(cast({column} as text), '~')")).collect();
            let column = lab_column(table);
            for (is_of_lab, into) in [("=", &mut of_lab), ("<>", &mut of_others)] {
                let select = format!(
                    "select '{table}: ' || {} as line from {table} where {column} {is_of_lab} $1 order by line",
                    texts.join(" || '|' || ")
                );
                into.extend(self.run(&select, &[Value::Text(lab.to_owned())]).await);
            }
        }
        (of_lab, of_others)
    }
}

/// The column that says whose row it is.
pub(super) fn lab_column(table: &str) -> &'static str {
    match table {
        "lab" => "id",
        "ledger_entry" | "ledger_book" | "open_attempt" => "book",
        _ => "lab_id",
    }
}

fn sqlite_row(row: &SqliteRow) -> String {
    let columns = (0..row.len()).map(|column| {
        let text: Option<String> = row.try_get_unchecked(column).unwrap();
        text.unwrap_or_else(|| "~".to_owned())
    });
    columns.collect::<Vec<_>>().join("|")
}

fn postgres_row(row: &PgRow) -> String {
    let columns = (0..row.len()).map(|column| {
        let raw = row.try_get_raw(column).unwrap();
        if raw.is_null() {
            return "~".to_owned();
        }
        match raw.type_info().name() {
            "BOOL" => row.get::<bool, _>(column).to_string(),
            "INT8" => row.get::<i64, _>(column).to_string(),
            "TIMESTAMPTZ" => row.get::<DateTime<Utc>, _>(column).to_rfc3339(),
            "VOID" => String::new(),
            _ => row.get::<String, _>(column),
        }
    });
    columns.collect::<Vec<_>>().join("|")
}
