//! A copy of a database in use, whole and of one moment.
//!
//! SQLite copies itself inside a read transaction (`vacuum into`, `sqlite.org/lang_vacuum.html`), so a broker may go on
//! writing. PostgreSQL's own `pg_dump` does the same; it works as the owner of the tables, under the owner's policy. A
//! copy appears at its place once it is complete and was looked at, readable by nobody else.

use std::path::{Path, PathBuf};
use std::process::Command;

use secrecy::ExposeSecret;
use sqlx::Connection;

use super::address::{Address, Postgres};
use super::{Error, Result, sqlite};
use crate::private_file;

/// A copy that was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nothing is ever overwritten.
    #[error("{} is there already; name another file", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database did not give a copy.
    #[error("the database could not be copied")]
    Copy(#[from] Error),
    /// The program is not there.
    #[error("{0} is missing; install PostgreSQL's client programs (Debian: postgresql-client)")]
    NoProgram(&'static str),
    /// The program did not do it.
    #[error("{program} failed: {says}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its last words.
        says: String,
    },
    /// What was written is not whole.
    #[error("the copy does not hold: {0}")]
    NotWhole(String),
}

/// Makes a copy of the database in a new file; `owner` is where it is, for the login that owns the tables. Gives its
/// size in bytes.
///
/// # Errors
///
/// When it could not be made. Nothing is left of it then.
pub async fn backup(owner: &Address, to: &Path) -> std::result::Result<u64, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = write(owner, &partial).await;
    let done = written.and_then(|()| put_in_place(&partial, to));
    if done.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    done
}

async fn write(owner: &Address, partial: &Path) -> std::result::Result<(), BackupError> {
    // An earlier one was stopped; nobody else has any business with that name.
    let _ = std::fs::remove_file(partial);
    let file =
        private_file::create_new(partial).map_err(|source| BackupError::Write { path: partial.to_owned(), source })?;
    drop(file);
    match owner {
        Address::Sqlite(database) => Ok(copy_sqlite(database, partial).await?),
        Address::Postgres(postgres) => dump(postgres, partial),
    }
}

async fn copy_sqlite(database: &Path, partial: &Path) -> Result<()> {
    let mut connection = sqlite::connect(database).await?;
    sqlx::query("vacuum into $1").bind(partial.to_string_lossy()).execute(&mut connection).await?;
    connection.close().await?;
    let mut copy = sqlite::look_at(partial).await?;
    let (says,): (String,) = sqlx::query_as("pragma integrity_check(1)").fetch_one(&mut copy).await?;
    copy.close().await?;
    if says == "ok" { Ok(()) } else { Err(Error::Inconsistent { table: "(the copy)", column: "(structure)" }) }
}

fn dump(postgres: &Postgres, partial: &Path) -> std::result::Result<(), BackupError> {
    // `--enable-row-security`: the tables' row security is forced, and the owner's own policy shows every row.
    let mut command = Command::new("pg_dump");
    command.args(["--format=custom", "--enable-row-security", "--no-password"]);
    command.arg("--file").arg(partial).arg("--dbname").arg(postgres.url.as_str());
    if let Some(password) = &postgres.password {
        command.env("PGPASSWORD", password.expose_secret());
    }
    run("pg_dump", &mut command)?;
    let mut list = Command::new("pg_restore");
    list.arg("--list").arg(partial);
    let contents = run("pg_restore", &mut list)?;
    if contents.contains("ledger_entry") {
        Ok(())
    } else {
        Err(BackupError::NotWhole("the ledger is not in it".to_owned()))
    }
}

/// What the program wrote.
fn run(program: &'static str, command: &mut Command) -> std::result::Result<String, BackupError> {
    let output = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => BackupError::NoProgram(program),
        _ => BackupError::Program { program, says: error.to_string() },
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let says = String::from_utf8_lossy(&output.stderr);
    let says = says.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    Err(BackupError::Program { program, says })
}

fn put_in_place(partial: &Path, to: &Path) -> std::result::Result<u64, BackupError> {
    let place = || -> std::io::Result<u64> {
        let file = std::fs::File::open(partial)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        // Fails where a file has appeared meanwhile; a rename would replace it.
        std::fs::hard_link(partial, to)?;
        std::fs::remove_file(partial)?;
        Ok(bytes)
    };
    place().map_err(|source| BackupError::Write { path: to.to_owned(), source })
}
