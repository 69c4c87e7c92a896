//! Browser sessions, helper sessions, and the codes that helpers trade for theirs. Tokens are here as hashes only.

use chrono::{DateTime, Utc};

use super::{Result, Tx, column, statements};
use crate::domain::id::{BrowserSessionId, CliSessionId, PersonId, SignInId};

statements! {
    INSERT_BROWSER_SESSION = "insert into browser_session \
        (id, token_hash, person_id, sign_in_id, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)";
    BROWSER_SESSION = "select id, person_id, sign_in_id, expires_at from browser_session \
        where token_hash = $1 and ended_at is null and expires_at > $2";
    END_BROWSER_SESSION = "update browser_session set ended_at = $2 where token_hash = $1 and ended_at is null";
    INSERT_CLI_SESSION = "insert into cli_session \
        (id, token_hash, person_id, sign_in_id, host, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)";
    CLI_SESSION = "select id, person_id, sign_in_id, expires_at from cli_session \
        where token_hash = $1 and ended_at is null and expires_at > $2";
    END_CLI_SESSION = "update cli_session set ended_at = $2 where token_hash = $1 and ended_at is null";
    END_CLI_SESSION_BY_ID = "update cli_session set ended_at = $2 where id = $1 and ended_at is null";
    LIVE_BROWSER_SESSION = "select count(*) from browser_session \
        where id = $1 and ended_at is null and expires_at > $2";
    LIVE_CLI_SESSION = "select count(*) from cli_session where id = $1 and ended_at is null and expires_at > $2";
    INSERT_CODE = "insert into authorization_code \
        (code_hash, person_id, sign_in_id, redirect_uri, code_challenge, host, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7)";
    CODE = "select person_id, sign_in_id, redirect_uri, code_challenge, host, created_at, cli_session_id \
        from authorization_code where code_hash = $1";
    REDEEM_CODE = "update authorization_code set cli_session_id = $2 where code_hash = $1 and cli_session_id is null";
    FORGET_OLD_CODES = "delete from authorization_code where created_at < $1";
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

/// What a code stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Whose.
    pub person: PersonId,
    /// The sign-in behind it.
    pub sign_in: SignInId,
    /// Where it was sent; the one who trades it must name the same place.
    pub redirect_uri: String,
    /// PKCE, S256.
    pub code_challenge: String,
    /// The machine that asked, by its own word.
    pub host: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A code, and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// What it stands for.
    pub code: Code,
    /// The session it was traded for, if it was.
    pub redeemed_for: Option<CliSessionId>,
}

#[derive(sqlx::FromRow)]
struct RawCode {
    person_id: String,
    sign_in_id: String,
    redirect_uri: String,
    code_challenge: String,
    host: String,
    created_at: DateTime<Utc>,
    cli_session_id: Option<String>,
}

impl Tx {
    /// Keeps a new browser session.
    pub async fn insert_browser_session(
        &mut self,
        token_hash: &str,
        session: &Session<BrowserSessionId>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        sqlx::query(INSERT_BROWSER_SESSION)
            .bind(session.id.as_str())
            .bind(token_hash)
            .bind(session.person.as_str())
            .bind(session.sign_in.as_str())
            .bind(now)
            .bind(session.expires_at)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// The live browser session with this token.
    pub async fn browser_session(
        &mut self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session<BrowserSessionId>>> {
        let row: Option<SessionRow> =
            sqlx::query_as(BROWSER_SESSION).bind(token_hash).bind(now).fetch_optional(&mut *self.inner).await?;
        row.map(|row| session(&row, "browser_session")).transpose()
    }

    /// Ends a browser session, if there is one.
    pub async fn end_browser_session(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<()> {
        sqlx::query(END_BROWSER_SESSION).bind(token_hash).bind(now).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Keeps a new helper session.
    pub async fn insert_cli_session(
        &mut self,
        token_hash: &str,
        session: &Session<CliSessionId>,
        host: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        sqlx::query(INSERT_CLI_SESSION)
            .bind(session.id.as_str())
            .bind(token_hash)
            .bind(session.person.as_str())
            .bind(session.sign_in.as_str())
            .bind(host)
            .bind(now)
            .bind(session.expires_at)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// The live helper session with this token.
    pub async fn cli_session(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Session<CliSessionId>>> {
        let row: Option<SessionRow> =
            sqlx::query_as(CLI_SESSION).bind(token_hash).bind(now).fetch_optional(&mut *self.inner).await?;
        row.map(|row| session(&row, "cli_session")).transpose()
    }

    /// Whether a browser session is live.
    pub async fn is_browser_session_live(&mut self, id: &BrowserSessionId, now: DateTime<Utc>) -> Result<bool> {
        self.is_live(LIVE_BROWSER_SESSION, id.as_str(), now).await
    }

    /// Whether a helper session is live.
    pub async fn is_cli_session_live(&mut self, id: &CliSessionId, now: DateTime<Utc>) -> Result<bool> {
        self.is_live(LIVE_CLI_SESSION, id.as_str(), now).await
    }

    async fn is_live(&mut self, statement: &'static str, id: &str, now: DateTime<Utc>) -> Result<bool> {
        let found: i64 = sqlx::query_scalar(statement).bind(id).bind(now).fetch_one(&mut *self.inner).await?;
        Ok(found == 1)
    }

    /// Ends the helper session with this token, if there is one.
    pub async fn end_cli_session(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<()> {
        sqlx::query(END_CLI_SESSION).bind(token_hash).bind(now).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Ends a helper session.
    pub async fn end_cli_session_by_id(&mut self, id: &CliSessionId, now: DateTime<Utc>) -> Result<()> {
        sqlx::query(END_CLI_SESSION_BY_ID).bind(id.as_str()).bind(now).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Keeps a code.
    pub async fn insert_code(&mut self, code_hash: &str, code: &Code) -> Result<()> {
        sqlx::query(INSERT_CODE)
            .bind(code_hash)
            .bind(code.person.as_str())
            .bind(code.sign_in.as_str())
            .bind(&code.redirect_uri)
            .bind(&code.code_challenge)
            .bind(&code.host)
            .bind(code.created_at)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// What is known of a code.
    pub async fn code(&mut self, code_hash: &str) -> Result<Option<CodeRow>> {
        let row: Option<RawCode> = sqlx::query_as(CODE).bind(code_hash).fetch_optional(&mut *self.inner).await?;
        row.map(|row| {
            let redeemed_for = row.cli_session_id.as_deref();
            Ok(CodeRow {
                code: Code {
                    person: column(&row.person_id, "authorization_code", "person_id")?,
                    sign_in: column(&row.sign_in_id, "authorization_code", "sign_in_id")?,
                    redirect_uri: row.redirect_uri,
                    code_challenge: row.code_challenge,
                    host: row.host,
                    created_at: row.created_at,
                },
                redeemed_for: redeemed_for.map(|id| column(id, "authorization_code", "cli_session_id")).transpose()?,
            })
        })
        .transpose()
    }

    /// Marks a code as traded for a session; false when it already was.
    pub async fn redeem_code(&mut self, code_hash: &str, session: &CliSessionId) -> Result<bool> {
        let done = sqlx::query(REDEEM_CODE).bind(code_hash).bind(session.as_str()).execute(&mut *self.inner).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets the codes that were made before this moment.
    pub async fn forget_codes(&mut self, before: DateTime<Utc>) -> Result<u64> {
        Ok(sqlx::query(FORGET_OLD_CODES).bind(before).execute(&mut *self.inner).await?.rows_affected())
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
