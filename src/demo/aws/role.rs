//! A role with its policies read.

use std::fmt;

use super::session::Session;
use super::settings::{IamRole, SettingsError};
use crate::domain::policy::{
    Access, Caller, Context, Document, DocumentError, Layers, Request, TrustDocument, decide_access,
};

/// The ARN of a role, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleArn {
    text: String,
    account: String,
    name: String,
}

impl RoleArn {
    /// Reads `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (account, path) = text.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
        let well_formed = account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+=,.@_-".contains(&b));
        well_formed.then(|| Self { text: text.to_owned(), account: account.to_owned(), name: name.to_owned() })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// The ARN of a session of the role: without the role's path.
    pub(super) fn session_arn(&self, session_name: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", self.account, self.name)
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A role, ready to be evaluated.
pub(super) struct Role {
    pub(super) arn: RoleArn,
    pub(super) id: String,
    /// Absent for the broker's own role: nobody assumes it here.
    pub(super) trust: Option<TrustDocument>,
    pub(super) policies: Vec<Document>,
    pub(super) boundary: Option<Document>,
    pub(super) max_session_seconds: u32,
}

impl Role {
    pub(super) fn new(role: IamRole) -> Result<Self, SettingsError> {
        let arn = RoleArn::parse(&role.arn).ok_or_else(|| SettingsError::Arn(role.arn.clone()))?;
        let unreadable = |source: DocumentError| SettingsError::Policy { arn: role.arn.clone(), source };
        Ok(Self {
            id: role.role_id,
            trust: Some(TrustDocument::parse(&role.trust).map_err(unreadable)?),
            policies: documents(&role.policies).map_err(unreadable)?,
            boundary: role.boundary.as_deref().map(Document::parse).transpose().map_err(unreadable)?,
            max_session_seconds: role.max_session_seconds,
            arn,
        })
    }

    /// Whether a session of this role may do something, `trust` being the other side's word in it.
    pub(super) fn decide(
        &self,
        session: &Session,
        trust: Option<(&TrustDocument, &Caller)>,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Access {
        let session_policy = session.policy.as_deref().map(Document::parse).transpose();
        // It was read before it was sealed in; if it cannot be read now, the session may do nothing.
        let Ok(session_policy) = session_policy else {
            return Access::Denied { by: crate::domain::policy::PolicyKind::SessionPolicy, explicit: true };
        };
        let layers = Layers {
            identity: &self.policies,
            boundary: self.boundary.as_ref(),
            session: session_policy.as_ref(),
            trust,
        };
        decide_access(&layers, &Request { action, resource, context })
    }
}

pub(super) fn documents(texts: &[String]) -> Result<Vec<Document>, DocumentError> {
    texts.iter().map(|text| Document::parse(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_arn_has_no_path() {
        let arn = RoleArn::parse("arn:aws:iam::111122223333:role/lab/lodge-session").unwrap();

        assert_eq!(arn.account(), "111122223333");
        assert_eq!(arn.session_arn("rs-1"), "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-1");
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
        ] {
            assert_eq!(RoleArn::parse(text), None, "{text}");
        }
    }
}
