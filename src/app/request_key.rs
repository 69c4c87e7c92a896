//! A key of the caller's own choosing, so that a request that comes twice is done once.

use sha2::{Digest, Sha256};

/// A request's key, and what the request says: the same key with another request is a mistake. Both are kept as their
/// SHA-256 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    pub(super) key_hash: String,
    pub(super) request_hash: String,
}

impl RequestKey {
    /// The key of a request that says all this.
    #[must_use]
    pub fn new(key: &str, request: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in request {
            // With its length, so that no two lists of parts come to the same.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Self { key_hash: hex::encode(Sha256::digest(key.as_bytes())), request_hash: hex::encode(hash.finalize()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_requests_are_the_same_when_every_part_of_them_is() {
        let key = RequestKey::new("k", &[b"POST", b"/a", b"body"]);

        assert_eq!(key, RequestKey::new("k", &[b"POST", b"/a", b"body"]));
        for other in [&[b"POST".as_slice(), b"/ab", b"ody"], &[b"POST", b"/a", b"bodY"], &[b"PUT", b"/a", b"body"]] {
            assert_ne!(key.request_hash, RequestKey::new("k", other).request_hash);
        }
        assert_ne!(key.key_hash, RequestKey::new("K", &[]).key_hash);
    }
}
