//! What can go wrong between the broker and the lab's account, and that nothing of it is lost.

use lodge::demo::aws::{Lost, Requester, Service};
use lodge::domain::cut_off::{CUT_OFF_POLICY, DenialSeen, DenyTrouble, Whose};
use lodge::domain::ledger::Event;
use serde_json::json;

use super::stage::Stage;
use crate::support::eventually;
use crate::support::joining::ACCOUNT;
use crate::support::signed_in::signed_in;

/// Waits for a trouble, then lets time pass until it is done.
fn mended(stage: &Stage, begun: &lodge::app::CutOffView) -> lodge::app::CutOffView {
    for _ in 0..200 {
        stage.is_left_alone();
        stage.advance(5);
        stage.enforce();
        let seen = stage.look(begun);
        if seen.row.steps.is_done() {
            return seen;
        }
    }
    panic!("{:?}", stage.look(begun));
}

fn trouble(stage: &Stage, begun: &lodge::app::CutOffView) -> DenyTrouble {
    eventually("a trouble", || stage.look(begun).trouble).trouble
}

#[test]
fn a_call_that_is_lost_either_way_is_made_again() {
    for how in [Lost::OnTheWayThere, Lost::OnTheWayBack] {
        let stage = Stage::new();
        let old = stage.issue(&stage.joining.student).unwrap();
        // The SDK tries three times by itself.
        stage.joining.small.lose("PutRolePolicy", 4, how);

        let begun = stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false);
        assert_eq!(trouble(&stage, &begun), DenyTrouble::Unreachable, "{how:?}");
        assert!(!stage.look(&begun).row.steps.is_at_aws());
        let done = mended(&stage, &begun);

        assert!(done.trouble.is_none() && stage.is_denied(&old), "{how:?}");
    }
}

#[test]
fn throttling_is_waited_out() {
    let stage = Stage::new();
    let old = stage.issue(&stage.joining.student).unwrap();
    stage.joining.small.throttle(Service::Iam, 7);

    let begun = stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false);
    assert_eq!(trouble(&stage, &begun), DenyTrouble::Throttled);
    mended(&stage, &begun);

    assert!(stage.is_denied(&old));
}

#[test]
fn a_steward_that_is_locked_out_is_told_of_with_what_to_do_by_hand() {
    let stage = Stage::new();
    let old = stage.issue(&stage.joining.student).unwrap();
    let session_role = stage.joining.session_role();
    let boundary = stage.joining.small.role(&session_role).unwrap().boundary;
    stage.joining.small.change_role(&session_role, |role| role.boundary = None).unwrap();

    let begun = stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false);
    assert_eq!(trouble(&stage, &begun), DenyTrouble::WriteDenied);
    let by_hand = stage.look(&begun).trouble.unwrap().by_hand;
    let document = by_hand
        .strip_prefix(
            "aws iam put-role-policy --role-name lodge-session --policy-name lodge-cut-off --policy-document '",
        )
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap();
    assert!(!document.contains('\''));
    stage
        .joining
        .small
        .change_role(&session_role, |role| {
            role.inline_policies.insert(CUT_OFF_POLICY.to_owned(), document.to_owned());
        })
        .unwrap();
    assert!(stage.is_denied(&old), "what the broker says to do works");

    stage.joining.small.change_role(&session_role, |role| role.boundary = boundary).unwrap();
    assert!(mended(&stage, &begun).row.steps.is_at_aws());
}

#[test]
fn a_deny_that_the_lab_changes_or_removes_is_written_again_and_awss_own_button_is_left_alone() {
    let stage = Stage::new();
    let old = stage.issue(&stage.joining.student).unwrap();
    stage.done(&stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false));
    let wanted = stage.policy().unwrap();
    let own = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": ["*"],
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00.000Z"}}}]})
    .to_string();
    for change in [None, Some(wanted.replace("StringEquals", "StringNotEquals"))] {
        stage
            .joining
            .small
            .change_role(&stage.joining.session_role(), |role| {
                role.inline_policies.remove(CUT_OFF_POLICY);
                role.inline_policies.insert("AWSRevokeOlderSessions".to_owned(), own.clone());
                if let Some(changed) = &change {
                    role.inline_policies.insert(CUT_OFF_POLICY.to_owned(), changed.clone());
                }
            })
            .unwrap();
        assert!(!stage.is_denied(&old));
        stage.advance(301);
        stage.settle();
        assert_eq!(stage.policy().as_deref(), Some(wanted.as_str()));
        assert!(stage.is_denied(&old));
        assert_eq!(stage.inline()["AWSRevokeOlderSessions"], own);
    }
    let restored = stage.entries().into_iter().filter(|it| matches!(it.event, Event::DenyRestored { .. })).count();
    assert_eq!(restored, 2);
}

/// A broker that was held up for longer than its lease may write what it had decided before.
#[test]
fn a_deny_that_an_older_one_was_written_over_is_noticed_after_a_minute() {
    let stage = Stage::new();
    let old = stage.issue(&stage.joining.student).unwrap();
    stage.done(&stage.cut_off(Whose::Role("pay".parse().unwrap()), false));
    let older = stage.policy().unwrap();
    stage.done(&stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false));
    stage.settle();
    let wanted = stage.policy().unwrap();
    stage
        .joining
        .small
        .change_role(&stage.joining.session_role(), |role| {
            role.inline_policies.insert(CUT_OFF_POLICY.to_owned(), older);
        })
        .unwrap();
    assert!(!stage.is_denied(&old));
    let looks = stage.policy_calls("GetRolePolicy");

    stage.advance(61);
    stage.enforce_at_once();
    eventually("a look", || (stage.policy_calls("GetRolePolicy") > looks).then_some(()));
    // For three minutes it can be AWS that gives back what was there before.
    assert_ne!(stage.policy().as_deref(), Some(wanted.as_str()));
    stage.advance(120);

    eventually("the deny again", || (stage.policy().as_deref() == Some(wanted.as_str())).then_some(()));
    assert!(stage.is_denied(&old));
}

#[test]
fn a_deny_that_is_changed_while_a_denial_is_waited_for_is_written_again() {
    let stage = Stage::new();
    stage.joining.small.set_requester(ACCOUNT, Requester::Unreachable);
    let begun = stage.cut_off(Whose::Everyone, false);
    eventually("a deny that was read back", || stage.look(&begun).row.steps.is_at_aws().then_some(()));
    let wanted = stage.policy().unwrap();
    stage
        .joining
        .small
        .change_role(&stage.joining.session_role(), |role| {
            role.inline_policies.remove(CUT_OFF_POLICY);
        })
        .unwrap();
    assert_eq!(stage.look(&begun).row.steps.denial, DenialSeen::NotYet);

    stage.advance(181);

    eventually("the deny again", || (stage.policy().as_deref() == Some(wanted.as_str())).then_some(()));
}

#[test]
fn a_deny_that_aws_does_not_give_back_is_written_again() {
    let stage = Stage::new();
    let old = stage.issue(&stage.joining.student).unwrap();
    stage.joining.small.apply_changes_after(chrono::TimeDelta::minutes(10));
    let begun = stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false);
    eventually("a deny that AWS has taken", || stage.look(&begun).row.steps.written_at);

    stage.advance(181);
    assert_eq!(trouble(&stage, &begun), DenyTrouble::NotReadBack);
    stage.joining.small.apply_changes_after(chrono::TimeDelta::zero());
    assert!(mended(&stage, &begun).row.steps.is_at_aws());

    assert!(stage.is_denied(&old) && stage.policy_calls("PutRolePolicy") >= 2);
}

#[test]
fn other_inline_policies_take_room_and_everybody_is_denied_before_one_is_forgotten() {
    let stage = Stage::new();
    let people: Vec<_> =
        (0..20).map(|which| signed_in(stage.broker(), &format!("s{which}"), &[super::stage::STUDENTS])).collect();
    let old: Vec<_> = people.iter().map(|person| stage.issue(person).unwrap()).collect();
    let bystander = stage.issue(&stage.joining.student).unwrap();
    let filler = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:*",
        "Resource": format!("arn:aws:iam::*:role/{}", "x".repeat(9_600))}]});
    stage
        .joining
        .small
        .change_role(&stage.joining.session_role(), |role| {
            role.inline_policies.insert("the-labs-own".to_owned(), filler.to_string());
        })
        .unwrap();
    let begun: Vec<_> = people.iter().map(|it| stage.cut_off(Whose::Person(it.person.clone()), false)).collect();
    for one in &begun {
        mended(&stage, one);
    }

    assert!(old.iter().all(|one| stage.is_denied(one)) && stage.is_denied(&bystander));
    let inline: usize = stage.inline().values().map(|it| it.chars().filter(|c| !c.is_whitespace()).count()).sum();
    assert!(inline <= 10_240, "{inline}");
    let overflow =
        stage.entries().into_iter().any(|it| matches!(it.event, Event::DenyApplied { overflow: Some(_), .. }));
    assert!(overflow);
}

#[test]
fn where_no_role_can_be_tried_it_is_said_that_nobody_can_tell() {
    let stage = Stage::new();
    // The account takes people's sessions, and none of the broker's own.
    stage.joining.change_trust(|statements| {
        for statement in statements {
            if let Some(subjects) = statement.pointer_mut("/Condition/StringLike/sts:SourceIdentity") {
                *subjects = json!(["p-*"]);
            }
        }
    });
    let done = stage.done(&stage.cut_off(Whose::Everyone, false));

    assert_eq!(done.row.steps.denial, DenialSeen::CannotTell);
}

#[test]
fn a_denial_that_is_not_seen_within_ten_minutes_is_not_waited_for_any_longer() {
    let stage = Stage::new();
    stage.joining.small.set_requester(ACCOUNT, Requester::Unreachable);
    let begun = stage.cut_off(Whose::Everyone, false);
    eventually("a deny that was read back", || stage.look(&begun).row.steps.is_at_aws().then_some(()));
    assert_eq!(stage.look(&begun).row.steps.denial, DenialSeen::NotYet);

    // A call takes up to five seconds of ours, and its signature is good for five minutes of theirs.
    for _ in 0..11 {
        stage.advance(60);
        std::thread::sleep(std::time::Duration::from_millis(1_500));
    }
    assert_eq!(stage.done(&begun).row.steps.denial, DenialSeen::NotSeen);
}

#[test]
fn a_check_of_the_account_finds_a_deny_that_nobody_wants_and_has_it_removed() {
    let stage = Stage::new();
    stage
        .joining
        .small
        .change_role(&stage.joining.session_role(), |role| {
            let left =
                json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
            role.inline_policies.insert(CUT_OFF_POLICY.to_owned(), left.to_string());
        })
        .unwrap();

    stage.joining.check();

    eventually("a deny that is gone", || stage.policy().is_none().then_some(()));
    assert!(stage.works(&stage.issue(&stage.joining.student).unwrap()));
}

/// The broker's own sessions would be denied with everybody's, and the account is well all the same.
#[test]
fn a_check_of_the_account_is_not_misled_by_a_cut_off() {
    let stage = Stage::new();
    stage.done(&stage.cut_off(Whose::Everyone, false));

    let check = stage.joining.check();

    assert_eq!(check.ended.unwrap().1, lodge::domain::account::Verdict::Proven, "{:?}", check.report);
    assert_eq!(stage.joining.account().state, lodge::domain::account::AccountState::Joined);
}

#[test]
fn what_a_broker_that_is_gone_has_left_another_one_takes_on_once_its_lease_is_over() {
    let stage = Stage::new();
    let old = stage.issue(&stage.joining.student).unwrap();
    stage.done(&stage.cut_off(Whose::Role("pay".parse().unwrap()), false));
    stage.settle();
    // Somebody else is at it, for as long as a lease lasts, and never says anything again.
    stage.keep_brokers_away_for(30);
    let begun = stage.cut_off(Whose::Person(stage.joining.student.person.clone()), false);

    stage.advance(29);
    assert_eq!((stage.enforce(), stage.look(&begun).row.steps.written_at), (0, None));
    assert_eq!(super::stage::refusal(stage.issue(&stage.joining.student)).0, lodge::domain::access::Refusal::CutOff);
    stage.advance(1);
    stage.enforce_at_once();

    stage.done(&begun);
    assert!(stage.is_denied(&old));
}

/// Who waits for AWS to go by one deny writes the next at once.
#[test]
fn somebody_who_is_cut_off_while_another_deny_is_waited_for_does_not_wait() {
    let stage = Stage::with_pauses_of(std::time::Duration::from_hours(1));
    stage.joining.small.apply_changes_after(chrono::TimeDelta::seconds(60));
    let first = stage.cut_off(Whose::Role("pay".parse().unwrap()), false);
    eventually("a first deny", || stage.look(&first).row.steps.written_at);

    let second = stage.cut_off(Whose::Everyone, false);

    eventually("a second deny", || stage.look(&second).row.steps.written_at);
}
