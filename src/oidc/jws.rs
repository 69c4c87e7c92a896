//! The one reader of signed tokens (RFC 7515, compact form): ID tokens, signed userinfo answers, logout tokens.
//!
//! Nothing of a token's claims is looked at before its signature holds. A header says what kind of token it is and with
//! what it is signed; both have to be what we expect, and whatever else the header asks for is either refused (what
//! would change the meaning) or passed over (where its key might be found).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::{KeySet, NoKey};
use super::{Algorithm, TokenFault, json};

/// Our own bound. The largest ID tokens seen in the wild, with 200 groups by their GUIDs, have 12 KiB.
const TOKEN_MAX_BYTES: usize = 64 * 1024;

/// What a token is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `typ` is absent or `JWT`.
    Plain,
    /// `typ` may also be `logout+jwt` (Back-Channel Logout 1.0, section 2.4).
    Logout,
}

/// A token whose header is as it must be, and whose signature was not looked at.
#[derive(Debug)]
pub(super) struct Unverified<'t> {
    algorithm: Algorithm,
    key_name: Option<String>,
    signed: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

impl<'t> Unverified<'t> {
    /// Takes a token apart.
    pub(super) fn read(token: &'t str, kind: Kind, allowed: &[Algorithm]) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(TokenFault::Malformed("it is larger than 64 KiB"));
        }
        let (header, payload, signature) = match token.split('.').collect::<Vec<_>>().as_slice() {
            [header, payload, signature] => (*header, *payload, *signature),
            [_, _, _, _, _] => return Err(TokenFault::Malformed("it is encrypted")),
            _ => return Err(TokenFault::Malformed("it has not three parts")),
        };
        let signed = &token[..header.len() + 1 + payload.len()];
        let header = json::object(&decoded(header)?).map_err(TokenFault::Malformed)?;
        check_kind(&header, kind)?;
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::of_name);
        let algorithm = algorithm.filter(|one| allowed.contains(one)).ok_or(TokenFault::Algorithm)?;
        let key_name = match header.get("kid") {
            None => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(_) => return Err(TokenFault::Malformed("its key's name is no text")),
        };
        Ok(Self { algorithm, key_name, signed, payload, signature: decoded(signature)? })
    }

    /// Whether a key for it is among these.
    pub(super) fn has_key(&self, keys: &KeySet) -> bool {
        !matches!(keys.choose(self.algorithm, self.key_name.as_deref()), Err(NoKey::Unknown))
    }

    /// The claims, once the signature holds.
    pub(super) fn verify(&self, keys: &KeySet) -> Result<Map<String, Value>, TokenFault> {
        let key = keys.choose(self.algorithm, self.key_name.as_deref())?;
        key.verify(self.algorithm, self.signed.as_bytes(), &self.signature)?;
        json::object(&decoded(self.payload)?).map_err(TokenFault::Malformed)
    }
}

/// Without padding, white space or the other alphabet, and with no bits left over: one token, one text.
fn decoded(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed("it is not base64url"))
}

fn check_kind(header: &Map<String, Value>, kind: Kind) -> Result<(), TokenFault> {
    for (name, what) in [
        // RFC 7515, section 4.1.11: whoever does not understand it must refuse it, and we understand none.
        ("crit", "it asks for an extension (`crit`)"),
        // RFC 7797: the signature would be over other bytes.
        ("b64", "its payload is not encoded (`b64`)"),
        ("zip", "it is compressed (`zip`)"),
        // RFC 7519, section 5.2: a token within a token.
        ("cty", "it holds another token (`cty`)"),
    ] {
        if header.contains_key(name) {
            return Err(TokenFault::Type(what));
        }
    }
    let Some(named) = header.get("typ") else { return Ok(()) };
    let named = named.as_str().unwrap_or_default().to_ascii_lowercase();
    match (named.strip_prefix("application/").unwrap_or(&named), kind) {
        ("jwt", _) | ("logout+jwt", Kind::Logout) => Ok(()),
        _ => Err(TokenFault::Type("`typ` says so")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    /// A provider's key, for the tests of everything that reads tokens.
    pub(in crate::oidc) struct Signer(EcdsaKeyPair);

    impl Signer {
        pub(in crate::oidc) fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
        }

        pub(in crate::oidc) fn keys(&self) -> KeySet {
            let point = self.0.public_key().as_ref();
            let [x, y] = [&point[1..33], &point[33..]].map(|part| URL_SAFE_NO_PAD.encode(part));
            let key = json!({"kty": "EC", "crv": "P-256", "kid": "key-1", "x": x, "y": y});
            KeySet::read(json!({ "keys": [key] }).to_string().as_bytes()).unwrap()
        }

        pub(in crate::oidc) fn sign(&self, header: &[u8], payload: &[u8]) -> String {
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }

        /// A token with this header beside its algorithm and key.
        fn token(&self, header: &Value) -> String {
            let mut whole = json!({"alg": "ES256", "kid": "key-1"});
            for (name, value) in header.as_object().unwrap() {
                whole[name] = value.clone();
            }
            self.sign(whole.to_string().as_bytes(), br#"{"a":1}"#)
        }
    }

    fn read(signer: &Signer, token: &str, kind: Kind) -> Result<Map<String, Value>, TokenFault> {
        Unverified::read(token, kind, &[Algorithm::Es256])?.verify(&signer.keys())
    }

    #[test]
    fn a_good_token_is_read() {
        let signer = Signer::new();
        for header in [
            json!({}),
            json!({"typ": "JWT"}),
            json!({"typ": "jwt"}),
            json!({"typ": "application/JWT"}),
            json!({"jku": "https://evil.example/jwks", "x5u": "https://evil.example", "x5c": ["AA"], "jwk": {"kty": "oct"}}),
            json!({"x": {"deep": [1]}}),
        ] {
            assert_eq!(Value::Object(read(&signer, &signer.token(&header), Kind::Plain).unwrap()), json!({"a": 1}));
        }
        let logout = signer.token(&json!({"typ": "logout+jwt"}));
        assert!(read(&signer, &logout, Kind::Logout).is_ok());
        assert!(matches!(read(&signer, &logout, Kind::Plain), Err(TokenFault::Type(_))));
    }

    #[test]
    fn another_kind_of_token_is_refused() {
        let signer = Signer::new();
        for header in [
            json!({"typ": "at+jwt"}),
            json!({"typ": "dpop+jwt"}),
            json!({"typ": 7}),
            json!({"typ": null}),
            json!({"crit": ["x"]}),
            json!({"crit": []}),
            json!({"b64": true}),
            json!({"b64": false}),
            json!({"zip": "DEF"}),
            json!({"cty": "JWT"}),
        ] {
            let refused = read(&signer, &signer.token(&header), Kind::Logout);
            assert!(matches!(refused, Err(TokenFault::Type(_))), "{header}: {refused:?}");
        }
    }

    #[test]
    fn only_an_allowed_algorithm_is_one() {
        let signer = Signer::new();
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "nOnE"}),
            json!({"alg": "HS256"}),
            json!({"alg": "ES384"}),
            json!({"alg": "es256"}),
            json!({"alg": null}),
            json!({"alg": ["ES256"]}),
        ] {
            assert_eq!(read(&signer, &signer.token(&header), Kind::Plain), Err(TokenFault::Algorithm), "{header}");
        }
    }

    #[test]
    fn another_text_is_another_token() {
        let signer = Signer::new();
        let token = signer.token(&json!({}));
        let (start, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = start.split_once('.').unwrap();
        let cut = URL_SAFE_NO_PAD.encode(&URL_SAFE_NO_PAD.decode(signature).unwrap()[..63]);
        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        for bad in [
            format!("{token}="),
            format!("{token} "),
            format!(" {token}"),
            format!("{token}\n"),
            format!("{token}."),
            format!("{token}.x.y"),
            format!("{token}AA"),
            format!("{start}."),
            format!("{start}.{cut}"),
            format!("{start}.{zeros}"),
            format!("{header}=.{payload}.{signature}"),
            start.to_owned(),
            String::new(),
            "..".to_owned(),
            "x".repeat(65_537),
        ] {
            assert!(read(&signer, &bad, Kind::Plain).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_claim_that_comes_twice_is_none() {
        let signer = Signer::new();
        let header = br#"{"alg":"ES256","kid":"key-1"}"#;
        for bad in [&br#"{"sub":"a","sub":"b"}"#[..], b"[]", b"{}{}", b"\xef\xbb\xbf{}", b"{\"a\":\"\xff\"}", b""] {
            let refused = read(&signer, &signer.sign(header, bad), Kind::Plain);
            assert!(matches!(refused, Err(TokenFault::Malformed(_))), "{refused:?}");
        }
        for bad in [&br#"{"alg":"ES256","alg":"none"}"#[..], br#"{"alg":"ES256","kid":7}"#, b"[]", b"{"] {
            let refused = read(&signer, &signer.sign(bad, b"{}"), Kind::Plain);
            assert!(matches!(refused, Err(TokenFault::Malformed(_))), "{refused:?}");
        }
    }

    #[test]
    fn a_key_that_nobody_published_signs_nothing() {
        let (signer, other) = (Signer::new(), Signer::new());

        assert_eq!(read(&signer, &other.token(&json!({})), Kind::Plain), Err(TokenFault::Signature));
        for name in ["key-2", "../../etc/passwd", "' OR 1=1", ""] {
            let token = signer.token(&json!({ "kid": name }));
            assert!(matches!(read(&signer, &token, Kind::Plain), Err(TokenFault::Key(_))), "{name}");
        }
    }
}
