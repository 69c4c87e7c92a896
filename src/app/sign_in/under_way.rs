//! A sign-in between its beginning and its answer. It is kept in the browser that began it, and nowhere here: anybody
//! can begin one, and what strangers can make must cost nothing.
//!
//! The cookie holds what must be known again, and an HMAC under the key file over it; state, nonce and PKCE verifier are
//! derived from its id and stand nowhere. So only the browser that was sent away can come back, only to the connection
//! it was sent to, and any replica can take the answer. That it is taken once is for the database to say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::SignInWish;
use crate::app::keys::{self, KeyFile, Purpose};
use crate::domain::id::{ConnectionName, TransactionId};

/// How long somebody may take at their provider's sign-in page.
pub(in crate::app) const SIGN_IN_TIMEOUT: TimeDelta = TimeDelta::minutes(10);

/// What the cookie holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnderWay {
    /// What everything that the provider is shown is derived from.
    pub(super) id: TransactionId,
    /// Where the browser was sent.
    pub(super) connection: ConnectionName,
    /// A page of ours.
    return_to: String,
    #[serde(with = "chrono::serde::ts_microseconds")]
    pub(super) begun_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "is_false")]
    fresh: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    mfa: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl UnderWay {
    pub(super) fn new(id: TransactionId, connection: ConnectionName, wish: &SignInWish, now: DateTime<Utc>) -> Self {
        let return_to = wish.return_to.as_str().to_owned();
        Self { id, connection, return_to, begun_at: now, fresh: wish.fresh, mfa: wish.mfa }
    }

    /// What was asked for. Whether another account was to be chosen is over by now.
    pub(super) fn wish(&self) -> SignInWish {
        let return_to = self.return_to.parse().unwrap_or_default();
        SignInWish { return_to, other_account: false, fresh: self.fresh, mfa: self.mfa }
    }

    pub(super) fn state(&self, keys: &KeyFile) -> SecretString {
        keys.derive(Purpose::State, self.id.as_str())
    }

    pub(super) fn nonce(&self, keys: &KeyFile) -> SecretString {
        keys.derive(Purpose::Nonce, self.id.as_str())
    }

    pub(super) fn verifier(&self, keys: &KeyFile) -> SecretString {
        keys.derive(Purpose::Verifier, self.id.as_str())
    }

    /// Whether it has waited longer than a sign-in may.
    pub(super) fn is_late(&self, now: DateTime<Utc>) -> bool {
        now - self.begun_at > SIGN_IN_TIMEOUT
    }

    /// What to leave in the browser.
    pub(super) fn seal(&self, keys: &KeyFile) -> SecretString {
        // Plain fields: there is nothing in it that JSON cannot write.
        let content = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        let mac = keys.derive(Purpose::SignIn, &content);
        format!("{content}.{}", mac.expose_secret()).into()
    }

    /// What was left in a browser; none when it is not of our making.
    pub(super) fn open(keys: &KeyFile, sealed: &SecretString) -> Option<Self> {
        let (content, mac) = sealed.expose_secret().split_once('.')?;
        if !keys::same(keys.derive(Purpose::SignIn, content).expose_secret(), mac) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(content).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under_way() -> UnderWay {
        let wish = SignInWish { return_to: "/invitation".parse().unwrap(), mfa: true, ..SignInWish::default() };
        let id = TransactionId::from_entropy([3; 10]);
        UnderWay::new(id, "campus".parse().unwrap(), &wish, DateTime::from_timestamp(1_795_266_000, 0).unwrap())
    }

    #[test]
    fn what_was_left_in_the_browser_is_known_again() {
        let (keys, begun) = (KeyFile::from_bytes([1; 32]), under_way());

        let known = UnderWay::open(&keys, &begun.seal(&keys)).unwrap();

        assert_eq!((known.id.clone(), known.connection.as_str()), (begun.id.clone(), "campus"));
        assert_eq!(known.begun_at, begun.begun_at);
        assert_eq!(known.wish(), begun.wish());
        assert!(known.wish().mfa && !known.wish().fresh && known.wish().return_to.as_str() == "/invitation");
        assert!(!known.is_late(begun.begun_at + SIGN_IN_TIMEOUT));
        assert!(known.is_late(begun.begun_at + SIGN_IN_TIMEOUT + TimeDelta::microseconds(1)));
    }

    #[test]
    fn what_we_did_not_make_is_not_taken() {
        let (keys, begun) = (KeyFile::from_bytes([1; 32]), under_way());
        let sealed = begun.seal(&keys).expose_secret().to_owned();
        let (content, mac) = sealed.split_once('.').unwrap();
        let mut elsewhere = under_way();
        elsewhere.connection = "other".parse().unwrap();
        let other_content = elsewhere.seal(&keys).expose_secret().split_once('.').unwrap().0.to_owned();

        let forged = [
            String::new(),
            content.to_owned(),
            format!("{content}."),
            format!("{content}.{}", &mac[1..]),
            format!("{other_content}.{mac}"),
            // A value that was derived for another use of the same text.
            format!("{content}.{}", keys.derive(Purpose::State, content).expose_secret()),
            begun.seal(&KeyFile::from_bytes([2; 32])).expose_secret().to_owned(),
        ];

        assert!(UnderWay::open(&keys, &sealed.clone().into()).is_some());
        for forged in forged {
            assert!(UnderWay::open(&keys, &forged.clone().into()).is_none(), "{forged}");
        }
    }

    #[test]
    fn the_longest_way_back_fits_a_cookie() {
        let longest = format!("/oauth/authorize?{}", "x".repeat(2_048 - 17));
        let wish = SignInWish { return_to: longest.parse().unwrap(), other_account: true, fresh: true, mfa: true };
        let connection = "c".repeat(40).parse().unwrap();
        let begun = UnderWay::new(TransactionId::from_entropy([3; 10]), connection, &wish, DateTime::UNIX_EPOCH);

        let sealed = begun.seal(&KeyFile::from_bytes([1; 32]));

        assert!(sealed.expose_secret().len() + "__Host-lodge_sign_in_0123456789ab=".len() <= 4_096);
    }
}
