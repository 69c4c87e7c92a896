//! The ledger's table. This file can add entries and read them; the schema's triggers refuse everything else.

use chrono::{DateTime, Utc};

use super::{Error, Result, Tx, column, statements};
use crate::domain::id::{PersonId, RoleSessionId};
use crate::domain::ledger::{Book, Draft, Entry};

statements! {
    NEXT_SEQ = "select coalesce(max(seq), 0) + 1 from ledger_entry where book = $1";
    APPEND = "insert into ledger_entry (book, seq, at, kind, person, attempt, entry) \
        values ($1, $2, $3, $4, $5, $6, $7)";
    BOOK = "select book, seq, at, kind, person, attempt, entry from ledger_entry where book = $1 and seq > $2 \
        order by seq limit $3";
    ALL_BOOKS = "select book, seq, at, kind, person, attempt, entry from ledger_entry \
        order by at, book, seq limit $1";
    /// Attempts that nothing came of: the broker stopped between its two entries.
    OPEN_ATTEMPTS = "select begun.book as book, begun.person as person, begun.attempt as attempt \
        from ledger_entry as begun where begun.kind = 'attempted' and begun.at < $1 and not exists \
        (select 1 from ledger_entry as ended where ended.attempt = begun.attempt and ended.kind <> 'attempted') \
        order by begun.book, begun.seq limit $2";
}

#[derive(sqlx::FromRow)]
struct Row {
    book: String,
    seq: i64,
    at: DateTime<Utc>,
    kind: String,
    person: String,
    attempt: String,
    entry: String,
}

#[derive(sqlx::FromRow)]
struct OpenRow {
    book: String,
    person: String,
    attempt: String,
}

/// An entry and the very text that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// What it says.
    pub entry: Entry,
    /// The canonical text.
    pub text: String,
}

impl Tx {
    /// Adds an entry at the end of its book. It stands when the transaction is committed.
    pub async fn append(&mut self, book: Book, draft: Draft) -> Result<Entry> {
        let name = String::from(book.clone());
        let at = draft.at;
        let seq: i64 = sqlx::query_scalar(NEXT_SEQ).bind(&name).fetch_one(&mut *self.inner).await?;
        let entry = Entry::new(book, seq, draft);
        sqlx::query(APPEND)
            .bind(&name)
            .bind(seq)
            .bind(at)
            .bind(entry.event.kind())
            .bind(entry.person.as_str())
            .bind(entry.attempt.as_str())
            .bind(entry.canonical()?)
            .execute(&mut *self.inner)
            .await?;
        Ok(entry)
    }

    /// At most `limit` entries of a book, after the given place.
    pub async fn book(&mut self, book: &Book, after: i64, limit: u32) -> Result<Vec<LedgerRow>> {
        let rows: Vec<Row> = sqlx::query_as(BOOK)
            .bind(String::from(book.clone()))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut *self.inner)
            .await?;
        rows.iter().map(checked).collect()
    }

    /// At most `limit` entries of all books, oldest first.
    pub async fn all_books(&mut self, limit: u32) -> Result<Vec<LedgerRow>> {
        let rows: Vec<Row> = sqlx::query_as(ALL_BOOKS).bind(i64::from(limit)).fetch_all(&mut *self.inner).await?;
        rows.iter().map(checked).collect()
    }

    /// Attempts begun before this moment that have no outcome.
    pub async fn open_attempts(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<(Book, PersonId, RoleSessionId)>> {
        let rows: Vec<OpenRow> =
            sqlx::query_as(OPEN_ATTEMPTS).bind(before).bind(i64::from(limit)).fetch_all(&mut *self.inner).await?;
        rows.into_iter()
            .map(|row| {
                let book = Book::try_from(row.book)
                    .map_err(|_| Error::Inconsistent { table: "ledger_entry", column: "book" })?;
                let person = column(&row.person, "ledger_entry", "person")?;
                Ok((book, person, column(&row.attempt, "ledger_entry", "attempt")?))
            })
            .collect()
    }
}

/// An entry, once its text is canonical and the columns beside it agree with it.
fn checked(row: &Row) -> Result<LedgerRow> {
    let entry = Entry::parse(&row.entry)?;
    let agree = String::from(entry.book.clone()) == row.book
        && entry.seq == row.seq
        && entry.at.parse::<DateTime<Utc>>().is_ok_and(|at| at == row.at)
        && entry.event.kind() == row.kind
        && entry.person.as_str() == row.person
        && entry.attempt.as_str() == row.attempt;
    if agree {
        Ok(LedgerRow { entry, text: row.entry.clone() })
    } else {
        Err(Error::Inconsistent { table: "ledger_entry", column: "entry" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;
    use crate::domain::id::LabId;
    use crate::domain::ledger::Event;

    fn draft(attempt: u8, event: Event) -> Draft {
        Draft {
            at: DateTime::from_timestamp_micros(1_795_266_000_000_001).unwrap(),
            person: PersonId::from_entropy([1; 10]),
            attempt: RoleSessionId::from_entropy([attempt; 10]),
            event,
        }
    }

    fn attempted() -> Event {
        Event::Attempted { lab: "vision".parse().unwrap(), role: "pay".parse().unwrap(), wanted_seconds: None }
    }

    fn refused() -> Event {
        Event::Refused { reason: crate::domain::access::Refusal::NoMapping }
    }

    async fn written() -> (tempfile::TempDir, Store, Book) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("lodge.db")).await.unwrap();
        let book = Book::Lab(LabId::from_entropy([9; 10]));
        let mut tx = store.write().await.unwrap();
        tx.append(book.clone(), draft(1, attempted())).await.unwrap();
        tx.append(book.clone(), draft(1, refused())).await.unwrap();
        tx.append(book.clone(), draft(2, attempted())).await.unwrap();
        tx.append(Book::Broker, draft(3, attempted())).await.unwrap();
        tx.commit().await.unwrap();
        (folder, store, book)
    }

    #[tokio::test]
    async fn each_book_counts_from_one_and_reads_back_what_was_written() {
        let (_folder, store, book) = written().await;
        let mut tx = store.read().await.unwrap();

        let places = |rows: Vec<LedgerRow>| rows.into_iter().map(|row| row.entry.seq).collect::<Vec<_>>();
        assert_eq!(places(tx.book(&book, 0, 10).await.unwrap()), [1, 2, 3]);
        assert_eq!(places(tx.book(&book, 1, 1).await.unwrap()), [2]);
        assert_eq!(places(tx.book(&Book::Broker, 0, 10).await.unwrap()), [1]);
        assert_eq!(tx.all_books(10).await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn an_attempt_without_an_outcome_is_found_once_it_is_old() {
        let (_folder, store, book) = written().await;
        let mut tx = store.read().await.unwrap();
        let later = DateTime::from_timestamp(1_795_266_001, 0).unwrap();

        let open = tx.open_attempts(later, 10).await.unwrap();
        assert_eq!(open.iter().map(|(_, _, attempt)| attempt.clone()).collect::<Vec<_>>().len(), 2);
        assert!(open.iter().any(|(at, _, attempt)| *at == book && *attempt == RoleSessionId::from_entropy([2; 10])));
        assert_eq!(tx.open_attempts(DateTime::UNIX_EPOCH, 10).await.unwrap(), []);
    }

    /// What somebody with the database file and no scruples would try first.
    #[tokio::test]
    async fn no_entry_can_be_changed_removed_replaced_or_left_out() {
        let (_folder, store, book) = written().await;
        let book = String::from(book);
        let values = "values ($1, 1, '', 'refused', '', 'x', '')";
        for attack in [
            "update ledger_entry set entry = '' where book = $1",
            "update ledger_entry set kind = kind where book = $1",
            "delete from ledger_entry where book = $1",
            &format!("insert or replace into ledger_entry (book, seq, at, kind, person, attempt, entry) {values}"),
            &format!(
                "insert into ledger_entry (book, seq, at, kind, person, attempt, entry) {}",
                values.replace('1', "5")
            ),
            &format!(
                "insert or replace into ledger_entry (book, seq, at, kind, person, attempt, entry) \
                 values ($1, 4, '', 'refused', '', '{}', '')",
                RoleSessionId::from_entropy([1; 10])
            ),
        ] {
            let attack = attack.replace("$5", "$1");
            let error = sqlx::query(sqlx::AssertSqlSafe(attack.clone()))
                .bind(&book)
                .execute(&store.writer)
                .await
                .expect_err(&attack)
                .to_string();
            assert!(error.contains("the ledger"), "{attack}: {error}");
        }

        let mut tx = store.read().await.unwrap();
        assert_eq!(tx.all_books(10).await.unwrap().len(), 4);
    }

    #[tokio::test]
    async fn an_attempt_has_one_outcome() {
        let (_folder, store, book) = written().await;
        let mut tx = store.write().await.unwrap();

        assert!(tx.append(book, draft(1, refused())).await.is_err());
    }
}
