//! Settings: a TOML file, then the environment, `LODGE__SECTION__KEY`. An unknown key is an error; a secret comes from a
//! file of its own and never stands in the settings.
//!
//! Every key is documented on its field here, and again in `deploy/lodge.toml`: a test asks these types for their keys
//! and looks for each of them there.

mod connection;
mod database;
mod load;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

pub use connection::{AlgorithmKey, ClientAuthenticationKey, Connection, GroupFormatKey, MfaRequestKey};
pub use load::Error;

/// Everything an operator can set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the broker listens, and what it is called.
    pub server: Server,
    /// Where it keeps what it knows.
    pub database: Database,
    /// Where its key is.
    pub secrets: Secrets,
    /// How it reaches AWS.
    pub aws: Aws,
    /// The identity providers: each a `[[connection]]`.
    pub connections: Vec<Connection>,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address and port to listen on. TLS is the business of the proxy in front.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The address that people and helpers use. Every absolute URL is made of it, none of what a request says.
    pub public_url: Url,
}

/// `[database]`: either `file` or `url`. What may be set together is checked before a [`Config`] exists;
/// [`Config::database`] gives the result.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The SQLite file. Its folder must be writable: SQLite keeps two more files beside it.
    file: Option<PathBuf>,
    /// The PostgreSQL database, as `postgres://LOGIN@HOST:PORT/DATABASE`, perhaps with `?sslmode=verify-full` and more
    /// such. The login is the broker's own, neither the owner of the tables nor a superuser. Never with a password.
    url: Option<String>,
    /// A file that holds the login's password and that only the broker may read, where the server asks for one.
    password_file: Option<PathBuf>,
    /// The login that owns the tables: for `lodged migrate` and `lodged backup` alone.
    owner: Option<String>,
    /// The same as `password_file`, for the owner.
    owner_password_file: Option<PathBuf>,
}

/// `[secrets]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// A file of exactly 32 random bytes that only the broker may read: `head -c 32 /dev/urandom > key; chmod 600 key`.
    pub key_file: PathBuf,
}

/// `[aws]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aws {
    /// The region whose STS is called.
    pub region: String,
    /// Another address for STS than AWS's own: a VPC endpoint, a test.
    pub sts_endpoint: Option<Url>,
}

impl Default for Aws {
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), sts_endpoint: None }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}
