//! A first look at a broker, for `lodge doctor`: is it there, is it one, and what does its clock say.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::request::Request;
use super::{Client, OAUTH_METADATA_PATH};
use crate::cli::failure::Failure;
use crate::wire::{Me, OauthMetadata};

/// A person waits for this: long enough for a handshake over a slow line.
const LOOK_TIMEOUT: Duration = Duration::from_secs(6);

/// What a broker answered to somebody who has nothing to show.
#[derive(Debug)]
pub(crate) struct Look {
    /// What it says of itself, or why that is nothing.
    pub(crate) described: Result<OauthMetadata, Failure>,
    /// What its clock said, to the second, whatever it answered.
    pub(crate) date: Option<DateTime<Utc>>,
}

impl Client {
    /// Asks the broker what it is. Takes a few seconds at most.
    pub(crate) fn look(&self) -> Look {
        let url = self.broker.at(OAUTH_METADATA_PATH);
        match self.send(&Request::get(&url).within(LOOK_TIMEOUT)) {
            Err(failure) => Look { described: Err(failure), date: None },
            Ok(answer) => Look { described: self.described(&answer).map(|(metadata, _)| metadata), date: answer.date },
        }
    }

    /// [`Client::me`] for a person who waits: takes a few seconds at most.
    pub(crate) fn me_soon(&self, token: &str) -> Result<Me, Failure> {
        let url = self.broker.at("/api/v1/me");
        self.read(&self.send(&Request::get(&url).with_token(token).within(LOOK_TIMEOUT))?)
    }
}
