//! Sessions, codes, and sign-ins that were answered.

use lodge::domain::claims::{ClaimsSnapshot, Groups, ProviderSession};
use lodge::domain::id::{BrowserSessionId, CliSessionId, SignInId, TransactionId};
use lodge::domain::person::Subject;
use lodge::store::{BrowserOrigin, Code, HelperOrigin, Session, Tokens};

use super::*;

async fn signed_in(store: &Store) -> (PersonId, SignInId) {
    let (person, sign_in) = (kept_person(store, "s").await, SignInId::from_entropy(entropy()));
    doing(store, async |tx| {
        tx.insert_sign_in(&sign_in, &person, &ClaimsSnapshot::of_groups(Groups::Absent), now()).await.unwrap();
    })
    .await;
    (person, sign_in)
}

fn laptop() -> HelperOrigin {
    HelperOrigin { host: "a laptop".to_owned(), account: Some("ada".to_owned()), address: None }
}

/// A generation whose access token is as good as the session.
fn tokens(access_hash: &str, session: &Session<CliSessionId>, generation: i64) -> Tokens {
    Tokens {
        refresh_hash: format!("refresh of {access_hash}"),
        access_hash: access_hash.to_owned(),
        session: session.id.clone(),
        generation,
        access_expires_at: session.expires_at,
        session_expires_at: session.expires_at,
        used_at: None,
    }
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
            tx.insert_cli_session(&helper, &laptop(), now()).await.unwrap();
            tx.insert_tokens(&tokens("helper", &helper, 1), now()).await.unwrap();
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
            assert!(tx.end_cli_session(&helper.id, later(1)).await.unwrap());
            assert!(!tx.end_cli_session(&helper.id, later(1)).await.unwrap());
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
                tx.insert_cli_session(&helper(id), &laptop(), now()).await.unwrap();
                tx.insert_tokens(&tokens(hash, &helper(id), 1), now()).await.unwrap();
            }
            tx.end_cli_session(&ids[0], now()).await.unwrap();
            assert_eq!(tx.end_sessions_of(&person, later(1)).await.unwrap(), 2);
            assert_eq!(tx.cli_session("three", later(1)).await.unwrap(), None);
            assert_eq!(tx.end_sessions_of(&person, later(1)).await.unwrap(), 0);
        })
        .await;
    });
}

#[test]
fn tokens_come_by_generation_and_are_used_once() {
    on_each("tokens_come_by_generation_and_are_used_once", async |store| {
        let (person, sign_in) = signed_in(store).await;
        let session = Session { id: CliSessionId::from_entropy(entropy()), person, sign_in, expires_at: later(60) };
        let id = &session.id;
        let first = Tokens { access_expires_at: later(15), ..tokens("one", &session, 1) };
        let second = tokens("two", &session, 2);
        doing(store, async |tx| {
            tx.insert_cli_session(&session, &laptop(), now()).await.unwrap();
            assert_eq!(tx.cli_session(id.as_str(), now()).await.unwrap(), None, "without tokens it opens nothing");
            tx.insert_tokens(&first, now()).await.unwrap();
            tx.insert_tokens(&second, now()).await.unwrap();
        })
        .await;

        doing(store, async |tx| {
            assert_eq!(tx.cli_session("one", later(14)).await.unwrap().as_ref(), Some(&session));
            assert_eq!(tx.cli_session("one", later(15)).await.unwrap(), None, "the token is older than the session");
            assert_eq!(tx.cli_session("refresh of one", now()).await.unwrap(), None, "of the other kind");
            assert_eq!(tx.tokens_by_refresh("refresh of one").await.unwrap().as_ref(), Some(&first));
            assert_eq!(tx.tokens_by_refresh("one").await.unwrap(), None, "of the other kind");
            assert_eq!(tx.tokens_by_generation(id, 2).await.unwrap().as_ref(), Some(&second));
            assert_eq!(tx.tokens_by_generation(id, 3).await.unwrap(), None);
            assert!(tx.use_tokens("refresh of one", later(3)).await.unwrap());
            assert!(!tx.use_tokens("refresh of one", later(4)).await.unwrap());
            assert_eq!(tx.tokens_by_generation(id, 1).await.unwrap().unwrap().used_at, Some(later(3)));
            for token in ["one", "two", "refresh of one", "refresh of two"] {
                assert_eq!(tx.cli_session_of_token(token).await.unwrap().as_ref(), Some(id), "{token}");
            }
            assert_eq!(tx.cli_session_of_token("three").await.unwrap(), None);
            assert_eq!(tx.cli_session_by_id(id).await.unwrap().as_ref(), Some(&session));
            assert!(tx.hold_cli_session(id, later(59)).await.unwrap());
            assert!(!tx.hold_cli_session(id, later(60)).await.unwrap());
        })
        .await;
        let mut tx = store.write().await.unwrap();
        let twice = tx.insert_tokens(&tokens("x", &session, 2), now()).await.unwrap_err();
        assert!(twice.is_duplicate(), "{twice}");
        drop(tx);

        doing(store, async |tx| {
            assert!(tx.end_cli_session(id, later(5)).await.unwrap());
            assert!(!tx.hold_cli_session(id, later(5)).await.unwrap());
            assert_eq!(tx.forget_tokens(later(60)).await.unwrap(), 0);
            assert_eq!(tx.forget_tokens(later(61)).await.unwrap(), 2);
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
            account: Some("ada".to_owned()),
            created_at: now(),
        };
        let session = Session { id: CliSessionId::from_entropy(entropy()), person, sign_in, expires_at: later(60) };
        doing(store, async |tx| {
            tx.insert_code("hash", &code).await.unwrap();
            let row = tx.code("hash").await.unwrap().unwrap();
            assert_eq!((row.code, row.redeemed_for), (code.clone(), None));
            assert!(tx.code("another").await.unwrap().is_none());
            tx.insert_cli_session(&session, &laptop(), now()).await.unwrap();
            assert!(!tx.hold_confirming_session(&session.sign_in).await.unwrap(), "nobody confirmed it in a browser");
            let browser = Session {
                id: BrowserSessionId::from_entropy(entropy()),
                person: session.person.clone(),
                sign_in: session.sign_in.clone(),
                expires_at: later(60),
            };
            tx.insert_browser_session("browser", &browser, &BrowserOrigin::default(), now()).await.unwrap();
            assert!(tx.hold_confirming_session(&session.sign_in).await.unwrap());
            tx.end_browser_session("browser", now()).await.unwrap();
            assert!(!tx.hold_confirming_session(&session.sign_in).await.unwrap());
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

/// A browser's session and a helper's, on one sign-in; the browser's token is hashed to `name`.
async fn both_sessions(
    store: &Store,
    name: &str,
    (person, sign_in): &(PersonId, SignInId),
    expires_at: DateTime<Utc>,
) -> (BrowserSessionId, CliSessionId) {
    let ids = (BrowserSessionId::from_entropy(entropy()), CliSessionId::from_entropy(entropy()));
    let (person, sign_in) = (person.clone(), sign_in.clone());
    let browser = Session { id: ids.0.clone(), person: person.clone(), sign_in: sign_in.clone(), expires_at };
    let helper = Session { id: ids.1.clone(), person, sign_in, expires_at };
    let origin = BrowserOrigin { address: Some("203.0.113.7".to_owned()), agent: Some("Firefox on Linux".to_owned()) };
    doing(store, async |tx| {
        tx.insert_browser_session(name, &browser, &origin, now()).await.unwrap();
        tx.insert_cli_session(&helper, &laptop(), now()).await.unwrap();
    })
    .await;
    ids
}

#[test]
fn one_sees_and_ends_ones_own_live_sessions() {
    on_each("one_sees_and_ends_ones_own_live_sessions", async |store| {
        let mine = signed_in(store).await;
        let other = (kept_person(store, "t").await, mine.1.clone());
        let first = both_sessions(store, "first", &mine, later(60)).await;
        let second = both_sessions(store, "second", &mine, later(60)).await;
        let foreign = both_sessions(store, "foreign", &other, later(60)).await;

        let mut tx = store.read().await.unwrap();
        let browsers = tx.browser_sessions_of(&mine.0, later(59), later(-60)).await.unwrap();
        let helpers = tx.cli_sessions_of(&mine.0, later(59)).await.unwrap();
        assert_eq!((browsers.len(), helpers.len()), (2, 2));
        let seen = browsers.iter().find(|browser| browser.id == first.0).unwrap();
        assert_eq!((seen.created_at, seen.seen_at, seen.expires_at), (now(), now(), later(60)));
        assert_eq!((seen.address.as_deref(), seen.agent.as_deref()), (Some("203.0.113.7"), Some("Firefox on Linux")));
        let seen = helpers.iter().find(|helper| helper.id == first.1).unwrap();
        assert_eq!((seen.host.as_str(), seen.account.as_deref(), seen.seen_at), ("a laptop", Some("ada"), Some(now())));
        assert_eq!(tx.browser_sessions_of(&mine.0, later(59), now()).await.unwrap(), [], "idle");
        assert_eq!(tx.cli_sessions_of(&mine.0, later(60)).await.unwrap(), [], "over");
        drop(tx);

        doing(store, async |tx| {
            assert!(!tx.end_own_browser_session(&foreign.0, &mine.0, now()).await.unwrap(), "somebody else's");
            assert!(!tx.end_own_cli_session(&foreign.1, &mine.0, now()).await.unwrap());
            assert!(tx.end_own_browser_session(&first.0, &mine.0, now()).await.unwrap());
            assert!(!tx.end_own_browser_session(&first.0, &mine.0, now()).await.unwrap(), "already");
            assert!(tx.end_own_cli_session(&first.1, &mine.0, now()).await.unwrap());
            // The second helper goes, and the second browser asks.
            assert_eq!(tx.end_other_sessions(&mine.0, second.0.as_str(), now()).await.unwrap(), 1);
            assert!(tx.is_browser_session_live(&second.0, now()).await.unwrap());
            assert!(!tx.is_cli_session_live(&second.1, now()).await.unwrap());
            assert!(tx.is_browser_session_live(&foreign.0, now()).await.unwrap());
            assert!(tx.is_cli_session_live(&foreign.1, now()).await.unwrap());
        })
        .await;
    });
}

#[test]
fn a_logout_ends_what_stands_on_the_sign_ins_it_names() {
    on_each("a_logout_ends_what_stands_on_the_sign_ins_it_names", async |store| {
        let person = kept_person(store, "s").await;
        let (campus, elsewhere) = ("campus".parse().unwrap(), "elsewhere".parse().unwrap());
        let subject: Subject = "sub-1".parse().unwrap();
        let [one, two]: [ProviderSession; 2] = ["sid-1", "sid-2"].map(|sid| sid.parse().unwrap());
        let mut sign_ins = Vec::new();
        for sid in [&one, &two] {
            let sign_in = SignInId::from_entropy(entropy());
            let claims = ClaimsSnapshot {
                provider_subject: Some(subject.clone()),
                provider_session: Some(sid.clone()),
                ..ClaimsSnapshot::of_groups(Groups::Absent)
            };
            doing(store, async |tx| tx.insert_sign_in(&sign_in, &person, &claims, now()).await.unwrap()).await;
            sign_ins.push((sign_in, person.clone()));
        }
        sign_ins.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        let mut tx = store.read().await.unwrap();
        let of_one = tx.sign_ins_to_log_out(&campus, Some(&one), None).await.unwrap();
        assert_eq!(of_one.len(), 1);
        assert_eq!(tx.sign_ins_to_log_out(&campus, Some(&one), Some(&subject)).await.unwrap(), of_one);
        assert_eq!(tx.sign_ins_to_log_out(&campus, None, Some(&subject)).await.unwrap(), sign_ins);
        let stranger = "sub-2".parse().unwrap();
        for (session, subject) in [(Some(&one), Some(&stranger)), (None, Some(&stranger)), (None, None)] {
            assert_eq!(tx.sign_ins_to_log_out(&campus, session, subject).await.unwrap(), []);
        }
        assert_eq!(tx.sign_ins_to_log_out(&elsewhere, Some(&one), None).await.unwrap(), []);
        drop(tx);

        let other = sign_ins.iter().find(|(id, _)| *id != of_one[0].0).unwrap();
        let ended = both_sessions(store, "ended", &(person.clone(), of_one[0].0.clone()), later(60)).await;
        let left = both_sessions(store, "left", &(person.clone(), other.0.clone()), later(60)).await;
        doing(store, async |tx| {
            assert_eq!(tx.end_sessions_by_sign_in(&of_one[0].0, now()).await.unwrap(), 2);
            assert_eq!(tx.end_sessions_by_sign_in(&of_one[0].0, now()).await.unwrap(), 0);
            assert!(!tx.is_browser_session_live(&ended.0, now()).await.unwrap());
            assert!(!tx.is_cli_session_live(&ended.1, now()).await.unwrap());
            assert!(tx.is_browser_session_live(&left.0, now()).await.unwrap());
            assert!(tx.is_cli_session_live(&left.1, now()).await.unwrap());

            assert!(tx.take_logout_token(&campus, "jti", now()).await.unwrap());
            assert!(!tx.take_logout_token(&campus, "jti", later(1)).await.unwrap(), "taken");
            assert!(tx.take_logout_token(&elsewhere, "jti", now()).await.unwrap(), "another provider's");
            assert_eq!(tx.forget_logout_tokens(now()).await.unwrap(), 0);
            assert_eq!(tx.forget_logout_tokens(later(1)).await.unwrap(), 2);
            assert!(tx.take_logout_token(&campus, "jti", later(2)).await.unwrap());
        })
        .await;
    });
}

#[test]
fn what_is_over_is_forgotten_and_what_counts_is_not() {
    on_each("what_is_over_is_forgotten_and_what_counts_is_not", async |store| {
        let (person, old) = signed_in(store).await;
        let [kept, latest] = [SignInId::from_entropy(entropy()), SignInId::from_entropy(entropy())];
        doing(store, async |tx| {
            let claims = ClaimsSnapshot::of_groups(Groups::Present(vec!["g".parse().unwrap()]));
            tx.insert_sign_in(&kept, &person, &claims, later(1)).await.unwrap();
            tx.insert_sign_in(&latest, &person, &claims, later(2)).await.unwrap();
        })
        .await;
        both_sessions(store, "over", &(person.clone(), old.clone()), later(60)).await;
        both_sessions(store, "live", &(person.clone(), kept.clone()), later(600)).await;

        doing(store, async |tx| {
            assert!(!tx.forget_sign_ins(later(100)).await.unwrap());
            assert_eq!(tx.snapshot(&person, &old).await.unwrap().map(|found| found.sign_in), Some(latest.clone()));
            assert_eq!(tx.forget_sessions(later(60)).await.unwrap(), 0, "not before their end");
            assert_eq!(tx.forget_sessions(later(61)).await.unwrap(), 2);
            assert!(!tx.forget_sign_ins(later(100)).await.unwrap(), "no more than a batch");
            assert_eq!(tx.snapshot(&person, &old).await.unwrap(), None, "nothing stood on it any more");
            assert!(tx.snapshot(&person, &kept).await.unwrap().is_some(), "a session stands on it");
            assert!(tx.snapshot(&person, &latest).await.unwrap().is_some(), "it is the latest");
        })
        .await;
    });
}
