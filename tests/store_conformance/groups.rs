//! Who of a lab is in which group, by their latest sign-in.

use lodge::domain::lab::Office;
use lodge::store::{GroupMember, SeenGroup};

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
        kept_person(store, "asked").await,
        kept_person(store, "looks-after").await,
        kept_person(store, "both").await,
        kept_person(store, "nobody").await,
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
fn of_a_group_only_the_labs_own_people_are_told_and_what_each_has_the_role_by() {
    let name = "of_a_group_only_the_labs_own_people_are_told_and_what_each_has_the_role_by";
    on_each(name, async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let people = told(store, &vision, &language).await;
        let over = MappingTerms { ends_at: Some(now()), ..MappingTerms::default() };
        let by_readers = maps(store, &vision, "readers", "pay", over).await;
        let by_alumni = maps(store, &vision, "alumni", "read-results", MappingTerms::default()).await;
        let payers = target("campus", "payers", "pay");

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        let by_payers = lab.mappings_of(&payers).await.unwrap()[0].id.clone();
        let mut by = vec![by_payers, by_readers];
        by.sort();
        let member = |person: &PersonId, given_by: &[MappingId]| GroupMember {
            person: person.clone(),
            given_by: given_by.to_vec(),
        };
        let mut all = [&people.asked, &people.looks_after, &people.both].map(|person| member(person, &by)).to_vec();
        all.sort_by(|a, b| a.person.cmp(&b.person));
        assert_eq!(lab.people_in_group(&payers).await.unwrap(), all, "each once, by id; ended mappings too");
        // By the latest sign-in, of a role that other groups have.
        let alumni =
            async |lab: &mut LabTx<'_>, role| lab.people_in_group(&target("campus", "alumni", role)).await.unwrap();
        assert_eq!(alumni(&mut lab, "pay").await, [member(&people.left, &[])]);
        assert_eq!(alumni(&mut lab, "read-results").await, [member(&people.left, &[by_alumni])]);
        assert_eq!(lab.people_in_group(&target("campus", "Payers", "pay")).await.unwrap(), []);
        let elsewhere = lab.people_in_group(&target("hospital", "payers", "pay")).await.unwrap();
        assert_eq!(elsewhere.iter().map(|it| it.given_by.len()).collect::<Vec<_>>(), [0], "of another connection");
        drop(tx);

        doing(store, async |tx| tx.suspend(&operator(), &people.asked, now()).await.unwrap()).await;
        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        let left: Vec<_> = all.into_iter().filter(|it| it.person != people.asked).collect();
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
