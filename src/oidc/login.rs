//! The authorization code flow with PKCE, from our side.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreIdToken, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType, CoreTokenResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AdditionalProviderMetadata, AsyncHttpClient, AuthType, AuthenticationFlow,
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse,
    SubjectIdentifier, TokenResponse, UserInfoClaims,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{ClientAuthentication, Error, METADATA_TTL, Provider, StepUp, TokenFault, http, verify};
use crate::domain::claims::{ClaimsSnapshot, Groups};
use crate::domain::person::{DisplayName, Issuer, Subject};

/// What the broker asks a provider's sign-in page.
#[derive(Debug)]
pub struct AuthorizationRequest<'a> {
    /// Our callback for this connection.
    pub redirect_uri: &'a str,
    /// Comes back with the answer.
    pub state: &'a SecretString,
    /// Comes back inside the ID token.
    pub nonce: &'a SecretString,
    /// Shown when the code is traded.
    pub verifier: &'a SecretString,
    /// Whether the provider should let the person choose another account.
    pub choose_account: bool,
    /// What the sign-in has to prove beside who somebody is.
    pub step_up: StepUp,
}

/// What came back to our callback.
#[derive(Debug)]
pub struct Callback<'a> {
    /// The code.
    pub code: &'a SecretString,
    /// `iss`, when the provider sent one (RFC 9207).
    pub issuer: Option<&'a str>,
    /// The callback that was asked for.
    pub redirect_uri: &'a str,
    /// What the ID token must hold.
    pub nonce: &'a SecretString,
    /// What the code was asked for with.
    pub verifier: &'a SecretString,
    /// What the sign-in was asked to prove beside who somebody is.
    pub step_up: StepUp,
}

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The provider.
    pub issuer: Issuer,
    /// The person, at that provider.
    pub subject: Subject,
    /// What they are called.
    pub name: Option<DisplayName>,
    /// What was said of them.
    pub claims: ClaimsSnapshot,
}

/// A provider's metadata and keys, and when they were fetched.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    metadata: Arc<Metadata>,
    at: Instant,
}

/// The one thing of RFC 9207 that the crate does not read.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Rfc9207 {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Rfc9207 {}

pub(super) type Metadata = ProviderMetadata<
    Rfc9207,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Every claim of a userinfo answer that is not a standard one.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct OtherClaims {
    #[serde(flatten)]
    claims: serde_json::Map<String, Value>,
}

impl AdditionalClaims for OtherClaims {}

impl Provider {
    /// Where to send the browser.
    ///
    /// # Errors
    ///
    /// When the provider's metadata cannot be had.
    pub async fn authorization_url(&self, ask: &AuthorizationRequest<'_>) -> Result<Url, Error> {
        let client = self.client(&*self.metadata().await?, ask.redirect_uri)?;
        let verifier = PkceCodeVerifier::new(ask.verifier.expose_secret().to_owned());
        let (state, nonce) = (ask.state.expose_secret().to_owned(), ask.nonce.expose_secret().to_owned());
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if ask.choose_account {
            request = request.add_prompt(CoreAuthPrompt::SelectAccount);
        }
        Ok(request.url().0)
    }

    /// Trades the code, verifies what comes back, and says who it is.
    ///
    /// # Errors
    ///
    /// When any of it does not hold. Nothing is sent to the provider when the answer names another issuer.
    pub async fn complete(&self, callback: &Callback<'_>, now: DateTime<Utc>) -> Result<Login, Error> {
        let metadata = self.metadata().await?;
        self.check_issuer(&metadata, callback.issuer)?;
        let client = self.client(&metadata, callback.redirect_uri)?;
        let tokens = self.trade(&client, callback).await?;
        // OpenID Connect Core, section 3.1.3.3. The crate takes any type, and would show the token as a bearer's.
        if *tokens.token_type() != CoreTokenType::Bearer {
            return Err(Error::TokenAnswer("an access token of another type than Bearer"));
        }
        let id_token = tokens.id_token().ok_or(Error::IdTokenMissing)?;
        let client = self.verified(client, id_token, callback, now).await?;

        let payload = verify::payload(&id_token.to_string())?;
        let subject = verify::claims(&payload, &self.settings.client_id, now)?;
        let mut groups = self.settings.group_claim.read(&payload, &self.settings.group_form)?;
        let mut name = payload.get("name").and_then(Value::as_str).and_then(DisplayName::from_claim);
        if groups == Groups::Absent
            && let Some(info) = self.user_info(&client, tokens.access_token(), &subject).await?
        {
            groups = self
                .settings
                .group_claim
                .read(&Value::Object(info.additional_claims().claims.clone()), &self.settings.group_form)?;
            let said = info.name().and_then(|name| name.get(None)).map(|name| name.as_str());
            name = name.or_else(|| said.and_then(DisplayName::from_claim));
        }
        let claims = ClaimsSnapshot { mfa: verify::used_second_factor(&payload), ..ClaimsSnapshot::of_groups(groups) };
        Ok(Login { issuer: self.settings.issuer.clone(), subject, name, claims })
    }

    /// RFC 9207: compared whenever it is there, and missed when the provider said it would be.
    fn check_issuer(&self, metadata: &Metadata, issuer: Option<&str>) -> Result<(), Error> {
        match issuer {
            Some(issuer) if issuer != self.settings.issuer.as_str() => Err(Error::WrongIssuer("`iss` names another")),
            None if metadata.additional_metadata().authorization_response_iss_parameter_supported => {
                Err(Error::WrongIssuer("`iss` is missing"))
            }
            _ => Ok(()),
        }
    }

    async fn trade(&self, client: &Client, callback: &Callback<'_>) -> Result<CoreTokenResponse, Error> {
        client
            .exchange_code(AuthorizationCode::new(callback.code.expose_secret().to_owned()))
            .map_err(|_| Error::Metadata("it has no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(callback.verifier.expose_secret().to_owned()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(source) => Error::Unreachable(source),
                RequestTokenError::ServerResponse(answer) => Error::TokenRefused(error_code(&answer)),
                RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                    Error::TokenAnswer("an answer that cannot be read")
                }
            })
    }

    /// The client whose keys verify the token: with keys fetched anew when the token names one we do not know.
    async fn verified(
        &self,
        client: Client,
        id_token: &CoreIdToken,
        callback: &Callback<'_>,
        now: DateTime<Utc>,
    ) -> Result<Client, Error> {
        match self.verify_with(&client, id_token, callback.nonce, now) {
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let client = self.client(&*self.fetch().await?, callback.redirect_uri)?;
                self.verify_with(&client, id_token, callback.nonce, now).map_err(|error| explain(&error))?;
                Ok(client)
            }
            Err(error) => Err(explain(&error)),
            Ok(()) => Ok(client),
        }
    }

    fn verify_with(
        &self,
        client: &Client,
        id_token: &CoreIdToken,
        nonce: &SecretString,
        now: DateTime<Utc>,
    ) -> Result<(), ClaimsVerificationError> {
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(self.settings.algorithms.iter().copied().map(Into::into))
            .set_time_fn(move || now - verify::LEEWAY);
        id_token.claims(&verifier, &Nonce::new(nonce.expose_secret().to_owned())).map(|_| ())
    }

    /// The userinfo answer, when the provider has an endpoint for it. It must speak of the same subject.
    async fn user_info(
        &self,
        client: &Client,
        token: &AccessToken,
        subject: &Subject,
    ) -> Result<Option<UserInfoClaims<OtherClaims, CoreGenderClaim>>, Error> {
        // The crate panics on a token that cannot stand in a header (openidconnect 4.1.0, `http_utils.rs`).
        if !token.secret().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::UserInfo("an access token that no header can carry"));
        }
        let expected = SubjectIdentifier::new(subject.as_str().to_owned());
        let Ok(request) = client.user_info(token.clone(), Some(expected)) else { return Ok(None) };
        let info = request.request_async(&self.http).await.map_err(|error| match error {
            openidconnect::UserInfoError::Request(source) => Error::Unreachable(source),
            openidconnect::UserInfoError::ClaimsVerification(_) => Error::OtherSubject,
            _ => Error::UserInfo("it cannot be read"),
        })?;
        Ok(Some(info))
    }

    fn client(&self, metadata: &Metadata, redirect_uri: &str) -> Result<Client, Error> {
        let redirect =
            RedirectUrl::new(redirect_uri.to_owned()).map_err(|_| Error::Metadata("our own redirect URI"))?;
        let secret = ClientSecret::new(self.settings.client_secret.expose_secret().to_owned());
        let id = ClientId::new(self.settings.client_id.clone());
        let auth = match self.settings.client_authentication {
            ClientAuthentication::Basic => AuthType::BasicAuth,
            ClientAuthentication::Post => AuthType::RequestBody,
        };
        Ok(CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret))
            .set_redirect_uri(redirect)
            .set_auth_type(auth))
    }

    /// The metadata, fetched again when it is old.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, Error> {
        let mut learned = self.learned.lock().await;
        if let Some(known) = learned.as_ref().filter(|known| known.at.elapsed() < METADATA_TTL) {
            return Ok(known.metadata.clone());
        }
        self.learn(&mut learned).await
    }

    /// The metadata, fetched now.
    async fn fetch(&self) -> Result<Arc<Metadata>, Error> {
        self.learn(&mut *self.learned.lock().await).await
    }

    async fn learn(&self, learned: &mut Option<Learned>) -> Result<Arc<Metadata>, Error> {
        let metadata = Arc::new(discover(&self.settings.issuer, &self.http).await?);
        *learned = Some(Learned { metadata: metadata.clone(), at: Instant::now() });
        Ok(metadata)
    }
}

/// The metadata, and the keys that it leads to.
pub(super) async fn discover<'c, C>(issuer: &Issuer, client: &'c C) -> Result<Metadata, Error>
where
    C: AsyncHttpClient<'c, Error = http::Error>,
{
    let issuer = IssuerUrl::new(issuer.as_str().to_owned()).map_err(|_| Error::Metadata("the issuer is not a URL"))?;
    Metadata::discover_async(issuer, client).await.map_err(unusable)
}

fn unusable(error: DiscoveryError<http::Error>) -> Error {
    match error {
        DiscoveryError::Request(source) => Error::Unreachable(source),
        DiscoveryError::Validation(_) => Error::Metadata("it names another issuer"),
        DiscoveryError::Response(..) => Error::Metadata("the answer is not 200 or not JSON"),
        _ => Error::Metadata("it cannot be read"),
    }
}

/// The code of RFC 6749, section 5.2. Anything else that an answer says is a stranger's text, and may hold what we sent.
fn error_code(answer: &StandardErrorResponse<CoreErrorResponseType>) -> &'static str {
    match answer.error() {
        CoreErrorResponseType::InvalidClient => "invalid_client",
        CoreErrorResponseType::InvalidGrant => "invalid_grant",
        CoreErrorResponseType::InvalidRequest => "invalid_request",
        CoreErrorResponseType::InvalidScope => "invalid_scope",
        CoreErrorResponseType::UnauthorizedClient => "unauthorized_client",
        CoreErrorResponseType::UnsupportedGrantType => "unsupported_grant_type",
        CoreErrorResponseType::Extension(_) => "an unknown error",
    }
}

const fn explain(error: &ClaimsVerificationError) -> Error {
    Error::IdToken(match error {
        ClaimsVerificationError::Expired(_) => TokenFault::Expired,
        ClaimsVerificationError::InvalidAudience(_) => TokenFault::Audience("it was issued for another audience"),
        ClaimsVerificationError::InvalidIssuer(_) => TokenFault::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => TokenFault::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => TokenFault::Subject("it is malformed"),
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::DisallowedAlg(_)) => {
            TokenFault::Algorithm
        }
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            TokenFault::Key("it is signed with a key that the provider does not publish")
        }
        ClaimsVerificationError::SignatureVerification(_) => TokenFault::Signature,
        _ => TokenFault::Malformed("it cannot be read"),
    })
}
