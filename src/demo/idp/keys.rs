//! The key that signs ID tokens: ES256, named by its own thumbprint.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Error;

/// Bytes of one coordinate on P-256.
const COORDINATE_BYTES: usize = 32;

/// The key pair, ready to sign.
pub(super) struct SigningKey {
    private: EncodingKey,
    x: String,
    y: String,
    id: String,
}

/// A fresh ES256 key, as PKCS #8.
///
/// # Panics
///
/// When the operating system has no randomness to give.
#[must_use]
#[expect(clippy::expect_used, reason = "no key may be made from anything else")]
pub fn generate_signing_key() -> Vec<u8> {
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .expect("the operating system gives randomness")
        .as_ref()
        .to_vec()
}

impl SigningKey {
    pub(super) fn new(pkcs8: &[u8]) -> Result<Self, Error> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
            .map_err(|_| Error::SigningKey)?;
        // An uncompressed point: one byte that says so, then both coordinates.
        let point = pair.public_key().as_ref();
        let (x, y) = point.get(1..).ok_or(Error::SigningKey)?.split_at(COORDINATE_BYTES);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // RFC 7638: the members of the key in this order, without spaces.
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes()));
        Ok(Self { private: EncodingKey::from_ec_der(pkcs8), x, y, id })
    }

    /// The public half, as a key set.
    pub(super) fn key_set(&self) -> Value {
        let key = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": self.x, "y": self.y,
        });
        json!({ "keys": [key] })
    }

    /// The claims as a signed token; `None` when the key cannot sign, which [`Self::new`] has ruled out.
    pub(super) fn sign(&self, claims: &Value) -> Option<String> {
        self.sign_as("JWT", claims)
    }

    /// The same for another kind of token.
    pub(super) fn sign_as(&self, kind: &str, claims: &Value) -> Option<String> {
        let typ = Some(kind.to_owned());
        let header = Header { kid: Some(self.id.clone()), typ, ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.private).ok()
    }
}
