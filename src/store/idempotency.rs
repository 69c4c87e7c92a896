//! Requests that came with a key of the caller's own choosing, so that one that comes twice is done once.
//!
//! A row is written in the transaction of what the request does: either both are there or neither.

use chrono::{DateTime, Utc};

use super::sql::{run_across, run_in_lab, statements};
use super::{LabTx, Result, Tx};
use crate::domain::id::PersonId;

statements! {
    lab {
        DONE_REQUEST = "select request_hash, outcome, subject from idempotent_request \
            where lab_id = $1 and person_id = $2 and key_hash = $3";
        INSERT_DONE_REQUEST = "insert into idempotent_request \
            (lab_id, person_id, key_hash, request_hash, outcome, subject, done_at) values ($1, $2, $3, $4, $5, $6, $7)";
    }
    across {
        /// For the sweep: those of yesterday.
        FORGET_DONE_REQUESTS = "delete from idempotent_request where done_at < $1";
    }
}

/// A request that was done, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DoneRequest {
    /// SHA-256 of all that the request said, in hexadecimal.
    pub request_hash: String,
    /// What came of it, in a word of the use case's own.
    pub outcome: String,
    /// The id of what came of it, if it has one.
    pub subject: Option<String>,
}

impl LabTx<'_> {
    /// What this person did here under a key, by the key's hash.
    pub async fn done_request(&mut self, person: &PersonId, key_hash: &str) -> Result<Option<DoneRequest>> {
        run_in_lab!(self, fetch_optional DoneRequest: DONE_REQUEST, person.as_str(), key_hash)
    }

    /// Keeps what this person has just done under a key.
    pub async fn insert_done_request(
        &mut self,
        person: &PersonId,
        key_hash: &str,
        done: &DoneRequest,
        now: DateTime<Utc>,
    ) -> Result<()> {
        run_in_lab!(
            self,
            execute INSERT_DONE_REQUEST,
            person.as_str(),
            key_hash,
            done.request_hash.as_str(),
            done.outcome.as_str(),
            done.subject.as_deref(),
            now,
        )?;
        Ok(())
    }
}

impl Tx {
    /// Forgets what was done before this moment.
    pub async fn forget_done_requests(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run_across!(self, execute FORGET_DONE_REQUESTS, before)
    }
}
