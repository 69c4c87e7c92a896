//! Who of a lab is in which group, by their latest sign-in.

use lodge::domain::lab::Office;
use lodge::store::{NamedPerson, SeenGroup};

use super::*;

fn target(connection: &str, group: &str, role: &str) -> MappingTarget {
    MappingTarget {
        connection: connection.parse().unwrap(),
        group: group.parse().unwrap(),
        role: role.parse().unwrap(),
    }
}

/// Two labs and their people: who asked in the lab, who looks after it, who does both, who is in the group and nobody
/// there, who has left the group, who is in one of that name elsewhere, and who asked in the other lab.
struct People {
    asked: PersonId,
    looks_after: PersonId,
    both: PersonId,
    left: PersonId,
}

async fn told(store: &Store, vision: &OperatorAccess, language: &OperatorAccess) -> People {
    let (in_vision, in_language) = (allowed(store, vision).await, allowed(store, language).await);
    let [asked, looks_after, both, nobody, left] = [
        called(store, "asked", "Ada").await,
        called(store, "looks-after", "Grace").await,
        kept_person(store, "both").await,
        called(store, "nobody", "Eve").await,
        kept_person(store, "left").await,
    ];
    let at_hospital = PersonKey { connection: "hospital".parse().unwrap(), ..key("asked") };
    let at_hospital = kept(store, &at_hospital, None).await;
    let other_lab = kept_person(store, "other-lab").await;
    for person in [&asked, &looks_after, &both, &nobody, &at_hospital, &other_lab] {
        signs_in(store, person, &["payers"], now()).await;
        signs_in(store, person, &["payers", "readers"], later(60)).await;
    }
    signs_in(store, &left, &["payers", "readers"], now()).await;
    signs_in(store, &left, &["alumni"], later(60)).await;
    doing(store, async |tx| {
        for person in [&asked, &both, &left, &at_hospital] {
            tx.know_person(&in_vision, person, now()).await.unwrap();
        }
        tx.know_person(&in_language, &other_lab, now()).await.unwrap();
    })
    .await;
    in_lab(store, vision, async |lab| {
        lab.put_office(&both, Office::Pi, now()).await.unwrap();
        lab.put_office(&looks_after, Office::Manager, now()).await.unwrap();
    })
    .await;
    People { asked, looks_after, both, left }
}

#[test]
fn of_a_group_only_the_labs_own_people_are_named() {
    on_each("of_a_group_only_the_labs_own_people_are_named", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let people = told(store, &vision, &language).await;
        let payers = target("campus", "payers", "pay");
        let named = |id: &PersonId, name: Option<&str>| NamedPerson {
            id: id.clone(),
            name: name.and_then(DisplayName::from_claim),
        };
        let sorted = |mut people: Vec<NamedPerson>| {
            people.sort_by(|a, b| a.id.cmp(&b.id));
            people
        };

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        let all = sorted(vec![
            named(&people.asked, Some("Ada")),
            named(&people.looks_after, Some("Grace")),
            named(&people.both, None),
        ]);
        assert_eq!(lab.people_in_group(&payers).await.unwrap(), all, "each once, by id");
        let alumni = lab.people_in_group(&target("campus", "alumni", "pay")).await.unwrap();
        assert_eq!(alumni, [named(&people.left, None)], "by the latest sign-in");
        assert_eq!(lab.people_in_group(&target("campus", "Payers", "pay")).await.unwrap(), []);
        assert_eq!(lab.people_in_group(&target("hospital", "payers", "pay")).await.unwrap().len(), 1);
        drop(tx);

        doing(store, async |tx| tx.suspend(&operator(), &people.asked, now()).await.unwrap()).await;
        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        let left: Vec<_> = all.into_iter().filter(|it| it.id != people.asked).collect();
        assert_eq!(lab.people_in_group(&payers).await.unwrap(), left, "who is suspended has nothing to gain");
    });
}

#[test]
fn a_group_is_counted_whoever_is_in_it_and_only_so_far() {
    on_each("a_group_is_counted_whoever_is_in_it_and_only_so_far", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        told(store, &vision, &language).await;

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        for (connection, group, most, count) in [
            ("campus", "payers", 100, 5),
            ("campus", "payers", 5, 5),
            ("campus", "payers", 2, 2),
            ("campus", "alumni", 100, 1),
            ("hospital", "payers", 100, 1),
            ("campus", "nobody", 100, 0),
        ] {
            let counted = lab.count_in_group(&target(connection, group, "pay"), most).await.unwrap();
            assert_eq!(counted, count, "{connection} {group} {most}");
        }
    });
}

#[test]
fn what_gives_a_role_to_those_of_a_group_is_every_mapping_that_they_have_it_by() {
    on_each("what_gives_a_role_to_those_of_a_group_is_every_mapping_that_they_have_it_by", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let people = told(store, &vision, &language).await;
        let over = MappingTerms { ends_at: Some(now()), ..MappingTerms::default() };
        let by_readers = maps(store, &vision, "readers", "pay", over).await;
        maps(store, &vision, "readers", "read-results", MappingTerms::default()).await;
        maps(store, &vision, "alumni", "pay", MappingTerms::default()).await;
        let payers = target("campus", "payers", "pay");

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        let given = lab.given_in_group(&payers).await.unwrap();
        for person in [&people.asked, &people.looks_after, &people.both] {
            let mut by: Vec<_> = given.iter().filter(|(who, _)| who == person).map(|(_, mapping)| mapping).collect();
            let all = lab.mappings_of(&payers).await.unwrap();
            let mut expected = vec![&all[0].id, &by_readers];
            by.sort();
            expected.sort();
            assert_eq!(by, expected, "ended or not, each once");
        }
        assert_eq!(given.len(), 6, "nobody else");
    });
}

#[test]
fn the_groups_of_a_lab_are_those_of_its_people_and_how_many_are_in_each() {
    on_each("the_groups_of_a_lab_are_those_of_its_people_and_how_many_are_in_each", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        told(store, &vision, &language).await;
        let seen = |connection: &str, group: &str, people| SeenGroup {
            connection: connection.parse().unwrap(),
            group: group.parse().unwrap(),
            people,
        };

        let mut tx = store.read().await.unwrap();
        let groups = tx.lab(&vision).await.unwrap().groups().await.unwrap();
        let all = [
            seen("campus", "alumni", 1),
            seen("campus", "payers", 3),
            seen("campus", "readers", 3),
            seen("hospital", "payers", 1),
            seen("hospital", "readers", 1),
        ];
        assert_eq!(groups, all);
        let groups = tx.lab(&language).await.unwrap().groups().await.unwrap();
        assert_eq!(groups, [seen("campus", "payers", 1), seen("campus", "readers", 1)]);
    });
}
