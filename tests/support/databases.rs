//! Databases of both kinds, so that a test can say the same of each.

use lodge::store::{self, Address, Store};
use secrecy::ExposeSecret;
use sqlx::{ConnectOptions, PgConnection, SqliteConnection};

use super::postgres::{self, Cluster};

/// Which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file of its own.
    Sqlite,
    /// A database of its own on the tests' PostgreSQL.
    Postgres,
}

impl Kind {
    /// Both, or SQLite alone where PostgreSQL may be left out: that is said aloud.
    pub(crate) fn all(test: &str) -> Vec<Self> {
        if postgres::require(test) { vec![Self::Sqlite, Self::Postgres] } else { vec![Self::Sqlite] }
    }
}

/// A new database with the schema in it.
pub(crate) struct TestDatabase {
    /// For the login that owns the tables.
    pub(crate) owner: Address,
    /// For the broker's login.
    pub(crate) broker: Address,
    place: Place,
}

/// Where it is, for as long as it is needed.
enum Place {
    Sqlite(#[expect(dead_code, reason = "it is kept, not used")] tempfile::TempDir),
    Postgres(postgres::Database),
}

impl TestDatabase {
    /// One of this kind, with nothing in it.
    pub(crate) fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let address = Address::Sqlite(folder.path().join("lodge.db"));
                Self { owner: address.clone(), broker: address, place: Place::Sqlite(folder) }
            }
            Kind::Postgres => {
                let database = Cluster::shared().database();
                let (owner, broker) = (database.owner(), database.broker());
                Self { owner, broker, place: Place::Postgres(database) }
            }
        }
    }

    /// One of this kind, with the schema in it.
    pub(crate) async fn new(kind: Kind) -> Self {
        let database = Self::empty(kind);
        store::migrate(&database.owner, &database.broker).await.unwrap();
        database
    }

    /// Opens it beside whoever else has it open.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.broker).await.unwrap()
    }

    /// The database on the tests' PostgreSQL, if it is there.
    pub(crate) fn postgres(&self) -> Option<&postgres::Database> {
        match &self.place {
            Place::Postgres(database) => Some(database),
            Place::Sqlite(_) => None,
        }
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
