//! What a lab's AWS account must trust: the trust policy of its session role.

use clap::Args;
use lodge::domain::lab::Lab;
use lodge::domain::role_session::RoleArn;
use serde::Serialize;
use serde_json::{Value, json};

/// What stands in the policy for a role that nobody named.
pub(super) const NOBODY: &str = "<broker role ARN>";

/// Whom the account is to trust.
#[derive(Debug, Args)]
pub(super) struct TrustArguments {
    /// The IAM role that the broker itself runs under, for the trust policy
    #[arg(long, value_name = "ARN")]
    broker_role: Option<RoleArn>,
}

/// A trust policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TrustPolicy {
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

impl TrustArguments {
    pub(super) const fn is_complete(&self) -> bool {
        self.broker_role.is_some()
    }

    /// The trust policy, in three statements: each of the three actions knows condition keys of its own, so one
    /// statement for all would never match (IAM User Guide, "Passing session tags in AWS STS" and "Monitor and control
    /// actions taken with assumed roles").
    pub(super) fn policy(&self, lab: &Lab) -> TrustPolicy {
        let trusted = self.broker_role.as_ref().map_or(NOBODY, RoleArn::as_str);
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
        TrustPolicy {
            version: "2012-10-17",
            statement: [
                allow("Assume", "sts:AssumeRole", assume),
                allow("Source", "sts:SetSourceIdentity", source),
                allow("Tags", "sts:TagSession", tags),
            ],
        }
    }
}
