//! Sign-ins that were begun and are not completed.

use chrono::{DateTime, Utc};

use super::{Result, Tx, column, statements};
use crate::domain::id::{ConnectionName, TransactionId};

statements! {
    INSERT_TRANSACTION = "insert into sign_in_transaction (id, state_hash, browser_hash, connection, return_to, begun_at) \
        values ($1, $2, $3, $4, $5, $6)";
    /// Taken and gone in one statement: a state is good once.
    TAKE_TRANSACTION = "delete from sign_in_transaction where state_hash = $1 \
        returning id, browser_hash, connection, return_to, begun_at";
    COUNT_TRANSACTIONS = "select count(*) from sign_in_transaction";
    FORGET_OLD_TRANSACTIONS = "delete from sign_in_transaction where begun_at < $1";
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
        sqlx::query(INSERT_TRANSACTION)
            .bind(transaction.id.as_str())
            .bind(state_hash)
            .bind(&transaction.browser_hash)
            .bind(transaction.connection.as_str())
            .bind(&transaction.return_to)
            .bind(transaction.begun_at)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Takes the sign-in with this state, so that nobody can take it again.
    pub async fn take_transaction(&mut self, state_hash: &str) -> Result<Option<SignInTransaction>> {
        let row: Option<Row> =
            sqlx::query_as(TAKE_TRANSACTION).bind(state_hash).fetch_optional(&mut *self.inner).await?;
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
        Ok(sqlx::query_scalar(COUNT_TRANSACTIONS).fetch_one(&mut *self.inner).await?)
    }

    /// Forgets the sign-ins that were begun before this moment.
    pub async fn forget_transactions(&mut self, before: DateTime<Utc>) -> Result<u64> {
        Ok(sqlx::query(FORGET_OLD_TRANSACTIONS).bind(before).execute(&mut *self.inner).await?.rows_affected())
    }
}
