//! Signing in and out in a browser, and the page one lands on.

use std::cmp::Reverse;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::client::Client;
use super::cookies::Cookie;
use super::extract::Browser;
use super::problem::Problem;
use super::visitor::{Posted, Pressed, Visitor};
use crate::app::{Answer, Broker, SignInWish};
use crate::console;
use crate::domain::id::ConnectionName;
use crate::domain::sign_in::SignInRefusal;

/// How long the cookie of a sign-in under way lives; the sign-in itself lives shorter.
const SIGN_IN_COOKIE_AGE: TimeDelta = TimeDelta::minutes(15);

/// How long a browser remembers where its person is from.
const CONNECTION_COOKIE_AGE: TimeDelta = TimeDelta::days(365);

/// How many sign-ins a browser may have under way beside a new one.
const SIGN_INS_KEPT: usize = 4;

/// And how large their cookies may be together: a proxy in front takes headers of 8 KiB.
const SIGN_IN_COOKIES_MAX_BYTES: usize = 3_072;

/// `GET /`: what one may do, or how to begin.
pub(super) async fn home(State(broker): State<Broker>, browser: Option<Browser>) -> Result<Response, Problem> {
    let Some(browser) = browser else {
        return Ok(console::welcome(&link("/", false)).into_response());
    };
    let visitor = Visitor::of(&broker, &browser).await?;
    Ok(console::home(&broker, &visitor.caller, &visitor.profile, &visitor.shell))
}

/// What a sign-in is to be, as it stands in an address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StartParameters {
    return_to: Option<String>,
    other: Option<String>,
    fresh: Option<String>,
    mfa: Option<String>,
}

impl StartParameters {
    fn wish(&self) -> SignInWish {
        let asked = |flag: &Option<String>| flag.as_deref() == Some("1");
        SignInWish {
            // A page of ours, or the home page: nothing that somebody wrote into a link leads elsewhere.
            return_to: self.return_to.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default(),
            other_account: asked(&self.other),
            fresh: asked(&self.fresh),
            mfa: asked(&self.mfa),
        }
    }
}

fn query(wish: &SignInWish) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", wish.return_to.as_str());
    let flags = [("other", wish.other_account), ("fresh", wish.fresh), ("mfa", wish.mfa)];
    query.extend_pairs(flags.into_iter().filter(|(_, asked)| *asked).map(|(name, _)| (name, "1")));
    query.finish()
}

/// The address of our sign-in that leads to `return_to` in the end.
pub(super) fn link(return_to: &str, other_account: bool) -> String {
    let return_to = return_to.parse().unwrap_or_default();
    link_to(&SignInWish { return_to, other_account, ..SignInWish::default() })
}

/// The address of a sign-in that is to be like this.
pub(super) fn link_to(wish: &SignInWish) -> String {
    format!("/sign-in?{}", query(wish))
}

/// `GET /sign-in`: straight to the only provider, or a list to choose from, with the one that this browser came from last
/// at its head. Who is to prove more of themselves goes to where they came from: elsewhere they would be somebody else.
pub(super) async fn choose(
    State(broker): State<Broker>,
    browser: Option<Browser>,
    parameters: Result<Query<StartParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wish = readable(parameters)?.wish();
    let own = match browser.filter(|_| (wish.fresh || wish.mfa) && !wish.other_account) {
        Some(browser) => Some(broker.profile(&browser.caller).await?.snapshot.evidence.connection),
        None => None,
    };
    let query = query(&wish);
    let link = |name: &ConnectionName| format!("/auth/{name}/start?{query}");
    let mut names = broker.providers.keys().filter(|name| own.as_ref().is_none_or(|own| *name == own));
    if let (Some(only), None) = (names.next(), names.next()) {
        return Ok(Redirect::to(&link(only)).into_response());
    }
    let last = Cookie::Connection.read(&broker, &headers);
    let is_last = |name: &ConnectionName| last.as_ref().is_some_and(|last| last.expose_secret() == name.as_str());
    let choice = |name: &ConnectionName| console::Choice {
        title: broker.connection_title(name).to_owned(),
        address: link(name),
    };
    let (last, others): (Vec<_>, Vec<_>) = broker.providers.keys().partition(|name| is_last(name));
    let others: Vec<_> = others.into_iter().map(choice).collect();
    Ok(console::choose_connection(last.first().map(|name| choice(name)).as_ref(), &others).into_response())
}

/// `GET /auth/{connection}/start`: to the provider. A link and not a form, because `form-action` would forbid the way.
pub(super) async fn start(
    State(broker): State<Broker>,
    connection: Result<Path<String>, PathRejection>,
    parameters: Result<Query<StartParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let connection = known(connection)?;
    let wish = readable(parameters)?.wish();
    let begun = broker.begin_sign_in(&connection, &wish).await?;
    let mut response = Redirect::to(begun.url.as_str()).into_response();
    let cookie = Cookie::SignIn(&begun.label).set(&broker, &begun.browser_token, SIGN_IN_COOKIE_AGE);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    for label in surplus(&broker, &headers) {
        response.headers_mut().append(header::SET_COOKIE, Cookie::SignIn(&label).clear(&broker));
    }
    Ok(response)
}

/// The labels of those sign-ins under way that this browser keeps in vain: over, or more than anybody has open.
fn surplus(broker: &Broker, headers: &HeaderMap) -> Vec<String> {
    let kept = Cookie::sign_ins(broker, headers);
    let mut alive: Vec<_> = kept
        .iter()
        .filter_map(|(label, token)| Some((broker.sign_in_begun_at(token)?, token.expose_secret().len(), label)))
        .collect();
    alive.sort_by_key(|(begun_at, ..)| Reverse(*begun_at));
    let mut bytes = 0;
    let keep: Vec<&String> = alive
        .into_iter()
        .take(SIGN_INS_KEPT)
        .take_while(|(_, length, _)| {
            bytes += length;
            bytes <= SIGN_IN_COOKIES_MAX_BYTES
        })
        .map(|(.., label)| label)
        .collect();
    kept.iter().map(|(label, _)| label).filter(|label| !keep.contains(label)).cloned().collect()
}

/// What a provider appends to our callback.
#[derive(Deserialize)]
pub(super) struct CallbackParameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// `GET /auth/{connection}/callback`: the provider's answer.
pub(super) async fn callback(
    State(broker): State<Broker>,
    connection: Result<Path<String>, PathRejection>,
    parameters: Result<Query<CallbackParameters>, QueryRejection>,
    headers: HeaderMap,
    client: Client,
) -> Result<Response, Problem> {
    let connection = known(connection)?;
    // A parameter that comes twice cannot be read either: it would be anybody's guess which of the two is meant.
    let Some(answer) = parameters.ok().and_then(|Query(parameters)| answer(parameters)) else {
        return Err(broker.refuse_sign_in(&connection, SignInRefusal::NotThisBrowser).await.into());
    };
    let label = Broker::sign_in_label(&answer.state);
    let browser_token = Cookie::SignIn(&label).read(&broker, &headers);
    let completed = broker.complete_sign_in(&connection, browser_token.as_ref(), &answer, &client.origin()).await?;
    // Who signs in anew, perhaps as somebody else, leaves no session behind in this browser.
    if let Some(before) = Cookie::Session.read(&broker, &headers) {
        broker.end_browser_session(&before).await?;
    }
    let session = &completed.session;
    let cookies = AppendHeaders([
        (header::SET_COOKIE, Cookie::Session.set(&broker, &session.token, session.expires_at - broker.clock.now())),
        (header::SET_COOKIE, Cookie::SignIn(&label).clear(&broker)),
        (header::SET_COOKIE, Cookie::Connection.set(&broker, &connection.to_string().into(), CONNECTION_COOKIE_AGE)),
    ]);
    Ok((cookies, Redirect::to(completed.return_to.as_str())).into_response())
}

/// A code or an error, never both, and always a state.
fn answer(parameters: CallbackParameters) -> Option<Answer> {
    let outcome = match (parameters.code, parameters.error) {
        (Some(code), None) => Ok(SecretString::from(code)),
        (None, Some(error)) => Err(known_error(&error)),
        _ => return None,
    };
    Some(Answer { state: parameters.state?.into(), outcome, issuer: parameters.iss })
}

/// An error code of RFC 6749, section 4.1.2.1 or OpenID Connect Core, section 3.1.2.6, for the log. Anything else is a
/// stranger's text.
fn known_error(code: &str) -> &'static str {
    const KNOWN: [&str; 11] = [
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_response_type",
    ];
    KNOWN.into_iter().find(|known| *known == code).unwrap_or("an unknown error")
}

/// `POST /sign-out`: ends this browser's session here. The university's own session is not ours to end.
pub(super) async fn sign_out(State(broker): State<Broker>, posted: Posted<Pressed>) -> Result<Response, Problem> {
    broker.end_browser_session(&posted.browser.token).await?;
    Ok(([(header::SET_COOKIE, Cookie::Session.clear(&broker))], Redirect::to("/")).into_response())
}

pub(super) fn known(connection: Result<Path<String>, PathRejection>) -> Result<ConnectionName, Problem> {
    let Path(name) = connection.map_err(|_| Problem::no_such_page())?;
    name.parse().map_err(|_| Problem::no_such_page())
}

fn readable(parameters: Result<Query<StartParameters>, QueryRejection>) -> Result<StartParameters, Problem> {
    let Query(parameters) =
        parameters.map_err(|_| Problem::malformed("This address cannot be read. Begin again at the first page."))?;
    Ok(parameters)
}
