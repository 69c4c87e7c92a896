//! The checks on an ID token that the `openidconnect` crate leaves to its caller.
//!
//! They read the payload of a token whose signature, issuer, audience, nonce and expiry already hold.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Error, TokenFault};
use crate::domain::person::Subject;

/// How far a provider's clock and ours may be apart before its sign-ins are refused.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// A token that was made longer ago than this was not made for this sign-in.
const OLDEST: TimeDelta = TimeDelta::minutes(10);

/// The payload of a token in compact form (RFC 7515, section 7.1).
pub(super) fn payload(token: &str) -> Result<Value, Error> {
    let part = token.split('.').nth(1).ok_or(Error::IdToken(TokenFault::Malformed("its form")))?;
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Error::IdToken(TokenFault::Malformed("its form")))?;
    serde_json::from_slice(&bytes).map_err(|_| Error::IdToken(TokenFault::Malformed("its form")))
}

/// `nbf` and `iat` against our clock, `azp` against our client id (OpenID Connect Core, section 3.1.3.7), and the shape
/// of `sub`.
pub(super) fn claims(payload: &Value, client_id: &str, now: DateTime<Utc>) -> Result<Subject, Error> {
    if let Some(not_before) = payload.get("nbf")
        && time(not_before)? > now + LEEWAY
    {
        return Err(Error::IdToken(TokenFault::Time("it is not valid yet")));
    }
    let issued_at = time(payload.get("iat").ok_or(Error::IdToken(TokenFault::Time("it has no time of issue")))?)?;
    if issued_at > now + LEEWAY {
        return Err(Error::IdToken(TokenFault::Time("it was issued in the future: a clock is off")));
    }
    if issued_at < now - OLDEST {
        return Err(Error::IdToken(TokenFault::Time("it was issued too long ago: a clock is off")));
    }
    if let Some(party) = payload.get("azp")
        && party.as_str() != Some(client_id)
    {
        return Err(Error::IdToken(TokenFault::Party));
    }
    let subject =
        payload.get("sub").and_then(Value::as_str).ok_or(Error::IdToken(TokenFault::Subject("it has none")))?;
    subject.parse().map_err(|_| Error::IdToken(TokenFault::Subject("it is malformed")))
}

/// What an ID token says of a sign-in with a second factor: the REFEDS MFA profile as `acr` (refeds.org/profile/mfa), or
/// `mfa` among the methods in `amr` (RFC 8176, section 2). Two methods without that word are not taken for it: nobody
/// said that they were of two kinds. Anything else is no.
pub(super) fn used_second_factor(payload: &Value) -> bool {
    const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";
    let methods = payload.get("amr").and_then(Value::as_array);
    payload.get("acr").and_then(Value::as_str) == Some(REFEDS_MFA)
        || methods.is_some_and(|methods| methods.iter().any(|method| method.as_str() == Some("mfa")))
}

fn time(value: &Value) -> Result<DateTime<Utc>, Error> {
    let malformed = Error::IdToken(TokenFault::Time("a time in it is malformed"));
    let Some(seconds) = value.as_i64() else { return Err(malformed) };
    DateTime::from_timestamp(seconds, 0).ok_or(malformed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_266_000;

    fn check(change: &Value) -> Result<Subject, Error> {
        let mut payload = json!({"sub": "abc", "iat": NOW});
        for (key, value) in change.as_object().unwrap() {
            if value.is_null() {
                payload.as_object_mut().unwrap().remove(key);
            } else {
                payload[key] = value.clone();
            }
        }
        claims(&payload, "lodge", DateTime::from_timestamp(NOW, 0).unwrap())
    }

    #[test]
    fn a_token_of_this_moment_holds() {
        for good in
            [json!({}), json!({"nbf": NOW + 60, "azp": "lodge"}), json!({"iat": NOW - 600}), json!({"iat": NOW + 60})]
        {
            assert_eq!(check(&good).unwrap().as_str(), "abc", "{good}");
        }
    }

    #[test]
    fn what_the_crate_lets_pass_is_refused() {
        for bad in [
            json!({"nbf": NOW + 61}),
            json!({"nbf": "soon"}),
            json!({"iat": NOW + 61}),
            json!({"iat": NOW - 601}),
            json!({"iat": null}),
            json!({"iat": 1.5}),
            json!({"iat": i64::MAX}),
            json!({"azp": "another"}),
            json!({"azp": ["lodge"]}),
            json!({"sub": null}),
            json!({"sub": ""}),
            json!({"sub": 7}),
            json!({"sub": "a\nb"}),
            json!({"sub": "s".repeat(256)}),
        ] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_second_factor_is_what_the_provider_calls_one() {
        for yes in [
            json!({"acr": "https://refeds.org/profile/mfa"}),
            json!({"amr": ["pwd", "otp", "mfa"]}),
            json!({"acr": "1", "amr": ["mfa"]}),
        ] {
            assert!(used_second_factor(&yes), "{yes}");
        }
        for no in [
            json!({}),
            json!({"acr": "https://refeds.org/profile/sfa"}),
            json!({"acr": "https://refeds.org/profile/mfa/"}),
            json!({"acr": ["https://refeds.org/profile/mfa"]}),
            json!({"acr": 2}),
            json!({"amr": ["pwd", "otp"]}),
            json!({"amr": "mfa"}),
            json!({"amr": ["MFA"]}),
            json!({"mfa": true}),
        ] {
            assert!(!used_second_factor(&no), "{no}");
        }
    }

    #[test]
    fn a_payload_is_read_from_the_middle_of_the_token() {
        assert_eq!(payload("e30.eyJhIjoxfQ.sig").unwrap(), json!({"a": 1}));
        for bad in ["", "e30", "e30.!!.sig", "e30.bm90IGpzb24.sig"] {
            assert!(payload(bad).is_err(), "{bad}");
        }
    }
}
