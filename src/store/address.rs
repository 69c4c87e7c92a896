//! Where a database is.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

/// Where a database is, and how to get in.
#[derive(Clone, Debug)]
pub enum Address {
    /// A SQLite file on this machine.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Postgres),
}

/// A PostgreSQL database and a login there.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// `postgres://LOGIN@HOST:PORT/DATABASE`, perhaps with `?sslmode=verify-full` and more such; never a password.
    pub url: Url,
    /// The login's password, where the server asks for one.
    pub password: Option<SecretString>,
}

impl fmt::Display for Address {
    /// The file, or the URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "{}", file.display()),
            Self::Postgres(postgres) => write!(f, "{}", postgres.url),
        }
    }
}
