//! What the policy for the broker's own role (`deploy/broker-policy.json`) lets it do: asked of our evaluator, and of one
//! that is not ours.

use std::collections::BTreeSet;

use lodge::domain::account::AccountNames;
use lodge::domain::policy::{Access, Context, Document, Layers, Request, decide_access};
use serde_json::{Value, json};

use crate::support::peers::{self, Peer};
use crate::support::process::Process;
use crate::support::root;

/// The account that stands in the file in place of the operator's own.
const OWN_ACCOUNT: &str = "999988887777";

const LAB: &str = "111122223333";

const WHOLE: [&str; 3] = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];

/// A request, and whether it is to be allowed.
type Asked = (&'static str, String, bool);

fn policy() -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join("deploy/broker-policy.json")).unwrap()).unwrap()
}

fn role(account: &str, path: &str) -> String {
    format!("arn:aws:iam::{account}:role/{path}")
}

fn requests() -> Vec<Asked> {
    let mut asked = Vec::new();
    for action in WHOLE {
        for name in ["lodge/lodge-session", "lodge/lodge-session-vision", "lodge/lodge-steward"] {
            for account in [LAB, "444455556666"] {
                asked.push((action, role(account, name), true));
            }
            // Whoever runs the broker has nothing that goes through it.
            asked.push((action, role(OWN_ACCOUNT, name), false));
        }
        for other in [
            "lodge-session",
            "lodge/other",
            "lodge/Lodge-Session",
            "lodge/x/lodge-session",
            "other/lodge/lodge-session",
            "other/lodge-session",
            "Admin",
            "OrganizationAccountAccessRole",
        ] {
            asked.push((action, role(LAB, other), false));
        }
        asked.push((action, role(OWN_ACCOUNT, "lodge-broker"), false));
    }
    let session = role(LAB, "lodge/lodge-session");
    for action in ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"] {
        asked.push((action, session.clone(), false));
    }
    for action in ["sts:GetSessionToken", "sts:DecodeAuthorizationMessage"] {
        asked.push((action, "*".to_owned(), false));
    }
    asked.push(("sts:GetFederationToken", format!("arn:aws:sts::{OWN_ACCOUNT}:federated-user/anybody"), false));
    for action in
        ["iam:PassRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy", "iam:GetRole"]
    {
        asked.push((action, session.clone(), false));
        asked.push((action, role(OWN_ACCOUNT, "lodge-broker"), false));
    }
    for action in ["iam:CreateUser", "iam:CreateAccessKey"] {
        asked.push((action, format!("arn:aws:iam::{OWN_ACCOUNT}:user/anybody"), false));
    }
    asked.push(("s3:GetObject", "arn:aws:s3:::bucket/key".to_owned(), false));
    asked.push(("s3:ListAllMyBuckets", "*".to_owned(), false));
    asked.push(("ec2:RunInstances", format!("arn:aws:ec2:us-east-1:{OWN_ACCOUNT}:instance/*"), false));
    asked.push(("kms:Decrypt", format!("arn:aws:kms:us-east-1:{OWN_ACCOUNT}:key/0"), false));
    asked
}

/// What is wrong with what a policy lets its holder do, as our own evaluator sees it.
fn wrong_by_ours(policy: &Value) -> Vec<String> {
    let identity = [Document::parse(&policy.to_string()).unwrap()];
    let layers = Layers { identity: &identity, boundary: None, session: None, trust: None };
    let context = Context::new();
    let decides = |action, resource: &str| {
        decide_access(&layers, &Request { action, resource, context: &context }) == Access::Allowed
    };
    wrong(|asked| asked.iter().map(|(action, resource, _)| decides(action, resource)).collect())
}

/// The same, as the independent one sees it.
fn wrong_by_theirs(policy: &Value) -> Vec<String> {
    let broker = role(OWN_ACCOUNT, "lodge-broker");
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": broker}, "Action": "sts:*"});
    // A lab, or the operator, that would let the broker do anything: its own policy alone is to be what holds it.
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
    wrong(|asked| {
        let account_of = |resource: &str| {
            if resource.contains(OWN_ACCOUNT) || resource == "*" || resource.contains(":s3:") {
                OWN_ACCOUNT.to_owned()
            } else {
                resource.split(':').nth(4).unwrap().to_owned()
            }
        };
        let requests: Vec<_> = asked
            .iter()
            .map(|(action, resource, _)| json!({"action": action, "resource": resource, "account": account_of(resource)}))
            .collect();
        let principal = format!("arn:aws:sts::{OWN_ACCOUNT}:assumed-role/lodge-broker/i-0123456789abcdef0");
        let question = json!({"principal": principal, "policy": policy, "trust": trust, "requests": requests});
        let ended = Process::run("iam-requests", &mut peers::node("iam-requests.mjs"), &question.to_string());
        assert!(ended.status.success(), "{}", ended.stderr);
        let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
        answer["verdicts"].as_array().unwrap().iter().map(|verdict| verdict == "allow").collect()
    })
}

fn wrong(decide: impl Fn(&[Asked]) -> Vec<bool>) -> Vec<String> {
    let asked = requests();
    let decided = decide(&asked);
    assert_eq!(decided.len(), asked.len());
    let each = asked.into_iter().zip(decided).filter(|((.., expected), allowed)| expected != allowed);
    each.map(|((action, resource, _), allowed)| format!("{action} on {resource}: allowed is {allowed}")).collect()
}

/// The policy with one statement changed.
fn with(index: usize, key: &str, value: Value) -> Value {
    let mut changed = policy();
    changed["Statement"][index][key] = value;
    changed
}

/// Policies that allow too much, or too little.
fn planted() -> Vec<(&'static str, Value)> {
    let mut without_deny = policy();
    without_deny["Statement"].as_array_mut().unwrap().pop();
    vec![
        ("no deny", without_deny),
        ("any role", with(0, "Resource", json!("arn:aws:iam::*:role/*"))),
        ("any path", with(0, "Resource", json!("arn:aws:iam::*:role/*lodge-session*"))),
        ("all of STS", with(0, "Action", json!("sts:*"))),
        ("everything", with(0, "Action", json!("*"))),
        ("no tags", with(0, "Action", json!(["sts:AssumeRole", "sts:SetSourceIdentity"]))),
        ("no steward", with(0, "Resource", json!("arn:aws:iam::*:role/lodge/lodge-session*"))),
    ]
}

#[test]
fn the_brokers_policy_allows_what_labs_made_for_it_and_nothing_else() {
    assert_eq!(wrong_by_ours(&policy()), [""; 0]);
    for (what, policy) in planted() {
        assert_ne!(wrong_by_ours(&policy), [""; 0], "{what}");
    }
}

#[test]
fn an_independent_evaluator_says_the_same_of_the_brokers_policy() {
    let test = "an_independent_evaluator_says_the_same_of_the_brokers_policy";
    if !peers::require(test, &[Peer::Node]) {
        return;
    }
    assert_eq!(wrong_by_theirs(&policy()), [""; 0]);
    for (what, policy) in planted() {
        assert_ne!(wrong_by_theirs(&policy), [""; 0], "{what}");
    }
}

/// The roles of an account are called as the stack calls them that a lab gets.
#[test]
fn the_brokers_policy_knows_the_roles_that_a_labs_stack_makes() {
    let identity = [Document::parse(&policy().to_string()).unwrap()];
    let layers = Layers { identity: &identity, boundary: None, session: None, trust: None };
    let context = Context::new();

    for name in ["lodge-session", "lodge-session-vision"] {
        let names = AccountNames::of(&role(LAB, &format!("lodge/{name}")).parse().unwrap()).unwrap();
        for resource in [names.session_role().as_str(), &names.steward_role()] {
            for action in WHOLE {
                let asked = Request { action, resource, context: &context };
                assert_eq!(decide_access(&layers, &asked), Access::Allowed, "{action} on {resource}");
            }
        }
    }
}

#[test]
fn the_placeholder_stands_once_and_is_explained() {
    let text = std::fs::read_to_string(root().join("deploy/broker-policy.json")).unwrap();
    let accounts: BTreeSet<_> = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 12).collect();

    assert_eq!((text.matches(OWN_ACCOUNT).count(), accounts.len()), (1, 1), "{accounts:?}");
    let identity = std::fs::read_to_string(root().join("deploy/identity.md")).unwrap();
    assert!(identity.contains(&format!("s/{OWN_ACCOUNT}/")), "deploy/identity.md says how to put one's own there");
}
