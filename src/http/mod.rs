//! The JSON API, our authorization server for the helper, and the table of all routes.
//!
//! A handler does three things: extract, call one use case, answer. Who may call what is in the extractors
//! ([`extract::Helper`], [`extract::Browser`]); what an error looks like is in [`problem`], once.

mod api;
mod cookies;
pub mod extract;
mod layers;
mod oauth;
pub mod problem;
mod sign_in;

use axum::Router;
use axum::routing::{get, post};

use crate::app::Broker;
use crate::console;

/// Every route there is, and the layers around them.
pub fn router(broker: Broker) -> Router {
    let api = Router::new()
        .route("/api/v1/me", get(api::me))
        .route("/api/v1/labs/{lab}/roles/{role}/credentials", post(api::credentials));

    let oauth = Router::new()
        .route(crate::wire::OAUTH_METADATA_PATH, get(oauth::metadata))
        .route("/oauth/authorize", get(oauth::authorize).post(oauth::confirm))
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/revoke", post(oauth::revoke));

    let pages = Router::new()
        .route("/", get(sign_in::home))
        .route("/sign-in", get(sign_in::choose))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/auth/{connection}/start", get(sign_in::start))
        .route("/auth/{connection}/callback", get(sign_in::callback))
        .route(console::STYLESHEET_PATH, get(console::stylesheet));

    let health = Router::new().route("/healthz", get(api::healthz)).route("/readyz", get(api::readyz));

    let routes = Router::new().merge(api).merge(oauth).merge(pages).merge(health).fallback(problem::no_such_page);
    layers::around(routes, &broker).with_state(broker)
}
