//! Signed tokens in compact form, right and wrong.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::EcdsaKeyPair;
use ring::{digest, hmac};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

use super::keys::{Key, Keys, Secret};

/// What a token is signed with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signature {
    /// This key, as its algorithm is.
    By(Key),
    /// Nothing.
    Absent,
    /// HMAC-SHA-256 with something that is no secret between the two.
    Hmac(Secret),
    /// The right one, cut to so many bytes.
    Cut(usize),
    /// The right one with a byte behind it.
    Extended,
    /// The right one, written as in X.509 (ASN.1) instead of as two numbers.
    Der,
    /// `r = s = 0` (CVE-2022-21449).
    Zeros,
    /// `r = s = n`, the order of the curve, which is zero to whoever does not look.
    Order,
    /// The right one's twin, with `n - s` in the place of `s`.
    Mirrored,
    /// The right one, in the alphabet of base64 with `+` and `/`.
    OtherAlphabet,
}

/// A token to make: its header and claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) header: fn(&mut Value),
    pub(crate) claims: fn(&mut Value),
    pub(crate) signature: Signature,
}

/// The order of P-256 (FIPS 186-4, D.1.2.3).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

impl Keys {
    /// A token of these parts, signed so.
    pub(super) fn seal(&self, header: &[u8], claims: &[u8], signature: Signature) -> String {
        let unsigned = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        if let Signature::OtherAlphabet = signature {
            // Every signature is another one; some look the same in both alphabets.
            let differs = |text: &String| text.contains(['+', '/']);
            let text = std::iter::repeat_with(|| STANDARD_NO_PAD.encode(self.sign(Key::P256, unsigned.as_bytes())))
                .find(differs);
            return format!("{unsigned}.{}", text.unwrap());
        }
        let signature = self.signature(signature, unsigned.as_bytes());
        format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signature(&self, signature: Signature, signed: &[u8]) -> Vec<u8> {
        let right = || self.sign(Key::P256, signed);
        let order = || hex::decode(ORDER).unwrap();
        match signature {
            Signature::By(key) => self.sign(key, signed),
            Signature::Absent => Vec::new(),
            Signature::Hmac(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret(secret)), signed).as_ref().to_vec()
            }
            Signature::Cut(length) => right()[..length].to_vec(),
            Signature::Extended => [right(), vec![0]].concat(),
            Signature::Der => in_der(&right()),
            Signature::Zeros => vec![0; 64],
            Signature::Order => [order(), order()].concat(),
            Signature::Mirrored => {
                let right = right();
                [right[..32].to_vec(), difference(&order(), &right[32..])].concat()
            }
            Signature::OtherAlphabet => unreachable!("it is not the bytes that differ"),
        }
    }

    fn sign(&self, key: Key, signed: &[u8]) -> Vec<u8> {
        let ecdsa = |pair: &EcdsaKeyPair| pair.sign(&SystemRandom::new(), signed).unwrap().as_ref().to_vec();
        match key {
            Key::P256 => ecdsa(&self.p256),
            Key::OtherP256 => ecdsa(&self.other_p256),
            Key::P384 => ecdsa(&self.p384),
            Key::Ed25519 => self.ed25519.sign(signed).as_ref().to_vec(),
            Key::Rsa2048 | Key::Rsa1024 | Key::Rsa512 => {
                let padding = rsa::Pkcs1v15Sign { hash_len: Some(32), prefix: sha256_prefix().into() };
                self.rsa(key).sign(padding, digest::digest(&digest::SHA256, signed).as_ref()).unwrap()
            }
            Key::RsaOne => padded(self.rsa(key).size(), signed),
        }
    }

    /// The claims of a userinfo answer as a signed token.
    pub(super) fn user_info(&self, issuer: &str, claims: &Value, sealed: Sealed) -> String {
        let mut header = json!({"alg": "ES256", "kid": Key::P256.id()});
        let mut claims = claims.clone();
        claims["iss"] = json!(issuer);
        claims["aud"] = json!(super::CLIENT_ID);
        (sealed.header)(&mut header);
        (sealed.claims)(&mut claims);
        self.seal(header.to_string().as_bytes(), claims.to_string().as_bytes(), sealed.signature)
    }
}

/// What says that a SHA-256 follows (RFC 8017, section 9.2, note 1).
fn sha256_prefix() -> Vec<u8> {
    hex::decode("3031300d060960864801650304020105000420").unwrap()
}

/// The message as it is before the private key comes (RFC 8017, section 9.2): with the exponent 1, that is a signature.
fn padded(length: usize, signed: &[u8]) -> Vec<u8> {
    let tail = [sha256_prefix(), digest::digest(&digest::SHA256, signed).as_ref().to_vec()].concat();
    let filler = vec![0xff; length - tail.len() - 3];
    [vec![0, 1], filler, vec![0], tail].concat()
}

/// Two numbers of 32 bytes as a SEQUENCE of two INTEGERs.
fn in_der(fixed: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let mut bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        [vec![2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    };
    let both = [number(&fixed[..32]), number(&fixed[32..])].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

/// `a - b`, of the same length, where `a` is the larger.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = false;
    let mut digits: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let (without, one) = a.overflowing_sub(*b);
            let (with, other) = without.overflowing_sub(u8::from(borrow));
            borrow = one || other;
            with
        })
        .collect();
    digits.reverse();
    digits
}
