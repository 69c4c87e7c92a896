//! Why a provider's word is not taken.
//!
//! No error holds a code, a token, a provider's text, or a URL with a query: all of them are logged. A provider's
//! addresses are named only as far as an operator needs them, which is scheme, host and port.

use super::http::{self, Origin};
use crate::domain::claims::GroupClaimError;
use crate::domain::sign_in::SignInRefusal;

/// A sign-in that did not work. The message is for the operator's log; what the person is told is chosen elsewhere.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No answer, or none that is taken.
    #[error("the provider gave no usable answer")]
    Unreachable(#[source] http::Error),
    /// Its endpoints are where the operator did not say that the broker goes.
    #[error(
        "its endpoints are at other origins than its issuer: if they are the provider's, set endpoint_origins = [{}]",
        listed(.0)
    )]
    ClosedOrigins(Vec<Origin>),
    /// Its metadata or keys cannot be used.
    #[error("the provider's metadata cannot be used: {0}")]
    Metadata(&'static str),
    /// The answer came from, or was meant for, somebody else.
    #[error("the answer is not this provider's: {0}")]
    WrongIssuer(&'static str),
    /// The provider did not take the code.
    #[error("the provider did not trade the code for tokens: {0}")]
    TokenRefused(&'static str),
    /// The token endpoint answered something that cannot be used.
    #[error("the token endpoint's answer cannot be used: {0}")]
    TokenAnswer(&'static str),
    /// The token endpoint's answer has no ID token.
    #[error("the token endpoint's answer has no ID token: look whether the scope `openid` was granted")]
    IdTokenMissing,
    /// The ID token does not hold.
    #[error("the ID token does not hold: {0}")]
    IdToken(TokenFault),
    /// The userinfo answer does not hold.
    #[error("the userinfo answer does not hold: {0}")]
    UserInfo(&'static str),
    /// The userinfo answer is signed, and does not hold.
    #[error("the signed userinfo answer does not hold: {0}")]
    SignedUserInfo(TokenFault),
    /// The userinfo answer speaks of somebody else.
    #[error("the userinfo answer speaks of somebody else")]
    OtherSubject,
    /// The logout token does not hold.
    #[error("the logout token does not hold: {0}")]
    LogoutToken(TokenFault),
    /// There is nothing to know the person by.
    #[error("there is no usable subject: {0}")]
    Subject(String),
    /// The groups cannot be read.
    #[error("the groups cannot be read")]
    Groups(#[from] GroupClaimError),
    /// The person comes from elsewhere than the connection lets in.
    #[error("they come from another tenant: {0}")]
    OtherTenant(&'static str),
    /// The person comes from a university that the connection does not let in.
    #[error("they come from another university: {0}")]
    OtherUniversity(&'static str),
    /// A fresh sign-in was asked for.
    #[error("a fresh sign-in was asked for: {0}")]
    NotFresh(&'static str),
    /// A second factor was asked for.
    #[error("a second factor was asked for, and the provider does not say that there was one")]
    NoSecondFactor,
}

/// What is wrong with a signed token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is not a token in compact form, or too large, or a claim that is read is not of its type.
    #[error("it is malformed: {0}")]
    Malformed(&'static str),
    /// It is another kind of token, or asks for something that is not understood.
    #[error("it is another kind of token: {0}")]
    Type(&'static str),
    /// Its algorithm is not allowed.
    #[error("it is signed with an algorithm that this connection does not allow")]
    Algorithm,
    /// There is no key for it.
    #[error("{0}")]
    Key(&'static str),
    /// Its signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// `iss`
    #[error("it names another issuer, or none")]
    Issuer,
    /// `aud`
    #[error("{0}")]
    Audience(&'static str),
    /// `azp`
    #[error("it was issued to another client (`azp`)")]
    Party,
    /// `exp`
    #[error("it is expired")]
    Expired,
    /// `exp`, `iat`, `nbf`, `auth_time`
    #[error("{0}")]
    Time(&'static str),
    /// `nonce`
    #[error("it answers another sign-in")]
    Nonce,
    /// `sub`
    #[error("it has no usable subject: {0}")]
    Subject(&'static str),
}

/// As the settings would hold them.
fn listed(origins: &[Origin]) -> String {
    origins.iter().map(|origin| format!("\"{origin}\"")).collect::<Vec<_>>().join(", ")
}

impl TokenFault {
    const fn refusal(self) -> SignInRefusal {
        match self {
            Self::Malformed(_) => SignInRefusal::IdTokenMalformed,
            Self::Type(_) => SignInRefusal::IdTokenType,
            Self::Algorithm => SignInRefusal::IdTokenAlgorithm,
            Self::Key(_) => SignInRefusal::IdTokenKey,
            Self::Signature => SignInRefusal::IdTokenSignature,
            Self::Issuer => SignInRefusal::IdTokenIssuer,
            Self::Audience(_) => SignInRefusal::IdTokenAudience,
            Self::Party => SignInRefusal::IdTokenParty,
            Self::Expired => SignInRefusal::IdTokenExpired,
            Self::Time(_) => SignInRefusal::IdTokenTime,
            Self::Nonce => SignInRefusal::IdTokenNonce,
            Self::Subject(_) => SignInRefusal::Subject,
        }
    }
}

impl Error {
    /// The reason that the log and the ledger keep.
    #[must_use]
    pub const fn refusal(&self) -> SignInRefusal {
        match self {
            Self::Unreachable(http::Error::Forbidden(_) | http::Error::Origin(_)) | Self::ClosedOrigins(_) => {
                SignInRefusal::ForbiddenAddress
            }
            Self::Unreachable(http::Error::Transfer(_) | http::Error::Trouble(_)) => SignInRefusal::ProviderAway,
            Self::Unreachable(http::Error::TooLarge) | Self::Metadata(_) => SignInRefusal::ProviderMetadata,
            Self::WrongIssuer(_) => SignInRefusal::WrongIssuer,
            Self::TokenRefused(_) => SignInRefusal::TokenRefused,
            Self::TokenAnswer(_) => SignInRefusal::TokenAnswer,
            Self::IdTokenMissing => SignInRefusal::IdTokenMissing,
            Self::IdToken(fault) | Self::LogoutToken(fault) => fault.refusal(),
            Self::UserInfo(_) | Self::SignedUserInfo(_) => SignInRefusal::UserInfoAnswer,
            Self::OtherSubject => SignInRefusal::UserInfoSubject,
            Self::Subject(_) => SignInRefusal::Subject,
            Self::Groups(_) => SignInRefusal::Groups,
            Self::OtherTenant(_) => SignInRefusal::OtherTenant,
            Self::OtherUniversity(_) => SignInRefusal::OtherUniversity,
            Self::NotFresh(_) => SignInRefusal::NotFresh,
            Self::NoSecondFactor => SignInRefusal::NoSecondFactor,
        }
    }

    /// Whether the provider gave no answer, so that trying again may help.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable(http::Error::Transfer(_) | http::Error::Trouble(_)))
    }
}
