//! New databases of both kinds, for tests that open the store itself.

use std::path::Path;

use lodge::store::{self, Address, Store};
use secrecy::ExposeSecret;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ConnectOptions, FromRow, PgConnection, SqliteConnection};
use tempfile::TempDir;

use super::database::Place;
use super::postgres::Database;

pub(crate) use super::database::Kind;

/// A new database, in a folder of its own.
pub(crate) struct TestDatabase {
    /// For the login that owns the tables.
    pub(crate) owner: Address,
    /// For the broker's login.
    pub(crate) broker: Address,
    place: Place,
    _folder: TempDir,
}

impl TestDatabase {
    /// One of this kind, with nothing in it.
    pub(crate) fn empty(kind: Kind) -> Self {
        Self::at(|folder| Place::new(kind, folder))
    }

    fn at(place: impl FnOnce(&Path) -> Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        Self { owner: place.owner(), broker: place.broker(), place, _folder: folder }
    }

    /// One of this kind, with the schema in it.
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::empty(kind).migrated().await
    }

    /// One on this PostgreSQL, with the schema in it.
    pub(crate) async fn over(server: Database) -> Self {
        Self::at(|folder| Place::on(Some(server), folder)).migrated().await
    }

    async fn migrated(self) -> Self {
        store::migrate(&self.owner, &self.broker).await.unwrap();
        self
    }

    /// Opens it beside whoever else has it open.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.broker).await.unwrap()
    }

    /// Opens it for a broker in this process. One in use gives up on PostgreSQL after a second (`database_away` and whatever
    /// starts a `lodged`), and on a machine that does much else a server stands still for longer.
    pub(crate) async fn serve(&self) -> Store {
        Store::serve_patiently(&self.broker).await.unwrap()
    }

    /// The database on the tests' PostgreSQL, if it is there.
    pub(crate) const fn postgres(&self) -> Option<&Database> {
        self.place.server()
    }
}

/// A connection of the tests' own to a SQLite file, which is made where it is not there.
pub(crate) async fn raw_sqlite(address: &Address) -> SqliteConnection {
    let Address::Sqlite(file) = address else { panic!("{address} is not SQLite") };
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
    options.connect().await.unwrap()
}

/// A connection of the tests' own to PostgreSQL.
pub(crate) async fn raw_postgres(address: &Address) -> PgConnection {
    let Address::Postgres(postgres) = address else { panic!("{address} is not PostgreSQL") };
    let options: sqlx::postgres::PgConnectOptions = postgres.url.as_str().parse().unwrap();
    let password = postgres.password.as_ref().unwrap().expose_secret();
    options.password(password).connect().await.unwrap()
}

/// What a query shows to the owner of the tables, for whom no row security holds.
pub(crate) async fn look<R>(owner: &Address, query: &'static str) -> Vec<R>
where
    R: for<'row> FromRow<'row, SqliteRow> + for<'row> FromRow<'row, PgRow> + Send + Unpin,
{
    let rows = match owner {
        Address::Sqlite(_) => sqlx::query_as(query).fetch_all(&mut raw_sqlite(owner).await).await,
        Address::Postgres(_) => sqlx::query_as(query).fetch_all(&mut raw_postgres(owner).await).await,
    };
    rows.unwrap()
}
