//! Whether a role lets in whoever does not send the lab's external id.

use lodge::aws::{Hint, Unproved};
use lodge::domain::ledger::Failure;
use lodge::domain::role_session::ExternalId;
use serde_json::{Value, json};

use super::Stage;
use crate::support::serving::wait;

fn proofs(other: &ExternalId) -> [Unproved<'_>; 2] {
    [Unproved::Other(other), Unproved::None]
}

impl Stage {
    fn change_trust(&self, role: &str, change: impl Fn(&mut Value)) {
        self.small
            .change_role(role, |role| {
                let mut trust = serde_json::from_str(&role.trust).unwrap();
                change(&mut trust);
                role.trust = trust.to_string();
            })
            .unwrap();
    }

    /// Whether the two roles let in who sends this.
    fn lets_in(&self, proof: Unproved<'_>) -> [Result<bool, lodge::aws::Error>; 2] {
        [
            self.as_person("read-results", |ask| wait(self.aws.assume_unproved(ask, proof))),
            self.as_steward(|ask| wait(self.aws.assume_steward_unproved(ask, proof))),
        ]
    }
}

#[test]
fn without_the_labs_external_id_both_roles_refuse() {
    let stage = Stage::new();
    let other = ExternalId::from_entropy([9; 16]);
    stage.session("read-results");
    stage.steward();

    for proof in proofs(&other) {
        assert_eq!(stage.lets_in(proof), [Ok(false), Ok(false)], "{proof:?}");
    }
    let sent: Vec<_> =
        stage.small.calls().into_iter().filter_map(|call| call.assume_role).map(|it| it.external_id).collect();
    let (own, steward) = (&stage.lab.external_id, stage.lab.external_id.of_steward());
    let expected = [Some(own), Some(&steward), Some(&other), Some(&other), None, None];
    assert_eq!(sent, expected.map(|it| it.map(|it| it.as_str().to_owned())));
}

#[test]
fn a_role_that_asks_for_no_external_id_is_found_out() {
    let stage = Stage::new();
    for role in [stage.names().session_role().as_str().to_owned(), stage.names().steward_role()] {
        stage.change_trust(&role, |trust| {
            let condition = trust["Statement"][0]["Condition"].as_object_mut().unwrap();
            condition.get_mut("StringEquals").unwrap().as_object_mut().unwrap().remove("sts:ExternalId");
            condition.retain(|_, keys| keys != &json!({}));
        });
    }
    let other = ExternalId::from_entropy([9; 16]);

    for proof in proofs(&other) {
        assert_eq!(stage.lets_in(proof), [Ok(true), Ok(true)], "{proof:?}");
    }
}

/// Each of the two roles has an external id of its own.
#[test]
fn the_external_id_of_one_role_opens_not_the_other() {
    let stage = Stage::new();
    let (session, steward) = (stage.lab.external_id.clone(), stage.lab.external_id.of_steward());

    let lets_in = stage.as_person("pay", |ask| wait(stage.aws.assume_unproved(ask, Unproved::Other(&steward))));
    assert_eq!(lets_in, Ok(false));
    let lets_in = stage.as_steward(|ask| wait(stage.aws.assume_steward_unproved(ask, Unproved::Other(&session))));
    assert_eq!(lets_in, Ok(false));
}

#[test]
fn a_refusal_for_another_reason_proves_nothing() {
    let stage = Stage::new();
    let role = stage.names().session_role().as_str().to_owned();
    let ask = || stage.as_person("pay", |ask| wait(stage.aws.assume_unproved(ask, Unproved::None))).unwrap_err();

    // Who may assume without an external id and may not tag would get in without tags.
    stage.change_trust(&role, |trust| {
        trust["Statement"][0]["Condition"]["StringEquals"].as_object_mut().unwrap().remove("sts:ExternalId");
        trust["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
        trust["Statement"].as_array_mut().unwrap().retain(|statement| statement["Sid"] != "Tags");
    });
    assert_eq!(ask().hint, Some(Hint::TagSession));

    stage.small.disable_region(super::ACCOUNT, "us-east-1");
    let error = ask();
    assert_eq!((error.failure, error.code.as_deref()), (Failure::Denied, Some("RegionDisabledException")));
    stage.small.enable_region(super::ACCOUNT, "us-east-1");

    // The SDK dates its second try by what AWS's answer says of the time.
    stage.small.skew_clock(chrono::TimeDelta::hours(1));
    assert_eq!(ask().hint, Some(Hint::TagSession));
    stage.small.skew_clock(chrono::TimeDelta::zero());

    stage.small.throttle(lodge::demo::aws::Service::Sts, 1_000);
    assert_eq!(ask().failure, Failure::Throttled);
}

#[test]
fn aws_says_which_of_the_three_it_denied_and_which_length_it_does_not_take() {
    let stage = Stage::new();
    let role = stage.names().session_role().as_str().to_owned();
    let trust = stage.small.role(&role).unwrap().trust;
    let ask = || stage.as_person("pay", |ask| wait(stage.aws.assume_role(ask, Stage::now())));
    for (without, hint) in
        [("Assume", Hint::AssumeRole), ("Source", Hint::SetSourceIdentity), ("Tags", Hint::TagSession)]
    {
        stage.small.change_role(&role, |role| role.trust.clone_from(&trust)).unwrap();
        stage.change_trust(&role, |trust| {
            trust["Statement"].as_array_mut().unwrap().retain(|statement| statement["Sid"] != without);
        });

        let error = ask().unwrap_err();

        assert_eq!((error.failure, error.hint), (Failure::Denied, Some(hint)), "{without}");
    }
    stage.small.change_role(&role, |role| role.trust.clone_from(&trust)).unwrap();
    ask().unwrap();
    stage.small.change_role(&role, |role| role.max_session_seconds = 1_800).unwrap();
    let error = ask().unwrap_err();
    assert_eq!((error.failure, error.hint), (Failure::Rejected, Some(Hint::MaxSessionDuration)));
}
