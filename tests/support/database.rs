//! A place for a broker's database, of either kind, and what the settings say of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lodge::private_file;
use lodge::store::{self, Address};
use secrecy::ExposeSecret as _;

use super::postgres::{self, Cluster, Database};
use super::process::Process;
use super::serving::wait;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// Both, or SQLite alone where a plain `cargo test` goes without the other: that is said loudly.
    pub(crate) fn all(test: &str) -> Vec<Self> {
        if postgres::require(test) { vec![Self::Sqlite, Self::Postgres] } else { vec![Self::Sqlite] }
    }
}

/// Where a broker's database is, or will be. Gone with its folder, or when dropped.
pub(crate) struct Place {
    folder: PathBuf,
    server: Option<Database>,
}

impl Place {
    /// One with nothing in it: no file, or an empty database. Passwords stand in files in the folder.
    pub(crate) fn new(kind: Kind, folder: &Path) -> Self {
        Self::on((kind == Kind::Postgres).then(|| Cluster::shared().database()), folder)
    }

    /// One at this server, or a file.
    pub(crate) fn on(server: Option<Database>, folder: &Path) -> Self {
        if let Some(database) = &server {
            for (file, address) in [("password", database.broker()), ("owner-password", database.owner())] {
                let Address::Postgres(postgres) = address else { unreachable!() };
                let mut file = private_file::create_new(&folder.join(file)).unwrap();
                file.write_all(postgres.password.unwrap().expose_secret().as_bytes()).unwrap();
            }
        }
        Self { folder: folder.to_owned(), server }
    }

    /// The file, when it is SQLite's.
    pub(crate) fn file(&self) -> PathBuf {
        assert!(self.server.is_none(), "a server has no file");
        self.folder.join("lodge.db")
    }

    /// The database at the server, when it is PostgreSQL's.
    pub(crate) const fn server(&self) -> Option<&Database> {
        self.server.as_ref()
    }

    /// In as the broker.
    pub(crate) fn broker(&self) -> Address {
        self.server.as_ref().map_or_else(|| Address::Sqlite(self.file()), Database::broker)
    }

    /// In as the owner of the tables.
    pub(crate) fn owner(&self) -> Address {
        self.server.as_ref().map_or_else(|| Address::Sqlite(self.file()), Database::owner)
    }

    /// Makes the database.
    pub(crate) fn migrate(&self) {
        wait(store::migrate(&self.owner(), &self.broker())).unwrap();
    }

    /// The settings' section.
    pub(crate) fn toml(&self) -> String {
        let folder = self.folder.display();
        match self.broker() {
            Address::Sqlite(file) => format!("[database]\nfile = \"{}\"\n", file.display()),
            Address::Postgres(postgres) => format!(
                "[database]\nurl = \"{}\"\npassword_file = \"{folder}/password\"\nowner = \"lodge_owner\"\n\
                 owner_password_file = \"{folder}/owner-password\"\n",
                postgres.url
            ),
        }
    }

    /// Everything that is kept there, as bytes to search.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.server {
            None => {
                ["", "-wal"].iter().flat_map(|suffix| std::fs::read(self.beside(suffix)).unwrap_or_default()).collect()
            }
            Some(database) => {
                let dumped = Process::run("pg_dump", database.program("pg_dump").arg("--data-only"), "");
                assert!(dumped.status.success(), "{}", dumped.stderr);
                dumped.stdout.into_bytes()
            }
        }
    }

    /// A file beside SQLite's.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.file().display()))
    }

    /// A place in another folder, filled from a copy in the way that `lodged backup` tells.
    pub(crate) fn restored(&self, copy: &Path, folder: &Path) -> Self {
        let kind = if self.server.is_some() { Kind::Postgres } else { Kind::Sqlite };
        let place = Self::new(kind, folder);
        match (&place.server, place.owner()) {
            (Some(database), Address::Postgres(owner)) => {
                let mut command = database.program("pg_restore");
                command.env_remove("PGUSER").env_remove("PGDATABASE");
                command.env("PGPASSWORD", owner.password.unwrap().expose_secret());
                command.args(["--exit-on-error", "--dbname", owner.url.as_str()]).arg(copy);
                let ended = Process::run("pg_restore", &mut command, "");
                assert!(ended.status.success(), "{}", ended.stderr);
                assert_eq!(ended.stderr, "");
            }
            _ => {
                std::fs::copy(copy, place.file()).unwrap();
            }
        }
        place
    }

    /// Lets a command find PostgreSQL's programs, as on a broker's machine.
    pub(crate) fn give_programs(&self, command: &mut Command) {
        if let Some(database) = &self.server {
            let system = std::env::var_os("PATH").unwrap_or_default();
            let all = std::iter::once(database.programs().to_owned()).chain(std::env::split_paths(&system));
            command.env("PATH", std::env::join_paths(all).unwrap());
        }
    }
}
