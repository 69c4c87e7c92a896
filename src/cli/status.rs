//! `lodge status`: who is signed in, until when, and what for. Asks the broker: only it knows what is open now.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::id::RoleAddress;
use crate::wire::{Me, timestamp};

use super::arguments::StatusArguments;
use super::client::Client;
use super::credentials::{Cache, forget_dead};
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
    /// The roles of those that were kept until now and were cut off, as `LAB/ROLE`.
    forgotten: Vec<String>,
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
    let forgotten = forget_dead(helper, person.broker(), &me, output);
    let cached = Cache::of(helper).map(|cache| cache.list(person.broker(), &me.person_id)).unwrap_or_default();

    if arguments.json {
        let cached = cached.iter().map(Cached::of).collect();
        let forgotten = forgotten.iter().map(ToString::to_string).collect();
        return output.json(&Status { broker: person.broker().as_str(), me: &me, cached, forgotten });
    }
    let lines = summary::status(person.broker(), &me, &cached);
    lines.into_iter().chain(summary::forgotten(&forgotten)).try_for_each(|line| output.answer(&line))
}
