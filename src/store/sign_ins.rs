//! Sign-ins that were begun and are not completed.

use chrono::{DateTime, Utc};

use super::sql::{run, statements};
use super::{Result, Tx, column};
use crate::domain::id::{ConnectionName, TransactionId};

statements! {
    platform {
        INSERT_TRANSACTION = "insert into sign_in_transaction (id, state_hash, browser_hash, connection, return_to, begun_at) \
            values ($1, $2, $3, $4, $5, $6)";
        /// Taken and gone in one statement: a state is good once.
        TAKE_TRANSACTION = "delete from sign_in_transaction where state_hash = $1 \
            returning id, browser_hash, connection, return_to, begun_at";
        COUNT_TRANSACTIONS = "select count(*) from sign_in_transaction";
        FORGET_OLD_TRANSACTIONS = "delete from sign_in_transaction where begun_at < $1";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    browser_hash: String,
    connection: String,
    return_to: String,
    begun_at: DateTime<Utc>,
}

/// A sign-in under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInTransaction {
    /// The nonce and the PKCE verifier are derived from it.
    pub id: TransactionId,
    /// SHA-256 of the cookie of the browser that began it.
    pub browser_hash: String,
    /// Where it was sent.
    pub connection: ConnectionName,
    /// A path of ours.
    pub return_to: String,
    /// When.
    pub begun_at: DateTime<Utc>,
}

impl Tx {
    /// Keeps a sign-in that begins.
    pub async fn insert_transaction(&mut self, state_hash: &str, transaction: &SignInTransaction) -> Result<()> {
        run!(
            self,
            execute INSERT_TRANSACTION,
            transaction.id.as_str(),
            state_hash,
            transaction.browser_hash.as_str(),
            transaction.connection.as_str(),
            transaction.return_to.as_str(),
            transaction.begun_at,
        )?;
        Ok(())
    }

    /// Takes the sign-in with this state, so that nobody can take it again.
    pub async fn take_transaction(&mut self, state_hash: &str) -> Result<Option<SignInTransaction>> {
        let row: Option<Row> = run!(self, fetch_optional Row: TAKE_TRANSACTION, state_hash)?;
        row.map(|row| {
            Ok(SignInTransaction {
                id: column(&row.id, "sign_in_transaction", "id")?,
                browser_hash: row.browser_hash,
                connection: column(&row.connection, "sign_in_transaction", "connection")?,
                return_to: row.return_to,
                begun_at: row.begun_at,
            })
        })
        .transpose()
    }

    /// How many sign-ins are under way, forgotten ones not counted.
    pub async fn count_transactions(&mut self) -> Result<i64> {
        let (count,): (i64,) = run!(self, fetch_one (i64,): COUNT_TRANSACTIONS)?;
        Ok(count)
    }

    /// Forgets the sign-ins that were begun before this moment.
    pub async fn forget_transactions(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run!(self, execute FORGET_OLD_TRANSACTIONS, before)
    }
}
