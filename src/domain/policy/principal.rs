//! Who may assume a role: the `Principal` of a trust policy, and the caller it is held against.
//!
//! Federated and service principals are understood and never match: nobody reaches a lab's role through Lodge that way.
//! Nor does a unique id: IAM shows one only where the role or user that was trusted is no more, even if there is another
//! of the same name now.

/// The caller of an `AssumeRole`: a session of an IAM role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account the caller's role lives in, twelve digits.
    pub account: String,
    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    pub role_arn: String,
    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`.
    pub session_arn: String,
}

/// One principal that a trust policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    Anyone,
    /// Everybody in this account whom the account itself lets.
    Account(String),
    /// A role or a session, by its whole ARN: IAM knows no wildcards here.
    Arn(String),
    /// A service or a provider.
    NotAws,
    /// A role or a user that was deleted: IAM shows its unique id where its ARN was.
    Gone,
}

/// How the unique ids of roles and users begin.
const ID_PREFIXES: [&str; 2] = ["AROA", "AIDA"];

/// The fewest characters of a unique id. Source: IAM API reference, `Role`, `RoleId`.
const ID_LEAST_CHARS: usize = 16;

impl Principal {
    /// Reads one value under `kind` (`AWS`, `Service`, `Federated`).
    pub(super) fn parse(kind: &str, text: &str) -> Option<Self> {
        match kind {
            "AWS" => Self::parse_aws(text),
            "Service" | "Federated" if !text.is_empty() => Some(Self::NotAws),
            _ => None,
        }
    }

    fn parse_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Anyone);
        }
        if is_account(text) {
            return Some(Self::Account(text.to_owned()));
        }
        if is_unique_id(text) {
            return Some(Self::Gone);
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", "aws", service, "", account, resource] = parts[..] else { return None };
        if !is_account(account) || text.contains(['*', '?']) {
            return None;
        }
        match (service, resource) {
            ("iam", "root") => Some(Self::Account(account.to_owned())),
            ("iam", _) if named(resource, "role/") || named(resource, "user/") => Some(Self::Arn(text.to_owned())),
            ("sts", _) if named(resource, "assumed-role/") => Some(Self::Arn(text.to_owned())),
            _ => None,
        }
    }

    /// Whether this is the caller.
    pub(super) fn covers(&self, caller: &Caller) -> bool {
        match self {
            Self::Anyone => true,
            Self::Account(account) => *account == caller.account,
            Self::Arn(arn) => *arn == caller.role_arn || *arn == caller.session_arn,
            Self::NotAws | Self::Gone => false,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_unique_id(text: &str) -> bool {
    text.len() >= ID_LEAST_CHARS
        && ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn named(resource: &str, prefix: &str) -> bool {
    resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_covers_exactly_whom_it_names() {
        let caller = Caller {
            account: "999988887777".into(),
            role_arn: "arn:aws:iam::999988887777:role/lodge-broker".into(),
            session_arn: "arn:aws:sts::999988887777:assumed-role/lodge-broker/one".into(),
        };

        for (text, covered) in [
            ("*", true),
            ("999988887777", true),
            ("111122223333", false),
            ("arn:aws:iam::999988887777:root", true),
            ("arn:aws:iam::111122223333:root", false),
            ("arn:aws:iam::999988887777:role/lodge-broker", true),
            ("arn:aws:iam::999988887777:role/Lodge-Broker", false),
            ("arn:aws:iam::999988887777:role/lodge", false),
            ("arn:aws:sts::999988887777:assumed-role/lodge-broker/one", true),
            ("arn:aws:sts::999988887777:assumed-role/lodge-broker/two", false),
            ("arn:aws:iam::999988887777:user/lodge-broker", false),
            ("AROAEXAMPLEEXAMPLE234", false),
            ("AIDAEXAMPLEEXAMPLE234", false),
        ] {
            assert_eq!(Principal::parse("AWS", text).unwrap().covers(&caller), covered, "{text}");
        }
        assert!(!Principal::parse("Service", "ec2.amazonaws.com").unwrap().covers(&caller));
        assert!(!Principal::parse("Federated", "accounts.google.com").unwrap().covers(&caller));
    }

    #[test]
    fn what_names_nobody_is_refused() {
        for text in [
            "",
            "99998888777",
            "arn:aws:iam::999988887777:role/*",
            "arn:aws:iam::*:root",
            "arn:aws:iam::999988887777:role/",
            "arn:aws:s3:::bucket",
            "AROAEXAMPLE",
            "AROAexampleexample234",
            "ASIAEXAMPLEEXAMPLE234",
        ] {
            assert_eq!(Principal::parse("AWS", text), None, "{text}");
        }
        assert_eq!(Principal::parse("CanonicalUser", "abc"), None);
    }
}
