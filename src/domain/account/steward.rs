//! What the broker's own session in a lab's account is allowed, each time less than its role is.

use serde_json::json;

use super::plan::{CUT_OFF, LOOK_AT_POLICIES, LOOK_AT_ROLES};
use crate::domain::policy::SessionPolicy;
use crate::domain::role_session::RoleArn;

/// To look at these roles and policies, and nothing else; none when it is longer than STS takes.
///
/// The steward role can also cut sessions off and list users. A session that only looks could do neither if its
/// credentials were stolen.
pub(super) fn look_policy(roles: [&RoleArn; 2], policies: &[String; 2]) -> Option<SessionPolicy> {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": LOOK_AT_ROLES, "Resource": roles.map(RoleArn::as_str)},
        {"Effect": "Allow", "Action": LOOK_AT_POLICIES, "Resource": policies},
    ]});
    SessionPolicy::of(policy.to_string()).ok()
}

/// To write, read and remove inline policies of this role, and nothing else; none when it is longer than STS takes.
pub(super) fn cut_off_policy(session: &RoleArn) -> Option<SessionPolicy> {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": CUT_OFF, "Resource": session.as_str()},
        {"Effect": "Allow", "Action": LOOK_AT_INLINE, "Resource": session.as_str()},
    ]});
    SessionPolicy::of(policy.to_string()).ok()
}

/// What it takes to read inline policies.
const LOOK_AT_INLINE: [&str; 2] = ["iam:GetRolePolicy", "iam:ListRolePolicies"];

#[cfg(test)]
mod tests {
    use super::SessionPolicy;
    use crate::domain::account::AccountNames;
    use crate::domain::policy::{Access, Context, Document, Layers, Request, SESSION_POLICY_MAX_CHARS, decide_access};

    const ACCOUNT: &str = "arn:aws:iam::111122223333:";

    fn names(path: &str) -> AccountNames {
        AccountNames::of(&format!("{ACCOUNT}role/{path}lodge-session").parse().unwrap()).unwrap()
    }

    /// What a role that may do everything still may in a session with this policy.
    fn allowing(policy: &SessionPolicy) -> impl Fn(&str, &str) -> bool {
        let policy = Document::parse(policy.as_str()).unwrap();
        let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let identity = [Document::parse(everything).unwrap()];
        move |action, resource| {
            let layers = Layers { identity: &identity, boundary: None, session: Some(&policy), trust: None };
            let context = Context::new();
            decide_access(&layers, &Request { action, resource, context: &context }) == Access::Allowed
        }
    }

    /// Held against the roles and policies that a steward could mean.
    #[test]
    fn a_session_that_looks_reads_the_parts_of_this_lab_and_changes_nothing() {
        let names = names("lodge/");
        let allows = allowing(names.look_policy());
        let roles = [names.session_role().as_str().to_owned(), names.steward_role()];
        let policies = [names.permissions(), names.boundary()];
        for role in &roles {
            for action in ["GetRole", "GetRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies"] {
                assert!(allows(&format!("iam:{action}"), role), "{action} {role}");
            }
            for action in
                ["PutRolePolicy", "DeleteRolePolicy", "UpdateAssumeRolePolicy", "AttachRolePolicy", "PassRole"]
            {
                assert!(!allows(&format!("iam:{action}"), role), "{action} {role}");
            }
            assert!(!allows("sts:AssumeRole", role));
        }
        for policy in &policies {
            assert!(allows("iam:GetPolicy", policy) && allows("iam:GetPolicyVersion", policy), "{policy}");
            assert!(!allows("iam:CreatePolicyVersion", policy) && !allows("iam:DeletePolicy", policy), "{policy}");
        }
        for other in ["role/lodge/lodge-session-vision", "role/lodge-session", "role/Admin"] {
            assert!(!allows("iam:GetRole", &format!("{ACCOUNT}{other}")), "{other}");
        }
        assert!(!allows("iam:GetPolicy", &format!("{ACCOUNT}policy/lodge/other")));
        assert!(!allows("iam:ListUsers", &format!("{ACCOUNT}user/*")));
    }

    #[test]
    fn a_session_that_cuts_off_reaches_the_inline_policies_of_the_session_role_alone() {
        let names = names("lodge/");
        let allows = allowing(names.cut_off_policy());
        let session = names.session_role().as_str();
        for action in ["PutRolePolicy", "DeleteRolePolicy", "GetRolePolicy", "ListRolePolicies"] {
            assert!(allows(&format!("iam:{action}"), session), "{action}");
            assert!(!allows(&format!("iam:{action}"), &names.steward_role()), "{action}");
        }
        for action in [
            "UpdateAssumeRolePolicy",
            "DeleteRolePermissionsBoundary",
            "PutRolePermissionsBoundary",
            "AttachRolePolicy",
            "DetachRolePolicy",
            "GetRole",
            "PassRole",
        ] {
            assert!(!allows(&format!("iam:{action}"), session), "{action}");
        }
        assert!(!allows("iam:ListUsers", "*") && !allows("sts:AssumeRole", session));
    }

    #[test]
    fn the_longest_one_is_no_longer_than_sts_takes() {
        let longest = (0..400).rev().map(|length| format!("{}/", "p".repeat(length)));
        let session = |path: &String| format!("{ACCOUNT}role/{path}lodge-session").parse().unwrap();

        let names = longest.map(|path| AccountNames::of(&session(&path))).find_map(|names| names).unwrap();

        let chars = names.look_policy().as_str().chars().count();
        assert!((SESSION_POLICY_MAX_CHARS - 4..=SESSION_POLICY_MAX_CHARS).contains(&chars), "{chars}");
    }
}
