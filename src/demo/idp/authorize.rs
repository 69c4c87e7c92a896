//! The authorization endpoint and the sign-in page behind it (OpenID Connect Core 1.0, section 3.1.2).
//!
//! Client and redirect address are looked at before anything else. While either is wrong nobody is redirected: the
//! answer would go to a stranger.

use axum::extract::{RawForm, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use url::Url;

use super::parameters::Parameters;
use super::session::{self, Session};
use super::state::{Code, Request};
use super::{SmallIdp, pages};

/// What stands before somebody's subject on the button that signs them in with a second factor.
pub(super) const WITH_SECOND_FACTOR: &str = "with-second-factor/";

/// Base64url of a SHA-256 (RFC 7636, section 4.2).
const CHALLENGE_CHARS: usize = 43;

/// An error that the client is told about, in a redirect.
struct Refusal {
    error: &'static str,
    description: &'static str,
}

impl Refusal {
    const fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }
}

pub(super) async fn authorize(State(idp): State<SmallIdp>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let Ok(parameters) = Parameters::parse(query.unwrap_or_default().as_bytes()) else {
        return pages::error("A parameter of this request came twice.").into_response();
    };
    let Some(client) = parameters.get("client_id").and_then(|id| idp.client(id)) else {
        return pages::error("The application that sent you here is not known to this provider.").into_response();
    };
    let known = |uri: &&str| client.redirect_uris.iter().any(|known| known == uri);
    let Some(redirect_uri) = parameters.get("redirect_uri").filter(known) else {
        return pages::error("The application asked to send you back to an address that is not its own.")
            .into_response();
    };
    if let Err(refusal) = check(&parameters) {
        let state = parameters.get("state");
        return back(
            &idp,
            redirect_uri,
            state,
            &[("error", refusal.error), ("error_description", refusal.description)],
        );
    }

    let request = Request {
        client_id: client.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        state: parameters.owned("state"),
        nonce: parameters.owned("nonce"),
        code_challenge: parameters.owned("code_challenge").unwrap_or_default(),
        max_age: parameters.get("max_age").and_then(|seconds| seconds.parse().ok()).map(TimeDelta::seconds),
        asked_at: idp.now(),
    };
    let handle = idp.secret();
    let asks_again = parameters.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|prompt| prompt == "login"));
    let here = if asks_again { None } else { session_here(&idp, &headers, &request) };
    let here = here.and_then(|session| Some((idp.person(&session.subject)?, session.authenticated_at)));
    let wants_second_factor = ["acr_values", "claims"]
        .into_iter()
        .any(|name| parameters.get(name).is_some_and(|asked| asked.contains(super::SECOND_FACTOR)));
    let page = pages::sign_in(&client.id, &handle, idp.people(), here, wants_second_factor);
    idp.memory().remember_request(handle, request);
    page.into_response()
}

/// What the person pressed: somebody's button, or the one that declines.
pub(super) async fn sign_in(State(idp): State<SmallIdp>, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    let Ok(parameters) = Parameters::parse(&body) else {
        return pages::error("A field of this form came twice.").into_response();
    };
    let now = idp.now();
    let handle = parameters.get("request").unwrap_or_default();
    let request = idp.memory().request(handle, now);
    let Some(request) = request else {
        return pages::error("This sign-in page is too old. Go back to the application and start again.")
            .into_response();
    };
    let (redirect_uri, state) = (request.redirect_uri.clone(), request.state.clone());
    if parameters.get("decline").is_some() {
        let refused = [("error", "access_denied"), ("error_description", "the person declined to sign in")];
        return back(&idp, &redirect_uri, state.as_deref(), &refused);
    }
    let (word, mut session) = if parameters.get("continue").is_some() {
        let here = session::in_browser(&headers).map(str::to_owned).zip(session_here(&idp, &headers, &request));
        let Some(here) = here else {
            return pages::error("You are not signed in here, or it was too long ago. Choose who to be.")
                .into_response();
        };
        here
    } else {
        let with_second_factor =
            parameters.get("second_factor").and_then(|value| value.strip_prefix(WITH_SECOND_FACTOR));
        let chosen = with_second_factor.or_else(|| parameters.get("person"));
        let Some(person) = chosen.and_then(|subject| idp.person(subject)) else {
            return pages::error("There is nobody of that name here.").into_response();
        };
        let session = Session {
            id: idp.secret(),
            subject: person.subject.clone(),
            authenticated_at: now,
            used_second_factor: with_second_factor.is_some(),
            clients: Vec::new(),
        };
        (idp.secret(), session)
    };

    if !session.clients.contains(&request.client_id) {
        session.clients.push(request.client_id.clone());
    }
    let code = idp.secret();
    let mut memory = idp.memory();
    memory.remember_session(word.clone(), session.clone());
    memory.issue_code(code.clone(), Code { request, session, issued_at: now });
    drop(memory);
    (session::remember(&word), back(&idp, &redirect_uri, state.as_deref(), &[("code", &code)])).into_response()
}

/// Who is signed in in this browser, and fresh enough for what is asked.
fn session_here(idp: &SmallIdp, headers: &HeaderMap, request: &Request) -> Option<Session> {
    let now = idp.now();
    let session = session::in_browser(headers).and_then(|word| idp.memory().session(word, now))?;
    request.max_age.is_none_or(|max_age| session.authenticated_at >= now - max_age).then_some(session)
}

/// Checks everything but client and redirect address.
fn check(parameters: &Parameters) -> Result<(), Refusal> {
    for (name, refusal) in [
        ("request", Refusal::new("request_not_supported", "request objects are not supported")),
        ("request_uri", Refusal::new("request_uri_not_supported", "request objects are not supported")),
    ] {
        if parameters.get(name).is_some() {
            return Err(refusal);
        }
    }
    match parameters.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(Refusal::new("unsupported_response_type", "response_type must be code")),
        None => return Err(Refusal::new("invalid_request", "response_type is missing")),
    }
    if !matches!(parameters.get("response_mode"), None | Some("query")) {
        return Err(Refusal::new("invalid_request", "response_mode must be query"));
    }
    if !parameters.get("scope").is_some_and(|scope| scope.split(' ').any(|scope| scope == "openid")) {
        return Err(Refusal::new("invalid_scope", "scope must contain openid"));
    }
    let base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let challenge = parameters.get("code_challenge").unwrap_or_default();
    if parameters.get("code_challenge_method") != Some("S256")
        || challenge.len() != CHALLENGE_CHARS
        || !challenge.bytes().all(base64url)
    {
        return Err(Refusal::new("invalid_request", "PKCE is required: code_challenge with method S256"));
    }
    if parameters.get("max_age").is_some_and(|seconds| seconds.parse::<u32>().is_err()) {
        return Err(Refusal::new("invalid_request", "max_age must be a number of seconds"));
    }
    let prompts: Vec<&str> = parameters.get("prompt").unwrap_or_default().split(' ').collect();
    match prompts.as_slice() {
        ["none"] => Err(Refusal::new("login_required", "nobody is ever signed in here without a page")),
        prompts if prompts.contains(&"none") => Err(Refusal::new("invalid_request", "prompt none cannot be combined")),
        _ => Ok(()),
    }
}

/// Sends the browser back to the client, with the state it gave and our own name (RFC 9207).
fn back(idp: &SmallIdp, redirect_uri: &str, state: Option<&str>, answer: &[(&str, &str)]) -> Response {
    let Ok(mut url) = Url::parse(redirect_uri) else {
        return pages::error("The address to send you back to cannot be read.").into_response();
    };
    url.query_pairs_mut()
        .extend_pairs(answer)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", idp.issuer());
    (pages::PRIVATE, Redirect::to(url.as_str())).into_response()
}
