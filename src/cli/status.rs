//! `lodge status`: who is signed in, until when, and what for. Asks the broker: only it knows what is open now.

use serde::Serialize;

use crate::wire::Me;

use super::arguments::StatusArguments;
use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::{Helper, summary};

/// What `--json` prints: stable, only ever extended.
#[derive(Serialize)]
struct Status<'a> {
    broker: &'a str,
    #[serde(flatten)]
    me: &'a Me,
}

pub(crate) fn run(helper: &Helper, arguments: &StatusArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let person = helper.signed_in()?;

    let me = person.ask(Client::me)?;

    if arguments.json {
        return output.json(&Status { broker: person.broker().as_str(), me: &me });
    }
    summary::status(person.broker(), &me).iter().try_for_each(|line| output.answer(line))
}
