//! The account as a CloudFormation stack, for whoever owns it.

use serde_json::{Value, json};

use super::plan::{MAX_SESSION_SECONDS, Plan};

/// The inline policy of the steward role.
pub(super) const STEWARD_POLICY: &str = "lodge-steward";

// What the owner of the account reads in IAM of each part.
const PERMISSIONS: &str = "What members of the lab can be given.";
const BOUNDARY: &str = "The most that members of the lab can ever be given.";
const SESSION_ROLE: &str =
    "Assumed by Lodge for a member of the lab, each time with the policy of one of the lab's roles.";
const STEWARD_ROLE: &str = "Assumed by Lodge itself, to look whether this stack is as it was, and to cut sessions off.";

impl Plan {
    /// The template of the stack, as JSON.
    #[must_use]
    pub fn stack_template(&self) -> Value {
        let names = &self.names;
        let policy = |name: &str, description: &str, roles: Value| {
            json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": {
                "ManagedPolicyName": name,
                "Path": names.path(),
                "Description": description,
                "PolicyDocument": self.permissions.document(),
                "Roles": roles,
            }})
        };
        let role = |name: &str, description: &str, trust: &Value| {
            json!({"Type": "AWS::IAM::Role", "Properties": {
                "RoleName": name,
                "Path": names.path(),
                "Description": description,
                "AssumeRolePolicyDocument": trust,
                "MaxSessionDuration": MAX_SESSION_SECONDS,
                "Tags": [{"Key": "lodge-lab", "Value": self.lab}],
            }})
        };
        let mut session_role = role(names.session_role().name(), SESSION_ROLE, &self.trust);
        session_role["Properties"]["PermissionsBoundary"] = json!({"Ref": "Boundary"});
        let account = names.account().as_str();
        json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": format!("Lets Lodge give members of a lab short-lived credentials for the account {account}."),
            "Resources": {
                "Permissions": policy(&names.permissions_name(), PERMISSIONS, json!([{"Ref": "SessionRole"}])),
                "Boundary": policy(&names.boundary_name(), BOUNDARY, json!([])),
                "SessionRole": session_role,
                "StewardRole": role(&names.steward_role_name(), STEWARD_ROLE, &self.steward_trust),
                "StewardPolicy": {"Type": "AWS::IAM::Policy", "Properties": {
                    "PolicyName": STEWARD_POLICY,
                    "PolicyDocument": self.steward_permissions,
                    "Roles": [{"Ref": "StewardRole"}],
                }},
            },
            "Outputs": {
                "SessionRole": {"Value": {"Fn::GetAtt": ["SessionRole", "Arn"]}},
                "StewardRole": {"Value": {"Fn::GetAtt": ["StewardRole", "Arn"]}},
            },
        })
    }
}
