//! The token endpoint (RFC 6749, sections 4.1.3 and 5; OpenID Connect Core 1.0, section 3.1.3).

use axum::Json;
use axum::extract::{RawForm, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::parameters::Parameters;
use super::state::{AccessToken, Code, Presented};
use super::{Client, Person, SmallIdp, pages};

const ID_TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(5);
const ACCESS_TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// RFC 6749, section 5.2.
enum Refusal {
    InvalidRequest(&'static str),
    InvalidClient,
    InvalidGrant(&'static str),
    UnsupportedGrantType,
    ServerError,
}

pub(super) async fn token(State(idp): State<SmallIdp>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    match exchange(&idp, &headers, &body) {
        Ok(answer) => (pages::PRIVATE, Json(answer)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn exchange(idp: &SmallIdp, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let parameters = Parameters::parse(body).map_err(|_| Refusal::InvalidRequest("a parameter came more than once"))?;
    let client = authenticate(idp, headers, &parameters)?;
    match parameters.get("grant_type") {
        Some("authorization_code") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::InvalidRequest("grant_type is missing")),
    }
    let code = parameters.get("code").ok_or(Refusal::InvalidRequest("code is missing"))?;
    let verifier = parameters.get("code_verifier").ok_or(Refusal::InvalidRequest("code_verifier is missing"))?;

    let now = idp.now();
    let Presented::Fresh(facts) = idp.memory().spend(code, now) else {
        return Err(Refusal::InvalidGrant("the code is unknown, used or expired"));
    };
    if facts.request.client_id != client.id {
        return Err(Refusal::InvalidGrant("the code was issued to another client"));
    }
    if parameters.get("redirect_uri") != Some(&facts.request.redirect_uri) {
        return Err(Refusal::InvalidGrant("redirect_uri is not the one that the code was issued for"));
    }
    if !verifies(verifier, &facts.request.code_challenge) {
        return Err(Refusal::InvalidGrant("code_verifier does not match the challenge"));
    }
    let person = idp.person(&facts.session.subject).ok_or(Refusal::ServerError)?;
    issue(idp, client, person, code, &facts, now)
}

fn issue(
    idp: &SmallIdp,
    client: &Client,
    person: &Person,
    code: &str,
    facts: &Code,
    now: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let access_token = idp.secret();
    let mut claims = person_claims(person);
    claims["iss"] = idp.issuer().into();
    claims["aud"] = client.id.as_str().into();
    claims["iat"] = now.timestamp().into();
    claims["exp"] = (now + ID_TOKEN_LIFETIME).timestamp().into();
    claims["auth_time"] = facts.session.authenticated_at.timestamp().into();
    claims["sid"] = facts.session.id.as_str().into();
    claims["amr"] = json!(["pwd"]);
    if facts.session.used_second_factor {
        claims["amr"] = json!(["pwd", "otp", "mfa"]);
        claims["acr"] = super::SECOND_FACTOR.into();
    }
    // OpenID Connect Core 1.0, section 3.1.3.6: the left half of the hash that the signature uses.
    claims["at_hash"] = URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token.as_bytes())[..16]).into();
    if let Some(nonce) = &facts.request.nonce {
        claims["nonce"] = nonce.as_str().into();
    }
    let id_token = idp.key().sign(&claims).ok_or(Refusal::ServerError)?;

    let mut memory = idp.memory();
    memory.note_token(id_token.clone());
    memory.issue_token(
        access_token.clone(),
        AccessToken { subject: person.subject.clone(), code: code.to_owned(), expires_at: now + ACCESS_TOKEN_LIFETIME },
    );
    Ok(json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME.num_seconds(),
        "id_token": id_token,
    }))
}

/// What both the ID token and the userinfo endpoint say of a person.
pub(super) fn person_claims(person: &Person) -> Value {
    let mut claims = json!({
        "sub": person.subject, "name": person.name, "preferred_username": person.username,
    });
    if let Some(groups) = &person.groups {
        claims["groups"] = groups.as_slice().into();
    }
    claims
}

/// Who calls: by HTTP Basic or by form fields, never both (RFC 6749, section 2.3).
fn authenticate<'a>(idp: &'a SmallIdp, headers: &HeaderMap, parameters: &Parameters) -> Result<&'a Client, Refusal> {
    let (id, secret) = match headers.get(AUTHORIZATION) {
        Some(header) => {
            let (id, secret) = header.to_str().ok().and_then(basic).ok_or(Refusal::InvalidClient)?;
            if parameters.get("client_secret").is_some() || parameters.get("client_id").is_some_and(|own| own != id) {
                return Err(Refusal::InvalidRequest("the client must prove itself in one way only"));
            }
            (id, secret)
        }
        None => (
            parameters.owned("client_id").ok_or(Refusal::InvalidClient)?,
            parameters.owned("client_secret").ok_or(Refusal::InvalidClient)?,
        ),
    };
    let client = idp.client(&id).ok_or(Refusal::InvalidClient)?;
    let (given, known) = (Sha256::digest(secret.as_bytes()), Sha256::digest(client.secret.as_bytes()));
    if bool::from(given.as_slice().ct_eq(known.as_slice())) { Ok(client) } else { Err(Refusal::InvalidClient) }
}

/// Name and secret of an `Authorization: Basic` header; both are form-encoded before they are joined.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decode(id), decode(secret)))
}

fn decode(text: &str) -> String {
    form_urlencoded::parse(format!("x={}", text.replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// RFC 7636, sections 4.1 and 4.6.
fn verifies(verifier: &str, challenge: &str) -> bool {
    (43..=128).contains(&verifier.len()) && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, description) = match self {
            Self::InvalidRequest(why) => (StatusCode::BAD_REQUEST, "invalid_request", why),
            Self::InvalidClient => {
                (StatusCode::UNAUTHORIZED, "invalid_client", "the client is unknown or its secret is wrong")
            }
            Self::InvalidGrant(why) => (StatusCode::BAD_REQUEST, "invalid_grant", why),
            Self::UnsupportedGrantType => {
                (StatusCode::BAD_REQUEST, "unsupported_grant_type", "grant_type must be authorization_code")
            }
            Self::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the provider failed"),
        };
        let body = Json(json!({ "error": error, "error_description": description }));
        let mut response = (status, pages::PRIVATE, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"token\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
