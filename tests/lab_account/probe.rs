//! What comes of a probe with a real session of the lab's.

use axum::http::StatusCode;
use lodge::demo::aws::{Closing, Requester, Service};
use lodge::domain::account::{ProbeAnswer, ProbeOutcome};
use lodge::domain::policy::Probe;
use serde_json::json;

use super::{ACCOUNT, Stage, one_statement};
use crate::support::serving::wait;

const SESSION: &str = "arn:aws:iam::111122223333:role/lodge/lodge-session";

impl Stage {
    /// What AWS answers to an action, tried with a session of this role.
    fn probe(&self, role: &str, action: &str) -> ProbeAnswer {
        let session = self.session(role);
        wait(self.aws.probe(&session, &Probe::of(action), Self::now()))
    }

    fn probes_sent(&self) -> usize {
        self.small.calls().iter().filter(|call| call.service == Service::MTurk).count()
    }
}

#[test]
fn every_role_of_the_pack_works_in_an_account_that_the_stack_made() {
    let stage = Stage::new();
    for role in ["read-results", "publish", "pay"] {
        let template = stage.policies.get(&format!("mturk/{role}").parse().unwrap()).unwrap();

        let answer = stage.probe(role, &template.probe().action);

        assert_eq!((answer.outcome, answer.status), (ProbeOutcome::Works, Some(200)), "{role}: {answer:?}");
        assert!(answer.message.is_none() && answer.code.is_none() && answer.request_id.is_some(), "{answer:?}");
    }
    assert_eq!(stage.probes_sent(), 3);
    assert!(stage.small.calls().iter().all(lodge::demo::aws::Call::succeeded));
}

#[test]
fn an_action_that_nobody_knows_how_to_try_is_not_tried() {
    let stage = Stage::new();
    for action in ["s3:ListBucket", "mechanicalturk:SendBonus", "mechanicalturk", ""] {
        assert_eq!(stage.probe("pay", action), ProbeAnswer::unsupported(), "{action}");
    }
    assert_eq!(stage.probes_sent(), 0);
}

#[test]
fn a_service_that_is_not_linked_or_closed_or_away_is_told_apart() {
    let closing = |status: u16, code: &str, message: &str| {
        Requester::Closed(Closing {
            status: StatusCode::from_u16(status).unwrap(),
            code: code.to_owned(),
            message: message.to_owned(),
        })
    };
    let linked = "must be linked to your Amazon Mechanical Turk Account";
    for (requester, outcome, words, calls) in [
        (Requester::NotLinked, ProbeOutcome::NotLinked, Some(linked), 1),
        (closing(410, "Gone", "Gone"), ProbeOutcome::Closed, Some("Gone"), 1),
        (closing(400, "RequestError", "Mechanical Turk is closed."), ProbeOutcome::Closed, Some("closed"), 1),
        (closing(403, "ServiceDiscontinuedException", "Sorry"), ProbeOutcome::Closed, Some("Sorry"), 1),
        (closing(400, "RequestError", "Sorry"), ProbeOutcome::Other, Some("Sorry"), 1),
        (Requester::Unreachable, ProbeOutcome::Unreachable, None, 2),
    ] {
        let stage = Stage::new();
        stage.small.set_requester(ACCOUNT, requester.clone());

        let answer = stage.probe("pay", "mechanicalturk:GetAccountBalance");

        assert_eq!((answer.outcome, stage.probes_sent()), (outcome, calls), "{requester:?}: {answer:?}");
        let message = answer.message.as_deref();
        assert_eq!(message.is_some(), words.is_some(), "{answer:?}");
        assert!(words.is_none_or(|words| message.unwrap().contains(words)), "{answer:?}");
    }
}

#[test]
fn a_denial_names_the_policy_that_denied() {
    let probe = "mechanicalturk:GetAccountBalance";
    let other = one_statement(&json!({"Effect": "Allow", "Action": "mechanicalturk:ListHITs", "Resource": "*"}));
    let denies = one_statement(&json!({"Effect": "Deny", "Action": "mechanicalturk:*", "Resource": "*"}));

    let stage = Stage::new();
    assert_eq!(stage.probe("read-results", probe).outcome, ProbeOutcome::DeniedBySessionPolicy);

    let stage = Stage::new();
    stage.small.change_role(SESSION, |role| role.boundary.as_mut().unwrap().document.clone_from(&other)).unwrap();
    let answer = stage.probe("pay", probe);
    assert_eq!(answer.outcome, ProbeOutcome::DeniedByBoundary, "{answer:?}");
    assert!(answer.message.unwrap().contains("no permissions boundary allows the mechanicalturk:GetAccountBalance"));
    assert_eq!(answer.code.as_deref(), Some("AccessDeniedException"));

    let stage = Stage::new();
    stage.small.change_role(SESSION, |role| role.attached_policies[0].document.clone_from(&other)).unwrap();
    assert_eq!(stage.probe("pay", probe).outcome, ProbeOutcome::DeniedByIdentityPolicy);

    let stage = Stage::new();
    let cut_off = ("lodge-cut-off".to_owned(), denies);
    stage.small.change_role(SESSION, |role| role.inline_policies.extend([cut_off.clone()])).unwrap();
    let answer = stage.probe("pay", probe);
    assert_eq!(answer.outcome, ProbeOutcome::DeniedByIdentityPolicy, "{answer:?}");
    assert!(answer.message.unwrap().contains("with an explicit deny in an identity-based policy"));
}

#[test]
fn a_session_whose_role_is_gone_is_nobody() {
    let stage = Stage::new();
    let session = stage.session("pay");
    stage.small.recreate_role(SESSION).unwrap();
    let probe = Probe::of("mechanicalturk:GetAccountBalance");

    let answer = wait(stage.aws.probe(&session, &probe, Stage::now()));

    assert_eq!(answer.outcome, ProbeOutcome::Identity, "{answer:?}");
    let late = wait(stage.aws.probe(&stage.session("pay"), &probe, Stage::now() + chrono::TimeDelta::hours(1)));
    assert_eq!((late.outcome, late.code.as_deref()), (ProbeOutcome::Identity, Some("InvalidSignatureException")));
}

#[test]
fn one_call_too_many_is_tried_once_more() {
    let stage = Stage::new();

    stage.small.throttle(Service::MTurk, 1);
    assert_eq!(stage.probe("pay", "mechanicalturk:GetAccountBalance").outcome, ProbeOutcome::Works);
    assert_eq!(stage.probes_sent(), 2);

    stage.small.throttle(Service::MTurk, 1_000);
    let answer = stage.probe("pay", "mechanicalturk:GetAccountBalance");
    assert_eq!((answer.outcome, answer.code.as_deref()), (ProbeOutcome::Throttled, Some("ThrottlingException")));
    assert_eq!(stage.probes_sent(), 4);
}
