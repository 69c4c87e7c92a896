//! A copy of a database in use, whole and of one moment.
//!
//! SQLite copies itself inside a read transaction (`vacuum into`, `sqlite.org/lang_vacuum.html`), so a broker may go on
//! writing. PostgreSQL's own `pg_dump` does the same; it works as the owner of the tables, under the owner's policy. A
//! copy appears at its place once it is complete and was looked at, readable by nobody else.

use std::fs::File;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use sqlx::Connection;
use tokio::process::Command;

use super::address::{Address, Postgres};
use super::{Error, Result, postgres, sqlite};
use crate::private_file;

const NO_LEDGER: &str = "the ledger is not in it";

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
    /// What was written, or would be, is not all of it.
    #[error("the copy would not be whole: {0}")]
    NotWhole(String),
}

/// Makes a copy of the database in a new file; `owner` is where it is, for the login that owns the tables. Gives its
/// size in bytes.
///
/// # Errors
///
/// When it could not be made. Nothing is left of it then, nor when this is dropped before its end.
pub async fn backup(owner: &Address, to: &Path) -> std::result::Result<u64, BackupError> {
    if to.try_exists().map_err(|source| unwritable(to, source))? {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let partial = Partial::beside(to)?;
    match owner {
        Address::Sqlite(database) => copy_sqlite(database, &partial.file()).await?,
        Address::Postgres(postgres) => {
            sees_every_row(postgres).await?;
            dump(postgres, &partial.file()).await?;
        }
    }
    partial.put_in_place(to)
}

/// How much of a copy that is being made has been written so far, in bytes.
#[must_use]
pub fn backed_up(to: &Path) -> u64 {
    std::fs::metadata(copy_in(&partial_folder(to))).map_or(0, |file| file.len())
}

fn unwritable(path: &Path, source: std::io::Error) -> BackupError {
    BackupError::Write { path: path.to_owned(), source }
}

/// Where a copy is as long as it is not complete: in a folder with a name of this process's own. Two copies to one place
/// are made side by side, and the first in place wins.
fn partial_folder(to: &Path) -> PathBuf {
    let mut path = to.as_os_str().to_owned();
    path.push(format!(".partial-{}", std::process::id()));
    path.into()
}

fn copy_in(folder: &Path) -> PathBuf {
    folder.join("copy")
}

/// The folder of a copy that is not complete. Gone when dropped, with what is in it.
struct Partial(PathBuf);

impl Partial {
    fn beside(to: &Path) -> std::result::Result<Self, BackupError> {
        let folder = partial_folder(to);
        private_file::create_folder(&folder).map_err(|source| unwritable(to, source))?;
        let partial = Self(folder);
        private_file::create_new(&partial.file()).map_err(|source| unwritable(to, source))?;
        Ok(partial)
    }

    fn file(&self) -> PathBuf {
        copy_in(&self.0)
    }

    /// Gives the copy its name, durably, once everything in it is.
    fn put_in_place(self, to: &Path) -> std::result::Result<u64, BackupError> {
        let partial = self.file();
        let file = File::open(&partial).map_err(|source| unwritable(&partial, source))?;
        let synced = file.sync_all().and_then(|()| file.metadata());
        let bytes = synced.map_err(|source| unwritable(&partial, source))?.len();
        // Fails where a file has appeared meanwhile; a rename alone would replace it.
        private_file::create_new(to).map_err(|source| match source.kind() {
            std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
            _ => unwritable(to, source),
        })?;
        std::fs::rename(&partial, to).map_err(|source| {
            let _ = std::fs::remove_file(to);
            unwritable(to, source)
        })?;
        sync_folder_of(to);
        Ok(bytes)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Who makes the copy may not know yet that it is broken off, and may be making a file right now. Once the folder
        // is gone they cannot.
        for _ in 0..100 {
            match std::fs::remove_dir_all(&self.0) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {}
                _ => break,
            }
        }
    }
}

/// Makes a new name durable. Not every system and not every file system can.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

async fn copy_sqlite(database: &Path, partial: &Path) -> std::result::Result<(), BackupError> {
    let name = partial.to_str().ok_or_else(|| {
        let problem = "SQLite takes names in UTF-8 only";
        unwritable(partial, std::io::Error::new(std::io::ErrorKind::InvalidFilename, problem))
    })?;
    copy_sqlite_into(database, name).await?;
    let (says, ledgers) = look_at_sqlite(partial).await?;
    match (says.as_str(), ledgers) {
        ("ok", 1) => Ok(()),
        ("ok", _) => Err(BackupError::NotWhole(NO_LEDGER.to_owned())),
        _ => Err(BackupError::NotWhole(says)),
    }
}

async fn copy_sqlite_into(database: &Path, partial: &str) -> Result<()> {
    let mut connection = sqlite::connect(database).await?;
    sqlx::query("vacuum into $1").bind(partial).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// What SQLite says of a copy's structure, and how many ledgers are in it.
async fn look_at_sqlite(copy: &Path) -> Result<(String, i64)> {
    let mut copy = sqlite::look_at(copy).await?;
    let (says,): (String,) = sqlx::query_as("pragma integrity_check(1)").fetch_one(&mut copy).await?;
    let (ledgers,): (i64,) =
        sqlx::query_as("select count(*) from sqlite_master where name = 'ledger_entry'").fetch_one(&mut copy).await?;
    copy.close().await?;
    Ok((says, ledgers))
}

/// Row security does not fail a copy, it leaves rows out of it. So whoever makes one must have the owner's own policy, or
/// be somebody for whom there is no row security.
async fn sees_every_row(owner: &Postgres) -> std::result::Result<(), BackupError> {
    let mut connection = postgres::connect(owner).await?;
    let table: Option<(String,)> = sqlx::query_as(
        "select relname::text from pg_class where relnamespace = to_regnamespace(current_schema()::text) \
         and row_security_active(oid) and not exists (select from pg_policy, unnest(polroles) as role \
         where polrelid = pg_class.oid and polname = 'owner' and role <> 0 and pg_has_role(role, 'usage')) \
         order by relname limit 1",
    )
    .fetch_optional(&mut connection)
    .await
    .map_err(Error::from)?;
    connection.close().await.map_err(Error::from)?;
    match table {
        None => Ok(()),
        Some((table,)) => {
            let login = owner.url.username();
            Err(BackupError::NotWhole(format!(
                "the login `{login}` does not see every row of {table}: it must have the policy `owner`"
            )))
        }
    }
}

async fn dump(postgres: &Postgres, partial: &Path) -> std::result::Result<(), BackupError> {
    // `--enable-row-security`: the tables' row security is forced, and the owner's own policy shows every row.
    let mut command = Command::new("pg_dump");
    command.args(["--format=custom", "--enable-row-security", "--no-password"]);
    command.arg("--file").arg(partial).arg("--dbname").arg(postgres.url.as_str());
    if let Some(password) = &postgres.password {
        command.env("PGPASSWORD", password.expose_secret());
    }
    run("pg_dump", command).await?;
    let mut list = Command::new("pg_restore");
    list.arg("--list").arg(partial);
    let contents = run("pg_restore", list).await?;
    if contents.contains("ledger_entry") { Ok(()) } else { Err(BackupError::NotWhole(NO_LEDGER.to_owned())) }
}

/// What the program wrote. It ends when nobody waits for it any more.
async fn run(program: &'static str, mut command: Command) -> std::result::Result<String, BackupError> {
    let output = command.kill_on_drop(true).output().await.map_err(|error| match error.kind() {
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
