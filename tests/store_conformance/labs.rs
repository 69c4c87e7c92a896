//! Labs, their roles, who looks after them, and invitations.

use std::collections::BTreeMap;

use lodge::domain::access::{Refusal, admit};
use lodge::domain::id::InvitationId;
use lodge::domain::lab::{Invitation, Office, Standing};
use lodge::domain::limits::{GroupsAge, SignInAge};

use super::*;

#[test]
fn a_lab_reads_back_as_it_was_written() {
    on_each("a_lab_reads_back_as_it_was_written", async |store| {
        let access = kept_lab(store, "vision").await;
        kept_lab(store, "language").await;
        let mut tx = store.read().await.unwrap();

        let found = tx.lab_for(&operator(), &"vision".parse().unwrap()).await.unwrap();
        assert_eq!(found.as_ref(), Some(access.lab()));
        assert_eq!(tx.lab_for(&operator(), &"atlantis".parse().unwrap()).await.unwrap(), None);
        let names: Vec<_> = tx.labs(&operator()).await.unwrap().into_iter().map(|lab| lab.name.to_string()).collect();
        assert_eq!(names, ["language", "vision"]);
        let mut open = tx.lab(&access).await.unwrap();
        assert_eq!(open.roles().await.unwrap(), [a_role("pay", 1_800), a_role("read-results", 3_600)]);
        assert_eq!(open.role(&"pay".parse().unwrap()).await.unwrap(), Some(a_role("pay", 1_800)));
        assert_eq!(open.role(&"publish".parse().unwrap()).await.unwrap(), None);
    });
}

#[test]
fn an_operator_sees_labs_at_a_glance_page_by_page() {
    on_each("an_operator_sees_labs_at_a_glance_page_by_page", async |store| {
        let (vision, person) = (kept_lab(store, "vision").await, kept_person(store, "s").await);
        let manager = kept_person(store, "m").await;
        for name in ["art", "language"] {
            kept_lab(store, name).await;
        }
        let invitation =
            |id: u8, lapses_at| Invitation { id: InvitationId::from_entropy([id; 10]), created_at: now(), lapses_at };
        in_lab(store, &vision, async |lab| {
            lab.put_office(&person, Office::Pi, now()).await.unwrap();
            lab.put_office(&manager, Office::Manager, now()).await.unwrap();
            lab.insert_invitation(&operator(), "hash-1", &invitation(1, later(60))).await.unwrap();
            lab.insert_invitation(&operator(), "hash-2", &invitation(2, later(90))).await.unwrap();
            lab.end_invitation(&InvitationId::from_entropy([2; 10]), later(1)).await.unwrap();
        })
        .await;
        let glance = async |after: Option<&str>, limit, at| {
            let mut tx = store.read().await.unwrap();
            let after = after.map(|name| name.parse().unwrap());
            let labs = tx.labs_at_a_glance(&operator(), after.as_ref(), limit, at).await.unwrap();
            let shown = labs.iter().map(|it| {
                let pis: Vec<_> = it.pis.iter().map(|pi| pi.id.clone()).collect();
                (it.lab.name.to_string(), pis, it.invited_until)
            });
            shown.collect::<Vec<_>>()
        };
        let (art, language) = (("art".to_owned(), vec![], None), ("language".to_owned(), vec![], None));
        let vision = |until| ("vision".to_owned(), vec![person.clone()], until);

        assert_eq!(glance(None, 2, later(2)).await, [art, language]);
        assert_eq!(glance(Some("language"), 2, later(2)).await, [vision(Some(later(60)))]);
        assert_eq!(glance(Some("language"), 2, later(60)).await, [vision(None)]);
        assert_eq!(glance(Some("vision"), 2, now()).await, []);
    });
}

#[test]
fn limits_are_set_in_one_lab_and_taken_back() {
    on_each("limits_are_set_in_one_lab_and_taken_back", async |store| {
        let (access, other) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let pay = "pay".parse().unwrap();
        let (month, day) = (SignInAge::MAX, GroupsAge::from_seconds(86_400).unwrap());
        let limits = async |lab: &OperatorAccess| {
            let mut tx = store.read().await.unwrap();
            let groups = tx.lab_for(&operator(), &lab.lab().name).await.unwrap().unwrap().groups_age;
            let roles = tx.lab(lab).await.unwrap().roles().await.unwrap();
            (groups, roles.iter().map(|role| role.sign_in_age).collect::<Vec<_>>())
        };

        in_lab(store, &access, async |lab| {
            lab.set_sign_in_age(&pay, Some(month)).await.unwrap();
            lab.set_groups_age(Some(day)).await.unwrap();
        })
        .await;
        assert_eq!(limits(&access).await, (Some(day), vec![Some(month), None]));
        assert_eq!(limits(&other).await, (None, vec![None, None]));

        in_lab(store, &access, async |lab| {
            lab.set_sign_in_age(&pay, None).await.unwrap();
            lab.set_groups_age(None).await.unwrap();
        })
        .await;
        assert_eq!(limits(&access).await, (None, vec![None, None]));

        let born = Lab { groups_age: Some(day), ..a_lab("robotics") };
        doing(store, async |tx| tx.insert_lab(&operator(), &born).await.unwrap()).await;
        let access = operator().access(born);
        let role = Role { sign_in_age: Some(month), ..a_role("pay", 900) };
        in_lab(store, &access, async |lab| lab.insert_role(&role, now()).await.unwrap()).await;
        assert_eq!(limits(&access).await, (Some(day), vec![Some(month)]));
    });
}

#[test]
fn a_role_is_filled_otherwise_ends_and_comes_back_under_its_name() {
    on_each("a_role_is_filled_otherwise_ends_and_comes_back_under_its_name", async |store| {
        let (access, other) = (kept_lab(store, "vision").await, kept_lab(store, "language").await);
        let names = async |access: &LabAccess, ended: bool| -> Vec<String> {
            let mut tx = store.read().await.unwrap();
            let mut lab = tx.lab(access).await.unwrap();
            let roles = if ended { lab.ended_roles().await } else { lab.roles().await };
            roles.unwrap().into_iter().map(|role| role.name.to_string()).collect()
        };
        let before = names(&access, false).await;
        let pay = a_role("pay", 900);
        let filled = Role { parameters: BTreeMap::from([("bucket".into(), "b".into())]), ..pay.clone() };

        in_lab(store, &access, async |lab| assert!(lab.set_role(&filled).await.unwrap())).await;
        in_lab(store, &access, async |lab| {
            assert_eq!(lab.role(&pay.name).await.unwrap().unwrap().parameters, filled.parameters);
            assert!(lab.end_role(&pay.name, now()).await.unwrap());
            assert!(!lab.end_role(&pay.name, now()).await.unwrap(), "it has ended");
            assert!(!lab.set_role(&filled).await.unwrap(), "it has ended");
            assert!(lab.role(&pay.name).await.unwrap().is_none());
        })
        .await;
        assert_eq!(names(&access, true).await, ["pay"]);
        assert_eq!(names(&access, false).await.len(), before.len() - 1);
        assert_eq!((names(&other, true).await, names(&other, false).await), (vec![], before.clone()));

        let again = Role { max_duration: SessionDuration::MAX, ..pay.clone() };
        in_lab(store, &access, async |lab| lab.put_role(&again, now()).await.unwrap()).await;
        in_lab(store, &access, async |lab| lab.put_role(&a_role("own", 900), now()).await.unwrap()).await;
        assert_eq!(names(&access, true).await, Vec::<String>::new());
        assert_eq!(names(&access, false).await.len(), before.len() + 1);
        in_lab(store, &access, async |lab| assert_eq!(lab.role(&pay.name).await.unwrap(), Some(again.clone()))).await;
        in_lab(store, &access, async |lab| lab.check_soon(now(), now()).await.unwrap()).await;
    });
}

#[test]
fn two_labs_or_roles_of_one_name_are_refused() {
    on_each("two_labs_or_roles_of_one_name_are_refused", async |store| {
        let access = kept_lab(store, "vision").await;

        let mut tx = store.write().await.unwrap();
        let error = tx.insert_lab(&operator(), &a_lab("vision")).await.unwrap_err();
        assert!(error.is_duplicate(), "{error:?}");
        drop(tx);
        let mut tx = store.write().await.unwrap();
        let error = tx.lab(&access).await.unwrap().insert_role(&a_role("pay", 900), now()).await.unwrap_err();
        assert!(error.is_duplicate(), "{error:?}");
        drop(tx);
        // A connection whose transaction failed is as good as another.
        kept_lab(store, "language").await;
    });
}

#[test]
fn a_lab_that_is_put_away_is_nobodys_until_it_is_brought_back() {
    on_each("a_lab_that_is_put_away_is_nobodys_until_it_is_brought_back", async |store| {
        let access = kept_lab(store, "vision").await;
        let person = kept_person(store, "pi").await;
        in_lab(store, &access, async |lab| lab.put_office(&person, Office::Pi, now()).await.unwrap()).await;
        let (name, sign_in) = ("vision".parse().unwrap(), SignInId::from_entropy(entropy()));

        in_lab(store, &access, async |lab| lab.set_archived(Some(later(1))).await.unwrap()).await;
        let mut tx = store.read().await.unwrap();
        assert_eq!(tx.lab_id(&name).await.unwrap(), None);
        assert!(tx.grounds(&name, &"pay".parse().unwrap(), &nobody(), now()).await.unwrap().lab().is_none());
        assert!(admit(tx.membership(&name, &person, &sign_in, now()).await.unwrap()).is_err());
        assert_eq!(tx.standings_of_person(&person).await.unwrap(), []);
        assert_eq!(tx.lab_for(&operator(), &name).await.unwrap().unwrap().archived_at, Some(later(1)));
        drop(tx);

        in_lab(store, &access, async |lab| lab.set_archived(None).await.unwrap()).await;
        let mut tx = store.read().await.unwrap();
        assert_eq!(tx.lab_id(&name).await.unwrap().as_ref(), Some(&access.lab().id));
        let member = admit(tx.membership(&name, &person, &sign_in, now()).await.unwrap()).unwrap();
        assert_eq!(member.standing(), Some(Standing::Pi));
    });
}

#[test]
fn a_standing_is_given_changed_counted_and_taken() {
    on_each("a_standing_is_given_changed_counted_and_taken", async |store| {
        let access = kept_lab(store, "vision").await;
        let (one, two) = (kept_person(store, "one").await, kept_person(store, "two").await);
        in_lab(store, &access, async |lab| {
            assert_eq!(lab.office(&one).await.unwrap(), None);
            lab.put_office(&one, Office::Manager, now()).await.unwrap();
            lab.put_office(&two, Office::Pi, now()).await.unwrap();
            assert_eq!(lab.count_other_pis(&one).await.unwrap(), 1);
            assert_eq!(lab.count_other_pis(&two).await.unwrap(), 0);
        })
        .await;
        let mut tx = store.read().await.unwrap();
        let mut lab = tx.lab(&access).await.unwrap();
        let holders = lab.office_holders().await.unwrap();
        let shown: Vec<_> = holders.iter().map(|it| (&it.id, it.office, it.connection.as_str())).collect();
        assert_eq!(shown, [(&two, Office::Pi, "campus"), (&one, Office::Manager, "campus")], "PIs first");
        assert_eq!(lab.office_holder(&two).await.unwrap().as_ref(), Some(&holders[0]));
        drop(tx);

        in_lab(store, &access, async |lab| {
            lab.put_office(&one, Office::Pi, later(1)).await.unwrap();
            lab.remove_office(&two).await.unwrap();
            assert_eq!(lab.office(&one).await.unwrap(), Some(Office::Pi));
            assert_eq!(lab.office_holder(&two).await.unwrap(), None);
        })
        .await;
        // Who is suspended cannot answer for a lab.
        doing(store, async |tx| assert!(tx.suspend(&operator(), &one, now()).await.unwrap())).await;
        in_lab(store, &access, async |lab| assert_eq!(lab.count_other_pis(&two).await.unwrap(), 0)).await;
    });
}

#[test]
fn one_belongs_to_a_lab_by_a_standing_or_by_a_live_mapping() {
    on_each("one_belongs_to_a_lab_by_a_standing_or_by_a_live_mapping", async |store| {
        let access = kept_lab(store, "vision").await;
        let name = "vision".parse().unwrap();
        let (manager, student) = (kept_person(store, "manager").await, kept_person(store, "student").await);
        let lasting = kept_person(store, "researcher").await;
        let (sign_in, lasting_sign_in) = (SignInId::from_entropy(entropy()), SignInId::from_entropy(entropy()));
        doing(store, async |tx| {
            let groups = Groups::Present(vec!["staff".parse().unwrap(), "students".parse().unwrap()]);
            tx.insert_sign_in(&sign_in, &student, &ClaimsSnapshot::of_groups(groups), now()).await.unwrap();
            let groups = Groups::Present(vec!["researchers".parse().unwrap()]);
            tx.insert_sign_in(&lasting_sign_in, &lasting, &ClaimsSnapshot::of_groups(groups), now()).await.unwrap();
        })
        .await;
        let none = SignInId::from_entropy(entropy());
        let is = async |person, sign_in, at| {
            let mut tx = store.read().await.unwrap();
            admit(tx.membership(&name, person, sign_in, at).await.unwrap()).ok().and_then(|access| access.standing())
        };
        assert_eq!(is(&student, &sign_in, now()).await, None, "a stranger");

        in_lab(store, &access, async |lab| {
            lab.put_office(&manager, Office::Manager, now()).await.unwrap();
            let target = MappingTarget {
                connection: "campus".parse().unwrap(),
                group: "students".parse().unwrap(),
                role: "pay".parse().unwrap(),
            };
            let terms = MappingTerms { ends_at: Some(later(10)), needs_approval: true, ..MappingTerms::default() };
            let (id, created_at) = (MappingId::from_entropy(entropy()), now());
            let mapping = Mapping { id, target, terms, revision: 1, created_at, changed_at: created_at };
            lab.insert_mapping(&mapping).await.unwrap();
            let target = MappingTarget { group: "researchers".parse().unwrap(), ..mapping.target };
            let (id, terms) = (MappingId::from_entropy(entropy()), MappingTerms::default());
            lab.insert_mapping(&Mapping { id, target, terms, ..mapping }).await.unwrap();
        })
        .await;

        assert_eq!(is(&manager, &none, now()).await, Some(Standing::Manager));
        assert_eq!(is(&student, &sign_in, now()).await, Some(Standing::Member));
        assert_eq!(is(&student, &sign_in, later(10)).await, None, "from its end on");
        assert_eq!(is(&student, &none, now()).await, None, "another sign-in");
        in_lab(store, &access, async |lab| lab.set_groups_age(GroupsAge::from_seconds(3_600).ok()).await.unwrap())
            .await;
        let standings = async |at| (is(&manager, &none, at).await, is(&lasting, &lasting_sign_in, at).await);
        assert_eq!(standings(later(3_599)).await, (Some(Standing::Manager), Some(Standing::Member)));
        assert_eq!(standings(later(3_600)).await, (Some(Standing::Manager), None), "the groups are too old");
        let mut tx = store.read().await.unwrap();
        let grounds = tx.grounds(&name, &"pay".parse().unwrap(), &nobody(), now()).await.unwrap();
        let evidence = Evidence {
            connection: "campus".parse().unwrap(),
            groups: Groups::Present(vec!["students".parse().unwrap()]),
            groups_at: now(),
            sign_in: SignInStrength { at: now(), authenticated_at: None, mfa: false },
            suspended: false,
        };
        let decision = decide(&evidence, grounds, &PolicyLibrary::shipped().unwrap(), None, now());
        assert!(
            matches!(decision, Decision::Refused(refused) if refused.refusal == Refusal::ApprovalNeeded),
            "{decision:?}"
        );
    });
}

#[test]
fn an_invitation_is_found_by_its_token_until_it_ends() {
    on_each("an_invitation_is_found_by_its_token_until_it_ends", async |store| {
        let access = kept_lab(store, "vision").await;
        let invitation =
            Invitation { id: InvitationId::from_entropy(entropy()), created_at: now(), lapses_at: later(60) };
        in_lab(store, &access, async |lab| {
            lab.insert_invitation(&operator(), "a-hash", &invitation).await.unwrap();
            assert_eq!(lab.open_invitations(now()).await.unwrap(), std::slice::from_ref(&invitation));
            assert_eq!(lab.open_invitations(later(60)).await.unwrap(), []);
        })
        .await;
        let mut tx = store.read().await.unwrap();
        let found = tx.invitation("a-hash", now()).await.unwrap().unwrap();
        assert_eq!((found.lab(), found.invitation()), (access.lab(), &invitation));
        assert!(tx.invitation("another-hash", now()).await.unwrap().is_none());
        assert!(tx.invitation("a-hash", later(60)).await.unwrap().is_none(), "lapsed");
        drop(tx);

        in_lab(store, &access, async |lab| {
            assert!(!lab.end_invitation(&invitation.id, later(60)).await.unwrap(), "lapsed");
            assert!(lab.end_invitation(&invitation.id, later(1)).await.unwrap());
            assert!(!lab.end_invitation(&invitation.id, later(1)).await.unwrap(), "once");
        })
        .await;
        assert!(store.read().await.unwrap().invitation("a-hash", now()).await.unwrap().is_none(), "ended");
    });
}
