//! PostgreSQL's row security, as the broker's login meets it.

use std::future::Future;

use lodge::domain::id::{LabId, PersonId};
use lodge::domain::lab::{Office, Role};
use lodge::domain::person::PersonKey;
use lodge::store::{Address, LAB_TABLES, Store};
use secrecy::ExposeSecret as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Postgres};

use super::fixture::{World, lab, lab_id, now, operator};
use super::raw_sql::lab_column;
use crate::support::postgres::{Cluster, require};
use crate::support::serving::wait;

const A: u8 = b'a';
const B: u8 = b'b';

/// Runs a test over both labs on PostgreSQL, with one connection of the broker's that is used again and again.
fn with_one_connection<T: Future<Output = ()>>(test: &str, then: impl FnOnce(World, PgPool) -> T) {
    if !require(test) {
        return;
    }
    wait(async {
        let world = World::postgres(&[A, B]).await;
        let Address::Postgres(broker) = world.server().broker() else { panic!("not PostgreSQL") };
        let options: PgConnectOptions = broker.url.as_str().parse().unwrap();
        let options = options.password(broker.password.unwrap().expose_secret());
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        then(world, pool).await;
    });
}

type Connection = PoolConnection<Postgres>;

async fn run(connection: &mut Connection, text: impl Into<String>) -> sqlx::Result<u64> {
    Ok(sqlx::query(AssertSqlSafe(text.into())).execute(&mut **connection).await?.rows_affected())
}

/// Whose rows each table shows.
async fn seen(connection: &mut Connection) -> Vec<(&'static str, Vec<String>)> {
    let mut seen = Vec::new();
    for table in LAB_TABLES {
        let column = lab_column(table);
        let text = format!("select distinct {column} from {table} order by {column}");
        let labs: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(text)).fetch_all(&mut **connection).await.unwrap();
        seen.push((table, labs.into_iter().map(|(lab,)| lab).collect()));
    }
    seen
}

/// The same in every table.
fn everywhere(labs: &[LabId]) -> Vec<(&'static str, Vec<String>)> {
    LAB_TABLES.map(|table| (table, labs.iter().map(ToString::to_string).collect())).to_vec()
}

async fn enter(connection: &mut Connection, lab: &str) {
    run(connection, format!("select set_config('lodge.lab', '{lab}', true)")).await.unwrap();
}

#[test]
fn a_transaction_sees_the_lab_that_it_has_entered_and_no_other() {
    with_one_connection("a_transaction_sees_the_lab_that_it_has_entered_and_no_other", async |_world, pool| {
        let mut connection = pool.acquire().await.unwrap();
        let both = [lab_id(A), lab_id(B)];

        assert_eq!(seen(&mut connection).await, everywhere(&[]), "without any setting");
        for end in ["commit", "rollback"] {
            run(&mut connection, "begin").await.unwrap();
            assert_eq!(seen(&mut connection).await, everywhere(&[]), "before it enters one");
            enter(&mut connection, lab_id(A).as_str()).await;
            assert_eq!(seen(&mut connection).await, everywhere(&both[..1]));
            enter(&mut connection, lab_id(B).as_str()).await;
            assert_eq!(seen(&mut connection).await, everywhere(&both[1..]));
            enter(&mut connection, "*").await;
            assert_eq!(seen(&mut connection).await, everywhere(&both));
            for nobodys in ["", " ", "lab-", "%", "**", "LAB-0000000000000000"] {
                enter(&mut connection, nobodys).await;
                assert_eq!(seen(&mut connection).await, everywhere(&[]), "{nobodys:?}");
            }
            enter(&mut connection, "*").await;
            run(&mut connection, end).await.unwrap();
            assert_eq!(seen(&mut connection).await, everywhere(&[]), "after {end}");
        }
    });
}

#[test]
fn a_connection_that_failed_and_is_used_again_sees_nothing() {
    with_one_connection("a_connection_that_failed_and_is_used_again_sees_nothing", async |_world, pool| {
        let mut servers = Vec::new();
        for failing in ["select 1 / 0", "select nonsense", "insert into lab_role (lab_id) values ('x')"] {
            for scope in [lab_id(A).as_str(), "*"] {
                let mut transaction = pool.begin().await.unwrap();
                let setting = format!("select set_config('lodge.lab', '{scope}', true)");
                sqlx::query(AssertSqlSafe(setting)).execute(&mut *transaction).await.unwrap();
                sqlx::query(AssertSqlSafe(failing)).execute(&mut *transaction).await.unwrap_err();
                drop(transaction);

                let mut connection = pool.acquire().await.unwrap();
                let (server,): (i32,) =
                    sqlx::query_as("select pg_backend_pid()").fetch_one(&mut *connection).await.unwrap();
                servers.push(server);
                assert_eq!(seen(&mut connection).await, everywhere(&[]), "{failing}");
            }
        }
        assert_eq!(servers.len(), 6);
        servers.dedup();
        assert_eq!(servers.len(), 1, "it was the same connection throughout");
    });
}

/// Not the setting by hand, but the store's own: triggers say in the server's log, which no rollback takes back, which
/// lab each connection is in when one is to be changed (that one), and when somebody signs in (none).
#[test]
fn the_store_leaves_no_lab_behind_on_its_connections() {
    if !require("the_store_leaves_no_lab_behind_on_its_connections") {
        return;
    }
    wait(async {
        let mut world = World::postgres(&[A, B]).await;
        for text in [
            "create function note() returns trigger language plpgsql as $$ begin \
             raise log 'noted:%:%:%:%:', current_database(), tg_table_name, pg_backend_pid(), \
             coalesce(current_setting('lodge.lab', true), ''); return new; end $$",
            "create trigger note before update on person for each row execute function note()",
            "create trigger note before update on ledger_book for each row execute function note()",
        ] {
            world.raw.run(text, &[]).await;
        }
        let store = Store::open(&world.server().broker()).await.unwrap();
        let key = PersonKey {
            connection: "campus".parse().unwrap(),
            issuer: "https://idp.example.edu/".parse().unwrap(),
            subject: "a-1".parse().unwrap(),
        };
        let access = operator().access(lab(A));

        for end in ["commit", "rollback", "a statement that fails"] {
            let mut tx = store.write().await.unwrap();
            let mut open = tx.lab_to_change(&access).await.unwrap();
            let role: Role = open.roles().await.unwrap().remove(0);
            if end == "a statement that fails" {
                assert!(open.insert_role(&role, now()).await.unwrap_err().is_duplicate());
            }
            if end == "commit" {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            let mut tx = store.read().await.unwrap();
            assert_eq!(tx.labs(&operator()).await.unwrap().len(), 2);
            drop(tx);
            // Often enough that every connection which is open has its turn.
            for _ in 0..8 {
                let mut tx = store.write().await.unwrap();
                tx.upsert_person(&PersonId::from_entropy([0; 10]), &key, None, now()).await.unwrap();
                tx.commit().await.unwrap();
            }
        }

        let log = Cluster::shared().log();
        let start = format!("noted:{}:", world.server().name());
        let noted: Vec<[&str; 3]> = log
            .lines()
            .filter_map(|line| {
                line.split_once(start.as_str())?.1.splitn(4, ':').take(3).collect::<Vec<_>>().try_into().ok()
            })
            .collect();
        let (book, person): (Vec<_>, Vec<_>) = noted.iter().enumerate().partition(|(_, [at, ..])| *at == "ledger_book");
        assert_eq!((book.len(), person.len()), (3, 24));
        assert!(book.iter().all(|(_, [.., lab])| *lab == lab_id(A).as_str()), "{book:?}");
        assert!(person.iter().all(|(_, [.., lab])| lab.is_empty()), "a lab was left behind: {person:?}");
        for (place, [_, server, _]) in book {
            let again = person.iter().any(|(later, [_, other, _])| later > &place && other == server);
            assert!(again, "the connection {server} was not used again");
        }
    });
}

/// What the policies say of writing (`with check`), whatever the statement.
#[test]
fn nothing_is_written_for_a_lab_that_was_not_entered() {
    with_one_connection("nothing_is_written_for_a_lab_that_was_not_entered", async |mut world, pool| {
        let mut connection = pool.acquire().await.unwrap();
        let [a, b] = [lab_id(A), lab_id(B)];
        for table in LAB_TABLES {
            let column = lab_column(table);
            let columns = world.raw.columns(table).await;
            let others = columns.iter().filter(|name| *name != column).cloned().collect::<Vec<_>>().join(", ");
            let insert = format!(
                "insert into {table} ({column}, {others}) select '{a}', {others} from {table} order by 2 limit 1"
            );
            let take_over = format!("update {table} set {column} = '{a}' where {column} = '{b}'");
            for (text, may_be_forbidden) in
                [(insert, false), (take_over, ["ledger_entry", "mapping_revision"].contains(&table))]
            {
                run(&mut connection, "begin").await.unwrap();
                enter(&mut connection, b.as_str()).await;
                let error = run(&mut connection, &text).await.unwrap_err().into_database_error().unwrap();
                run(&mut connection, "rollback").await.unwrap();

                let expected =
                    if may_be_forbidden { "permission denied" } else { "violates row-level security policy" };
                assert!(error.message().contains(expected), "{text}: {error}");
            }
            for text in [
                format!("update {table} set {column} = {column} where {column} = '{a}'"),
                format!("delete from {table} where {column} = '{a}'"),
            ] {
                run(&mut connection, "begin").await.unwrap();
                enter(&mut connection, b.as_str()).await;
                let done = run(&mut connection, &text).await;
                run(&mut connection, "rollback").await.unwrap();

                let only_grows = ["ledger_entry", "mapping_revision"].contains(&table)
                    || (table == "ledger_book" && text.starts_with("delete"));
                match done {
                    Ok(rows) => assert_eq!((rows, only_grows), (0, false), "{text}"),
                    Err(error) => assert!(only_grows && error.to_string().contains("permission denied"), "{error}"),
                }
            }
        }
    });
}

#[test]
fn the_broker_s_login_cannot_touch_an_entry_of_the_ledger() {
    with_one_connection("the_broker_s_login_cannot_touch_an_entry_of_the_ledger", async |mut world, pool| {
        let mut connection = pool.acquire().await.unwrap();
        let before = world.raw.run("select count(*), max(entry) from ledger_entry", &[]).await;
        for text in [
            "update ledger_entry set entry = ''",
            "update ledger_entry set entry = '' where 1 = 0",
            "delete from ledger_entry",
            "truncate ledger_entry",
            "alter table ledger_entry disable trigger all",
            "drop trigger ledger_entry_is_never_changed on ledger_entry",
            "alter table ledger_entry disable row level security",
            "create policy mine on ledger_entry using (true)",
            "alter table ledger_entry rename to old",
            "drop table ledger_entry",
            "delete from ledger_book",
            "truncate ledger_book",
            "insert into _sqlx_migrations select * from _sqlx_migrations",
            "delete from _sqlx_migrations",
            "create table mine (n integer)",
        ] {
            run(&mut connection, "begin").await.unwrap();
            enter(&mut connection, "*").await;
            let error = run(&mut connection, text).await.unwrap_err().to_string();
            run(&mut connection, "rollback").await.unwrap();

            assert!(error.contains("permission denied") || error.contains("must be owner"), "{text}: {error}");
        }
        assert_eq!(world.raw.run("select count(*), max(entry) from ledger_entry", &[]).await, before);
    });
}

#[test]
fn a_standing_given_in_one_lab_is_none_in_the_other() {
    if !require("a_standing_given_in_one_lab_is_none_in_the_other") {
        return;
    }
    wait(async {
        let world = World::postgres(&[A, B]).await;
        let store = Store::open(&world.server().broker()).await.unwrap();
        let (in_a, in_b) = (operator().access(lab(A)), operator().access(lab(B)));
        let person = super::fixture::person(A, 4);

        let mut tx = store.write().await.unwrap();
        tx.lab(&in_a).await.unwrap().put_office(&person, Office::Pi, now()).await.unwrap();
        // One transaction, two labs: each is entered anew.
        assert_eq!(tx.lab(&in_b).await.unwrap().office(&person).await.unwrap(), None);
        assert_eq!(tx.lab(&in_a).await.unwrap().office(&person).await.unwrap(), Some(Office::Pi));
    });
}
