//! Somebody's sessions, as they look at them themselves.

use chrono::{DateTime, Utc};

use crate::domain::id::{BrowserSessionId, CliSessionId, PersonId};
use crate::store::sql::{run, statements};
use crate::store::{MaybeTime, Result, Tx, column};

statements! {
    platform {
        BROWSER_SESSIONS_OF = "select id, created_at, coalesce(seen_at, created_at) as seen_at, expires_at, address, agent \
            from browser_session where person_id = $1 and ended_at is null and expires_at > $2 \
            and coalesce(seen_at, created_at) > $3 order by created_at desc, id";
        CLI_SESSIONS_OF = "select id, created_at, seen_at, expires_at, address, host, account \
            from cli_session where person_id = $1 and ended_at is null and expires_at > $2 \
            order by created_at desc, id";
        END_OWN_BROWSER_SESSION = "update browser_session set ended_at = $3 \
            where id = $1 and person_id = $2 and ended_at is null and expires_at > $3";
        END_OWN_CLI_SESSION = "update cli_session set ended_at = $3 \
            where id = $1 and person_id = $2 and ended_at is null and expires_at > $3";
        END_OTHER_BROWSER_SESSIONS = "update browser_session set ended_at = $3 \
            where person_id = $1 and id <> $2 and ended_at is null and expires_at > $3";
        END_OTHER_CLI_SESSIONS = "update cli_session set ended_at = $3 \
            where person_id = $1 and id <> $2 and ended_at is null and expires_at > $3";
    }
}

/// A live browser session of somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnBrowserSession {
    /// Which.
    pub id: BrowserSessionId,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was used last, to the minute.
    pub seen_at: DateTime<Utc>,
    /// When it ends by itself, if it is used until then.
    pub expires_at: DateTime<Utc>,
    /// The address it was opened from.
    pub address: Option<String>,
    /// What the browser calls itself, in short.
    pub agent: Option<String>,
}

/// A live helper session of somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCliSession {
    /// Which.
    pub id: CliSessionId,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its tokens were traded last.
    pub seen_at: MaybeTime,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// The address it was opened from.
    pub address: Option<String>,
    /// The machine, by its own word.
    pub host: String,
    /// The account there, by its own word.
    pub account: Option<String>,
}

#[derive(sqlx::FromRow)]
struct BrowserRow {
    id: String,
    created_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    address: Option<String>,
    agent: Option<String>,
}

#[derive(sqlx::FromRow)]
struct CliRow {
    id: String,
    created_at: DateTime<Utc>,
    seen_at: MaybeTime,
    expires_at: DateTime<Utc>,
    address: Option<String>,
    host: String,
    account: Option<String>,
}

impl Tx {
    /// A person's live browser sessions that were used after `idle_since`, the newest first.
    pub async fn browser_sessions_of(
        &mut self,
        person: &PersonId,
        now: DateTime<Utc>,
        idle_since: DateTime<Utc>,
    ) -> Result<Vec<OwnBrowserSession>> {
        let rows: Vec<BrowserRow> =
            run!(self, fetch_all BrowserRow: BROWSER_SESSIONS_OF, person.as_str(), now, idle_since)?;
        rows.into_iter()
            .map(|row| {
                Ok(OwnBrowserSession {
                    id: column(&row.id, "browser_session", "id")?,
                    created_at: row.created_at,
                    seen_at: row.seen_at,
                    expires_at: row.expires_at,
                    address: row.address,
                    agent: row.agent,
                })
            })
            .collect()
    }

    /// A person's live helper sessions, the newest first.
    pub async fn cli_sessions_of(&mut self, person: &PersonId, now: DateTime<Utc>) -> Result<Vec<OwnCliSession>> {
        let rows: Vec<CliRow> = run!(self, fetch_all CliRow: CLI_SESSIONS_OF, person.as_str(), now)?;
        rows.into_iter()
            .map(|row| {
                Ok(OwnCliSession {
                    id: column(&row.id, "cli_session", "id")?,
                    created_at: row.created_at,
                    seen_at: row.seen_at,
                    expires_at: row.expires_at,
                    address: row.address,
                    host: row.host,
                    account: row.account,
                })
            })
            .collect()
    }

    /// Ends a browser session of this person; false when they have no live one of that id.
    pub async fn end_own_browser_session(
        &mut self,
        id: &BrowserSessionId,
        person: &PersonId,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        Ok(run!(self, execute END_OWN_BROWSER_SESSION, id.as_str(), person.as_str(), now)? == 1)
    }

    /// Ends a helper session of this person; false when they have no live one of that id.
    pub async fn end_own_cli_session(
        &mut self,
        id: &CliSessionId,
        person: &PersonId,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        Ok(run!(self, execute END_OWN_CLI_SESSION, id.as_str(), person.as_str(), now)? == 1)
    }

    /// Ends every session of this person but the one of this id; says how many there were.
    pub async fn end_other_sessions(&mut self, person: &PersonId, but: &str, now: DateTime<Utc>) -> Result<u64> {
        let browsers = run!(self, execute END_OTHER_BROWSER_SESSIONS, person.as_str(), but, now)?;
        let helpers = run!(self, execute END_OTHER_CLI_SESSIONS, person.as_str(), but, now)?;
        Ok(browsers + helpers)
    }
}
