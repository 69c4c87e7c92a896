//! The ledger's books.

use lodge::domain::access::Refusal;
use lodge::domain::actor::Actor;
use lodge::domain::id::{ActId, RoleSessionId};
use lodge::domain::ledger::{Book, Draft, Event, Thread};
use lodge::store::OpenAttempt;

use super::*;

fn draft(attempt: u8, event: Event) -> Draft {
    let thread = Thread::Attempt(PersonId::from_entropy([1; 10]), RoleSessionId::from_entropy([attempt; 10]));
    Draft { at: now(), thread, event }
}

fn attempted() -> Event {
    Event::Attempted { lab: "vision".parse().unwrap(), role: "pay".parse().unwrap(), wanted_seconds: None }
}

fn refused() -> Event {
    Event::Refused { reason: Refusal::NoMapping }
}

fn act(event: Event) -> Draft {
    let thread = Thread::Act(Actor::Person(PersonId::from_entropy([1; 10])), ActId::from_entropy(entropy()));
    Draft { at: later(1), thread, event }
}

/// A lab with three entries of two attempts and one act in its book, and one attempt in the broker's.
async fn written(store: &Store) -> OperatorAccess {
    let access = kept_lab(store, "vision").await;
    let book = Book::Lab(access.lab().id.clone());
    doing(store, async |tx| {
        tx.append(book.clone(), draft(1, attempted())).await.unwrap();
        tx.append(book.clone(), draft(1, refused())).await.unwrap();
        tx.append(book.clone(), draft(2, attempted())).await.unwrap();
        tx.append(Book::Broker, draft(3, attempted())).await.unwrap();
    })
    .await;
    in_lab(store, &access, async |lab| lab.append(act(Event::LabArchived)).await.unwrap()).await;
    access
}

#[test]
fn each_book_counts_from_one_and_reads_back_what_was_written() {
    on_each("each_book_counts_from_one_and_reads_back_what_was_written", async |store| {
        let access = written(store).await;
        let mut tx = store.read().await.unwrap();

        let mut lab = tx.lab(&access).await.unwrap();
        let kinds: Vec<_> =
            lab.book(0, 10).await.unwrap().iter().map(|row| (row.entry.seq, row.entry.event.kind())).collect();
        assert_eq!(kinds, [(1, "attempted"), (2, "refused"), (3, "attempted"), (4, "lab-archived")]);
        let places: Vec<_> = lab.book(1, 2).await.unwrap().iter().map(|row| row.entry.seq).collect();
        assert_eq!(places, [2, 3]);
        assert_eq!(tx.all_books(10).await.unwrap().len(), 5);
        assert_eq!(tx.all_books(2).await.unwrap().len(), 2);
        drop(tx);
        let health = store.health().await.unwrap();
        assert!(health.findings.iter().all(|finding| finding.problem.is_none()), "{health:?}");
    });
}

#[test]
fn an_attempt_is_open_until_it_has_its_one_outcome() {
    on_each("an_attempt_is_open_until_it_has_its_one_outcome", async |store| {
        let access = written(store).await;
        let book = Book::Lab(access.lab().id.clone());
        let open = |book: Book, attempt: u8| OpenAttempt {
            book,
            person: PersonId::from_entropy([1; 10]),
            attempt: RoleSessionId::from_entropy([attempt; 10]),
        };
        let mut tx = store.read().await.unwrap();
        let mut found = tx.open_attempts(later(1), 10).await.unwrap();
        found.sort_by_key(|it| it.attempt.clone());
        assert_eq!(found, [open(book.clone(), 2), open(Book::Broker, 3)]);
        assert_eq!(tx.open_attempts(now(), 10).await.unwrap(), [], "not old enough");
        assert_eq!(tx.open_attempts(later(1), 1).await.unwrap().len(), 1);
        drop(tx);

        doing(store, async |tx| {
            tx.hold_book(&book).await.unwrap();
            assert!(tx.is_open(&open(book.clone(), 2)).await.unwrap());
            assert!(!tx.is_open(&open(book.clone(), 1)).await.unwrap());
            tx.append(book.clone(), draft(2, refused())).await.unwrap();
            assert!(!tx.is_open(&open(book.clone(), 2)).await.unwrap());
        })
        .await;
        let mut tx = store.write().await.unwrap();
        assert!(tx.append(book.clone(), draft(2, refused())).await.is_err(), "it ended");
        drop(tx);
        let mut tx = store.write().await.unwrap();
        assert!(tx.append(book, draft(1, attempted())).await.is_err(), "it began");
    });
}

/// Two that write into one book wait for each other, and neither is refused.
#[test]
fn many_that_append_at_once_leave_no_gap() {
    on_each("many_that_append_at_once_leave_no_gap", async |store| {
        let access = kept_lab(store, "vision").await;
        let mut tasks = Vec::new();
        for number in 0..40_u8 {
            let (store, book) = (store.clone(), Book::Lab(access.lab().id.clone()));
            tasks.push(tokio::spawn(async move {
                let mut tx = store.write_for(&"vision".parse().unwrap()).await.unwrap();
                tx.append(book.clone(), draft(number, attempted())).await.unwrap();
                tokio::task::yield_now().await;
                tx.append(book, draft(number, refused())).await.unwrap();
                tx.commit().await.unwrap();
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }

        let mut tx = store.read().await.unwrap();
        let rows = tx.lab(&access).await.unwrap().book(0, 100).await.unwrap();
        let places: Vec<_> = rows.iter().map(|row| row.entry.seq).collect();
        assert_eq!(places, (1..=80).collect::<Vec<_>>());
    });
}
