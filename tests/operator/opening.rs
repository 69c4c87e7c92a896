//! What an operator reads when the database cannot be used: one line that says what to do. `serve` makes nothing.

use lodge::store::Address;

use super::{Premises, migrations, names_in};
use crate::support::database::Kind;
use crate::support::postgres;
use crate::support::process::Process;

const NO_DATABASE: &str = "there is no database; make it with `lodged migrate`";

/// What `serve` says; the operator's commands say the same.
fn said(premises: &Premises) -> String {
    let operator = premises.operator();
    let says = operator.refused(&["lab", "list"]);
    let mut serve = operator.command(&["serve"]);
    let ended = Process::run("lodged", serve.env("LODGE_LOG", "error"), "");
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    assert_eq!(ended.stderr, format!("lodged: {says}\n"));
    let database = format!("the database {}: ", premises.place.broker());
    says.strip_prefix(&database).unwrap_or(&says).to_owned()
}

#[test]
fn serve_makes_no_database() {
    let premises = Premises::new(Kind::Sqlite);
    let before = names_in(premises.folder.path());

    assert_eq!(said(&premises), NO_DATABASE);

    assert_eq!(names_in(premises.folder.path()), before);
    std::fs::write(premises.place.file(), "").unwrap();
    assert_eq!(said(&premises), NO_DATABASE, "an empty file is none");
    assert_eq!(std::fs::metadata(premises.place.file()).unwrap().len(), 0);
}

#[test]
fn what_is_no_database_is_said() {
    let premises = Premises::new(Kind::Sqlite);
    std::fs::write(premises.place.file(), "something else, and long enough to look like more than nothing").unwrap();

    assert!(said(&premises).ends_with("file is not a database"), "{}", said(&premises));
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let premises = Premises::new(Kind::Sqlite);
    premises.write("[database]\nfile = \"/nowhere/lodge.db\"\n");

    let says = premises.operator().refused(&["migrate"]);

    assert!(
        says.starts_with("the database /nowhere/lodge.db: ") && says.contains("No such file or directory"),
        "{says}"
    );
}

#[test]
fn a_schema_of_another_version_is_said() {
    for kind in Kind::all("a_schema_of_another_version_is_said") {
        let premises = Premises::new(kind);
        if kind == Kind::Postgres {
            let all = migrations().len();
            let older = format!("the database's schema is older than this program ({all} to go); run `lodged migrate`");
            assert_eq!(said(&premises), older);
        }
        premises.operator().told(&["migrate"]);
        let later = "insert into _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
            values (99, 'of the future', current_timestamp, true, 'x', 1)";
        change(&premises, later);

        let says = said(&premises);

        let ahead = "the database's schema is of a later version of this program (it has migration 99); use that one";
        assert_eq!(says, ahead);
        assert!(premises.operator().refused(&["migrate"]).ends_with(ahead), "an earlier program changes nothing");
        // The copy that one wants before anything else is made all the same.
        premises.operator().told(&["backup", premises.path("copy").to_str().unwrap()]);
        change(&premises, &format!("delete from _sqlx_migrations where version in ({}, 99)", migrations().len()));
        let older = "the database's schema is older than this program (1 to go); run `lodged migrate`";
        assert_eq!(said(&premises), older);
    }
}

/// Changes the database as nobody should.
fn change(premises: &Premises, sql: &str) {
    match premises.place.server() {
        Some(database) => drop(database.psql_as_owner(&format!("{sql};"))),
        None => crate::support::serving::wait(async {
            use sqlx::{Connection, Executor};
            let url = format!("sqlite://{}", premises.place.file().display());
            let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
            connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.unwrap();
            connection.close().await.unwrap();
        }),
    }
}

#[test]
fn a_login_that_may_not_be_the_broker_s_is_refused() {
    if !postgres::require("a_login_that_may_not_be_the_broker_s_is_refused") {
        return;
    }
    let premises = Premises::new(Kind::Postgres);
    premises.place.migrate();
    let server = premises.place.server().unwrap();
    let bypassing = format!("bypassing_{}", server.name());
    server.psql(&format!(
        "create role {bypassing} login bypassrls password 'bypassing'; grant select on all tables in schema public to \
         {bypassing};"
    ));
    let as_login = |login: &str, password: &str| {
        let toml = premises.place.toml().replace("postgres://lodge@", &format!("postgres://{login}@"));
        // None of them is another login's owner here.
        let kept = toml.lines().filter(|line| !line.starts_with("owner")).collect::<Vec<_>>().join("\n");
        premises.write(&kept);
        std::fs::write(premises.path("password"), password).unwrap();
        let says = said(&premises);
        says.split_once("/lodge_test_").map_or(says.clone(), |(_, rest)| rest.split_once(": ").unwrap().1.to_owned())
    };
    let password = |address: &Address| match address {
        Address::Postgres(postgres) => {
            secrecy::ExposeSecret::expose_secret(postgres.password.as_ref().unwrap()).to_owned()
        }
        Address::Sqlite(_) => unreachable!(),
    };

    let superuser = as_login("postgres", &password(&server.superuser()));
    let owner = as_login("lodge_owner", &password(&server.owner()));
    let bypasses = as_login(&bypassing, "bypassing");
    let wrong = as_login("lodge", "a guess");
    let unknown = as_login("nobody", "a guess");
    server.psql(&format!("drop owned by {bypassing}; drop role {bypassing};"));

    assert!(superuser.starts_with("the broker's login `postgres` is a superuser"), "{superuser}");
    assert!(owner.starts_with("the broker's login `lodge_owner` owns the table "), "{owner}");
    let says =
        format!("the broker's login `{bypassing}` has BYPASSRLS; take it away: alter role {bypassing} nobypassrls");
    assert_eq!(bypasses, says);
    assert_eq!(wrong, "cannot connect: password authentication failed for user \"lodge\"");
    assert_eq!(unknown, "cannot connect: password authentication failed for user \"nobody\"");
}

#[test]
fn a_server_or_a_database_that_is_not_there_is_said() {
    if !postgres::require("a_server_or_a_database_that_is_not_there_is_said") {
        return;
    }
    let premises = Premises::new(Kind::Postgres);
    premises.place.migrate();
    let server = premises.place.server().unwrap();
    let good = premises.place.toml();

    premises.write(&good.replace(&format!(":{}/", server.port()), ":1/"));
    let away = said(&premises);
    let away_to_backup = premises.operator().refused(&["backup", premises.path("copy").to_str().unwrap()]);
    premises.write(&good.replace(server.name(), "nothing_here"));
    let nothing = said(&premises);
    let to_migrate = premises.operator().refused(&["migrate"]);

    assert!(away.ends_with(": cannot connect: Connection refused (os error 111)"), "{away}");
    assert!(away_to_backup.ends_with(": cannot connect: Connection refused (os error 111)"), "{away_to_backup}");
    assert!(nothing.ends_with(": cannot connect: database \"nothing_here\" does not exist"), "{nothing}");
    assert!(to_migrate.ends_with(": cannot connect: database \"nothing_here\" does not exist"), "{to_migrate}");
}

#[test]
fn rights_that_are_missing_or_too_many_are_set_by_migrate() {
    if !postgres::require("rights_that_are_missing_or_too_many_are_set_by_migrate") {
        return;
    }
    let premises = Premises::new(Kind::Postgres);
    premises.place.migrate();
    let server = premises.place.server().unwrap();

    server.psql_as_owner("revoke all on all tables in schema public from lodge;");
    let none = said(&premises);
    premises.operator().told(&["migrate"]);
    premises.operator().run(&["lab", "list"]);
    server.psql_as_owner("grant update on ledger_entry to lodge;");
    let too_many = said(&premises);
    premises.operator().told(&["migrate"]);

    let run = "run `lodged migrate`, which sets its rights";
    assert_eq!(none, format!("the broker's login `lodge` has no rights on the tables; {run}"));
    assert_eq!(too_many, format!("the broker's login `lodge` may change entries of the ledger; {run}"));
    assert_eq!(premises.operator().json(&["lab", "list"]), serde_json::json!([]));
}

#[test]
fn migrate_needs_the_owner_and_a_login_that_is_known() {
    if !postgres::require("migrate_needs_the_owner_and_a_login_that_is_known") {
        return;
    }
    let premises = Premises::new(Kind::Postgres);
    let good = premises.place.toml();

    premises.write(&good.lines().filter(|line| !line.starts_with("owner")).collect::<Vec<_>>().join("\n"));
    let none = premises.operator().refused(&["migrate"]);
    premises.write(&good.replace("postgres://lodge@", "postgres://nobody@"));
    let unknown = premises.operator().refused(&["migrate"]);

    assert_eq!(none, "database.owner: this needs the login that owns the tables, and none is set");
    assert!(
        unknown.ends_with("does not know the broker's login `nobody`; make it: create role nobody login password '…'"),
        "{unknown}"
    );
}
