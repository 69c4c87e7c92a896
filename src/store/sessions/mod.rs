//! Sessions, of browsers and of helpers. Tokens are here as hashes only.

pub(super) mod browser;
pub(super) mod cli;
pub(super) mod logout;
pub(super) mod old;
pub(super) mod own;

use chrono::{DateTime, Utc};

use super::sql::{run, statements};
use super::{Result, Tx, column};
use crate::domain::id::{PersonId, SignInId};

pub use browser::BrowserOrigin;
pub use cli::{Code, CodeRow, HelperOrigin, Tokens};
pub use own::{OwnBrowserSession, OwnCliSession};

statements! {
    platform {
        END_BROWSER_SESSIONS_OF = "update browser_session set ended_at = $2 where person_id = $1 and ended_at is null";
        END_CLI_SESSIONS_OF = "update cli_session set ended_at = $2 where person_id = $1 and ended_at is null";
    }
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: String,
    person_id: String,
    sign_in_id: String,
    expires_at: DateTime<Utc>,
}

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<Id> {
    /// Which.
    pub id: Id,
    /// Whose.
    pub person: PersonId,
    /// The sign-in it came of.
    pub sign_in: SignInId,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

impl Tx {
    /// Ends every session of a person; says how many there were.
    pub async fn end_sessions_of(&mut self, person: &PersonId, now: DateTime<Utc>) -> Result<u64> {
        let browsers = run!(self, execute END_BROWSER_SESSIONS_OF, person.as_str(), now)?;
        let helpers = run!(self, execute END_CLI_SESSIONS_OF, person.as_str(), now)?;
        Ok(browsers + helpers)
    }
}

fn session<Id: std::str::FromStr>(row: &SessionRow, table: &'static str) -> Result<Session<Id>> {
    Ok(Session {
        id: column(&row.id, table, "id")?,
        person: column(&row.person_id, table, "person_id")?,
        sign_in: column(&row.sign_in_id, table, "sign_in_id")?,
        expires_at: row.expires_at,
    })
}
