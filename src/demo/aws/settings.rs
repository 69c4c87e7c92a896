//! What the small AWS is made of: accounts, roles, and the one identity that calls from outside.
//!
//! Given once, at start. Nothing here shows a secret when it is printed.

use std::fmt;

use secrecy::SecretString;

use super::marketplace::Marketplace;
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
}

/// A role as IAM stores it.
#[derive(Clone, Debug)]
pub struct IamRole {
    /// `arn:aws:iam::111122223333:role/lodge-session`.
    pub arn: String,
    /// `AROA…`: changes when the role is made anew.
    pub role_id: String,
    /// The trust policy, as JSON.
    pub trust: String,
    /// The identity policies, as JSON.
    pub policies: Vec<String>,
    /// The permissions boundary, as JSON.
    pub boundary: Option<String>,
    /// The longest session the role allows: 3,600 to 43,200 in IAM.
    pub max_session_seconds: u32,
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
    /// A role listed under an account that is not its own.
    #[error("the role `{arn}` is not in the account {account}")]
    OtherAccount {
        /// The role.
        arn: String,
        /// The account it is listed under.
        account: String,
    },
    /// A policy that cannot be read.
    #[error("a policy of `{arn}` cannot be read")]
    Policy {
        /// The role it belongs to.
        arn: String,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
}
