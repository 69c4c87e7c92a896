//! What a provider's word that somebody has left there ends here.

use chrono::{DateTime, Utc};

use crate::domain::claims::ProviderSession;
use crate::domain::id::{ConnectionName, PersonId, SignInId};
use crate::domain::person::Subject;
use crate::store::sql::{run, statements};
use crate::store::{Result, Tx, column};

statements! {
    platform {
        TAKE_LOGOUT_TOKEN = "insert into logout_token (connection, id, taken_at) values ($1, $2, $3) \
            on conflict (connection, id) do nothing";
        FORGET_LOGOUT_TOKENS = "delete from logout_token where taken_at < $1";
        SIGN_INS_BY_SESSION = "select sign_in.id as id, sign_in.person_id as person_id, \
            sign_in.provider_subject as subject from sign_in join person on person.id = sign_in.person_id \
            where sign_in.provider_session = $1 and person.connection = $2 order by sign_in.id";
        SIGN_INS_BY_SUBJECT = "select sign_in.id as id, sign_in.person_id as person_id, \
            sign_in.provider_subject as subject from sign_in join person on person.id = sign_in.person_id \
            where sign_in.provider_subject = $1 and person.connection = $2 order by sign_in.id";
        END_BROWSER_SESSIONS_BY_SIGN_IN = "update browser_session set ended_at = $2 \
            where sign_in_id = $1 and ended_at is null and expires_at > $2";
        END_CLI_SESSIONS_BY_SIGN_IN = "update cli_session set ended_at = $2 \
            where sign_in_id = $1 and ended_at is null and expires_at > $2";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    person_id: String,
    subject: Option<String>,
}

impl Tx {
    /// Notes that a logout token of this connection was taken; false when it was before.
    pub async fn take_logout_token(
        &mut self,
        connection: &ConnectionName,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        Ok(run!(self, execute TAKE_LOGOUT_TOKEN, connection.as_str(), id, now)? == 1)
    }

    /// Forgets the logout tokens that were taken before this moment.
    pub async fn forget_logout_tokens(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run!(self, execute FORGET_LOGOUT_TOKENS, before)
    }

    /// The sign-ins at this connection that a logout speaks of: of one session at the provider, or of everything that a
    /// subject has there; of the session when both are named, and only if it is that subject's.
    pub async fn sign_ins_to_log_out(
        &mut self,
        connection: &ConnectionName,
        session: Option<&ProviderSession>,
        subject: Option<&Subject>,
    ) -> Result<Vec<(SignInId, PersonId)>> {
        let connection = connection.as_str();
        let rows: Vec<Row> = match (session, subject) {
            (Some(session), _) => run!(self, fetch_all Row: SIGN_INS_BY_SESSION, session.as_str(), connection)?,
            (None, Some(subject)) => run!(self, fetch_all Row: SIGN_INS_BY_SUBJECT, subject.as_str(), connection)?,
            (None, None) => Vec::new(),
        };
        rows.into_iter()
            .filter(|row| subject.is_none_or(|subject| row.subject.as_deref() == Some(subject.as_str())))
            .map(|row| Ok((column(&row.id, "sign_in", "id")?, column(&row.person_id, "sign_in", "person_id")?)))
            .collect()
    }

    /// Ends every session that stands on a sign-in; says how many there were.
    pub async fn end_sessions_by_sign_in(&mut self, sign_in: &SignInId, now: DateTime<Utc>) -> Result<u64> {
        let browsers = run!(self, execute END_BROWSER_SESSIONS_BY_SIGN_IN, sign_in.as_str(), now)?;
        Ok(browsers + run!(self, execute END_CLI_SESSIONS_BY_SIGN_IN, sign_in.as_str(), now)?)
    }
}
