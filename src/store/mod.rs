//! The database: the only module that names sqlx.
//!
//! Each statement is written once, as a constant beside the function that runs it, in the subset that SQLite and
//! PostgreSQL both understand: `$1` parameters, lower-case keywords, no dialect functions, times bound and never asked
//! of the database. Work happens in a [`Tx`]: [`Store::read`] for reading, [`Store::write`] for anything that changes a
//! row. No transaction is ever held across a network call.

mod address;
mod files;
mod labs;
mod ledger;
mod people;
mod sessions;
mod sign_ins;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::Mutex;

use crate::private_file;
use files::Files;

pub use address::{Address, Postgres};
pub use labs::{GivenRole, LabStanding};
pub use ledger::LedgerRow;
pub use people::Snapshot;
pub use sessions::{Code, CodeRow, Session};
pub use sign_ins::SignInTransaction;

/// How long a writer waits for another before it gives up. The wait is the database's, not a queue of ours.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLite lets one writer in at a time; these are for readers beside it.
const READERS: u32 = 8;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do what it was asked: it is away, full, locked, or refused the statement.
    #[error("the database could not carry out a statement")]
    Database(#[from] sqlx::Error),
    /// A file of the database was deleted, renamed or replaced while it was open. What would be written now could never
    /// be read again.
    #[error(
        "the file {} is not the one that was opened: put that one back, or restart the broker on what is there now",
        .0.display()
    )]
    Moved(PathBuf),
    /// A file of the database cannot be made or looked at.
    #[error("the database's files cannot be made or looked at")]
    Files(#[source] std::io::Error),
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row says something that this program never writes.
    #[error("the column {table}.{column} holds something that does not belong there")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// An entry that cannot be put in its canonical form.
    #[error("a ledger entry cannot be written")]
    Ledger(#[from] crate::domain::ledger::EntryError),
}

/// What every function here returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Statements as constants, and a list of all of them for the test that prepares each one.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
use statements;

/// The database, open.
#[derive(Clone, Debug)]
pub struct Store {
    readers: SqlitePool,
    /// One connection, so that our own writers wait in line. Left to SQLite they would sleep and try again, and with
    /// eight of them one in a hundred waited half a second (measured with `tests/bench`).
    writer: SqlitePool,
    files: Files,
    /// Open for as long as the store is, so that the files stay the same ones.
    anchor: Arc<Mutex<Option<SqliteConnection>>>,
}

impl Store {
    /// Opens the SQLite database in this file, creating it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or written, or is of a later version.
    pub async fn open(file: &Path) -> Result<Self> {
        // Made before SQLite does it; the files that SQLite keeps beside it get the same rights.
        private_file::create_if_missing(file).map_err(Error::Files)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With WAL, only FULL makes a commit survive a power cut (sqlite.org/pragma.html#pragma_synchronous). The
            // rule "no credential without a durable record" stands on this line.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let mut anchor = options.connect().await?;
        sqlx::migrate!("migrations/sqlite").run(&mut anchor).await?;
        let files = Files::of(file).map_err(Error::Files)?;
        // A connection that is opened later finds the database that is there, or none.
        let options = options.create_if_missing(false);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .after_release(|connection, _| Box::pin(is_at_rest(connection)))
                .connect_with(options.clone())
        };
        let (readers, writer) = (pool(READERS).await?, pool(1).await?);
        Ok(Self { readers, writer, files, anchor: Arc::new(Mutex::new(Some(anchor))) })
    }

    /// A consistent view for reading.
    ///
    /// # Errors
    ///
    /// When the database is away or not at its path any more.
    pub async fn read(&self) -> Result<Tx> {
        self.files.check()?;
        Ok(Tx { inner: self.readers.begin().await?, files: self.files.clone() })
    }

    /// A transaction that may write. It takes the write lock at once, so that what it read cannot have changed when it
    /// writes.
    ///
    /// # Errors
    ///
    /// When the database is away or not at its path any more, or another writer holds it for too long.
    pub async fn write(&self) -> Result<Tx> {
        self.files.check()?;
        Ok(Tx { inner: self.writer.begin_with("begin immediate").await?, files: self.files.clone() })
    }

    /// Closes every connection, so that the files are whole.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        if let Some(anchor) = self.anchor.lock().await.take()
            && let Err(error) = anchor.close().await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database was not closed cleanly");
        }
    }
}

/// Whether a connection that comes back may be used again: only when its transaction has ended. When the disk is full,
/// SQLite ends it on its own; sqlx then fails to roll it back, counts it as open, and everything after it would run
/// inside a transaction that never ends (sqlx 0.9.0, `connection/worker.rs`).
async fn is_at_rest(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // A rollback that a dropped transaction asked for is done before this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// A unit of work. Dropped without [`Tx::commit`], it never happened.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
    files: Files,
}

impl Tx {
    /// Makes it durable.
    ///
    /// # Errors
    ///
    /// When it could not be made durable; nothing of it then happened. Or when it was written to a file that is not at
    /// its path any more, which comes to the same for everybody who will ever look.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        self.files.check()
    }
}

/// A column's text as the type it must be.
fn column<T: FromStr>(text: &str, table: &'static str, column: &'static str) -> Result<T> {
    text.parse().map_err(|_| Error::Inconsistent { table, column })
}

/// A time, when the column has one.
type MaybeTime = Option<DateTime<Utc>>;

#[cfg(test)]
mod tests {
    use sqlx::{Executor, SqlSafeStr};

    use super::*;

    async fn open() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("lodge.db")).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn every_statement_fits_the_schema() {
        let (_folder, store) = open().await;

        for (name, sql) in [labs::ALL, ledger::ALL, people::ALL, sessions::ALL, sign_ins::ALL].concat() {
            store.writer.prepare(sql.into_sql_str()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[tokio::test]
    async fn what_was_not_committed_never_happened() {
        let (_folder, store) = open().await;
        let id = crate::domain::id::PersonId::from_entropy([1; 10]);
        let key = crate::domain::person::PersonKey {
            connection: "campus".parse().unwrap(),
            issuer: "https://sso.example.edu".parse().unwrap(),
            subject: "s".parse().unwrap(),
        };

        let mut tx = store.write().await.unwrap();
        tx.upsert_person(&id, &key, None, DateTime::UNIX_EPOCH).await.unwrap();
        drop(tx);

        let other = crate::domain::id::PersonId::from_entropy([2; 10]);
        let mut tx = store.write().await.unwrap();
        assert_eq!(tx.upsert_person(&other, &key, None, DateTime::UNIX_EPOCH).await.unwrap(), other);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_may_read_the_database() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, store) = open().await;
        store.write().await.unwrap().commit().await.unwrap();

        for file in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()) {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
        }
    }

    #[tokio::test]
    async fn what_is_committed_to_a_file_without_a_name_is_not_committed() {
        for suffix in ["", "-wal", "-shm"] {
            let (folder, store) = open().await;
            let tx = store.write().await.unwrap();

            std::fs::remove_file(folder.path().join(format!("lodge.db{suffix}"))).unwrap();

            assert!(matches!(tx.commit().await, Err(Error::Moved(_))), "{suffix}");
            assert!(matches!(store.write().await, Err(Error::Moved(_))), "{suffix}");
            assert!(matches!(store.read().await, Err(Error::Moved(_))), "{suffix}");
        }
    }

    /// As it does when the disk is full.
    #[tokio::test]
    async fn a_transaction_that_the_database_ended_itself_leaves_nothing_behind() {
        let (_folder, store) = open().await;
        let mut tx = store.write().await.unwrap();
        sqlx::query("rollback").execute(&mut *tx.inner).await.unwrap();
        assert!(tx.commit().await.is_err());

        for _ in 0..=READERS {
            store.read().await.unwrap();
            store.write().await.expect("a connection that can begin").commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_database_of_a_later_version_is_refused() {
        let (folder, store) = open().await;
        sqlx::query("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', 1, x'00', 0)")
            .execute(&store.writer)
            .await
            .unwrap();
        store.close().await;

        assert!(matches!(Store::open(&folder.path().join("lodge.db")).await, Err(Error::Migrate(_))));
    }
}
