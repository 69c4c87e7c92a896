//! The parts of an `AssumeRole` call, each parsed once so that STS never has to refuse it.
//!
//! Every limit is from the STS API reference (`AssumeRole`, request parameters) unless it says otherwise.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::cut_off::CanarySession;
use super::id::{LabId, ParseError, PersonId, RoleName, RoleSessionId};

/// `DurationSeconds` is at least 900.
pub const SESSION_MIN_SECONDS: u32 = 900;

/// One hour: what STS grants at most when a role assumes a role (IAM User Guide, "Roles terms and concepts", role
/// chaining), and so what every broker that runs under a role can hand out.
pub const SESSION_MAX_SECONDS: u32 = 3_600;

/// Twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseError::new("AWS account id", "twelve digits")) }
    }
}

/// The ARN of an IAM role in the partition `aws`, with or without a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleArn {
    text: String,
    account: AccountId,
    /// Where the role's own name starts: behind the last slash.
    name_at: usize,
}

impl RoleArn {
    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account the role lives in.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The role's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[self.name_at..]
    }

    /// What stands before the name in it: `/` for a role without a path, otherwise it begins and ends with one.
    #[must_use]
    pub fn path(&self) -> &str {
        let before = &self.text[..self.name_at];
        before.find(":role/").map_or("/", |at| &before[at + ":role".len()..])
    }

    /// The role of this name beside it: in the same account, with the same path.
    ///
    /// # Errors
    ///
    /// When it is no name of a role.
    pub fn beside(&self, name: &str) -> Result<Self, ParseError> {
        format!("{}{name}", &self.text[..self.name_at]).parse()
    }

    /// The ARN of a session of this role: the path is not part of it.
    #[must_use]
    pub fn session_arn(&self, session: &RoleSessionName) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{session}", self.account.as_str(), self.name())
    }
}

impl FromStr for RoleArn {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = ParseError::new("role ARN", "`arn:aws:iam::ACCOUNT:role/NAME`");
        let (account, resource) = text
            .strip_prefix("arn:aws:iam::")
            .and_then(|rest| rest.split_once(":role/"))
            .ok_or_else(|| error.clone())?;
        let name = resource.rsplit('/').next().unwrap_or_default();
        // Names: `[\w+=,.@-]{1,64}`; paths: at most 512 printable ASCII characters (IAM API reference, CreateRole).
        let name_fits = (1..=64).contains(&name.len()) && name.bytes().all(is_session_byte);
        let path_fits = resource.len() <= 512 + 64 && resource.bytes().all(|b| b.is_ascii_graphic() && b != b'*');
        if !name_fits || !path_fits {
            return Err(error);
        }
        Ok(Self { text: text.to_owned(), account: account.parse()?, name_at: text.len() - name.len() })
    }
}

/// `[\w+=,.@-]`, with ASCII letters only.
const fn is_session_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

/// Guards against the confused deputy: made by the broker, one per lab, never taken from a request. Not a secret in
/// AWS's words, but it is in no log and no answer of ours.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalId(String);

impl ExternalId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The external id made of these random bytes.
    #[must_use]
    pub fn from_entropy(bytes: [u8; 16]) -> Self {
        Self(format!("lodge-{}", hex::encode(bytes)))
    }

    /// The one of the lab's steward role, which follows from this one of its session role: each role has its own, and
    /// whoever knows one can do nothing with the other either.
    #[must_use]
    pub fn of_steward(&self) -> Self {
        let digest = Sha256::digest(format!("{} steward", self.0));
        Self(format!("lodge-{}", hex::encode(&digest[..16])))
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(…)")
    }
}

impl FromStr for ExternalId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits =
            (2..=1_224).contains(&text.len()) && text.bytes().all(|b| is_session_byte(b) || matches!(b, b':' | b'/'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("external id", "2 to 1,224 of `[\\w+=,.@:/-]`"))
        }
    }
}

/// `RoleSessionName`: for a person the role session's id, so that it recurs in every CloudTrail event of the session; for
/// the broker itself `st-` and random characters.
///
/// It is made here and never chosen by a person: a resource policy can name a session's ARN and so reach past the
/// session policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSessionName(String);

impl RoleSessionName {
    /// The name of a session of a steward role, made of these random bytes.
    #[must_use]
    pub fn of_steward(bytes: [u8; 10]) -> Self {
        Self(format!("st-{}", hex::encode(bytes)))
    }
}

impl From<&RoleSessionId> for RoleSessionName {
    fn from(id: &RoleSessionId) -> Self {
        Self(id.as_str().to_owned())
    }
}

impl fmt::Display for RoleSessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `SourceIdentity`: the person. Set on every session, so that one person's live sessions can be denied later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIdentity(String);

impl From<&PersonId> for SourceIdentity {
    fn from(id: &PersonId) -> Self {
        Self(id.as_str().to_owned())
    }
}

impl SourceIdentity {
    /// Of a session in which the broker itself tries whether a lab's account is well. No id of anybody's looks like it.
    #[must_use]
    pub fn of_probe() -> Self {
        Self("m-lodge-probe".to_owned())
    }
}

impl SourceIdentity {
    /// Of a session in which the broker tries whether a deny holds.
    #[must_use]
    pub fn of_canary(canary: &CanarySession) -> Self {
        Self(canary.source_identity.clone())
    }
}

impl fmt::Display for SourceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session tag. Both of ours are made of identifiers whose characters STS accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTag {
    key: &'static str,
    value: String,
}

impl SessionTag {
    /// `lodge-role`: lets the role's own policy ask for the role a second time.
    #[must_use]
    pub fn role(role: &RoleName) -> Self {
        Self { key: "lodge-role", value: role.as_str().to_owned() }
    }

    /// `lodge-lab`: which tenant of the broker this session belongs to.
    #[must_use]
    pub fn lab(lab: &LabId) -> Self {
        Self { key: "lodge-lab", value: lab.as_str().to_owned() }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// `DurationSeconds`: 900 to 3,600. STS refuses what is out of bounds rather than cutting it, and so do we.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionDuration(u32);

impl SessionDuration {
    /// One hour.
    pub const MAX: Self = Self(SESSION_MAX_SECONDS);

    /// A quarter of an hour.
    pub const MIN: Self = Self(SESSION_MIN_SECONDS);

    /// A duration in seconds.
    ///
    /// # Errors
    ///
    /// When it is out of bounds.
    pub const fn from_seconds(seconds: u32) -> Result<Self, ParseError> {
        if seconds >= SESSION_MIN_SECONDS && seconds <= SESSION_MAX_SECONDS {
            Ok(Self(seconds))
        } else {
            Err(ParseError::new("session duration", "900 to 3,600 seconds"))
        }
    }

    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// As a span of time.
    #[must_use]
    pub fn as_delta(self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_knows_its_account_and_its_sessions() {
        let arn: RoleArn = "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap();
        let name = RoleSessionName::from(&RoleSessionId::from_entropy([7; 10]));

        assert_eq!(arn.account().as_str(), "111122223333");
        assert_eq!(arn.session_arn(&name), format!("arn:aws:sts::111122223333:assumed-role/lodge-session/{name}"));
    }

    #[test]
    fn a_role_beside_another_differs_in_its_name_alone() {
        for (arn, other) in [("lodge/lodge-session", "lodge/lodge-steward"), ("students", "lodge-steward")] {
            let arn: RoleArn = format!("arn:aws:iam::111122223333:role/{arn}").parse().unwrap();

            let beside = arn.beside("lodge-steward").unwrap();

            assert_eq!(beside.as_str(), format!("arn:aws:iam::111122223333:role/{other}"));
            assert_eq!((beside.account(), beside.path(), beside.name()), (arn.account(), arn.path(), "lodge-steward"));
            assert!(arn.beside("").is_err() && arn.beside("a b").is_err());
        }
    }

    #[test]
    fn what_is_not_a_role_of_the_aws_partition_is_refused() {
        for bad in [
            "",
            "arn:aws:iam::111122223333:user/x",
            "arn:aws:iam::11112222333:role/x",
            "arn:aws:iam::1111222233334:role/x",
            "arn:aws-cn:iam::111122223333:role/x",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a b",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:role/é",
        ] {
            assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_refused_and_never_cut() {
        for (seconds, fits) in [(0, false), (899, false), (900, true), (3_600, true), (3_601, false), (43_200, false)] {
            assert_eq!(SessionDuration::from_seconds(seconds).is_ok(), fits, "{seconds}");
        }
    }

    #[test]
    fn names_and_tags_fit_what_sts_accepts() {
        let name = RoleSessionName::from(&RoleSessionId::from_entropy([255; 10])).to_string();
        let steward = RoleSessionName::of_steward([255; 10]).to_string();
        let source = SourceIdentity::from(&PersonId::from_entropy([0; 10])).to_string();

        for text in [&name, &steward, &source] {
            assert!((2..=64).contains(&text.len()) && text.bytes().all(is_session_byte), "{text}");
        }
        assert!(!source.starts_with("aws:"));
        assert!(SessionTag::lab(&LabId::from_entropy([1; 10])).value().len() <= 256);
    }

    #[test]
    fn an_external_id_shows_in_no_debug_output() {
        let id = ExternalId::from_entropy([0xab; 16]);

        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!(!format!("{id:?}").contains("abab"));
    }
}
