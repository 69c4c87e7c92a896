//! What the steward reads of an account is what is there, all of it.

use std::time::Duration;

use lodge::aws::Hint;
use lodge::demo::aws::{Call, IamRole, ManagedPolicy, Service};
use lodge::domain::account::{Drift, Part};
use lodge::domain::ledger::Failure;
use serde_json::json;

use super::{Stage, one_statement};
use crate::support::serving::wait;

const SESSION: &str = "arn:aws:iam::111122223333:role/lodge/lodge-session";

fn policy(name: &str) -> ManagedPolicy {
    let statement = json!({"Effect": "Allow", "Action": "mechanicalturk:*", "Resource": "*"});
    ManagedPolicy {
        arn: format!("arn:aws:iam::111122223333:policy/other/{name}"),
        version_id: "v3".to_owned(),
        document: one_statement(&statement),
    }
}

#[test]
fn an_account_that_the_stack_made_is_read_whole_and_has_no_drift() {
    let stage = Stage::new();

    let found = wait(stage.steward().look(stage.names())).unwrap();

    assert_eq!(stage.drift(), []);
    let session = found.session_role.unwrap();
    assert_eq!((session.id, session.max_session_seconds), (stage.small.role(SESSION).unwrap().role_id, 3_600));
    assert_eq!(session.boundary, Some(stage.names().boundary()));
    assert_eq!(session.attached, [stage.names().permissions()]);
    assert_eq!(found.boundary.unwrap().document, stage.plan.permissions().document().to_string());
    // Nothing was asked for beyond looking, and nobody else looked.
    let calls: Vec<_> = stage.small.calls().into_iter().filter(|call| call.service == Service::Iam).collect();
    assert!(calls.iter().all(Call::succeeded), "{calls:#?}");
    let steward = "arn:aws:sts::111122223333:assumed-role/lodge-steward/st-";
    assert!(calls.iter().all(|call| call.caller.as_ref().unwrap().starts_with(steward)), "{calls:#?}");
    let assumed = stage.small.calls().into_iter().find_map(|call| call.assume_role).unwrap();
    assert_eq!(assumed.source_identity.as_deref(), Some("lodge-steward"));
    assert_eq!((assumed.duration_seconds.as_deref(), assumed.tags.len()), (Some("900"), 0));
    assert_eq!(assumed.policy.as_deref(), Some(stage.names().look_policy().as_str()));
}

#[test]
fn short_pages_are_read_to_the_end() {
    let stage = Stage::new();
    let cut_off = one_statement(&json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
    let others = ["a", "b", "c", "d"];
    stage
        .small
        .change_role(SESSION, |role| {
            role.attached_policies.extend(others.map(policy));
            role.inline_policies
                .extend(others.map(|name| (format!("in line+{name}").replace(' ', "_"), cut_off.clone())));
        })
        .unwrap();

    stage.small.shorten_pages(Some(1));
    let short = wait(stage.steward().look(stage.names())).unwrap();
    stage.small.shorten_pages(None);
    let long = wait(stage.steward().look(stage.names())).unwrap();

    assert_eq!(short, long);
    let session = short.session_role.unwrap();
    assert_eq!((session.attached.len(), session.inline.len()), (5, 4));
    assert_eq!(session.inline["in_line+d"], cut_off);
}

/// IAM knows no path of a role that is not there, so permission for an ARN with a path is none for it.
#[test]
fn a_session_role_that_is_not_there_cannot_be_read_by_a_steward_who_may_read_no_other() {
    let stage = Stage::new();
    stage.small.remove_role(SESSION).unwrap();

    let error = wait(stage.steward().look(stage.names())).unwrap_err();

    assert_eq!((error.part, error.error.failure), (Part::SessionRole, Failure::Denied));
    assert_eq!(error.error.hint, Some(Hint::Iam("iam:GetRole")));
    assert_eq!(error.to_string(), "the session role could not be read");
}

#[test]
fn a_policy_that_is_not_there_is_missing() {
    let (whole, stage) = (Stage::new(), Stage::empty());
    let role = |arn: &str| whole.small.role(arn).unwrap();
    let without = IamRole { attached_policies: Vec::new(), boundary: None, ..role(SESSION) };
    stage.small.put_roles(&[without, role(&stage.names().steward_role())]).unwrap();

    let drift = stage.drift();

    for expected in
        [Drift::Missing(Part::Permissions), Drift::Missing(Part::Boundary), Drift::NoBoundary, Drift::Detached]
    {
        assert!(drift.contains(&expected), "{drift:?}");
    }
    assert_eq!(drift.len(), 4, "{drift:?}");
}

#[test]
fn a_role_of_the_same_name_with_another_path_is_another_role() {
    let stage = Stage::new();
    let session = stage.small.role(SESSION).unwrap();
    stage.small.remove_role(SESSION).unwrap();
    let elsewhere = SESSION.replace("/lodge/", "/lodge/x/");
    stage.small.put_roles(&[IamRole { arn: elsewhere, ..session }]).unwrap();

    let error = wait(stage.steward().look(stage.names())).unwrap_err();

    assert_eq!((error.part, error.error.failure), (Part::SessionRole, Failure::Denied));
}

#[test]
fn a_steward_that_may_not_read_a_part_says_which_part_and_what_it_may_not() {
    for (action, part) in [
        ("iam:ListRolePolicies", Part::SessionRole),
        ("iam:ListAttachedRolePolicies", Part::SessionRole),
        ("iam:GetPolicyVersion", Part::Permissions),
        ("iam:GetRolePolicy", Part::StewardRole),
    ] {
        let stage = Stage::new();
        let steward = stage.names().steward_role();
        let forget = |text: &String| text.replace(&format!("\"{action}\""), "\"iam:GetUser\"");
        let change = |role: &mut IamRole| {
            role.inline_policies.values_mut().for_each(|text| *text = forget(text));
        };
        stage.small.change_role(&steward, change).unwrap();

        let error = wait(stage.steward().look(stage.names())).unwrap_err();

        assert_eq!((error.part, error.error.failure), (part, Failure::Denied), "{action}");
        let Some(Hint::Iam(named)) = error.error.hint else { panic!("{action}: {error:?}") };
        assert_eq!(named, action);
    }
}

#[test]
fn throttling_that_passes_is_waited_for_and_throttling_that_stays_is_said() {
    let stage = Stage::new();
    let steward = stage.steward();

    stage.small.throttle(Service::Iam, 1);
    assert!(wait(steward.look(stage.names())).is_ok());

    stage.small.throttle(Service::Iam, 1_000);
    let error = wait(async {
        tokio::time::timeout(Duration::from_mins(1), steward.look(stage.names())).await.unwrap().unwrap_err()
    });
    assert_eq!((error.part, error.error.failure), (Part::SessionRole, Failure::Throttled));
}
