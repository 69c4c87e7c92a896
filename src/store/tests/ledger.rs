//! The ledger's promises, as far as the schema keeps them.

use super::*;
use crate::domain::id::{PersonId, RoleSessionId};
use crate::domain::ledger::{Book, Draft, Event, Thread};

fn draft(attempt: u8, event: Event) -> Draft {
    Draft {
        at: DateTime::from_timestamp_micros(1_795_266_000_000_001).unwrap(),
        thread: Thread::Attempt(PersonId::from_entropy([1; 10]), RoleSessionId::from_entropy([attempt; 10])),
        event,
    }
}

fn attempted() -> Event {
    Event::Attempted { lab: "vision".parse().unwrap(), role: "pay".parse().unwrap(), wanted_seconds: None }
}

fn refused() -> Event {
    Event::Refused { reason: crate::domain::access::Refusal::NoMapping }
}

fn writer(store: &Store) -> &sqlx::SqlitePool {
    match &store.database {
        Database::Sqlite(store) => &store.writer,
        Database::Postgres(_) => panic!("not SQLite"),
    }
}

async fn written() -> (TempDir, Store, Book) {
    let (folder, store) = open().await;
    let book = Book::Lab(LabId::from_entropy([9; 10]));
    let mut tx = store.write().await.unwrap();
    tx.append(book.clone(), draft(1, attempted())).await.unwrap();
    tx.append(book.clone(), draft(1, refused())).await.unwrap();
    tx.append(book.clone(), draft(2, attempted())).await.unwrap();
    tx.append(Book::Broker, draft(3, attempted())).await.unwrap();
    tx.commit().await.unwrap();
    (folder, store, book)
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
        &format!("insert into ledger_entry (book, seq, at, kind, person, attempt, entry) {}", values.replace('1', "5")),
        &format!(
            "insert or replace into ledger_entry (book, seq, at, kind, person, attempt, entry) \
             values ($1, 4, '', 'refused', '', '{}', '')",
            RoleSessionId::from_entropy([1; 10])
        ),
        &format!(
            "insert or replace into ledger_entry (book, seq, at, kind, person, attempt, entry) \
             values ($1, 4, '', 'attempted', '', '{}', '')",
            RoleSessionId::from_entropy([2; 10])
        ),
    ] {
        let attack = attack.replace("$5", "$1");
        let error = sqlx::query(sqlx::AssertSqlSafe(attack.clone()))
            .bind(&book)
            .execute(writer(&store))
            .await
            .expect_err(&attack)
            .to_string();
        assert!(error.contains("the ledger"), "{attack}: {error}");
    }

    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.all_books(10).await.unwrap().len(), 4);
}
