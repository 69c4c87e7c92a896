//! What a token's claims have to say, once its signature holds (OpenID Connect Core 1.0, section 3.1.3.7).
//!
//! A claim that is read has its one type, and what it says is what we asked for. A claim that is not read can hold
//! anything: an odd `updated_at` keeps nobody out.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::{Error, MfaRule, Settings, StepUp, TokenFault};
use crate::domain::claims::ProviderSession;
use crate::domain::person::Subject;

/// How far a provider's clock and ours may be apart before its sign-ins are refused.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// A token that was made longer ago than this was not made for this sign-in.
const OLDEST: TimeDelta = TimeDelta::minutes(10);

/// A token that is good for longer than this was made by mistake. Ours is used within seconds; a day to the second is
/// what some providers give (SATOSA), by a clock that may be ahead of ours.
const LONGEST: TimeDelta = TimeDelta::days(1);

pub(super) type Claims = Map<String, Value>;

/// Whose token it is, for whom, and when: what every kind of token has to say.
pub(super) fn check_origin(claims: &Claims, settings: &Settings) -> Result<(), TokenFault> {
    if claims.get("iss").and_then(Value::as_str) != Some(settings.issuer.as_str()) {
        return Err(TokenFault::Issuer);
    }
    check_audience(claims, settings)
}

/// Exactly us: whoever else is named could have been given the token as well, and show it to us.
pub(super) fn check_audience(claims: &Claims, settings: &Settings) -> Result<(), TokenFault> {
    let is_ours = |audience: &Value| audience.as_str() == Some(settings.client_id.as_str());
    match claims.get("aud") {
        None => Err(TokenFault::Audience("it names no audience")),
        Some(Value::Array(several)) => match several.as_slice() {
            [one] if is_ours(one) => Ok(()),
            several if several.iter().any(is_ours) => Err(TokenFault::Audience("it was issued for others too (`aud`)")),
            _ => Err(TokenFault::Audience("it was issued for another audience (`aud`)")),
        },
        Some(one) if is_ours(one) => Ok(()),
        Some(_) => Err(TokenFault::Audience("it was issued for another audience (`aud`)")),
    }
}

/// `exp`, `nbf` and `iat` against our clock.
pub(super) fn check_times(claims: &Claims, now: DateTime<Utc>) -> Result<(), TokenFault> {
    check_expiry(claims, now)?;
    if time(claims, "nbf")?.is_some_and(|not_before| not_before > now + LEEWAY) {
        return Err(TokenFault::Time("it is not valid yet: a clock is off"));
    }
    check_issued_at(claims, now)
}

pub(super) fn check_expiry(claims: &Claims, now: DateTime<Utc>) -> Result<(), TokenFault> {
    let expires_at = time(claims, "exp")?.ok_or(TokenFault::Time("it has no time of expiry"))?;
    if expires_at < now - LEEWAY {
        return Err(TokenFault::Expired);
    }
    if expires_at > now + LONGEST + LEEWAY {
        return Err(TokenFault::Time("it is good for longer than a day"));
    }
    Ok(())
}

pub(super) fn check_issued_at(claims: &Claims, now: DateTime<Utc>) -> Result<(), TokenFault> {
    let issued_at = time(claims, "iat")?.ok_or(TokenFault::Time("it has no time of issue"))?;
    if issued_at > now + LEEWAY {
        return Err(TokenFault::Time("it was issued in the future: a clock is off"));
    }
    if issued_at < now - OLDEST {
        return Err(TokenFault::Time("it was issued too long ago: a clock is off"));
    }
    Ok(())
}

/// Everything that an ID token has to say, and whom it speaks of.
pub(super) fn check_id_token(
    claims: &Claims,
    settings: &Settings,
    nonce: &SecretString,
    now: DateTime<Utc>,
) -> Result<Subject, TokenFault> {
    check_origin(claims, settings)?;
    if claims.get("azp").is_some_and(|party| party.as_str() != Some(settings.client_id.as_str())) {
        return Err(TokenFault::Party);
    }
    check_times(claims, now)?;
    let answered = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
    if !bool::from(answered.as_bytes().ct_eq(nonce.expose_secret().as_bytes())) {
        return Err(TokenFault::Nonce);
    }
    let subject = claims.get("sub").ok_or(TokenFault::Subject("it names none"))?;
    let subject = subject.as_str().ok_or(TokenFault::Subject("it is no text"))?;
    subject.parse().map_err(|_| TokenFault::Subject("it is malformed"))
}

/// `sid`: what the provider's logout tokens will name.
pub(super) fn session(claims: &Claims) -> Result<Option<ProviderSession>, TokenFault> {
    let malformed = TokenFault::Malformed("its session (`sid`) is no session's name");
    match claims.get("sid") {
        None => Ok(None),
        Some(session) => session.as_str().and_then(|text| text.parse().ok()).map(Some).ok_or(malformed),
    }
}

/// `auth_time`: when the person showed the provider who they are. One of another type, or in the future, says nothing.
pub(super) fn authenticated_at(claims: &Claims, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    time(claims, "auth_time").ok().flatten().filter(|at| *at <= now + LEEWAY)
}

/// Whether the provider says that there was a second factor, in the words of the settings. A claim of another type says
/// nothing.
pub(super) fn used_second_factor(claims: &Claims, rule: &MfaRule) -> bool {
    let is_one_of =
        |value: &Value, words: &[String]| value.as_str().is_some_and(|value| words.iter().any(|it| it == value));
    let has_one_of = |name: &str, words: &[String]| {
        let entries = claims.get(name).and_then(Value::as_array);
        entries.is_some_and(|entries| entries.iter().any(|entry| is_one_of(entry, words)))
    };
    claims.get("acr").is_some_and(|level| is_one_of(level, &rule.acr))
        || has_one_of("amr", &rule.amr)
        || has_one_of("acrs", &rule.acrs)
}

/// Whether the sign-in proves what it was asked to.
pub(super) fn check_step_up(
    asked: StepUp,
    authenticated_at: Option<DateTime<Utc>>,
    mfa: bool,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if let Some(max_age) = asked.max_age {
        let at = authenticated_at
            .ok_or(Error::NotFresh("the provider does not say when they last showed who they are (`auth_time`)"))?;
        if at < now - max_age - LEEWAY {
            return Err(Error::NotFresh("they showed the provider who they are too long ago (`auth_time`)"));
        }
    }
    if asked.mfa && !mfa { Err(Error::NoSecondFactor) } else { Ok(()) }
}

/// `tid`: the tenant that they come from (Entra ID). GUIDs are compared without regard to case.
pub(super) fn check_tenant(claims: &Claims, settings: &Settings) -> Result<(), Error> {
    let Some(tenant) = &settings.tenant else { return Ok(()) };
    match claims.get("tid").and_then(Value::as_str) {
        Some(theirs) if theirs.eq_ignore_ascii_case(tenant) => Ok(()),
        Some(_) => Err(Error::OtherTenant("`tid` is not the connection's `tenant`")),
        None => Err(Error::OtherTenant("the ID token has no `tid`")),
    }
}

/// `idp`: the university that they come from (CILogon), which is not for them to choose.
pub(super) fn check_university(theirs: Option<&Value>, settings: &Settings) -> Result<(), Error> {
    if settings.identity_providers.is_empty() {
        return Ok(());
    }
    match theirs.and_then(Value::as_str) {
        Some(theirs) if settings.identity_providers.iter().any(|known| known == theirs) => Ok(()),
        Some(_) => Err(Error::OtherUniversity("`idp` is not among the connection's `identity_providers`")),
        None => {
            Err(Error::OtherUniversity("the provider does not say which (`idp`): ask for the scope that brings it"))
        }
    }
}

/// A `NumericDate` (RFC 7519, section 2), in whole seconds.
fn time(claims: &Claims, name: &str) -> Result<Option<DateTime<Utc>>, TokenFault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let time = value.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map(Some).ok_or(TokenFault::Time("a time in it is malformed"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_266_000;
    const ISSUER: &str = "https://sso.example.edu";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn settings() -> Settings {
        Settings::new("campus".parse().unwrap(), ISSUER.parse().unwrap(), "lodge", "secret".to_owned().into())
    }

    fn claims(change: &Value) -> Claims {
        let mut claims = json!({
            "iss": ISSUER, "aud": "lodge", "sub": "abc", "iat": NOW, "exp": NOW + 300, "nonce": "n",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        // What is null in a test is not there.
        claims
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }

    fn check(change: &Value) -> Result<Subject, TokenFault> {
        check_id_token(&claims(change), &settings(), &"n".to_owned().into(), at(NOW))
    }

    #[test]
    fn a_token_of_this_moment_for_us_holds() {
        for good in [
            json!({}),
            json!({"aud": ["lodge"]}),
            json!({"nbf": NOW + 60, "azp": "lodge"}),
            json!({"iat": NOW - 600}),
            json!({"iat": NOW + 60}),
            json!({"exp": NOW - 60}),
            json!({"exp": NOW + 86_460}),
            // What is not read.
            json!({"email_verified": "true", "updated_at": "2026-01-01T00:00:00Z", "address": "x", "amr": "mfa", "acr": 1}),
            json!({"auth_time": "yesterday", "picture": 7, "groups": {"a": 1}}),
        ] {
            assert_eq!(check(&good).unwrap().as_str(), "abc", "{good}");
        }
    }

    type Expected<'a> = &'a dyn Fn(&TokenFault) -> bool;

    #[test]
    fn every_claim_that_is_read_must_be_right() {
        let time = |fault: &TokenFault| matches!(fault, TokenFault::Time(_));
        let cases: &[(&[Value], Expected<'_>)] = &[
            (
                &[
                    json!({"iss": null}),
                    json!({"iss": 7}),
                    json!({"iss": [ISSUER]}),
                    json!({"iss": {"a": ISSUER}}),
                    json!({"iss": "https://sso.example.edu/"}),
                    json!({"iss": "https://SSO.example.edu"}),
                ],
                &|fault| *fault == TokenFault::Issuer,
            ),
            (
                &[
                    json!({"aud": null}),
                    json!({"aud": []}),
                    json!({"aud": {"lodge": true}}),
                    json!({"aud": "lodg"}),
                    json!({"aud": "Lodge"}),
                    json!({"aud": ["other"]}),
                    json!({"aud": ["lodge", "other"], "azp": "lodge"}),
                    json!({"aud": ["lodge", "lodge"]}),
                ],
                &|fault| matches!(fault, TokenFault::Audience(_)),
            ),
            (&[json!({"azp": "other"}), json!({"azp": ["lodge"]}), json!({"azp": ""})], &|fault| {
                *fault == TokenFault::Party
            }),
            (&[json!({"exp": NOW - 61}), json!({"exp": 0}), json!({"exp": -5})], &|fault| {
                *fault == TokenFault::Expired
            }),
            (
                &[
                    json!({"exp": null}),
                    json!({"exp": (NOW + 300).to_string()}),
                    json!({"exp": 1e300}),
                    json!({"exp": 1_795_266_300.5}),
                    json!({"exp": NOW + 86_461}),
                    json!({"exp": 253_402_300_799_i64}),
                    json!({"exp": i64::MAX}),
                    json!({"exp": u64::MAX}),
                    json!({"nbf": NOW + 61}),
                    json!({"nbf": "soon"}),
                    json!({"iat": null}),
                    json!({"iat": NOW + 61}),
                    json!({"iat": NOW - 601}),
                    json!({"iat": NOW - 31_536_000}),
                    json!({"iat": 1.5}),
                ],
                &time,
            ),
            (
                &[json!({"nonce": null}), json!({"nonce": "m"}), json!({"nonce": ["n"]}), json!({"nonce": "n "})],
                &|fault| *fault == TokenFault::Nonce,
            ),
            (
                &[
                    json!({"sub": null}),
                    json!({"sub": ""}),
                    json!({"sub": 7}),
                    json!({"sub": "a\nb"}),
                    json!({"sub": "s".repeat(256)}),
                    json!({"sub": "<script>"}),
                ],
                &|fault| matches!(fault, TokenFault::Subject(_)),
            ),
        ];
        for (bad, expected) in cases {
            for change in *bad {
                let fault = check(change).unwrap_err();
                assert!(expected(&fault), "{change}: {fault}");
            }
        }
    }

    #[test]
    fn a_second_factor_is_what_the_settings_call_one() {
        let used = |said: &Value, rule: &MfaRule| used_second_factor(&claims(said), rule);
        let rule = MfaRule::default();
        for yes in [
            json!({"acr": "https://refeds.org/profile/mfa"}),
            json!({"amr": ["pwd", "otp", "mfa"]}),
            json!({"acr": "1", "amr": ["mfa"]}),
        ] {
            assert!(used(&yes, &rule), "{yes}");
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
            json!({"acrs": ["c1"]}),
            json!({"mfa": true}),
        ] {
            assert!(!used(&no, &rule), "{no}");
        }
        let own = MfaRule { acr: vec!["2".to_owned()], amr: vec![], acrs: vec!["c1".to_owned()], ..MfaRule::default() };
        assert!(used(&json!({"acr": "2"}), &own) && used(&json!({"acrs": ["c0", "c1"]}), &own));
        assert!(!used(&json!({"acr": "https://refeds.org/profile/mfa", "amr": ["mfa"], "acrs": "c1"}), &own));
    }

    #[test]
    fn a_fresh_sign_in_is_one_that_the_provider_calls_so() {
        let asked = StepUp { max_age: Some(TimeDelta::minutes(5)), mfa: false };
        let fresh = |auth_time: Value| {
            let said = authenticated_at(&claims(&json!({ "auth_time": auth_time })), at(NOW));
            check_step_up(asked, said, false, at(NOW)).is_ok()
        };

        for yes in [json!(NOW), json!(NOW - 300), json!(NOW - 360), json!(NOW + 60)] {
            assert!(fresh(yes.clone()), "{yes}");
        }
        for no in [json!(null), json!(NOW - 361), json!(NOW + 61), json!(NOW.to_string()), json!(1.5), json!(0)] {
            assert!(!fresh(no.clone()), "{no}");
        }
        assert!(check_step_up(StepUp::default(), None, false, at(NOW)).is_ok());
        let both = StepUp { mfa: true, ..asked };
        assert!(matches!(check_step_up(both, Some(at(NOW)), false, at(NOW)), Err(Error::NoSecondFactor)));
        assert!(check_step_up(both, Some(at(NOW)), true, at(NOW)).is_ok());
    }

    #[test]
    fn a_session_has_a_name_or_there_is_none() {
        assert_eq!(session(&claims(&json!({}))), Ok(None));
        assert_eq!(session(&claims(&json!({"sid": "s-1"}))).unwrap().unwrap().as_str(), "s-1");
        for bad in [json!(""), json!(7), json!(["s"]), json!("a b"), json!("s".repeat(256))] {
            assert!(session(&claims(&json!({"sid": bad}))).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_comes_from_elsewhere_is_not_let_in() {
        let tenant = "3fb9b1d4-5f3a-4d0e-9f8f-0b3a1a2c4d5e";
        let entra = Settings { tenant: Some(tenant.to_owned()), ..settings() };
        assert!(check_tenant(&claims(&json!({"tid": tenant.to_uppercase()})), &entra).is_ok());
        for bad in [json!(null), json!("x"), json!([tenant])] {
            assert!(check_tenant(&claims(&json!({"tid": bad})), &entra).is_err(), "{bad}");
        }
        let cilogon = Settings { identity_providers: vec!["urn:mace:incommon:example.edu".to_owned()], ..settings() };
        assert!(check_university(Some(&json!("urn:mace:incommon:example.edu")), &cilogon).is_ok());
        assert!(check_university(None, &settings()).is_ok());
        for bad in [json!(null), json!("http://google.com/accounts/o8/id"), json!("urn:mace:incommon:Example.edu")] {
            assert!(check_university(Some(&bad), &cilogon).is_err(), "{bad}");
        }
        assert!(check_university(None, &cilogon).is_err());
    }
}
