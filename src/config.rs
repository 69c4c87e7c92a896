//! Settings: a TOML file, then the environment, `LODGE__SECTION__KEY`. An unknown key is an error; a secret comes from a
//! file of its own and never stands in the settings.
//!
//! Every key is documented on its field here, and again in `deploy/lodge.toml`, which a test reads with this code.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use url::{Host, Url};

use crate::domain::claims::GroupClaim;
use crate::domain::id::ConnectionName;
use crate::domain::person::Issuer;
use crate::oidc::{self, Algorithm, ClientAuthentication};

/// What every variable that sets a key starts with.
const ENVIRONMENT_PREFIX: &str = "LODGE__";

/// Everything an operator can set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the broker listens, and what it is called.
    pub server: Server,
    /// Where it keeps what it knows.
    pub database: Database,
    /// Where its key is.
    pub secrets: Secrets,
    /// How it reaches AWS.
    #[serde(default)]
    pub aws: Aws,
    /// The identity providers.
    #[serde(default, rename = "connection")]
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

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The SQLite file.
    pub file: PathBuf,
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

/// `[[connection]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// What mappings call it; never changed once it is used.
    pub name: String,
    /// What people read on the sign-in page.
    pub title: String,
    /// The provider's issuer, exactly as its metadata writes it.
    pub issuer: String,
    /// The broker's client id there.
    pub client_id: String,
    /// A file that holds the broker's client secret there.
    pub client_secret_file: PathBuf,
    /// How the secret is shown: `basic` or `post`.
    #[serde(default)]
    pub client_authentication: ClientAuthenticationKey,
    /// The scopes to ask for beside `openid`.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// The claim that holds the groups: a name, or a JSON Pointer that starts with `/`.
    #[serde(default = "default_group_claim")]
    pub group_claim: String,
    /// What an ID token may be signed with: `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<AlgorithmKey>,
}

/// See [`Connection::client_authentication`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthenticationKey {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the form.
    Post,
}

/// See [`Connection::algorithms`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[expect(missing_docs, reason = "these are the names of RFC 7518")]
pub enum AlgorithmKey {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_scopes() -> Vec<String> {
    vec!["profile".to_owned()]
}

fn default_group_claim() -> String {
    "groups".to_owned()
}

fn default_algorithms() -> Vec<AlgorithmKey> {
    vec![AlgorithmKey::Rs256, AlgorithmKey::Es256]
}

/// Settings that cannot be used. Each is one line that says where to look.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or not these settings.
    #[error("{0}")]
    Toml(String),
    /// A value that is well-formed and cannot be.
    #[error("{key}: {problem}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

fn value(key: impl Into<String>, problem: impl Into<String>) -> Error {
    Error::Value { key: key.into(), problem: problem.into() }
}

impl Config {
    /// Reads the file, lays the environment over it, and checks every value.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, a key is unknown, or a value cannot be.
    pub fn load(path: &Path) -> Result<Self, Error> {
        #[expect(clippy::disallowed_methods, reason = "this is where the broker reads its environment")]
        let environment = std::env::vars().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
        Self::parse(&read(path)?, &environment)
    }

    fn parse(text: &str, environment: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| one_line(&error, text))?;
        for (name, text) in environment {
            overlay(&mut table, name, text)?;
        }
        let config: Self = table.try_into().map_err(|error: toml::de::Error| one_line(&error, text))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        let url = &self.server.public_url;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(value("server.public_url", "must be https (http is for a loopback address only)"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(value("server.public_url", "must have no path, query, fragment or user"));
        }
        let mut names = HashSet::new();
        for connection in &self.connections {
            if !names.insert(&connection.name) {
                return Err(value("connection.name", format!("`{}` stands there twice", connection.name)));
            }
            connection.parsed()?;
        }
        Ok(())
    }

    /// The registered providers, with their secrets read.
    ///
    /// # Errors
    ///
    /// When a secret cannot be read.
    pub fn providers(&self) -> Result<Vec<oidc::Settings>, Error> {
        self.connections.iter().map(Connection::settings).collect()
    }
}

impl Connection {
    fn parsed(&self) -> Result<(ConnectionName, Issuer, GroupClaim), Error> {
        let key = |field: &str| format!("connection `{}`: {field}", self.name);
        let name = self
            .name
            .parse()
            .map_err(|error: crate::domain::id::ParseError| value("connection.name", error.to_string()))?;
        let issuer = self
            .issuer
            .parse()
            .map_err(|error: crate::domain::id::ParseError| value(key("issuer"), error.to_string()))?;
        let claim = self
            .group_claim
            .parse()
            .map_err(|error: crate::domain::id::ParseError| value(key("group_claim"), error.to_string()))?;
        if self.algorithms.is_empty() {
            return Err(value(key("algorithms"), "at least one is needed"));
        }
        Ok((name, issuer, claim))
    }

    fn settings(&self) -> Result<oidc::Settings, Error> {
        let (name, issuer, group_claim) = self.parsed()?;
        let secret = Zeroizing::new(read(&self.client_secret_file)?);
        if secret.trim().is_empty() {
            return Err(value(format!("connection `{}`: client_secret_file", self.name), "the file is empty"));
        }
        Ok(oidc::Settings {
            name,
            title: self.title.clone(),
            issuer,
            client_id: self.client_id.clone(),
            client_secret: SecretString::from(secret.trim().to_owned()),
            client_authentication: match self.client_authentication {
                ClientAuthenticationKey::Basic => ClientAuthentication::Basic,
                ClientAuthenticationKey::Post => ClientAuthentication::Post,
            },
            scopes: self.scopes.clone(),
            group_claim,
            algorithms: self.algorithms.iter().map(|key| algorithm(*key)).collect(),
        })
    }
}

const fn algorithm(key: AlgorithmKey) -> Algorithm {
    match key {
        AlgorithmKey::Rs256 => Algorithm::Rs256,
        AlgorithmKey::Ps256 => Algorithm::Ps256,
        AlgorithmKey::Es256 => Algorithm::Es256,
        AlgorithmKey::Es384 => Algorithm::Es384,
        AlgorithmKey::EdDsa => Algorithm::EdDsa,
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// `LODGE__SERVER__PUBLIC_URL=https://…` sets `server.public_url`.
fn overlay(table: &mut toml::Table, name: &str, text: &str) -> Result<(), Error> {
    let path = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name).to_ascii_lowercase();
    let (section, key) = path
        .split_once("__")
        .ok_or_else(|| value(name, "must be LODGE__SECTION__KEY, such as LODGE__SERVER__LISTEN"))?;
    let section = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let section = section.as_table_mut().ok_or_else(|| value(name, "names a list; lists are set in the file"))?;
    section.insert(key.to_owned(), toml::Value::String(text.to_owned()));
    Ok(())
}

/// What the TOML reader says, on one line, with the number of the line it speaks of.
fn one_line(error: &toml::de::Error, text: &str) -> Error {
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    let before = error.span().and_then(|span| text.get(..span.start));
    Error::Toml(match before {
        Some(before) => format!("line {}: {message}", before.lines().count().max(1)),
        None => message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [server]
        public_url = "https://lodge.example.edu"
        [database]
        file = "lodge.db"
        [secrets]
        key_file = "key"
        [[connection]]
        name = "campus"
        title = "Example University"
        issuer = "https://sso.example.edu"
        client_id = "lodge"
        client_secret_file = "secret"
    "#;

    fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, Error> {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::parse(text, &environment)
    }

    #[test]
    fn the_example_is_complete_and_good() {
        let text = include_str!("../deploy/lodge.toml");
        let config = parse(text, &[]).unwrap();

        assert_eq!(config.connections.len(), 1);
        for key in [
            "listen",
            "public_url",
            "file",
            "key_file",
            "region",
            "sts_endpoint",
            "name",
            "title",
            "issuer",
            "client_id",
            "client_secret_file",
            "client_authentication",
            "scopes",
            "group_claim",
            "algorithms",
        ] {
            assert!(text.contains(&format!("{key} = ")), "{key} is not in the example");
        }
    }

    #[test]
    fn the_environment_stands_over_the_file() {
        let config =
            parse(GOOD, &[("LODGE__SERVER__LISTEN", "0.0.0.0:9000"), ("LODGE__AWS__REGION", "eu-west-1")]).unwrap();

        assert_eq!((config.server.listen.port(), config.aws.region.as_str()), (9000, "eu-west-1"));
    }

    #[test]
    fn every_mistake_gets_one_clear_line() {
        let mistakes = [
            (GOOD.replace("public_url", "public_ulr"), vec![], "public_ulr"),
            (GOOD.replace("https://lodge", "http://lodge"), vec![], "server.public_url"),
            (GOOD.replace("edu\"\n        [database]", "edu/lodge\"\n        [database]"), vec![], "server.public_url"),
            (GOOD.replace("https://lodge.example.edu", "lodge"), vec![], "relative URL"),
            (GOOD.replace("[secrets]", "[secrets"), vec![], "line 6: unclosed table"),
            (GOOD.replace("name = \"campus\"", "name = \"Campus\""), vec![], "connection.name"),
            (GOOD.replace("https://sso", "sso"), vec![], "issuer"),
            (format!("{GOOD}\nalgorithms = [\"HS256\"]"), vec![], "HS256"),
            (format!("{GOOD}\nalgorithms = []"), vec![], "algorithms"),
            (GOOD.to_owned(), vec![("LODGE__SERVER__PORT", "1")], "port"),
            (GOOD.to_owned(), vec![("LODGE__LISTEN", "1")], "LODGE__LISTEN"),
            (GOOD.to_owned(), vec![("LODGE__CONNECTION__NAME", "x")], "lists are set in the file"),
        ];
        for (text, environment, says) in mistakes {
            let error = parse(&text, &environment).expect_err(says).to_string();
            assert!(error.contains(says) && !error.contains('\n'), "{says}: {error}");
        }
    }

    #[test]
    fn a_missing_secret_names_its_file() {
        let config = parse(&GOOD.replace("\"secret\"", "\"/nowhere/secret\""), &[]).unwrap();

        assert!(config.providers().unwrap_err().to_string().contains("/nowhere/secret"));
    }
}
