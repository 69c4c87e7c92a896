//! The labs' AWS accounts and their checks.

use lodge::domain::account::{AccountCheck, CheckReason, CheckReport, ProbeAnswer, ProbeOutcome, RoleProbe, Verdict};
use lodge::domain::id::AccountCheckId;
use lodge::store::{AccountRoleRow, DueAccount};

use super::*;

fn row(state: AccountState) -> AccountRow {
    AccountRow {
        state,
        joined_at: Some(now()),
        session_role_id: Some("AROAEXAMPLE".to_owned()),
        checked_at: Some(later(1)),
        read_at: Some(later(2)),
        check_due_at: Some(later(3)),
    }
}

fn check(begun: i64, by: Option<&PersonId>) -> AccountCheck {
    AccountCheck {
        id: AccountCheckId::from_entropy(entropy()),
        reason: if by.is_some() { CheckReason::Join } else { CheckReason::Watch },
        by: by.cloned(),
        begun_at: later(begun),
        ended: None,
        report: CheckReport { tries: 1, ..CheckReport::default() },
    }
}

fn works() -> ProbeAnswer {
    ProbeAnswer { outcome: ProbeOutcome::Works, status: Some(200), code: None, message: None, request_id: None }
}

#[test]
fn a_lab_has_an_account_from_the_beginning_and_keeps_what_is_written_of_it() {
    on_each("a_lab_has_an_account_from_the_beginning_and_keeps_what_is_written_of_it", async |store| {
        let (vision, language) = (declared_lab(store, "vision").await, declared_lab(store, "language").await);
        let declared = AccountRow {
            state: AccountState::Declared,
            joined_at: None,
            session_role_id: None,
            checked_at: None,
            read_at: None,
            check_due_at: None,
        };
        for state in [AccountState::Joined, AccountState::Broken, AccountState::Open] {
            in_lab(store, &vision, async |lab| {
                lab.set_account(&row(state)).await.unwrap();
                assert_eq!(lab.account().await.unwrap(), row(state));
            })
            .await;
        }
        in_lab(store, &language, async |lab| assert_eq!(lab.account().await.unwrap(), declared)).await;
    });
}

#[test]
fn an_account_that_is_due_is_taken_by_one() {
    on_each("an_account_that_is_due_is_taken_by_one", async |store| {
        let (vision, language) = (declared_lab(store, "vision").await, declared_lab(store, "language").await);
        in_lab(store, &vision, async |lab| lab.set_account(&row(AccountState::Joined)).await.unwrap()).await;
        let due = async |at| store.read().await.unwrap().accounts_due(later(at), 10).await.unwrap();

        assert_eq!(due(2).await, []);
        let found = DueAccount { lab: "vision".parse().unwrap(), due_at: later(3) };
        assert_eq!(due(3).await, std::slice::from_ref(&found), "an account that is not watched is never due");
        in_lab(store, &language, async |lab| {
            assert!(!lab.claim_account(later(3), later(60)).await.unwrap(), "another lab's");
        })
        .await;
        in_lab(store, &vision, async |lab| {
            assert!(lab.claim_account(found.due_at, later(60)).await.unwrap());
            assert!(!lab.claim_account(found.due_at, later(60)).await.unwrap());
        })
        .await;
        assert_eq!(due(59).await, []);
        assert_eq!(due(60).await.len(), 1);
        doing(store, async |tx| {
            let lab = tx.lab_to_watch(&"vision".parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(lab.name.as_str(), "vision");
            tx.lab(&vision).await.unwrap().set_archived(Some(now())).await.unwrap();
        })
        .await;
        assert_eq!(due(60).await, [], "an archived lab's account is left alone");
        assert!(store.read().await.unwrap().lab_to_watch(&"vision".parse().unwrap()).await.unwrap().is_none());
    });
}

#[test]
fn what_a_look_found_of_a_role_is_kept_until_the_next_look() {
    on_each("what_a_look_found_of_a_role_is_kept_until_the_next_look", async |store| {
        let access = kept_lab(store, "vision").await;
        let found = |sha256: &str, uncovered: &[&str], probe| AccountRoleRow {
            role: "pay".parse().unwrap(),
            policy_sha256: sha256.to_owned(),
            uncovered: uncovered.iter().map(|action| (*action).to_owned()).collect(),
            probe,
            looked_at: now(),
        };
        in_lab(store, &access, async |lab| {
            assert_eq!(lab.account_roles().await.unwrap(), []);
            let first = found("one", &["a:B", "c:D"], None);
            lab.put_account_role(&first).await.unwrap();
            assert_eq!(lab.account_roles().await.unwrap(), [first]);
            lab.put_account_role(&found("two", &[], None)).await.unwrap();
            let probe = RoleProbe { role: "pay".parse().unwrap(), action: "a:B".to_owned(), answer: works() };
            lab.set_account_probe(&probe, now()).await.unwrap();
            assert_eq!(lab.account_roles().await.unwrap(), [found("two", &[], Some(works()))]);
        })
        .await;
    });
}

#[test]
fn a_check_is_kept_while_it_is_under_way_and_ended_once() {
    on_each("a_check_is_kept_while_it_is_under_way_and_ended_once", async |store| {
        let (vision, language) = (declared_lab(store, "vision").await, declared_lab(store, "language").await);
        let person = kept_person(store, "pi").await;
        let mut check = check(0, Some(&person));
        in_lab(store, &vision, async |lab| {
            lab.insert_check(&check).await.unwrap();
            assert_eq!(lab.check(&check.id).await.unwrap().as_ref(), Some(&check));
        })
        .await;
        in_lab(store, &language, async |lab| {
            assert_eq!(lab.check(&check.id).await.unwrap(), None);
            assert!(!lab.save_check(&check.id, &check.report).await.unwrap());
            assert!(!lab.end_check(&check.id, &check.report, now(), Verdict::Proven).await.unwrap());
        })
        .await;
        in_lab(store, &vision, async |lab| {
            check.report.tries = 2;
            assert!(lab.save_check(&check.id, &check.report).await.unwrap());
            assert!(lab.end_check(&check.id, &check.report, later(9), Verdict::Open).await.unwrap());
            assert!(!lab.end_check(&check.id, &check.report, later(10), Verdict::Proven).await.unwrap());
            assert!(!lab.save_check(&check.id, &CheckReport::default()).await.unwrap(), "it is over");
            check.ended = Some((later(9), Verdict::Open));
            assert_eq!(lab.check(&check.id).await.unwrap(), Some(check));
        })
        .await;
    });
}

#[test]
fn checks_come_newest_first_a_page_at_a_time() {
    on_each("checks_come_newest_first_a_page_at_a_time", async |store| {
        let access = declared_lab(store, "vision").await;
        // Two of one moment among them.
        let checks: Vec<_> = [0, 1, 1, 2].map(|begun| check(begun, None)).into();
        in_lab(store, &access, async |lab| {
            for check in &checks {
                lab.insert_check(check).await.unwrap();
            }
            let all = lab.checks(None, 10).await.unwrap();
            assert_eq!((all.len(), all[0].begun_at, all[3].begun_at), (4, later(2), later(0)));
            let mut paged = lab.checks(None, 2).await.unwrap();
            let next = lab.checks(paged.last(), 2).await.unwrap();
            paged.extend(next);
            assert_eq!(paged, all);
            assert_eq!(lab.checks(paged.last(), 2).await.unwrap(), []);
        })
        .await;
    });
}

#[test]
fn what_a_stop_left_open_is_found_and_what_is_old_and_over_is_forgotten() {
    on_each("what_a_stop_left_open_is_found_and_what_is_old_and_over_is_forgotten", async |store| {
        let access = declared_lab(store, "vision").await;
        let (open, over, new) = (check(0, None), check(0, None), check(100, None));
        in_lab(store, &access, async |lab| {
            for check in [&open, &over, &new] {
                lab.insert_check(check).await.unwrap();
            }
            lab.end_check(&over.id, &over.report, later(1), Verdict::Proven).await.unwrap();
        })
        .await;

        let found = store.read().await.unwrap().open_checks(later(100), 10).await.unwrap();
        assert_eq!(found, [("vision".parse().unwrap(), open.id.clone())]);
        doing(store, async |tx| assert_eq!(tx.forget_checks(later(100)).await.unwrap(), 1)).await;
        doing(store, async |tx| assert_eq!(tx.declare_accounts().await.unwrap(), 0, "each lab has one")).await;
        in_lab(store, &access, async |lab| {
            assert_eq!(lab.check(&over.id).await.unwrap(), None);
            assert!(lab.check(&open.id).await.unwrap().is_some() && lab.check(&new.id).await.unwrap().is_some());
        })
        .await;
    });
}

#[test]
fn a_check_is_brought_forward_only_where_there_was_none_just_now() {
    on_each("a_check_is_brought_forward_only_where_there_was_none_just_now", async |store| {
        let access = kept_lab(store, "vision").await;
        let account = AccountRow { check_due_at: Some(later(1_000)), ..row(AccountState::Joined) };
        let due = async || {
            let mut tx = store.read().await.unwrap();
            let mut lab = tx.lab(&access).await.unwrap();
            lab.account().await.unwrap().check_due_at
        };
        // A role is only given from an account that is joined and was never held against it.
        in_lab(store, &access, async |lab| {
            lab.set_account(&AccountRow { read_at: None, ..account.clone() }).await.unwrap();
        })
        .await;
        let allowed = allowed(store, &access).await;
        let forward = async |to, unless| {
            doing(store, async |tx| tx.bring_check_forward(&allowed, later(to), later(unless)).await.unwrap()).await;
        };

        forward(10, 1).await;
        assert_eq!(due().await, Some(later(1_000)), "it was checked since");
        forward(2_000, 2).await;
        assert_eq!(due().await, Some(later(1_000)), "never later");
        forward(10, 2).await;
        assert_eq!(due().await, Some(later(10)));
        in_lab(store, &access, async |lab| {
            lab.set_account(&AccountRow { check_due_at: None, ..account.clone() }).await.unwrap();
        })
        .await;
        forward(10, 2).await;
        assert_eq!(due().await, None, "nobody watches it");
    });
}
