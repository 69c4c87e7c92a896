//! Requests that were done under a key.

use lodge::store::DoneRequest;

use super::*;

fn done(subject: Option<&str>) -> DoneRequest {
    DoneRequest {
        request_hash: "the hash of a request".to_owned(),
        outcome: "added".to_owned(),
        subject: subject.map(str::to_owned),
    }
}

#[test]
fn what_was_done_under_a_key_is_found_by_the_same_person_in_the_same_lab() {
    on_each("what_was_done_under_a_key_is_found_by_the_same_person_in_the_same_lab", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (one, two) = (kept_person(store, "one").await, kept_person(store, "two").await);
        let (added, none) = (done(Some("an id")), done(None));
        in_lab(store, &vision, async |lab| {
            lab.insert_done_request(&one, "k", &added, now()).await.unwrap();
            lab.insert_done_request(&one, "l", &none, now()).await.unwrap();
        })
        .await;

        in_lab(store, &vision, async |lab| {
            assert_eq!(lab.done_request(&one, "k").await.unwrap().as_ref(), Some(&added));
            assert_eq!(lab.done_request(&one, "l").await.unwrap().as_ref(), Some(&none));
            assert_eq!(lab.done_request(&one, "K").await.unwrap(), None, "another key");
            assert_eq!(lab.done_request(&two, "k").await.unwrap(), None, "another person");
        })
        .await;
        in_lab(store, &language, async |lab| {
            assert_eq!(lab.done_request(&one, "k").await.unwrap(), None, "another lab");
            lab.insert_done_request(&one, "k", &none, now()).await.unwrap();
        })
        .await;
        in_lab(store, &vision, async |lab| {
            lab.insert_done_request(&two, "k", &none, now()).await.unwrap();
            assert_eq!(lab.done_request(&one, "k").await.unwrap(), Some(added), "as it was");
        })
        .await;
    });
}

#[test]
fn a_key_is_used_once() {
    on_each("a_key_is_used_once", async |store| {
        let access = kept_lab(store, "vision").await;
        let person = kept_person(store, "somebody").await;
        let insert = async |tx: &mut Tx| {
            tx.lab_to_change(&access).await.unwrap().insert_done_request(&person, "k", &done(None), now()).await
        };
        let mut undone = store.write().await.unwrap();
        insert(&mut undone).await.unwrap();
        drop(undone);

        doing(store, async |tx| insert(tx).await.unwrap()).await;

        let mut tx = store.write().await.unwrap();
        let error = insert(&mut tx).await.unwrap_err();
        assert!(error.is_duplicate(), "{error:?}");
    });
}

#[test]
fn what_was_done_before_a_moment_is_forgotten_in_every_lab() {
    on_each("what_was_done_before_a_moment_is_forgotten_in_every_lab", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let person = kept_person(store, "somebody").await;
        for access in [&vision, &language] {
            in_lab(store, access, async |lab| {
                lab.insert_done_request(&person, "old", &done(None), now()).await.unwrap();
                lab.insert_done_request(&person, "new", &done(None), later(1)).await.unwrap();
            })
            .await;
        }

        doing(store, async |tx| {
            assert_eq!(tx.forget_done_requests(now()).await.unwrap(), 0);
            assert_eq!(tx.forget_done_requests(later(1)).await.unwrap(), 2);
        })
        .await;

        for access in [&vision, &language] {
            in_lab(store, access, async |lab| {
                assert_eq!(lab.done_request(&person, "old").await.unwrap(), None);
                assert!(lab.done_request(&person, "new").await.unwrap().is_some());
            })
            .await;
        }
    });
}
