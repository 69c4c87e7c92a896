//! Somebody's own sessions, as they look at them and end them.

use serde::{Deserialize, Serialize};

/// A live session of the caller's person: `GET /api/v1/me/sessions` gives a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Session {
    /// Names it for `DELETE /api/v1/me/sessions/{id}`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::SessionId))]
    pub id: String,
    /// `browser` or `helper`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::SessionKind))]
    pub kind: String,
    /// A browser's own word for what it is, in short.
    #[cfg_attr(feature = "server", schema(required))]
    pub agent: Option<String>,
    /// A helper's own word for the machine it is on.
    #[cfg_attr(feature = "server", schema(required))]
    pub host: Option<String>,
    /// A helper's own word for the account there.
    #[cfg_attr(feature = "server", schema(required))]
    pub account: Option<String>,
    /// The address that it was opened from, where that was seen.
    #[cfg_attr(feature = "server", schema(required))]
    pub address: Option<String>,
    /// When it began.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub created_at: String,
    /// When it was used last: a browser's to the minute, a helper's to the last trade of its tokens.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub seen_at: String,
    /// When it ends by itself.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub expires_at: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}
