//! `lodged backup`: a copy of the database, whole and of one moment, while a broker may be using it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use lodge::store::{self, Address, Postgres};
use lodge::telemetry;
use serde::Serialize;

use super::arguments::Common;
use super::{output, server};

/// How long nothing is said of a copy that is being made.
const QUIET: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file to make; it must not be there yet
    #[arg(value_name = "TO")]
    to: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// What was copied.
#[derive(Serialize)]
struct Report {
    /// The file or the URL.
    database: String,
    /// `SQLite` or `PostgreSQL`.
    database_kind: &'static str,
    /// The copy.
    file: String,
    bytes: u64,
}

pub(crate) async fn run(Arguments { to, common }: &Arguments) -> anyhow::Result<()> {
    let config = common.settings.load()?;
    let owner = config.database_owner()?;
    let to = std::path::absolute(to).with_context(|| format!("{} is no place for a file", to.display()))?;
    let bytes = tokio::select! {
        copied = store::backup(&owner, &to) => copied.with_context(|| format!("the database {owner}"))?,
        () = say_how_far(&to) => 0,
        () = server::told_to_stop() => anyhow::bail!("stopped; nothing was left at {}", to.display()),
    };
    let report = Report {
        database: output::one_line(&owner.to_string()),
        database_kind: match owner {
            Address::Sqlite(_) => "SQLite",
            Address::Postgres(_) => "PostgreSQL",
        },
        file: to.display().to_string(),
        bytes,
    };
    if common.json {
        return output::json(&report);
    }
    let done = format!("{}, {} of {}\n", output::one_line(&report.file), output::size(bytes), report.database);
    let how = match &owner {
        Address::Sqlite(file) => how_to_restore_sqlite(file, &to),
        Address::Postgres(postgres) => how_to_restore_postgres(postgres, &to, common),
    };
    output::answer(&format!("{done}\n{how}"))
}

/// Says now and then how much has been written. Never ends.
async fn say_how_far(to: &Path) {
    loop {
        tokio::time::sleep(QUIET).await;
        telemetry::say(&format!("lodged: {} copied so far", output::size(store::backed_up(to))));
    }
}

fn how_to_restore_sqlite(file: &Path, copy: &Path) -> String {
    let beside = |suffix: &str| {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        output::shell_word(Path::new(&path))
    };
    let (file, wal, shm, before) = (beside(""), beside("-wal"), beside("-shm"), beside(".before"));
    let copy = output::shell_word(copy);
    format!(
        "To go back to it, stop the broker, put all files of the old database away (of three, a broker that ended well\n\
         leaves one; a `-wal` that stayed would be taken for a part of the copy), and put the copy in place, owned by\n\
         whom the broker runs as:\n\n  \
         mkdir {before}; mv {file} {wal} {shm} {before}\n  \
         install --mode 600 --owner lodge {copy} {file}\n"
    )
}

fn how_to_restore_postgres(owner: &Postgres, copy: &Path, common: &Common) -> String {
    let mut url = owner.url.clone();
    let database = format!("{}_restored", url.path().trim_start_matches('/'));
    url.set_path(&database);
    let word = |text: &str| output::shell_word(Path::new(text));
    let (login, url, database, copy) =
        (word(owner.url.username()), word(url.as_str()), word(&database), output::shell_word(copy));
    let migrate = common.settings.command("migrate");
    format!(
        "To go back to it, make a database beside the old one, fill it as the owner of the tables, put its name into\n\
         `database.url`, and see to the rights. A server that is new needs both logins first (deploy/README.md).\n\n  \
         createdb --owner {login} {database}     # as whoever runs the server\n  \
         pg_restore --exit-on-error --dbname {url} {copy}\n  \
         {migrate}\n"
    )
}
