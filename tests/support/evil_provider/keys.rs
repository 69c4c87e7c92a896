//! What the provider signs with, and what it could sign with if it wanted.
//!
//! The RSA keys in `keys/` were made for these tests (`openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:…`) and
//! open nothing. The weak ones are there because no library makes such keys any more.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lodge::demo::idp::generate_signing_key;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

/// A key of the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The one that it publishes and signs with, unless it lies.
    P256,
    /// Another of that kind.
    OtherP256,
    P384,
    Ed25519,
    Rsa2048,
    /// A modulus of 1024 bits.
    Rsa1024,
    /// A modulus of 512 bits.
    Rsa512,
    /// The public exponent 1: whoever knows the message knows the signature.
    RsaOne,
}

/// What somebody might take for a symmetric key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// The broker's client secret.
    Client,
    /// The public key, as its point.
    Point,
    /// The public key in PEM.
    Pem,
    /// The public key in DER.
    Der,
    /// The public key's `x`, as the key set has it.
    Coordinate,
    /// Nothing at all.
    Empty,
}

/// All of them.
pub(super) struct Keys {
    pub(super) p256: EcdsaKeyPair,
    pub(super) other_p256: EcdsaKeyPair,
    pub(super) p384: EcdsaKeyPair,
    pub(super) ed25519: Ed25519KeyPair,
    pub(super) rsa_2048: rsa::RsaPrivateKey,
    pub(super) rsa_1024: rsa::RsaPrivateKey,
    pub(super) rsa_512: rsa::RsaPrivateKey,
}

impl Key {
    /// Its `kid`.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::P256 => "key-1",
            Self::OtherP256 => "key-2",
            Self::P384 => "p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa1024 => "rsa-1024",
            Self::Rsa512 => "rsa-512",
            Self::RsaOne => "rsa-one",
        }
    }

    /// What it signs with.
    pub(crate) const fn algorithm(self) -> &'static str {
        match self {
            Self::P256 | Self::OtherP256 => "ES256",
            Self::P384 => "ES384",
            Self::Ed25519 => "EdDSA",
            Self::Rsa2048 | Self::Rsa1024 | Self::Rsa512 | Self::RsaOne => "RS256",
        }
    }
}

impl Keys {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let p256 =
            || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &generate_signing_key(), &random).unwrap();
        let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let rsa = |text: &str| rsa::RsaPrivateKey::from_pkcs8_pem(text).unwrap();
        Self {
            p256: p256(),
            other_p256: p256(),
            p384: EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, p384.as_ref(), &random).unwrap(),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(),
            rsa_2048: rsa(include_str!("keys/rsa-2048.pem")),
            rsa_1024: rsa(include_str!("keys/rsa-1024.pem")),
            rsa_512: rsa(include_str!("keys/rsa-512.pem")),
        }
    }

    /// The private key; of the one with the exponent 1, the key whose modulus it has.
    pub(super) fn rsa(&self, key: Key) -> &rsa::RsaPrivateKey {
        match key {
            Key::Rsa1024 => &self.rsa_1024,
            Key::Rsa512 => &self.rsa_512,
            _ => &self.rsa_2048,
        }
    }

    /// The key as the key set has it.
    pub(super) fn jwk(&self, key: Key) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = |curve: &str, pair: &EcdsaKeyPair| {
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
        };
        let mut jwk = match key {
            Key::P256 => point("P-256", &self.p256),
            Key::OtherP256 => point("P-256", &self.other_p256),
            Key::P384 => point("P-384", &self.p384),
            Key::Ed25519 => json!({"kty": "OKP", "crv": "Ed25519", "x": text(self.ed25519.public_key().as_ref())}),
            Key::Rsa2048 | Key::Rsa1024 | Key::Rsa512 | Key::RsaOne => {
                let public = self.rsa(key);
                let exponent = if key == Key::RsaOne { vec![1] } else { public.e().to_bytes_be() };
                json!({"kty": "RSA", "n": text(&public.n().to_bytes_be()), "e": text(&exponent)})
            }
        };
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(key.algorithm());
        jwk["kid"] = json!(key.id());
        jwk
    }

    /// The bytes that somebody might take for a symmetric key.
    pub(super) fn secret(&self, secret: Secret) -> Vec<u8> {
        /// What stands before the point in the public key's DER (RFC 5480).
        const BEFORE_POINT: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let point = self.p256.public_key().as_ref().to_vec();
        let der = || [hex::decode(BEFORE_POINT).unwrap(), point.clone()].concat();
        match secret {
            Secret::Client => super::super::broker::CLIENT_SECRET.into(),
            Secret::Der => der(),
            Secret::Pem => {
                let text = STANDARD.encode(der());
                let (first, second) = text.split_at(64);
                format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n").into_bytes()
            }
            Secret::Coordinate => URL_SAFE_NO_PAD.encode(&point[1..33]).into_bytes(),
            Secret::Point => point,
            Secret::Empty => Vec::new(),
        }
    }
}
