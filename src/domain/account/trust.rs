//! Who may assume the roles of a lab's account, and on what conditions.

use serde_json::{Value, json};

use crate::domain::lab::Lab;
use crate::domain::role_session::{ExternalId, RoleArn};

/// The source identity of the broker's own sessions in a lab's account.
pub const STEWARD_SOURCE_IDENTITY: &str = "lodge-steward";

/// What the source identity of a session begins with: a person's id, or a machine client's.
const SUBJECTS: [&str; 2] = ["p-*", "m-*"];

/// What stands in a trust policy for the broker's own role when nobody said which that is.
pub const BROKER_ROLE_UNKNOWN: &str = "<broker role ARN>";

/// The trust policy of a lab's session role. In three statements: each of the three actions knows condition keys of its own, so
/// one statement for all would never match (IAM User Guide, "Passing session tags in AWS STS" and "Monitor and control
/// actions taken with assumed roles").
#[must_use]
pub fn session_trust(lab: &Lab, broker: Option<&RoleArn>) -> Value {
    let allow = allow(broker.map_or(BROKER_ROLE_UNKNOWN, RoleArn::as_str));
    json!({"Version": "2012-10-17", "Statement": [
        allow("Assume", "sts:AssumeRole", json!({
            "StringEquals": {"sts:ExternalId": lab.external_id.as_str()},
            "StringLike": {"sts:SourceIdentity": SUBJECTS, "sts:RoleSessionName": "rs-*"},
        })),
        allow("Source", "sts:SetSourceIdentity", json!({"StringLike": {"sts:SourceIdentity": SUBJECTS}})),
        allow("Tags", "sts:TagSession", json!({
            "StringEquals": {"aws:RequestTag/lodge-lab": lab.id.as_str()},
            "StringLike": {"aws:RequestTag/lodge-role": "*"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["lodge-role", "lodge-lab"]},
        })),
    ]})
}

/// The trust policy of the steward role, which is assumed with another external id, under one source identity and without
/// tags.
pub(super) fn steward_trust(broker: &RoleArn, external_id: &ExternalId) -> Value {
    let allow = allow(broker.as_str());
    json!({"Version": "2012-10-17", "Statement": [
        allow("Assume", "sts:AssumeRole", json!({
            "StringEquals": {"sts:ExternalId": external_id.as_str(), "sts:SourceIdentity": STEWARD_SOURCE_IDENTITY},
            "StringLike": {"sts:RoleSessionName": "st-*"},
        })),
        allow("Source", "sts:SetSourceIdentity", json!({
            "StringEquals": {"sts:SourceIdentity": STEWARD_SOURCE_IDENTITY},
        })),
    ]})
}

fn allow(broker: &str) -> impl Fn(&str, &str, Value) -> Value {
    let principal = json!({"AWS": broker});
    move |sid, action, condition| json!({"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition})
}
