//! What AWS said, in the few kinds that somebody can act on.

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;

/// An AWS call that did not work. Holds AWS's code and request id, never AWS's message: it can name ARNs of the
/// broker's own account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}{}", code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct Error {
    /// What kind of trouble.
    pub cause: Cause,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's name for the call.
    pub request_id: Option<String>,
}

/// The kinds of trouble, by who can mend them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The lab's role does not let the broker in: the role, its trust policy or its external id. The lab mends it.
    #[error("the lab's AWS role refused the broker")]
    Denied,
    /// A parameter that STS would not take, such as more time than the role's maximum. The lab or the broker mends it.
    #[error("AWS did not accept the request")]
    Rejected,
    /// The session policy and tags do not fit the token. The lab's role must be made shorter.
    #[error("the session policy is too large for AWS")]
    TooLarge,
    /// The broker's own credentials or clock. The operator mends it.
    #[error("AWS does not accept the broker's own identity")]
    Identity,
    /// Too many calls. Waiting mends it.
    #[error("AWS asked to slow down")]
    Throttled,
    /// No answer. Waiting may mend it.
    #[error("AWS could not be reached")]
    Unreachable,
    /// An answer that is not what was asked for: another account, role, session or lifetime.
    #[error("AWS's answer does not match the request")]
    Mismatch,
}

impl Cause {
    /// The word in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Rejected => "rejected",
            Self::TooLarge => "too-large",
            Self::Identity => "identity",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::Mismatch => "mismatch",
        }
    }
}

impl Error {
    pub(super) fn mismatch(request_id: Option<String>) -> Self {
        Self { cause: Cause::Mismatch, code: None, request_id }
    }
}

impl<E: ProvideErrorMetadata, R> From<&SdkError<E, R>> for Error
where
    SdkError<E, R>: RequestId,
{
    fn from(error: &SdkError<E, R>) -> Self {
        let code = match error {
            SdkError::ServiceError(answer) => answer.err().code().map(str::to_owned),
            _ => None,
        };
        let cause = match error {
            SdkError::ServiceError(_) => code.as_deref().map_or(Cause::Rejected, cause_of),
            // Nothing was sent: the SDK found no credentials to sign with, or could not build the request.
            SdkError::ConstructionFailure(_) => Cause::Identity,
            SdkError::DispatchFailure(failure) if failure.is_other() || failure.is_user() => Cause::Identity,
            _ => Cause::Unreachable,
        };
        Self { cause, code, request_id: error.request_id().map(str::to_owned) }
    }
}

/// By the code on the wire. `PackedPolicyTooLarge` and `MalformedPolicyDocument` have no suffix there, though the SDK's
/// types do.
fn cause_of(code: &str) -> Cause {
    match code {
        "AccessDenied" | "AccessDeniedException" | "RegionDisabledException" => Cause::Denied,
        "PackedPolicyTooLarge" | "PackedPolicyTooLargeException" => Cause::TooLarge,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "OptInRequired" => Cause::Identity,
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => Cause::Throttled,
        "InternalFailure" | "InternalError" | "ServiceUnavailable" | "ServiceUnavailableException" => {
            Cause::Unreachable
        }
        _ => Cause::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_wire() {
        for (code, cause) in [
            ("AccessDenied", Cause::Denied),
            ("PackedPolicyTooLarge", Cause::TooLarge),
            ("MalformedPolicyDocument", Cause::Rejected),
            ("ValidationError", Cause::Rejected),
            ("ExpiredToken", Cause::Identity),
            ("Throttling", Cause::Throttled),
            ("ServiceUnavailable", Cause::Unreachable),
            ("SomethingNew", Cause::Rejected),
        ] {
            assert_eq!(cause_of(code), cause, "{code}");
        }
    }
}
