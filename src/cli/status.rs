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
    let sessions = helper.sessions()?;
    let broker = helper.broker(&sessions)?.ok_or(Failure::NoBrokerKnown)?;
    let session = sessions.live(&broker)?;

    let me = Client::new(&broker).me(&session.access_token)?;

    if arguments.json {
        let status = Status { broker: broker.as_str(), me: &me };
        let mut json = serde_json::to_vec_pretty(&status).map_err(|error| Failure::Stdout(error.into()))?;
        json.push(b'\n');
        return output.data(&json);
    }
    summary::status(&broker, &me).iter().try_for_each(|line| output.answer(line))
}
