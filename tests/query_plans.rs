//! No statement that a request waits for reads a whole table, on either database, however much there is in it: each has
//! an index to go by. The plans are asked of the databases themselves, and what triggers read is looked at, too.

use lodge::store::{self, Address, Listed};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Row as _};

use crate::support::eventually;
use crate::support::postgres::{Cluster, Database, require};
use crate::support::serving::wait;

/// What reads all there is, and may: each with the reason.
const READS_ALL: [(&str, &str); 6] = [
    ("LABS", "the operator lists them all"),
    ("PEOPLE", "the operator looks for a part of a name"),
    ("DECLARE_ACCOUNTS", "the sweep compares all labs with their accounts, and there are hundreds"),
    ("DROP_LEASES", "the only broker of a database starts"),
    ("ALL_BOOKS", "somebody checks the whole ledger"),
    ("COUNT_WRONG_BOOKS", "the doctor looks at every book"),
];

/// A statement or a trigger's own, and what it is called.
struct Text {
    name: String,
    text: String,
}

fn is_listed(name: &str) -> bool {
    READS_ALL.iter().any(|(listed, _)| *listed == name)
}

/// Those of the store that must have an index.
fn statements() -> impl Iterator<Item = Text> {
    let must = store::all_statements().into_iter().filter(|statement| !is_listed(statement.name));
    must.map(|Listed { name, text, .. }| Text { name: name.to_owned(), text: text.to_owned() })
}

/// A text with `$1` and so on for each `new.column` of a trigger.
fn with_parameters(text: &str) -> String {
    let parts = text.split("new.").enumerate().map(|(number, part)| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if number == 0 { part.to_owned() } else { format!("${number}{rest}") }
    });
    parts.collect()
}

/// How many parameters a text has.
fn parameters(text: &str) -> usize {
    let numbers = text
        .split('$')
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse().ok()));
    numbers.max().unwrap_or(0)
}

mod sqlite {
    use super::*;

    pub(super) async fn open(folder: &std::path::Path) -> SqliteConnection {
        let file = folder.join("lodge.db");
        let address = Address::Sqlite(file.clone());
        store::migrate(&address, &address).await.unwrap();
        SqliteConnectOptions::new().filename(file).connect().await.unwrap()
    }

    /// What the triggers ask before they let a row in. A plan does not show it by itself.
    pub(super) async fn triggers(connection: &mut SqliteConnection) -> Vec<Text> {
        let rows = sqlx::query("select name, sql from sqlite_master where type = 'trigger' order by name");
        let rows = rows.fetch_all(connection).await.unwrap();
        let asks = rows.iter().filter_map(|row| {
            let (name, sql): (String, String) = (row.get(0), row.get(1));
            let condition = sql.split_once("\nwhen ")?.1.split_once("\nbegin")?.0;
            Some(Text { name, text: format!("select 1 where {}", with_parameters(condition)) })
        });
        asks.collect()
    }

    /// Every step of a plan that reads a table from one end to the other.
    pub(super) async fn complaints(connection: &mut SqliteConnection, texts: &[Text]) -> Vec<String> {
        let mut found = Vec::new();
        for Text { name, text } in texts {
            // A plan that is kept is not made anew when an index goes.
            let plan = sqlx::query(AssertSqlSafe(format!("explain query plan {text}"))).persistent(false);
            for step in plan.fetch_all(&mut *connection).await.unwrap() {
                let step: String = step.get("detail");
                let scans = step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW" && !step.starts_with("SCAN (");
                // An index that is made for one statement is made by reading everything.
                if scans || step.contains(" AUTOMATIC ") {
                    found.push(format!("{name}: {step}"));
                }
            }
        }
        found
    }
}

mod postgres {
    use super::*;

    pub(super) fn open() -> Database {
        let database = Cluster::shared().database();
        wait(store::migrate(&database.owner(), &database.broker())).unwrap();
        database
    }

    pub(super) fn triggers(database: &Database) -> Vec<Text> {
        let sources = database.psql(
            "select proname || '|' || replace(prosrc, E'\\n', ' ') from pg_proc \
             where pronamespace = 'public'::regnamespace and prosrc like '%select%' order by proname;",
        );
        let asks = sources.lines().map(|line| {
            let (name, source) = line.split_once('|').unwrap();
            let asked = source.split_once(" if ").and_then(|(_, rest)| Some(rest.split_once(" then ")?.0));
            let asked = asked.unwrap_or_else(|| panic!("{name} asks in another way"));
            Text { name: name.to_owned(), text: format!("select 1 where {}", with_parameters(asked)) }
        });
        asks.collect()
    }

    /// Every step of a plan that reads a table, or an index, from one end to the other. The plans are those of the
    /// broker's login, for whom row security adds its own conditions; and of tables so large that an index is worth it.
    pub(super) fn complaints(database: &Database, texts: &[Text]) -> Vec<String> {
        let settings = "set enable_seqscan = off; set plan_cache_mode = force_generic_plan;\n\
                        select from set_config('lodge.lab', 'lab-0000000000000000', false);\n";
        let asking = texts.iter().map(|Text { name, text }| {
            let nulls = vec!["null"; parameters(text)].join(", ");
            let values = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
            format!(
                "\\echo @ {name}\nprepare asked as {text};\nexplain (costs off) execute asked{values};\ndeallocate asked;\n"
            )
        });
        let script: String = std::iter::once(settings.to_owned()).chain(asking).collect();
        let said = database.psql_as_broker(&script);
        let mut found = Vec::new();
        for plan in said.split("@ ").skip(1) {
            let mut lines = plan.lines().peekable();
            let name = lines.next().unwrap_or_default().to_owned();
            assert!(lines.peek().is_some(), "{name} has no plan");
            while let Some(line) = lines.next() {
                let by_index = line.contains("Index Scan") || line.contains("Index Only Scan");
                let has_condition = lines.peek().is_some_and(|next| next.contains("Index Cond:"));
                if line.contains("Seq Scan") || (by_index && !has_condition) {
                    found.push(format!("{name}: {}", line.trim()));
                }
            }
        }
        found
    }
}

#[test]
fn no_statement_on_sqlite_reads_a_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    wait(async {
        let mut connection = sqlite::open(folder.path()).await;
        let mut texts: Vec<Text> = statements().collect();
        let triggers = sqlite::triggers(&mut connection).await;
        assert_eq!(triggers.len(), 2, "a trigger that looks at nothing, or in a way that is not understood here");
        texts.extend(triggers);

        assert_eq!(sqlite::complaints(&mut connection, &texts).await, [""; 0]);

        connection.execute("drop index sign_in_by_person").await.unwrap();
        let found = sqlite::complaints(&mut connection, &texts).await;
        let old = "OLD_SIGN_INS: SEARCH newer EXISTS USING AUTOMATIC PARTIAL COVERING INDEX (person_id=?)";
        for expected in ["UPSERT_PERSON: SCAN sign_in", "LATEST_SIGN_IN: SCAN sign_in", "GIVEN_TO: SCAN latest", old] {
            assert!(found.iter().any(|it| it == expected), "{expected} is not in {found:?}");
        }
    });
}

#[test]
fn no_statement_on_postgres_reads_a_whole_table() {
    if !require("no_statement_on_postgres_reads_a_whole_table") {
        return;
    }
    let database = postgres::open();
    let mut texts: Vec<Text> = statements().collect();
    let triggers = postgres::triggers(&database);
    assert_eq!(triggers.len(), 1);
    texts.extend(triggers);

    assert_eq!(postgres::complaints(&database, &texts), [""; 0]);

    database.psql_as_owner("drop index sign_in_by_person;");
    let complaints = postgres::complaints(&database, &texts);
    for expected in ["LATEST_SIGN_IN: ", "GIVEN_TO: "] {
        assert!(complaints.iter().any(|it| it.starts_with(expected) && it.contains("sign_in")), "{complaints:?}");
    }
}

/// A plan that a connection made while a book was short is kept when it is long. PostgreSQL counts what it reads.
#[test]
fn an_entry_of_a_long_book_reads_no_more_than_one_of_a_short_one() {
    const ENTRIES: i64 = 2_000;
    if !require("an_entry_of_a_long_book_reads_no_more_than_one_of_a_short_one") {
        return;
    }
    let database = postgres::open();
    database.psql_as_owner("alter table ledger_entry set (autovacuum_enabled = false); analyze;");
    let book = "lab-0000000000000001";
    let one_by_one = format!(
        "select from set_config('lodge.lab', '{book}', false);
         do $$ begin for place in 1..{ENTRIES} loop
             insert into ledger_entry values ('{book}', place, now(), 'attempted', '', place::text, '');
         end loop; end $$;"
    );

    database.psql_as_broker(&one_by_one);

    let read = || {
        let read =
            "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relname = 'ledger_entry';";
        database.psql(read).parse::<i64>().unwrap()
    };
    // A session tells its numbers when it ends, at the latest.
    let read = eventually("the numbers of the session", || Some(read()).filter(|read| *read > ENTRIES / 2));
    assert!(read < 4 * ENTRIES, "{read} rows for {ENTRIES} entries");
    let gap = format!("select from set_config('lodge.lab', '{book}', false); insert into ledger_entry values ");
    for place in [1, ENTRIES, ENTRIES + 2] {
        let refused =
            database.try_psql_as_broker(&format!("{gap} ('{book}', {place}, now(), 'refused', '', 'x', '');"));
        assert!(refused.as_ref().is_err_and(|error| error.contains("the ledger has no gaps")), "{place}: {refused:?}");
    }
}

#[test]
fn what_may_read_everything_exists() {
    let all = store::all_statements();
    for (name, _) in READS_ALL {
        assert!(all.iter().any(|statement| statement.name == name), "{name}");
    }
}
