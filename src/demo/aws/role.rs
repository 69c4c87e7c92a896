//! A role with its policies read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::policy::{Document, DocumentError};

/// The ARN of a role, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleArn(IamArn);

/// The ARN of a managed policy, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PolicyArn(IamArn);

/// `arn:aws:iam::ACCOUNT:KIND/PATH/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IamArn {
    text: String,
    account: String,
    /// `/`, or `/lab/`.
    path: String,
    name: String,
}

impl IamArn {
    fn parse(text: &str, kind: &str) -> Option<Self> {
        let (account, rest) = text.strip_prefix("arn:aws:iam::")?.split_once(':')?;
        let whole = rest.strip_prefix(kind)?.strip_prefix('/')?;
        let name = whole.rsplit('/').next().filter(|name| !name.is_empty())?;
        let well_formed = whole.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+=,.@_-".contains(&b));
        well_formed.then(|| Self {
            text: text.to_owned(),
            account: account.to_owned(),
            path: format!("/{}", &whole[..whole.len() - name.len()]),
            name: name.to_owned(),
        })
    }
}

/// Twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `v` and a number, as the versions of managed policies are called.
pub(super) fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|number| {
        !number.is_empty() && !number.starts_with('0') && number.bytes().all(|b| b.is_ascii_digit())
    })
}

impl RoleArn {
    /// Reads `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        IamArn::parse(text, "role").filter(|arn| is_account(&arn.account)).map(Self)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0.text
    }

    pub(super) fn account(&self) -> &str {
        &self.0.account
    }

    pub(super) fn path(&self) -> &str {
        &self.0.path
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// The ARN of a session of the role: without the role's path.
    pub(super) fn session_arn(&self, session_name: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", self.0.account, self.0.name)
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl PolicyArn {
    /// Reads `arn:aws:iam::ACCOUNT:policy/PATH/NAME`, `aws` standing for the account of AWS's own policies.
    pub(super) fn parse(text: &str) -> Option<Self> {
        IamArn::parse(text, "policy").filter(|arn| arn.account == "aws" || is_account(&arn.account)).map(Self)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether an account has this policy: its own and AWS's are there in each.
    pub(super) fn is_in(&self, account: &str) -> bool {
        self.0.account == "aws" || self.0.account == account
    }

    pub(super) fn path(&self) -> &str {
        &self.0.path
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }
}

/// A policy as it was written, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) document: Document,
}

impl Written {
    pub(super) fn read(text: &str) -> Result<Self, DocumentError> {
        Ok(Self { document: Document::parse(text)?, text: text.to_owned() })
    }

    /// How much of a role's room for inline policies it takes: IAM does not count white space.
    pub(super) fn counted_chars(&self) -> usize {
        self.text.chars().filter(|c| !c.is_whitespace()).count()
    }
}

/// A managed policy.
#[derive(Clone, Debug)]
pub(super) struct Managed {
    pub(super) arn: PolicyArn,
    pub(super) version_id: String,
    pub(super) policy: Written,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// A role, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) arn: RoleArn,
    pub(super) id: String,
    /// The trust policy, with unique ids where it named roles and users.
    pub(super) trust: String,
    pub(super) inline: BTreeMap<String, Written>,
    /// ARNs of managed policies.
    pub(super) attached: BTreeSet<String>,
    /// The ARN of a managed policy.
    pub(super) boundary: Option<String>,
    pub(super) max_session_seconds: u32,
    pub(super) created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_arn_has_no_path() {
        let arn = RoleArn::parse("arn:aws:iam::111122223333:role/lab/lodge-session").unwrap();

        assert_eq!((arn.account(), arn.path(), arn.name()), ("111122223333", "/lab/", "lodge-session"));
        assert_eq!(arn.session_arn("rs-1"), "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-1");
        assert_eq!(RoleArn::parse("arn:aws:iam::111122223333:role/x").unwrap().path(), "/");
    }

    #[test]
    fn other_arns_are_not_roles() {
        for text in [
            "",
            "arn:aws:iam::111122223333:user/x",
            "arn:aws:iam::1111:role/x",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a/",
            "arn:aws:iam::111122223333:role/<x>",
            "arn:aws:sts::111122223333:assumed-role/x/y",
            "arn:aws:iam::aws:role/x",
        ] {
            assert_eq!(RoleArn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_policy_is_in_its_own_account_and_one_of_aws_in_all() {
        let own = PolicyArn::parse("arn:aws:iam::111122223333:policy/lodge/lodge-boundary").unwrap();
        let aws = PolicyArn::parse("arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();

        assert_eq!((own.path(), own.name()), ("/lodge/", "lodge-boundary"));
        assert!(own.is_in("111122223333") && !own.is_in("444455556666"));
        assert!(aws.is_in("111122223333") && aws.is_in("444455556666"));
        for text in ["arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:policy/", "arn:aws:iam::x:policy/y"]
        {
            assert_eq!(PolicyArn::parse(text), None, "{text}");
        }
    }
}
