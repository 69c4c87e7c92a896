//! What a lab's account should have.

use serde_json::{Value, json};

use super::names::AccountNames;
use super::permissions::Permissions;
use super::trust;
use crate::domain::lab::Lab;
use crate::domain::role_session::RoleArn;

/// How long a session of either role may be, at most. Source: IAM User Guide, role chaining: an hour is all that a broker
/// which runs under a role can ask for.
pub(super) const MAX_SESSION_SECONDS: u32 = 3_600;

/// What the broker itself may do with the inline policies of the session role.
pub(super) const CUT_OFF: [&str; 2] = ["iam:DeleteRolePolicy", "iam:PutRolePolicy"];
/// What it may read of the two roles.
pub(super) const LOOK_AT_ROLES: [&str; 4] =
    ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"];
/// What it may read of the two policies.
pub(super) const LOOK_AT_POLICIES: [&str; 2] = ["iam:GetPolicy", "iam:GetPolicyVersion"];
/// What it may read of users, to find long-term keys.
const LIST_USERS: [&str; 1] = ["iam:ListUsers"];
/// And of their keys.
const COUNT_KEYS: [&str; 2] = ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"];

/// A lab's account as it should be.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) names: AccountNames,
    pub(super) lab: String,
    pub(super) broker: RoleArn,
    pub(super) trust: Value,
    pub(super) permissions: Permissions,
    pub(super) steward_trust: Value,
    pub(super) steward_permissions: Value,
}

impl Plan {
    /// For a lab with these permissions, in an account that trusts the broker's own role.
    #[must_use]
    pub fn of(lab: &Lab, names: AccountNames, permissions: Permissions, broker: &RoleArn) -> Self {
        let steward = lab.external_id.of_steward();
        Self {
            lab: lab.id.to_string(),
            broker: broker.clone(),
            trust: trust::session_trust(lab, Some(broker)),
            steward_trust: trust::steward_trust(broker, &steward),
            steward_permissions: steward_permissions(&names),
            permissions,
            names,
        }
    }

    /// What everything is called.
    #[must_use]
    pub const fn names(&self) -> &AccountNames {
        &self.names
    }

    /// The trust policy of the session role.
    #[must_use]
    pub const fn trust(&self) -> &Value {
        &self.trust
    }

    /// What the session role may do, and, being its boundary as well, the most that it ever may.
    #[must_use]
    pub const fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// The trust policy of the steward role.
    #[must_use]
    pub const fn steward_trust(&self) -> &Value {
        &self.steward_trust
    }

    /// What the steward role may do.
    #[must_use]
    pub const fn steward_permissions(&self) -> &Value {
        &self.steward_permissions
    }
}

/// What the broker itself may do in a lab's account: look, and cut off.
///
/// IAM cannot limit what a policy says that `PutRolePolicy` writes. So it may be written to the session role only, and only
/// as long as that role has its boundary: whatever is written, the role can do no more than the boundary. Neither the
/// boundary nor trust can be changed with this.
fn steward_permissions(names: &AccountNames) -> Value {
    let (session, steward) = (names.session_role().as_str(), names.steward_role());
    let all: Vec<&str> = CUT_OFF
        .iter()
        .chain(&LOOK_AT_ROLES)
        .chain(&LOOK_AT_POLICIES)
        .chain(&LIST_USERS)
        .chain(&COUNT_KEYS)
        .copied()
        .collect();
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "CutOff", "Effect": "Allow", "Action": CUT_OFF, "Resource": session,
         "Condition": {"ArnEquals": {"iam:PermissionsBoundary": names.boundary()}}},
        {"Sid": "LookAtRoles", "Effect": "Allow", "Action": LOOK_AT_ROLES, "Resource": [session, steward]},
        {"Sid": "LookAtPolicies", "Effect": "Allow", "Action": LOOK_AT_POLICIES,
         "Resource": [names.boundary(), names.permissions()]},
        {"Sid": "ListUsers", "Effect": "Allow", "Action": LIST_USERS, "Resource": "*"},
        {"Sid": "CountKeys", "Effect": "Allow", "Action": COUNT_KEYS, "Resource": names.users()},
        {"Sid": "NoOtherRole", "Effect": "Deny", "Action": CUT_OFF, "NotResource": session},
        {"Sid": "NothingElse", "Effect": "Deny", "NotAction": all, "Resource": "*"},
    ]})
}
