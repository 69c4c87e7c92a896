//! The parameters of an `AssumeRole`, held against every rule of the STS API reference.
//!
//! Nothing here looks at a role: what is refused here is refused whether or not the role exists.

use std::collections::BTreeSet;

use super::calls::AssumeRoleParameters;
use super::checks::{Checks, is_name_char};
use super::fault::{Fault, malformed_policy};
use super::role::RoleArn;
use crate::domain::policy::Document;

/// The length of a session that asks for none. Source: STS API reference, `AssumeRole`.
const DEFAULT_SECONDS: u32 = 3_600;

/// The characters of a role's ARN, as the API reference writes them.
const ARN_PATTERN: &str = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+";

/// The parameters, once they are what they must be.
pub(super) struct Asked {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) policy: Option<String>,
    pub(super) seconds: u32,
    pub(super) external_id: Option<String>,
    pub(super) source_identity: Option<String>,
    pub(super) tags: Vec<(String, String)>,
}

impl Asked {
    /// Checks every rule of the API reference that needs no role.
    pub(super) fn validate(parameters: AssumeRoleParameters) -> Result<Self, Fault> {
        let mut checks = Checks::default();
        checks.required("roleArn", parameters.role_arn.as_deref());
        checks.required("roleSessionName", parameters.role_session_name.as_deref());
        if let Some(text) = &parameters.role_arn {
            checks.length("roleArn", text, 20, 2_048);
            checks.pattern(
                "roleArn",
                text,
                ARN_PATTERN,
                |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..),
            );
        }
        if let Some(text) = &parameters.role_session_name {
            checks.name("roleSessionName", text);
        }
        if let Some(text) = &parameters.source_identity {
            // The prefix `aws:`, which is reserved, falls to the pattern: a colon is no character of a name.
            checks.name("sourceIdentity", text);
        }
        if let Some(text) = &parameters.external_id {
            checks.length("externalId", text, 2, 1_224);
            checks.pattern("externalId", text, r"[\w+=,.@:\/-]*", |c| is_name_char(c) || matches!(c, ':' | '/'));
        }
        if let Some(text) = &parameters.policy {
            checks.length("policy", text, 0, 2_048);
            checks.policy_chars("policy", text);
        }
        let seconds = checks.seconds(parameters.duration_seconds.as_deref());
        checks.tags(&parameters.tags);
        checks.finish()?;
        let mut keys = BTreeSet::new();
        if !parameters.tags.iter().all(|(key, _)| keys.insert(key.to_lowercase())) {
            return Err(Fault::validation("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        let role_arn = parameters.role_arn.unwrap_or_default();
        if RoleArn::parse(&role_arn).is_none() {
            return Err(Fault::validation(format!("{role_arn} is invalid")));
        }
        if let Some(text) = &parameters.policy {
            Document::parse(text).map_err(|error| malformed_policy(&error))?;
        }
        Ok(Self {
            role_arn,
            session_name: parameters.role_session_name.unwrap_or_default(),
            policy: parameters.policy,
            seconds,
            external_id: parameters.external_id,
            source_identity: parameters.source_identity,
            tags: parameters.tags,
        })
    }
}

impl Checks {
    fn name(&mut self, member: &str, text: &str) {
        self.length(member, text, 2, 64);
        self.pattern(member, text, r"[\w+=,.@-]*", is_name_char);
    }

    fn seconds(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return DEFAULT_SECONDS };
        match text.parse::<i64>() {
            Err(_) => self.fails("durationSeconds", text, "be a whole number"),
            Ok(seconds) if seconds < 900 => {
                self.fails("durationSeconds", text, "have value greater than or equal to 900");
            }
            Ok(seconds) if seconds > 43_200 => {
                self.fails("durationSeconds", text, "have value less than or equal to 43200");
            }
            Ok(seconds) => return u32::try_from(seconds).unwrap_or(u32::MAX),
        }
        u32::MAX
    }

    fn tags(&mut self, tags: &[(String, String)]) {
        if tags.len() > 50 {
            let listed = format!("[{} tags]", tags.len());
            self.fails("tags", &listed, "have length less than or equal to 50");
        }
        for (index, (key, value)) in tags.iter().enumerate() {
            let member = format!("tags.{}.member", index + 1);
            self.length(&format!("{member}.key"), key, 1, 128);
            self.pattern(&format!("{member}.key"), key, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", is_tag_char);
            self.length(&format!("{member}.value"), value, 0, 256);
            self.pattern(&format!("{member}.value"), value, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", is_tag_char);
        }
    }
}

fn is_tag_char(c: char) -> bool {
    c.is_alphanumeric()
        || (c.is_whitespace() && !c.is_control())
        || matches!(c, '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> AssumeRoleParameters {
        AssumeRoleParameters {
            role_arn: Some("arn:aws:iam::111122223333:role/lodge-session".into()),
            role_session_name: Some("rs-0123456789abcdef".into()),
            ..AssumeRoleParameters::default()
        }
    }

    fn refused(change: impl FnOnce(&mut AssumeRoleParameters)) -> (String, String) {
        let mut parameters = valid();
        change(&mut parameters);
        let fault = Asked::validate(parameters).err().unwrap();
        (fault.code.into_owned(), fault.message)
    }

    #[test]
    fn the_shortest_request_is_an_hour() {
        assert_eq!(Asked::validate(valid()).ok().unwrap().seconds, 3_600);
    }

    #[test]
    fn a_name_is_refused_in_the_words_of_aws() {
        let (code, message) = refused(|parameters| parameters.role_session_name = Some("a b".into()));

        assert_eq!(code, "ValidationError");
        assert_eq!(
            message,
            "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        );
    }

    #[test]
    fn several_errors_are_said_together() {
        let (_, message) = refused(|parameters| {
            parameters.role_arn = None;
            parameters.role_session_name = Some("x".into());
        });

        assert!(message.starts_with("2 validation errors detected: Value null at 'roleArn'"), "{message}");
    }

    #[test]
    fn every_limit_is_kept() {
        type Change = Box<dyn FnOnce(&mut AssumeRoleParameters)>;
        let tags = |tags: Vec<(String, String)>| -> Change { Box::new(move |parameters| parameters.tags = tags) };
        let tag = |key: &str, value: &str| tags(vec![(key.to_owned(), value.to_owned())]);
        let cases: Vec<(Change, &str)> = vec![
            (Box::new(|p| p.role_session_name = Some("é1".into())), "regular expression"),
            (Box::new(|p| p.role_session_name = Some("a".repeat(65))), "less than or equal to 64"),
            (Box::new(|p| p.role_arn = Some("arn:aws:iam::1".into())), "greater than or equal to 20"),
            (Box::new(|p| p.role_arn = Some("arn:aws:iam::111122223333:user/x".into())), "is invalid"),
            (Box::new(|p| p.source_identity = Some("p".into())), "greater than or equal to 2"),
            (Box::new(|p| p.source_identity = Some("a/b".into())), "regular expression"),
            (Box::new(|p| p.source_identity = Some("aws:someone".into())), "regular expression"),
            (Box::new(|p| p.external_id = Some("x".into())), "greater than or equal to 2"),
            (Box::new(|p| p.external_id = Some("x".repeat(1_225))), "less than or equal to 1224"),
            (Box::new(|p| p.duration_seconds = Some("899".into())), "greater than or equal to 900"),
            (Box::new(|p| p.duration_seconds = Some("43201".into())), "less than or equal to 43200"),
            (Box::new(|p| p.duration_seconds = Some("1h".into())), "be a whole number"),
            (Box::new(|p| p.policy = Some(" ".repeat(2_049))), "less than or equal to 2048"),
            (Box::new(|p| p.policy = Some("\u{100}".into())), "regular expression"),
            (tags((0..51).map(|n| (format!("k{n}"), String::new())).collect()), "less than or equal to 50"),
            (tag("", "v"), "greater than or equal to 1"),
            (tag(&"k".repeat(129), "v"), "less than or equal to 128"),
            (tag("k", &"v".repeat(257)), "less than or equal to 256"),
            (tag("k;", "v"), "regular expression"),
            (tag("k", "a,b"), "regular expression"),
            (tags(vec![("Role".into(), String::new()), ("role".into(), String::new())]), "Duplicate tag keys"),
        ];
        for (change, expected) in cases {
            let (code, message) = refused(change);
            assert_eq!(code, "ValidationError", "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_policy_that_is_none_is_malformed() {
        for (policy, expected) in [
            ("", "This policy contains invalid Json"),
            ("{", "This policy contains invalid Json"),
            ("{}", "Syntax errors in policy."),
            (r#"{"Version":"2012-10-17","Statement":[]}"#, "Syntax errors in policy."),
            (
                r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Principal":"*"}}"#,
                "Policy document should not specify a principal.",
            ),
        ] {
            let (code, message) = refused(|parameters| parameters.policy = Some(policy.into()));
            assert_eq!((code.as_str(), message.as_str()), ("MalformedPolicyDocument", expected), "{policy}");
        }
    }
}
