//! Ways in for the fuzz targets of `tests/fuzz`, which see only what is public. Built with `--cfg fuzzing` alone: no
//! program that anybody runs has this module.

use chrono::DateTime;

use super::broker_url::BrokerUrl;
use super::client::Client;
use super::credential_process;
use super::credentials::cache;
use super::output::Output;
use super::session::Session;
use super::summary;

pub use super::configure::fuzzing::configure;

/// What can be asked of a broker, for [`answer`].
pub const QUESTIONS: [&str; 4] = ["metadata", "tokens", "me", "credentials"];

/// A session file, read and written again; `None` when it holds no session.
#[must_use]
pub fn session(bytes: &[u8]) -> Option<Vec<u8>> {
    let session: Session = serde_json::from_slice(bytes).ok()?;
    serde_json::to_vec(&session).ok()
}

/// What an AWS tool is given at `now`, in seconds since 1970, when these bytes are what is kept of credentials: the line it
/// reads, and for how many seconds yet they are good.
#[must_use]
pub fn credentials(bytes: &[u8], now: i64) -> Option<(Vec<u8>, i64)> {
    let now = DateTime::from_timestamp_secs(now)?;
    let credentials = cache::served(bytes, now)?;
    let line = credential_process::process_json(&credentials).ok()?.to_vec();
    Some((line, (credentials.expires_at - now).num_seconds()))
}

/// What a person is told when a broker answers one of the [`QUESTIONS`] so.
#[must_use]
pub fn answer(question: &str, status: u16, body: &[u8]) -> String {
    let Ok(broker) = "https://lodge.example.edu".parse::<BrokerUrl>() else { return String::new() };
    let client = Client::new(&broker);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut output = Output::new(&mut stdout, &mut stderr);
    let told = match question {
        "metadata" => client.read_metadata(status, body).map(|_| Vec::new()),
        "tokens" => client.read_tokens(status, body).map(|_| Vec::new()),
        "me" => client.read_me(status, body).map(|me| summary::status(&broker, &me, &[])),
        _ => client.read_credentials(status, body).map(|_| Vec::new()),
    };
    let told = told.and_then(|lines| lines.iter().try_for_each(|line| output.answer(line)));
    if let Err(failure) = told {
        output.failure(&failure);
    }
    String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
}
