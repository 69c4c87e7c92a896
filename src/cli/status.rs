//! `lodge status`: who is signed in, until when, and what for. Asks the broker: only it knows what is open now.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::id::RoleAddress;
use crate::wire::{Me, timestamp};

use super::arguments::StatusArguments;
use super::client::Client;
use super::credentials::Cache;
use super::failure::Failure;
use super::output::Output;
use super::{Helper, summary};

/// What `--json` prints: stable, only ever extended.
#[derive(Serialize)]
struct Status<'a> {
    broker: &'a str,
    #[serde(flatten)]
    me: &'a Me,
    /// The credentials that are kept on this machine.
    cached: Vec<Cached>,
}

#[derive(Serialize)]
struct Cached {
    lab: String,
    role: String,
    expires_at: String,
}

impl Cached {
    fn of((role, expires_at): &(RoleAddress, DateTime<Utc>)) -> Self {
        Self { lab: role.lab.to_string(), role: role.role.to_string(), expires_at: timestamp(*expires_at) }
    }
}

pub(crate) fn run(helper: &Helper, arguments: &StatusArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let person = helper.signed_in()?;

    let me = person.ask(Client::me)?;
    let cached = Cache::of(helper).map(|cache| cache.list(person.broker(), &me.person_id)).unwrap_or_default();

    if arguments.json {
        let cached = cached.iter().map(Cached::of).collect();
        return output.json(&Status { broker: person.broker().as_str(), me: &me, cached });
    }
    summary::status(person.broker(), &me, &cached).iter().try_for_each(|line| output.answer(line))
}
