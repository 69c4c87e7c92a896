//! The style sheet and the script. Their addresses change with their content, so browsers may keep them for ever.

use std::sync::LazyLock;

use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};

/// Where the style sheet is.
pub const STYLESHEET_PATH: &str = "/assets/lodge.css";

/// Where the script is.
pub const SCRIPT_PATH: &str = "/assets/lodge.js";

/// What all pages share, then a part for each kind of page.
const STYLESHEET: &str = concat!(
    include_str!("assets/base.css"),
    include_str!("assets/parts.css"),
    include_str!("assets/home.css"),
    include_str!("assets/overview.css"),
    include_str!("assets/mappings.css"),
    include_str!("assets/ledger.css"),
    include_str!("assets/account.css"),
    include_str!("assets/operator.css"),
);

const SCRIPT: &str = include_str!("assets/lodge.js");

static STYLESHEET_URL: LazyLock<String> = LazyLock::new(|| versioned(STYLESHEET_PATH, STYLESHEET));

static SCRIPT_URL: LazyLock<String> = LazyLock::new(|| versioned(SCRIPT_PATH, SCRIPT));

fn versioned(path: &str, content: &str) -> String {
    format!("{path}?v={}", hex::encode(&Sha256::digest(content.as_bytes())[..6]))
}

pub(super) fn stylesheet_url() -> &'static str {
    &STYLESHEET_URL
}

pub(super) fn script_url() -> &'static str {
    &SCRIPT_URL
}

/// `GET /assets/lodge.css`.
pub async fn stylesheet() -> impl IntoResponse {
    (headers("text/css; charset=utf-8"), STYLESHEET)
}

/// `GET /assets/lodge.js`.
pub async fn script() -> impl IntoResponse {
    (headers("text/javascript; charset=utf-8"), SCRIPT)
}

const fn headers(content_type: &str) -> [(HeaderName, &str); 2] {
    [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")]
}
