//! What a lab's AWS account must trust: the trust policy of its session role.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::lab::Lab;
use crate::domain::role_session::RoleArn;

/// A trust policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrustPolicy {
    version: &'static str,
    statement: [Statement; 3],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    principal: Value,
    action: &'static str,
    condition: Value,
}

impl TrustPolicy {
    /// What stands in it for a role that nobody named.
    pub const NOBODY: &str = "<broker role ARN>";

    /// The policy that lets this role in, and only for this lab. In three statements: each of the three actions knows
    /// condition keys of its own, so one statement for all would never match (IAM User Guide, "Passing session tags in AWS
    /// STS" and "Monitor and control actions taken with assumed roles").
    #[must_use]
    pub fn of(lab: &Lab, broker_role: Option<&RoleArn>) -> Self {
        let trusted = broker_role.map_or(Self::NOBODY, RoleArn::as_str);
        let allow = |sid, action, condition| Statement {
            sid,
            effect: "Allow",
            principal: json!({"AWS": trusted}),
            action,
            condition,
        };
        let assume = json!({
            "StringEquals": {"sts:ExternalId": lab.external_id.as_str()},
            "StringLike": {"sts:SourceIdentity": "p-*", "sts:RoleSessionName": "rs-*"},
        });
        let source = json!({"StringLike": {"sts:SourceIdentity": "p-*"}});
        let tags = json!({
            "StringEquals": {"aws:RequestTag/lodge-lab": lab.id.as_str()},
            "StringLike": {"aws:RequestTag/lodge-role": "*"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["lodge-role", "lodge-lab"]},
        });
        Self {
            version: "2012-10-17",
            statement: [
                allow("Assume", "sts:AssumeRole", assume),
                allow("Source", "sts:SetSourceIdentity", source),
                allow("Tags", "sts:TagSession", tags),
            ],
        }
    }
}
