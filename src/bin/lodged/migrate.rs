//! `lodged migrate`: makes the database, or brings it up to date.

use std::fmt::Write;

use anyhow::Context;
use lodge::store::{self, Address, Error};
use serde::Serialize;

use super::arguments::Common;
use super::output;

/// What was done.
#[derive(Serialize)]
struct Report {
    /// The file or the URL.
    database: String,
    /// What was applied just now, in order.
    applied: Vec<Applied>,
}

#[derive(Serialize)]
struct Applied {
    version: i64,
    name: String,
}

pub(crate) async fn run(common: &Common) -> anyhow::Result<()> {
    let config = common.settings.load()?;
    let (owner, broker) = (config.database_owner()?, config.database()?);
    let migrations = store::migrate(&owner, &broker).await.map_err(|error| match error {
        Error::InUse => anyhow::Error::new(error).context("stop the broker first"),
        other => other.into(),
    });
    let migrations = migrations.with_context(|| format!("the database {owner}"))?;
    let applied = migrations.into_iter().map(|it| Applied { version: it.version, name: it.name }).collect();
    let report = Report { database: output::one_line(&broker.to_string()), applied };
    if common.json { output::json(&report) } else { output::answer(&report.lines(&broker)) }
}

impl Report {
    fn lines(&self, broker: &Address) -> String {
        let mut text = String::new();
        for Applied { version, name } in &self.applied {
            let _ = writeln!(text, "applied {version:>3}  {name}");
        }
        let nothing = if self.applied.is_empty() { "; there was nothing to do" } else { "" };
        let _ = writeln!(text, "The database {} is up to date{nothing}.", self.database);
        if let Address::Postgres(postgres) = broker {
            let login = output::one_line(postgres.url.username());
            let _ = writeln!(text, "The login `{login}` may do what a broker does, and no more.");
        }
        text
    }
}
