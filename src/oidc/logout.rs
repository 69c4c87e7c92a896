//! Logout tokens: a provider says that somebody has left (OpenID Connect Back-Channel Logout 1.0, section 2.6).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::claims::{self, Claims};
use super::jws::Kind;
use super::{Error, Provider, Settings, TokenFault};
use crate::domain::claims::ProviderSession;
use crate::domain::person::Subject;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Who has left. At least one of subject and session is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// The person: the provider's own `sub`, whatever claim they are known by.
    pub subject: Option<Subject>,
    /// The session at the provider.
    pub session: Option<ProviderSession>,
    /// What tells this token from every other: the SHA-256 of its `jti`, in base64url. It is good once.
    pub id: String,
}

impl Provider {
    /// Verifies a logout token. Whether it was used before is for the caller to know.
    ///
    /// # Errors
    ///
    /// When any of it does not hold.
    pub async fn logout_token(&self, token: &SecretString, now: DateTime<Utc>) -> Result<LogoutToken, Error> {
        let learned = self.learned().await?;
        let verified = self.verified(token, Kind::Logout, learned).await?;
        let (claims, _) = verified.map_err(Error::LogoutToken)?;
        read(&claims, &self.settings, now).map_err(Error::LogoutToken)
    }
}

/// An ID token can never pass for one: it has a nonce and no event.
fn read(claims: &Claims, settings: &Settings, now: DateTime<Utc>) -> Result<LogoutToken, TokenFault> {
    claims::check_origin(claims, settings)?;
    let events = claims.get("events").and_then(Value::as_object);
    if !events.and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(TokenFault::Type("it tells of no logout (`events`)"));
    }
    if claims.contains_key("nonce") {
        return Err(TokenFault::Type("it has a nonce, as an ID token has"));
    }
    // Providers from before the final text of 2022 send none; ten minutes after its issue the token is too old anyway.
    if claims.contains_key("exp") {
        claims::check_expiry(claims, now)?;
    }
    claims::check_issued_at(claims, now)?;
    let subject = match claims.get("sub") {
        None => None,
        Some(subject) => {
            let subject = subject.as_str().and_then(|subject| subject.parse().ok());
            Some(subject.ok_or(TokenFault::Subject("it is malformed"))?)
        }
    };
    let session = claims::session(claims)?;
    if subject.is_none() && session.is_none() {
        return Err(TokenFault::Subject("it names neither a person nor a session"));
    }
    let id = claims.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or(TokenFault::Malformed("it has no name of its own (`jti`)"))?;
    Ok(LogoutToken { subject, session, id: URL_SAFE_NO_PAD.encode(Sha256::digest(id)) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_266_000;

    fn check(change: &Value) -> Result<LogoutToken, TokenFault> {
        let issuer = "https://sso.example.edu";
        let settings =
            Settings::new("campus".parse().unwrap(), issuer.parse().unwrap(), "lodge", "secret".to_owned().into());
        let mut claims = json!({
            "iss": issuer, "aud": "lodge", "iat": NOW, "exp": NOW + 120, "jti": "token-1", "sub": "abc", "sid": "s-1",
            "events": {EVENT: {}},
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = claims.as_object().unwrap();
        let claims = claims.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
        read(&claims, &settings, DateTime::from_timestamp(NOW, 0).unwrap())
    }

    #[test]
    fn a_logout_token_names_a_person_or_a_session() {
        let both = check(&json!({})).unwrap();
        assert_eq!((both.subject.unwrap().as_str(), both.session.unwrap().as_str()), ("abc", "s-1"));
        assert_eq!(both.id.len(), 43);
        assert!(check(&json!({"sid": null})).unwrap().session.is_none());
        assert!(check(&json!({"sub": null, "exp": null})).unwrap().subject.is_none());
        assert_ne!(check(&json!({"jti": "token-2"})).unwrap().id, check(&json!({})).unwrap().id);
    }

    #[test]
    fn what_is_no_logout_token_logs_nobody_out() {
        for bad in [
            json!({"nonce": "n"}),
            json!({"nonce": ""}),
            json!({"events": null}),
            json!({"events": {}}),
            json!({"events": [EVENT]}),
            json!({"events": {EVENT: null, "other": {}}}),
            json!({"events": {EVENT: "x"}}),
            json!({"iss": "https://evil.example"}),
            json!({"aud": "other"}),
            json!({"aud": ["lodge", "other"]}),
            json!({"iat": null}),
            json!({"iat": NOW - 601}),
            json!({"iat": NOW + 61}),
            json!({"exp": NOW - 61}),
            json!({"exp": "x"}),
            json!({"jti": null}),
            json!({"jti": ""}),
            json!({"jti": 7}),
            json!({"sub": null, "sid": null}),
            json!({"sub": 7}),
            json!({"sid": 7}),
        ] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }
}
