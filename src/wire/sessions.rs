//! Somebody's own sessions, as they look at them and end them.

use serde::{Deserialize, Serialize};

/// A live session of the caller's person: `GET /api/v1/me/sessions` gives a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names it for `DELETE /api/v1/me/sessions/{id}`.
    pub id: String,
    /// `browser` or `helper`.
    pub kind: String,
    /// A browser's own word for what it is, in short.
    pub agent: Option<String>,
    /// A helper's own word for the machine it is on.
    pub host: Option<String>,
    /// A helper's own word for the account there.
    pub account: Option<String>,
    /// The address that it was opened from, where that was seen.
    pub address: Option<String>,
    /// When it began.
    pub created_at: String,
    /// When it was used last: a browser's to the minute, a helper's to the last trade of its tokens.
    pub seen_at: String,
    /// When it ends by itself.
    pub expires_at: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}
