//! Joining a lab's account, and what is issued from it before and after.

use chrono::TimeDelta;
use lodge::app::{AccountSettings, Error};
use lodge::demo::aws::Service;
use lodge::domain::access::{Denied, Refusal};
use lodge::domain::account::{
    AccountState, Cause, ChainLink, CheckReason, CheckStep, Mender, Part, ProbeOutcome, Readiness, Severity, StepState,
    Verdict,
};
use lodge::domain::actor::Actor;
use lodge::domain::lab::Office;
use lodge::domain::ledger::{Book, Event, Failure, Thread};

use crate::support::databases::{Kind, look};
use crate::support::joining::{Joining, causes};
use crate::support::serving::wait;
use crate::support::signed_in::{key, signed_in};

fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Refusal {
    match outcome.unwrap_err() {
        Error::Refused { refusal, .. } => refusal,
        error => panic!("{error:?}"),
    }
}

#[test]
fn from_an_account_that_has_not_proved_itself_nothing_is_issued() {
    let joining = Joining::start();

    assert_eq!(refusal(joining.issue()), Refusal::AccountNotJoined);
    assert!(joining.small.calls().is_empty(), "STS was asked");
    joining.make_stack();
    assert_eq!(refusal(joining.issue()), Refusal::AccountNotJoined, "a stack alone joins nothing");
    joining.check();
    assert_eq!(refusal(joining.issue()), Refusal::AccountNotJoined, "nor does a look at it");
    assert_eq!(joining.account().state, AccountState::Declared);
}

#[test]
fn who_is_given_no_role_learns_nothing_of_the_account() {
    let joining = Joining::start();
    let stranger = signed_in(joining.broker(), "stranger", &["somewhere-else"]);
    let address = "vision/read-results".parse().unwrap();

    let outcome = wait(joining.broker().issue(&joining.caller(&stranger), &address, None));

    assert_eq!(refusal(outcome), Refusal::NoMapping);
}

#[test]
fn an_account_that_proves_itself_is_joined_and_credentials_from_it_work() {
    for kind in Kind::all("an_account_that_proves_itself_is_joined_and_credentials_from_it_work") {
        let joining = Joining::on(kind);
        joining.make_stack();

        let check = joining.join();

        assert_eq!(check.verdict(), Some(Verdict::Proven), "{check:?}");
        assert_eq!(check.report.troubles, []);
        let steps: Vec<_> = check.report.steps.iter().map(|report| report.step).collect();
        assert_eq!(steps[..7], CheckStep::FIXED);
        assert_eq!(steps[7..], [CheckStep::Probe; 3], "one for each role");
        assert!(check.report.steps.iter().all(|report| report.state == StepState::Passed), "{check:?}");
        assert!(check.report.probes.iter().all(|probe| probe.answer.outcome == ProbeOutcome::Works));
        let account = joining.account();
        assert_eq!((account.state, account.joined_at), (AccountState::Joined, Some(joining.now())));
        assert_eq!(account.session_role_id, joining.small.role(&joining.session_role()).map(|role| role.role_id));

        let issued = joining.issue().unwrap();
        let probe = joining.broker().policies.get(&"mturk/read-results".parse().unwrap()).unwrap().probe().clone();
        let answer = wait(joining.broker().aws.probe(&issued.credentials, &probe, joining.now()));
        assert_eq!(answer.outcome, ProbeOutcome::Works);
    }
}

#[test]
fn a_check_stands_in_the_ledger_before_sts_is_asked_and_after() {
    let joining = Joining::start();
    joining.make_stack();
    let check = joining.join();

    let rows = wait(async { joining.broker().store.read().await.unwrap().all_books(1_000).await.unwrap() });
    let book = Book::Lab(joining.lab.id.clone());
    let entries: Vec<_> = rows.into_iter().map(|row| row.entry).filter(|entry| entry.book == book).collect();
    let begun = Event::AccountCheckBegun { check: check.id.clone(), reason: CheckReason::Join };
    let checked = Event::AccountChecked { check: check.id.clone(), verdict: Verdict::Proven, troubles: 0 };
    let joined = Event::AccountJoined { account: "111122223333".to_owned(), check: check.id.clone() };
    let last: Vec<_> = entries[entries.len() - 3..].iter().map(|entry| entry.event.clone()).collect();
    assert_eq!(last, [begun, checked, joined]);
    let by_the_pi = |thread: &Thread| matches!(thread, Thread::Act(Actor::Person(by), _) if *by == joining.pi.person);
    assert!(entries[entries.len() - 3..].iter().all(|entry| by_the_pi(&entry.thread)), "{entries:?}");
}

#[test]
fn without_a_ledger_no_call_is_made() {
    let joining = Joining::start();
    joining.make_stack();
    let pi = joining.caller(&joining.pi);
    joining.execute("alter table ledger_entry rename to hidden");

    assert!(wait(joining.broker().join_account(&pi, &joining.lab.name)).is_err());
    assert!(joining.small.calls().is_empty());
}

#[test]
fn what_is_new_takes_iam_a_while_and_joining_waits_for_it() {
    let joining = Joining::start();
    joining.small.delay_changes(6);
    joining.make_stack();

    let check = joining.join();

    assert_eq!(check.verdict(), Some(Verdict::Proven), "{check:?}");
    assert!(check.report.tries > 1, "{}", check.report.tries);
}

#[test]
fn joining_ends_though_the_stack_never_comes() {
    let joining = Joining::start();

    let check = joining.join();

    assert_eq!((check.verdict(), check.report.tries), (Some(Verdict::Broken), 5), "four waits");
    assert_eq!(joining.account().state, AccountState::Declared);
    assert!(!causes(&check.report.troubles)[0].is_empty());
    assert!(check.report.troubles[0].causes.contains(&Cause::StackMissing));
    let of_roles: Vec<_> = joining.small.calls().into_iter().filter(|call| call.service == Service::MTurk).collect();
    assert!(of_roles.is_empty(), "a role that lets nobody in is not probed");
}

#[test]
fn a_role_that_is_open_to_anyone_is_not_joined_and_alarmed_about_later() {
    let open = |joining: &Joining| {
        joining.change_trust(|statements| {
            let condition = &mut statements[0]["Condition"];
            condition.as_object_mut().unwrap().remove("StringEquals");
        });
    };
    let joining = Joining::start();
    joining.make_stack();
    open(&joining);
    let check = joining.join();
    assert_eq!((check.verdict(), joining.account().state), (Some(Verdict::Open), AccountState::Declared));
    assert_eq!(refusal(joining.issue()), Refusal::AccountNotJoined);

    let joining = Joining::joined();
    open(&joining);
    let check = joining.check();
    assert_eq!((check.verdict(), joining.account().state), (Some(Verdict::Open), AccountState::Open));
    assert_eq!(check.report.troubles[0].severity, Severity::Opens);
    assert!(joining.issue().is_ok(), "who belongs to the lab is not punished for it");
}

#[test]
fn a_steward_role_that_is_open_to_anyone_is_not_joined() {
    let joining = Joining::start();
    joining.make_stack();
    let steward = joining.plan().names().steward_role();
    joining.change_trust_of(&steward, |statements| {
        let condition = statements[0]["Condition"]["StringEquals"].as_object_mut().unwrap();
        condition.remove("sts:ExternalId").unwrap();
    });

    let check = joining.join();

    assert_eq!((check.verdict(), joining.account().state), (Some(Verdict::Open), AccountState::Declared));
    let open = Cause::OpenToAnyone { part: Part::StewardRole };
    assert!(causes(&check.report.troubles).contains(&&[open][..]), "{check:?}");
}

#[test]
fn only_a_pi_joins_and_only_by_a_fresh_sign_in() {
    let joining = Joining::start();
    joining.make_stack();
    let manager = signed_in(joining.broker(), "manager", &[]);
    wait(joining.seeding().add_office_holder(&joining.lab, &key("campus", "manager"), Office::Manager)).unwrap();
    let join = |who| wait(joining.broker().join_account(&joining.caller(who), &joining.lab.name));
    let check = |who| wait(joining.broker().check_account(&joining.caller(who), &joining.lab.name));

    assert!(matches!(join(&manager), Err(Error::Denied(Denied::StandingNeeded(_)))));
    assert!(matches!(join(&joining.student), Err(Error::Denied(Denied::StandingNeeded(_)))));
    assert!(matches!(check(&joining.student), Err(Error::Denied(Denied::StandingNeeded(_)))));
    let stranger = signed_in(joining.broker(), "stranger", &[]);
    assert!(matches!(join(&stranger), Err(Error::Denied(Denied::NoSuchLab))));
    joining.advance(TimeDelta::hours(2));
    assert!(matches!(join(&joining.pi), Err(Error::Denied(Denied::FreshSignInNeeded(_)))));
    assert!(check(&manager).is_ok(), "to look takes no fresh one");
}

#[test]
fn a_member_who_asks_why_has_a_joined_account_looked_at_once_a_minute_and_no_other() {
    let joining = Joining::start();
    joining.make_stack();
    let diagnosis = joining.diagnosis();
    let broken = diagnosis.first_broken().unwrap();
    assert_eq!((broken.link, broken.menders.first()), (ChainLink::Role, Some(&Mender::Pi)));
    assert!(joining.small.calls().is_empty(), "who may not join the account does not try it either");

    joining.join();
    let calls = || joining.small.calls().len();
    let before = calls();
    assert!(joining.diagnosis().first_broken().is_none());
    assert_eq!(calls(), before, "it was looked at just now");
    joining.advance(TimeDelta::minutes(2));
    joining.diagnosis();
    let after = calls();
    assert!(after > before);
    joining.diagnosis();
    assert_eq!(calls(), after);
}

#[test]
fn two_who_check_at_once_get_one_check() {
    let joining = Joining::with(Kind::Sqlite, |accounts| {
        accounts.waits = vec![std::time::Duration::from_millis(200); 2];
    });
    let pi = joining.caller(&joining.pi);

    let first = wait(joining.broker().join_account(&pi, &joining.lab.name)).unwrap();
    let second = wait(joining.broker().check_account(&pi, &joining.lab.name)).unwrap();

    assert_eq!(first.id, second.id);
    let third = {
        joining.ended(&first);
        wait(joining.broker().check_account(&pi, &joining.lab.name)).unwrap()
    };
    assert_ne!(first.id, third.id);
    joining.ended(&third);
}

#[test]
fn a_role_that_the_stack_does_not_cover_awaits_an_update_and_is_not_issued() {
    let joining = Joining::start();
    joining.make_stack();
    // An older stack, from before `pay` was a role of the lab.
    let older = |joining: &Joining| {
        let change = |policy: &mut lodge::demo::aws::ManagedPolicy| {
            let mut document: serde_json::Value = serde_json::from_str(&policy.document).unwrap();
            let actions = document["Statement"][0]["Action"].as_array_mut().unwrap();
            actions.retain(|action| action != "mechanicalturk:GetHIT");
            policy.document = document.to_string();
        };
        let role = joining.session_role();
        joining.small.change_role(&role, |role| role.attached_policies.iter_mut().for_each(change)).unwrap();
    };
    older(&joining);

    let check = joining.join();

    assert_eq!(check.verdict(), Some(Verdict::Proven), "{:?}", check.report.troubles);
    assert_eq!(refusal(joining.issue()), Refusal::AwaitingAccountUpdate);
    let view = joining.view(&joining.pi);
    let role = view.roles.iter().find(|role| role.name.as_str() == "read-results").unwrap();
    assert_eq!(
        (role.readiness, &role.uncovered[..]),
        (Readiness::AwaitingUpdate, &["mechanicalturk:GetHIT".to_owned()][..])
    );
    let stack = view.keeper.unwrap().stack.unwrap();
    assert!(stack.text.contains("mechanicalturk:GetHIT"), "the new template is there");

    joining.make_stack();
    joining.check();
    assert!(joining.issue().is_ok());
}

#[test]
fn a_role_that_changes_awaits_an_update_from_that_moment() {
    let joining = Joining::joined();
    assert!(joining.issue().is_ok());

    // As if its template had been another one when the account was looked at.
    joining.execute("update lab_account_role set policy_sha256 = 'of another policy'");

    assert_eq!(refusal(joining.issue()), Refusal::AwaitingAccountUpdate);
    joining.check();
    assert!(joining.issue().is_ok());
}

#[test]
fn a_lab_from_before_accounts_were_proved_goes_on_and_is_held_to_what_the_first_look_finds() {
    let joining = Joining::start();
    wait(joining.seeding().take_as_joined(&joining.lab, Some(joining.now()))).unwrap();
    joining.make_stack();
    joining.small.remove_role(&joining.plan().names().steward_role()).unwrap();

    assert!(joining.issue().is_ok(), "it was in use");
    let check = joining.check();
    assert_eq!(check.verdict(), Some(Verdict::Unread), "its stack is from before there was a steward role");
    assert!(joining.issue().is_ok());
    assert_eq!(joining.account().state, AccountState::Joined);

    joining.make_stack();
    assert_eq!(joining.check().verdict(), Some(Verdict::Proven));
    assert!(joining.account().read_at.is_some() && joining.account().session_role_id.is_some());
    assert!(joining.issue().is_ok());
}

#[test]
fn a_refusal_by_aws_has_the_account_looked_at_at_once() {
    let joining = Joining::joined();
    let usual = joining.account().check_due_at.unwrap();
    assert!(usual > joining.now() + TimeDelta::hours(4));
    joining.advance(TimeDelta::minutes(10));
    joining.small.remove_role(&joining.session_role()).unwrap();

    match joining.issue().unwrap_err() {
        Error::Aws(error) => assert_eq!(error.failure, Failure::Denied),
        error => panic!("{error:?}"),
    }

    assert_eq!(joining.account().check_due_at, Some(joining.now()));
    assert_eq!(joining.watch(), 1);
    assert_eq!(joining.account().state, AccountState::Broken, "{:?}", joining.view(&joining.pi).keeper);
    assert_eq!(joining.watch(), 0, "not again at once");
}

#[test]
fn an_account_is_looked_after_when_its_time_has_come_and_by_one_broker() {
    let joining = Joining::joined();
    assert_eq!(joining.watch(), 0);
    joining.advance(TimeDelta::hours(8));

    let (one, other) = wait(async {
        let again = joining.broker().clone();
        tokio::join!(joining.broker().watch_accounts(), async move { again.watch_accounts().await })
    });

    assert_eq!(one.unwrap() + other.unwrap(), 1);
    let history = {
        let pi = signed_in(joining.broker(), "pi", &[]);
        wait(joining.broker().account_checks(&joining.caller(&pi), &joining.lab.name, None, 10)).unwrap().checks
    };
    assert_eq!((history.len(), history[0].reason, history[0].by.as_ref()), (2, CheckReason::Watch, None));
    assert_eq!(history[0].verdict(), Some(Verdict::Proven));
}

#[test]
fn what_nobody_could_find_out_changes_nothing_and_is_tried_again_soon() {
    let joining = Joining::joined();
    joining.advance(TimeDelta::hours(8));
    joining.small.throttle(Service::Sts, 1_000);

    joining.watch();

    let account = joining.account();
    assert_eq!(account.state, AccountState::Joined);
    assert!(account.check_due_at.unwrap() < joining.now() + TimeDelta::minutes(15));
    assert!(account.checked_at.unwrap() < joining.now(), "it was not looked at");
}

#[test]
fn an_account_that_is_mended_is_well_again() {
    let joining = Joining::joined();
    joining.advance(TimeDelta::hours(8));
    joining.small.remove_role(&joining.session_role()).unwrap();
    joining.watch();
    assert_eq!(joining.account().state, AccountState::Broken);

    joining.make_stack();
    joining.advance(TimeDelta::minutes(45));
    assert_eq!(joining.watch(), 1, "sooner than one that is well");

    assert_eq!(joining.account().state, AccountState::Joined, "{:?}", joining.view(&joining.pi).keeper);
}

#[test]
fn a_check_that_a_stop_left_open_is_ended() {
    let joining = Joining::joined();
    joining.execute("update account_check set ended_at = null, verdict = null");
    joining.advance(TimeDelta::minutes(16));

    wait(joining.broker().sweep()).unwrap();

    let pi = joining.caller(&joining.pi);
    let checks = wait(joining.broker().account_checks(&pi, &joining.lab.name, None, 10)).unwrap().checks;
    assert_eq!(checks[0].verdict(), Some(Verdict::Interrupted));
    assert_eq!(joining.account().state, AccountState::Joined, "nothing was learnt");
}

#[test]
fn without_its_own_role_the_broker_joins_nothing_and_says_what_to_set() {
    let joining = Joining::with(Kind::Sqlite, |accounts: &mut AccountSettings| accounts.broker_role = None);

    let check = joining.join();

    assert_eq!(causes(&check.report.troubles), [&[Cause::BrokerRoleUnset][..]]);
    assert!(joining.small.calls().is_empty());
    assert_eq!(joining.account().state, AccountState::Declared);
}

#[test]
fn the_broker_tries_an_account_under_a_name_of_its_own_and_hands_nothing_out() {
    let joining = Joining::joined();

    let calls = joining.small.calls();
    let assumed: Vec<_> = calls.iter().filter_map(|call| call.assume_role.as_ref()).collect();
    assert!(assumed.len() >= 9, "{}", assumed.len());
    for call in assumed {
        let source = call.source_identity.as_deref().unwrap();
        assert!(matches!(source, "m-lodge-probe" | "lodge-steward"), "{source}");
        assert!(call.policy.is_some(), "never without a session policy");
        let is_steward = call.role_arn.as_deref() != Some(joining.session_role().as_str());
        assert_eq!(is_steward, call.role_session_name.as_deref().unwrap().starts_with("st-"));
    }
    let sessions: Vec<(i64,)> = wait(look(&joining.running.database.owner, "select count(*) from role_session"));
    assert_eq!(sessions, [(0,)], "none of them is anybody's");
}
