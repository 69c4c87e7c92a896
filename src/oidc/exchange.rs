//! Trading a code for tokens (RFC 6749, section 4.1.3), by the `oauth2` crate.
//!
//! The answer keeps the ID token as the text that it came as: reading it is `jws`'s business alone. Of the answer itself
//! only three members are read, so that an odd `expires_in` keeps nobody out.

use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse};
use oauth2::basic::{BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::{
    AccessToken, AuthType, AuthorizationCode, ClientId, ClientSecret, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::metadata::Metadata;
use super::{Callback, ClientAuthentication, Error, Provider};

/// What is read of a token endpoint's answer. It is serialised by nobody; the crate's trait asks for it.
#[derive(Debug, Deserialize, Serialize)]
struct Answer {
    access_token: AccessToken,
    token_type: String,
    #[serde(default)]
    id_token: Option<Redacted>,
    /// What the crate compares; the text above is compared by us.
    #[serde(skip, default = "bearer")]
    kind: BasicTokenType,
}

/// An ID token before anything is known of it.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Redacted(String);

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redacted")
    }
}

const fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.kind
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// What a code is worth.
pub(super) struct Tokens {
    pub(super) access_token: SecretString,
    pub(super) id_token: SecretString,
}

impl Provider {
    /// Trades the code.
    pub(super) async fn exchange(&self, metadata: &Metadata, callback: &Callback<'_>) -> Result<Tokens, Error> {
        let redirect =
            RedirectUrl::new(callback.redirect_uri.to_owned()).map_err(|_| Error::Metadata("our own redirect URI"))?;
        let client = Client::new(ClientId::new(self.settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.settings.client_secret.expose_secret().to_owned()))
            .set_auth_type(match self.settings.client_authentication {
                ClientAuthentication::Basic => AuthType::BasicAuth,
                ClientAuthentication::Post => AuthType::RequestBody,
            })
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
            .set_redirect_uri(redirect);
        let answer = client
            .exchange_code(AuthorizationCode::new(callback.code.expose_secret().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(callback.verifier.expose_secret().to_owned()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::Request(super::http::Error::TooLarge) => Error::TokenAnswer("it is too large"),
                RequestTokenError::Request(source) => Error::Unreachable(source),
                RequestTokenError::ServerResponse(answer) => Error::TokenRefused(error_code(&answer)),
                RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Error::TokenAnswer("it cannot be read"),
            })?;
        // OpenID Connect Core, section 3.1.3.3: another kind of token would be shown as if it were a bearer's.
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(Error::TokenAnswer("an access token of another type than Bearer"));
        }
        let id_token = answer.id_token.ok_or(Error::IdTokenMissing)?;
        Ok(Tokens { access_token: answer.access_token.into_secret().into(), id_token: id_token.0.into() })
    }
}

/// The code of RFC 6749, section 5.2. Anything else that an answer says is a stranger's text, and may hold what we sent.
fn error_code(answer: &BasicErrorResponse) -> &'static str {
    match answer.error() {
        BasicErrorResponseType::InvalidClient => {
            "invalid_client: look at the client id, its secret, and how it is shown"
        }
        BasicErrorResponseType::InvalidGrant => "invalid_grant",
        BasicErrorResponseType::InvalidRequest => "invalid_request",
        BasicErrorResponseType::InvalidScope => "invalid_scope",
        BasicErrorResponseType::UnauthorizedClient => "unauthorized_client",
        BasicErrorResponseType::UnsupportedGrantType => "unsupported_grant_type",
        BasicErrorResponseType::Extension(_) => "an unknown error",
    }
}
