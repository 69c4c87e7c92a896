//! Why somebody is not signed in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a sign-in came to nothing, for whoever reads the log and the ledger. The person is told something simpler. The
/// ledger keeps the word: a variant is never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInRefusal {
    /// The answer is not to a sign-in that this browser began at this connection, or it was used before.
    NotThisBrowser,
    /// It took longer than a sign-in may.
    TooLate,
    /// The provider sent an error instead of a code: it refused, or the person left.
    Declined,
    /// `iss` beside the code names another provider, or is missing though promised (RFC 9207).
    WrongIssuer,
    /// The provider gave no answer.
    ProviderAway,
    /// An address of the provider's that this broker does not go to.
    ForbiddenAddress,
    /// The provider's metadata or keys cannot be used.
    ProviderMetadata,
    /// The token endpoint refused the code or the broker's client secret.
    TokenRefused,
    /// The token endpoint's answer is not one: malformed, too large, of another token type.
    TokenAnswer,
    /// There is no ID token.
    IdTokenMissing,
    /// The ID token is malformed or too large.
    IdTokenMalformed,
    /// The ID token is another kind of token, or asks for something that is not understood (`typ`, `crit`, `cty`, `b64`,
    /// `zip`).
    IdTokenType,
    /// The ID token is signed with an algorithm that the connection does not allow.
    IdTokenAlgorithm,
    /// The ID token's key is none that the provider publishes, is ambiguous, or is too weak.
    IdTokenKey,
    /// The ID token's signature is wrong.
    IdTokenSignature,
    /// The ID token names another issuer, or none.
    IdTokenIssuer,
    /// The ID token is for another audience, or for more than this broker.
    IdTokenAudience,
    /// The ID token was issued to another client (`azp`).
    IdTokenParty,
    /// The ID token has expired.
    IdTokenExpired,
    /// A time in the ID token is missing, malformed, in the future or too long ago: a clock is off, or it is not for now.
    IdTokenTime,
    /// The ID token answers another sign-in.
    IdTokenNonce,
    /// There is no usable subject.
    Subject,
    /// The userinfo answer cannot be read.
    UserInfoAnswer,
    /// The userinfo answer speaks of somebody else.
    UserInfoSubject,
    /// The groups are not in a form that can be read.
    Groups,
    /// They come from another tenant than the connection's (Entra ID's `tid`).
    OtherTenant,
    /// They come from another university than those the connection lets in (`CILogon` says so in `idp`).
    OtherUniversity,
    /// A fresh sign-in was asked for, and the provider did not say that this one is (`auth_time`).
    NotFresh,
    /// A second factor was asked for, and the provider did not say that there was one.
    NoSecondFactor,
    /// An operator has suspended this person.
    Suspended,
}

impl SignInRefusal {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::NotThisBrowser,
        Self::TooLate,
        Self::Declined,
        Self::WrongIssuer,
        Self::ProviderAway,
        Self::ForbiddenAddress,
        Self::ProviderMetadata,
        Self::TokenRefused,
        Self::TokenAnswer,
        Self::IdTokenMissing,
        Self::IdTokenMalformed,
        Self::IdTokenType,
        Self::IdTokenAlgorithm,
        Self::IdTokenKey,
        Self::IdTokenSignature,
        Self::IdTokenIssuer,
        Self::IdTokenAudience,
        Self::IdTokenParty,
        Self::IdTokenExpired,
        Self::IdTokenTime,
        Self::IdTokenNonce,
        Self::Subject,
        Self::UserInfoAnswer,
        Self::UserInfoSubject,
        Self::Groups,
        Self::OtherTenant,
        Self::OtherUniversity,
        Self::NotFresh,
        Self::NoSecondFactor,
        Self::Suspended,
    ];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotThisBrowser => "not-this-browser",
            Self::TooLate => "too-late",
            Self::Declined => "declined",
            Self::WrongIssuer => "wrong-issuer",
            Self::ProviderAway => "provider-away",
            Self::ForbiddenAddress => "forbidden-address",
            Self::ProviderMetadata => "provider-metadata",
            Self::TokenRefused => "token-refused",
            Self::TokenAnswer => "token-answer",
            Self::IdTokenMissing => "id-token-missing",
            Self::IdTokenMalformed => "id-token-malformed",
            Self::IdTokenType => "id-token-type",
            Self::IdTokenAlgorithm => "id-token-algorithm",
            Self::IdTokenKey => "id-token-key",
            Self::IdTokenSignature => "id-token-signature",
            Self::IdTokenIssuer => "id-token-issuer",
            Self::IdTokenAudience => "id-token-audience",
            Self::IdTokenParty => "id-token-party",
            Self::IdTokenExpired => "id-token-expired",
            Self::IdTokenTime => "id-token-time",
            Self::IdTokenNonce => "id-token-nonce",
            Self::Subject => "subject",
            Self::UserInfoAnswer => "user-info-answer",
            Self::UserInfoSubject => "user-info-subject",
            Self::Groups => "groups",
            Self::OtherTenant => "other-tenant",
            Self::OtherUniversity => "other-university",
            Self::NotFresh => "not-fresh",
            Self::NoSecondFactor => "no-second-factor",
            Self::Suspended => "suspended",
        }
    }
}

impl fmt::Display for SignInRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_one_that_the_ledger_writes() {
        for refusal in SignInRefusal::ALL {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.as_str());
        }
    }
}
