//! From a file and the environment to settings that can be used.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::de::DeserializeOwned;
use url::Host;

use super::{Accounts, Config, Connection, Operators, Server, Sessions};
use crate::domain::id::{ParseError, PersonId};
use crate::domain::role_session::RoleArn;
use crate::oidc;

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

pub(super) fn value(key: impl Into<String>, problem: impl Into<String>) -> Error {
    Error::Value { key: key.into(), problem: problem.into() }
}

impl Config {
    /// Reads the file, lays the environment over it, and checks every value.
    ///
    /// # Errors
    ///
    /// The first of what [`Config::inspect`] finds.
    pub fn load(path: &Path) -> Result<Self, Error> {
        usable(Self::inspect(path))
    }

    /// The same for somebody who wants to hear of everything that is wrong. There are no settings only when there is a
    /// problem; settings that come with a problem are for looking further, not for running on.
    #[must_use]
    pub fn inspect(path: &Path) -> (Option<Self>, Vec<Error>) {
        #[expect(clippy::disallowed_methods, reason = "this is where the broker reads its environment")]
        let environment = std::env::vars().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
        match read(path) {
            Ok(text) => Self::parse(&text, &environment),
            Err(error) => (None, vec![error]),
        }
    }

    fn parse(text: &str, environment: &BTreeMap<String, String>) -> (Option<Self>, Vec<Error>) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => return (None, vec![not_toml(&error, text)]),
        };
        let mut sections = Sections { table, taken: Vec::new(), problems: Vec::new() };
        for (name, text) in environment {
            sections.overlay(name, text);
        }
        let (server, database, secrets) =
            (sections.take("server"), sections.take("database"), sections.take("secrets"));
        let (aws, sessions, operators) = (sections.take("aws"), sections.take("sessions"), sections.take("operators"));
        let (downloads, accounts, policies) =
            (sections.take("downloads"), sections.take("accounts"), sections.take("policies"));
        let connections = sections.take_list("connection");
        let mut problems = sections.finish();
        let (Some(server), Some(database), Some(secrets), Some(aws), Some(sessions)) =
            (server, database, secrets, aws, sessions)
        else {
            return (None, problems);
        };
        let (Some(operators), Some(downloads), Some(accounts), Some(policies), Some(connections)) =
            (operators, downloads, accounts, policies, connections)
        else {
            return (None, problems);
        };
        let config =
            Self { server, database, secrets, aws, sessions, operators, downloads, accounts, policies, connections };
        problems.extend(config.check());
        (Some(config), problems)
    }

    /// What is well-formed and cannot be.
    fn check(&self) -> Vec<Error> {
        let mut problems = Vec::new();
        problems.extend(self.server.check().err());
        problems.extend(self.database.check().err());
        problems.extend(self.sessions.check().err());
        problems.extend(self.operators.people().err());
        problems.extend(self.accounts.check().err());
        problems.extend(self.accounts.broker_role().err());
        let mut names = HashSet::new();
        for connection in &self.connections {
            if !names.insert(&connection.name) {
                problems.push(value("connection.name", format!("`{}` stands there twice", connection.name)));
            }
            problems.extend(connection.check().err());
        }
        problems
    }

    /// What is wrong with the files that hold what the broker shows to others: a client secret, the database's password.
    #[must_use]
    pub fn unusable_files(&self) -> Vec<Error> {
        let connections = self.connections.iter().map(Connection::client_secret);
        connections.filter_map(Result::err).chain(self.database.password().err()).collect()
    }

    /// The registered providers, with their secrets read.
    ///
    /// # Errors
    ///
    /// When a secret cannot be read.
    pub fn providers(&self) -> Result<Vec<oidc::Settings>, Error> {
        self.connections.iter().map(Connection::provider).collect()
    }
}

/// The settings, when there is nothing wrong with them.
fn usable((config, problems): (Option<Config>, Vec<Error>)) -> Result<Config, Error> {
    match problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => config.ok_or_else(|| Error::Toml("there are no settings".to_owned())),
    }
}

/// The file's sections, taken out one after the other, and what is wrong with them: at most one problem for each, since
/// a section is read no further than that.
struct Sections {
    table: toml::Table,
    taken: Vec<&'static str>,
    problems: Vec<Error>,
}

impl Sections {
    /// `LODGE__SERVER__PUBLIC_URL=https://…` sets `server.public_url`.
    fn overlay(&mut self, name: &str, text: &str) {
        let path = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name).to_ascii_lowercase();
        let Some((section, key)) = path.split_once("__") else {
            let form = "must be LODGE__SECTION__KEY, such as LODGE__SERVER__LISTEN";
            return self.problems.push(value(name, form));
        };
        let section = self.table.entry(section).or_insert_with(|| toml::Table::new().into());
        match section.as_table_mut() {
            Some(section) => {
                section.insert(key.to_owned(), text.into());
            }
            None => self.problems.push(value(name, "names a list; lists are set in the file")),
        }
    }

    /// `[name]`, which is the same whether it is empty or not there.
    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.taken.push(name);
        let section = self.table.remove(name).unwrap_or_else(|| toml::Table::new().into());
        self.read(name, section)
    }

    /// Every `[[name]]`.
    fn take_list<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<Vec<T>> {
        self.taken.push(name);
        let sections = match self.table.remove(name) {
            None => Vec::new(),
            Some(toml::Value::Array(sections)) => sections,
            Some(_) => {
                self.problems.push(value(name, format!("is a list: write [[{name}]]")));
                return None;
            }
        };
        let numbered = sections.into_iter().zip(1..);
        // All of them are read before the first that cannot be is missed.
        let read: Vec<_> = numbered.map(|(section, n)| self.read(&format!("{name} {n}"), section)).collect();
        read.into_iter().collect()
    }

    fn read<T: DeserializeOwned>(&mut self, name: &str, section: toml::Value) -> Option<T> {
        let problem = |error: toml::de::Error| {
            // A key has no accessor; it stands on the last line of what is printed.
            let printed = error.to_string();
            let key = printed.lines().last().and_then(|line| line.strip_prefix("in `")?.strip_suffix('`'));
            value(key.map_or_else(|| name.to_owned(), |key| format!("{name}.{key}")), message(&error))
        };
        section.try_into().map_err(|error| self.problems.push(problem(error))).ok()
    }

    /// What is wrong, with every section that nobody took.
    fn finish(mut self) -> Vec<Error> {
        let known = self.taken.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let unknown = self.table.keys().map(|name| value(name, format!("unknown section, expected one of {known}")));
        self.problems.extend(unknown);
        self.problems
    }
}

impl Server {
    fn check(&self) -> Result<(), Error> {
        let url = &self.public_url;
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
        Ok(())
    }
}

impl Sessions {
    fn check(self) -> Result<(), Error> {
        if !(1..=24).contains(&self.browser_hours) {
            return Err(value("sessions.browser_hours", "must be from 1 to 24"));
        }
        if !(5..=60 * self.browser_hours).contains(&self.browser_idle_minutes) {
            return Err(value("sessions.browser_idle_minutes", "must be from 5 to the minutes of browser_hours"));
        }
        Ok(())
    }
}

impl Operators {
    /// The ids of those who run the broker from a browser.
    ///
    /// # Errors
    ///
    /// When one of them is no id of a person, or stands there twice.
    pub fn people(&self) -> Result<Vec<PersonId>, Error> {
        let wrong = |text: &str, problem: &str| value("operators.people", format!("{text:?} {problem}"));
        let mut people = Vec::new();
        for text in &self.people {
            let is_none = |_| wrong(text, "is no id of a person: each sees their own, p-…, on their own page");
            let person: PersonId = text.parse().map_err(is_none)?;
            if people.contains(&person) {
                return Err(wrong(text, "stands there twice"));
            }
            people.push(person);
        }
        Ok(people)
    }
}

impl Accounts {
    fn check(&self) -> Result<(), Error> {
        if !(1..=24 * 7).contains(&self.check_hours) {
            return Err(value("accounts.check_hours", "must be from 1 to 168, a week"));
        }
        match &self.templates {
            Some(templates) if templates.scheme() != "https" || templates.query().is_some() => {
                Err(value("accounts.templates", "is the https address of a folder in an S3 bucket"))
            }
            _ => Ok(()),
        }
    }

    /// The broker's own role.
    ///
    /// # Errors
    ///
    /// When it is not the ARN of a role.
    pub fn broker_role(&self) -> Result<Option<RoleArn>, Error> {
        let wrong = |error: ParseError| value("accounts.broker_role", error.to_string());
        self.broker_role.as_deref().map(str::parse).transpose().map_err(wrong)
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// A secret that stands in a file of its own, without the white space around it.
pub(super) fn secret(key: &str, path: &Path) -> Result<SecretString, Error> {
    let text = Zeroizing::new(read(path)?);
    match text.trim() {
        "" => Err(value(key, format!("the file {} is empty", path.display()))),
        text => Ok(text.to_owned().into()),
    }
}

/// What the TOML reader says of a text, on one line, with the number of the line it speaks of.
fn not_toml(error: &toml::de::Error, text: &str) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    Error::Toml(match before {
        Some(before) => format!("line {}: {}", before.lines().count().max(1), message(error)),
        None => message(error),
    })
}

fn message(error: &toml::de::Error) -> String {
    error.message().lines().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::config) const GOOD: &str = r#"
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

    pub(in crate::config) fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, Error> {
        usable(inspect(text, environment))
    }

    fn inspect(text: &str, environment: &[(&str, &str)]) -> (Option<Config>, Vec<Error>) {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::parse(text, &environment)
    }

    const EXAMPLE: &str = include_str!("../../deploy/lodge.toml");

    /// What may stand where this text has something that is nowhere known: the message lists it.
    fn known(text: &str) -> Vec<String> {
        let problems: Vec<_> = inspect(text, &[]).1.iter().map(ToString::to_string).collect();
        let lists = ["unknown section, expected", "unknown field `nobody-has-this`, expected"];
        let list = problems.iter().find_map(|problem| lists.iter().find_map(|list| problem.split_once(list)));
        let (_, list) = list.unwrap_or_else(|| panic!("{problems:?}"));
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// A line that sets a key, or would if it were not a comment.
    fn key_in(line: &str) -> Option<&str> {
        let (key, _) = line.strip_prefix("# ").unwrap_or(line).split_once(" = ")?;
        key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_').then_some(key)
    }

    #[test]
    fn the_example_is_good_and_has_every_key_in_its_section() {
        assert_eq!(parse(EXAMPLE, &[]).unwrap().connections.len(), 1);

        let mut keys = 0;
        for section in known("[nobody-has-this]") {
            let headers = [format!("[{section}]\n"), format!("[[{section}]]\n")];
            let header = headers.iter().find(|header| EXAMPLE.contains(header.as_str()));
            let header = header.unwrap_or_else(|| panic!("[{section}] is not in the example"));
            let after = EXAMPLE.split_once(header).unwrap().1;
            let until_next = after.lines().take_while(|line| !line.starts_with('['));
            let there: HashSet<_> = until_next.filter_map(key_in).collect();
            for key in known(&format!("{header}nobody-has-this = 1")) {
                assert!(there.contains(key.as_str()), "{section}.{key} is not in the example");
                keys += 1;
            }
        }
        assert!(keys >= 19, "only {keys} keys were looked for");
    }

    #[test]
    fn what_the_example_has_as_comments_is_good_too() {
        let uncommented = EXAMPLE.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if key_in(line).is_some() => setting,
            // One of the two databases has to go.
            _ if line.starts_with("file = ") => "",
            _ => line,
        });
        let text = uncommented.collect::<Vec<_>>().join("\n");

        let config = parse(&text, &[]).unwrap();

        assert!(config.aws.sts_endpoint.is_some() && config.aws.iam_endpoint.is_some());
        let error = config.database().unwrap_err().to_string();
        assert!(error.starts_with("cannot read /"), "its password file is on no machine of ours: {error}");
        let error = config.database_owner().unwrap_err().to_string();
        assert!(error.starts_with("cannot read /"), "{error}");
    }

    #[test]
    fn every_connection_of_the_guide_can_be_set_up() {
        let guide = include_str!("../../deploy/providers.md");
        let others = GOOD.split("[[connection]]").next().unwrap();
        let blocks = guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());

        let mut count = 0;
        for block in blocks {
            let config = parse(&format!("{others}\n{block}"), &[]).unwrap_or_else(|error| panic!("{error}\n{block}"));
            assert_eq!(config.connections.len(), 1, "{block}");
            count += 1;
        }
        assert_eq!(count, 11, "the products of `tests/group_shapes`");
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
            (GOOD.replace("https://lodge.example.edu", "lodge"), vec![], "server.public_url: relative URL"),
            (GOOD.replace("[secrets]", "[secrets"), vec![], "line 6: unclosed table"),
            (GOOD.replace("name = \"campus\"", "name = \"Campus\""), vec![], "connection.name"),
            (GOOD.replace("https://sso", "sso"), vec![], "issuer"),
            (format!("{GOOD}\nalgorithms = [\"HS256\"]"), vec![], "connection 1.algorithms: unknown variant `HS256`"),
            (format!("{GOOD}\nalgorithms = []"), vec![], "algorithms"),
            (format!("{GOOD}\ngroup_format = \"uuid\""), vec![], "connection 1.group_format: unknown variant `uuid`"),
            (format!("{GOOD}\ngroup_limit = 0"), vec![], "connection 1.group_limit"),
            (format!("{GOOD}\nsubject_claim = \"email\""), vec![], "connection `campus`: subject_claim"),
            (format!("{GOOD}\n[sessions]\nbrowser_hours = 48"), vec![], "sessions.browser_hours: must be from 1"),
            (format!("{GOOD}\n[sessions]\nbrowser_idle_minutes = 500"), vec![], "sessions.browser_idle_minutes"),
            (
                GOOD.replace("[database]", "trusted_proxies = [\"10.0.0.300\"]\n[database]"),
                vec![],
                "server.trusted_proxies",
            ),
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
    fn every_section_with_a_mistake_is_named() {
        let text = GOOD
            .replace("public_url", "public_ulr")
            .replace("key_file", "keyfile")
            .replace("file = \"lodge.db\"", "url = 3");
        let text = format!("{text}\n[[connection]]\nname = \"second\"\n[colour]\nink = \"black\"");

        let (config, problems) = inspect(&text, &[("LODGE__LISTEN", "1")]);

        assert!(config.is_none());
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let starts = ["LODGE__LISTEN: ", "server", "database", "secrets", "connection 2", "colour: unknown section"];
        assert_eq!(problems.len(), starts.len(), "{problems:#?}");
        for (problem, start) in problems.iter().zip(starts) {
            assert!(problem.starts_with(start), "{start}: {problem}");
        }
    }

    #[test]
    fn every_value_that_cannot_be_is_named() {
        let text = GOOD
            .replace("https://lodge", "http://lodge")
            .replace("file = \"lodge.db\"", "")
            .replace("https://sso", "sso");

        let (config, problems) = inspect(&text, &[]);

        assert!(config.is_some(), "there is something to look further in");
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 3, "{problems:#?}");
    }

    #[test]
    fn operators_are_people_by_their_ids() {
        let with = |people: &str| parse(&format!("{GOOD}\n[operators]\npeople = {people}"), &[]);
        let says = |people: &str| with(people).unwrap_err().to_string();
        let ada = "p-0123456789abcdef";

        assert_eq!(parse(GOOD, &[]).unwrap().operators.people().unwrap(), []);
        let read = with(&format!("[{ada:?}]")).unwrap().operators.people().unwrap();
        assert_eq!(read, [ada.parse().unwrap()]);
        for wrong in ["", "ada", "p-0123456789ABCDEF", "p-0123456789abcde", "lab-0123456789abcdef", "*", "p-*"] {
            assert!(says(&format!("[{wrong:?}]")).starts_with("operators.people: "), "{wrong}");
        }
        assert!(says(&format!("[{ada:?}, {ada:?}]")).ends_with("stands there twice"));
        assert!(says("3").starts_with("operators.people: "), "{}", says("3"));
        let environment = [("LODGE__OPERATORS__PEOPLE", ada)];
        assert!(parse(GOOD, &environment).is_err(), "a list is set in the file");
    }

    #[test]
    fn a_missing_secret_names_its_file() {
        let config = parse(&GOOD.replace("\"secret\"", "\"/nowhere/secret\""), &[]).unwrap();

        assert!(config.providers().unwrap_err().to_string().contains("/nowhere/secret"));
    }
}
