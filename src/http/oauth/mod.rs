//! Our authorization server for the helper: RFC 8414 metadata, a page that asks the person, the token endpoint (RFC
//! 6749 with PKCE, RFC 7636) and revocation (RFC 7009). There is one client, public, and two grants: a code, and a refresh
//! token.

mod authorize;
mod token;

use axum::Json;
use axum::extract::State;

use crate::app::{Broker, MFA_LEVEL};
use crate::wire;

pub(super) use authorize::{authorize, confirm};
pub(super) use token::{revoke, token};

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn metadata(State(broker): State<Broker>) -> Json<wire::OauthMetadata> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Json(wire::OauthMetadata {
        issuer: broker.issuer().to_owned(),
        authorization_endpoint: broker.url("/oauth/authorize"),
        token_endpoint: broker.url("/oauth/token"),
        revocation_endpoint: broker.url("/oauth/revoke"),
        response_types_supported: texts(&["code"]),
        response_modes_supported: texts(&["query"]),
        grant_types_supported: texts(&["authorization_code", "refresh_token"]),
        code_challenge_methods_supported: texts(&["S256"]),
        token_endpoint_auth_methods_supported: texts(&["none"]),
        revocation_endpoint_auth_methods_supported: texts(&["none"]),
        acr_values_supported: texts(&[MFA_LEVEL]),
        authorization_response_iss_parameter_supported: true,
        lodge_helper_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
    })
}
