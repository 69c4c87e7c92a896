//! Sessions, codes, and sign-ins that were answered.

use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::id::{BrowserSessionId, CliSessionId, SignInId, TransactionId};
use lodge::store::{BrowserOrigin, Code, Session};

use super::*;

async fn signed_in(store: &Store) -> (PersonId, SignInId) {
    let (person, sign_in) = (kept_person(store, "s").await, SignInId::from_entropy(entropy()));
    doing(store, async |tx| {
        tx.insert_sign_in(&sign_in, &person, &ClaimsSnapshot::of_groups(Groups::Absent), now()).await.unwrap();
    })
    .await;
    (person, sign_in)
}

#[test]
fn a_session_lives_until_it_expires_or_is_ended() {
    on_each("a_session_lives_until_it_expires_or_is_ended", async |store| {
        let (person, sign_in) = signed_in(store).await;
        let browser = Session {
            id: BrowserSessionId::from_entropy(entropy()),
            person: person.clone(),
            sign_in: sign_in.clone(),
            expires_at: later(60),
        };
        let helper = Session { id: CliSessionId::from_entropy(entropy()), person, sign_in, expires_at: later(60) };
        doing(store, async |tx| {
            tx.insert_browser_session("browser", &browser, &BrowserOrigin::default(), now()).await.unwrap();
            tx.insert_cli_session("helper", &helper, "a laptop", now()).await.unwrap();
        })
        .await;

        doing(store, async |tx| {
            let long_ago = later(-3_600);
            let found = tx.browser_session("browser", later(59), long_ago).await.unwrap();
            assert_eq!(found, Some((browser.clone(), now())));
            assert_eq!(tx.browser_session("browser", later(59), now()).await.unwrap(), None, "idle");
            tx.see_browser_session(&browser.id, later(30)).await.unwrap();
            let found = tx.browser_session("browser", later(59), now()).await.unwrap();
            assert_eq!(found, Some((browser.clone(), later(30))));
            assert_eq!(tx.cli_session("helper", later(59)).await.unwrap().as_ref(), Some(&helper));
            assert_eq!(tx.browser_session("browser", later(60), long_ago).await.unwrap(), None);
            assert_eq!(tx.cli_session("helper", later(60)).await.unwrap(), None);
            assert_eq!(tx.cli_session("browser", now()).await.unwrap(), None, "of the other kind");
            assert!(tx.is_browser_session_live(&browser.id, later(59)).await.unwrap());
            assert!(!tx.is_browser_session_live(&browser.id, later(60)).await.unwrap());
            assert!(tx.is_cli_session_live(&helper.id, later(59)).await.unwrap());
            tx.end_browser_session("browser", later(1)).await.unwrap();
            tx.end_cli_session("helper", later(1)).await.unwrap();
            assert_eq!(tx.browser_session("browser", later(2), long_ago).await.unwrap(), None);
            assert_eq!(tx.cli_session("helper", later(2)).await.unwrap(), None);
            assert!(!tx.is_cli_session_live(&helper.id, later(2)).await.unwrap());
        })
        .await;
    });
}

#[test]
fn all_sessions_of_one_person_end_at_once() {
    on_each("all_sessions_of_one_person_end_at_once", async |store| {
        let (person, sign_in) = signed_in(store).await;
        let helper = |id: &CliSessionId| Session {
            id: id.clone(),
            person: person.clone(),
            sign_in: sign_in.clone(),
            expires_at: later(60),
        };
        let ids = [0; 3].map(|_| CliSessionId::from_entropy(entropy()));
        doing(store, async |tx| {
            for (hash, id) in ["one", "two", "three"].into_iter().zip(&ids) {
                tx.insert_cli_session(hash, &helper(id), "a laptop", now()).await.unwrap();
            }
            tx.end_cli_session_by_id(&ids[0], now()).await.unwrap();
            assert_eq!(tx.end_sessions_of(&person, later(1)).await.unwrap(), 2);
            assert_eq!(tx.cli_session("three", later(1)).await.unwrap(), None);
            assert_eq!(tx.end_sessions_of(&person, later(1)).await.unwrap(), 0);
        })
        .await;
    });
}

#[test]
fn a_code_is_traded_once() {
    on_each("a_code_is_traded_once", async |store| {
        let (person, sign_in) = signed_in(store).await;
        let code = Code {
            person: person.clone(),
            sign_in: sign_in.clone(),
            redirect_uri: "http://127.0.0.1:1/x".to_owned(),
            code_challenge: "challenge".to_owned(),
            host: "a laptop".to_owned(),
            created_at: now(),
        };
        let session = Session { id: CliSessionId::from_entropy(entropy()), person, sign_in, expires_at: later(60) };
        doing(store, async |tx| {
            tx.insert_code("hash", &code).await.unwrap();
            let row = tx.code("hash").await.unwrap().unwrap();
            assert_eq!((row.code, row.redeemed_for), (code.clone(), None));
            assert!(tx.code("another").await.unwrap().is_none());
            tx.insert_cli_session("token", &session, "a laptop", now()).await.unwrap();
            assert!(tx.redeem_code("hash", &session.id).await.unwrap());
            assert!(!tx.redeem_code("hash", &session.id).await.unwrap());
            assert_eq!(tx.code("hash").await.unwrap().unwrap().redeemed_for.as_ref(), Some(&session.id));
            assert_eq!(tx.forget_codes(now()).await.unwrap(), 0);
            assert_eq!(tx.forget_codes(later(1)).await.unwrap(), 1);
        })
        .await;
    });
}

#[test]
fn a_sign_in_is_answered_once() {
    on_each("a_sign_in_is_answered_once", async |store| {
        let (first, second) = (TransactionId::from_entropy(entropy()), TransactionId::from_entropy(entropy()));
        doing(store, async |tx| {
            assert!(tx.insert_sign_in_answer(&first, now()).await.unwrap());
            assert!(tx.insert_sign_in_answer(&second, later(10)).await.unwrap());
        })
        .await;
        doing(store, async |tx| {
            assert!(!tx.insert_sign_in_answer(&first, later(20)).await.unwrap());
            assert_eq!(tx.forget_sign_in_answers(now()).await.unwrap(), 0);
            assert_eq!(tx.forget_sign_in_answers(later(1)).await.unwrap(), 1, "by when it was answered first");
            assert!(tx.insert_sign_in_answer(&first, later(20)).await.unwrap(), "forgotten");
        })
        .await;
    });
}
