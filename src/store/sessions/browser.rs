//! Browser sessions. Each ends at its own time, and before that once nobody has used it for as long as one may be idle.

use chrono::{DateTime, Utc};

use super::{Session, SessionRow, session};
use crate::domain::id::BrowserSessionId;
use crate::store::sql::{run, statements};
use crate::store::{Result, Tx};

statements! {
    platform {
        INSERT_BROWSER_SESSION = "insert into browser_session \
            (id, token_hash, person_id, sign_in_id, created_at, seen_at, expires_at, address, agent) \
            values ($1, $2, $3, $4, $5, $5, $6, $7, $8)";
        /// `$3` is when it must have been used last.
        BROWSER_SESSION = "select id, person_id, sign_in_id, expires_at, coalesce(seen_at, created_at) as seen_at \
            from browser_session \
            where token_hash = $1 and ended_at is null and expires_at > $2 and coalesce(seen_at, created_at) > $3";
        SEE_BROWSER_SESSION = "update browser_session set seen_at = $2 \
            where id = $1 and ended_at is null and (seen_at is null or seen_at < $2)";
        END_BROWSER_SESSION = "update browser_session set ended_at = $2 where token_hash = $1 and ended_at is null";
        LIVE_BROWSER_SESSION = "select count(*) from browser_session \
            where id = $1 and ended_at is null and expires_at > $2";
    }
}

/// Where a browser is, by what the broker saw of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserOrigin {
    /// The address that it signed in from.
    pub address: Option<String>,
    /// What it calls itself, in short.
    pub agent: Option<String>,
}

#[derive(sqlx::FromRow)]
struct SeenRow {
    id: String,
    person_id: String,
    sign_in_id: String,
    expires_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
}

impl Tx {
    /// Keeps a new browser session.
    pub async fn insert_browser_session(
        &mut self,
        token_hash: &str,
        session: &Session<BrowserSessionId>,
        origin: &BrowserOrigin,
        now: DateTime<Utc>,
    ) -> Result<()> {
        run!(
            self,
            execute INSERT_BROWSER_SESSION,
            session.id.as_str(),
            token_hash,
            session.person.as_str(),
            session.sign_in.as_str(),
            now,
            session.expires_at,
            origin.address.as_deref(),
            origin.agent.as_deref(),
        )?;
        Ok(())
    }

    /// The live browser session with this token that was used after `idle_since`, and when it was used last.
    pub async fn browser_session(
        &mut self,
        token_hash: &str,
        now: DateTime<Utc>,
        idle_since: DateTime<Utc>,
    ) -> Result<Option<(Session<BrowserSessionId>, DateTime<Utc>)>> {
        let row: Option<SeenRow> = run!(self, fetch_optional SeenRow: BROWSER_SESSION, token_hash, now, idle_since)?;
        row.map(|row| {
            let SeenRow { id, person_id, sign_in_id, expires_at, seen_at } = row;
            let row = SessionRow { id, person_id, sign_in_id, expires_at };
            Ok((session(&row, "browser_session")?, seen_at))
        })
        .transpose()
    }

    /// Notes that a browser session is used.
    pub async fn see_browser_session(&mut self, id: &BrowserSessionId, now: DateTime<Utc>) -> Result<()> {
        run!(self, execute SEE_BROWSER_SESSION, id.as_str(), now)?;
        Ok(())
    }

    /// Ends a browser session, if there is one.
    pub async fn end_browser_session(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<()> {
        run!(self, execute END_BROWSER_SESSION, token_hash, now)?;
        Ok(())
    }

    /// Whether a browser session is live, however long it was idle.
    pub async fn is_browser_session_live(&mut self, id: &BrowserSessionId, now: DateTime<Utc>) -> Result<bool> {
        let (live,): (i64,) = run!(self, fetch_one (i64,): LIVE_BROWSER_SESSION, id.as_str(), now)?;
        Ok(live == 1)
    }
}
