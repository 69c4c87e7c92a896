//! What was cut off, the deny of it, and who is kept out by it.

use lodge::domain::actor::Actor;
use lodge::domain::cut_off::{
    Bar, CutOffCause, CutOffSteps, DenialSeen, DenyEntry, DenyMoment, DenyTrouble, REISSUE_MARGIN, RoleCutOff, Whose,
};
use lodge::domain::id::{CutOffId, RoleName, RoleSessionId};
use lodge::domain::ledger::{Book, Draft, Event, Thread};
use lodge::store::{CutOffRow, DenyRow, PersonCutOffRow};

use super::mappings::mapping;
use super::members::session;
use super::*;

fn row(whose: Whose, revision: i64, stopped: i64) -> CutOffRow {
    CutOffRow {
        id: CutOffId::from_entropy(entropy()),
        whose,
        everywhere: None,
        by: Actor::Broker,
        cause: CutOffCause::Asked,
        reason: Some("a lost laptop".parse().unwrap()),
        sessions: 3,
        before: DenyMoment::of(later(stopped + 60)),
        dead_at: Some(later(stopped + 3_600)),
        held: false,
        lifted_at: None,
        revision,
        steps: CutOffSteps {
            stopped_at: later(stopped),
            written_at: None,
            read_back_at: None,
            denial: DenialSeen::NotYet,
        },
    }
}

fn deny() -> DenyRow {
    DenyRow {
        wanted: 3,
        written: 2,
        read_back: 1,
        policy_sha256: Some("sha".to_owned()),
        written_at: Some(later(1)),
        overflow: Some(DenyMoment::of(later(2))),
        room: 10_000,
        due_at: Some(later(3)),
        tries: 4,
        trouble: Some(DenyTrouble::NoRoom),
        lease: Some(("lease".to_owned(), later(5))),
    }
}

fn everywhere(person: &PersonId, stopped: i64) -> PersonCutOffRow {
    PersonCutOffRow {
        id: CutOffId::from_entropy(entropy()),
        person: person.clone(),
        by: Actor::Person(person.clone()),
        cause: CutOffCause::Everywhere,
        reason: None,
        stopped_at: later(stopped),
        before: DenyMoment::of(later(stopped + 60)),
        spread_at: None,
    }
}

#[test]
fn a_cut_off_keeps_what_is_written_of_it_and_each_step_once() {
    on_each("a_cut_off_keeps_what_is_written_of_it_and_each_step_once", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let person = kept_person(store, "somebody").await;
        let one = row(Whose::Person(person.clone()), 1, 0);
        let pay: RoleName = "pay".parse().unwrap();
        let two = CutOffRow { held: true, reason: None, dead_at: None, ..row(Whose::Role(pay), 2, 10) };
        let three = row(Whose::Everyone, 3, 20);
        let all = in_lab(store, &vision, async |lab| {
            for row in [&one, &two, &three] {
                lab.insert_cut_off(row).await.unwrap();
            }
            lab.cut_offs(None, 10).await.unwrap()
        })
        .await;
        assert_eq!(all, [three.clone(), two.clone(), one.clone()], "the newest first");

        in_lab(store, &vision, async |lab| {
            assert_eq!(lab.cut_offs(Some(&three), 1).await.unwrap(), std::slice::from_ref(&two));
            assert_eq!(lab.live_cut_offs(one.before.over_at()).await.unwrap(), [three.clone(), two.clone()]);
            let entry = |row: &CutOffRow| DenyEntry { whose: row.whose.clone(), before: row.before };
            let entries = lab.deny_entries(two.before.over_at()).await.unwrap();
            assert_eq!(entries, [entry(&three)]);
            assert_eq!(lab.next_over(now()).await.unwrap(), Some(one.before.over_at()));
            assert_eq!(lab.next_over(three.before.over_at()).await.unwrap(), None);

            lab.note_written(2, later(30)).await.unwrap();
            lab.note_written(2, later(31)).await.unwrap();
            lab.note_denial(2, DenialSeen::At(later(32))).await.unwrap();
            lab.note_read_back(1, later(33)).await.unwrap();
            lab.note_denial(2, DenialSeen::At(later(34))).await.unwrap();
            lab.note_denial(2, DenialSeen::CannotTell).await.unwrap();
            let steps = lab.cut_off(&one.id).await.unwrap().unwrap().steps;
            let seen = DenialSeen::At(later(34));
            let (written_at, read_back_at) = (Some(later(30)), Some(later(33)));
            assert_eq!(steps, CutOffSteps { written_at, read_back_at, denial: seen, ..one.steps });
            let steps = lab.cut_off(&two.id).await.unwrap().unwrap().steps;
            assert_eq!(steps, CutOffSteps { written_at, ..two.steps });
            assert_eq!(lab.cut_off(&three.id).await.unwrap(), Some(three.clone()), "of a later revision");

            assert!(!lab.lift_cut_off(&one.id, later(40)).await.unwrap(), "it holds nobody");
            assert!(lab.lift_cut_off(&two.id, later(40)).await.unwrap());
            assert!(!lab.lift_cut_off(&two.id, later(41)).await.unwrap(), "already");
            assert_eq!(lab.cut_off(&two.id).await.unwrap().unwrap().lifted_at, Some(later(40)));
        })
        .await;
        in_lab(store, &language, async |lab| assert_eq!(lab.cut_offs(None, 10).await.unwrap(), [])).await;
        doing(store, async |tx| tx.forget_cut_offs(two.before.over_at()).await.unwrap()).await;
        let left = in_lab(store, &vision, async |lab| lab.cut_offs(None, 10).await.unwrap()).await;
        assert_eq!(left.iter().map(|row| &row.id).collect::<Vec<_>>(), [&three.id, &two.id]);
    });
}

#[test]
fn the_deny_of_a_lab_is_due_where_nobody_is_at_it() {
    on_each("the_deny_of_a_lab_is_due_where_nobody_is_at_it", async |store| {
        let vision = kept_lab(store, "vision").await;
        in_lab(store, &vision, async |lab| {
            assert_eq!(lab.deny().await.unwrap(), None);
            let plain = DenyRow {
                policy_sha256: None,
                written_at: None,
                overflow: None,
                due_at: None,
                trouble: None,
                lease: None,
                ..deny()
            };
            for row in [plain, deny()] {
                lab.put_deny(&row).await.unwrap();
                assert_eq!(lab.deny().await.unwrap(), Some(row));
            }
        })
        .await;
        let mut tx = store.write().await.unwrap();
        let name = &vision.lab().name;
        assert_eq!(tx.denies_due(later(4), 10).await.unwrap(), [], "somebody is at it");
        assert_eq!(tx.denies_due(later(5), 10).await.unwrap(), std::slice::from_ref(name));
        assert_eq!(tx.denies_due(later(5), 0).await.unwrap(), []);
        assert_eq!((tx.drop_leases().await.unwrap(), tx.drop_leases().await.unwrap()), (1, 0));
        assert_eq!(tx.denies_due(later(4), 10).await.unwrap(), std::slice::from_ref(name));
        assert_eq!(tx.lab_to_deny_in(name).await.unwrap().map(|lab| lab.name), Some(name.clone()));
    });
}

#[test]
fn whoever_was_cut_off_is_kept_out_until_the_moment_has_passed_or_somebody_lifts_it() {
    on_each("whoever_was_cut_off_is_kept_out_until_the_moment_has_passed_or_somebody_lifts_it", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (one, other) = (kept_person(store, "one").await, kept_person(store, "other").await);
        let [pay, read]: [RoleName; 2] = ["pay", "read-results"].map(|name| name.parse().unwrap());
        let bar = async |access: &OperatorAccess, person: &PersonId, role: &RoleName, at: i64| {
            let mut tx = store.read().await.unwrap();
            tx.bar(&access.lab().id, person, role, later(at)).await.unwrap()
        };
        assert_eq!(bar(&vision, &one, &pay, 0).await, None);
        in_lab(store, &vision, async |lab| lab.insert_cut_off(&row(Whose::Person(one.clone()), 1, 0)).await.unwrap())
            .await;
        let until = Some(Bar::Until(later(60) + REISSUE_MARGIN));
        for at in [0, 60, 64] {
            assert_eq!(bar(&vision, &one, &pay, at).await, until, "{at}");
        }
        assert_eq!(bar(&vision, &one, &pay, 65).await, None);
        assert_eq!((bar(&vision, &other, &pay, 0).await, bar(&language, &one, &pay, 0).await), (None, None));

        let held = CutOffRow { held: true, ..row(Whose::Role(pay.clone()), 2, 0) };
        in_lab(store, &vision, async |lab| lab.insert_cut_off(&held).await.unwrap()).await;
        assert_eq!(bar(&vision, &other, &pay, 900_000).await, Some(Bar::Held));
        in_lab(store, &vision, async |lab| assert_eq!(lab.holds().await.unwrap(), [Whose::Role(pay.clone())])).await;
        in_lab(store, &language, async |lab| assert_eq!(lab.holds().await.unwrap(), [])).await;
        assert_eq!(bar(&vision, &other, &read, 0).await, None);
        in_lab(store, &vision, async |lab| {
            assert!(lab.lift_cut_off(&held.id, later(50)).await.unwrap());
            assert_eq!(lab.holds().await.unwrap(), []);
        })
        .await;
        assert_eq!(bar(&vision, &other, &pay, 900_000).await, None);
        assert_eq!(bar(&vision, &other, &pay, 50).await, until, "let in, and the moment is still to come");

        in_lab(store, &language, async |lab| lab.insert_cut_off(&row(Whose::Everyone, 1, 0)).await.unwrap()).await;
        assert_eq!(bar(&language, &other, &read, 0).await, until);
        in_lab(store, &vision, async |lab| lab.put_deny(&deny()).await.unwrap()).await;
        let full = Some(Bar::Until(later(2) + REISSUE_MARGIN));
        assert_eq!((bar(&vision, &other, &read, 6).await, bar(&vision, &other, &read, 7).await), (full, None));

        let cut = everywhere(&other, 100);
        doing(store, async |tx| tx.insert_person_cut_off(&cut).await.unwrap()).await;
        let until = Some(Bar::Until(later(160) + REISSUE_MARGIN));
        assert_eq!((bar(&vision, &other, &read, 100).await, bar(&language, &other, &pay, 164).await), (until, until));
        assert_eq!(bar(&vision, &other, &read, 165).await, None);
        assert_eq!(bar(&vision, &one, &read, 100).await, None);
    });
}

/// What they are shown is what the gate goes by.
#[test]
fn of_their_own_somebody_sees_what_keeps_them_from_a_role_and_what_is_dead() {
    on_each("of_their_own_somebody_sees_what_keeps_them_from_a_role_and_what_is_dead", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (person, other) = (kept_person(store, "one").await, kept_person(store, "other").await);
        let sign_in = signs_in(store, &person, &["a", "b"], now()).await;
        let [pay, read]: [RoleName; 2] = ["pay", "read-results"].map(|name| name.parse().unwrap());
        in_lab(store, &vision, async |lab| {
            lab.insert_mapping(&mapping("a", "pay", MappingTerms::default())).await.unwrap();
            lab.insert_mapping(&mapping("b", "read-results", MappingTerms::default())).await.unwrap();
            lab.insert_cut_off(&row(Whose::Person(other.clone()), 1, 500)).await.unwrap();
            lab.insert_cut_off(&row(Whose::Role(pay.clone()), 2, 0)).await.unwrap();
        })
        .await;
        in_lab(store, &language, async |lab| lab.insert_cut_off(&row(Whose::Everyone, 1, 600)).await.unwrap()).await;
        let own = async |lab: &OperatorAccess, role: &RoleName, at: i64| {
            let mut tx = store.read().await.unwrap();
            let own = tx.own_cut_offs(&person, &sign_in, later(at)).await.unwrap().of(&lab.lab().name, role, later(at));
            assert_eq!(own.bar, tx.bar(&lab.lab().id, &person, role, later(at)).await.unwrap(), "as the gate");
            own
        };
        let until = |before: i64| Some(Bar::Until(later(before) + REISSUE_MARGIN));
        let dead = |before: i64| Some(DenyMoment::of(later(before)));

        assert_eq!(own(&vision, &read, 0).await, RoleCutOff::default());
        assert_eq!(own(&vision, &pay, 0).await, RoleCutOff { bar: until(60), dead_before: dead(60) });
        assert_eq!(own(&vision, &pay, 65).await, RoleCutOff { bar: None, dead_before: dead(60) });
        let over = dead(60).unwrap().over_at();
        let at_its_end = (over - now()).num_seconds();
        assert_eq!(own(&vision, &pay, at_its_end - 1).await.dead_before, dead(60));
        assert_eq!(own(&vision, &pay, at_its_end).await, RoleCutOff::default());

        in_lab(store, &vision, async |lab| lab.put_deny(&deny()).await.unwrap()).await;
        assert_eq!(own(&vision, &read, 3).await, RoleCutOff { bar: until(2), dead_before: dead(2) }, "it was full");
        let held = CutOffRow { held: true, ..row(Whose::Person(person.clone()), 3, 0) };
        in_lab(store, &vision, async |lab| lab.insert_cut_off(&held).await.unwrap()).await;
        assert_eq!(own(&vision, &read, 900_000).await, RoleCutOff { bar: Some(Bar::Held), dead_before: None });
        in_lab(store, &vision, async |lab| assert!(lab.lift_cut_off(&held.id, later(50)).await.unwrap())).await;
        assert_eq!(own(&vision, &read, 900_000).await, RoleCutOff::default());
        let cut = everywhere(&person, 100);
        doing(store, async |tx| tx.insert_person_cut_off(&cut).await.unwrap()).await;
        assert_eq!(own(&vision, &read, 100).await, RoleCutOff { bar: until(160), dead_before: dead(160) });

        // Of a lab that their groups are given nothing in, only what is about them by name.
        let dead = async |at: i64| {
            let mut tx = store.read().await.unwrap();
            let own = tx.own_cut_offs(&person, &sign_in, later(at)).await.unwrap();
            let mut dead: Vec<_> = own.dead(later(at)).map(|one| (one.lab.clone(), one.role.clone())).collect();
            dead.sort();
            dead
        };
        let vision_and_all = [
            (None, None),
            (Some(vision.lab().name.clone()), None),
            (Some(vision.lab().name.clone()), Some(pay.clone())),
        ];
        assert_eq!(dead(600).await[..1], vision_and_all[..1]);
        assert!(dead(600).await.iter().all(|it| vision_and_all.contains(it)), "{:?}", dead(600).await);
        in_lab(store, &vision, async |lab| {
            lab.insert_cut_off(&row(Whose::Everyone, 4, 600)).await.unwrap();
        })
        .await;
        let of_everybody = (Some(vision.lab().name.clone()), None);
        let found = dead(700).await.iter().filter(|it| **it == of_everybody).count();
        assert_eq!(found, 3, "the overflow, the one that was lifted, and once, by two mappings, everybody's");
        let lost = row(Whose::Person(person.clone()), 2, 600);
        in_lab(store, &language, async |lab| lab.insert_cut_off(&lost).await.unwrap()).await;
        assert_eq!(dead(600).await[1], (Some(language.lab().name.clone()), None));
        assert_eq!(dead(900_000).await, []);
    });
}

#[test]
fn somebody_who_is_cut_off_everywhere_is_so_in_each_lab_once() {
    on_each("somebody_who_is_cut_off_everywhere_is_so_in_each_lab_once", async |store| {
        let (vision, language) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let (in_vision, in_language) = (allowed(store, &vision).await, allowed(store, &language).await);
        let (person, other) = (kept_person(store, "somebody").await, kept_person(store, "other").await);
        doing(store, async |tx| {
            tx.insert_role_session(&in_vision, &session(&in_vision, &person, later(900))).await.unwrap();
            tx.insert_role_session(&in_vision, &session(&in_vision, &other, later(800))).await.unwrap();
            tx.insert_role_session(&in_language, &session(&in_language, &person, later(300))).await.unwrap();
        })
        .await;
        let (first, second) = (everywhere(&person, 0), everywhere(&person, 10));
        doing(store, async |tx| {
            tx.insert_person_cut_off(&first).await.unwrap();
            tx.insert_person_cut_off(&second).await.unwrap();
            assert_eq!(tx.cut_offs_to_spread(10).await.unwrap(), [first.clone(), second.clone()]);
            assert_eq!(tx.latest_person_cut_off(&person).await.unwrap(), Some(second.clone()));
            assert_eq!(tx.latest_person_cut_off(&other).await.unwrap(), None);
            assert_eq!(tx.person_cut_off(&first.id, &other).await.unwrap(), None, "another's");
            let both = [language.lab().name.clone(), vision.lab().name.clone()];
            assert_eq!(tx.labs_with_sessions_of(&person, later(299)).await.unwrap(), both);
            assert_eq!(tx.labs_with_sessions_of(&person, later(300)).await.unwrap(), both[1..]);
            let asking = Thread::Attempt(other.clone(), RoleSessionId::from_entropy([9; 10]));
            let (lab, role) = (language.lab().name.clone(), "read-results".parse().unwrap());
            let event = Event::Attempted { lab, role, wanted_seconds: None };
            assert_eq!(tx.labs_with_sessions_of(&other, later(0)).await.unwrap(), both[1..]);
            tx.append(Book::Lab(language.lab().id.clone()), Draft { at: now(), thread: asking, event }).await.unwrap();
            assert_eq!(tx.labs_with_sessions_of(&other, later(0)).await.unwrap(), both, "they ask for one");
            assert!(tx.note_spread(&first.id, later(5)).await.unwrap());
            assert!(!tx.note_spread(&first.id, later(6)).await.unwrap(), "already");
            let spread = PersonCutOffRow { spread_at: Some(later(5)), ..first.clone() };
            assert_eq!(tx.person_cut_off(&first.id, &person).await.unwrap(), Some(spread));
        })
        .await;
        let part = CutOffRow { everywhere: Some(first.id.clone()), ..row(Whose::Person(person.clone()), 1, 0) };
        in_lab(store, &vision, async |lab| {
            assert!(!lab.has_cut_off_of(&first.id).await.unwrap());
            lab.insert_cut_off(&part).await.unwrap();
            assert!(lab.has_cut_off_of(&first.id).await.unwrap());
            let all = lab.sessions_to_cut(&Whose::Everyone, later(0)).await.unwrap();
            assert_eq!(all, (2, Some(later(900))));
            assert_eq!(lab.sessions_to_cut(&Whose::Everyone, later(850)).await.unwrap(), (1, Some(later(900))));
            assert_eq!(lab.sessions_to_cut(&Whose::Person(other.clone()), now()).await.unwrap(), (1, Some(later(800))));
            let read = Whose::Role("read-results".parse().unwrap());
            assert_eq!(lab.sessions_to_cut(&read, now()).await.unwrap(), (0, None));
            let mut people = [person.clone(), other.clone()];
            people.sort();
            assert_eq!(lab.people_of_mapping(in_vision.mapping(), now()).await.unwrap(), people);
            assert_eq!(
                lab.people_of_mapping(in_vision.mapping(), later(850)).await.unwrap(),
                std::slice::from_ref(&person)
            );
        })
        .await;
        let mut tx = store.read().await.unwrap();
        assert_eq!(tx.cut_offs_of(&first).await.unwrap(), [(vision.lab().name.clone(), part)]);
        assert_eq!(tx.cut_offs_of(&second).await.unwrap(), []);
    });
}
