//! The token endpoint and revocation.
//!
//! Nothing is taken from an address: what stands there is in every log on the way, so a request that puts anything there
//! is refused whole.

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::app::{Broker, Error, HelperLoginError, HelperTokens};
use crate::http::client::Client;
use crate::http::problem::Problem;
use crate::wire;

/// The token endpoint's form. It is never logged: a code, a verifier or a token is in it.
#[derive(Deserialize)]
pub(in crate::http) struct TokenForm {
    grant_type: Option<String>,
    client_id: Option<String>,
    code: Option<SecretText>,
    redirect_uri: Option<String>,
    code_verifier: Option<SecretText>,
    refresh_token: Option<SecretText>,
}

/// A form field that does not print.
#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// A refusal as RFC 6749, section 5.2 writes it.
type Refused = (&'static str, &'static str);

const INCOMPLETE: Refused = ("invalid_request", "A field is missing, twice there, or the body is not a form.");
const IN_ADDRESS: Refused = ("invalid_request", "Nothing is taken from the address: send it in the body.");
const CLIENT: Refused = ("invalid_client", "This broker knows one client, the helper.");

/// A grant that is offered, with what belongs to it.
enum Grant {
    Code { code: SecretString, redirect_uri: String, verifier: SecretString },
    Refresh(SecretString),
}

impl TokenForm {
    /// RFC 6749, section 3.1: a field without a value is a field that was left out.
    fn grant(self) -> Result<Grant, Refused> {
        let text = |field: Option<String>| field.filter(|text| !text.is_empty()).ok_or(INCOMPLETE);
        let secret = |field: Option<SecretText>| {
            field.map(|SecretText(text)| text).filter(|text| !text.expose_secret().is_empty()).ok_or(INCOMPLETE)
        };
        if text(self.client_id)? != wire::HELPER_CLIENT_ID {
            return Err(CLIENT);
        }
        match text(self.grant_type)?.as_str() {
            "authorization_code" => Ok(Grant::Code {
                code: secret(self.code)?,
                redirect_uri: text(self.redirect_uri)?,
                verifier: secret(self.code_verifier)?,
            }),
            "refresh_token" => Ok(Grant::Refresh(secret(self.refresh_token)?)),
            _ => Err(("unsupported_grant_type", "Only authorization_code and refresh_token are offered.")),
        }
    }
}

/// `POST /oauth/token`: a code for a session, or a refresh token for its next tokens.
pub(in crate::http) async fn token(
    State(broker): State<Broker>,
    client: Client,
    uri: Uri,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Problem> {
    let grant = match form {
        _ if uri.query().is_some() => Err(IN_ADDRESS),
        Ok(Form(form)) => form.grant(),
        Err(_) => Err(INCOMPLETE),
    };
    let given = match grant {
        Ok(Grant::Code { code, redirect_uri, verifier }) => {
            let address = client.address.map(|address| address.to_string());
            broker.redeem_code(&code, &redirect_uri, &verifier, address.as_deref()).await
        }
        Ok(Grant::Refresh(token)) => broker.refresh_helper(&token).await,
        Err(refused) => return Ok(refuse(refused)),
    };
    match given {
        Ok(tokens) => Ok(no_store(StatusCode::OK, Json(body(&broker, &tokens)))),
        Err(Error::HelperLogin(HelperLoginError::Code)) => {
            Ok(refuse(("invalid_grant", "The code is unknown, too old, used, or was made for another helper.")))
        }
        Err(Error::HelperLogin(HelperLoginError::Refresh)) => {
            Ok(refuse(("invalid_grant", "The session has ended, or the refresh token was used before.")))
        }
        Err(error) => Err(error.into()),
    }
}

fn body(broker: &Broker, tokens: &HelperTokens) -> wire::TokenResponse {
    let now = broker.clock.now();
    let seconds = |until| u32::try_from(chrono::TimeDelta::num_seconds(&(until - now))).unwrap_or(0);
    wire::TokenResponse {
        access_token: tokens.access.expose_secret().to_owned().into(),
        token_type: "Bearer".to_owned(),
        expires_in: seconds(tokens.access_expires_at),
        refresh_token: Some(tokens.refresh.expose_secret().to_owned().into()),
        refresh_token_expires_in: Some(seconds(tokens.session_expires_at)),
    }
}

/// The revocation form (RFC 7009, section 2.1). Its hint is not needed: either token is found by its hash.
#[derive(Deserialize)]
pub(in crate::http) struct RevokeForm {
    token: SecretText,
    client_id: Option<String>,
}

/// `POST /oauth/revoke`: ends a helper's session, by either of its tokens. A token that is nobody's is answered like one
/// that was somebody's.
pub(in crate::http) async fn revoke(
    State(broker): State<Broker>,
    uri: Uri,
    form: Result<Form<RevokeForm>, FormRejection>,
) -> Result<Response, Problem> {
    if uri.query().is_some() {
        return Ok(refuse(IN_ADDRESS));
    }
    let Ok(Form(form)) = form else { return Ok(refuse(INCOMPLETE)) };
    // Whoever holds a token may end it, so the client's name is not asked for; another's is still a mistake.
    if form.client_id.is_some_and(|client| client != wire::HELPER_CLIENT_ID) {
        return Ok(refuse(CLIENT));
    }
    broker.end_helper_session(&form.token.0).await?;
    Ok(no_store(StatusCode::OK, ()))
}

fn refuse((code, description): Refused) -> Response {
    let body = wire::OauthError { error: code.to_owned(), error_description: Some(description.to_owned()) };
    no_store(StatusCode::BAD_REQUEST, Json(body))
}

/// RFC 6749, section 5.1: neither a token nor a refusal is kept by anything on the way.
fn no_store(status: StatusCode, body: impl IntoResponse) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], body).into_response()
}
