//! `AssumeRole`: every rule about its parameters, then who may, then for how long.
//!
//! The order matters for what a stranger learns: nothing about a role, not even that it exists, is said before the
//! caller is allowed to assume it.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::{TimeDelta, Timelike};
use secrecy::ExposeSecret;

use super::calls::{AssumeRoleParameters, Call};
use super::fault::{Fault, assume_role_denied};
use super::role::{Role, RoleArn};
use super::session::{Credentials, Session, timestamp};
use super::sts::Form;
use super::{Incoming, Inner, xml};
use crate::domain::policy::{Access, Context, Document, DocumentError};

/// The length of a session that asks for none. Source: STS API reference, `AssumeRole`.
const DEFAULT_SECONDS: u32 = 3_600;

/// The longest session of a role assumed with a role's credentials. Source: IAM user guide, "role chaining".
const CHAINED_SECONDS: u32 = 3_600;

/// What session policy and tags may take together, in bytes. AWS measures a packed form that it does not publish, in a
/// token of at most this size; plain bytes are the nearest stand-in.
const PACKED_BYTES: usize = 4_096;

/// Carries the call out; the inner XML of its result.
pub(super) fn assume_role(
    aws: &Inner,
    incoming: &Incoming,
    caller: &Session,
    region: &str,
    mut form: Form,
    call: &mut Call,
) -> Result<String, Fault> {
    let parameters = take_parameters(&mut form);
    call.assume_role = Some(parameters.clone());
    if let Some(name) = form.left_over() {
        // To ignore one could mean to ignore a restriction, or to seem to keep a promise.
        return Err(Fault::validation(format!("The small AWS does not carry out the parameter '{name}'")));
    }
    let asked = Asked::validate(parameters)?;
    let role = authorize(aws, incoming, caller, region, &asked)?;
    if asked.seconds > role.max_session_seconds {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    // Every caller here is itself a session of a role.
    if asked.seconds > CHAINED_SECONDS {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    let used = asked.policy.as_ref().map_or(0, String::len)
        + asked.tags.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let percent = (used * 100).div_ceil(PACKED_BYTES);
    if percent > 100 {
        let message = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
        return Err(Fault::new(StatusCode::BAD_REQUEST, "PackedPolicyTooLarge", message));
    }
    let issued_at = incoming.now.with_nanosecond(0).unwrap_or(incoming.now);
    let session = Session {
        role_arn: role.arn.clone(),
        role_id: role.id.clone(),
        name: asked.session_name,
        source_identity: asked.source_identity.or_else(|| caller.source_identity.clone()),
        tags: asked.tags,
        policy: asked.policy,
        issued_at,
        expires_at: Some(issued_at + TimeDelta::seconds(i64::from(asked.seconds))),
    };
    let credentials = aws.seal.issue(&session, aws.random.bytes()).ok_or_else(|| {
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "The session cannot be written down")
    })?;
    Ok(result(&session, &credentials, percent))
}

fn result(session: &Session, credentials: &Credentials, packed_percent: usize) -> String {
    let credentials = [
        xml::element("AccessKeyId", &credentials.access_key_id),
        xml::element("SecretAccessKey", credentials.secret_access_key.expose_secret()),
        xml::element("SessionToken", credentials.session_token.expose_secret()),
        session.expires_at.map(|at| xml::element("Expiration", &timestamp(at))).unwrap_or_default(),
    ];
    let user = [xml::element("AssumedRoleId", &session.user_id()), xml::element("Arn", &session.arn())];
    [
        xml::wrap("Credentials", &credentials.concat()),
        xml::wrap("AssumedRoleUser", &user.concat()),
        session.source_identity.as_deref().map(|text| xml::element("SourceIdentity", text)).unwrap_or_default(),
        xml::element("PackedPolicySize", &packed_percent.to_string()),
    ]
    .concat()
}

fn take_parameters(form: &mut Form) -> AssumeRoleParameters {
    let mut tags = Vec::new();
    loop {
        let number = tags.len() + 1;
        let key = form.take(&format!("Tags.member.{number}.Key"));
        let value = form.take(&format!("Tags.member.{number}.Value"));
        match (key, value) {
            (None, None) => break,
            (key, value) => tags.push((key.unwrap_or_default(), value.unwrap_or_default())),
        }
    }
    AssumeRoleParameters {
        role_arn: form.take("RoleArn"),
        role_session_name: form.take("RoleSessionName"),
        policy: form.take("Policy"),
        duration_seconds: form.take("DurationSeconds"),
        external_id: form.take("ExternalId"),
        source_identity: form.take("SourceIdentity"),
        tags,
    }
}

/// The parameters, once they are what they must be.
struct Asked {
    role_arn: String,
    session_name: String,
    policy: Option<String>,
    seconds: u32,
    external_id: Option<String>,
    source_identity: Option<String>,
    tags: Vec<(String, String)>,
}

impl Asked {
    fn validate(parameters: AssumeRoleParameters) -> Result<Self, Fault> {
        let mut checks = Checks::default();
        checks.required("roleArn", parameters.role_arn.as_deref());
        checks.required("roleSessionName", parameters.role_session_name.as_deref());
        if let Some(text) = &parameters.role_arn {
            checks.length("roleArn", text, 20, 2_048);
            checks.pattern(
                "roleArn",
                text,
                r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
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
            checks.pattern("policy", text, r"[\u0009\u000A\u000D\u0020-\u00FF]+", |c| {
                matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
            });
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
            check_policy(text)?;
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

fn check_policy(text: &str) -> Result<(), Fault> {
    let message = match Document::parse(text) {
        Ok(_) => return Ok(()),
        Err(DocumentError::Json(_)) => "This policy contains invalid Json",
        Err(DocumentError::Principal { .. }) => "Policy document should not specify a principal.",
        Err(DocumentError::Policy(_) | DocumentError::Statement { .. }) => "Syntax errors in policy.",
    };
    Err(Fault::new(StatusCode::BAD_REQUEST, "MalformedPolicyDocument", message))
}

/// The role, when both sides allow the caller everything that the call contains: assuming, tagging, naming a source.
///
/// Each of the three is judged with the condition keys that AWS gives it and no others. An external id is a condition
/// on assuming alone.
fn authorize<'a>(
    aws: &'a Inner,
    incoming: &Incoming,
    caller: &Session,
    region: &str,
    asked: &Asked,
) -> Result<&'a Role, Fault> {
    let denied = |action: &str| assume_role_denied(&caller.arn(), action, &asked.role_arn);
    let source_identity = match (&asked.source_identity, &caller.source_identity) {
        (Some(asked), Some(inherited)) if asked != inherited => return Err(denied("sts:SetSourceIdentity")),
        (asked, inherited) => asked.as_ref().or(inherited.as_ref()),
    };
    let with_source = |context: Context| {
        source_identity.iter().fold(context, |context, source| context.with("sts:SourceIdentity", source.as_str()))
    };
    let with_tags = |context: Context| {
        let keys = asked.tags.iter().map(|(key, _)| key.clone());
        asked.tags.iter().fold(context.with_values("aws:TagKeys", keys), |context, (key, value)| {
            context.with(&format!("aws:RequestTag/{key}"), value)
        })
    };
    let common = caller.context(incoming.now, region);
    let mut assuming = with_tags(with_source(common.clone())).with("sts:RoleSessionName", &asked.session_name);
    if let Some(external_id) = &asked.external_id {
        assuming = assuming.with("sts:ExternalId", external_id);
    }
    let mut steps = vec![("sts:AssumeRole", assuming)];
    if !asked.tags.is_empty() {
        steps.push(("sts:TagSession", with_tags(common.clone())));
    }
    if source_identity.is_some() {
        steps.push(("sts:SetSourceIdentity", with_source(common)));
    }
    let own_role = aws.role_of(caller).ok_or_else(|| denied("sts:AssumeRole"))?;
    let role = aws.roles.get(&asked.role_arn).ok_or_else(|| denied("sts:AssumeRole"))?;
    let trust = role.trust.as_ref().ok_or_else(|| denied("sts:AssumeRole"))?;
    for (action, context) in steps {
        let who = caller.caller();
        if own_role.decide(caller, Some((trust, &who)), action, &asked.role_arn, &context) != Access::Allowed {
            return Err(denied(action));
        }
    }
    Ok(role)
}

/// Collects what is wrong, to say it all at once as AWS does.
#[derive(Default)]
struct Checks(Vec<String>);

impl Checks {
    fn fails(&mut self, member: &str, value: &str, must: &str) {
        self.0.push(format!("Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}"));
    }

    fn required(&mut self, member: &str, value: Option<&str>) {
        if value.is_none() {
            self.0.push(format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"));
        }
    }

    fn length(&mut self, member: &str, text: &str, least: usize, most: usize) {
        let chars = text.chars().count();
        if chars < least {
            self.fails(member, text, &format!("have length greater than or equal to {least}"));
        }
        if chars > most {
            self.fails(member, text, &format!("have length less than or equal to {most}"));
        }
    }

    fn pattern(&mut self, member: &str, text: &str, pattern: &str, fits: impl Fn(char) -> bool) {
        if !text.chars().all(fits) {
            self.fails(member, text, &format!("satisfy regular expression pattern: {pattern}"));
        }
    }

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

    fn finish(self) -> Result<(), Fault> {
        match self.0.len() {
            0 => Ok(()),
            1 => Err(Fault::validation(format!("1 validation error detected: {}", self.0[0]))),
            count => Err(Fault::validation(format!("{count} validation errors detected: {}", self.0.join("; ")))),
        }
    }
}

/// `\w` of ASCII, and what else a session may be called by.
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | ',' | '.' | '@' | '-')
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

    fn refused(change: impl FnOnce(&mut AssumeRoleParameters)) -> (&'static str, String) {
        let mut parameters = valid();
        change(&mut parameters);
        let fault = Asked::validate(parameters).err().unwrap();
        (fault.code, fault.message)
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
                r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
                "Policy document should not specify a principal.",
            ),
        ] {
            let (code, message) = refused(|parameters| parameters.policy = Some(policy.into()));
            assert_eq!((code, message.as_str()), ("MalformedPolicyDocument", expected), "{policy}");
        }
    }
}
