//! People, their sign-ins and what these said.

use lodge::domain::access::{SignInStrength, admit};
use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::id::SignInId;
use lodge::domain::lab::Office;
use lodge::domain::person::DisplayName;
use lodge::store::{LabStanding, PeopleSearch};

use super::*;

fn groups(names: &[&str]) -> Groups {
    Groups::Present(names.iter().map(|name| name.parse().unwrap()).collect())
}

#[test]
fn a_person_keeps_the_first_id_and_the_latest_name() {
    on_each("a_person_keeps_the_first_id_and_the_latest_name", async |store| {
        let ada = DisplayName::from_claim("Ada Márquez \u{1f511}").unwrap();
        let (one, other) = (PersonId::from_entropy(entropy()), PersonId::from_entropy(entropy()));
        doing(store, async |tx| {
            assert_eq!(tx.upsert_person(&one, &key("s"), None, now()).await.unwrap(), (one.clone(), false));
            assert_eq!(tx.upsert_person(&other, &key("s"), Some(&ada), now()).await.unwrap().0, one);
            assert_eq!(tx.upsert_person(&other, &key("s"), None, now()).await.unwrap().0, one);
            let other_key = PersonKey { connection: "hospital".parse().unwrap(), ..key("s") };
            assert_eq!(tx.upsert_person(&other, &other_key, None, now()).await.unwrap().0, other);
        })
        .await;

        let mut tx = store.read().await.unwrap();
        let kept = tx.person(&operator(), &one).await.unwrap().unwrap();
        assert_eq!((kept.key, kept.name, kept.created_at, kept.suspended_at), (key("s"), Some(ada), now(), None));
        assert!(tx.is_person(&one).await.unwrap());
        assert!(!tx.is_person(&PersonId::from_entropy(entropy())).await.unwrap());
        assert!(tx.person(&operator(), &PersonId::from_entropy(entropy())).await.unwrap().is_none());
    });
}

#[test]
fn the_latest_sign_in_counts_and_absent_is_not_empty() {
    on_each("the_latest_sign_in_counts_and_absent_is_not_empty", async |store| {
        let person = kept_person(store, "s").await;
        let first = SignInId::from_entropy(entropy());
        assert_eq!(store.read().await.unwrap().snapshot(&person, &first).await.unwrap(), None);
        let long = "g".repeat(512);
        let listed = groups(&["b", "A", "a", "ä", &long]);
        let truncated = Groups::Truncated(listed.as_slice().to_vec());
        let sign_ins = [
            (listed, false),
            (groups(&[]), true),
            (Groups::Absent, false),
            (Groups::Overage, false),
            (truncated, false),
        ];
        for (seconds, (groups, mfa)) in (0..).zip(sign_ins) {
            let id = if seconds == 0 { first.clone() } else { SignInId::from_entropy(entropy()) };
            let claims = ClaimsSnapshot {
                mfa,
                authenticated_at: mfa.then(|| later(-60)),
                provider_subject: Some("s".parse().unwrap()),
                provider_session: Some("sid-1".parse().unwrap()),
                ..ClaimsSnapshot::of_groups(groups.clone())
            };
            doing(store, async |tx| {
                tx.insert_sign_in(&id, &person, &claims, later(seconds)).await.unwrap();
            })
            .await;

            let snapshot = store.read().await.unwrap().snapshot(&person, &id).await.unwrap().unwrap();
            let mut sorted = (groups.as_slice().to_vec(), snapshot.evidence.groups.as_slice().to_vec());
            sorted.0.sort();
            sorted.1.sort();
            assert_eq!(sorted.0, sorted.1);
            assert_eq!(
                std::mem::discriminant(&snapshot.evidence.groups),
                std::mem::discriminant(&groups),
                "{groups:?}"
            );
            assert_eq!((snapshot.sign_in, snapshot.evidence.groups_at), (id, later(seconds)));
            let strength = SignInStrength { at: later(seconds), authenticated_at: mfa.then(|| later(-60)), mfa };
            assert_eq!((snapshot.evidence.sign_in, snapshot.evidence.suspended), (strength, false));
            assert_eq!(snapshot.evidence.connection.as_str(), "campus");
        }
        // A session that stands on the first one has the latest groups, and its own strength.
        let snapshot = store.read().await.unwrap().snapshot(&person, &first).await.unwrap().unwrap();
        assert_eq!((snapshot.evidence.groups_at, snapshot.evidence.sign_in.at), (later(4), later(0)));
        assert!(!snapshot.evidence.sign_in.mfa);
        let other = kept_person(store, "t").await;
        assert_eq!(store.read().await.unwrap().snapshot(&other, &first).await.unwrap(), None, "somebody else's");
        // Whoever looks after a lab asks for somebody: as strong as their latest sign-in.
        let access = kept_lab(store, "vision").await;
        in_lab(store, &access, async |lab| lab.put_office(&person, Office::Manager, now()).await.unwrap()).await;
        let mut tx = store.read().await.unwrap();
        let name = "vision".parse().unwrap();
        let keeper = admit(tx.membership(&name, &person, &first, now()).await.unwrap()).unwrap().manager().unwrap();
        let latest = tx.snapshot_for(&keeper, &person).await.unwrap().unwrap();
        assert_eq!((latest.evidence.groups_at, latest.evidence.sign_in.at), (later(4), later(4)));
        assert_eq!(tx.snapshot_for(&keeper, &other).await.unwrap(), None, "never signed in");
    });
}

#[test]
fn a_suspension_is_seen_by_all_who_ask() {
    on_each("a_suspension_is_seen_by_all_who_ask", async |store| {
        let person = kept_person(store, "s").await;
        let sign_in = SignInId::from_entropy(entropy());
        doing(store, async |tx| {
            let claims = ClaimsSnapshot::of_groups(groups(&["a"]));
            tx.insert_sign_in(&sign_in, &person, &claims, now()).await.unwrap();
            assert!(tx.hold_person(&person).await.unwrap());
        })
        .await;

        doing(store, async |tx| {
            assert!(tx.suspend(&operator(), &person, later(1)).await.unwrap());
            assert!(!tx.suspend(&operator(), &person, later(2)).await.unwrap(), "already");
            assert!(!tx.hold_person(&person).await.unwrap());
            let fresh = PersonId::from_entropy(entropy());
            assert_eq!(tx.upsert_person(&fresh, &key("s"), None, now()).await.unwrap(), (person.clone(), true));
        })
        .await;
        let mut tx = store.read().await.unwrap();
        assert!(tx.snapshot(&person, &sign_in).await.unwrap().unwrap().evidence.suspended);
        assert_eq!(tx.person(&operator(), &person).await.unwrap().unwrap().suspended_at, Some(later(1)));
        drop(tx);

        doing(store, async |tx| {
            assert!(tx.restore(&operator(), &person).await.unwrap());
            assert!(!tx.restore(&operator(), &person).await.unwrap(), "not suspended");
            assert!(!tx.restore(&operator(), &PersonId::from_entropy(entropy())).await.unwrap(), "nobody");
            assert!(!tx.snapshot(&person, &sign_in).await.unwrap().unwrap().evidence.suspended);
        })
        .await;
    });
}

#[test]
fn people_are_found_by_name_subject_and_id_page_by_page() {
    on_each("people_are_found_by_name_subject_and_id_page_by_page", async |store| {
        doing(store, async |tx| {
            for (subject, name) in [("s-1", "Ada Marsh"), ("s-2", "Kim 100% Sure"), ("s-3", "ADA Vale")] {
                let (fresh, name) = (PersonId::from_entropy(entropy()), DisplayName::from_claim(name));
                tx.upsert_person(&fresh, &key(subject), name.as_ref(), now()).await.unwrap();
            }
            tx.upsert_person(&PersonId::from_entropy(entropy()), &key("s-4"), None, now()).await.unwrap();
        })
        .await;
        let found = async |search: &str| {
            let mut tx = store.read().await.unwrap();
            let search = PeopleSearch { text: search, suspended: false };
            let people = tx.people(&operator(), search, None, 10).await.unwrap();
            let mut subjects: Vec<_> = people.iter().map(|it| it.key.subject.as_str().to_owned()).collect();
            subjects.sort();
            subjects.join(" ")
        };

        assert_eq!(found("").await, "s-1 s-2 s-3 s-4");
        assert_eq!(found("ada").await, "s-1 s-3");
        assert_eq!(found("s-4").await, "s-4");
        assert_eq!(found("s-").await, "", "a subject is found whole");
        assert_eq!(found("%").await, "s-2", "a sign like any other");
        assert_eq!(found("ada\0").await, "", "nobody is called that");
        let mut tx = store.read().await.unwrap();
        let everybody = PeopleSearch::default();
        let first = tx.people(&operator(), everybody, None, 3).await.unwrap();
        let rest = tx.people(&operator(), everybody, Some(&first[2].id), 3).await.unwrap();
        assert_eq!((first.len(), rest.len()), (3, 1));
        assert!(first.iter().all(|it| it.id != rest[0].id));
        drop(tx);

        doing(store, async |tx| assert!(tx.suspend(&operator(), &rest[0].id, now()).await.unwrap())).await;
        let mut tx = store.read().await.unwrap();
        let suspended = PeopleSearch { suspended: true, ..everybody };
        let found = tx.people(&operator(), suspended, None, 10).await.unwrap();
        assert_eq!(found.iter().map(|it| &it.id).collect::<Vec<_>>(), [&rest[0].id]);
        assert_eq!(tx.people(&operator(), suspended, Some(&rest[0].id), 10).await.unwrap(), []);
    });
}

#[test]
fn standings_of_one_person_come_by_lab() {
    on_each("standings_of_one_person_come_by_lab", async |store| {
        let person = kept_person(store, "s").await;
        for (name, office) in [("vision", Office::Pi), ("language", Office::Manager)] {
            let access = kept_lab(store, name).await;
            in_lab(store, &access, async |lab| lab.put_office(&person, office, now()).await.unwrap()).await;
        }

        let standings = store.read().await.unwrap().standings_of_person(&person).await.unwrap();
        let shown: Vec<_> = standings.iter().map(|it| (it.lab.as_str(), it.standing.as_str())).collect();
        assert_eq!(shown, [("language", "manager"), ("vision", "pi")]);

        let other = kept_person(store, "other").await;
        let access = kept_lab(store, "robotics").await;
        in_lab(store, &access, async |lab| lab.put_office(&other, Office::Pi, now()).await.unwrap()).await;
        let mut tx = store.read().await.unwrap();
        let (first, last) = if person < other { (&person, &other) } else { (&other, &person) };
        let both = tx.standings_of_people(&operator(), first, last).await.unwrap();
        let of = |who: &PersonId| both.iter().filter(|(id, _)| id == who).map(|(_, at)| at.clone()).collect::<Vec<_>>();
        assert_eq!((of(&person), of(&other).len(), both.len()), (standings, 1, 3));
        assert_eq!(tx.standings_of_people(&operator(), &other, &other).await.unwrap(), both_of(&both, &other));
    });
}

/// Those of one person.
fn both_of(both: &[(PersonId, LabStanding)], who: &PersonId) -> Vec<(PersonId, LabStanding)> {
    both.iter().filter(|(id, _)| id == who).cloned().collect()
}
