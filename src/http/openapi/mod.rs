//! The description of the API (OpenAPI 3.1), for programs that make clients and tests of it.
//!
//! It is made of three tables that the code itself runs on or is checked against: the routes and whom they admit
//! ([`super::routes`]), the kinds of problems ([`Kind`]), and the bodies in [`wire`]. What an address is for, takes and
//! answers beside that is in `operations`.

mod desk;
mod operation;
mod operations;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::problem::Kind;
use super::routes::{Admits, ROUTES};
use crate::wire;
use operation::Schemas;

static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /api/v1/openapi.json`: the description itself.
pub(super) async fn show() -> impl IntoResponse {
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")];
    (headers, TEXT.as_str())
}

/// The description.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    schemas.extend(wire::texts::texts());
    schemas.add::<wire::Problem>();
    let mut refusals = BTreeMap::new();
    let mut paths = BTreeMap::<&str, Map<String, Value>>::new();
    for operation in operations::all(&mut schemas) {
        // One that is no route is noticed by the tests.
        let route = ROUTES.iter().find(|it| (it.method, it.path) == (operation.method, operation.path));
        let operation = operation.admitting(route.map_or(Admits::Anyone, |route| route.admits));
        for (status, kinds) in operation.refusals() {
            let name = operation::name_of_refusal(status, &kinds);
            refusals.entry(name).or_insert_with(|| operation::refusal(status, &kinds));
        }
        paths.entry(operation.path).or_default().insert(operation.method.to_owned(), operation.described());
    }
    let mut schemas = schemas.into_value();
    describe_kinds(&mut schemas["Problem"]["properties"]["type"]);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lodge",
            "version": env!("CARGO_PKG_VERSION"),
            "description": include_str!("about.md"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The broker that serves this description." }],
        "tags": operations::TAGS.map(|(name, description)| json!({ "name": name, "description": description })),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": refusals,
            "securitySchemes": {
                "helper": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The access token of a helper's session, as `lodge login` gets it: from this broker's \
                        authorization server, by code with PKCE, and renewed there.",
                },
            },
        },
    })
}

/// The `type` of a problem: which there are, and what each means.
fn describe_kinds(schema: &mut Value) {
    let rows = Kind::ALL.iter().map(|kind| {
        let statuses: Vec<_> = kind.statuses().iter().map(|status| status.as_u16().to_string()).collect();
        format!("| `{}` | {} | {} |", kind.urn(), statuses.join(", "), kind.means())
    });
    let rows: Vec<_> = rows.collect();
    *schema = json!({
        "type": "string",
        "description": format!(
            "What kind of problem it is; stable.\n\n| type | status | means |\n|---|---|---|\n{}",
            rows.join("\n")
        ),
        "enum": Kind::ALL.iter().map(|kind| kind.urn()).collect::<Vec<_>>(),
    });
}
