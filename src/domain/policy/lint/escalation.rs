//! Actions with which somebody can get more than a policy allows them.
//!
//! Source: AWS's Service Authorization Reference for what has the access level "Permissions management"; Rhino Security
//! Labs, "AWS IAM Privilege Escalation – Methods and Mitigation" (2018, kept up to date since), for the ways through
//! other actions. The sentences are ours.

use super::finding::{Code, Finding, Severity};
use super::look::Look;
use crate::domain::policy::action_words::AccessLevel;
use crate::domain::policy::catalog::Action;
use crate::domain::policy::source::Written;

/// Actions, by name, and what whoever may call them can do.
const ESCALATING: [(&str, &str); 38] = [
    ("batch:RegisterJobDefinition", "names the role that a job runs as"),
    ("batch:SubmitJob", "runs any program as the role of a job definition"),
    ("iam:AddUserToGroup", "gives a user, also themselves, what a group may"),
    ("iam:AttachGroupPolicy", "gives a group any policy, such as AdministratorAccess"),
    ("iam:AttachRolePolicy", "gives a role any policy, such as AdministratorAccess"),
    ("iam:AttachUserPolicy", "gives a user any policy, such as AdministratorAccess"),
    ("iam:CreateAccessKey", "makes a key of another user's, which lives until somebody deletes it"),
    ("iam:CreateLoginProfile", "sets a first password for another user"),
    ("iam:CreatePolicyVersion", "rewrites a policy that is attached already"),
    ("iam:CreateRole", "makes a role that whoever they choose can assume"),
    ("iam:CreateServiceSpecificCredential", "makes a long-lived credential of another user's"),
    ("iam:DeleteRolePermissionsBoundary", "takes away the limit of a role"),
    ("iam:DeleteUserPermissionsBoundary", "takes away the limit of a user"),
    ("iam:PassRole", "hands a role to a service, which then acts with all that the role may"),
    ("iam:PutGroupPolicy", "writes any policy into a group"),
    ("iam:PutRolePermissionsBoundary", "replaces the limit of a role"),
    ("iam:PutRolePolicy", "writes any policy into a role"),
    ("iam:PutUserPermissionsBoundary", "replaces the limit of a user"),
    ("iam:PutUserPolicy", "writes any policy into a user"),
    ("iam:SetDefaultPolicyVersion", "brings back an older version of a policy, which may allow more"),
    ("iam:UpdateAssumeRolePolicy", "says who may assume a role"),
    ("iam:UpdateLoginProfile", "sets another user's password"),
    ("s3:DeleteBucketPolicy", "takes away every Deny that a bucket's policy makes"),
    ("s3:PutAccessPointPolicy", "says who may reach a bucket through an access point"),
    ("s3:PutBucketAcl", "can open a bucket to other accounts or to everybody"),
    ("s3:PutBucketPolicy", "can open a bucket to other accounts or to everybody"),
    ("s3:PutBucketPublicAccessBlock", "can take away what keeps a bucket from being public"),
    ("s3:PutObjectAcl", "can open an object to other accounts or to everybody"),
    ("sagemaker:CreateNotebookInstance", "starts a machine that acts as the role that is passed to it"),
    ("sagemaker:CreateNotebookInstanceLifecycleConfig", "runs any program on a notebook, as its role"),
    ("sagemaker:CreatePresignedDomainUrl", "opens a Studio that acts as its role"),
    ("sagemaker:CreatePresignedNotebookInstanceUrl", "opens a notebook that acts as its role"),
    ("sagemaker:CreateProcessingJob", "runs any program as the role that is passed to it"),
    ("sagemaker:CreateTrainingJob", "runs any program as the role that is passed to it"),
    ("sagemaker:UpdateNotebookInstance", "changes the role or the programs of a notebook"),
    ("sts:AssumeRole", "takes on every role that trusts this account"),
    ("sts:AssumeRoot", "takes on the root user of a member account"),
    ("sts:GetFederationToken", "makes credentials that outlive the session's"),
];

/// How many actions of one element are named.
const NAMED: usize = 3;

/// What whoever may call it can do; `None` when it does not escalate.
fn escalates(action: &Action, statement: &Written) -> Option<&'static str> {
    // One named role is what the policy says; all of them is what nobody meant.
    if action.name == "sts:AssumeRole" && !statement.resources.is_all_but() {
        let broad = |text: &String| text.bytes().all(|b| b == b'*') || text.contains("role/*") || text.ends_with(":*");
        if !statement.resources.all.iter().any(broad) {
            return None;
        }
    }
    let named = ESCALATING.iter().find(|(name, _)| *name == action.name).map(|(_, can)| *can);
    named.or((action.access == AccessLevel::Permissions).then_some("changes who may do what"))
}

pub(super) fn check(look: &Look<'_>) -> Vec<Finding> {
    let statement = look.statement;
    if !statement.allows || statement.actions.is_all_but() {
        return Vec::new();
    }
    look.elements
        .iter()
        .filter_map(|element| {
            let mut found: Vec<(&str, &str)> = element
                .known()
                .iter()
                .filter(|action| look.places.take(action))
                .filter_map(|action| escalates(action, statement).map(|can| (action.name.as_str(), can)))
                .collect();
            // What is named here says more than what only has the access level.
            found.sort_by_key(|(name, _)| (!ESCALATING.iter().any(|(known, _)| known == name), *name));
            let more = match found.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let named: Vec<String> = found.iter().take(NAMED).map(|(name, can)| format!("{name} {can}")).collect();
            let message = format!("whoever has this can get more than it allows: {}{more}", named.join("; "));
            let finding = Finding::about(statement, Code::Escalates, Severity::Warning, message);
            (!found.is_empty()).then(|| finding.at(element.place.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::catalog;

    #[test]
    fn every_action_that_escalates_exists() {
        let names = ESCALATING.map(|(name, _)| name);

        assert!(names.is_sorted());
        for name in names {
            assert!(catalog::is_known(name), "{name}");
        }
    }
}
