//! A provider's keys (RFC 7517): which of them there are, and which one a token is to be verified with.
//!
//! An entry that cannot be read is passed over: a provider may publish keys of kinds that we do not know. An entry that
//! is read is held to more than the standard asks (RSA of 2048 bits and more). Nothing that a token says of a key counts
//! but its name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonCurveType, CoreJsonWebKey};
use openidconnect::{JsonWebKey as _, SignatureVerificationError};
use serde_json::{Map, Value};

use super::{Algorithm, TokenFault, json};

/// RFC 7518, section 3.3, and NIST SP 800-131A.
const RSA_MIN_BITS: usize = 2048;
/// What the `rsa` crate verifies with.
const RSA_MAX_BITS: usize = 4096;
/// NIST SP 800-56B, section 6.2: 65537 and more, odd.
const RSA_MIN_EXPONENT: u64 = 65_537;

const UNKNOWN: &str = "it is signed with a key that the provider does not publish";
const UNNAMED: &str = "it names no key, and the provider publishes several";
const TWICE: &str = "its key's name is that of several keys";
const OTHER_USE: &str = "the key that it names is for another algorithm";
const WEAK: &str =
    "its key is too weak or out of bounds: RSA needs 2048 to 4096 bits and an odd exponent from 65537 on";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa { modulus_bytes: usize, is_sound: bool },
    P256,
    P384,
    Ed25519,
}

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    name: Option<String>,
    /// The name of the one algorithm that it is for, if it says so.
    algorithm: Option<String>,
    kind: Kind,
    public: CoreJsonWebKey,
}

/// All keys that can be used for signatures.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySet(Vec<Key>);

/// Why no key is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The provider may have a newer key than we know of.
    Unknown,
    /// Asking again would change nothing.
    Unusable(&'static str),
}

impl From<NoKey> for TokenFault {
    fn from(none: NoKey) -> Self {
        match none {
            NoKey::Unknown => Self::Key(UNKNOWN),
            NoKey::Unusable(why) => Self::Key(why),
        }
    }
}

impl KeySet {
    /// Reads a key set.
    ///
    /// # Errors
    ///
    /// When it is none, in words of ours.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let set = json::object(bytes)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("it has no list of keys")?;
        Ok(Self(keys.iter().filter_map(|key| key.as_object().and_then(Key::read)).collect()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The one key that a token of this algorithm can be verified with. A token that names no key is verified only when
    /// there is one that it could mean.
    pub(super) fn choose(&self, algorithm: Algorithm, name: Option<&str>) -> Result<&Key, NoKey> {
        let named: Vec<&Key> = self.0.iter().filter(|key| name.is_none() || key.name.as_deref() == name).collect();
        let usable: Vec<&Key> = named.iter().filter(|key| key.fits(algorithm)).copied().collect();
        match usable.as_slice() {
            [] if named.is_empty() || name.is_none() => Err(NoKey::Unknown),
            [] => Err(NoKey::Unusable(OTHER_USE)),
            [key] if key.kind.is_sound() => Ok(key),
            [_] => Err(NoKey::Unusable(WEAK)),
            _ if name.is_some() => Err(NoKey::Unusable(TWICE)),
            _ => Err(NoKey::Unusable(UNNAMED)),
        }
    }
}

impl Key {
    /// `None` for what is no public key of a kind that we know, for signatures.
    fn read(key: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let may_be_absent = |name: &str| key.get(name).is_none_or(Value::is_string);
        let verifies = match key.get("key_ops") {
            None => true,
            Some(Value::Array(uses)) => uses.iter().any(|one| one == "verify"),
            Some(_) => false,
        };
        if !matches!(key.get("use").map(Value::as_str), None | Some(Some("sig")))
            || !verifies
            || !may_be_absent("kid")
            || !may_be_absent("alg")
        {
            return None;
        }
        let (kind, public) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (modulus, exponent) = (without_zeros(&bytes("n")?), without_zeros(&bytes("e")?));
                let is_sound = is_sound(&modulus, &exponent);
                let kind = Kind::Rsa { modulus_bytes: modulus.len(), is_sound };
                (kind, CoreJsonWebKey::new_rsa(modulus, exponent, None))
            }
            ("EC", Some("P-256")) => (Kind::P256, point(bytes("x")?, bytes("y")?, 32, CoreJsonCurveType::P256)?),
            ("EC", Some("P-384")) => (Kind::P384, point(bytes("x")?, bytes("y")?, 48, CoreJsonCurveType::P384)?),
            ("OKP", Some("Ed25519")) => {
                let x = bytes("x").filter(|x| x.len() == 32)?;
                (Kind::Ed25519, CoreJsonWebKey::new_okp(x, CoreJsonCurveType::Ed25519, None))
            }
            _ => return None,
        };
        let owned = |name: &str| text(name).map(str::to_owned);
        Some(Self { name: owned("kid"), algorithm: owned("alg"), kind, public })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let is_of_kind = matches!(
            (self.kind, algorithm),
            (Kind::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
                | (Kind::P256, Algorithm::Es256)
                | (Kind::P384, Algorithm::Es384)
                | (Kind::Ed25519, Algorithm::EdDsa)
        );
        is_of_kind && self.algorithm.as_deref().is_none_or(|only| only == algorithm.name())
    }

    /// Whether this is the key's signature under these bytes.
    pub(super) fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Result<(), TokenFault> {
        // RFC 7518, sections 3.3 to 3.5, and RFC 8032, section 5.1.6: every signature has one length.
        let length = match self.kind {
            Kind::Rsa { modulus_bytes, .. } => modulus_bytes,
            Kind::P256 | Kind::Ed25519 => 64,
            Kind::P384 => 96,
        };
        if signature.len() != length {
            return Err(TokenFault::Signature);
        }
        match self.public.verify_signature(&algorithm.into(), signed, signature) {
            Ok(()) => Ok(()),
            Err(SignatureVerificationError::InvalidKey(_)) => Err(TokenFault::Key(WEAK)),
            Err(_) => Err(TokenFault::Signature),
        }
    }
}

impl Kind {
    const fn is_sound(self) -> bool {
        match self {
            Self::Rsa { is_sound, .. } => is_sound,
            Self::P256 | Self::P384 | Self::Ed25519 => true,
        }
    }
}

/// RFC 7518, section 6.3.1.1, forbids them; some providers send one.
fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes[zeros..].to_vec()
}

fn is_sound(modulus: &[u8], exponent: &[u8]) -> bool {
    let bits =
        modulus.first().map_or(0, |first| modulus.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0));
    let exponent = match exponent.len() {
        0..=8 => exponent.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        _ => return false,
    };
    let is_odd = |number: Option<&u8>| number.is_some_and(|last| last % 2 == 1);
    (RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits)
        && is_odd(modulus.last())
        && exponent % 2 == 1
        && exponent >= RSA_MIN_EXPONENT
}

/// Both coordinates have their full length (RFC 7518, section 6.2.1.2).
fn point(x: Vec<u8>, y: Vec<u8>, length: usize, curve: CoreJsonCurveType) -> Option<CoreJsonWebKey> {
    (x.len() == length && y.len() == length).then(|| CoreJsonWebKey::new_ec(x, y, curve, None))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(keys: &Value) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn rsa(name: Option<&str>, bits: usize, exponent: &[u8]) -> Value {
        let mut modulus = vec![0xff; bits / 8];
        modulus[0] = 0x80;
        let mut key =
            json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent)});
        if let Some(name) = name {
            key["kid"] = name.into();
        }
        key
    }

    fn ec(name: &str) -> Value {
        let coordinate = URL_SAFE_NO_PAD.encode([7; 32]);
        json!({"kty": "EC", "crv": "P-256", "kid": name, "x": coordinate, "y": coordinate})
    }

    const E: [u8; 3] = [1, 0, 1];

    #[test]
    fn a_key_is_chosen_by_its_name() {
        let keys = set(&json!([rsa(Some("a"), 2048, &E), rsa(Some("b"), 2048, &E), ec("c"), rsa(Some("b"), 3072, &E)]));
        let choose = |algorithm, name| keys.choose(algorithm, name).map(|_| ());

        assert_eq!(choose(Algorithm::Rs256, Some("a")), Ok(()));
        assert_eq!(choose(Algorithm::Es256, Some("c")), Ok(()));
        assert_eq!(choose(Algorithm::Rs256, Some("b")), Err(NoKey::Unusable(TWICE)));
        assert_eq!(choose(Algorithm::Rs256, Some("c")), Err(NoKey::Unusable(OTHER_USE)));
        for name in ["d", "A", "../../etc/passwd", "' OR 1=1", ""] {
            assert_eq!(choose(Algorithm::Rs256, Some(name)), Err(NoKey::Unknown), "{name}");
        }
    }

    #[test]
    fn a_token_without_a_name_is_verified_when_one_key_fits() {
        let keys = set(&json!([rsa(Some("a"), 2048, &E), rsa(None, 2048, &E), ec("c")]));

        assert!(keys.choose(Algorithm::Es256, None).is_ok());
        assert_eq!(keys.choose(Algorithm::Rs256, None).map(|_| ()), Err(NoKey::Unusable(UNNAMED)));
        assert_eq!(keys.choose(Algorithm::EdDsa, None).map(|_| ()), Err(NoKey::Unknown));
        let nameless = set(&json!([rsa(None, 2048, &E)]));
        assert_eq!(nameless.choose(Algorithm::Rs256, Some("a")).map(|_| ()), Err(NoKey::Unknown));
    }

    #[test]
    fn a_weak_key_is_known_and_not_used() {
        for weak in [
            rsa(Some("a"), 512, &E),
            rsa(Some("a"), 1024, &E),
            rsa(Some("a"), 2040, &E),
            rsa(Some("a"), 8192, &E),
            rsa(Some("a"), 2048, &[1]),
            rsa(Some("a"), 2048, &[3]),
            rsa(Some("a"), 2048, &[1, 0, 0]),
            rsa(Some("a"), 2048, &[0xff; 9]),
            rsa(Some("a"), 2048, &[]),
        ] {
            assert_eq!(
                set(&json!([weak])).choose(Algorithm::Rs256, Some("a")).map(|_| ()),
                Err(NoKey::Unusable(WEAK)),
                "{weak}"
            );
        }
        for good in [rsa(Some("a"), 2048, &[0, 1, 0, 1]), rsa(Some("a"), 4096, &E)] {
            assert!(set(&json!([good])).choose(Algorithm::Ps256, Some("a")).is_ok());
        }
    }

    #[test]
    fn what_is_no_key_for_signatures_is_passed_over() {
        let with = |name: &str, value: Value| {
            let mut key = rsa(Some("a"), 2048, &E);
            key[name] = value;
            key
        };
        for passed_over in [
            with("use", json!("enc")),
            with("use", json!(7)),
            with("key_ops", json!(["encrypt"])),
            with("kty", json!("oct")),
            with("kid", json!(7)),
            with("n", json!("not base64!")),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
            json!({}),
            json!("key"),
            Value::Null,
        ] {
            assert_eq!(set(&json!([passed_over])).len(), 0, "{passed_over}");
        }
        assert_eq!(set(&json!([with("key_ops", json!(["verify"])), with("use", json!("sig"))])).len(), 2);
        let bound = set(&json!([with("alg", json!("RS256"))]));
        assert_eq!(bound.choose(Algorithm::Ps256, Some("a")).map(|_| ()), Err(NoKey::Unusable(OTHER_USE)));
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[{"kid":"a","kid":"b"}]}"#]
        {
            assert!(KeySet::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
