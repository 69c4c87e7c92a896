//! What the small AWS is made of: accounts, roles, and the one identity that calls from outside.
//!
//! Given at start, and by a test later on. Nothing here shows a secret when it is printed.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use super::marketplace::Marketplace;
use super::role::RoleArn;
use super::s3::Bucket;
use crate::domain::policy::DocumentError;

/// A whole small AWS.
pub struct Settings {
    /// Seals session tokens and derives secret keys. The same key keeps live sessions alive over a restart.
    pub sealing_key: [u8; 32],
    /// The only caller that is not made by `AssumeRole`.
    pub broker: BrokerIdentity,
    /// The accounts of the labs.
    pub accounts: Vec<Account>,
}

/// The broker as AWS sees it: a session of a role, so that every role it assumes is chained.
#[derive(Clone, Debug)]
pub struct BrokerIdentity {
    /// `arn:aws:iam::999988887777:role/lodge-broker`.
    pub role_arn: String,
    /// The session's name, for its ARN.
    pub session_name: String,
    /// `ASIA…`.
    pub access_key_id: String,
    /// Signs the broker's calls.
    pub secret_access_key: SecretString,
    /// Sent with the broker's calls.
    pub session_token: SecretString,
    /// Identity policies of the broker's role, as JSON.
    pub policies: Vec<String>,
}

/// The account of a lab.
#[derive(Clone, Debug)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its roles.
    pub roles: Vec<IamRole>,
    /// Its requester account at Mechanical Turk.
    pub marketplace: Marketplace,
    /// Its buckets at S3.
    pub buckets: Vec<Bucket>,
}

impl Account {
    /// Whether every role is in the account it is listed under.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for role in &self.roles {
            let arn = RoleArn::parse(&role.arn).ok_or_else(|| SettingsError::Arn(role.arn.clone()))?;
            if arn.account() != self.id {
                return Err(SettingsError::OtherAccount { arn: role.arn.clone(), account: self.id.clone() });
            }
        }
        Ok(())
    }
}

/// A role as IAM stores it. Its path and its name are in its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamRole {
    /// `arn:aws:iam::111122223333:role/lodge-session`.
    pub arn: String,
    /// `AROA…`: changes when the role is made anew.
    pub role_id: String,
    /// The trust policy, as JSON.
    pub trust: String,
    /// The inline policies, as JSON, by name.
    pub inline_policies: BTreeMap<String, String>,
    /// The managed policies that are attached.
    pub attached_policies: Vec<ManagedPolicy>,
    /// The permissions boundary.
    pub boundary: Option<ManagedPolicy>,
    /// The longest session the role allows: 3,600 to 43,200 in IAM.
    pub max_session_seconds: u32,
}

/// A managed policy, in the version that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// `arn:aws:iam::111122223333:policy/lodge/lodge-boundary`, or `arn:aws:iam::aws:policy/…` for one of AWS's own.
    pub arn: String,
    /// `v1`.
    pub version_id: String,
    /// The policy, as JSON.
    pub document: String,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("broker", &self.broker)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Settings that describe no AWS.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not the ARN of a role.
    #[error("`{0}` is not the ARN of a role")]
    Arn(String),
    /// Not the ARN of a managed policy.
    #[error("`{0}` is not the ARN of a managed policy")]
    PolicyArn(String),
    /// Not the version of a managed policy.
    #[error("`{0}` is not the version of a policy")]
    Version(String),
    /// Not the unique id of a role.
    #[error("`{0}` is not the id of a role")]
    RoleId(String),
    /// The id of a role that another role has.
    #[error("the id `{0}` is that of another role")]
    RoleIdTaken(String),
    /// Two roles of one name in one account: IAM looks at names alone, whatever the path.
    #[error("`{0}` has the name of another role")]
    NameTaken(String),
    /// A role or a policy listed under an account that is not its own.
    #[error("`{arn}` is not in the account {account}")]
    OtherAccount {
        /// The role or the policy.
        arn: String,
        /// The account it is listed under.
        account: String,
    },
    /// A managed policy that is given twice, not the same.
    #[error("the policy `{0}` is given in two ways")]
    TwoPolicies(String),
    /// A policy that cannot be read.
    #[error("a policy of `{arn}` cannot be read")]
    Policy {
        /// The role it belongs to.
        arn: String,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// Not the name of a bucket, or that of another one: their names are the world's.
    #[error("`{0}` is not the name of a bucket, or another bucket has it")]
    Bucket(String),
    /// A change to a role that is not there.
    #[error("there is no role `{0}`")]
    NoRole(String),
}
