//! The ledger's tables. This file can add entries and read them; the schema's triggers refuse everything else.
//!
//! Adding to a lab's book is no access to the lab: a stranger's refused attempt stands in it, too. So [`Tx::append`]
//! takes the book and no proof, and gives nothing back but the entry.

use chrono::{DateTime, Utc};

use super::sql::{run_across, run_in_lab, statements};
use super::{Error, LabTx, Result, Scope, Tx, column};
use crate::domain::id::{PersonId, RoleSessionId};
use crate::domain::ledger::{Book, Draft, Entry, Event};

statements! {
    lab {
        BOOK = "select book, seq, at, kind, person, attempt, entry from ledger_entry where book = $1 and seq > $2 \
            order by seq limit $3";
        /// Waits for whoever is in the book, and keeps others out until the transaction ends.
        HOLD_BOOK = "insert into ledger_book (book, entries) values ($1, 0) \
            on conflict (book) do update set entries = ledger_book.entries";
        /// The next place. It also holds the book, so nobody else gets the same one.
        NEXT_SEQ = "insert into ledger_book (book, entries) values ($1, 1) \
            on conflict (book) do update set entries = ledger_book.entries + 1 returning entries";
        APPEND = "insert into ledger_entry (book, seq, at, kind, person, attempt, entry) \
            values ($1, $2, $3, $4, $5, $6, $7)";
        OPEN_ATTEMPT = "insert into open_attempt (book, attempt, person, at) values ($1, $2, $3, $4)";
        CLOSE_ATTEMPT = "delete from open_attempt where book = $1 and attempt = $2";
        IS_OPEN = "select count(*) from open_attempt where book = $1 and attempt = $2";
    }
    across {
        /// For whoever checks the whole ledger.
        ALL_BOOKS = "select book, seq, at, kind, person, attempt, entry from ledger_entry \
            order by at, book, seq limit $1";
        /// For the operator: books whose last place is not the number of their entries.
        COUNT_WRONG_BOOKS = "select count(*) from ledger_book where entries <> \
            (select coalesce(max(seq), 0) from ledger_entry where ledger_entry.book = ledger_book.book) \
            or entries <> (select count(*) from ledger_entry where ledger_entry.book = ledger_book.book)";
        /// For the sweep: attempts that nothing came of, because the broker stopped between its two entries.
        OPEN_ATTEMPTS = "select book, attempt, person from open_attempt where at < $1 \
            order by at, book, attempt limit $2";
    }
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
    attempt: String,
    person: String,
}

/// An entry and the very text that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// What it says.
    pub entry: Entry,
    /// The canonical text.
    pub text: String,
}

/// An attempt without an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAttempt {
    /// The book it stands in.
    pub book: Book,
    /// Whose.
    pub person: PersonId,
    /// Which.
    pub attempt: RoleSessionId,
}

/// One book, in a transaction: a lab's or the broker's own.
struct BookTx<'tx> {
    tx: &'tx mut Tx,
    lab: String,
}

impl Tx {
    async fn in_book(&mut self, book: &Book) -> Result<BookTx<'_>> {
        let lab = String::from(book.clone());
        self.enter(Scope::One(lab.clone())).await?;
        Ok(BookTx { tx: self, lab })
    }

    /// Waits for whoever writes in the book, and keeps others out of it until this transaction ends. What is read after
    /// this in the book's lab cannot change before that.
    ///
    /// # Errors
    ///
    /// When the database is away, or somebody keeps the book for too long.
    pub async fn hold_book(&mut self, book: &Book) -> Result<()> {
        let book = self.in_book(book).await?;
        run_in_lab!(book, execute HOLD_BOOK)?;
        Ok(())
    }

    /// Adds an entry at the end of its book. It stands when the transaction is committed.
    pub async fn append(&mut self, book: Book, draft: Draft) -> Result<Entry> {
        let at = draft.at;
        let open = self.in_book(&book).await?;
        let (seq,): (i64,) = run_in_lab!(open, fetch_one (i64,): NEXT_SEQ)?;
        let entry = Entry::new(book, seq, draft);
        let text = entry.canonical()?;
        let (who, thread) = (entry.thread.who(), entry.thread.id());
        run_in_lab!(open, execute APPEND, seq, at, entry.event.kind(), who, thread, text.as_str())?;
        match &entry.event {
            Event::Attempted { .. } => run_in_lab!(open, execute OPEN_ATTEMPT, thread, who, at)?,
            event if event.is_of_attempt() => run_in_lab!(open, execute CLOSE_ATTEMPT, thread)?,
            _ => 0,
        };
        Ok(entry)
    }

    /// At most `limit` entries of all books, oldest first.
    pub async fn all_books(&mut self, limit: u32) -> Result<Vec<LedgerRow>> {
        let rows: Vec<Row> = run_across!(self, fetch_all Row: ALL_BOOKS, i64::from(limit))?;
        rows.iter().map(checked).collect()
    }

    /// How many books do not have the entries that they count.
    pub(super) async fn count_wrong_books(&mut self) -> Result<i64> {
        let (count,): (i64,) = run_across!(self, fetch_one (i64,): COUNT_WRONG_BOOKS)?;
        Ok(count)
    }

    /// At most `limit` attempts begun before this moment that have no outcome, the oldest first.
    pub async fn open_attempts(&mut self, before: DateTime<Utc>, limit: u32) -> Result<Vec<OpenAttempt>> {
        let rows: Vec<OpenRow> = run_across!(self, fetch_all OpenRow: OPEN_ATTEMPTS, before, i64::from(limit))?;
        rows.into_iter()
            .map(|row| {
                let wrong = |column| Error::Inconsistent { table: "open_attempt", column };
                Ok(OpenAttempt {
                    book: Book::try_from(row.book).map_err(|_| wrong("book"))?,
                    person: column(&row.person, "open_attempt", "person")?,
                    attempt: column(&row.attempt, "open_attempt", "attempt")?,
                })
            })
            .collect()
    }

    /// Whether an attempt has no outcome.
    pub async fn is_open(&mut self, open: &OpenAttempt) -> Result<bool> {
        let book = self.in_book(&open.book).await?;
        let (count,): (i64,) = run_in_lab!(book, fetch_one (i64,): IS_OPEN, open.attempt.as_str())?;
        Ok(count == 1)
    }
}

impl LabTx<'_> {
    /// Adds an entry to the lab's book.
    pub async fn append(&mut self, draft: Draft) -> Result<Entry> {
        self.tx.append(Book::Lab(self.lab.clone()), draft).await
    }

    /// At most `limit` entries of the lab's book, after the given place.
    pub async fn book(&mut self, after: i64, limit: u32) -> Result<Vec<LedgerRow>> {
        let rows: Vec<Row> = run_in_lab!(self, fetch_all Row: BOOK, after, i64::from(limit))?;
        rows.iter().map(checked).collect()
    }
}

/// An entry, once its text is canonical and the columns beside it agree with it.
fn checked(row: &Row) -> Result<LedgerRow> {
    let entry = Entry::parse(&row.entry)?;
    let agree = String::from(entry.book.clone()) == row.book
        && entry.seq == row.seq
        && entry.at.parse::<DateTime<Utc>>().is_ok_and(|at| at == row.at)
        && entry.event.kind() == row.kind
        && entry.thread.who() == row.person
        && entry.thread.id() == row.attempt;
    if agree {
        Ok(LedgerRow { entry, text: row.entry.clone() })
    } else {
        Err(Error::Inconsistent { table: "ledger_entry", column: "entry" })
    }
}
