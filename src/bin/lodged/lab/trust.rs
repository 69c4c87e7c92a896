//! Whom a lab's AWS account is to trust.

use clap::Args;
use lodge::domain::account::session_trust;
use lodge::domain::lab::Lab;
use lodge::domain::role_session::RoleArn;
use serde_json::Value;

/// Whom the account is to trust.
#[derive(Debug, Args)]
pub(super) struct TrustArguments {
    /// The IAM role that the broker itself runs under, for the trust policy
    #[arg(long, value_name = "ARN")]
    broker_role: Option<RoleArn>,
}

impl TrustArguments {
    pub(super) const fn is_complete(&self) -> bool {
        self.broker_role.is_some()
    }

    pub(super) fn policy(&self, lab: &Lab) -> Value {
        session_trust(lab, self.broker_role.as_ref())
    }
}
