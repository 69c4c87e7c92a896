//! Mappings, and the changes that wait.

use lodge::domain::id::MappingChangeId;
use lodge::domain::mapping::MappingChange;
use lodge::store::{MappingPlace, RevisionRow};

use super::*;
use crate::support::databases::look;

fn target(group: &str, role: &str) -> MappingTarget {
    MappingTarget { connection: "campus".parse().unwrap(), group: group.parse().unwrap(), role: role.parse().unwrap() }
}

fn strict() -> MappingTerms {
    MappingTerms {
        ends_at: Some(later(3_600)),
        max_duration: Some(SessionDuration::from_seconds(1_800).unwrap()),
        needs_mfa: true,
        needs_approval: true,
    }
}

pub(super) fn mapping(group: &str, role: &str, terms: MappingTerms) -> Mapping {
    let id = MappingId::from_entropy(entropy());
    Mapping { id, target: target(group, role), terms, revision: 1, created_at: now(), changed_at: now() }
}

#[test]
fn a_mapping_reads_back_as_it_was_written() {
    on_each("a_mapping_reads_back_as_it_was_written", async |store| {
        let access = kept_lab(store, "vision").await;
        let (loose, other) =
            (mapping("a \u{2603}'; --", "pay", MappingTerms::default()), mapping("b", "pay", strict()));
        in_lab(store, &access, async |lab| {
            lab.insert_mapping(&loose).await.unwrap();
            lab.insert_mapping(&other).await.unwrap();
        })
        .await;

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&access).await.unwrap();
        assert_eq!(lab.mapping(&loose.id).await.unwrap().as_ref(), Some(&loose));
        assert_eq!(lab.mapping(&other.id).await.unwrap().as_ref(), Some(&other));
        assert_eq!(lab.mapping(&MappingId::from_entropy(entropy())).await.unwrap(), None);
        assert_eq!(lab.mappings_of(&loose.target).await.unwrap(), std::slice::from_ref(&loose));
        for near in ["A \u{2603}'; --", "a \u{2603}'; -- ", "a \u{2603}'; -"] {
            assert_eq!(lab.mappings_of(&target(near, "pay")).await.unwrap(), [], "{near}");
        }
        let first = lab.mappings(None, 1).await.unwrap();
        let second = lab.mappings(Some(&first[0].id), 9).await.unwrap();
        let mut both = vec![first[0].clone(), second[0].clone()];
        both.sort_by(|a, b| a.id.cmp(&b.id));
        let mut written = vec![loose, other];
        written.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!((both, first.len() + second.len()), (written, 2));
    });
}

#[test]
fn a_mapping_gives_until_its_end_and_in_its_own_lab() {
    on_each("a_mapping_gives_until_its_end_and_in_its_own_lab", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (endless, other) = (mapping("a", "pay", MappingTerms::default()), mapping("b", "pay", strict()));
        in_lab(store, &vision, async |lab| {
            lab.insert_mapping(&endless).await.unwrap();
            lab.insert_mapping(&other).await.unwrap();
        })
        .await;

        let mut tx = store.read().await.unwrap();
        let (here, there) = (&vision.lab().id, &language.lab().id);
        for (lab, mapping, at, gives) in [
            (here, &endless, 1_000_000, true),
            (here, &other, 3_599, true),
            (here, &other, 3_600, false),
            (there, &endless, 0, false),
        ] {
            assert_eq!(tx.mapping_gives(lab, &mapping.id, later(at)).await.unwrap(), gives, "{at}");
        }
    });
}

#[test]
fn only_the_revision_that_was_looked_at_is_changed() {
    on_each("only_the_revision_that_was_looked_at_is_changed", async |store| {
        let access = kept_lab(store, "vision").await;
        let mapping = mapping("a", "pay", MappingTerms::default());
        in_lab(store, &access, async |lab| lab.insert_mapping(&mapping).await.unwrap()).await;

        in_lab(store, &access, async |lab| {
            assert!(!lab.set_terms(&mapping.id, 2, &strict(), later(1)).await.unwrap(), "a revision to come");
            assert!(lab.set_terms(&mapping.id, 1, &strict(), later(1)).await.unwrap());
            assert!(!lab.set_terms(&mapping.id, 1, &MappingTerms::default(), later(2)).await.unwrap(), "one that was");
            let changed = lab.mapping(&mapping.id).await.unwrap().unwrap();
            assert_eq!(changed, Mapping { terms: strict(), revision: 2, changed_at: later(1), ..mapping.clone() });
        })
        .await;
    });
}

/// The conditions of one revision, when they were set, and whose id stands beside them.
type Revision = (i64, Option<DateTime<Utc>>, Option<i64>, bool, bool, DateTime<Utc>, Option<String>);

#[test]
fn a_mapping_keeps_the_conditions_of_each_of_its_revisions() {
    on_each_owned("a_mapping_keeps_the_conditions_of_each_of_its_revisions", async |store, owner| {
        let access = kept_lab(store, "vision").await;
        let author = kept_person(store, "author").await;
        let first = mapping("a", "pay", MappingTerms::default());
        let second = Mapping { terms: strict(), revision: 2, changed_at: later(1), ..first.clone() };
        in_lab(store, &access, async |lab| {
            lab.insert_mapping(&first).await.unwrap();
            lab.insert_revision(&first, None).await.unwrap();
            lab.insert_revision(&second, Some(&author)).await.unwrap();
        })
        .await;

        let mut tx = store.write().await.unwrap();
        let mut lab = tx.lab(&access).await.unwrap();
        assert!(lab.insert_revision(&second, None).await.unwrap_err().is_duplicate());
        drop(tx);
        let mut tx = store.write().await.unwrap();
        let unknown = mapping("b", "pay", MappingTerms::default());
        assert!(tx.lab(&access).await.unwrap().insert_revision(&unknown, None).await.is_err());
        drop(tx);
        let kept: Vec<Revision> = look(
            owner,
            "select revision, ends_at, max_duration_seconds, needs_mfa, needs_approval, changed_at, person_id \
             from mapping_revision order by mapping_id, revision",
        )
        .await;
        assert_eq!(
            kept,
            [
                (1, None, None, false, false, now(), None),
                (2, Some(later(3_600)), Some(1_800), true, true, later(1), Some(author.to_string())),
            ]
        );
    });
}

#[test]
fn revisions_are_read_from_the_newest() {
    on_each("revisions_are_read_from_the_newest", async |store| {
        let access = kept_lab(store, "vision").await;
        let author = kept_person(store, "author").await;
        let first = mapping("a", "pay", MappingTerms::default());
        let second = Mapping { terms: strict(), revision: 2, changed_at: later(1), ..first.clone() };
        let third = Mapping { revision: 3, changed_at: later(2), ..first.clone() };
        let other = mapping("b", "pay", MappingTerms::default());
        in_lab(store, &access, async |lab| {
            lab.insert_mapping(&first).await.unwrap();
            lab.insert_mapping(&other).await.unwrap();
            for (mapping, by) in [(&first, None), (&second, Some(&author)), (&third, None), (&other, None)] {
                lab.insert_revision(mapping, by).await.unwrap();
            }
        })
        .await;

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&access).await.unwrap();
        let all = lab.revisions(&first.id, i64::MAX, 9).await.unwrap();
        let row = |revision, terms, changed_at, by| RevisionRow { revision, terms, changed_at, by };
        let expected = [
            row(3, MappingTerms::default(), later(2), None),
            row(2, strict(), later(1), Some(author)),
            row(1, MappingTerms::default(), now(), None),
        ];
        assert_eq!(all, expected);
        for (before, limit, found) in [(3, 1, &expected[1..2]), (2, 9, &expected[2..]), (1, 9, &[])] {
            assert_eq!(lab.revisions(&first.id, before, limit).await.unwrap(), found);
        }
    });
}

#[test]
fn mappings_come_by_role_and_group_and_the_ended_ones_if_asked_for() {
    on_each("mappings_come_by_role_and_group_and_the_ended_ones_if_asked_for", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let ended = MappingTerms { ends_at: Some(later(100)), ..MappingTerms::default() };
        // In the order of their bytes, on either database.
        let rows = [
            ("B", "pay", MappingTerms::default()),
            ("a", "pay", ended.clone()),
            ("a\u{301}", "pay", MappingTerms::default()),
            ("\u{e1}", "pay", strict()),
            ("a", "read-results", MappingTerms::default()),
        ];
        let written: Vec<_> = rows.into_iter().map(|(group, role, terms)| mapping(group, role, terms)).collect();
        in_lab(store, &vision, async |lab| {
            for mapping in written.iter().rev() {
                lab.insert_mapping(mapping).await.unwrap();
            }
        })
        .await;
        in_lab(store, &language, async |lab| {
            lab.insert_mapping(&mapping("a", "pay", MappingTerms::default())).await.unwrap();
        })
        .await;

        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&vision).await.unwrap();
        let mut by_one = Vec::new();
        let mut place = MappingPlace::default();
        while let [next] = &lab.mappings_by_role(&place, later(99), 1).await.unwrap()[..] {
            place = MappingPlace {
                role: next.target.role.to_string(),
                group: next.target.group.as_str().to_owned(),
                id: next.id.to_string(),
            };
            by_one.push(next.clone());
        }
        assert_eq!(by_one, written);
        assert_eq!(lab.mappings_by_role(&MappingPlace::default(), later(99), 9).await.unwrap(), written);
        let live = lab.mappings_by_role(&MappingPlace::default(), later(100), 9).await.unwrap();
        let still: Vec<_> = written.iter().filter(|it| it.terms != ended).cloned().collect();
        assert_eq!(live, still);

        let mut of_pay = written[..4].to_vec();
        of_pay.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(lab.mappings_of_role(&"pay".parse().unwrap()).await.unwrap(), of_pay, "ended or not");
        assert_eq!(lab.mappings_of_role(&"publish".parse().unwrap()).await.unwrap(), []);
    });
}

#[test]
fn a_mapping_to_no_role_of_the_lab_is_refused() {
    on_each("a_mapping_to_no_role_of_the_lab_is_refused", async |store| {
        let access = kept_lab(store, "vision").await;
        let mut tx = store.write().await.unwrap();
        let mut lab = tx.lab(&access).await.unwrap();

        assert!(lab.insert_mapping(&mapping("a", "publish", MappingTerms::default())).await.is_err());
    });
}

#[test]
fn a_change_waits_until_it_is_taken_or_lapses() {
    on_each("a_change_waits_until_it_is_taken_or_lapses", async |store| {
        let access = kept_lab(store, "vision").await;
        let author = kept_person(store, "author").await;
        let change = |of_revision, asked_at: DateTime<Utc>| MappingChange {
            id: MappingChangeId::from_entropy(entropy()),
            mapping: MappingId::from_entropy(entropy()),
            of_revision,
            author: author.clone(),
            target: target("a", "pay"),
            terms: strict(),
            asked_at,
            lapses_at: asked_at + TimeDelta::days(7),
        };
        let (second, first) = (change(Some(3), later(1)), change(None, now()));
        in_lab(store, &access, async |lab| {
            lab.insert_change(&second).await.unwrap();
            lab.insert_change(&first).await.unwrap();
            assert_eq!(
                lab.changes(later(2), None, 9).await.unwrap(),
                [first.clone(), second.clone()],
                "the oldest first"
            );
            assert_eq!(lab.changes(later(2), None, 1).await.unwrap(), std::slice::from_ref(&first));
            let after = Some((first.asked_at, &first.id));
            assert_eq!(
                lab.changes(later(2), after, 9).await.unwrap(),
                std::slice::from_ref(&second),
                "after the first"
            );
            assert_eq!(lab.change(&second.id, later(2)).await.unwrap().as_ref(), Some(&second));
        })
        .await;

        in_lab(store, &access, async |lab| {
            assert_eq!(lab.take_change(&second.id, second.lapses_at).await.unwrap(), None, "lapsed");
            assert_eq!(lab.take_change(&second.id, later(2)).await.unwrap().as_ref(), Some(&second));
            assert_eq!(lab.take_change(&second.id, later(2)).await.unwrap(), None, "once");
            assert_eq!(lab.forget_lapsed_changes(first.lapses_at - TimeDelta::seconds(1)).await.unwrap(), 0);
            assert_eq!(lab.forget_lapsed_changes(first.lapses_at).await.unwrap(), 1);
            assert_eq!(lab.changes(later(2), None, 9).await.unwrap(), []);
        })
        .await;
    });
}

#[test]
fn what_a_sign_in_gives_is_every_live_mapping_of_its_groups_in_every_lab() {
    on_each("what_a_sign_in_gives_is_every_live_mapping_of_its_groups_in_every_lab", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let person = kept_person(store, "somebody").await;
        let sign_in = signs_in(store, &person, &["a", "b"], now()).await;
        in_lab(store, &vision, async |lab| {
            lab.insert_mapping(&mapping("a", "pay", strict())).await.unwrap();
            lab.insert_mapping(&mapping("b", "read-results", MappingTerms::default())).await.unwrap();
            lab.insert_mapping(&mapping("c", "read-results", MappingTerms::default())).await.unwrap();
        })
        .await;
        in_lab(store, &language, async |lab| {
            lab.insert_mapping(&mapping("b", "pay", MappingTerms::default())).await.unwrap();
            let elsewhere = MappingTarget { connection: "hospital".parse().unwrap(), ..target("a", "pay") };
            let mapping = Mapping { target: elsewhere, ..mapping("a", "pay", MappingTerms::default()) };
            lab.insert_mapping(&mapping).await.unwrap();
        })
        .await;

        let mut tx = store.read().await.unwrap();
        let given = tx.mappings_of_sign_in(&sign_in, now()).await.unwrap();
        let shown: Vec<_> = given.iter().map(|it| (it.lab.as_str(), it.role.as_str(), it.terms.clone())).collect();
        let expected = [
            ("language", "pay", MappingTerms::default()),
            ("vision", "pay", strict()),
            ("vision", "read-results", MappingTerms::default()),
        ];
        assert_eq!(shown, expected);
        assert_eq!(tx.mappings_of_sign_in(&sign_in, later(3_600)).await.unwrap().len(), 2, "one has ended by then");
    });
}
