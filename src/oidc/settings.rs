//! A provider, as the operator registered it.

use std::fmt;
use std::str::FromStr;

use openidconnect::core::CoreJwsSigningAlgorithm;
use secrecy::SecretString;
use url::Url;

use super::http::Reach;
use crate::domain::claims::{GroupClaim, GroupForm};
use crate::domain::id::{ConnectionName, ParseError};
use crate::domain::person::Issuer;

/// A signing algorithm that an operator may allow. All are asymmetric: with a symmetric one, our own client secret
/// could sign a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// RSA, PSS, SHA-256.
    Ps256,
    /// ECDSA, P-256.
    Es256,
    /// ECDSA, P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The algorithm of this name, exactly as RFC 7518 or RFC 8037 writes it: `rs256` is none.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    /// Its name in RFC 7518 or RFC 8037.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Algorithm> for CoreJwsSigningAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::RsaSsaPkcs1V15Sha256,
            Algorithm::Ps256 => Self::RsaSsaPssSha256,
            Algorithm::Es256 => Self::EcdsaP256Sha256,
            Algorithm::Es384 => Self::EcdsaP384Sha384,
            Algorithm::EdDsa => Self::EdDsa,
        }
    }
}

/// How the broker shows its client secret at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// The claim that somebody is known by. It must name the same person for ever: `sub`, or one that the university has for
/// the purpose, such as `voperson_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectClaim(String);

impl SubjectClaim {
    /// The claim's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the one that every provider has.
    #[must_use]
    pub fn is_sub(&self) -> bool {
        self.0 == "sub"
    }
}

impl Default for SubjectClaim {
    fn default() -> Self {
        Self("sub".to_owned())
    }
}

/// Names and addresses: all of them are given to somebody else one day, or can be chosen.
const REASSIGNED: [&str; 20] = [
    "cn",
    "display_name",
    "email",
    "eppn",
    "eduperson_principal_name",
    "edupersonprincipalname",
    "family_name",
    "given_name",
    "login",
    "mail",
    "name",
    "nickname",
    "phone_number",
    "preferred_username",
    "samaccountname",
    "uid",
    "unique_name",
    "upn",
    "user_name",
    "username",
];

impl FromStr for SubjectClaim {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if REASSIGNED.contains(&text.to_ascii_lowercase().as_str()) {
            let form = "a claim that names the same person for ever; names and addresses pass to others";
            return Err(ParseError::new("subject claim", form));
        }
        let fits = (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseError::new("subject claim", "a claim's name")) }
    }
}

/// What this provider calls a sign-in with a second factor, and how it is asked for one. What it does not call so, was
/// none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaRule {
    /// Values of `acr` that mean it.
    pub acr: Vec<String>,
    /// Entries of `amr` that mean it, each by itself. Two methods without such a word are not taken for it: nobody said
    /// that they were of two kinds.
    pub amr: Vec<String>,
    /// Entries of `acrs` that mean it: Entra ID's authentication contexts.
    pub acrs: Vec<String>,
    /// How it is asked for.
    pub request: MfaRequest,
}

impl Default for MfaRule {
    /// The REFEDS profile (refeds.org/profile/mfa), and the word of RFC 8176, section 2.
    fn default() -> Self {
        Self {
            acr: vec!["https://refeds.org/profile/mfa".to_owned()],
            amr: vec!["mfa".to_owned()],
            acrs: Vec::new(),
            request: MfaRequest::default(),
        }
    }
}

/// How a provider is asked for a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MfaRequest {
    /// In both ways: a provider passes over what it does not know.
    #[default]
    Both,
    /// By `acr_values`, which is a wish.
    AcrValues,
    /// By an essential claim in `claims`, which is a demand.
    Claims,
}

/// One provider, as the operator registered it.
#[derive(Clone)]
pub struct Settings {
    /// What mappings call it.
    pub name: ConnectionName,
    /// What people read on the sign-in page.
    pub title: String,
    /// Its `iss`, exactly.
    pub issuer: Issuer,
    /// Where its metadata is, when that is not where its issuer says.
    pub discovery_url: Option<Url>,
    /// The broker's client id there.
    pub client_id: String,
    /// The broker's client secret there.
    pub client_secret: SecretString,
    /// How the secret is shown.
    pub client_authentication: ClientAuthentication,
    /// The scopes to ask for beside `openid`.
    pub scopes: Vec<String>,
    /// What an ID token may be signed with, whatever the provider's metadata says.
    pub algorithms: Vec<Algorithm>,
    /// Where the groups are.
    pub group_claim: GroupClaim,
    /// How they are written.
    pub group_form: GroupForm,
    /// What somebody is known by.
    pub subject_claim: SubjectClaim,
    /// The one tenant that people may come from (Entra ID's `tid`).
    pub tenant: Option<String>,
    /// The universities that people may come from (CILogon's `idp`); all, when there are none.
    pub identity_providers: Vec<String>,
    /// What a second factor is called.
    pub mfa: MfaRule,
    /// Where the broker goes beside the issuer.
    pub reach: Reach,
}

impl Settings {
    /// A provider with everything else as it is by default: the scope `profile`, the claim `groups` as it comes, RS256
    /// and ES256.
    #[must_use]
    pub fn new(name: ConnectionName, issuer: Issuer, client_id: &str, client_secret: SecretString) -> Self {
        Self {
            title: name.as_str().to_owned(),
            name,
            issuer,
            discovery_url: None,
            client_id: client_id.to_owned(),
            client_secret,
            client_authentication: ClientAuthentication::Basic,
            scopes: vec!["profile".to_owned()],
            algorithms: vec![Algorithm::Rs256, Algorithm::Es256],
            group_claim: GroupClaim::default(),
            group_form: GroupForm::default(),
            subject_claim: SubjectClaim::default(),
            tenant: None,
            identity_providers: Vec::new(),
            mfa: MfaRule::default(),
            reach: Reach::default(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_known_by_what_passes_to_others() {
        for good in ["sub", "oid", "voperson_id", "eduperson_unique_id", "subject-id", "https://example.edu/id"] {
            assert!(good.parse::<SubjectClaim>().is_ok(), "{good}");
        }
        for bad in ["", "email", "Email", "preferred_username", "upn", "eppn", "name", "uid", "mail", "a b", "a\n"] {
            assert!(bad.parse::<SubjectClaim>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_algorithm_has_one_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::of_name(&algorithm.to_string()), Some(algorithm));
        }
        for none in ["none", "None", "nOnE", "", "HS256", "rs256", "RS256 ", "RS512", "ES256K"] {
            assert_eq!(Algorithm::of_name(none), None, "{none}");
        }
    }
}
