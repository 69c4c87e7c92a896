//! Accounts that are broken, one way each: what a check says of them, and what somebody is told who gets no credentials.
//!
//! Where AWS lets one know, the cause is named; where it has one answer for several, all of them are. The small AWS answers
//! what AWS answers, and no more.

use chrono::TimeDelta;
use lodge::demo::aws::{Closing, Requester, Service};
use lodge::demo::seed;
use lodge::domain::account::{
    AccountCheck, AccountState, Cause, ChainLink, Mender, Part, ProbeOutcome, Severity, Trouble, Verdict,
};
use lodge::domain::ledger::Failure;
use serde_json::{Value, json};

use crate::support::joining::{ACCOUNT, Joining, causes};

/// The first trouble of a check, which is what is to be mended first.
fn first(check: &AccountCheck) -> &Trouble {
    check.report.troubles.first().unwrap_or_else(|| panic!("nothing was found: {check:?}"))
}

/// That an account which was joined, and is then broken so, is found to be broken by this one cause; and that a student
/// who is diagnosed is told so.
fn named(joining: &Joining, link: ChainLink, cause: &Cause) {
    let check = joining.check();
    assert_eq!(first(&check).causes, std::slice::from_ref(cause).to_vec(), "{:?}", check.report.troubles);
    assert_eq!(first(&check).link, link);
    let diagnosis = joining.diagnosis();
    let broken = diagnosis.first_broken().unwrap_or_else(|| panic!("all is well? {diagnosis:?}"));
    assert_eq!(broken.link, link, "{diagnosis:?}");
    assert!(broken.causes.contains(&cause.to_string()), "{broken:?}");
    assert!(broken.menders.contains(&cause.mender()) && broken.next.contains(&cause.next().to_owned()));
}

/// That it is found to be one of several, this among them, and the broker says that AWS does not tell.
fn one_of(joining: &Joining, expected: &[Cause]) -> AccountCheck {
    let check = joining.check();
    let trouble = first(&check);
    assert!(!trouble.is_known(), "{trouble:?}");
    for cause in expected {
        assert!(trouble.causes.contains(cause), "{cause:?} is not in {:?}", trouble.causes);
    }
    let diagnosis = joining.diagnosis();
    let broken = diagnosis.first_broken().unwrap();
    assert_eq!(broken.link, ChainLink::Sts);
    assert_eq!(broken.causes.len(), trouble.causes.len());
    assert!(broken.says.contains("does not say why"), "{}", broken.says);
    check
}

fn failure(joining: &Joining) -> Failure {
    match joining.issue().unwrap_err() {
        lodge::app::Error::Aws(error) => error.failure,
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_session_role_that_is_missing_is_one_of_two_things() {
    let joining = Joining::joined();
    joining.small.remove_role(&joining.session_role()).unwrap();

    // IAM says of a role that is not there that it may not be read.
    let check = one_of(&joining, &[Cause::SessionRoleMissing, Cause::StewardCannotRead { part: Part::SessionRole }]);

    assert_eq!(check.verdict(), Some(Verdict::Broken));
    assert_eq!(first(&check).causes.len(), 2);
    assert_eq!(failure(&joining), Failure::Denied);
}

#[test]
fn another_external_id_is_named() {
    let joining = Joining::joined();
    joining.change_trust(|statements| {
        statements[0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("lodge-of-somebody-else");
    });

    named(&joining, ChainLink::Sts, &Cause::OtherExternalId);
    assert_eq!(joining.account().state, AccountState::Broken);
}

#[test]
fn a_trust_policy_without_session_tags_is_named() {
    let joining = Joining::joined();
    joining.change_trust(|statements| statements.retain(|statement| statement["Sid"] != "Tags"));

    named(&joining, ChainLink::Sts, &Cause::NoTagSession);
}

#[test]
fn a_trust_policy_without_source_identity_is_named() {
    let joining = Joining::joined();
    joining.change_trust(|statements| statements.retain(|statement| statement["Sid"] != "Source"));

    named(&joining, ChainLink::Sts, &Cause::NoSetSourceIdentity);
}

#[test]
fn without_a_steward_the_action_that_aws_names_is_all_there_is_to_go_by() {
    let joining = Joining::joined();
    joining.change_trust(|statements| statements.retain(|statement| statement["Sid"] != "Source"));
    joining.small.remove_role(&joining.plan().names().steward_role()).unwrap();

    let check = one_of(&joining, &[Cause::NoSetSourceIdentity, Cause::CombinedTrust, Cause::BrokerPolicy]);

    assert_eq!(first(&check).causes.len(), 3);
}

#[test]
fn a_maximum_session_that_is_too_short_is_named() {
    let joining = Joining::joined();
    joining.small.change_role(&joining.session_role(), |role| role.max_session_seconds = 1_800).unwrap();

    named(&joining, ChainLink::Sts, &Cause::SessionTooShort);
    assert_eq!(failure(&joining), Failure::Rejected);
}

#[test]
fn a_role_without_its_boundary_is_an_alarm() {
    let joining = Joining::joined();
    joining.small.change_role(&joining.session_role(), |role| role.boundary = None).unwrap();

    let check = joining.check();

    assert_eq!(check.verdict(), Some(Verdict::Open));
    assert!(matches!(&first(&check).causes[..], [Cause::NoBoundary { .. }]), "{check:?}");
    assert_eq!((first(&check).link, first(&check).severity), (ChainLink::RolePolicy, Severity::Opens));
    assert_eq!(joining.account().state, AccountState::Open);
    // Whoever uses the lab can do nothing about it, and gets credentials.
    assert!(joining.diagnosis().first_broken().is_none(), "{:?}", joining.diagnosis());
}

#[test]
fn a_trust_policy_that_is_open_to_everyone_is_an_alarm() {
    let joining = Joining::joined();
    joining.change_trust(|statements| {
        for statement in statements {
            statement["Principal"] = json!({"AWS": "*"});
            statement.as_object_mut().unwrap().remove("Condition");
        }
    });

    let check = joining.check();

    assert_eq!(check.verdict(), Some(Verdict::Open));
    assert_eq!(first(&check).causes, [Cause::OpenToAnyone { part: Part::SessionRole }]);
    let widened = |trouble: &Trouble| matches!(&trouble.causes[..], [Cause::Widened { .. }]);
    assert!(check.report.troubles.iter().any(widened), "what the policy says is told, too: {check:?}");
}

#[test]
fn a_trust_policy_in_one_statement_is_named() {
    let joining = Joining::joined();
    joining.change_trust(|statements| {
        let mut one = statements[0].clone();
        one["Action"] = json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
        *statements = vec![one];
    });

    named(&joining, ChainLink::Sts, &Cause::CombinedTrust);
}

#[test]
fn a_session_role_that_was_made_anew_is_recognised() {
    let joining = Joining::joined();
    joining.small.recreate_role(&joining.session_role()).unwrap();

    let check = joining.check();

    let recreated = Cause::RoleRecreated { part: Part::SessionRole };
    assert_eq!(causes(&check.report.troubles), [&[recreated][..]]);
    assert_eq!(joining.account().state, AccountState::Joined, "it works");
    // Only a PI who joins it again says that the lab meant it.
    assert_eq!(joining.check().report.troubles.len(), 1);
    assert_eq!(joining.join().verdict(), Some(Verdict::Proven));
    assert!(joining.check().report.troubles.is_empty());
}

#[test]
fn a_broker_role_that_was_made_anew_is_one_of_several_things_and_named_where_the_steward_still_comes_in() {
    let joining = Joining::joined();
    joining.small.recreate_role(seed::BROKER_ROLE).unwrap();
    let check = one_of(
        &joining,
        &[Cause::BrokerRoleRecreated, Cause::StackMissing, Cause::OtherExternalId, Cause::OrganizationPolicy],
    );
    assert_eq!(check.verdict(), Some(Verdict::Broken));

    // The steward's trust was mended by hand, the session role's was not.
    let steward = joining.plan().names().steward_role();
    joining.change_trust_of(&steward, |statements| {
        for statement in statements {
            statement["Principal"] = json!({"AWS": seed::BROKER_ROLE});
        }
    });
    named(&joining, ChainLink::Sts, &Cause::BrokerRoleRecreated);
}

#[test]
fn a_region_that_is_switched_off_is_named() {
    let joining = Joining::joined();
    joining.small.disable_region(ACCOUNT, "us-east-1");

    named(&joining, ChainLink::Sts, &Cause::RegionDisabled);
}

#[test]
fn an_aws_that_asks_to_slow_down_is_named_and_nothing_is_concluded() {
    let joining = Joining::joined();
    joining.small.throttle(Service::Sts, 10_000);

    named(&joining, ChainLink::Sts, &Cause::Throttled);
    assert_eq!(joining.account().state, AccountState::Joined);
    assert_eq!(joining.diagnosis().first_broken().unwrap().menders, [Mender::Time]);
}

#[test]
fn a_clock_that_is_off_is_named_with_how_far() {
    let joining = Joining::joined();
    joining.small.skew_clock(TimeDelta::minutes(20));

    let check = joining.check();

    assert!(
        matches!(&first(&check).causes[..], [Cause::ClockOff { seconds: 1_190..=1_210 }]),
        "{:?}",
        check.report.troubles
    );
    assert_eq!(check.verdict(), Some(Verdict::Unclear));
    assert_eq!(first(&check).causes[0].mender(), Mender::Operator);
}

fn probe_outcome(joining: &Joining) -> ProbeOutcome {
    let check = joining.check();
    let probe = check.report.probes.iter().find(|probe| probe.role.as_str() == "read-results").unwrap();
    let of_probe = |trouble: &&Trouble| trouble.link == ChainLink::Probe;
    let trouble = check.report.troubles.iter().find(of_probe).unwrap_or_else(|| panic!("{check:?}"));
    assert!(trouble.role.is_some() && trouble.is_known());
    let diagnosis = joining.diagnosis();
    assert!(diagnosis.first_broken().is_some(), "{diagnosis:?}");
    probe.answer.outcome
}

#[test]
fn a_probe_that_the_session_policy_denies_is_named() {
    // Its own document allows the call to sessions without a source identity, which no session of ours is.
    let template = include_str!("../policies/mturk/read-results.json");
    let condition = "\"Resource\": \"*\", \"Condition\": {\"Null\": {\"aws:SourceIdentity\": \"true\"}}";
    let narrow = template.replace("\"Resource\": \"*\"", condition);
    assert_ne!(template, narrow);
    let joining = Joining::with_read_results(&narrow);
    joining.make_stack();
    joining.join();

    assert_eq!(probe_outcome(&joining), ProbeOutcome::DeniedBySessionPolicy);
}

#[test]
fn a_probe_that_the_account_denies_is_named() {
    let deny = |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let explicit = json!({"Effect": "Deny", "Action": "mechanicalturk:List*", "Resource": "*"});
    let joining = Joining::joined();
    joining
        .small
        .change_role(&joining.session_role(), |role| {
            role.inline_policies.insert("ours".to_owned(), deny(&explicit));
        })
        .unwrap();
    assert_eq!(probe_outcome(&joining), ProbeOutcome::DeniedByIdentityPolicy);
    let diagnosis = joining.diagnosis();
    let broken = diagnosis.first_broken().unwrap();
    assert_eq!((broken.link, &broken.menders[..]), (ChainLink::Probe, &[Mender::AccountOwner][..]));

    let joining = Joining::joined();
    joining
        .small
        .change_role(&joining.session_role(), |role| {
            role.boundary.as_mut().unwrap().document = deny(&explicit);
        })
        .unwrap();
    assert_eq!(probe_outcome(&joining), ProbeOutcome::DeniedByBoundary);
}

#[test]
fn a_service_that_is_closed_not_linked_or_silent_is_told_as_aws_says_it() {
    let closing = |status: u16, code: &str, message: &str| {
        Requester::Closed(Closing {
            status: status.try_into().unwrap(),
            code: code.to_owned(),
            message: message.to_owned(),
        })
    };
    for (requester, outcome) in [
        (closing(410, "ServiceFault", "Amazon Mechanical Turk is closed."), ProbeOutcome::Closed),
        (closing(400, "RequestError", "This service has been discontinued."), ProbeOutcome::Closed),
        (closing(400, "SomethingElse", "No."), ProbeOutcome::Other),
        (Requester::NotLinked, ProbeOutcome::NotLinked),
        (Requester::Unreachable, ProbeOutcome::Unreachable),
    ] {
        let joining = Joining::start();
        joining.make_stack();
        joining.small.set_requester(ACCOUNT, requester.clone());

        let check = joining.join();

        assert_eq!(check.verdict(), Some(Verdict::Proven), "the account is well, whatever the service does");
        assert_eq!(joining.account().state, AccountState::Joined);
        assert_eq!(probe_outcome(&joining), outcome, "{requester:?}");
        if let Requester::Closed(closing) = requester {
            let answer = &check.report.probes[0].answer;
            assert_eq!(answer.status, Some(closing.status.as_u16()));
            assert_eq!(answer.message.as_deref(), Some(closing.message.as_str()), "in AWS's own words");
        }
    }
}

#[test]
fn an_account_that_is_well_has_nothing_to_be_told_of() {
    let joining = Joining::joined();

    for _ in 0..20 {
        assert_eq!(joining.check().report.troubles, []);
    }
    let diagnosis = joining.diagnosis();
    assert!(diagnosis.first_broken().is_none(), "{diagnosis:?}");
    assert_eq!(diagnosis.links.iter().map(|report| report.link).collect::<Vec<_>>(), ChainLink::ALL);
}
