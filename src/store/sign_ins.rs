//! What is kept of sign-ins that were begun: that they were answered, so that none is answered twice.

use chrono::{DateTime, Utc};

use super::sql::{run, statements};
use super::{Result, Tx};
use crate::domain::id::TransactionId;

statements! {
    platform {
        INSERT_ANSWER = "insert into sign_in_answer (id, answered_at) values ($1, $2) on conflict (id) do nothing";
        FORGET_OLD_ANSWERS = "delete from sign_in_answer where answered_at < $1";
        /// Of the release before, which kept what was begun.
        FORGET_OLD_TRANSACTIONS = "delete from sign_in_transaction where begun_at < $1";
    }
}

impl Tx {
    /// Notes that a sign-in was answered; false when it was before.
    pub async fn insert_sign_in_answer(&mut self, id: &TransactionId, now: DateTime<Utc>) -> Result<bool> {
        Ok(run!(self, execute INSERT_ANSWER, id.as_str(), now)? == 1)
    }

    /// Forgets the answers that came before this moment.
    pub async fn forget_sign_in_answers(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run!(self, execute FORGET_OLD_TRANSACTIONS, before)?;
        run!(self, execute FORGET_OLD_ANSWERS, before)
    }
}
