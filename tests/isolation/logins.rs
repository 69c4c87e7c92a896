//! The logins and the schemas that the store refuses to work with, because row security would not hold there.

use lodge::store::{Address, LAB_TABLES, Postgres, Store, migrate};

use super::fixture::World;
use crate::support::postgres::{Database, require};
use crate::support::serving::wait;

const PASSWORD: &str = "of a test";

/// What the store says to this login, when it refuses it.
async fn complaint(address: &Address) -> Option<String> {
    match Store::open(address).await {
        Ok(store) => {
            store.close().await;
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

/// A login of this database's tests alone, since the others share theirs. It has what the broker's login has.
async fn login(database: &Database, name: &str) -> (String, Address) {
    let name = format!("{}_{name}", database.name());
    database.psql(&format!("create role {name} login password '{PASSWORD}';"));
    let url = format!("postgres://{name}@127.0.0.1:{}/{}", database.port(), database.name());
    let address = Address::Postgres(Postgres { url: url.parse().unwrap(), password: Some(PASSWORD.into()) });
    migrate(&database.owner(), &address).await.unwrap();
    assert_eq!(complaint(&address).await, None, "what it begins with is right");
    (name, address)
}

#[test]
fn the_superuser_and_the_owner_are_not_the_broker() {
    if !require("the_superuser_and_the_owner_are_not_the_broker") {
        return;
    }
    wait(async {
        let world = World::postgres(b"a").await;
        let database = world.server();

        assert_eq!(complaint(&database.broker()).await, None);
        assert_eq!(
            complaint(&database.superuser()).await.unwrap(),
            "the broker's login `postgres` is a superuser, for whom row security does not hold; give the broker a \
             login of its own"
        );
        assert_eq!(
            complaint(&database.owner()).await.unwrap(),
            "the broker's login `lodge_owner` owns the table _sqlx_migrations, or is a member of the role that does; \
             migrate as another login"
        );
    });
}

#[test]
fn a_login_that_can_get_around_row_security_is_refused() {
    if !require("a_login_that_can_get_around_row_security_is_refused") {
        return;
    }
    wait(async {
        let world = World::postgres(b"a").await;
        let database = world.server();
        let (name, address) = login(database, "login").await;
        let (other, _) = login(database, "other").await;
        let owner = format!(
            "the broker's login `{name}` owns the table _sqlx_migrations, or is a member of the role that does; migrate \
             as another login"
        );
        let becomes = format!(
            "the broker's login `{name}` is a member of `{other}`, for whom row security does not hold; take it away: \
             revoke {other} from {name}"
        );
        for (done, undone, sentence) in [
            (
                format!("alter role {name} bypassrls"),
                format!("alter role {name} nobypassrls"),
                format!("the broker's login `{name}` has BYPASSRLS; take it away: alter role {name} nobypassrls"),
            ),
            (
                format!("alter role {name} superuser"),
                format!("alter role {name} nosuperuser"),
                format!(
                    "the broker's login `{name}` is a superuser, for whom row security does not hold; give the broker \
                     a login of its own"
                ),
            ),
            (format!("grant lodge_owner to {name}"), format!("revoke lodge_owner from {name}"), owner.clone()),
            // It has none of the owner's rights by itself, and can still become the owner.
            (
                format!("alter role {name} noinherit; grant lodge_owner to {name}"),
                format!("alter role {name} inherit; revoke lodge_owner from {name}"),
                owner.clone(),
            ),
            (
                format!("grant lodge_owner to {other}; grant {other} to {name}"),
                format!("revoke {other} from {name}; revoke lodge_owner from {other}"),
                owner,
            ),
            (
                format!("alter role {other} superuser; grant {other} to {name}"),
                format!("revoke {other} from {name}; alter role {other} nosuperuser"),
                becomes.clone(),
            ),
            (
                format!("alter role {other} bypassrls; grant {other} to {name}"),
                format!("revoke {other} from {name}; alter role {other} nobypassrls"),
                becomes,
            ),
            (
                format!("alter table invitation owner to {name}"),
                "alter table invitation owner to lodge_owner".to_owned(),
                format!(
                    "the broker's login `{name}` owns the table invitation, or is a member of the role that does; \
                     migrate as another login"
                ),
            ),
        ] {
            database.psql(&format!("{done};"));
            assert_eq!(complaint(&address).await, Some(sentence), "{done}");
            database.psql(&format!("{undone};"));
            migrate(&database.owner(), &address).await.unwrap();
            assert_eq!(complaint(&address).await, None, "{undone}");
        }
    });
}

#[test]
fn a_login_that_may_rewrite_the_ledger_is_refused() {
    if !require("a_login_that_may_rewrite_the_ledger_is_refused") {
        return;
    }
    wait(async {
        let world = World::postgres(b"a").await;
        let database = world.server();
        let (name, address) = login(database, "login").await;
        let (other, _) = login(database, "other").await;
        let sentence = format!(
            "the broker's login `{name}` may change entries of the ledger; run `lodged migrate`, which sets its rights"
        );
        for (done, undone) in [
            (format!("grant update on ledger_entry to {name}"), format!("revoke update on ledger_entry from {name}")),
            (format!("grant delete on ledger_entry to {name}"), format!("revoke delete on ledger_entry from {name}")),
            (
                format!("grant truncate on ledger_entry to {name}"),
                format!("revoke truncate on ledger_entry from {name}"),
            ),
            (
                format!("grant update (entry) on ledger_entry to {name}"),
                format!("revoke update (entry) on ledger_entry from {name}"),
            ),
            ("grant delete on ledger_entry to public".into(), "revoke delete on ledger_entry from public".into()),
            (
                format!(
                    "alter role {name} noinherit; grant update on ledger_entry to {other}; grant {other} to {name}"
                ),
                format!("revoke {other} from {name}; revoke update on ledger_entry from {other}"),
            ),
        ] {
            database.psql(&format!("{done};"));
            assert_eq!(complaint(&address).await, Some(sentence.clone()), "{done}");
            database.psql(&format!("{undone};"));
            assert_eq!(complaint(&address).await, None, "{undone}");
        }

        // What the sentence says to do helps.
        database.psql(&format!("grant update, delete on ledger_entry to {name};"));
        assert_eq!(complaint(&address).await, Some(sentence));
        migrate(&database.owner(), &address).await.unwrap();
        assert_eq!(complaint(&address).await, None);
    });
}

#[test]
fn a_schema_whose_row_security_does_not_hold_is_refused() {
    if !require("a_schema_whose_row_security_does_not_hold_is_refused") {
        return;
    }
    wait(async {
        let world = World::postgres(b"a").await;
        let database = world.server();
        for table in LAB_TABLES {
            let off = format!(
                "row security is not on, or not forced, for the table {table}; restore the schema or ask who changed it"
            );
            let leaks = format!(
                "the broker's login sees rows of the table {table} without being in any lab; restore the schema or ask \
                 who changed its policies, or set `lodge.lab` for the login or the database"
            );
            for (done, undone, sentence) in [
                (format!("alter table {table} disable row level security"), "enable row level security", &off),
                (format!("alter table {table} no force row level security"), "force row level security", &off),
            ] {
                database.psql_as_owner(&format!("{done};"));
                assert_eq!(complaint(&database.broker()).await.as_ref(), Some(sentence), "{done}");
                database.psql_as_owner(&format!("alter table {table} {undone};"));
                assert_eq!(complaint(&database.broker()).await, None, "{undone}");
            }
            database.psql_as_owner(&format!("create policy everything on {table} using (true);"));
            assert_eq!(complaint(&database.broker()).await, Some(leaks), "{table}");
            database.psql_as_owner(&format!("drop policy everything on {table};"));
            assert_eq!(complaint(&database.broker()).await, None, "{table}");
        }
    });
}

#[test]
fn a_lab_that_is_set_for_every_connection_is_refused() {
    if !require("a_lab_that_is_set_for_every_connection_is_refused") {
        return;
    }
    wait(async {
        let world = World::postgres(b"a").await;
        let database = world.server();

        database.psql(&format!("alter database {} set lodge.lab = '*';", database.name()));
        let complaint = complaint(&database.broker()).await.unwrap();

        assert!(complaint.starts_with("the broker's login sees rows of the table "), "{complaint}");
    });
}
