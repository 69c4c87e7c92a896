//! From a file and the environment to settings that can be used.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use url::Host;

use super::{AlgorithmKey, ClientAuthenticationKey, Config, Connection};
use crate::domain::claims::GroupClaim;
use crate::domain::id::{ConnectionName, ParseError};
use crate::domain::person::Issuer;
use crate::oidc::{self, Algorithm, ClientAuthentication};

/// What every variable that sets a key starts with.
const ENVIRONMENT_PREFIX: &str = "LODGE__";

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
        let name = self.name.parse().map_err(|error: ParseError| value("connection.name", error.to_string()))?;
        let issuer = self.issuer.parse().map_err(|error: ParseError| value(key("issuer"), error.to_string()))?;
        let claim =
            self.group_claim.parse().map_err(|error: ParseError| value(key("group_claim"), error.to_string()))?;
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
        let text = include_str!("../../deploy/lodge.toml");
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
