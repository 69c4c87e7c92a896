//! Who is known in a lab, and its role sessions.

use lodge::domain::access::{Allowed, Decision, Evidence, SignInStrength, decide};
use lodge::domain::claims::Groups;
use lodge::domain::id::{MappingId, RoleSessionId};
use lodge::domain::mapping::{Mapping, MappingTarget, MappingTerms};
use lodge::domain::policy::PolicyLibrary;
use lodge::store::RoleSession;

use super::*;
use crate::support::databases::look;

/// That somebody may have the role `pay` of a lab, by a mapping that is made for it.
async fn allowed(store: &Store, access: &OperatorAccess) -> Allowed {
    let target = MappingTarget {
        connection: "campus".parse().unwrap(),
        group: "payers".parse().unwrap(),
        role: "pay".parse().unwrap(),
    };
    let (id, terms) = (MappingId::from_entropy(entropy()), MappingTerms::default());
    let mapping = Mapping { id, target, terms, revision: 1, created_at: now(), changed_at: now() };
    in_lab(store, access, async |lab| lab.insert_mapping(&mapping).await.unwrap()).await;
    let Mapping { target, .. } = mapping;
    let evidence = Evidence {
        connection: target.connection,
        groups: Groups::Present(vec![target.group]),
        groups_at: now(),
        sign_in: SignInStrength { at: now(), authenticated_at: Some(now()), mfa: true },
        suspended: false,
    };
    let grounds = store.read().await.unwrap().grounds(&access.lab().name, &target.role).await.unwrap();
    match decide(&evidence, grounds, &PolicyLibrary::shipped().unwrap(), None, now()) {
        Decision::Allowed(allowed) => *allowed,
        Decision::Refused(refused) => panic!("{refused:?}"),
    }
}

fn session(allowed: &Allowed, person: &PersonId, expires_at: DateTime<Utc>) -> RoleSession {
    RoleSession {
        id: RoleSessionId::from_entropy(entropy()),
        person: person.clone(),
        role: allowed.role().name.clone(),
        mapping: allowed.mapping().clone(),
        issued_at: now(),
        expires_at,
    }
}

#[test]
fn a_person_is_known_in_a_lab_from_the_first_time_to_the_latest() {
    on_each_owned("a_person_is_known_in_a_lab_from_the_first_time_to_the_latest", async |store, owner| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, in_language) = (allowed(store, &vision).await, allowed(store, &language).await);
        let (one, two) = (kept_person(store, "one").await, kept_person(store, "two").await);
        doing(store, async |tx| {
            tx.know_person(&in_vision, &one, now()).await.unwrap();
            // One transaction, two labs: each is entered anew.
            tx.know_person(&in_language, &one, later(1)).await.unwrap();
            tx.know_person(&in_vision, &two, later(2)).await.unwrap();
        })
        .await;
        doing(store, async |tx| tx.know_person(&in_vision, &one, later(3)).await.unwrap()).await;

        let known: Vec<(String, String, DateTime<Utc>, DateTime<Utc>)> = look(
            owner,
            "select lab.name, person.subject, first_asked_at, last_asked_at from lab_person \
             join lab on lab.id = lab_person.lab_id join person on person.id = lab_person.person_id order by 1, 2",
        )
        .await;
        let line = |lab: &str, subject: &str, first, last| (lab.to_owned(), subject.to_owned(), first, last);
        assert_eq!(
            known,
            [
                line("language", "one", later(1), later(1)),
                line("vision", "one", now(), later(3)),
                line("vision", "two", later(2), later(2)),
            ]
        );
    });
}

/// A session: its lab, its id, whose it is, its role, its mapping, its beginning and its end.
type Kept = (String, String, String, String, String, DateTime<Utc>, DateTime<Utc>);

#[test]
fn a_role_session_is_kept_until_it_is_forgotten_after_its_end() {
    on_each_owned("a_role_session_is_kept_until_it_is_forgotten_after_its_end", async |store, owner| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, in_language) = (allowed(store, &vision).await, allowed(store, &language).await);
        let person = kept_person(store, "somebody").await;
        let (short, long) = (session(&in_vision, &person, later(900)), session(&in_vision, &person, later(1_800)));
        let elsewhere = session(&in_language, &person, later(900));
        doing(store, async |tx| {
            tx.insert_role_session(&in_vision, &short).await.unwrap();
            tx.insert_role_session(&in_language, &elsewhere).await.unwrap();
            tx.insert_role_session(&in_vision, &long).await.unwrap();
        })
        .await;
        let kept = async || -> Vec<Kept> {
            look(
                owner,
                "select lab_id, id, person_id, role, mapping_id, issued_at, expires_at from role_session \
                 order by expires_at desc, id",
            )
            .await
        };
        assert_eq!(kept().await.len(), 3);

        doing(store, async |tx| {
            assert_eq!(tx.forget_role_sessions(later(900)).await.unwrap(), 0, "they end now");
            assert_eq!(tx.forget_role_sessions(later(901)).await.unwrap(), 2, "in every lab");
        })
        .await;

        let lab = vision.lab().id.to_string();
        let (id, mapping) = (long.id.to_string(), in_vision.mapping().to_string());
        assert_eq!(kept().await, [(lab, id, person.to_string(), "pay".to_owned(), mapping, now(), later(1_800))]);
    });
}

#[test]
fn a_role_session_that_is_there_or_that_nothing_of_the_lab_gave_is_refused() {
    on_each("a_role_session_that_is_there_or_that_nothing_of_the_lab_gave_is_refused", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, in_language) = (allowed(store, &vision).await, allowed(store, &language).await);
        let person = kept_person(store, "somebody").await;
        let first = session(&in_vision, &person, later(900));
        doing(store, async |tx| tx.insert_role_session(&in_vision, &first).await.unwrap()).await;
        let refused = async |session: &RoleSession| {
            let mut tx = store.write().await.unwrap();
            tx.insert_role_session(&in_vision, session).await.unwrap_err()
        };

        assert!(refused(&first).await.is_duplicate());
        let of_another_lab = session(&in_language, &person, later(900));
        assert!(!refused(&of_another_lab).await.is_duplicate());
        let of_no_role = RoleSession { role: "publish".parse().unwrap(), ..session(&in_vision, &person, later(900)) };
        assert!(!refused(&of_no_role).await.is_duplicate());
    });
}
