//! Who is known in a lab, and its role sessions.

use lodge::domain::access::{Allowed, Refusal};
use lodge::domain::id::RoleSessionId;
use lodge::domain::lab::Office;
use lodge::domain::ledger::{Draft, Event, Failure, Thread};
use lodge::domain::mapping::MappingTerms;
use lodge::store::{LabPerson, LiveRoleSession, RecentTrouble, RoleSession};

use super::*;
use crate::support::databases::look;

pub(super) fn session(allowed: &Allowed, person: &PersonId, expires_at: DateTime<Utc>) -> RoleSession {
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

#[test]
fn a_labs_people_are_those_who_asked_and_those_who_look_after_it() {
    on_each("a_labs_people_are_those_who_asked_and_those_who_look_after_it", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, in_language) = (allowed(store, &vision).await, allowed(store, &language).await);
        let names = ["asked", "both", "looks-after", "in-a-group", "elsewhere"];
        let mut people = Vec::new();
        for name in names {
            people.push(kept_person(store, name).await);
            signs_in(store, people.last().unwrap(), &["payers"], now()).await;
        }
        doing(store, async |tx| {
            tx.know_person(&in_vision, &people[0], now()).await.unwrap();
            tx.know_person(&in_vision, &people[0], later(9)).await.unwrap();
            tx.know_person(&in_vision, &people[1], later(5)).await.unwrap();
            tx.know_person(&in_language, &people[4], later(5)).await.unwrap();
            tx.suspend(&operator(), &people[0], later(10)).await.unwrap();
        })
        .await;
        let mut found = in_lab(store, &vision, async |lab| {
            lab.put_office(&people[1], Office::Pi, now()).await.unwrap();
            lab.put_office(&people[2], Office::Manager, now()).await.unwrap();
            lab.lab_people().await.unwrap()
        })
        .await;

        found.sort_by_key(|one| people.iter().position(|id| *id == one.id));
        let one = |which: usize, suspended, office, asked: Option<(i64, i64)>| LabPerson {
            id: people[which].clone(),
            connection: "campus".parse().unwrap(),
            name: None,
            suspended,
            office,
            first_asked_at: asked.map(|(first, _)| later(first)),
            last_asked_at: asked.map(|(_, last)| later(last)),
        };
        let all = [
            one(0, true, None, Some((0, 9))),
            one(1, false, Some(Office::Pi), Some((5, 5))),
            one(2, false, Some(Office::Manager), None),
        ];
        assert_eq!(found, all);
    });
}

#[test]
fn nobody_is_named_who_is_not_of_the_lab() {
    on_each("nobody_is_named_who_is_not_of_the_lab", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, in_language) = (allowed(store, &vision).await, allowed(store, &language).await);
        let asked = called(store, "asked", "Ada 100%").await;
        let (holder, both) = (called(store, "holder", "Grace").await, kept_person(store, "both").await);
        let elsewhere = called(store, "elsewhere", "Eve").await;
        let nobody = called(store, "nobody", "Mallory").await;
        signs_in(store, &nobody, &["payers"], now()).await;
        doing(store, async |tx| {
            tx.know_person(&in_vision, &asked, now()).await.unwrap();
            tx.know_person(&in_vision, &both, now()).await.unwrap();
            tx.know_person(&in_language, &elsewhere, now()).await.unwrap();
        })
        .await;
        let mut named = in_lab(store, &vision, async |lab| {
            lab.put_office(&holder, Office::Manager, now()).await.unwrap();
            lab.put_office(&both, Office::Pi, now()).await.unwrap();
            lab.names().await.unwrap()
        })
        .await;

        named.sort_by(|a, b| a.0.cmp(&b.0));
        let mut expected = vec![
            (asked, DisplayName::from_claim("Ada 100%")),
            (holder, DisplayName::from_claim("Grace")),
            (both, None),
        ];
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(named, expected, "each once");
    });
}

#[test]
fn what_people_are_given_by_goes_by_their_latest_sign_in() {
    on_each("what_people_are_given_by_goes_by_their_latest_sign_in", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, _) = (allowed(store, &vision).await, allowed(store, &language).await);
        let readers = maps(store, &vision, "readers", "read-results", MappingTerms::default()).await;
        let strict = MappingTerms { needs_mfa: true, ends_at: Some(later(900)), ..MappingTerms::default() };
        let others = maps(store, &vision, "others", "read-results", strict.clone()).await;
        let approval = MappingTerms { needs_approval: true, ..MappingTerms::default() };
        maps(store, &vision, "waiting", "pay", approval).await;
        let over = MappingTerms { ends_at: Some(later(100)), ..MappingTerms::default() };
        maps(store, &vision, "payers", "read-results", over).await;
        let [known, holder, nobody] =
            [kept_person(store, "known").await, kept_person(store, "holder").await, kept_person(store, "nobody").await];
        signs_in(store, &known, &["payers", "waiting"], now()).await;
        signs_in(store, &known, &["others", "readers", "waiting"], later(50)).await;
        signs_in(store, &holder, &["payers"], later(60)).await;
        signs_in(store, &nobody, &["payers", "readers"], later(60)).await;
        doing(store, async |tx| tx.know_person(&in_vision, &known, now()).await.unwrap()).await;
        let everybody = [known.clone(), holder.clone(), nobody.clone()];

        let mut tx = store.write().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        lab.put_office(&holder, Office::Manager, now()).await.unwrap();
        // Somebody who is both is there once.
        lab.put_office(&known, Office::Pi, now()).await.unwrap();
        let given = lab.given_to(&everybody, later(100)).await.unwrap();

        let of = |person: &PersonId| -> Vec<(String, MappingTerms, DateTime<Utc>)> {
            let its = given.iter().filter(|given| given.person == *person);
            its.map(|given| (given.mapping.to_string(), given.terms.clone(), given.groups_at)).collect()
        };
        let mut both =
            vec![(others.to_string(), strict, later(50)), (readers.to_string(), MappingTerms::default(), later(50))];
        both.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(of(&known)[1..], both, "the first is `pay`, which waits for approval");
        assert_eq!(of(&holder), [(in_vision.mapping().to_string(), MappingTerms::default(), later(60))]);
        assert_eq!(of(&nobody), [], "nobody is named for being in a group");
        assert_eq!(lab.given_to(std::slice::from_ref(&holder), later(100)).await.unwrap().len(), 1);

        let count = |role: &str, people| (role.parse().unwrap(), people);
        let holders = lab.role_holders(now(), later(100)).await.unwrap();
        assert_eq!(holders, [count("pay", 1), count("read-results", 1)]);
        let holders = lab.role_holders(later(50), later(100)).await.unwrap();
        assert_eq!(holders, [count("pay", 1)], "what is as old as that is too old");

        let live = lab.live_mappings(later(100)).await.unwrap();
        let live: Vec<_> = live.iter().map(|it| (it.role.as_str(), it.group.as_str(), it.has_people)).collect();
        let expected = [
            ("pay", "payers", true),
            ("pay", "waiting", true),
            ("read-results", "others", true),
            ("read-results", "readers", true),
        ];
        assert_eq!(live, expected);
        assert!(lab.is_of_lab(&holder).await.unwrap() && lab.is_of_lab(&known).await.unwrap());
        lab.remove_office(&holder).await.unwrap();
        let live = lab.live_mappings(later(900)).await.unwrap();
        let live: Vec<_> = live.iter().map(|it| (it.group.as_str(), it.has_people, it.ends_at)).collect();
        assert_eq!(live, [("payers", false, None), ("waiting", true, None), ("readers", true, None)]);

        drop(tx);
        doing(store, async |tx| tx.suspend(&operator(), &known, now()).await.unwrap()).await;
        let held = in_lab(store, &vision, async |lab| lab.role_holders(now(), later(100)).await.unwrap()).await;
        assert_eq!(held, []);
    });
}

#[test]
fn the_newest_role_session_that_lives_comes_first() {
    on_each("the_newest_role_session_that_lives_comes_first", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, in_language) = (allowed(store, &vision).await, allowed(store, &language).await);
        let person = kept_person(store, "somebody").await;
        let made =
            |issued, expires| RoleSession { issued_at: later(issued), ..session(&in_vision, &person, later(expires)) };
        let (over, old, young) = (made(0, 900), made(10, 2_000), made(20, 1_000));
        let mut same = [made(30, 3_000), made(30, 3_000)];
        same.sort_by(|a, b| a.id.cmp(&b.id));
        let elsewhere = session(&in_language, &person, later(3_000));
        doing(store, async |tx| {
            for one in [&over, &old, &young, &same[1], &same[0]] {
                tx.insert_role_session(&in_vision, one).await.unwrap();
            }
            tx.insert_role_session(&in_language, &elsewhere).await.unwrap();
        })
        .await;

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        let all = lab.live_role_sessions(later(900), None, None, None, 100).await.unwrap();
        let ids: Vec<_> = all.iter().map(|it| &it.id).collect();
        assert_eq!(ids, [&same[0].id, &same[1].id, &young.id, &old.id]);
        assert_eq!((&all[3].person, all[3].issued_at, all[3].expires_at), (&person, later(10), later(2_000)));
        let mut by_one = Vec::new();
        while let [next] = &lab
            .live_role_sessions(
                later(900),
                by_one.last().map(|last: &LiveRoleSession| (last.issued_at, &last.id)),
                None,
                None,
                1,
            )
            .await
            .unwrap()[..]
        {
            by_one.push(next.clone());
        }
        assert_eq!(by_one, all);
        let [pay, other]: [lodge::domain::id::RoleName; 2] = ["pay", "publish"].map(|it| it.parse().unwrap());
        assert_eq!(lab.live_role_sessions(later(900), None, Some(&person), Some(&pay), 100).await.unwrap(), all);
        assert!(!lab.is_of_lab(&nobody()).await.unwrap() && !lab.is_of_lab(&person).await.unwrap(), "never asked");
        assert_eq!(lab.live_role_sessions(later(900), None, Some(&nobody()), None, 100).await.unwrap(), []);
        assert_eq!(lab.live_role_sessions(later(900), None, None, Some(&other), 100).await.unwrap(), []);
        assert_eq!(lab.count_role_sessions(later(900)).await.unwrap(), [("pay".parse().unwrap(), 4)]);
        let (people, role) = ([person.clone()], "pay".parse().unwrap());
        assert_eq!(lab.roles_in_use(&people, later(900)).await.unwrap(), [(person.clone(), role)], "once");
        assert_eq!(lab.roles_in_use(&people, later(3_000)).await.unwrap(), []);
        assert_eq!(lab.roles_in_use(&[], later(900)).await.unwrap(), []);
        assert_eq!(lab.count_role_sessions(later(3_000)).await.unwrap(), []);
    });
}

#[test]
fn trouble_is_counted_in_the_last_entries() {
    on_each("trouble_is_counted_in_the_last_entries", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let person = kept_person(store, "somebody").await;
        let event = |what: usize| match what {
            0 => Event::Refused { reason: Refusal::NoMapping },
            _ => Event::Failed { reason: Failure::Denied, aws_code: None, aws_request_id: None },
        };
        let appended = async |access: &OperatorAccess, at: DateTime<Utc>, event: Event| {
            let thread = Thread::Attempt(person.clone(), RoleSessionId::from_entropy(entropy()));
            in_lab(store, access, async |lab| lab.append(Draft { at, thread, event }).await.unwrap()).await;
        };
        for (at, what) in [(0, 0), (100, 0), (200, 1), (300, 0)] {
            appended(&vision, later(at), event(what)).await;
        }
        appended(&language, later(400), event(1)).await;

        let found = in_lab(store, &vision, async |lab| lab.recent_trouble(later(99)).await.unwrap()).await;
        assert_eq!(found, RecentTrouble { refused: 2, failed: 1 });
        let found = in_lab(store, &vision, async |lab| lab.recent_trouble(later(300)).await.unwrap()).await;
        assert_eq!(found, RecentTrouble::default());
    });
}
