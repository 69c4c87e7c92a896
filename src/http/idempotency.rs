//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that comes twice is done once.
//!
//! Every POST of the API to a lab takes one, except the one for credentials: the answer to that is a secret that is kept
//! nowhere, and two requests for it are two sessions, each with its own place in the ledger.

use axum::http::HeaderMap;

use super::problem::Problem;
use crate::app::RequestKey;

const HEADER: &str = "idempotency-key";

/// How long a key may be.
const MAX_CHARS: usize = 255;

/// The request's key, if it has one, over all that it says.
pub(super) fn request_key(headers: &HeaderMap, request: &[&[u8]]) -> Result<Option<RequestKey>, Problem> {
    let mut given = headers.get_all(HEADER).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| given.next().is_none());
    let key = text.and_then(bare).ok_or_else(|| {
        Problem::malformed("`Idempotency-Key` must be one key of 1 to 255 visible ASCII characters, quoted or not.")
    })?;
    Ok(Some(RequestKey::new(key, request)))
}

/// The key without its quotes. It has none in itself, and no backslash, so that nobody reads it in two ways.
fn bare(text: &str) -> Option<&str> {
    let key = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => text,
    };
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    ((1..=MAX_CHARS).contains(&key.len()) && key.bytes().all(is_plain)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_quoted_or_not() {
        let long = "k".repeat(255);
        for (text, key) in [("a", "a"), ("\"a-B_1\"", "a-B_1"), (long.as_str(), long.as_str())] {
            assert_eq!(bare(text), Some(key));
        }
        for bad in ["", "\"\"", "\"", "\"a", "a\"", "a\"b", "a b", "a\\b", "\"a\" ", &"k".repeat(256), "é"] {
            assert_eq!(bare(bad), None, "{bad:?}");
        }
    }
}
