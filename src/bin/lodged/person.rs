//! `lodged person`: finding people, and stopping one everywhere at once.

use anyhow::Context;
use clap::{Args, Subcommand};
use lodge::domain::id::PersonId;
use lodge::store::{LabStanding, PeopleSearch, PersonRow};
use lodge::telemetry;
use serde::Serialize;

use super::arguments::Common;
use super::{desk, output};

/// How many are asked for at once.
const PAGE: u32 = 500;

/// What `--json` gives of a person, for the help.
const PERSON: &str = "id, name (or null), connection, issuer, subject, created_at and suspended_at (or null)";

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// List the people who have signed in, or were given a standing, and what they look after
    #[command(after_help = format!("With --json, an array of objects with {PERSON}, and standings (lab, standing)."))]
    List {
        /// Only those with this in their name, or with this id, or with this subject at their provider
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        search: String,
        #[command(flatten)]
        common: Common,
    },
    /// Suspend somebody: all their sessions end now, none begins, and no lab gives them anything
    ///
    /// AWS credentials that they already have are cut off in all labs by the broker, as soon as it runs; they die anyway
    /// within the hour.
    #[command(after_help = format!("With --json, an object with {PERSON}, and sessions_ended."))]
    Suspend(One),
    /// Lift a suspension; they sign in anew
    #[command(after_help = format!("With --json, an object with {PERSON}."))]
    Restore(One),
}

/// One person.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Their id, as `lodged person list` and the ledger have it
    #[arg(value_name = "P-ID")]
    id: PersonId,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Person {
    id: String,
    name: Option<String>,
    connection: String,
    issuer: String,
    subject: String,
    created_at: String,
    suspended_at: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    person: Person,
    standings: Vec<StandingLine>,
}

#[derive(Serialize)]
struct StandingLine {
    lab: String,
    standing: &'static str,
}

#[derive(Serialize)]
struct Suspended {
    #[serde(flatten)]
    person: Person,
    sessions_ended: u64,
}

impl From<&PersonRow> for Person {
    fn from(row: &PersonRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.as_ref().map(|name| name.as_str().to_owned()),
            connection: row.key.connection.to_string(),
            issuer: row.key.issuer.as_str().to_owned(),
            subject: row.key.subject.as_str().to_owned(),
            created_at: output::stamp(row.created_at),
            suspended_at: row.suspended_at.map(output::stamp),
        }
    }
}

pub(crate) async fn run(command: &PersonCommand) -> anyhow::Result<()> {
    match command {
        PersonCommand::List { search, common } => list(search, common).await,
        PersonCommand::Suspend(one) => suspend(one).await,
        PersonCommand::Restore(one) => restore(one).await,
    }
}

async fn list(search: &str, common: &Common) -> anyhow::Result<()> {
    let people = desk::sit_down(&common.settings, async |desk| {
        let mut people = Vec::new();
        loop {
            let after = people.last().map(|(row, _): &(PersonRow, Vec<LabStanding>)| row.id.clone());
            let search = PeopleSearch { text: search, suspended: false };
            let page = desk.people(search, after.as_ref(), PAGE).await?;
            people.extend(page.people);
            if !page.more {
                return Ok(people);
            }
        }
    });
    let people = people.await?;
    if common.json {
        let all = people.iter().map(|(row, standings)| Listed {
            person: row.into(),
            standings: standings
                .iter()
                .map(|it| StandingLine { lab: it.lab.to_string(), standing: it.standing.as_str() })
                .collect(),
        });
        return output::json(&all.collect::<Vec<_>>());
    }
    if people.is_empty() {
        telemetry::say(match search {
            "" => "nobody has signed in yet",
            _ => "there is nobody with that in their name, or with that id or subject",
        });
        return Ok(());
    }
    let rows: Vec<_> = people.iter().map(|(row, standings)| cells(row, standings)).collect();
    output::answer(&output::table(["ID", "NAME", "CONNECTION", "STANDINGS", "SUSPENDED SINCE"], &rows))
}

fn cells(row: &PersonRow, standings: &[LabStanding]) -> [String; 5] {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let standings = standings.iter().map(|it| format!("{} of {}", it.standing, it.lab)).collect::<Vec<_>>().join(", ");
    let name = row.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
    let suspended = row.suspended_at.map(output::time).unwrap_or_default();
    [row.id.to_string(), or_dash(name), row.key.connection.to_string(), or_dash(standings), or_dash(suspended)]
}

/// What to call them.
fn called(row: &PersonRow) -> String {
    match &row.name {
        Some(name) => format!("{} ({})", output::one_line(name.as_str()), row.id),
        None => row.id.to_string(),
    }
}

/// What an error speaks of.
fn about(id: &PersonId) -> String {
    format!("person {id}")
}

async fn suspend(One { id, common }: &One) -> anyhow::Result<()> {
    let done = desk::sit_down(&common.settings, async |desk| desk.suspend(id).await.with_context(|| about(id)));
    let (row, sessions_ended, _) = done.await?;
    if common.json {
        return output::json(&Suspended { person: (&row).into(), sessions_ended });
    }
    let sessions = match sessions_ended {
        0 => "There was no live session to end".to_owned(),
        1 => "1 session was ended".to_owned(),
        many => format!("{many} sessions were ended"),
    };
    let undo = common.settings.command(&format!("person restore {id}"));
    output::answer(&format!(
        "{} is suspended. {sessions}, and none begins.\n\
         AWS credentials that were handed out already are cut off by the broker as soon as it runs. AWS may take minutes to \
         go by it, and they die within the hour anyway.\n\
         To lift it: {undo}\n",
        called(&row)
    ))
}

async fn restore(One { id, common }: &One) -> anyhow::Result<()> {
    let done = desk::sit_down(&common.settings, async |desk| desk.restore(id).await.with_context(|| about(id)));
    let row = done.await?;
    if common.json {
        return output::json(&Person::from(&row));
    }
    output::answer(&format!("{} is not suspended any more, and may sign in.\n", called(&row)))
}
