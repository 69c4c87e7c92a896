//! What a helper asks for, once each part of it is what it must be.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use url::{Host, Url};

use super::HelperLoginError;
use crate::app::FRESH_SIGN_IN;
use crate::domain::access::SignInStrength;

/// Clocks differ, and a sign-in takes its time from the provider to the page that asks.
const LEEWAY: TimeDelta = TimeDelta::minutes(2);

/// The one level of sign-in that this authorization server knows by a name.
pub const MFA_LEVEL: &str = "mfa";

/// Longest name of a machine or an account, in characters.
const NAME_MAX_CHARS: usize = 64;

/// A redirect URI of a helper: a literal loopback address, a port, a path (RFC 8252, section 7.3). `localhost` is
/// refused: what it resolves to is not ours to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopbackRedirect(Url);

impl FromStr for LoopbackRedirect {
    type Err = HelperLoginError;

    fn from_str(text: &str) -> Result<Self, HelperLoginError> {
        let url = Url::parse(text).map_err(|_| HelperLoginError::Redirect)?;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
            _ => false,
        };
        // What the parser would have written: no user, no query, no fragment, no other spelling of the address.
        let plain = url.as_str() == text && url.query().is_none() && url.fragment().is_none();
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() == "http" && loopback && url.port().is_some() && plain && bare {
            Ok(Self(url))
        } else {
            Err(HelperLoginError::Redirect)
        }
    }
}

impl fmt::Display for LoopbackRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// How the answer reaches the helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelperRedirect {
    /// The browser takes it there: the helper is on the same machine.
    Loopback(LoopbackRedirect),
    /// The person does: our page shows what to paste. The address is this broker's `/oauth/remote`, where there is
    /// nothing to open: a code in an address would stay in the browser's history and in the logs on the way.
    Remote(String),
}

impl fmt::Display for HelperRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(redirect) => redirect.fmt(f),
            Self::Remote(address) => f.write_str(address),
        }
    }
}

/// What a helper asks of the sign-in that confirms it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WantedSignIn {
    /// `max_age`: how long ago the person may have shown who they are.
    pub max_age: Option<TimeDelta>,
    /// `acr_values=mfa`: with a second factor.
    pub mfa: bool,
}

/// What a sign-in lacks of what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    /// It is too long ago, or the provider did not say when it was.
    pub fresh: bool,
    /// It was without a second factor.
    pub mfa: bool,
}

impl Lacking {
    /// Whether it lacks anything.
    #[must_use]
    pub const fn anything(self) -> bool {
        self.fresh || self.mfa
    }
}

impl WantedSignIn {
    fn parse(max_age: Option<&str>, acr_values: Option<&str>) -> Result<Self, HelperLoginError> {
        let age = |text: &str| {
            let seconds = text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
            seconds.map(|seconds| TimeDelta::seconds(seconds.into())).ok_or(HelperLoginError::MaxAge)
        };
        // No shorter than what a fresh sign-in asks the provider for, or somebody would be sent round in a circle.
        let max_age = max_age.map(age).transpose()?.map(|age| age.max(FRESH_SIGN_IN));
        let levels = acr_values.unwrap_or_default().split(' ').filter(|level| !level.is_empty());
        let mut mfa = false;
        for level in levels {
            // To pass over what one does not know would give less than was asked for.
            if level != MFA_LEVEL {
                return Err(HelperLoginError::Level);
            }
            mfa = true;
        }
        Ok(Self { max_age, mfa })
    }

    /// What a sign-in lacks of it. `patience` is for a page that has been open for a while.
    pub(super) fn lacking(self, sign_in: &SignInStrength, now: DateTime<Utc>, patience: TimeDelta) -> Lacking {
        let is_old = |max_age: TimeDelta| {
            sign_in.authenticated_at.is_none_or(|authenticated_at| now - authenticated_at > max_age + LEEWAY + patience)
        };
        Lacking { fresh: self.max_age.is_some_and(is_old), mfa: self.mfa && !sign_in.mfa }
    }
}

/// The parts of a helper's request, as they came.
#[derive(Clone, Copy)]
pub struct AskedLogin<'a> {
    /// `redirect_uri`
    pub redirect_uri: &'a str,
    /// `state`
    pub state: &'a str,
    /// `code_challenge`, whose method is S256.
    pub code_challenge: &'a str,
    /// The machine, by its own word.
    pub host: &'a str,
    /// The account there, by its own word.
    pub account: &'a str,
    /// `max_age`, in seconds.
    pub max_age: Option<&'a str>,
    /// `acr_values`
    pub acr_values: Option<&'a str>,
}

impl fmt::Debug for AskedLogin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskedLogin").finish_non_exhaustive()
    }
}

/// What a helper asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct HelperLogin {
    /// Where the answer goes.
    pub redirect: HelperRedirect,
    /// Comes back with it. Not a `SecretString`, since it stands on the page that asks the person.
    pub state: String,
    /// S256.
    pub code_challenge: String,
    /// The machine that asks, by its own word.
    pub host: String,
    /// The account on it, by its own word.
    pub account: Option<String>,
    /// What it asks of the sign-in.
    pub wanted: WantedSignIn,
}

impl fmt::Debug for HelperLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelperLogin").field("host", &self.host).finish_non_exhaustive()
    }
}

impl HelperLogin {
    /// A request with these parts, once each of them is what it must be. `remote` is the address of ours that stands for
    /// an answer to be pasted.
    ///
    /// # Errors
    ///
    /// When one is not.
    pub fn new(asked: &AskedLogin<'_>, remote: &str) -> Result<Self, HelperLoginError> {
        let redirect = if asked.redirect_uri == remote {
            HelperRedirect::Remote(remote.to_owned())
        } else {
            HelperRedirect::Loopback(asked.redirect_uri.parse()?)
        };
        let printable = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if asked.state.is_empty() || asked.state.len() > 512 || !printable(asked.state) {
            return Err(HelperLoginError::State);
        }
        // 32 bytes in base64url without padding (RFC 7636, section 4.2).
        if URL_SAFE_NO_PAD.decode(asked.code_challenge).map_or(0, |bytes| bytes.len()) != 32 {
            return Err(HelperLoginError::Challenge);
        }
        Ok(Self {
            redirect,
            state: asked.state.to_owned(),
            code_challenge: asked.code_challenge.to_owned(),
            host: name(asked.host).unwrap_or_else(|| "an unnamed machine".to_owned()),
            account: name(asked.account),
            wanted: WantedSignIn::parse(asked.max_age, asked.acr_values)?,
        })
    }

    /// Whether the person carries the answer to the helper.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        matches!(self.redirect, HelperRedirect::Remote(_))
    }

    /// Where the browser goes with the answer. `iss` says whose answer it is (RFC 9207).
    pub(super) fn answer(&self, redirect: &LoopbackRedirect, issuer: &str, outcome: (&str, &str)) -> Url {
        let mut url = redirect.0.clone();
        url.query_pairs_mut()
            .append_pair(outcome.0, outcome.1)
            .append_pair("state", &self.state)
            .append_pair("iss", issuer);
        url
    }
}

/// What a machine or an account calls itself, without what could mislead.
fn name(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(NAME_MAX_CHARS).collect();
    if plain.trim().is_empty() { None } else { Some(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    const REMOTE: &str = "https://lodge.example.edu/oauth/remote";

    fn asked() -> AskedLogin<'static> {
        AskedLogin {
            redirect_uri: "http://127.0.0.1:1234/c",
            state: "s",
            code_challenge: CHALLENGE,
            host: "laptop",
            account: "",
            max_age: None,
            acr_values: None,
        }
    }

    fn login(asked: AskedLogin<'_>) -> Result<HelperLogin, HelperLoginError> {
        HelperLogin::new(&asked, REMOTE)
    }

    #[test]
    fn a_helper_listens_on_a_literal_loopback_address() {
        for good in ["http://127.0.0.1:49152/callback/x", "http://[::1]:49152/"] {
            assert_eq!(good.parse::<LoopbackRedirect>().unwrap().to_string(), good);
        }
        for bad in [
            "https://127.0.0.1:49152/x",
            "http://localhost:49152/x",
            "http://127.0.0.1/x",
            "http://127.0.0.1@evil.example:80/x",
            "http://user@127.0.0.1:49152/x",
            "http://127.0.0.1:49152/x?y=1",
            "http://127.0.0.1:49152/x#y",
            "http://127.0.0.2:49152/x",
            "http://127.1:49152/x",
            "http://2130706433:49152/x",
            "http://0x7f.0.0.1:49152/x",
            "http://127.0.0.1.evil.example:49152/x",
            "http://[::ffff:127.0.0.1]:49152/x",
            "http://127.0.0.1:49152/a/../b",
            "http://127.0.0.1:49152",
            "javascript:alert(1)",
            "",
        ] {
            assert!(bad.parse::<LoopbackRedirect>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_brokers_own_address_stands_for_an_answer_to_be_pasted() {
        let redirect = |redirect_uri| login(AskedLogin { redirect_uri, ..asked() }).map(|login| login.is_remote());

        assert_eq!(redirect(REMOTE), Ok(true));
        assert_eq!(redirect(asked().redirect_uri), Ok(false));
        for bad in [
            "https://lodge.example.edu/oauth/remote/",
            "https://lodge.example.edu/oauth/remote?x",
            "https://lodge.example.edu:443/oauth/remote",
            "https://LODGE.example.edu/oauth/remote",
            "http://lodge.example.edu/oauth/remote",
            "/oauth/remote",
        ] {
            assert_eq!(redirect(bad), Err(HelperLoginError::Redirect), "{bad}");
        }
    }

    #[test]
    fn the_answer_carries_state_and_issuer() {
        let login = login(AskedLogin { state: "st&ate", ..asked() }).unwrap();
        let HelperRedirect::Loopback(redirect) = &login.redirect else { panic!("{:?}", login.redirect) };

        assert_eq!(
            login.answer(redirect, "https://lodge.example.edu", ("code", "abc")).as_str(),
            "http://127.0.0.1:1234/c?code=abc&state=st%26ate&iss=https%3A%2F%2Flodge.example.edu"
        );
    }

    #[test]
    fn only_an_s256_challenge_is_taken() {
        let with = |code_challenge: &str| login(AskedLogin { code_challenge, ..asked() }).map(|_| ());

        assert_eq!(with(CHALLENGE), Ok(()));
        for bad in ["", "plain", &CHALLENGE[1..], &format!("{CHALLENGE}="), &CHALLENGE.replace('-', "+")] {
            assert_eq!(with(bad), Err(HelperLoginError::Challenge), "{bad}");
        }
    }

    #[test]
    fn a_machine_cannot_dress_up_its_name() {
        let names = |text: &str| {
            let login = login(AskedLogin { host: text, account: text, ..asked() }).unwrap();
            (login.host, login.account)
        };

        assert_eq!(names("laptop\r\n\u{202e}x"), ("laptopx".into(), Some("laptopx".into())));
        assert_eq!(names(" \n"), ("an unnamed machine".into(), None));
        assert_eq!(names(&"h".repeat(99)).0.len(), 64);
    }

    #[test]
    fn what_is_asked_of_the_sign_in_is_understood_or_refused() {
        let wanted = |max_age, acr_values| login(AskedLogin { max_age, acr_values, ..asked() }).map(|it| it.wanted);
        let minutes = |n| Some(TimeDelta::minutes(n));

        assert_eq!(wanted(None, None), Ok(WantedSignIn::default()));
        assert_eq!(wanted(Some("3600"), None).unwrap().max_age, minutes(60));
        assert_eq!(wanted(Some("0"), None).unwrap().max_age, minutes(5), "nobody is sent round in a circle");
        assert!(wanted(None, Some("mfa")).unwrap().mfa);
        for bad in ["", "-1", "+1", "1.5", "soon", "99999999999"] {
            assert_eq!(wanted(Some(bad), None), Err(HelperLoginError::MaxAge), "{bad}");
        }
        for bad in ["phr", "mfa phr", "MFA"] {
            assert_eq!(wanted(None, Some(bad)), Err(HelperLoginError::Level), "{bad}");
        }
    }

    #[test]
    fn a_sign_in_lacks_what_it_does_not_prove() {
        let now = DateTime::from_timestamp(1_795_266_000, 0).unwrap();
        let wanted = WantedSignIn { max_age: Some(TimeDelta::minutes(5)), mfa: true };
        let lacking = |authenticated_at, mfa| {
            let sign_in = SignInStrength { at: now, authenticated_at, mfa };
            let Lacking { fresh, mfa } = wanted.lacking(&sign_in, now, TimeDelta::zero());
            (fresh, mfa)
        };
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));

        assert_eq!(lacking(ago(0), true), (false, false));
        assert_eq!(lacking(ago(7 * 60), true), (false, false));
        assert_eq!(lacking(ago(7 * 60 + 1), false), (true, true));
        assert_eq!(lacking(None, true), (true, false), "a provider that does not say is not fresh");
        let old = SignInStrength { at: now, authenticated_at: ago(100_000), mfa: false };
        assert!(!WantedSignIn::default().lacking(&old, now, TimeDelta::zero()).anything());
    }
}
