//! Helper sessions with their tokens, and the codes that helpers trade for theirs.
//!
//! On PostgreSQL two brokers may be asked to refresh one session at the same moment. [`Tx::hold_cli_session`] makes one of
//! them wait; what is read after it is what the other has left.

use chrono::{DateTime, Utc};

use super::{Session, SessionRow, session};
use crate::domain::id::{CliSessionId, PersonId, SignInId};
use crate::store::sql::{run, statements};
use crate::store::{Error, Result, Tx, column};

statements! {
    platform {
        /// `token_hash` is what the release before looked sessions up by. No token hashes to an id.
        INSERT_CLI_SESSION = "insert into cli_session \
            (id, token_hash, person_id, sign_in_id, host, account, address, created_at, seen_at, expires_at) \
            values ($1, $1, $2, $3, $4, $5, $6, $7, $7, $8)";
        CLI_SESSION = "select cli_session.id as id, cli_session.person_id as person_id, \
            cli_session.sign_in_id as sign_in_id, cli_session.expires_at as expires_at from cli_token \
            join cli_session on cli_session.id = cli_token.cli_session_id \
            where cli_token.access_hash = $1 and cli_token.access_expires_at > $2 \
                and cli_session.ended_at is null and cli_session.expires_at > $2";
        CLI_SESSION_BY_ID = "select id, person_id, sign_in_id, expires_at from cli_session where id = $1";
        END_CLI_SESSION = "update cli_session set ended_at = $2 where id = $1 and ended_at is null";
        /// By either token, of whatever generation. Two statements, so that each has an index to go by.
        SESSION_OF_REFRESH = "select cli_session_id from cli_token where refresh_hash = $1";
        SESSION_OF_ACCESS = "select cli_session_id from cli_token where access_hash = $1";
        LIVE_CLI_SESSION = "select count(*) from cli_session where id = $1 and ended_at is null and expires_at > $2";
        /// Keeps whoever else refreshes or ends the session waiting until the transaction ends; no row when it has ended.
        HOLD_CLI_SESSION = "update cli_session set seen_at = $2 \
            where id = $1 and ended_at is null and expires_at > $2";
        INSERT_TOKENS = "insert into cli_token \
            (refresh_hash, access_hash, cli_session_id, generation, created_at, access_expires_at, session_expires_at) \
            values ($1, $2, $3, $4, $5, $6, $7)";
        TOKENS_BY_REFRESH = "select refresh_hash, access_hash, cli_session_id, generation, access_expires_at, \
            session_expires_at, used_at from cli_token where refresh_hash = $1";
        TOKENS_BY_GENERATION = "select refresh_hash, access_hash, cli_session_id, generation, access_expires_at, \
            session_expires_at, used_at from cli_token where cli_session_id = $1 and generation = $2";
        USE_TOKENS = "update cli_token set used_at = $2 where refresh_hash = $1 and used_at is null";
        FORGET_TOKENS = "delete from cli_token where session_expires_at < $1";
        INSERT_CODE = "insert into authorization_code \
            (code_hash, person_id, sign_in_id, redirect_uri, code_challenge, host, account, created_at) \
            values ($1, $2, $3, $4, $5, $6, $7, $8)";
        CODE = "select person_id, sign_in_id, redirect_uri, code_challenge, host, account, created_at, cli_session_id \
            from authorization_code where code_hash = $1";
        REDEEM_CODE = "update authorization_code set cli_session_id = $2 where code_hash = $1 and cli_session_id is null";
        /// Keeps who ends the browser's session waiting until the transaction ends; no row when it has ended.
        HOLD_CONFIRMING_SESSION = "update browser_session set ended_at = null \
            where sign_in_id = $1 and ended_at is null";
        FORGET_OLD_CODES = "delete from authorization_code where created_at < $1";
    }
}

/// Where a helper is, by its own word and by what the broker saw of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelperOrigin {
    /// The machine that asked, by its own word.
    pub host: String,
    /// The account there, by its own word.
    pub account: Option<String>,
    /// The address that the session was opened from.
    pub address: Option<String>,
}

/// One generation of the tokens of a helper's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The SHA-256 of the refresh token.
    pub refresh_hash: String,
    /// The SHA-256 of the access token.
    pub access_hash: String,
    /// Whose they are.
    pub session: CliSessionId,
    /// 1, 2, 3.
    pub generation: i64,
    /// When the access token stops opening anything.
    pub access_expires_at: DateTime<Utc>,
    /// When the session ends by itself.
    pub session_expires_at: DateTime<Utc>,
    /// When the refresh token was traded for the next generation.
    pub used_at: Option<DateTime<Utc>>,
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
    /// The account there, by its own word.
    pub account: Option<String>,
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
    account: Option<String>,
    created_at: DateTime<Utc>,
    cli_session_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct RawTokens {
    refresh_hash: String,
    access_hash: String,
    cli_session_id: String,
    generation: i64,
    access_expires_at: DateTime<Utc>,
    session_expires_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
}

impl TryFrom<RawTokens> for Tokens {
    type Error = Error;

    fn try_from(row: RawTokens) -> Result<Self> {
        Ok(Self {
            refresh_hash: row.refresh_hash,
            access_hash: row.access_hash,
            session: column(&row.cli_session_id, "cli_token", "cli_session_id")?,
            generation: row.generation,
            access_expires_at: row.access_expires_at,
            session_expires_at: row.session_expires_at,
            used_at: row.used_at,
        })
    }
}

impl Tx {
    /// Keeps a new helper session. It opens nothing before it has tokens: see [`Tx::insert_tokens`].
    pub async fn insert_cli_session(
        &mut self,
        session: &Session<CliSessionId>,
        origin: &HelperOrigin,
        now: DateTime<Utc>,
    ) -> Result<()> {
        run!(
            self,
            execute INSERT_CLI_SESSION,
            session.id.as_str(),
            session.person.as_str(),
            session.sign_in.as_str(),
            origin.host.as_str(),
            origin.account.as_deref(),
            origin.address.as_deref(),
            now,
            session.expires_at,
        )?;
        Ok(())
    }

    /// The live helper session with this access token, while that is good.
    pub async fn cli_session(
        &mut self,
        access_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session<CliSessionId>>> {
        let row: Option<SessionRow> = run!(self, fetch_optional SessionRow: CLI_SESSION, access_hash, now)?;
        row.map(|row| session(&row, "cli_session")).transpose()
    }

    /// A helper session, live or not.
    pub async fn cli_session_by_id(&mut self, id: &CliSessionId) -> Result<Option<Session<CliSessionId>>> {
        let row: Option<SessionRow> = run!(self, fetch_optional SessionRow: CLI_SESSION_BY_ID, id.as_str())?;
        row.map(|row| session(&row, "cli_session")).transpose()
    }

    /// Whether a helper session is live.
    pub async fn is_cli_session_live(&mut self, id: &CliSessionId, now: DateTime<Utc>) -> Result<bool> {
        let (live,): (i64,) = run!(self, fetch_one (i64,): LIVE_CLI_SESSION, id.as_str(), now)?;
        Ok(live == 1)
    }

    /// Whose a token is, access or refresh, of whatever generation.
    pub async fn cli_session_of_token(&mut self, token_hash: &str) -> Result<Option<CliSessionId>> {
        let mut row: Option<(String,)> = run!(self, fetch_optional (String,): SESSION_OF_REFRESH, token_hash)?;
        if row.is_none() {
            row = run!(self, fetch_optional (String,): SESSION_OF_ACCESS, token_hash)?;
        }
        row.map(|(id,)| column(&id, "cli_token", "cli_session_id")).transpose()
    }

    /// Ends a helper session; false when it had ended.
    pub async fn end_cli_session(&mut self, id: &CliSessionId, now: DateTime<Utc>) -> Result<bool> {
        Ok(run!(self, execute END_CLI_SESSION, id.as_str(), now)? == 1)
    }

    /// Notes that a live session is used, and keeps whoever else refreshes or ends it waiting until this transaction
    /// ends; false when it has ended.
    pub async fn hold_cli_session(&mut self, id: &CliSessionId, now: DateTime<Utc>) -> Result<bool> {
        Ok(run!(self, execute HOLD_CLI_SESSION, id.as_str(), now)? == 1)
    }

    /// Keeps a generation of tokens. There is one of each number in a session.
    pub async fn insert_tokens(&mut self, tokens: &Tokens, now: DateTime<Utc>) -> Result<()> {
        run!(
            self,
            execute INSERT_TOKENS,
            tokens.refresh_hash.as_str(),
            tokens.access_hash.as_str(),
            tokens.session.as_str(),
            tokens.generation,
            now,
            tokens.access_expires_at,
            tokens.session_expires_at,
        )?;
        Ok(())
    }

    /// The generation that this refresh token is of.
    pub async fn tokens_by_refresh(&mut self, refresh_hash: &str) -> Result<Option<Tokens>> {
        let row: Option<RawTokens> = run!(self, fetch_optional RawTokens: TOKENS_BY_REFRESH, refresh_hash)?;
        row.map(Tokens::try_from).transpose()
    }

    /// A generation of a session.
    pub async fn tokens_by_generation(&mut self, session: &CliSessionId, generation: i64) -> Result<Option<Tokens>> {
        let row: Option<RawTokens> =
            run!(self, fetch_optional RawTokens: TOKENS_BY_GENERATION, session.as_str(), generation)?;
        row.map(Tokens::try_from).transpose()
    }

    /// Marks a refresh token as traded; false when it already was.
    pub async fn use_tokens(&mut self, refresh_hash: &str, now: DateTime<Utc>) -> Result<bool> {
        Ok(run!(self, execute USE_TOKENS, refresh_hash, now)? == 1)
    }

    /// Forgets the tokens of the sessions whose own end was before this.
    pub async fn forget_tokens(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run!(self, execute FORGET_TOKENS, before)
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
            code.account.as_deref(),
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
                    account: row.account,
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

    /// Keeps the browser's session of this sign-in, where a code was confirmed, from being ended until this transaction
    /// ends; false when it has ended, by whatever ends every session of the sign-in.
    pub async fn hold_confirming_session(&mut self, sign_in: &SignInId) -> Result<bool> {
        Ok(run!(self, execute HOLD_CONFIRMING_SESSION, sign_in.as_str())? > 0)
    }

    /// Forgets the codes that were made before this moment.
    pub async fn forget_codes(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run!(self, execute FORGET_OLD_CODES, before)
    }
}
