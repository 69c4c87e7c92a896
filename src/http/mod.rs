//! The JSON API, our authorization server for the helper, and the pages' addresses.
//!
//! A handler does three things: extract, call one use case, answer. Who may call what is in the extractors
//! ([`extract::Helper`], [`extract::Browser`]) and written down in [`routes`]; what an error looks like is in
//! [`problem`], once.

mod address;
mod api;
mod backchannel;
mod client;
mod cookies;
mod downloads;
mod export;
pub mod extract;
mod idempotency;
mod invitations;
mod kinds;
mod layers;
mod limits;
mod looked_for;
mod oauth;
pub mod openapi;
mod operator;
mod pages;
pub mod problem;
mod refused;
mod refused_sign_in;
pub mod routes;
mod serve;
mod sessions;
mod sign_in;
mod visitor;

use axum::Router;

pub use serve::{CONNECTIONS_MAX, HEAD_TIMEOUT, serve};

use crate::app::Broker;

/// Every route there is, and the layers around them.
pub fn router(broker: Broker) -> Router {
    let routes = routes::router().fallback(problem::no_such_page);
    layers::around(routes, &broker).with_state(broker)
}
