//! Who is asking: proven by a token, before a handler runs.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use secrecy::SecretString;

use super::cookies::Cookie;
use super::problem::Problem;
use crate::app::{Broker, Caller, Error};

/// A helper with a live session, by its bearer token (RFC 6750, section 2.1). A token anywhere else is not looked at.
#[derive(Debug)]
pub struct Helper(pub Caller);

impl FromRequestParts<Broker> for Helper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Error::SignInNeeded)?;
        Ok(Self(broker.helper_caller(&token).await?))
    }
}

fn bearer(parts: &Parts) -> Option<SecretString> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned().into())
}

/// A browser with a live session, by its cookie.
#[derive(Debug)]
pub struct Browser {
    /// Who.
    pub caller: Caller,
    /// The session's token: what a form's token is made of.
    pub token: SecretString,
}

impl FromRequestParts<Broker> for Browser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        let token = Cookie::Session.read(broker, &parts.headers).ok_or(Error::SignInNeeded)?;
        let caller = broker.browser_caller(&token).await?;
        Ok(Self { caller, token })
    }
}

impl OptionalFromRequestParts<Broker> for Browser {
    type Rejection = Problem;

    /// `None` for a browser that is not signed in; a broker that cannot tell is still an error.
    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Option<Self>, Problem> {
        let Some(token) = Cookie::Session.read(broker, &parts.headers) else { return Ok(None) };
        match broker.browser_caller(&token).await {
            Ok(caller) => Ok(Some(Self { caller, token })),
            Err(Error::SignInNeeded) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
