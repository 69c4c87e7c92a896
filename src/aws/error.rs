//! What AWS said, in the few kinds that somebody can act on.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;

use crate::domain::ledger::Failure;

/// An AWS call that did not work. Holds AWS's code and request id and what we know to look for in AWS's message, never the
/// message itself: it can name ARNs of the broker's own account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}{}", code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct Error {
    /// What kind of trouble.
    pub failure: Failure,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's name for the call.
    pub request_id: Option<String>,
    /// What its message says beside the code.
    pub hint: Option<Hint>,
}

/// Something that AWS says in words alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Assuming the role is not allowed.
    AssumeRole,
    /// Tagging the session is not allowed.
    TagSession,
    /// Giving the session a source identity is not allowed.
    SetSourceIdentity,
    /// This action of IAM is not allowed: `iam:GetRole`.
    Iam(&'static str),
    /// A session of the role may not be as long as was asked for.
    MaxSessionDuration,
    /// A session of a role that a role assumed may not be as long as was asked for.
    RoleChaining,
}

impl Error {
    pub(super) fn mismatch(request_id: Option<String>) -> Self {
        Self { failure: Failure::Mismatch, code: None, request_id, hint: None }
    }

    /// The broker's own clock is wrong.
    pub(super) fn clock_behind(request_id: Option<String>) -> Self {
        Self { failure: Failure::Identity, code: None, request_id, hint: None }
    }

    pub(super) const fn unreachable() -> Self {
        Self { failure: Failure::Unreachable, code: None, request_id: None, hint: None }
    }

    /// Whether AWS said that something is not allowed, and meant the call itself. A region that is switched off is told
    /// with another code.
    pub(super) fn is_access_denied(&self) -> bool {
        self.failure == Failure::Denied && self.code.as_deref() != Some("RegionDisabledException")
    }

    /// Whether AWS said that there is no such thing.
    #[must_use]
    pub fn is_no_such_entity(&self) -> bool {
        matches!(self.code.as_deref(), Some("NoSuchEntity" | "NoSuchEntityException"))
    }
}

impl Error {
    /// Whether IAM said that a quota would be exceeded.
    #[must_use]
    pub fn is_limit_exceeded(&self) -> bool {
        matches!(self.code.as_deref(), Some("LimitExceeded" | "LimitExceededException"))
    }
}

impl<E: ProvideErrorMetadata, R> From<&SdkError<E, R>> for Error
where
    SdkError<E, R>: RequestId,
{
    fn from(error: &SdkError<E, R>) -> Self {
        let (code, hint) = match error {
            SdkError::ServiceError(answer) => {
                (answer.err().code().map(str::to_owned), answer.err().message().and_then(hint_in))
            }
            _ => (None, None),
        };
        let failure = match error {
            // Without a code it is not AWS that speaks, but something on the way to it.
            SdkError::ServiceError(_) => code.as_deref().map_or(Failure::Unreachable, failure_of),
            // Nothing was sent: the SDK found no credentials to sign with, or could not build the request.
            SdkError::ConstructionFailure(_) => Failure::Identity,
            SdkError::DispatchFailure(failure)
                if failure.as_connector_error().is_some_and(|e| lacks_credentials(e)) =>
            {
                Failure::Identity
            }
            _ => Failure::Unreachable,
        };
        Self { failure, code, request_id: error.request_id().map(str::to_owned), hint }
    }
}

/// The sentences are those of AWS's documentation. STS: "Passing session tags in AWS STS" and `AssumeRole`; IAM:
/// "Troubleshoot access denied error messages".
fn hint_in(message: &str) -> Option<Hint> {
    if message.contains("exceeds the MaxSessionDuration set for this role") {
        return Some(Hint::MaxSessionDuration);
    }
    if message.contains("limit for roles assumed by role chaining") {
        return Some(Hint::RoleChaining);
    }
    let (_, rest) = message.split_once(" is not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?;
    NAMED.into_iter().find_map(|(name, hint)| (name == action).then_some(hint))
}

/// The actions that we need. What is none of them is not looked at further.
const NAMED: [(&str, Hint); 11] = [
    ("sts:AssumeRole", Hint::AssumeRole),
    ("sts:TagSession", Hint::TagSession),
    ("sts:SetSourceIdentity", Hint::SetSourceIdentity),
    iam("iam:DeleteRolePolicy"),
    iam("iam:GetPolicy"),
    iam("iam:GetPolicyVersion"),
    iam("iam:GetRole"),
    iam("iam:GetRolePolicy"),
    iam("iam:ListAttachedRolePolicies"),
    iam("iam:ListRolePolicies"),
    iam("iam:PutRolePolicy"),
];

const fn iam(action: &'static str) -> (&'static str, Hint) {
    (action, Hint::Iam(action))
}

/// The SDK files missing credentials and a connection that was hung up under the same kind; only the source tells.
fn lacks_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<CredentialsError>)
}

/// By the code on the wire. `PackedPolicyTooLarge` and `MalformedPolicyDocument` have no suffix there, though the SDK's
/// types do.
fn failure_of(code: &str) -> Failure {
    match code {
        "AccessDenied" | "AccessDeniedException" | "RegionDisabledException" => Failure::Denied,
        "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => Failure::TooLarge,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "OptInRequired" => Failure::Identity,
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => {
            Failure::Throttled
        }
        "InternalFailure" | "InternalError" | "ServiceUnavailable" | "ServiceUnavailableException" => {
            Failure::Unreachable
        }
        _ => Failure::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_wire() {
        for (code, failure) in [
            ("AccessDenied", Failure::Denied),
            ("PackedPolicyTooLarge", Failure::TooLarge),
            ("MalformedPolicyDocument", Failure::Rejected),
            ("ValidationError", Failure::Rejected),
            ("ExpiredToken", Failure::Identity),
            ("Throttling", Failure::Throttled),
            ("ServiceUnavailable", Failure::Unreachable),
            ("SomethingNew", Failure::Rejected),
        ] {
            assert_eq!(failure_of(code), failure, "{code}");
        }
    }

    #[test]
    fn what_aws_says_in_words_is_known_by_its_sentences() {
        let denied = |action: &str| {
            format!(
                "User: arn:aws:sts::9:assumed-role/x/y is not authorized to perform: {action} on resource: arn:aws:iam::1:role/z"
            )
        };
        for (message, hint) in [
            (denied("sts:AssumeRole"), Some(Hint::AssumeRole)),
            (denied("sts:TagSession"), Some(Hint::TagSession)),
            (denied("sts:SetSourceIdentity"), Some(Hint::SetSourceIdentity)),
            (denied("iam:GetRole"), Some(Hint::Iam("iam:GetRole"))),
            (denied("iam:CreateUser"), None),
            (denied("sts:AssumeRoleWithSAML"), None),
            (
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
                Some(Hint::MaxSessionDuration),
            ),
            (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
                    .to_owned(),
                Some(Hint::RoleChaining),
            ),
            ("Access denied".to_owned(), None),
            (" is not authorized to perform: ".to_owned(), None),
        ] {
            assert_eq!(hint_in(&message), hint, "{message}");
        }
    }
}
