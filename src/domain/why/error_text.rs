//! What an error of AWS says, in whichever form a tool printed it.
//!
//! Of a text only this leaves here: a code, the name of an operation, the caller's ARN, an action, a resource's ARN, and
//! which kind of policy is said to have stopped the call. Each has a form that is checked, so whatever else stood in the
//! text (keys, tokens, data) is in none of them. [`AwsError`]'s `Display` writes exactly these parts as AWS would, and
//! reading that gives the same again: a helper sends it instead of what was pasted, and there is one reader for both.
//!
//! The forms of the sentence: IAM User Guide, "Troubleshoot access denied error messages".

use std::fmt;

use super::caller_arn::CallerArn;
use super::scan::{after_last, head, on_one_line, token, word};
use crate::domain::account::{Answered, ProbeAnswer, ProbeOutcome};

/// How much is read of what somebody pastes.
pub const PASTED_MAX_BYTES: usize = 64 * 1024;

/// How far behind the action AWS's sentence goes on: a resource of 1,024 characters and the longest of the reasons.
const SENTENCE_MAX_CHARS: usize = 2_000;

/// The longest ARN of a resource that is read: that of an object, whose key has 1,024 bytes.
const RESOURCE_MAX_BYTES: usize = 1_200;

const NOT_AUTHORIZED: &str = " is not authorized to perform: ";

/// An error, as far as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// AWS's code: `AccessDenied`.
    pub code: Option<String>,
    /// The operation that was called: `ListHITs`.
    pub operation: Option<String>,
    /// Who called.
    pub caller: Option<CallerArn>,
    /// The action that was not allowed: `mechanicalturk:ListHITs`.
    pub action: Option<String>,
    /// The ARN of what was called upon.
    pub resource: Option<String>,
    /// What stopped it, where AWS says.
    pub reason: Option<Reason>,
}

/// A kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The call is not allowed.
    Denied,
    /// The credentials are over.
    Expired,
    /// The clock of whoever called is off.
    Skewed,
    /// Too many calls.
    Throttled,
    /// The AWS account is linked to no account of the service.
    NotLinked,
    /// The service says that it is closed.
    Closed,
    /// What was called upon is in another region, or this one is switched off.
    WrongRegion,
    /// There is no such bucket.
    NoSuchBucket,
    /// AWS does not know the credentials.
    BadCredentials,
    /// The tool found no credentials.
    NoCredentials,
    /// AWS was not reached.
    Unreachable,
    /// Another error of AWS's.
    Other,
}

/// Why a call was stopped, in AWS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The kind of policy; none where AWS says only that something denies.
    pub by: Option<Layer>,
    /// Whether a statement denies it, or merely none allows it.
    pub explicit: bool,
}

/// A kind of policy that AWS names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Passed to `AssumeRole`: ours.
    SessionPolicy,
    /// Attached to the role.
    IdentityPolicy,
    /// The most that the role may ever have.
    Boundary,
    /// Of the organization, about its accounts.
    ServiceControlPolicy,
    /// Of the organization, about its resources.
    ResourceControlPolicy,
    /// On what was called upon.
    ResourcePolicy,
    /// On the way there.
    VpcEndpointPolicy,
    /// Who may assume a role.
    TrustPolicy,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SessionPolicy,
        Self::IdentityPolicy,
        Self::Boundary,
        Self::ServiceControlPolicy,
        Self::ResourceControlPolicy,
        Self::ResourcePolicy,
        Self::VpcEndpointPolicy,
        Self::TrustPolicy,
    ];

    /// As AWS calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionPolicy => "session policy",
            Self::IdentityPolicy => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::ServiceControlPolicy => "service control policy",
            Self::ResourceControlPolicy => "resource control policy",
            Self::ResourcePolicy => "resource-based policy",
            Self::VpcEndpointPolicy => "VPC endpoint policy",
            Self::TrustPolicy => "role trust policy",
        }
    }
}

impl AwsError {
    /// Reads a text; `None` when there is no error of AWS's in it that is known.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let end = (0..=text.len().min(PASTED_MAX_BYTES)).rev().find(|end| text.is_char_boundary(*end))?;
        let text = on_one_line(&text[..end]);
        let denial = denial(&text);
        let said_before = if denial.is_some() { word_before_caller(&text) } else { &text };
        let code = marked_code(&text).or_else(|| known_code(said_before)).map(str::to_owned);
        let kind = match denial {
            Some(_) => ErrorKind::Denied,
            None => kind(&text, code.as_deref())?,
        };
        let (caller, action, resource, reason) = denial.unwrap_or_default();
        Some(Self { kind, operation: operation(&text).map(str::to_owned), code, caller, action, resource, reason })
    }
}

type Denial = (Option<CallerArn>, Option<String>, Option<String>, Option<Reason>);

/// AWS's sentence about a call that is not allowed; of several, the last: a tool that tries again says it again.
fn denial(text: &str) -> Option<Denial> {
    let at = text.rfind(NOT_AUTHORIZED)?;
    let caller = caller(&text[..at]);
    let said = &text[at + NOT_AUTHORIZED.len()..];
    let action = token(said).trim_end_matches([',', '.', ')', '}']);
    let rest = head(&said[token(said).len()..], SENTENCE_MAX_CHARS);
    let action = is_action(action).then(|| action.to_owned());
    let resource = rest.trim_start().strip_prefix("on resource: ").and_then(resource);
    (caller.is_some() || action.is_some()).then(|| (caller, action, resource, reason(rest)))
}

/// `AccessDeniedException: User: …`: a caller can be called anything, so a code is not looked for in their name.
fn word_before_caller(text: &str) -> &str {
    let before = text.rfind(NOT_AUTHORIZED).and_then(|at| text[..at].rfind("User: ").map(|at| &text[..at]));
    let before = before.unwrap_or_default().trim_end_matches([':', ' ']);
    before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

fn caller(before: &str) -> Option<CallerArn> {
    let last = before.trim_end_matches(['"', '\'']).rsplit([' ', '"', '\'', '>']).next()?;
    last.parse().ok()
}

/// `service:Action`, as AWS writes it.
fn is_action(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.len() <= 160 && text.split_once(':').is_some_and(|(service, name)| is_part(service) && is_part(name))
}

/// Some services quote the resource, and IAM says what kind it is: `policy arn:aws:iam::aws:policy/ReadOnlyAccess`.
fn resource(text: &str) -> Option<String> {
    let text = head(text, RESOURCE_MAX_BYTES + 64);
    let named = if let Some(quoted) = text.strip_prefix(['"', '\'']) {
        &quoted[..quoted.find(['"', '\''])?]
    } else {
        let end = [" because no ", " with an explicit deny"].iter().filter_map(|mark| text.find(mark)).min();
        let named = &text[..end.unwrap_or(text.len())];
        let named = named.find("arn:").filter(|at| *at < 40).map_or(named, |at| &named[at..]);
        token(named).trim_end_matches([',', '.', ')', '}'])
    };
    let fits = named.len() <= RESOURCE_MAX_BYTES && named.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    (fits && named.starts_with("arn:")).then(|| named.to_owned())
}

fn reason(sentence: &str) -> Option<Reason> {
    let lower = sentence.to_lowercase();
    let first = |marks: [&str; 2]| marks.iter().filter_map(|mark| Some((lower.find(mark)?, mark.len()))).min();
    let denied = first(["with an explicit deny", "due to an explicit deny"]);
    let unallowed = first(["because no ", "as no "]);
    let (explicit, (at, length)) = match (denied, unallowed) {
        (Some(denied), Some(unallowed)) if unallowed < denied => (false, unallowed),
        (Some(denied), _) => (true, denied),
        (None, unallowed) => (false, unallowed?),
    };
    let said = lower[at + length..].trim_start();
    let said = ["in an ", "in a "].iter().find_map(|article| said.strip_prefix(article)).unwrap_or(said);
    let by = Layer::ALL.into_iter().find(|layer| said.starts_with(&layer.as_str().to_lowercase()));
    (by.is_some() || explicit).then_some(Reason { by, explicit })
}

/// Where a code stands in what tools print: the AWS CLI and boto3; XML; JSON of several makes; Go, Java and Rust.
fn marked_code(text: &str) -> Option<&str> {
    const MARKS: [&str; 14] = [
        "An error occurred (",
        "<Code>",
        "api error ",
        "Error Code: ",
        "\"__type\":\"",
        "\"__type\": \"",
        "\"Code\":\"",
        "\"Code\": \"",
        "\"code\":\"",
        "\"code\": \"",
        "code: Some(\"",
        "code: \"",
        "Code: '",
        "code: '",
    ];
    let marked = MARKS.iter().find_map(|mark| {
        let behind = after_last(text, mark)?;
        // The JSON protocols may put a namespace before it: `com.amazonaws.mturk#RequestError`.
        let behind = token(behind).split_once('#').map_or(behind, |(_, code)| code);
        word(behind)
    });
    marked.filter(|code| !is_of_an_exit(code))
}

/// The first word that is a code wherever it stands: `AccessDenied: Access Denied`.
fn known_code(text: &str) -> Option<&str> {
    let is_code = |word: &&str| {
        let may_be = word.len() > 6 && word.starts_with(|c: char| c.is_ascii_uppercase());
        may_be && (KINDS.iter().any(|(code, _)| code == word) || is_of_a_service(word))
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).find(is_code)
}

/// Node's own errors have codes, too.
fn is_of_an_exit(code: &str) -> bool {
    code.starts_with("ERR_") || (code.starts_with('E') && code.bytes().all(|b| b.is_ascii_uppercase()))
}

fn is_of_a_service(word: &str) -> bool {
    matches!(of_code(word), ProbeOutcome::Throttled | ProbeOutcome::Identity)
}

/// What a code alone says, by the lists that probes go by.
fn of_code(code: &str) -> ProbeOutcome {
    ProbeAnswer::of(&Answered { status: 400, is_readable: true, code: Some(code), ..Answered::default() }).outcome
}

/// `An error occurred (…) when calling the X operation`; Go's `operation error S3: X,`; Java's and Rust's have none.
fn operation(text: &str) -> Option<&str> {
    let called = after_last(text, " when calling the ").and_then(word).or_else(|| {
        let behind = after_last(text, "operation error ")?;
        word(head(behind, 200).split_once(": ")?.1)
    });
    let command = || {
        let at = text.find("CommandError")?;
        let before = &text[..at];
        let start = before.rfind(|c: char| !c.is_ascii_alphanumeric())? + 1;
        // `de_ListHITsCommandError`; before 2023 `deserializeAws_restXmlPutObjectCommandError`.
        let name = before[start..].trim_start_matches(|c: char| !c.is_ascii_uppercase());
        word(name.strip_prefix("Xml").unwrap_or(name))
    };
    called.or_else(command)
}

/// Codes of which the lists of the probes say less than is known. Source: Amazon S3 API reference, "Error responses"; STS
/// and EC2 API references, "Common errors".
const KINDS: [(&str, ErrorKind); 21] = [
    ("UnauthorizedOperation", ErrorKind::Denied),
    ("AccessDeniedException", ErrorKind::Denied),
    ("AccessDenied", ErrorKind::Denied),
    ("AllAccessDisabled", ErrorKind::Denied),
    ("NotAuthorized", ErrorKind::Denied),
    ("403", ErrorKind::Denied),
    ("ExpiredToken", ErrorKind::Expired),
    ("ExpiredTokenException", ErrorKind::Expired),
    ("TokenRefreshRequired", ErrorKind::Expired),
    ("CredentialsProviderError", ErrorKind::NoCredentials),
    ("NoCredentialProviders", ErrorKind::NoCredentials),
    ("NoCredentialsError", ErrorKind::NoCredentials),
    ("RequestTimeTooSkewed", ErrorKind::Skewed),
    ("RequestExpired", ErrorKind::Skewed),
    ("PermanentRedirect", ErrorKind::WrongRegion),
    ("AuthorizationHeaderMalformed", ErrorKind::WrongRegion),
    ("IllegalLocationConstraintException", ErrorKind::WrongRegion),
    ("RegionDisabledException", ErrorKind::WrongRegion),
    ("OptInRequired", ErrorKind::WrongRegion),
    ("NoSuchBucket", ErrorKind::NoSuchBucket),
    ("EndpointConnectionError", ErrorKind::Unreachable),
];

/// Sentences that tell a kind where no code does, or more than the code. Source: botocore's `exceptions.py` and
/// `auth`; the signature errors are AWS's.
const SENTENCES: [(&str, ErrorKind); 14] = [
    ("security token included in the request is expired", ErrorKind::Expired),
    ("provided token has expired", ErrorKind::Expired),
    ("Signature expired", ErrorKind::Skewed),
    ("Signature not yet current", ErrorKind::Skewed),
    ("must be linked to your Amazon Mechanical Turk", ErrorKind::NotLinked),
    ("AccountNotLinked", ErrorKind::NotLinked),
    ("Unable to locate credentials", ErrorKind::NoCredentials),
    ("Could not load credentials from any providers", ErrorKind::NoCredentials),
    ("Error when retrieving credentials from custom-process", ErrorKind::NoCredentials),
    ("Unable to retrieve credentials from", ErrorKind::NoCredentials),
    ("Could not connect to the endpoint URL", ErrorKind::Unreachable),
    ("getaddrinfo ENOTFOUND", ErrorKind::Unreachable),
    ("STS is not activated in this region", ErrorKind::WrongRegion),
    ("Access Denied (Service: ", ErrorKind::Denied),
];

fn kind(text: &str, code: Option<&str>) -> Option<ErrorKind> {
    if let Some((_, kind)) = SENTENCES.iter().find(|(sentence, _)| text.contains(sentence)) {
        return Some(*kind);
    }
    let code = code?;
    if let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == code) {
        return Some(*kind);
    }
    Some(match of_code(code) {
        ProbeOutcome::Throttled => ErrorKind::Throttled,
        ProbeOutcome::Identity => ErrorKind::BadCredentials,
        ProbeOutcome::Closed => ErrorKind::Closed,
        outcome if outcome.is_denied() => ErrorKind::Denied,
        _ if speaks_of_closing(text, code) => ErrorKind::Closed,
        _ => ErrorKind::Other,
    })
}

/// In the sentence of the code, and nowhere else: connections are closed every day.
fn speaks_of_closing(text: &str, code: &str) -> bool {
    let said = after_last(text, code).map(|behind| head(behind, 400)).unwrap_or_default();
    // An operation can be called anything.
    let message = Some(said.split_once(" operation:").map_or(said, |(_, message)| message));
    let answered = Answered { status: 400, is_readable: true, code: Some(code), message, ..Answered::default() };
    ProbeAnswer::of(&answered).outcome == ProbeOutcome::Closed
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "the call is not allowed",
            Self::Expired => "the credentials are over",
            Self::Skewed => "the clock of the machine is off",
            Self::Throttled => "the service asks to slow down",
            Self::NotLinked => "the AWS account is linked to no account of the service",
            Self::Closed => "the service says that it is closed",
            Self::WrongRegion => "this is another region's",
            Self::NoSuchBucket => "there is no such bucket",
            Self::BadCredentials => "AWS does not know the credentials",
            Self::NoCredentials => "there were no credentials",
            Self::Unreachable => "AWS was not reached",
            Self::Other => "another error of AWS's",
        })
    }
}

impl ErrorKind {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Skewed => "clock",
            Self::Throttled => "throttled",
            Self::NotLinked => "not-linked",
            Self::Closed => "closed",
            Self::WrongRegion => "wrong-region",
            Self::NoSuchBucket => "no-such-bucket",
            Self::BadCredentials => "bad-credentials",
            Self::NoCredentials => "no-credentials",
            Self::Unreachable => "unreachable",
            Self::Other => "other",
        }
    }

    /// A sentence that is read as this kind and as no other, where the code alone is not.
    fn sentence(self) -> Option<&'static str> {
        SENTENCES.iter().find(|(_, kind)| *kind == self).map(|(sentence, _)| *sentence)
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "An error occurred ({code})")?,
            None => f.write_str("An error occurred")?,
        }
        if let Some(operation) = &self.operation {
            write!(f, " when calling the {operation} operation")?;
        }
        f.write_str(":")?;
        if self.caller.is_some() || self.action.is_some() {
            return self.write_denial(f);
        }
        match self.kind {
            ErrorKind::Closed => f.write_str(" closed"),
            kind => kind.sentence().map_or(Ok(()), |sentence| write!(f, " {sentence}")),
        }
    }
}

impl AwsError {
    fn write_denial(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caller = self.caller.as_ref().map_or("?", CallerArn::as_str);
        write!(f, " User: {caller}{NOT_AUTHORIZED}{}", self.action.as_deref().unwrap_or("null"))?;
        if let Some(resource) = &self.resource {
            write!(f, " on resource: \"{resource}\"")?;
        }
        match self.reason {
            None => Ok(()),
            Some(Reason { by: None, .. }) => f.write_str(" with an explicit deny"),
            Some(Reason { by: Some(layer), explicit: true }) => {
                write!(f, " with an explicit deny in a {}", layer.as_str())
            }
            Some(Reason { by: Some(layer), explicit: false }) => write!(f, " because no {} allows it", layer.as_str()),
        }
    }
}

#[cfg(test)]
mod tests;
