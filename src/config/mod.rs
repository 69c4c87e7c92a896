//! Settings: a TOML file, then the environment, `LODGE__SECTION__KEY`. An unknown key is an error; a secret comes from a
//! file of its own and never stands in the settings.
//!
//! Every key is documented on its field here, and again in `deploy/lodge.toml`: a test asks these types for their keys
//! and looks for each of them there.

mod connection;
mod database;
mod load;
mod policies;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
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
    /// How long people stay signed in.
    pub sessions: Sessions,
    /// Who runs it from a browser.
    pub operators: Operators,
    /// What people may fetch from it.
    pub downloads: Downloads,
    /// How it deals with the labs' AWS accounts.
    pub accounts: Accounts,
    /// What roles are made of, beside the templates that the broker ships.
    pub policies: Policies,
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
    /// The proxies in front: networks whose word (`X-Forwarded-For`) is taken for where a request comes from.
    #[serde(default = "default_trusted_proxies")]
    pub trusted_proxies: Vec<IpNet>,
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
    /// Another address for IAM than AWS's own.
    pub iam_endpoint: Option<Url>,
    /// Another address than AWS's own for every service that a lab's credentials are tried at. For tests.
    pub probe_endpoint: Option<Url>,
}

impl Default for Aws {
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), sts_endpoint: None, iam_endpoint: None, probe_endpoint: None }
    }
}

/// `[sessions]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// After how many minutes without use a browser is signed out.
    pub browser_idle_minutes: u16,
    /// After how many hours it is signed out in any case.
    pub browser_hours: u16,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { browser_idle_minutes: 30, browser_hours: 8 }
    }
}

/// `[operators]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operators {
    /// The people who run the broker from a browser, by their ids: `p-…`, as the page of each shows them their own. Whoever
    /// is not here is no operator there, whatever they are at the machine.
    people: Vec<String>,
}

/// `[downloads]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Downloads {
    /// The folder with the builds of `lodge` that the page at `/download` offers to everybody. It is looked through once,
    /// when the broker starts.
    pub folder: Option<PathBuf>,
}

/// `[accounts]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// The IAM role that the broker itself runs under, as an ARN with its path: the labs' accounts trust it. AWS does not
    /// tell a session its role's path, so it has to be said here. Without it no stack can be made and no account joined.
    pub broker_role: Option<String>,
    /// A folder in an S3 bucket, as an `https` address, where whoever runs the broker puts the labs' stacks
    /// (`lodged lab stack`), each as `lodge-LAB.json`. The lab's account page then has a link to AWS's own page.
    pub templates: Option<Url>,
    /// After how many hours an account that is well is checked again. One that is not is looked at sooner.
    pub check_hours: u16,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { broker_role: None, templates: None, check_hours: 6 }
    }
}

/// `[policies]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// A folder with policy templates of your own, as `PACK/NAME.json`. One that is called as a shipped one stands in its
    /// place. It is read once, when the broker starts, and `lodged policies check FOLDER` says what is wrong with it.
    pub folder: Option<PathBuf>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

/// The proxy that stands on the same machine.
fn default_trusted_proxies() -> Vec<IpNet> {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    loopback.into_iter().map(IpNet::from).collect()
}
