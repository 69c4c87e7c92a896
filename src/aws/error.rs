//! What AWS said, in the few kinds that somebody can act on.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;

use crate::domain::ledger::Failure;

/// An AWS call that did not work. Holds AWS's code and request id, never AWS's message: it can name ARNs of the
/// broker's own account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}{}", code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct Error {
    /// What kind of trouble.
    pub failure: Failure,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's name for the call.
    pub request_id: Option<String>,
}

impl Error {
    pub(super) fn mismatch(request_id: Option<String>) -> Self {
        Self { failure: Failure::Mismatch, code: None, request_id }
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
        Self { failure, code, request_id: error.request_id().map(str::to_owned) }
    }
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
}
