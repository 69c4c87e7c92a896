//! What is around every route, outermost first: one log line, headers, a net for panics, limits, and the check that a
//! change comes from a page of ours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use super::limits::{self, Limits};
use super::problem::{self, Problem};
use crate::app::Broker;
use crate::domain::id::TransactionId;

/// No request of ours is larger than a form or a few fields.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// Longer than the longest call to AWS and the database's longest wait together.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Nothing is loaded but our own style sheet and script; none stands in a page, and none makes markup out of text; no
/// other page may show ours in a frame. `form-action` applies to every redirect that follows a form, so no form of ours is
/// answered with a redirect to another site.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // To our own pages only: a callback's URL holds a code.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// The routes, with everything around them.
pub(super) fn around(routes: Router<Broker>, broker: &Broker) -> Router<Broker> {
    routes
        .layer(middleware::from_fn_with_state((broker.clone(), Arc::new(Limits::default())), limits::limit))
        .layer(CsrfLayer::new().with_rejection_response(|_| Problem::foreign_form().into_response()))
        .layer(RequestBodyLimitLayer::new(BODY_MAX_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response()))
        .layer(middleware::from_fn_with_state(broker.clone(), add_headers))
        .layer(middleware::from_fn_with_state(broker.clone(), log))
}

async fn add_headers(State(broker): State<Broker>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if broker.public_url.scheme() == "https" {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Browsers ask for a page; helpers, scripts and the `/api` and token routes never get one.
fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    let machine = path.starts_with("/api/") || path == "/oauth/token" || path == "/oauth/revoke";
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    !machine && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// One event for each request: the route as it stands in the table, never the path or the query, which can hold a code.
async fn log(State(broker): State<Broker>, request: Request, next: Next) -> Response {
    let id = TransactionId::from_entropy(broker.random.bytes()).as_str().replacen("tx-", "req-", 1);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let for_browser = wants_page(&request);
    let started = Instant::now();
    let mut response = problem::render(next.run(request).await, &id, for_browser);

    let status = response.status();
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    // Somebody must act on an error. That the broker is unavailable is said, with its reason, where that is known.
    if status == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(request.id = id, %method, route, status = status.as_u16(), duration_ms, "request");
    } else if status.is_server_error() {
        tracing::error!(request.id = id, %method, route, status = status.as_u16(), duration_ms, "request");
    } else {
        tracing::info!(request.id = id, %method, route, status = status.as_u16(), duration_ms, "request");
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}
