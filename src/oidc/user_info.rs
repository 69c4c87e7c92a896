//! The userinfo endpoint (OpenID Connect Core 1.0, section 5.3), plain or signed.

use chrono::{DateTime, Utc};
use http::{StatusCode, header};
use oauth2::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::cache::Learned;
use super::claims::{self, Claims};
use super::exchange::Tokens;
use super::http as guarded;
use super::jws::Kind;
use super::{Error, Provider, Settings, TokenFault, json};
use crate::domain::person::Subject;

impl Provider {
    /// What the provider says there of the same person; `None` when it has no such endpoint.
    pub(super) async fn user_info(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        learned: &Learned,
        now: DateTime<Utc>,
    ) -> Result<Option<Claims>, Error> {
        let Some(endpoint) = &learned.metadata.userinfo_endpoint else { return Ok(None) };
        let answer = self.http.send(request(endpoint, &tokens.access_token)?).await.map_err(|error| match error {
            guarded::Error::TooLarge => Error::UserInfo("it is too large"),
            error => Error::Unreachable(error),
        })?;
        if answer.status() != StatusCode::OK {
            return Err(Error::UserInfo("the answer is not 200"));
        }
        let info = if is_signed(&answer) {
            let token = String::from_utf8(answer.into_body()).map_err(|_| Error::UserInfo("it is no text"))?;
            let verified = self.verified(&token.into(), Kind::Plain, learned.clone()).await?;
            let (info, _) = verified.map_err(Error::SignedUserInfo)?;
            check_signed(&info, &self.settings, now).map_err(Error::SignedUserInfo)?;
            info
        } else {
            json::object(answer.body()).map_err(Error::UserInfo)?
        };
        match info.get("sub").map(Value::as_str) {
            Some(Some(named)) if named == subject.as_str() => Ok(Some(info)),
            Some(_) => Err(Error::OtherSubject),
            None => Err(Error::UserInfo("it names nobody")),
        }
    }
}

/// RFC 6750, section 2.1.
fn request(endpoint: &Url, token: &SecretString) -> Result<HttpRequest, Error> {
    let token = token.expose_secret();
    let fits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    let bearer = fits.then(|| format!("Bearer {token}")).and_then(|text| header::HeaderValue::try_from(text).ok());
    let mut bearer = bearer.ok_or(Error::UserInfo("an access token that no header can carry"))?;
    bearer.set_sensitive(true);
    let request = http::Request::get(endpoint.as_str())
        .header(header::ACCEPT, "application/json, application/jwt")
        .header(header::AUTHORIZATION, bearer);
    request.body(Vec::new()).map_err(|_| Error::UserInfo("its address cannot be asked"))
}

fn is_signed(answer: &HttpResponse) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/jwt")
}

/// A signed answer should name its issuer and its audience (section 5.3.2). What it names must be right, since any token
/// that the provider ever signed could be sent instead.
fn check_signed(info: &Claims, settings: &Settings, now: DateTime<Utc>) -> Result<(), TokenFault> {
    if info.get("iss").is_some_and(|issuer| issuer.as_str() != Some(settings.issuer.as_str())) {
        return Err(TokenFault::Issuer);
    }
    if info.contains_key("aud") {
        claims::check_audience(info, settings)?;
    }
    if info.contains_key("exp") {
        claims::check_expiry(info, now)?;
    }
    Ok(())
}
