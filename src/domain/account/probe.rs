//! What a service answers to a lab's credentials: whether they work, and if not, who could mend it.
//!
//! The words are AWS's. Where nobody has published them, this says so: AWS's own sentence is kept beside every outcome, for
//! whoever knows better.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::ParseError;

/// How much of AWS's own words is kept.
const MESSAGE_MAX_CHARS: usize = 300;

/// The longest code or request id that is kept: AWS's own are a third of that.
const WORD_MAX_CHARS: usize = 128;

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeOutcome {
    /// The call was carried out.
    Works,
    /// The policy of the lab's role does not allow the call.
    DeniedBySessionPolicy,
    /// The session role's boundary does not allow the call.
    DeniedByBoundary,
    /// The session role's own policies do not allow the call.
    DeniedByIdentityPolicy,
    /// The organization that the account is in does not allow the call.
    DeniedByOrganization,
    /// The call is not allowed, and AWS does not say by what.
    Denied,
    /// The AWS account is linked to no account of the service.
    NotLinked,
    /// The bucket that the role is for is not there.
    NoSuchBucket,
    /// The service says that it is closed.
    ///
    /// This is a guess. AWS closed Mechanical Turk on 2026-09-30, and nobody we know of has published what it answers
    /// since. So a status or a word that says so is taken for it.
    Closed,
    /// Too many calls.
    Throttled,
    /// The service does not take the credentials, whatever they allow.
    Identity,
    /// No answer.
    Unreachable,
    /// The broker does not know how to call the service.
    Unsupported,
    /// Any other answer.
    Other,
}

impl ProbeOutcome {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Works,
        Self::DeniedBySessionPolicy,
        Self::DeniedByBoundary,
        Self::DeniedByIdentityPolicy,
        Self::DeniedByOrganization,
        Self::Denied,
        Self::NotLinked,
        Self::NoSuchBucket,
        Self::Closed,
        Self::Throttled,
        Self::Identity,
        Self::Unreachable,
        Self::Unsupported,
        Self::Other,
    ];

    /// The word in the API and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::DeniedBySessionPolicy => "denied-by-session-policy",
            Self::DeniedByBoundary => "denied-by-boundary",
            Self::DeniedByIdentityPolicy => "denied-by-identity-policy",
            Self::DeniedByOrganization => "denied-by-organization",
            Self::Denied => "denied",
            Self::NotLinked => "not-linked",
            Self::NoSuchBucket => "no-such-bucket",
            Self::Closed => "closed",
            Self::Throttled => "throttled",
            Self::Identity => "identity",
            Self::Unreachable => "unreachable",
            Self::Unsupported => "unsupported",
            Self::Other => "other",
        }
    }

    /// Whether a policy does not allow the call.
    #[must_use]
    pub const fn is_denied(self) -> bool {
        matches!(
            self,
            Self::DeniedBySessionPolicy
                | Self::DeniedByBoundary
                | Self::DeniedByIdentityPolicy
                | Self::DeniedByOrganization
                | Self::Denied
        )
    }

    /// Whether the same call could be answered otherwise a moment later.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable)
    }
}

impl FromStr for ProbeOutcome {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| ParseError::new("outcome of a probe", "one of its words"))
    }
}

impl fmt::Display for ProbeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Works => "the call works",
            Self::DeniedBySessionPolicy => "the role's session policy does not allow the call",
            Self::DeniedByBoundary => "the session role's permissions boundary does not allow the call",
            Self::DeniedByIdentityPolicy => "the session role's own policies do not allow the call",
            Self::DeniedByOrganization => "the account's organization does not allow the call",
            Self::Denied => "AWS does not allow the call, and does not say why",
            Self::NotLinked => "the AWS account is linked to no account of the service",
            Self::NoSuchBucket => "the bucket that the role is for is not there",
            Self::Closed => "the service says that it is closed",
            Self::Throttled => "the service asked to slow down",
            Self::Identity => "the service does not accept the credentials",
            Self::Unreachable => "the service does not answer",
            Self::Unsupported => "the broker does not know how to try this service",
            Self::Other => "the service answered something unexpected",
        })
    }
}

/// What came of a probe, with AWS's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeAnswer {
    /// What it means.
    pub outcome: ProbeOutcome,
    /// The HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// AWS's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// AWS's sentence, as far as it can be printed and at most 300 characters of it. Absent when the call works: what it
    /// found is the lab's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// AWS's name for the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An answer of a service as it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answered<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Whether the body is one that the service writes. What is not may come from something on the way to it.
    pub is_readable: bool,
    /// The error code.
    pub code: Option<&'a str>,
    /// A second code, which some services have beside a general one.
    pub detail: Option<&'a str>,
    /// The sentence.
    pub message: Option<&'a str>,
    /// The name of the call.
    pub request_id: Option<&'a str>,
}

impl ProbeAnswer {
    /// There was no answer.
    #[must_use]
    pub const fn unreachable() -> Self {
        Self::without_words(ProbeOutcome::Unreachable)
    }

    /// Nobody was asked.
    #[must_use]
    pub const fn unsupported() -> Self {
        Self::without_words(ProbeOutcome::Unsupported)
    }

    const fn without_words(outcome: ProbeOutcome) -> Self {
        Self { outcome, status: None, code: None, message: None, request_id: None }
    }

    /// What an answer means.
    #[must_use]
    pub fn of(answered: &Answered<'_>) -> Self {
        let outcome = outcome(answered);
        let message = answered.message.filter(|_| outcome != ProbeOutcome::Works);
        Self {
            outcome,
            status: Some(answered.status),
            code: answered.code.and_then(word),
            message: message.and_then(sentence),
            request_id: answered.request_id.and_then(word),
        }
    }
}

fn outcome(answered: &Answered<'_>) -> ProbeOutcome {
    if (200..300).contains(&answered.status) {
        return if answered.is_readable { ProbeOutcome::Works } else { ProbeOutcome::Other };
    }
    let code = answered.code.unwrap_or_default();
    let said = answered.message.unwrap_or_default().to_lowercase();
    if answered.status == 429 || THROTTLED.contains(&code) {
        return ProbeOutcome::Throttled;
    }
    if IDENTITY.contains(&code) {
        return ProbeOutcome::Identity;
    }
    let is_denied = matches!(code, "AccessDenied" | "AccessDeniedException");
    if let Some((_, by)) = DENIERS.into_iter().find(|(kind, _)| is_denied && denies(&said, kind)) {
        return by;
    }
    if answered.detail.is_some_and(|detail| detail.ends_with("AccountNotLinked")) || said.contains("must be linked") {
        return ProbeOutcome::NotLinked;
    }
    if code == "NoSuchBucket" {
        return ProbeOutcome::NoSuchBucket;
    }
    if answered.status == 410 || speaks_of_closing(code, &said) {
        return ProbeOutcome::Closed;
    }
    if is_denied { ProbeOutcome::Denied } else { ProbeOutcome::Other }
}

/// Source: AWS SDK retry behaviour, "throttling errors"; and the common errors of the JSON protocols.
const THROTTLED: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
];

/// Source: the common errors of the query and of the JSON protocols, and Amazon S3's.
const IDENTITY: [&str; 15] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
];

/// Who denies, as AWS calls them. Source: IAM User Guide, "Troubleshoot access denied error messages".
const DENIERS: [(&str, ProbeOutcome); 5] = [
    ("session policy", ProbeOutcome::DeniedBySessionPolicy),
    ("permissions boundary", ProbeOutcome::DeniedByBoundary),
    ("identity-based policy", ProbeOutcome::DeniedByIdentityPolicy),
    ("service control policy", ProbeOutcome::DeniedByOrganization),
    ("resource control policy", ProbeOutcome::DeniedByOrganization),
];

fn denies(said: &str, kind: &str) -> bool {
    said.contains(&format!("because no {kind} allows"))
        || ["a", "an"].iter().any(|article| said.contains(&format!("with an explicit deny in {article} {kind}")))
}

fn speaks_of_closing(code: &str, said: &str) -> bool {
    let is_word = |text: &str, word: &str| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == word);
    ["Closed", "Discontinued", "ShutDown", "Shutdown", "NoLongerAvailable"].iter().any(|word| code.contains(word))
        || ["closed", "discontinued"].iter().any(|word| is_word(said, word))
        || ["no longer available", "shut down"].iter().any(|words| said.contains(words))
}

/// A code or an id; what is none of AWS's is left out.
fn word(text: &str) -> Option<String> {
    let fits = (1..=WORD_MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// On one line, without what moves a cursor or turns the direction of writing.
fn sentence(text: &str) -> Option<String> {
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_printable = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let kept: String = spaced.chars().filter(is_printable).take(MESSAGE_MAX_CHARS).collect();
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, code: &str, message: &str) -> ProbeOutcome {
        let answered =
            Answered { status, is_readable: true, code: Some(code), message: Some(message), ..Answered::default() };
        ProbeAnswer::of(&answered).outcome
    }

    fn denial(reason: &str) -> String {
        format!(
            "User: arn:aws:sts::111122223333:assumed-role/lodge-session/rs-1 is not authorized to perform: \
             mechanicalturk:ListHITs {reason}"
        )
    }

    #[test]
    fn a_denial_is_told_apart_by_what_aws_says() {
        use ProbeOutcome as Is;
        let because = |kind: &str| denial(&format!("because no {kind} allows the mechanicalturk:ListHITs action"));
        let explicit = |kind: &str| denial(&format!("with an explicit deny in {kind}"));
        for (message, outcome) in [
            (because("session policy"), Is::DeniedBySessionPolicy),
            (because("permissions boundary"), Is::DeniedByBoundary),
            (because("identity-based policy"), Is::DeniedByIdentityPolicy),
            (because("service control policy"), Is::DeniedByOrganization),
            (because("resource control policy"), Is::DeniedByOrganization),
            (because("VPC endpoint policy"), Is::Denied),
            (explicit("a session policy"), Is::DeniedBySessionPolicy),
            (explicit("a permissions boundary"), Is::DeniedByBoundary),
            (explicit("an identity-based policy"), Is::DeniedByIdentityPolicy),
            (explicit("a service control policy: arn:aws:organizations::9:policy/p-1"), Is::DeniedByOrganization),
            (explicit("a resource control policy"), Is::DeniedByOrganization),
            (explicit("a resource-based policy"), Is::Denied),
            (denial(""), Is::Denied),
            (String::new(), Is::Denied),
            ("The service has been shut down.".to_owned(), Is::Closed),
        ] {
            for code in ["AccessDenied", "AccessDeniedException"] {
                assert_eq!(read(403, code, &message), outcome, "{message}");
                assert!(outcome.is_denied() || outcome == Is::Closed);
            }
        }
        assert_eq!(read(400, "ValidationException", &because("session policy")), Is::Other);
    }

    #[test]
    fn codes_and_words_of_other_answers() {
        use ProbeOutcome as Is;
        for (status, code, message, outcome) in [
            (400, "ThrottlingException", "Rate exceeded", Is::Throttled),
            (503, "SlowDown", "Please reduce your request rate.", Is::Throttled),
            (429, "Whatever", "", Is::Throttled),
            (400, "UnrecognizedClientException", "The security token is invalid.", Is::Identity),
            (403, "ExpiredToken", "expired", Is::Identity),
            (403, "SignatureDoesNotMatch", "", Is::Identity),
            (400, "RequestError", "Your AWS account must be linked to your requester account.", Is::NotLinked),
            (410, "Gone", "", Is::Closed),
            (400, "ServiceClosedException", "", Is::Closed),
            (400, "RequestError", "Amazon Mechanical Turk is closed.", Is::Closed),
            (404, "ResourceNotFound", "This service was discontinued on September 30, 2026.", Is::Closed),
            (503, "ServiceUnavailable", "This API is no longer available", Is::Closed),
            (400, "RequestError", "The HIT's content is not disclosed.", Is::Other),
            (500, "ServiceFault", "Something went wrong", Is::Other),
            (301, "", "", Is::Other),
        ] {
            assert_eq!(read(status, code, message), outcome, "{status} {code}: {message}");
        }
        let unlinked = Answered {
            status: 400,
            is_readable: true,
            code: Some("RequestError"),
            detail: Some("AWS.MechanicalTurk.AccountNotLinked"),
            message: Some("Ask somebody."),
            ..Answered::default()
        };
        assert_eq!(ProbeAnswer::of(&unlinked).outcome, Is::NotLinked);
    }

    #[test]
    fn what_works_shows_nothing_of_what_it_found_and_what_is_not_the_services_is_no_success() {
        let found = Answered {
            status: 200,
            is_readable: true,
            message: Some("the lab's results"),
            request_id: Some("7f3a"),
            ..Answered::default()
        };
        let works = ProbeAnswer::of(&found);
        let portal = ProbeAnswer::of(&Answered { is_readable: false, message: Some("Please sign in"), ..found });

        assert_eq!(
            (works.outcome, works.message, works.request_id.as_deref()),
            (ProbeOutcome::Works, None, Some("7f3a"))
        );
        assert_eq!((portal.outcome, portal.message.as_deref()), (ProbeOutcome::Other, Some("Please sign in")));
    }

    #[test]
    fn what_is_kept_of_an_answer_is_short_and_on_one_line() {
        let long = format!("a\r\n\tb \u{1b}[31m\u{202e}{}", "x".repeat(1_000));
        let answered = Answered {
            status: 400,
            code: Some("with a space"),
            message: Some(&long),
            request_id: Some("\n"),
            ..Answered::default()
        };

        let answer = ProbeAnswer::of(&answered);

        let message = answer.message.unwrap();
        assert!(message.starts_with("a b [31mxxx") && message.chars().count() == 300, "{message}");
        assert_eq!((answer.code, answer.request_id), (None, None));
    }

    #[test]
    fn every_outcome_is_read_back_from_its_word() {
        for outcome in ProbeOutcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
            let said = outcome.to_string();
            assert!(!said.ends_with('.') && said.chars().next().is_some_and(char::is_alphabetic), "{said}");
        }
        assert!("".parse::<ProbeOutcome>().is_err());
    }
}
