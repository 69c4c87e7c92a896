//! The link that makes somebody a lab's PI.
//!
//! The token is in the link's path, because a link is all that an operator can send. It leaves the address at once: into
//! a cookie, so that neither the history of the pages that follow nor a referrer has it. Nothing happens until the
//! person, signed in, presses the button.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use super::cookies::Cookie;
use super::extract::Browser;
use super::problem::Problem;
use super::visitor::{Posted, Pressed};
use crate::app::{Broker, Error, LabError};
use crate::console;

/// Long enough to find one's password and second factor.
const COOKIE_AGE: TimeDelta = TimeDelta::hours(1);

/// Where one is asked.
const PATH: &str = "/invitation";

/// `GET /invitations/{token}`: takes the token out of the address.
pub(super) async fn arrive(
    State(broker): State<Broker>,
    token: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(token) = token.map_err(|_| over())?;
    let token = SecretString::from(token);
    broker.invitation(&token).await?;
    let cookie = Cookie::Invitation.set(&broker, &token, COOKIE_AGE);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(PATH)).into_response())
}

/// `GET /invitation`: signs in, and asks.
pub(super) async fn ask(
    State(broker): State<Broker>,
    headers: HeaderMap,
    browser: Option<Browser>,
) -> Result<Response, Problem> {
    let open = broker.invitation(&token(&broker, &headers)?).await?;
    let Some(browser) = browser else {
        return Ok(Redirect::to(&super::sign_in::link(PATH, false)).into_response());
    };
    let profile = broker.profile(&browser.caller).await?;
    let again = super::sign_in::link(PATH, true);
    let form_token = broker.form_token(&browser.token);
    Ok(console::invitation(&broker, &open, &profile, form_token.expose_secret(), &again).into_response())
}

/// `POST /invitation`: the person's word.
pub(super) async fn accept(
    State(broker): State<Broker>,
    headers: HeaderMap,
    Posted { browser, .. }: Posted<Pressed>,
) -> Result<Response, Problem> {
    broker.accept_invitation(&browser.caller, &token(&broker, &headers)?).await?;
    Ok(([(header::SET_COOKIE, Cookie::Invitation.clear(&broker))], Redirect::to("/")).into_response())
}

fn token(broker: &Broker, headers: &HeaderMap) -> Result<SecretString, Problem> {
    Cookie::Invitation.read(broker, headers).ok_or_else(over)
}

fn over() -> Problem {
    Error::from(LabError::NoSuchInvitation).into()
}
