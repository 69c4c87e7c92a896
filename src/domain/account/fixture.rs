//! A lab's account for the tests of this module.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{AccountNames, FoundAccount, FoundPolicy, FoundRole, Permissions, Plan};
use crate::domain::lab::Lab;
use crate::domain::policy::PolicyLibrary;
use crate::domain::role_session::ExternalId;

/// The session role's id when the account was joined.
pub(super) const SESSION_ROLE_ID: &str = "AROASESSION";

/// The broker's own role.
pub(super) const BROKER: &str = "arn:aws:iam::999988887777:role/lodge-broker";
/// What IAM shows in place of a role that is gone.
pub(super) const GONE: &str = "AROAEXAMPLEEXAMPLE222";

/// What a lab's account should have.
pub(super) fn plan() -> Plan {
    let lab = Lab {
        id: crate::domain::id::LabId::from_entropy([1; 10]),
        name: "vision".parse().unwrap(),
        title: "Vision".to_owned(),
        session_role: "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
        external_id: ExternalId::from_entropy([2; 16]),
        created_at: chrono::DateTime::UNIX_EPOCH,
        archived_at: None,
        groups_age: None,
    };
    let library = PolicyLibrary::shipped().unwrap();
    let policies: Vec<_> = library.iter().map(|(_, it)| it.fill(&it.examples()).unwrap()).collect();
    let names = AccountNames::of(&lab.session_role).unwrap();
    Plan::of(&lab, names, Permissions::of(&policies).unwrap(), &BROKER.parse().unwrap())
}

/// The account as the stack makes it.
pub(super) fn untouched(plan: &Plan) -> FoundAccount {
    let names = plan.names();
    let role = |id: &str, trust: &Value| FoundRole {
        id: id.to_owned(),
        trust: trust.to_string(),
        max_session_seconds: 3_600,
        boundary: None,
        attached: Vec::new(),
        inline: BTreeMap::new(),
    };
    let policy = || Some(FoundPolicy { document: plan.permissions().document().to_string() });
    FoundAccount {
        session_role: Some(FoundRole {
            boundary: Some(names.boundary()),
            attached: vec![names.permissions()],
            ..role(SESSION_ROLE_ID, plan.trust())
        }),
        permissions: policy(),
        boundary: policy(),
        steward_role: Some(FoundRole {
            inline: [("lodge-steward".to_owned(), plan.steward_permissions().to_string())].into(),
            ..role("AROASTEWARD", plan.steward_trust())
        }),
    }
}
