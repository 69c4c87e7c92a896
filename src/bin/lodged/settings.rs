//! `lodged config check`: reads everything that `serve` would read, and says what is wrong with it, all at once.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use lodge::app::{Downloads, KeyFile};
use lodge::config::Config;
use lodge::domain::policy::PolicyLibrary;
use lodge::store::Address;
use lodge::telemetry;
use serde::Serialize;

use super::arguments::ConfigArgument;
use super::output;

/// What is said of settings.
#[derive(Serialize)]
struct Report {
    ok: bool,
    /// A line for each.
    problems: Vec<String>,
    /// Present when there are no problems.
    settings: Option<Summary>,
}

/// What settings say, without any secret.
#[derive(Serialize)]
pub(crate) struct Summary {
    public_url: String,
    listen: String,
    /// `SQLite` or `PostgreSQL`.
    database_kind: &'static str,
    /// The file or the URL.
    database: String,
    connections: Vec<String>,
    /// Who runs it from a browser.
    operators: Vec<String>,
    policy_templates: usize,
    /// Those of them that are the operator's own.
    own_policy_templates: Vec<String>,
}

/// The templates that roles are made of.
#[derive(Default)]
struct Policies {
    all: usize,
    own: Vec<String>,
}

impl Policies {
    fn of(config: &Config) -> Result<Self, lodge::config::Error> {
        let own = config.own_policies()?;
        let own = own.iter().flat_map(PolicyLibrary::iter).map(|(name, _)| name.to_string()).collect();
        Ok(Self { all: config.policies()?.iter().count(), own })
    }
}

/// Settings that were looked through.
pub(crate) struct Findings {
    /// As far as they could be read.
    pub(crate) config: Option<Config>,
    /// What is wrong with them, and with the files that they name, the key file excepted.
    pub(crate) problems: Vec<String>,
    /// Present when there are no problems.
    pub(crate) summary: Option<Summary>,
}

pub(crate) fn check(settings: &ConfigArgument, json: bool) -> anyhow::Result<ExitCode> {
    let Findings { config, mut problems, summary } = look(&settings.file);
    if let Some(config) = &config {
        problems.extend(key_file(config).err());
    }
    let ok = problems.is_empty();
    let report = Report { ok, problems, settings: summary.filter(|_| ok) };
    if json { output::json(&report) } else { output::answer(&report.lines()) }?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads the settings and what they lead to.
pub(crate) fn look(file: &Path) -> Findings {
    let (config, problems) = Config::inspect(file);
    let unusable = config.as_ref().map(Config::unusable_files).unwrap_or_default();
    let mut problems: Vec<String> =
        problems.iter().chain(&unusable).map(|error| output::one_line(&telemetry::chain(error))).collect();
    let offered = config.as_ref().and_then(|config| config.downloads.folder.as_deref()).map(Downloads::read);
    if let Some(Err(error)) = offered {
        problems.push(output::one_line(&format!("downloads.folder: {}", telemetry::chain(&error))));
    }
    let policies = match config.as_ref().map(Policies::of) {
        Some(Ok(policies)) => policies,
        Some(Err(error)) => {
            problems.push(output::one_line(&telemetry::chain(&error)));
            Policies::default()
        }
        None => Policies::default(),
    };
    let database = config.as_ref().filter(|_| problems.is_empty()).and_then(|config| config.database().ok());
    let summary = config.as_ref().zip(database).map(|(config, database)| Summary::new(config, &database, policies));
    Findings { config, problems, summary }
}

/// Reads the key file.
pub(crate) fn key_file(config: &Config) -> Result<(), String> {
    let path = &config.secrets.key_file;
    let read = KeyFile::read(path);
    read.map(drop).map_err(|error| output::one_line(&format!("{}: {}", path.display(), telemetry::chain(&error))))
}

impl Summary {
    fn new(config: &Config, database: &Address, policies: Policies) -> Self {
        Self {
            public_url: config.server.public_url.as_str().trim_end_matches('/').to_owned(),
            listen: config.server.listen.to_string(),
            database_kind: match database {
                Address::Sqlite(_) => "SQLite",
                Address::Postgres(_) => "PostgreSQL",
            },
            database: output::one_line(&database.to_string()),
            connections: config.connections.iter().map(|connection| connection.name.clone()).collect(),
            operators: config.operators.people().unwrap_or_default().iter().map(ToString::to_string).collect(),
            policy_templates: policies.all,
            own_policy_templates: policies.own,
        }
    }

    /// Each line with a name and what it is.
    fn lines(&self) -> [(&'static str, String); 6] {
        let connections = match self.connections.as_slice() {
            [] => "none, so nobody can sign in".to_owned(),
            names => names.join(", "),
        };
        let operators = match self.operators.as_slice() {
            [] => "nobody in a browser".to_owned(),
            people => people.join(", "),
        };
        let policies = match self.own_policy_templates.as_slice() {
            [] => format!("{} templates", self.policy_templates),
            own => format!("{} templates, {} of them your own: {}", self.policy_templates, own.len(), own.join(", ")),
        };
        [
            ("public URL", self.public_url.clone()),
            ("listens on", self.listen.clone()),
            ("database", format!("{}, {}", self.database_kind, self.database)),
            ("connections", connections),
            ("operators", operators),
            ("policies", policies),
        ]
    }
}

impl Report {
    fn lines(&self) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            let _ = writeln!(text, "{problem}");
        }
        if let Some(settings) = &self.settings {
            text.push_str("ok\n");
            for (name, what) in settings.lines() {
                let _ = writeln!(text, "  {name:<12} {what}");
            }
        }
        text
    }
}
