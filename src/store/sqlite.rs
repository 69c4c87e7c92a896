//! The SQLite side: one file, one broker, many readers and one writer at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::Mutex;

use super::files::Files;
use super::{Error, Result};
use crate::private_file;

/// How long a writer waits for another before it gives up. The wait is the database's, not a queue of ours.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many rows SQLite may be ahead of whoever reads them. Each time the buffer is full, two threads change places: with
/// sqlx's own 50 that took as long as reading a lab's 2,000 names (measured with `tests/bench --case pages`).
const ROW_BUFFER: usize = 2_500;

/// How long a request waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLite lets one writer in at a time; these are for readers beside it.
pub(super) const READERS: u32 = 8;

/// The file, open.
#[derive(Clone, Debug)]
pub(super) struct SqliteStore {
    pub(super) readers: SqlitePool,
    /// One connection, so that our own writers wait in line. Left to SQLite they would sleep and try again, and with
    /// eight of them one in a hundred waited half a second (measured with `tests/bench`).
    pub(super) writer: SqlitePool,
    pub(super) files: Files,
    /// Open for as long as the store is, so that the files stay the same ones.
    anchor: Arc<Mutex<Option<SqliteConnection>>>,
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // With WAL, only FULL makes a commit survive a power cut (sqlite.org/pragma.html#pragma_synchronous). The rule
        // "no credential without a durable record" stands on this line.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROW_BUFFER)
}

/// Makes the file when it is not there, for nobody else to read, and connects to it.
pub(super) async fn create(file: &Path) -> Result<SqliteConnection> {
    // Made before SQLite does it; the files that SQLite keeps beside it get the same rights.
    private_file::create_if_missing(file).map_err(Error::Files)?;
    Ok(options(file).connect().await?)
}

/// One connection to a file that is there.
pub(super) async fn connect(file: &Path) -> Result<SqliteConnection> {
    // An empty file is one that somebody else made, or a `migrate` that was stopped at once.
    if !file.try_exists().map_err(Error::Files)? || std::fs::metadata(file).map_err(Error::Files)?.len() == 0 {
        return Err(Error::NoDatabase);
    }
    Ok(options(file).connect().await?)
}

/// One connection to a file that nobody writes to, leaving nothing beside it.
pub(super) async fn look_at(file: &Path) -> Result<SqliteConnection> {
    Ok(SqliteConnectOptions::new().filename(file).read_only(true).connect().await?)
}

impl SqliteStore {
    pub(super) async fn open(file: &Path) -> Result<Self> {
        let mut anchor = connect(file).await?;
        // A file that was not in WAL mode, as a copy is not, has been switched to it; the files beside it come with the
        // first look into it.
        sqlx::query("select count(*) from sqlite_master").fetch_one(&mut anchor).await?;
        let options = options(file);
        let files = Files::of(file).map_err(Error::Files)?;
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

    pub(super) async fn read(&self) -> Result<Transaction<'static, Sqlite>> {
        self.files.check()?;
        Ok(self.readers.begin().await?)
    }

    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        self.files.check()?;
        Ok(self.writer.begin_with("begin immediate").await?)
    }

    pub(super) async fn close(&self) {
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

/// The right to be the one broker on a file, for as long as this value lives. The system takes it back when the process
/// ends, however it ends.
#[derive(Debug)]
pub(super) struct Alone(File);

impl Drop for Alone {
    /// Closing the file is not enough: a process that is just being started from this one has it, too, until it runs.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Alone {
    /// The lock is on a file of its own beside the database: SQLite keeps POSIX locks on the database itself, and those
    /// are lost when any other handle to it is closed (sqlite.org/howtocorrupt.html, section 2.2).
    pub(super) fn on(database: &Path) -> Result<Self> {
        // The same file by another name is the same file.
        let database = database.canonicalize().map_err(Error::Files)?;
        let mut path = database.into_os_string();
        path.push("-broker");
        let path = PathBuf::from(path);
        private_file::create_if_missing(&path).map_err(Error::Files)?;
        let file = File::options().write(true).open(&path).map_err(Error::Files)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::InUse),
            Err(TryLockError::Error(error)) => Err(Error::Files(error)),
        }
    }
}
