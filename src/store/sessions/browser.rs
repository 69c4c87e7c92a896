//! Browser sessions.

use chrono::{DateTime, Utc};

use super::{Session, SessionRow, session};
use crate::domain::id::BrowserSessionId;
use crate::store::sql::{run, statements};
use crate::store::{Result, Tx};

statements! {
    platform {
        INSERT_BROWSER_SESSION = "insert into browser_session \
            (id, token_hash, person_id, sign_in_id, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)";
        BROWSER_SESSION = "select id, person_id, sign_in_id, expires_at from browser_session \
            where token_hash = $1 and ended_at is null and expires_at > $2";
        END_BROWSER_SESSION = "update browser_session set ended_at = $2 where token_hash = $1 and ended_at is null";
        LIVE_BROWSER_SESSION = "select count(*) from browser_session \
            where id = $1 and ended_at is null and expires_at > $2";
    }
}

impl Tx {
    /// Keeps a new browser session.
    pub async fn insert_browser_session(
        &mut self,
        token_hash: &str,
        session: &Session<BrowserSessionId>,
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
        )?;
        Ok(())
    }

    /// The live browser session with this token.
    pub async fn browser_session(
        &mut self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session<BrowserSessionId>>> {
        let row: Option<SessionRow> = run!(self, fetch_optional SessionRow: BROWSER_SESSION, token_hash, now)?;
        row.map(|row| session(&row, "browser_session")).transpose()
    }

    /// Ends a browser session, if there is one.
    pub async fn end_browser_session(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<()> {
        run!(self, execute END_BROWSER_SESSION, token_hash, now)?;
        Ok(())
    }

    /// Whether a browser session is live.
    pub async fn is_browser_session_live(&mut self, id: &BrowserSessionId, now: DateTime<Utc>) -> Result<bool> {
        let (live,): (i64,) = run!(self, fetch_one (i64,): LIVE_BROWSER_SESSION, id.as_str(), now)?;
        Ok(live == 1)
    }
}
