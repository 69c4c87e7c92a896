//! The database, SQLite or PostgreSQL: the only module that names sqlx.
//!
//! Each statement is written once (see `sql`). Work happens in a [`Tx`]: [`Store::read`] for reading, [`Store::write`]
//! for anything that changes a row. A lab's own data is reached through [`Tx::lab`] alone, which takes a proof of
//! access to that lab; its id does not do. No transaction is ever held across a network call.
//!
//! ```
//! # use lodge::{domain::access::LabAccess, domain::lab::Role, store::{Result, Tx}};
//! async fn roles(tx: &mut Tx, access: &LabAccess) -> Result<Vec<Role>> {
//!     tx.lab(access).await?.roles().await
//! }
//! ```
//!
//! ```compile_fail,E0308
//! # use lodge::{domain::id::LabId, domain::lab::Role, store::{Result, Tx}};
//! async fn roles(tx: &mut Tx, lab: &LabId) -> Result<Vec<Role>> {
//!     tx.lab(lab).await?.roles().await
//! }
//! ```
//!
//! On PostgreSQL any number of brokers share the tables. What must not happen twice is decided by one statement there (a
//! `delete … returning`, an `update … where`, a unique key), or stands behind the lock of a lab's ledger book
//! ([`Tx::lab_to_change`]).

mod accounts;
mod address;
mod backup;
mod bars;
mod cut_offs;
mod files;
mod groups;
mod health;
mod idempotency;
mod invitations;
mod labs;
mod ledger;
mod mappings;
mod members;
mod migrations;
mod overview;
mod people;
mod postgres;
mod sessions;
mod sign_ins;
mod sql;
mod sqlite;
mod standings;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{Sqlite, Transaction};

use crate::domain::access::LabAccess;
use crate::domain::id::{LabId, LabName};
use files::Files;
use postgres::{Held, Patience, PostgresStore};
use sqlite::{Alone, SqliteStore};

pub use accounts::{AccountRoleRow, AccountRow, DueAccount};
pub use address::{Address, Postgres};
pub use backup::{BackupError, backed_up, backup};
pub use bars::{OwnCutOff, OwnCutOffs};
pub use cut_offs::{CutOffRow, DenyRow, PersonCutOffRow};
pub use groups::{GroupMember, SeenGroup};
pub use health::{About, Finding, Health, LoginError};
pub use idempotency::DoneRequest;
pub use labs::{LabAtAGlance, LabPi};
pub use ledger::{FoundEntries, FoundEntry, LEDGER_CHOICES_MAX, LEDGER_WINDOW, LedgerFilter, LedgerRow, OpenAttempt};
pub use mappings::{MappingPlace, RevisionRow};
pub use members::RoleSession;
pub use migrations::{Migration, SchemaError, migrate};
pub use overview::{GivenBy, LabPerson, LiveMapping, LiveRoleSession, RecentTrouble};
pub use people::{LabStanding, MaybeGiven, PeopleSearch, PersonRow, Snapshot};
pub use sessions::{BrowserOrigin, Code, CodeRow, HelperOrigin, OwnBrowserSession, OwnCliSession, Session, Tokens};
pub use sql::{Kind, LAB_TABLES, Listed};
pub use standings::OfficeHolder;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do what it was asked: it is away, full, locked, or refused the statement.
    #[error("the database could not carry out a statement")]
    Database(#[from] sqlx::Error),
    /// The server is away: it has answered nobody for a while, or ended this connection.
    #[error("the database server does not answer")]
    Away,
    /// The server answers others, and this has waited for too long.
    #[error("the database is too busy")]
    Busy,
    /// The server cannot be reached, or does not let this login in. The server's own words, or the system's.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// There is no database at this place.
    #[error("there is no database; make it with `lodged migrate`")]
    NoDatabase,
    /// A broker has the file.
    #[error("a broker is running on it; a SQLite file belongs to one broker")]
    InUse,
    /// The schema is not that of this program.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The login could get around row security.
    #[error("{0}")]
    Login(LoginError),
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

impl Error {
    /// Whether a row was refused because another one has what must be unique.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.is_unique_violation()
    }

    /// Whether the server is away, which is logged when it begins and when it ends and not for each request.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away)
    }
}

/// What every function here returns.
pub type Result<T> = std::result::Result<T, Error>;

/// The database, open.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    /// Held by the one broker of a SQLite file.
    alone: Option<Arc<Alone>>,
}

#[derive(Clone, Debug)]
enum Database {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Store {
    /// Opens the database for a broker. A SQLite file is then this broker's alone.
    ///
    /// # Errors
    ///
    /// When there is none, it cannot be reached, its schema is not this program's, another broker has the file, or the
    /// login could get around PostgreSQL's row security.
    pub async fn serve(address: &Address) -> Result<Self> {
        Self::serve_with(address, Patience::Request).await
    }

    /// The same on a machine that much else keeps busy: a PostgreSQL that says nothing is taken for one that is away after
    /// half a minute, where it is a second otherwise. For tests of something else.
    ///
    /// # Errors
    ///
    /// As [`Store::serve`].
    pub async fn serve_patiently(address: &Address) -> Result<Self> {
        Self::serve_with(address, Patience::BusyRequest).await
    }

    async fn serve_with(address: &Address, patience: Patience) -> Result<Self> {
        // Before the file is opened: a second broker does not touch it.
        let alone = match address {
            Address::Sqlite(file) if file.exists() => Some(Arc::new(Alone::on(file)?)),
            _ => None,
        };
        Ok(Self { alone, ..Self::open_with(address, patience).await? })
    }

    /// Opens the database beside a running broker, as the operator's commands do. Their statements may take long.
    ///
    /// # Errors
    ///
    /// As [`Store::serve`], except that a broker may have it.
    pub async fn open(address: &Address) -> Result<Self> {
        Self::open_with(address, Patience::Command).await
    }

    async fn open_with(address: &Address, patience: Patience) -> Result<Self> {
        let store = Self::open_unchecked(address, patience).await?;
        let checked = async {
            store.check_schema().await?;
            store.check_login().await
        };
        if let Err(error) = checked.await {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }

    async fn open_unchecked(address: &Address, patience: Patience) -> Result<Self> {
        let database = match address {
            Address::Sqlite(file) => Database::Sqlite(SqliteStore::open(file).await?),
            Address::Postgres(postgres) => Database::Postgres(PostgresStore::open(postgres, patience).await?),
        };
        Ok(Self { database, alone: None })
    }

    /// A consistent view for reading.
    ///
    /// # Errors
    ///
    /// When the database is away or not at its path any more.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match &self.database {
            Database::Sqlite(store) => Tx::sqlite(store.read().await?, store.files.clone()),
            Database::Postgres(store) => Tx::postgres(store.read().await?),
        })
    }

    /// A transaction that may write. On SQLite it takes the write lock at once, so that what it read cannot have changed
    /// when it writes; on PostgreSQL [`Tx::lab_to_change`] and single statements see to that.
    ///
    /// # Errors
    ///
    /// When the database is away or not at its path any more, or another writer holds it for too long.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match &self.database {
            Database::Sqlite(store) => Tx::sqlite(store.write().await?, store.files.clone()),
            Database::Postgres(store) => Tx::postgres(store.write().await?),
        })
    }

    /// The same, for somebody who will write in the book of the lab of this name. On PostgreSQL they wait here for each
    /// other and not in the server, so that a busy lab does not keep others from its connections.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub async fn write_for(&self, lab: &LabName) -> Result<Tx> {
        match &self.database {
            Database::Sqlite(_) => self.write().await,
            Database::Postgres(store) => Ok(Tx::postgres(store.write_for(lab.as_str()).await?)),
        }
    }

    /// Whether no other broker can have this database: a SQLite file belongs to one.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Closes every connection, so that the files are whole.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite(store) => store.close().await,
            Database::Postgres(store) => store.pool.close().await,
        }
    }
}

/// Whose rows a transaction on PostgreSQL sees.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    /// No lab's.
    Nothing,
    /// One lab's; or the broker's own book.
    One(String),
    /// All labs'.
    Across,
}

/// A unit of work. Dropped without [`Tx::commit`], it never happened.
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
    scope: Scope,
    files: Option<Files>,
}

#[derive(Debug)]
enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Held),
}

impl Tx {
    fn sqlite(inner: Transaction<'static, Sqlite>, files: Files) -> Self {
        Self { inner: Inner::Sqlite(inner), scope: Scope::Nothing, files: Some(files) }
    }

    fn postgres(inner: Held) -> Self {
        Self { inner: Inner::Postgres(inner), scope: Scope::Nothing, files: None }
    }

    /// The data of the lab that the proof is for.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn lab<'tx>(&'tx mut self, access: &LabAccess) -> Result<LabTx<'tx>> {
        let lab = access.lab().id.clone();
        self.enter(Scope::One(lab.as_str().to_owned())).await?;
        Ok(LabTx { tx: self, lab })
    }

    /// The same, to change something in it: whoever else wants to waits until this transaction has ended.
    ///
    /// # Errors
    ///
    /// When the database is away, or somebody else keeps the lab for too long.
    pub async fn lab_to_change<'tx>(&'tx mut self, access: &LabAccess) -> Result<LabTx<'tx>> {
        self.hold_book(&crate::domain::ledger::Book::Lab(access.lab().id.clone())).await?;
        self.lab(access).await
    }

    /// From here on, row security lets these rows be seen. SQLite has none, and one broker.
    async fn enter(&mut self, scope: Scope) -> Result<()> {
        if self.scope == scope {
            return Ok(());
        }
        if let Inner::Postgres(held) = &mut self.inner {
            let lab = match &scope {
                Scope::Nothing => "",
                Scope::One(lab) => lab,
                Scope::Across => "*",
            };
            let setting = sqlx::query("select set_config('lodge.lab', $1, true)").bind(lab);
            held.ask(async |connection| setting.execute(connection).await).await?;
        }
        self.scope = scope;
        Ok(())
    }

    /// Makes it durable.
    ///
    /// # Errors
    ///
    /// When it could not be made durable; nothing of it then happened. Or when it was written to a file that is not at
    /// its path any more, which comes to the same for everybody who will ever look.
    pub async fn commit(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(held) => held.commit().await?,
        }
        self.files.map_or(Ok(()), |files| files.check())
    }
}

/// The data of one lab, in a transaction.
#[derive(Debug)]
pub struct LabTx<'tx> {
    tx: &'tx mut Tx,
    lab: LabId,
}

/// A column's text as the type it must be.
fn column<T: FromStr>(text: &str, table: &'static str, column: &'static str) -> Result<T> {
    text.parse().map_err(|_| Error::Inconsistent { table, column })
}

/// A time, when the column has one.
type MaybeTime = Option<DateTime<Utc>>;

/// Every statement there is, for the tests that hold each of them to what it may do.
#[must_use]
pub fn all_statements() -> Vec<Listed> {
    [
        accounts::ALL,
        bars::ALL,
        cut_offs::ALL,
        groups::ALL,
        idempotency::ALL,
        invitations::ALL,
        labs::ALL,
        ledger::ALL,
        mappings::ALL,
        members::ALL,
        overview::ALL,
        people::ALL,
        sessions::browser::ALL,
        sessions::cli::ALL,
        sessions::logout::ALL,
        sessions::old::ALL,
        sessions::own::ALL,
        sessions::ALL,
        sign_ins::ALL,
        standings::ALL,
    ]
    .concat()
}

#[cfg(test)]
mod tests;
