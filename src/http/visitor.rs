//! Somebody at a page of ours, and what they send from a form on it.

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, RawForm, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::extract::Browser;
use super::problem::Problem;
use super::sign_in;
use crate::app::{Broker, Caller, Profile};
use crate::console::Shell;

/// Somebody whose browser is signed in. One that is not is sent to sign in, and from there to the page that it asked for.
#[derive(Debug)]
pub(super) struct Visitor {
    /// Who.
    pub(super) caller: Caller,
    /// What may be known of them.
    pub(super) profile: Profile,
    /// What is around their pages.
    pub(super) shell: Shell,
}

impl FromRequestParts<Broker> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Response> {
        let browser = <Browser as OptionalFromRequestParts<Broker>>::from_request_parts(parts, broker)
            .await
            .map_err(into_response)?;
        let Some(browser) = browser else {
            let wanted = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            return Err(Redirect::to(&sign_in::link(wanted, false)).into_response());
        };
        let Self { caller, profile, shell } = Self::of(broker, &browser).await.map_err(into_response)?;
        Ok(Self { caller, profile, shell: shell.at(parts.uri.path()) })
    }
}

impl Visitor {
    /// The visitor that a browser's session stands for.
    pub(super) async fn of(broker: &Broker, browser: &Browser) -> Result<Self, Problem> {
        let profile = broker.profile(&browser.caller).await?;
        let shell = Shell::new(&browser.caller, &profile, broker.form_token(&browser.token));
        Ok(Self { caller: browser.caller.clone(), profile, shell })
    }
}

/// What somebody sent from a form on a page of ours, in this very session: the form's token has been looked at.
#[derive(Debug)]
pub(super) struct Posted<T> {
    /// Who.
    pub(super) browser: Browser,
    /// What.
    pub(super) form: T,
}

/// A form with nothing in it but its button.
#[derive(Debug, Deserialize)]
pub(super) struct Pressed {}

#[derive(Deserialize)]
struct Token {
    form_token: String,
}

impl<T: DeserializeOwned> FromRequest<Broker> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, broker: &Broker) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let browser = <Browser as FromRequestParts<Broker>>::from_request_parts(&mut parts, broker).await?;
        let RawForm(body) = RawForm::from_request(Request::from_parts(parts, body), broker)
            .await
            .map_err(|_| Problem::foreign_form())?;
        let token: Result<Token, _> = serde_urlencoded::from_bytes(&body);
        if !token.is_ok_and(|token| broker.is_form_token(&browser.token, &token.form_token)) {
            return Err(Problem::foreign_form());
        }
        let form = serde_urlencoded::from_bytes(&body).map_err(|_| {
            Problem::malformed("This is not the form of that page. Open the page again and use the button on it.")
        })?;
        Ok(Self { browser, form })
    }
}

/// For `map_err`, where two traits have a method of that name.
fn into_response(problem: Problem) -> Response {
    problem.into_response()
}
