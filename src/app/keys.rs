//! Tokens, their hashes, and what is derived from the key file.
//!
//! A token is 256 random bits and is kept as its SHA-256 only. What replicas must be able to make again without storing
//! it (a state, a nonce, a PKCE verifier, a form's token) is HMAC-SHA-256 of the row's id under the key file. So a stolen
//! database opens nothing.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use crate::ambient::Random;
use crate::private_file;

/// The key file holds this many bytes.
const KEY_BYTES: usize = 32;

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or made.
    #[error("the key file cannot be read or made")]
    Io(#[from] std::io::Error),
    /// It does not hold what it should.
    #[error("the key file must hold exactly {KEY_BYTES} bytes")]
    Length,
    /// Somebody else may read it.
    #[error("the key file may be read by others; run: chmod 600 on it")]
    Permissions,
}

/// What a value is derived for, so that no two uses ever share one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The seal of what a browser keeps of a sign-in under way.
    SignIn,
    /// The OAuth state of a sign-in.
    State,
    /// The OpenID Connect nonce of a sign-in.
    Nonce,
    /// The PKCE verifier of a sign-in.
    Verifier,
    /// The token in a browser session's forms.
    Form,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::SignIn => b"lodge sign-in v1\0",
            Self::State => b"lodge state v1\0",
            Self::Nonce => b"lodge nonce v1\0",
            Self::Verifier => b"lodge verifier v1\0",
            Self::Form => b"lodge form v1\0",
        }
    }
}

/// The key file, read.
pub struct KeyFile(SecretBox<[u8; KEY_BYTES]>);

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile(…)")
    }
}

impl KeyFile {
    /// A key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// When it is missing, of another length, or readable by others.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        if !private_file::is_private(path)? {
            return Err(KeyError::Permissions);
        }
        let bytes = Zeroizing::new(std::fs::read(path)?);
        let bytes: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| KeyError::Length)?;
        Ok(Self::from_bytes(bytes))
    }

    /// Reads a key file, making it first when it is not there.
    ///
    /// # Errors
    ///
    /// As [`KeyFile::read`], and when it cannot be made.
    pub fn read_or_create(path: &Path, random: &Random) -> Result<Self, KeyError> {
        match private_file::create_new(path) {
            Ok(mut file) => {
                let bytes = Zeroizing::new(random.bytes::<KEY_BYTES>());
                std::io::Write::write_all(&mut file, bytes.as_slice())?;
                file.sync_all()?;
                Ok(Self::from_bytes(*bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(error.into()),
        }
    }

    /// 43 characters that only this key and this id give.
    pub(super) fn derive(&self, purpose: Purpose, id: &str) -> SecretString {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("a key of 32 bytes");
        mac.update(purpose.label());
        mac.update(id.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()).into()
    }
}

/// A fresh token: a prefix that secret scanners can look for, and 256 random bits.
pub(super) fn new_token(prefix: &str, random: &Random) -> SecretString {
    let bytes = Zeroizing::new(random.bytes::<32>());
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes.as_slice())).into()
}

/// What is kept of a token. A plain hash is enough for 256 random bits; looking it up by hash takes no time that tells.
pub(super) fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

/// Twelve hexadecimal digits that tell one token from another and say nothing of it.
pub(super) fn label(token: &str) -> String {
    hex::encode(&Sha256::digest(token.as_bytes())[..6])
}

/// Equality that takes the same time wherever two texts differ.
pub(super) fn same(a: &str, b: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(a.as_bytes(), b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededRandom;

    #[test]
    fn derived_values_differ_by_key_purpose_and_id() {
        let (one, two) = (KeyFile::from_bytes([1; 32]), KeyFile::from_bytes([2; 32]));
        let text = |key: &KeyFile, purpose, id| key.derive(purpose, id).expose_secret().to_owned();

        let first = text(&one, Purpose::Nonce, "tx-1");
        assert_eq!(first, text(&one, Purpose::Nonce, "tx-1"));
        assert_eq!(first.len(), 43);
        for other in [
            text(&two, Purpose::Nonce, "tx-1"),
            text(&one, Purpose::Verifier, "tx-1"),
            text(&one, Purpose::Form, "tx-1"),
            text(&one, Purpose::State, "tx-1"),
            text(&one, Purpose::SignIn, "tx-1"),
            text(&one, Purpose::Nonce, "tx-2"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_read_ever_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let random = Random::Seeded(SeededRandom::new(1));

        let made = KeyFile::read_or_create(&path, &random).unwrap();
        let read = KeyFile::read_or_create(&path, &random).unwrap();
        assert_eq!(made.0.expose_secret(), read.0.expose_secret());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, [0; 32]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(KeyFile::read(&path), Err(KeyError::Permissions)));

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(KeyFile::read(&path).is_ok());
        std::fs::write(&path, [0; 31]).unwrap();
        assert!(matches!(KeyFile::read(&path), Err(KeyError::Length)));
    }

    #[test]
    fn tokens_are_long_and_kept_as_hashes() {
        let token = new_token("lodge_at_", &Random::System);
        assert_eq!(token.expose_secret().len(), 9 + 43);
        assert_eq!(hash("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"));
    }
}
