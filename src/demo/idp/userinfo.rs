//! The userinfo endpoint (OpenID Connect Core 1.0, section 5.3).

use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{SmallIdp, pages, token};

pub(super) async fn userinfo(State(idp): State<SmallIdp>, headers: HeaderMap) -> Response {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, token)| token.trim());
    let known = token.and_then(|token| idp.memory().token(token, idp.now()));
    if let Some(person) = known.as_ref().and_then(|facts| idp.person(&facts.subject)) {
        return (pages::PRIVATE, Json(token::person_claims(person))).into_response();
    }
    let challenge = if token.is_some() { "Bearer error=\"invalid_token\"" } else { "Bearer" };
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
}
