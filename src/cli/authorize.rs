//! The start of a sign-in: PKCE (RFC 7636), the state, and the URL that the browser visits.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use crate::ambient::Random;
use crate::wire::HELPER_CLIENT_ID;

/// Bytes of randomness in a verifier and in a state: 43 characters of base64url.
const SECRET_BYTES: usize = 32;

/// How long ago somebody may have shown who they are whose sign-in is to be fresh: five minutes.
const FRESH_SECONDS: &str = "300";

/// What the helper asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// Where the answer goes.
    pub(crate) redirect_uri: &'a str,
    /// What this machine calls itself.
    pub(crate) machine: &'a str,
    /// The account on it.
    pub(crate) account: &'a str,
    /// That the person shows who they are now.
    pub(crate) fresh: bool,
    /// That they do it with a second factor.
    pub(crate) mfa: bool,
}

/// One attempt to sign in: what the helper keeps to itself until the code comes back.
pub(crate) struct Attempt {
    /// The PKCE verifier.
    pub(crate) verifier: Zeroizing<String>,
    /// Comes back with the code, or the code is not for us.
    pub(crate) state: Zeroizing<String>,
}

impl Attempt {
    pub(crate) fn new(random: &Random) -> Self {
        Self { verifier: secret(random), state: secret(random) }
    }

    /// The URL that the browser visits.
    pub(crate) fn url(&self, endpoint: Url, wish: &Wish<'_>) -> Url {
        let mut url = endpoint;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", HELPER_CLIENT_ID)
            .append_pair("redirect_uri", wish.redirect_uri)
            .append_pair("state", &self.state)
            .append_pair("code_challenge", &challenge(&self.verifier))
            .append_pair("code_challenge_method", "S256")
            .append_pair("host", wish.machine);
        if !wish.account.is_empty() {
            url.query_pairs_mut().append_pair("account", wish.account);
        }
        if wish.fresh {
            url.query_pairs_mut().append_pair("max_age", FRESH_SECONDS);
        }
        if wish.mfa {
            url.query_pairs_mut().append_pair("acr_values", "mfa");
        }
        url
    }

    /// The code in what was pasted; `None` when that belongs to another sign-in, or is something else altogether.
    pub(crate) fn pasted(&self, text: &str) -> Option<Zeroizing<String>> {
        let (code, state) = text.trim().split_once('.')?;
        (!code.is_empty() && state == self.state.as_str()).then(|| Zeroizing::new(code.to_owned()))
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").finish_non_exhaustive()
    }
}

/// A random word that nobody guesses and every URL can carry.
pub(crate) fn secret(random: &Random) -> Zeroizing<String> {
    let bytes = Zeroizing::new(random.bytes::<SECRET_BYTES>());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use crate::ambient::SeededRandom;

    use super::*;

    #[test]
    fn the_challenge_is_the_one_of_rfc_7636() {
        // Appendix B of the RFC.
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn the_url_carries_the_challenge_and_never_the_verifier() {
        let attempt = Attempt::new(&Random::Seeded(SeededRandom::new(1)));
        let endpoint = Url::parse("https://lodge.example.edu/oauth/authorize").unwrap();

        let redirect_uri = "http://127.0.0.1:9/callback/x";
        let wish = Wish { redirect_uri, machine: "lab 7", account: "ada", fresh: false, mfa: false };
        let url = attempt.url(endpoint.clone(), &wish);

        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "response_type",
                "client_id",
                "redirect_uri",
                "state",
                "code_challenge",
                "code_challenge_method",
                "host",
                "account"
            ]
        );
        let stronger = attempt.url(endpoint, &Wish { fresh: true, mfa: true, ..wish });
        assert!(stronger.as_str().ends_with("&account=ada&max_age=300&acr_values=mfa"), "{stronger}");
        assert_eq!(pairs[4].1, challenge(&attempt.verifier));
        assert_eq!(pairs[6].1, "lab 7");
        assert_eq!((attempt.verifier.len(), attempt.state.len()), (43, 43));
        assert_ne!(attempt.verifier, attempt.state);
        assert!(!url.as_str().contains(attempt.verifier.as_str()));
        assert!(!format!("{attempt:?}").contains(attempt.state.as_str()));
    }

    #[test]
    fn only_what_belongs_to_this_sign_in_is_taken_from_a_paste() {
        let attempt = Attempt::new(&Random::Seeded(SeededRandom::new(1)));
        let state = attempt.state.as_str();
        let pasted = |text: &str| attempt.pasted(text).map(|code| code.to_string());

        assert_eq!(pasted(&format!(" a-code.{state}\n")), Some("a-code".into()));
        for bad in ["", ".", "a-code", &format!(".{state}"), "a-code.another", state, &format!("a.b.{state}")] {
            assert_eq!(pasted(bad), None, "{bad}");
        }
    }
}
