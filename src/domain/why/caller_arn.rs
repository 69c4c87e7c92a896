//! Who made a call, as AWS names them in an error.

use std::fmt;
use std::str::FromStr;

use crate::domain::id::ParseError;
use crate::domain::role_session::AccountId;

/// The longest that is read: a role's session is at most 20 + 12 + 64 + 64 characters and a few colons, a user has a path
/// of 512 (IAM User Guide, "IAM and AWS STS quotas").
const MAX_CHARS: usize = 700;

/// The ARN of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerArn {
    text: String,
    /// The account the caller is of.
    pub account: AccountId,
    /// What kind of caller.
    pub principal: Principal,
}

/// A kind of caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A session of a role.
    Session {
        /// The role's own name, without a path.
        role: String,
        /// What the session is called.
        name: String,
    },
    /// An IAM user, with an access key that lives until somebody deletes it.
    User,
    /// The account itself.
    Root,
    /// Somebody whom another kind of sign-in let in.
    Other,
}

impl CallerArn {
    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for CallerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for CallerArn {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new("ARN of a caller", "such as `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`");
        if text.len() > MAX_CHARS || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(error());
        }
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().ok_or_else(error);
        let (arn, partition, service, _) = (part()?, part()?, part()?, part()?);
        let (account, rest) = (part()?, part()?);
        if arn != "arn" || !partition.starts_with("aws") || !matches!(service, "iam" | "sts") {
            return Err(error());
        }
        let principal = match rest.split_once('/') {
            Some(("assumed-role", session)) => {
                let (role, name) = session.split_once('/').ok_or_else(error)?;
                Principal::Session { role: role.to_owned(), name: name.to_owned() }
            }
            Some(("user", _)) => Principal::User,
            None if rest == "root" => Principal::Root,
            _ => Principal::Other,
        };
        Ok(Self { text: text.to_owned(), account: account.parse()?, principal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_caller_is_told_apart() {
        let read = |text: &str| text.parse::<CallerArn>().map(|arn| (arn.account.as_str().to_owned(), arn.principal));
        let of = |account: &str, principal| Ok((account.to_owned(), principal));
        let session = Principal::Session { role: "lodge-session".into(), name: "rs-0a".into() };

        assert_eq!(read("arn:aws:sts::111122223333:assumed-role/lodge-session/rs-0a"), of("111122223333", session));
        assert_eq!(read("arn:aws:iam::111122223333:user/dept/ada"), of("111122223333", Principal::User));
        assert_eq!(read("arn:aws-us-gov:iam::111122223333:root"), of("111122223333", Principal::Root));
        assert_eq!(read("arn:aws:sts::111122223333:federated-user/x"), of("111122223333", Principal::Other));
    }

    #[test]
    fn what_is_no_arn_of_a_caller_is_refused() {
        let long = format!("arn:aws:iam::111122223333:user/{}", "x".repeat(MAX_CHARS));
        for bad in [
            "",
            "arn:aws:iam::111122223333",
            "arn:aws:s3:::bucket/key",
            "arn:aws:iam::1111:user/ada",
            "arn:aws:sts::111122223333:assumed-role/x",
            "arn:aws:iam::111122223333:user/a b",
            "anonymous",
            long.as_str(),
        ] {
            assert!(bad.parse::<CallerArn>().is_err(), "{bad}");
        }
    }
}
