//! Our authorization server for the helper: RFC 8414 metadata, a page that asks the person, the token endpoint (RFC
//! 6749 with PKCE, RFC 7636) and revocation (RFC 7009). There is one client, public, and one grant.

use axum::Json;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::extract::Browser;
use super::problem::Problem;
use crate::app::{Broker, Error, HelperLogin, HelperLoginError};
use crate::console;
use crate::wire;

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(broker): State<Broker>) -> Json<wire::OauthMetadata> {
    Json(wire::OauthMetadata {
        issuer: broker.issuer().to_owned(),
        authorization_endpoint: broker.url("/oauth/authorize"),
        token_endpoint: broker.url("/oauth/token"),
        revocation_endpoint: broker.url("/oauth/revoke"),
        response_types_supported: vec!["code".to_owned()],
        grant_types_supported: vec!["authorization_code".to_owned()],
        code_challenge_methods_supported: vec!["S256".to_owned()],
        token_endpoint_auth_methods_supported: vec!["none".to_owned()],
        revocation_endpoint_auth_methods_supported: vec!["none".to_owned()],
        authorization_response_iss_parameter_supported: true,
    })
}

/// What a helper asks for, as it stands in the URL and again in the form that confirms it.
#[derive(Deserialize)]
pub(super) struct AuthorizeParameters {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    #[serde(default)]
    host: String,
}

impl AuthorizeParameters {
    fn login(&self) -> Result<HelperLogin, Problem> {
        if self.client_id != wire::HELPER_CLIENT_ID {
            return Err(Problem::malformed("This broker knows one client, the helper `lodge`."));
        }
        if self.response_type != "code" || self.code_challenge_method != "S256" {
            return Err(Problem::malformed("Only the code flow with an S256 challenge is offered."));
        }
        HelperLogin::new(&self.redirect_uri, &self.state, &self.code_challenge, &self.host)
            .map_err(|error| Error::HelperLogin(error).into())
    }
}

/// `GET /oauth/authorize`: asks the person, once they are signed in. Nothing is stored before they say yes.
pub(super) async fn authorize(
    State(broker): State<Broker>,
    uri: Uri,
    browser: Option<Browser>,
    parameters: Result<Query<AuthorizeParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(parameters) = parameters.map_err(|_| incomplete())?;
    let login = parameters.login()?;
    let Some(browser) = browser else {
        let query = uri.query().unwrap_or_default();
        return Ok(Redirect::to(&super::sign_in::link(&format!("/oauth/authorize?{query}"), false)).into_response());
    };
    let profile = broker.profile(&browser.caller).await?;
    let again = super::sign_in::link(&format!("/oauth/authorize?{}", uri.query().unwrap_or_default()), true);
    let form_token = broker.form_token(&browser.token);
    Ok(console::confirm(&broker, &login, &profile, form_token.expose_secret(), &again).into_response())
}

/// The form on that page.
#[derive(Deserialize)]
pub(super) struct Confirmation {
    #[serde(flatten)]
    parameters: AuthorizeParameters,
    form_token: String,
    answer: String,
}

/// `POST /oauth/authorize`: the person's word. Answered with a page that leads on, not with a redirect: browsers apply
/// `form-action` to every redirect that follows a form, and the helper listens on an address that no policy can name.
pub(super) async fn confirm(
    State(broker): State<Broker>,
    browser: Browser,
    form: Result<Form<Confirmation>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(form) = form.map_err(|_| incomplete())?;
    if !broker.is_form_token(&browser.token, &form.form_token) {
        return Err(Problem::foreign_form());
    }
    let login = form.parameters.login()?;
    let confirmed = form.answer == "yes";
    let url = if confirmed {
        broker.confirm_helper_login(&browser.caller, &login).await?
    } else {
        broker.decline_helper_login(&login)
    };
    Ok(console::hand_over(&login, confirmed, url.as_str()).into_response())
}

fn incomplete() -> Problem {
    Problem::malformed("Something is missing from this address. Run `lodge login` again.")
}

/// The token endpoint's form. It is never logged: a code and a verifier are in it.
#[derive(Deserialize)]
pub(super) struct TokenForm {
    grant_type: String,
    client_id: String,
    code: SecretText,
    redirect_uri: String,
    code_verifier: SecretText,
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

/// `POST /oauth/token`: a code for a session.
pub(super) async fn token(
    State(broker): State<Broker>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Problem> {
    let Ok(Form(form)) = form else {
        return Ok(refuse("invalid_request", "A field is missing, or the body is not a form."));
    };
    if form.client_id != wire::HELPER_CLIENT_ID {
        return Ok(refuse("invalid_client", "This broker knows one client, the helper."));
    }
    if form.grant_type != "authorization_code" {
        return Ok(refuse("unsupported_grant_type", "Only authorization_code is offered."));
    }
    match broker.redeem_code(&form.code.0, &form.redirect_uri, &form.code_verifier.0).await {
        Ok(session) => {
            let lifetime = session.expires_at - broker.clock.now();
            let body = wire::TokenResponse {
                access_token: session.token.expose_secret().to_owned().into(),
                token_type: "Bearer".to_owned(),
                expires_in: u32::try_from(lifetime.num_seconds()).unwrap_or(0),
            };
            Ok(no_store(StatusCode::OK, Json(body)))
        }
        Err(Error::HelperLogin(HelperLoginError::Code)) => {
            Ok(refuse("invalid_grant", "The code is unknown, too old, used, or was made for another helper."))
        }
        Err(error) => Err(error.into()),
    }
}

/// The revocation form (RFC 7009, section 2.1).
#[derive(Deserialize)]
pub(super) struct RevokeForm {
    token: SecretText,
}

/// `POST /oauth/revoke`: ends a helper's session. A token that is nobody's is answered like one that was somebody's.
pub(super) async fn revoke(
    State(broker): State<Broker>,
    form: Result<Form<RevokeForm>, FormRejection>,
) -> Result<Response, Problem> {
    let Ok(Form(form)) = form else {
        return Ok(refuse("invalid_request", "The field `token` is missing."));
    };
    broker.end_helper_session(&form.token.0).await?;
    Ok(no_store(StatusCode::OK, ()))
}

fn refuse(code: &str, description: &str) -> Response {
    let body = wire::OauthError { error: code.to_owned(), error_description: Some(description.to_owned()) };
    no_store(StatusCode::BAD_REQUEST, Json(body))
}

/// RFC 6749, section 5.1: neither a token nor a refusal is kept by anything on the way.
fn no_store(status: StatusCode, body: impl IntoResponse) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], body).into_response()
}
