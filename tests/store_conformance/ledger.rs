//! The ledger's books.

use lodge::domain::access::Refusal;
use lodge::domain::actor::Actor;
use lodge::domain::id::{ActId, RoleSessionId};
use lodge::domain::lab::Office;
use lodge::domain::ledger::{Book, Draft, Event, Thread};
use lodge::store::{FoundEntries, LEDGER_WINDOW, LedgerFilter, OpenAttempt};

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
        let mut lab = tx.lab(&access).await.unwrap();
        let outcome = async |lab: &mut LabTx<'_>, attempt: u8| {
            lab.outcome(&RoleSessionId::from_entropy([attempt; 10])).await.unwrap()
        };
        assert!(outcome(&mut lab, 1).await.is_some_and(|found| found.entry.is_some()));
        assert!(outcome(&mut lab, 2).await.is_none() && outcome(&mut lab, 9).await.is_none());
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

fn person(number: u8) -> PersonId {
    PersonId::from_entropy([number; 10])
}

/// The places that were found, and where the next part begins.
fn places(found: &FoundEntries) -> (Vec<i64>, Option<i64>) {
    (found.entries.iter().map(|entry| entry.seq).collect(), found.next)
}

#[test]
fn a_book_is_looked_through_from_its_end() {
    on_each("a_book_is_looked_through_from_its_end", async |store| {
        let access = written(store).await;
        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&access).await.unwrap();
        let all = LedgerFilter::default();

        let first = lab.look_back(&all, None, 3).await.unwrap();
        assert_eq!(places(&first), (vec![4, 3, 2], Some(2)));
        assert_eq!(first.looked_back_to, Some((2, now())));
        let refused = &first.entries[2];
        assert_eq!((refused.kind.as_str(), refused.asked_for.as_ref().unwrap().as_str()), ("refused", "pay"));
        let entry = refused.entry.as_ref().unwrap();
        assert_eq!((entry.canonical().unwrap(), refused.at), (refused.text.clone(), now()));
        let second = lab.look_back(&all, first.next, 3).await.unwrap();
        assert_eq!((places(&second), second.looked_back_to), ((vec![1], None), Some((1, now()))));
        assert_eq!(lab.look_back(&all, Some(1), 3).await.unwrap(), FoundEntries::default());
        assert_eq!(places(&lab.look_back(&all, Some(1_000), 4).await.unwrap()), (vec![4, 3, 2, 1], None));
    });
}

#[test]
fn a_book_is_looked_through_for_what_is_asked() {
    on_each("a_book_is_looked_through_for_what_is_asked", async |store| {
        let access = written(store).await;
        let given = Event::StandingGiven { person: person(2), standing: Office::Pi, before: None, invitation: None };
        let odd = Event::LabCreated { lab: "vision".parse().unwrap(), session_role: "100% \"Ähnlich_\\!".to_owned() };
        in_lab(store, &access, async |lab| {
            lab.append(act(given)).await.unwrap();
            lab.append(act(odd)).await.unwrap();
        })
        .await;
        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&access).await.unwrap();
        let filter = LedgerFilter::default;
        let text = |text: &str| LedgerFilter { text: Some(text.to_owned()), ..filter() };
        let role = |name: &str| LedgerFilter { role: Some(name.parse().unwrap()), ..filter() };
        let people = |people: &[u8]| LedgerFilter { people: people.iter().map(|it| person(*it)).collect(), ..filter() };
        for (filter, expected) in [
            (LedgerFilter { kinds: vec!["attempted"], ..filter() }, vec![3, 1]),
            (LedgerFilter { kinds: vec!["refused", "lab-archived"], ..filter() }, vec![4, 2]),
            (people(&[1]), vec![6, 5, 4, 3, 2, 1]),
            (people(&[2]), vec![5]),
            (people(&[9, 2]), vec![5]),
            (people(&[9]), vec![]),
            // What came of it does not say the role, and is found.
            (role("pay"), vec![3, 2, 1]),
            (role("read-results"), vec![]),
            (LedgerFilter { from: Some(later(1)), ..filter() }, vec![6, 5, 4]),
            (LedgerFilter { to: Some(later(1)), ..filter() }, vec![3, 2, 1]),
            (LedgerFilter { from: Some(now()), to: Some(now()), ..filter() }, vec![]),
            (LedgerFilter { from: Some(later(999_999)), ..filter() }, vec![]),
            (LedgerFilter { to: Some(later(-999_999)), ..filter() }, vec![]),
            (text("LAB-ARCHIVED"), vec![4]),
            (text("100% \"Ähnlich_\\!"), vec![6]),
            (text("ähnlich"), if lab_lowers_umlauts(store) { vec![6] } else { vec![] }),
            (text("Ähnlich"), vec![6]),
            (text("100_"), vec![]),
            (text("1%0"), vec![]),
            (text("!"), vec![6]),
            (LedgerFilter { kinds: vec!["refused"], ..role("pay") }, vec![2]),
        ] {
            let found = lab.look_back(&filter, None, 10).await.unwrap();
            assert_eq!(places(&found), (expected, None), "{filter:?}");
        }
        let one = lab.look_back(&role("pay"), None, 2).await.unwrap();
        assert_eq!(places(&one), (vec![3, 2], Some(2)));
        const { assert!(LEDGER_WINDOW > 1_000) };
    });
}

/// Only PostgreSQL knows the small letter of every capital one.
fn lab_lowers_umlauts(store: &Store) -> bool {
    format!("{store:?}").contains("Postgres(")
}
