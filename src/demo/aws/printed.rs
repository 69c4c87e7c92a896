//! Roles from what the AWS CLI prints, so that one which was deployed elsewhere can be taken over as it stands there.
//!
//! Everything is demanded that a role is made of: a policy that is listed and was not read would make this role narrower,
//! or wider, than the other, and tests of it worth nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::marketplace::Marketplace;
use super::role::RoleArn;
use super::settings::{Account, IamRole, ManagedPolicy};

/// The longest session of a role that names none. Source: IAM API reference, `CreateRole`.
const DEFAULT_MAX_SECONDS: u32 = 3_600;

/// What the AWS CLI printed about one role, with `--output json`.
#[derive(Clone, Debug, Default)]
pub struct PrintedRole {
    /// By `iam get-role`.
    pub role: String,
    /// By `iam list-role-policies`.
    pub inline_names: String,
    /// By `iam get-role-policy`, once for each of these names.
    pub inline_policies: Vec<String>,
    /// By `iam list-attached-role-policies`.
    pub attached: String,
    /// By `iam get-policy-version`, for the default version of every attached policy and of the boundary, by ARN: the
    /// answer itself does not say whose version it is.
    pub versions: BTreeMap<String, String>,
}

/// Something printed that makes no role.
#[derive(Debug, thiserror::Error)]
pub enum PrintedError {
    /// Not what the command prints.
    #[error("this is not what `aws iam {command}` prints")]
    Shape {
        /// `get-role`.
        command: &'static str,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A list that goes on.
    #[error("what `aws iam {0}` printed is not the whole list")]
    Truncated(&'static str),
    /// A policy of another role.
    #[error("the inline policy `{policy}` is of the role `{role}`")]
    OtherRole {
        /// The policy.
        policy: String,
        /// The role that it says it is of.
        role: String,
    },
    /// Inline policies that are listed and not read, or read and not listed.
    #[error("the inline policies that were read are not those that are listed: {0}")]
    Inline(String),
    /// A managed policy without its text.
    #[error("the policy `{0}` was not read")]
    Unread(String),
    /// A version that is not the one that counts.
    #[error("the version of `{0}` that was read is not its default one")]
    NotDefault(String),
    /// Roles of more than one account, or of none.
    #[error("these are not the roles of one account")]
    Accounts,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRole {
    role: Deployed,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deployed {
    arn: String,
    role_name: String,
    role_id: String,
    assume_role_policy_document: Value,
    max_session_duration: Option<u32>,
    permissions_boundary: Option<Boundary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Boundary {
    permissions_boundary_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRolePolicies {
    policy_names: BTreeSet<String>,
    #[serde(default)]
    is_truncated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRolePolicy {
    role_name: String,
    policy_name: String,
    policy_document: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListAttached {
    attached_policies: Vec<Attached>,
    #[serde(default)]
    is_truncated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attached {
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetPolicyVersion {
    policy_version: Current,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Current {
    document: Value,
    version_id: String,
    is_default_version: bool,
}

impl IamRole {
    /// The role that was printed.
    ///
    /// # Errors
    ///
    /// When something of it is missing, or is not what the AWS CLI prints.
    pub fn from_printed(printed: &PrintedRole) -> Result<Self, PrintedError> {
        let GetRole { role } = read("get-role", &printed.role)?;
        let attached: ListAttached = read("list-attached-role-policies", &printed.attached)?;
        if attached.is_truncated {
            return Err(PrintedError::Truncated("list-attached-role-policies"));
        }
        let attached: Result<_, _> =
            attached.attached_policies.iter().map(|policy| managed(&policy.policy_arn, printed)).collect();
        let boundary = role.permissions_boundary.map(|boundary| managed(&boundary.permissions_boundary_arn, printed));
        Ok(Self {
            inline_policies: inline_policies(&role.role_name, printed)?,
            attached_policies: attached?,
            boundary: boundary.transpose()?,
            arn: role.arn,
            role_id: role.role_id,
            trust: role.assume_role_policy_document.to_string(),
            max_session_seconds: role.max_session_duration.unwrap_or(DEFAULT_MAX_SECONDS),
        })
    }
}

impl Account {
    /// The account of the roles that were printed.
    ///
    /// # Errors
    ///
    /// When one of them cannot be made, or they are not all of one account.
    pub fn from_printed(printed: &[PrintedRole], marketplace: Marketplace) -> Result<Self, PrintedError> {
        let roles: Vec<IamRole> = printed.iter().map(IamRole::from_printed).collect::<Result<_, _>>()?;
        let accounts: Option<BTreeSet<String>> =
            roles.iter().map(|role| RoleArn::parse(&role.arn).map(|arn| arn.account().to_owned())).collect();
        let mut accounts = accounts.unwrap_or_default();
        match (accounts.pop_first(), accounts.is_empty()) {
            (Some(id), true) => Ok(Self { id, roles, marketplace, buckets: Vec::new() }),
            _ => Err(PrintedError::Accounts),
        }
    }
}

fn inline_policies(role: &str, printed: &PrintedRole) -> Result<BTreeMap<String, String>, PrintedError> {
    let listed: ListRolePolicies = read("list-role-policies", &printed.inline_names)?;
    if listed.is_truncated {
        return Err(PrintedError::Truncated("list-role-policies"));
    }
    let mut policies = BTreeMap::new();
    for text in &printed.inline_policies {
        let policy: GetRolePolicy = read("get-role-policy", text)?;
        if policy.role_name != role {
            return Err(PrintedError::OtherRole { policy: policy.policy_name, role: policy.role_name });
        }
        policies.insert(policy.policy_name, policy.policy_document.to_string());
    }
    let read: BTreeSet<String> = policies.keys().cloned().collect();
    let differing: Vec<&str> = read.symmetric_difference(&listed.policy_names).map(String::as_str).collect();
    if differing.is_empty() { Ok(policies) } else { Err(PrintedError::Inline(differing.join(", "))) }
}

fn managed(arn: &str, printed: &PrintedRole) -> Result<ManagedPolicy, PrintedError> {
    let text = printed.versions.get(arn).ok_or_else(|| PrintedError::Unread(arn.to_owned()))?;
    let GetPolicyVersion { policy_version } = read("get-policy-version", text)?;
    if !policy_version.is_default_version {
        return Err(PrintedError::NotDefault(arn.to_owned()));
    }
    let (version_id, document) = (policy_version.version_id, policy_version.document.to_string());
    Ok(ManagedPolicy { arn: arn.to_owned(), version_id, document })
}

fn read<T: DeserializeOwned>(command: &'static str, text: &str) -> Result<T, PrintedError> {
    serde_json::from_str(text).map_err(|source| PrintedError::Shape { command, source })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/lodge/lodge-boundary";
    const PERMISSIONS: &str = "arn:aws:iam::111122223333:policy/lodge/lodge-permissions";

    fn document(action: &str) -> Value {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        json!({"Version": "2012-10-17", "Statement": [statement]})
    }

    fn version(action: &str) -> String {
        let version = json!({"Document": document(action), "VersionId": "v3", "IsDefaultVersion": true,
            "CreateDate": "2026-11-21T12:00:00+00:00"});
        json!({"PolicyVersion": version}).to_string()
    }

    fn trust() -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::999988887777:role/lodge-broker"}}]})
    }

    fn printed() -> PrintedRole {
        let role = json!({"Role": {
            "Path": "/lodge/", "RoleName": "lodge-session", "RoleId": "AROAEXAMPLEEXAMPLE234",
            "Arn": "arn:aws:iam::111122223333:role/lodge/lodge-session", "CreateDate": "2026-11-21T12:00:00+00:00",
            "AssumeRolePolicyDocument": trust(), "Description": "Lodge", "MaxSessionDuration": 7200,
            "PermissionsBoundary":
                {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": BOUNDARY},
            "Tags": [], "RoleLastUsed": {},
        }});
        let inline = json!({"RoleName": "lodge-session", "PolicyName": "cut-off", "PolicyDocument": document("a:B")});
        let attached = json!({"PolicyName": "lodge-permissions", "PolicyArn": PERMISSIONS});
        PrintedRole {
            role: role.to_string(),
            inline_names: json!({"PolicyNames": ["cut-off"]}).to_string(),
            inline_policies: vec![inline.to_string()],
            attached: json!({"AttachedPolicies": [attached]}).to_string(),
            versions: BTreeMap::from([
                (PERMISSIONS.to_owned(), version("s3:*")),
                (BOUNDARY.to_owned(), version("s3:Get*")),
            ]),
        }
    }

    #[test]
    fn a_role_is_taken_over_whole() {
        let role = IamRole::from_printed(&printed()).unwrap();

        let managed = |arn: &str, action: &str| ManagedPolicy {
            arn: arn.to_owned(),
            version_id: "v3".to_owned(),
            document: document(action).to_string(),
        };
        let expected = IamRole {
            arn: "arn:aws:iam::111122223333:role/lodge/lodge-session".to_owned(),
            role_id: "AROAEXAMPLEEXAMPLE234".to_owned(),
            trust: trust().to_string(),
            inline_policies: BTreeMap::from([("cut-off".to_owned(), document("a:B").to_string())]),
            attached_policies: vec![managed(PERMISSIONS, "s3:*")],
            boundary: Some(managed(BOUNDARY, "s3:Get*")),
            max_session_seconds: 7_200,
        };
        assert_eq!(role, expected);
    }

    #[test]
    fn a_role_with_little_has_little() {
        let mut printed = printed();
        let mut role: Value = serde_json::from_str(&printed.role).unwrap();
        let members = role["Role"].as_object_mut().unwrap();
        members.remove("PermissionsBoundary");
        members.remove("MaxSessionDuration");
        printed.role = role.to_string();
        printed.inline_names = r#"{"PolicyNames":[],"IsTruncated":false}"#.to_owned();
        printed.inline_policies.clear();
        printed.attached = r#"{"AttachedPolicies":[]}"#.to_owned();

        let role = IamRole::from_printed(&printed).unwrap();

        assert!(role.inline_policies.is_empty() && role.attached_policies.is_empty());
        assert_eq!((role.boundary, role.max_session_seconds), (None, 3_600));
    }

    #[test]
    fn what_is_missing_or_strange_is_said() {
        type Change = fn(&mut PrintedRole);
        let cases: [(Change, &str); 10] = [
            (|p| p.role = "{}".into(), "this is not what `aws iam get-role` prints"),
            (|p| p.attached = String::new(), "this is not what `aws iam list-attached-role-policies` prints"),
            (
                |p| p.attached = r#"{"AttachedPolicies":[],"IsTruncated":true}"#.into(),
                "what `aws iam list-attached-role-policies` printed is not the whole list",
            ),
            (
                |p| p.inline_names = r#"{"PolicyNames":[],"IsTruncated":true}"#.into(),
                "what `aws iam list-role-policies` printed is not the whole list",
            ),
            (
                |p| p.inline_policies.clear(),
                "the inline policies that were read are not those that are listed: cut-off",
            ),
            (
                |p| p.inline_names = r#"{"PolicyNames":["cut-off","other"]}"#.into(),
                "the inline policies that were read are not those that are listed: other",
            ),
            (
                |p| p.inline_policies[0] = p.inline_policies[0].replace("lodge-session", "x"),
                "the inline policy `cut-off` is of the role `x`",
            ),
            (
                |p| drop(p.versions.remove(BOUNDARY)),
                "the policy `arn:aws:iam::111122223333:policy/lodge/lodge-boundary` was not read",
            ),
            (
                |p| drop(p.versions.remove(PERMISSIONS)),
                "the policy `arn:aws:iam::111122223333:policy/lodge/lodge-permissions` was not read",
            ),
            (
                |p| {
                    let old = version("s3:Get*").replace("\"IsDefaultVersion\":true", "\"IsDefaultVersion\":false");
                    p.versions.insert(BOUNDARY.into(), old);
                },
                "the version of `arn:aws:iam::111122223333:policy/lodge/lodge-boundary` that was read is not its default \
                 one",
            ),
        ];
        for (change, message) in cases {
            let mut printed = printed();
            change(&mut printed);
            assert_eq!(IamRole::from_printed(&printed).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn an_account_is_that_of_all_its_roles() {
        let mut other = printed();
        other.role = other.role.replace("111122223333:role", "444455556666:role");

        let account = Account::from_printed(&[printed()], Marketplace::default()).unwrap();
        assert_eq!((account.id.as_str(), account.roles.len()), ("111122223333", 1));
        for wrong in [&[][..], &[printed(), other]] {
            let refused = Account::from_printed(wrong, Marketplace::default()).unwrap_err();
            assert_eq!(refused.to_string(), "these are not the roles of one account");
        }
    }
}
