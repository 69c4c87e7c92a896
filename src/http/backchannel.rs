//! A provider's word that somebody has left there (OpenID Connect Back-Channel Logout 1.0, section 2.5): their sessions
//! here end with it.

use axum::Json;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::problem::Problem;
use crate::app::{Broker, Error};
use crate::wire;

/// The form. It is never logged: a token is in it, though one that opens nothing.
#[derive(Deserialize)]
pub(super) struct LogoutForm {
    logout_token: String,
}

/// `POST /auth/{connection}/backchannel-logout`
pub(super) async fn logout(
    State(broker): State<Broker>,
    connection: Result<Path<String>, PathRejection>,
    form: Result<Form<LogoutForm>, FormRejection>,
) -> Result<Response, Problem> {
    let connection = super::sign_in::known(connection)?;
    let Ok(Form(form)) = form else {
        return Ok(refuse("the form has no one field `logout_token`"));
    };
    let token = SecretString::from(form.logout_token);
    match broker.provider_logout(&connection, &token).await {
        Ok(()) => Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response()),
        Err(Error::LogoutToken) => Ok(refuse("the logout token does not hold")),
        Err(error) => Err(error.into()),
    }
}

/// Section 2.8: 400, perhaps with a reason in the form of RFC 6749.
fn refuse(description: &str) -> Response {
    let body =
        wire::OauthError { error: "invalid_request".to_owned(), error_description: Some(description.to_owned()) };
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
