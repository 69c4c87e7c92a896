//! The ledger's tables. This file can add entries and read them; the schema's triggers refuse everything else.
//!
//! Adding to a lab's book is no access to the lab: a stranger's refused attempt stands in it, too. So [`Tx::append`]
//! takes the book and no proof, and gives nothing back but the entry.

use chrono::{DateTime, TimeDelta, Utc};

use super::sql::{run_across, run_in_lab, statements};
use super::{Error, LabTx, Result, Scope, Tx, column};
use crate::domain::id::{PersonId, RoleName, RoleSessionId};
use crate::domain::ledger::{Book, Draft, Entry, Event};

/// How many places of a book one request looks at, at most: what it costs does not grow with the lab.
pub const LEDGER_WINDOW: i64 = 10_000;

/// How many people, and how many kinds, one can look for at once.
pub const LEDGER_CHOICES_MAX: usize = 8;

/// How far two entries may be out of order: each has the time at which its draft was made, and clocks are set back.
const OUT_OF_ORDER: TimeDelta = TimeDelta::hours(1);

statements! {
    lab {
        BOOK = "select book, seq, at, kind, person, attempt, entry from ledger_entry where book = $1 and seq > $2 \
            order by seq limit $3";
        /// From a place downwards, not below another one; what an attempt asked for stands beside what came of it. The
        /// times are in an expression that no index answers: the places have been bounded by them, and by the key the
        /// entries come in order.
        LOOK_BACK = "select ledger_entry.book as book, ledger_entry.seq as seq, ledger_entry.at as at, \
            ledger_entry.kind as kind, ledger_entry.person as person, ledger_entry.attempt as attempt, \
            ledger_entry.entry as entry, begun.entry as begun from ledger_entry \
            left join ledger_entry begun on begun.attempt = ledger_entry.attempt and begun.kind = 'attempted' \
            and begun.book = $1 \
            where ledger_entry.book = $1 and ledger_entry.seq < $2 and ledger_entry.seq >= $3 \
            and case when ledger_entry.at >= $4 and ledger_entry.at < $5 then 1 else 0 end = 1 \
            and ($6 = '' or ledger_entry.kind in ($6, $7, $8, $9, $10, $11, $12, $13)) \
            and ($14 = '' or ledger_entry.entry like $14 escape '!' \
            or ($15 <> '' and ledger_entry.entry like $15 escape '!') \
            or ($16 <> '' and ledger_entry.entry like $16 escape '!') \
            or ($17 <> '' and ledger_entry.entry like $17 escape '!') \
            or ($18 <> '' and ledger_entry.entry like $18 escape '!') \
            or ($19 <> '' and ledger_entry.entry like $19 escape '!') \
            or ($20 <> '' and ledger_entry.entry like $20 escape '!') \
            or ($21 <> '' and ledger_entry.entry like $21 escape '!')) \
            and ($22 = '' or ledger_entry.entry like $22 escape '!' or begun.entry like $22 escape '!') \
            and ($23 = '' or ledger_entry.entry like $23 escape '!' or lower(ledger_entry.entry) like $24 escape '!') \
            order by ledger_entry.seq desc limit $25";
        /// What came of one attempt, and what it asked for.
        OUTCOME = "select ledger_entry.book as book, ledger_entry.seq as seq, ledger_entry.at as at, \
            ledger_entry.kind as kind, ledger_entry.person as person, ledger_entry.attempt as attempt, \
            ledger_entry.entry as entry, begun.entry as begun from ledger_entry \
            left join ledger_entry begun on begun.attempt = ledger_entry.attempt and begun.kind = 'attempted' \
            and begun.book = $1 \
            where ledger_entry.book = $1 and ledger_entry.attempt = $2 and ledger_entry.kind <> 'attempted'";
        LAST_PLACE = "select entries from ledger_book where book = $1";
        TIME_OF_PLACE = "select at from ledger_entry where book = $1 and seq = $2";
        FIRST_SINCE = "select book, seq from ledger_entry where book = $1 and at >= $2 order by at, seq limit 1";
        LAST_UNTIL = "select book, seq from ledger_entry where book = $1 and at < $2 order by at desc, seq desc limit 1";
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
struct FoundRow {
    book: String,
    seq: i64,
    at: DateTime<Utc>,
    kind: String,
    person: String,
    attempt: String,
    entry: String,
    begun: Option<String>,
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

/// What is looked for in a book. What is empty leaves all in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Any of these kinds; at most [`LEDGER_CHOICES_MAX`].
    pub kinds: Vec<&'static str>,
    /// Entries by or about any of these people; at most [`LEDGER_CHOICES_MAX`].
    pub people: Vec<PersonId>,
    /// Entries that speak of the role, and what came of asking for it.
    pub role: Option<RoleName>,
    /// From this moment on.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub to: Option<DateTime<Utc>>,
    /// A part of the entry's text.
    pub text: Option<String>,
}

/// An entry that was found. One that is not as it was written is found like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEntry {
    /// Its place.
    pub seq: i64,
    /// When, by the column beside it.
    pub at: DateTime<Utc>,
    /// The kind, by the column beside it.
    pub kind: String,
    /// The text that is kept.
    pub text: String,
    /// What it says; nothing when somebody touched it.
    pub entry: Option<Entry>,
    /// The role that its attempt asked for.
    pub asked_for: Option<RoleName>,
}

/// A part of a book, from its end towards its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundEntries {
    /// The newest first.
    pub entries: Vec<FoundEntry>,
    /// Where the next part begins: below this place. Nothing when the book was looked through.
    pub next: Option<i64>,
    /// How far was looked: the lowest place, and its time. Nothing when there was nothing to look at.
    pub looked_back_to: Option<(i64, DateTime<Utc>)>,
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

    /// At most `limit` entries of the lab's book that pass the filter, the newest first, below the place `below`. It
    /// looks at [`LEDGER_WINDOW`] places and no more, so a part can be short, or empty, and not the last.
    pub async fn look_back(&mut self, filter: &LedgerFilter, below: Option<i64>, limit: u32) -> Result<FoundEntries> {
        let Some((lowest, top)) = self.places(filter, below).await? else { return Ok(FoundEntries::default()) };
        let floor = lowest.max(top - LEDGER_WINDOW);
        let mut rows = self.found(filter, floor, top, i64::from(limit) + 1).await?;
        let is_full = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().map(|row| (row.seq, row.at));
        let (next, looked_back_to) = match last {
            Some((seq, at)) if is_full => (Some(seq), Some((seq, at))),
            _ => ((floor > lowest).then_some(floor), self.time_of(floor).await?.map(|at| (floor, at))),
        };
        Ok(FoundEntries { entries: rows.into_iter().map(found).collect(), next, looked_back_to })
    }

    /// What came of an attempt, if anything has.
    pub async fn outcome(&mut self, attempt: &RoleSessionId) -> Result<Option<FoundEntry>> {
        let row: Option<FoundRow> = run_in_lab!(self, fetch_optional FoundRow: OUTCOME, attempt.as_str())?;
        Ok(row.map(found))
    }

    /// The lowest place that a filter can find anything at, and the one above the highest.
    async fn places(&mut self, filter: &LedgerFilter, below: Option<i64>) -> Result<Option<(i64, i64)>> {
        let last: Option<(i64,)> = run_in_lab!(self, fetch_optional (i64,): LAST_PLACE)?;
        let (mut lowest, mut top) = (1, last.map_or(0, |(last,)| last) + 1);
        if let Some(from) = filter.from {
            let since = from.checked_sub_signed(OUT_OF_ORDER).unwrap_or(from);
            let first: Option<(String, i64)> = run_in_lab!(self, fetch_optional (String, i64): FIRST_SINCE, since)?;
            lowest = first.map_or(top, |(_, first)| first);
        }
        if let Some(to) = filter.to {
            let until = to.checked_add_signed(OUT_OF_ORDER).unwrap_or(to);
            let last: Option<(String, i64)> = run_in_lab!(self, fetch_optional (String, i64): LAST_UNTIL, until)?;
            top = top.min(last.map_or(1, |(_, last)| last + 1));
        }
        top = top.min(below.unwrap_or(top));
        Ok((lowest < top).then_some((lowest, top)))
    }

    async fn found(&mut self, filter: &LedgerFilter, floor: i64, top: i64, limit: i64) -> Result<Vec<FoundRow>> {
        let kinds: [&str; LEDGER_CHOICES_MAX] = choices(&filter.kinds);
        let people: Vec<String> = filter.people.iter().map(|person| format!("%{person}%")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        let people: [&str; LEDGER_CHOICES_MAX] = choices(&people);
        let role = filter.role.as_ref().map(|role| format!("%\"role\":\"{role}\"%")).unwrap_or_default();
        let text = filter.text.as_deref().map(pattern_in_entry).unwrap_or_default();
        let lower = text.to_lowercase();
        run_in_lab!(
            self,
            fetch_all FoundRow: LOOK_BACK,
            top,
            floor,
            filter.from.unwrap_or(DateTime::UNIX_EPOCH),
            filter.to.unwrap_or(END_OF_TIME),
            kinds[0], kinds[1], kinds[2], kinds[3], kinds[4], kinds[5], kinds[6], kinds[7],
            people[0], people[1], people[2], people[3], people[4], people[5], people[6], people[7],
            role.as_str(),
            text.as_str(),
            lower.as_str(),
            limit,
        )
    }

    async fn time_of(&mut self, seq: i64) -> Result<Option<DateTime<Utc>>> {
        let at: Option<(DateTime<Utc>,)> = run_in_lab!(self, fetch_optional (DateTime<Utc>,): TIME_OF_PLACE, seq)?;
        Ok(at.map(|(at,)| at))
    }
}

/// Later than any row, and of four digits still.
pub(super) const END_OF_TIME: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(end) => end,
    None => DateTime::<Utc>::MAX_UTC,
};

/// The choices in as many places as a statement has, and nothing in those that are left.
fn choices<'a, const PLACES: usize>(given: &[&'a str]) -> [&'a str; PLACES] {
    std::array::from_fn(|place| given.get(place).copied().unwrap_or(""))
}

/// For `like … escape '!'`: a part of an entry's text, in which it stands as in any JSON.
fn pattern_in_entry(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    format!("%{}%", escaped(json.get(1..json.len() - 1).unwrap_or_default()))
}

fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

fn found(row: FoundRow) -> FoundEntry {
    let FoundRow { book, seq, at, kind, person, attempt, entry, begun } = row;
    let row = Row { book, seq, at, kind, person, attempt, entry };
    let asked_for = begun.and_then(|begun| match Entry::parse(&begun).ok()?.event {
        Event::Attempted { role, .. } => Some(role),
        _ => None,
    });
    let entry = checked(&row).ok().map(|checked| checked.entry);
    FoundEntry { seq, at, kind: row.kind, text: row.entry, entry, asked_for }
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
