//! Forgetting sessions and sign-ins that nothing stands on any more.

use chrono::{DateTime, Utc};

use crate::store::sql::{run, statements};
use crate::store::{Result, Tx};

/// So many sign-ins are forgotten in one transaction.
const BATCH: usize = 200;

statements! {
    platform {
        FORGET_BROWSER_SESSIONS = "delete from browser_session where expires_at < $1";
        FORGET_CLI_SESSIONS = "delete from cli_session where expires_at < $1";
        /// Not the latest of its person, which every decision is made on, and not what a session stands on.
        OLD_SIGN_INS = "select sign_in.id as id from sign_in where sign_in.signed_in_at < $1 \
            and exists (select 1 from sign_in newer where newer.person_id = sign_in.person_id \
                and newer.signed_in_at > sign_in.signed_in_at) \
            and not exists (select 1 from browser_session where browser_session.sign_in_id = sign_in.id) \
            and not exists (select 1 from cli_session where cli_session.sign_in_id = sign_in.id) \
            order by sign_in.signed_in_at, sign_in.id limit $2";
        FORGET_GROUPS_OF_SIGN_IN = "delete from sign_in_group where sign_in_id = $1";
        FORGET_SIGN_IN = "delete from sign_in where id = $1";
    }
}

impl Tx {
    /// Forgets the sessions whose own end was before this moment; says how many. Their tokens are forgotten by then.
    pub async fn forget_sessions(&mut self, before: DateTime<Utc>) -> Result<u64> {
        let browsers = run!(self, execute FORGET_BROWSER_SESSIONS, before)?;
        Ok(browsers + run!(self, execute FORGET_CLI_SESSIONS, before)?)
    }

    /// Forgets some of the sign-ins before this moment that nothing stands on; says whether there may be more.
    pub async fn forget_sign_ins(&mut self, before: DateTime<Utc>) -> Result<bool> {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let old: Vec<(String,)> = run!(self, fetch_all (String,): OLD_SIGN_INS, before, limit)?;
        for (id,) in &old {
            run!(self, execute FORGET_GROUPS_OF_SIGN_IN, id.as_str())?;
            run!(self, execute FORGET_SIGN_IN, id.as_str())?;
        }
        Ok(old.len() == BATCH)
    }
}
