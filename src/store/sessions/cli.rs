//! Helper sessions, and the codes that helpers trade for theirs.

use chrono::{DateTime, Utc};

use super::{Session, SessionRow, session};
use crate::domain::id::{CliSessionId, PersonId, SignInId};
use crate::store::sql::{run, statements};
use crate::store::{Result, Tx, column};

statements! {
    platform {
        INSERT_CLI_SESSION = "insert into cli_session \
            (id, token_hash, person_id, sign_in_id, host, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)";
        CLI_SESSION = "select id, person_id, sign_in_id, expires_at from cli_session \
            where token_hash = $1 and ended_at is null and expires_at > $2";
        END_CLI_SESSION = "update cli_session set ended_at = $2 where token_hash = $1 and ended_at is null";
        END_CLI_SESSION_BY_ID = "update cli_session set ended_at = $2 where id = $1 and ended_at is null";
        LIVE_CLI_SESSION = "select count(*) from cli_session where id = $1 and ended_at is null and expires_at > $2";
        INSERT_CODE = "insert into authorization_code \
            (code_hash, person_id, sign_in_id, redirect_uri, code_challenge, host, created_at) \
            values ($1, $2, $3, $4, $5, $6, $7)";
        CODE = "select person_id, sign_in_id, redirect_uri, code_challenge, host, created_at, cli_session_id \
            from authorization_code where code_hash = $1";
        REDEEM_CODE = "update authorization_code set cli_session_id = $2 where code_hash = $1 and cli_session_id is null";
        FORGET_OLD_CODES = "delete from authorization_code where created_at < $1";
    }
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
    /// Keeps a new helper session.
    pub async fn insert_cli_session(
        &mut self,
        token_hash: &str,
        session: &Session<CliSessionId>,
        host: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        run!(
            self,
            execute INSERT_CLI_SESSION,
            session.id.as_str(),
            token_hash,
            session.person.as_str(),
            session.sign_in.as_str(),
            host,
            now,
            session.expires_at,
        )?;
        Ok(())
    }

    /// The live helper session with this token.
    pub async fn cli_session(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Session<CliSessionId>>> {
        let row: Option<SessionRow> = run!(self, fetch_optional SessionRow: CLI_SESSION, token_hash, now)?;
        row.map(|row| session(&row, "cli_session")).transpose()
    }

    /// Whether a helper session is live.
    pub async fn is_cli_session_live(&mut self, id: &CliSessionId, now: DateTime<Utc>) -> Result<bool> {
        let (live,): (i64,) = run!(self, fetch_one (i64,): LIVE_CLI_SESSION, id.as_str(), now)?;
        Ok(live == 1)
    }

    /// Ends the helper session with this token, if there is one.
    pub async fn end_cli_session(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<()> {
        run!(self, execute END_CLI_SESSION, token_hash, now)?;
        Ok(())
    }

    /// Ends a helper session.
    pub async fn end_cli_session_by_id(&mut self, id: &CliSessionId, now: DateTime<Utc>) -> Result<()> {
        run!(self, execute END_CLI_SESSION_BY_ID, id.as_str(), now)?;
        Ok(())
    }

    /// Keeps a code.
    pub async fn insert_code(&mut self, code_hash: &str, code: &Code) -> Result<()> {
        run!(
            self,
            execute INSERT_CODE,
            code_hash,
            code.person.as_str(),
            code.sign_in.as_str(),
            code.redirect_uri.as_str(),
            code.code_challenge.as_str(),
            code.host.as_str(),
            code.created_at,
        )?;
        Ok(())
    }

    /// What is known of a code.
    pub async fn code(&mut self, code_hash: &str) -> Result<Option<CodeRow>> {
        let row: Option<RawCode> = run!(self, fetch_optional RawCode: CODE, code_hash)?;
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
        Ok(run!(self, execute REDEEM_CODE, code_hash, session.as_str())? == 1)
    }

    /// Forgets the codes that were made before this moment.
    pub async fn forget_codes(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run!(self, execute FORGET_OLD_CODES, before)
    }
}
