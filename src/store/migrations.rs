//! Bringing the schema up to date, and finding out whether it is. The rules for writing one are in
//! `migrations/README.md`.

use sqlx::Connection;
use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::address::Address;
use super::sqlite::Alone;
use super::{Database, Error, LoginError, Result, Store, health, postgres, sqlite};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// A schema that this program cannot work with, or could not bring up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// There is none yet, or an earlier one.
    #[error("the database's schema is older than this program ({missing} to go); run `lodged migrate`")]
    Behind {
        /// How many migrations are missing.
        missing: usize,
    },
    /// A later program has been here.
    #[error("the database's schema is of a later version of this program (it has migration {version}); use that one")]
    Ahead {
        /// The latest migration that this program does not know.
        version: i64,
    },
    /// A migration is not the one that this program has, or did not end.
    #[error("migration {version} of the database is not this program's; restore a backup or ask who changed it")]
    Different {
        /// Which.
        version: i64,
    },
    /// It did not work.
    #[error("the schema could not be brought up to date")]
    Migrate(#[source] MigrateError),
}

impl From<MigrateError> for SchemaError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Ahead { version },
            MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => Self::Different { version },
            other => Self::Migrate(other),
        }
    }
}

/// A migration that was applied just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub name: String,
}

/// Brings the schema up to date: makes a SQLite file when it is not there; on PostgreSQL works as the owner of the
/// tables and then gives `broker`, the login that `lodged serve` uses, what it needs and no more. Says what was applied.
///
/// # Errors
///
/// When the database cannot be reached or made, a broker is running on the SQLite file, the schema is of a later
/// version, or a migration does not work.
pub async fn migrate(owner: &Address, broker: &Address) -> Result<Vec<Migration>> {
    match owner {
        Address::Sqlite(file) => {
            let mut connection = sqlite::create(file).await?;
            // A broker of an earlier version would not know the new schema.
            let _alone = Alone::on(file)?;
            let before = applied(&mut connection).await?;
            SQLITE.run(&mut connection).await.map_err(SchemaError::from)?;
            let after = applied(&mut connection).await?;
            connection.close().await?;
            Ok(new(&SQLITE, &before, &after))
        }
        Address::Postgres(address) => {
            let mut connection = postgres::connect(address).await?;
            let before = applied(&mut connection).await?;
            POSTGRES.run(&mut connection).await.map_err(SchemaError::from)?;
            let after = applied(&mut connection).await?;
            health::grant(&mut connection, broker).await?;
            connection.close().await?;
            Ok(new(&POSTGRES, &before, &after))
        }
    }
}

fn new(migrator: &Migrator, before: &[i64], after: &[i64]) -> Vec<Migration> {
    let is_new = |version| !before.contains(version) && after.contains(version);
    let migrations = migrator.iter().filter(|migration| is_new(&migration.version));
    migrations.map(|it| Migration { version: it.version, name: it.description.to_string() }).collect()
}

/// The migrations that a database says it has had. None when it has never been asked.
async fn applied<C: Migrate>(connection: &mut C) -> Result<Vec<i64>> {
    connection.ensure_migrations_table("_sqlx_migrations").await.map_err(SchemaError::from)?;
    let list = connection.list_applied_migrations("_sqlx_migrations").await.map_err(SchemaError::from)?;
    Ok(list.into_iter().map(|it| it.version).collect())
}

impl Store {
    /// That the schema is this program's.
    pub(super) async fn check_schema(&self) -> Result<()> {
        let (migrator, applied) = match &self.database {
            Database::Sqlite(store) => (&SQLITE, recorded_sqlite(store).await?),
            Database::Postgres(store) => (&POSTGRES, recorded_postgres(store).await?),
        };
        Ok(compare(migrator, &applied)?)
    }
}

/// What is recorded, without making the table that records it: a login that may only read can ask.
const RECORDED: &str = "select version, success, checksum from _sqlx_migrations order by version";

type Recorded = (i64, bool, Vec<u8>);

async fn recorded_sqlite(store: &sqlite::SqliteStore) -> Result<Vec<Recorded>> {
    let (tables,): (i64,) = sqlx::query_as("select count(*) from sqlite_master where name = '_sqlx_migrations'")
        .fetch_one(&store.readers)
        .await?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(RECORDED).fetch_all(&store.readers).await?)
}

async fn recorded_postgres(store: &postgres::PostgresStore) -> Result<Vec<Recorded>> {
    let (login, may_read): (String, Option<bool>) = sqlx::query_as(
        "select current_user::text, has_table_privilege(current_user, to_regclass('_sqlx_migrations'), 'select')",
    )
    .fetch_one(&store.pool)
    .await?;
    match may_read {
        None => Ok(Vec::new()),
        Some(false) => Err(Error::Login(LoginError::NoRights(login))),
        Some(true) => Ok(sqlx::query_as(RECORDED).fetch_all(&store.pool).await?),
    }
}

fn compare(migrator: &Migrator, recorded: &[Recorded]) -> std::result::Result<(), SchemaError> {
    let mut missing = 0;
    for known in migrator.iter() {
        match recorded.iter().find(|(version, ..)| *version == known.version) {
            Some((_, true, checksum)) if **checksum == *known.checksum => {}
            Some((version, ..)) => return Err(SchemaError::Different { version: *version }),
            None => missing += 1,
        }
    }
    let is_unknown = |version: &i64| !migrator.iter().any(|known| known.version == *version);
    if let Some((version, ..)) = recorded.iter().rev().find(|(version, ..)| is_unknown(version)) {
        return Err(SchemaError::Ahead { version: *version });
    }
    if missing > 0 { Err(SchemaError::Behind { missing }) } else { Ok(()) }
}
