//! Somebody's own sessions: seeing where one is signed in, and ending it there.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::cookies::Cookie;
use super::extract::Helper;
use super::pages::cut_offs::{a_cut_off, reason};
use super::problem::Problem;
use super::visitor::{Posted, Visitor};
use crate::app::{Broker, CallerSession, Error, OwnSession, OwnSessionKind};
use crate::console;
use crate::wire;

/// The page.
const PATH: &str = "/sessions";

/// In the form, in place of a session's id: all but this one.
const OTHERS: &str = "others";

/// `GET /sessions`: everywhere one is signed in.
pub(super) async fn page(State(broker): State<Broker>, visitor: Visitor) -> Result<Response, Problem> {
    let sessions = broker.own_sessions(&visitor.caller).await?;
    Ok(console::sessions(&broker, &sessions, &visitor.shell))
}

/// The form behind each "End".
#[derive(Deserialize)]
pub(super) struct EndForm {
    session: String,
}

/// `POST /sessions/end`: one of them, or all but this one.
pub(super) async fn end_by_form(
    State(broker): State<Broker>,
    Posted { browser, form }: Posted<EndForm>,
) -> Result<Response, Problem> {
    if form.session == OTHERS {
        broker.end_other_sessions(&browser.caller).await?;
        return Ok(Redirect::to(PATH).into_response());
    }
    let session = session(&form.session)?;
    broker.end_own_session(&browser.caller, &session).await?;
    if session == browser.caller.session {
        return Ok(([(header::SET_COOKIE, Cookie::Session.clear(&broker))], Redirect::to("/")).into_response());
    }
    Ok(Redirect::to(PATH).into_response())
}

/// Why somebody cuts themselves off.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CutOffFields {
    reason: String,
}

/// `GET /sessions/cut-off`: whether to cut one's own AWS credentials off.
pub(super) async fn ask_cut_off(State(broker): State<Broker>, visitor: Visitor) -> Result<Response, Problem> {
    let labs = broker.labs_with_own_sessions(&visitor.caller).await?;
    Ok(console::own_cut_off_ask(&visitor.shell, &labs, "", None, broker.clock.now()))
}

/// `POST /sessions/cut-off`
pub(super) async fn cut_off(
    State(broker): State<Broker>,
    Posted { browser, form }: Posted<CutOffFields>,
) -> Result<Response, Problem> {
    let reason = match reason(&form.reason) {
        Ok(reason) => reason,
        Err(wrong) => {
            let visitor = Visitor::of(&broker, &browser).await?;
            let labs = broker.labs_with_own_sessions(&browser.caller).await?;
            let (shell, now) = (&visitor.shell, broker.clock.now());
            let page = console::own_cut_off_ask(shell, &labs, &form.reason, Some(wrong), now);
            return Ok((StatusCode::BAD_REQUEST, page).into_response());
        }
    };
    let view = broker.cut_off_oneself(&browser.caller, reason).await?;
    Ok(Redirect::to(&format!("{PATH}/cut-offs/{}", view.row.id)).into_response())
}

/// `GET /sessions/cut-offs/{cut_off}`: how far that has got.
pub(super) async fn own_cut_off(
    State(broker): State<Broker>,
    visitor: Visitor,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let id = a_cut_off(id.as_ref().map_or("", |Path(id)| id));
    let view = broker.own_cut_off(&visitor.caller, &id).await?;
    Ok(console::own_cut_off(&visitor.shell, &view, broker.clock.now()))
}

/// `GET /api/v1/me/sessions`
pub(super) async fn list(
    State(broker): State<Broker>,
    Helper(caller): Helper,
) -> Result<Json<Vec<wire::sessions::Session>>, Problem> {
    let sessions = broker.own_sessions(&caller).await?;
    Ok(Json(sessions.into_iter().map(on_the_wire).collect()))
}

/// `DELETE /api/v1/me/sessions/{session}`
pub(super) async fn end(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Error::NoSuchSession)?;
    broker.end_own_session(&caller, &session(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/me/sessions`: all but the one that asks.
pub(super) async fn end_others(State(broker): State<Broker>, Helper(caller): Helper) -> Result<StatusCode, Problem> {
    broker.end_other_sessions(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be a session's id is answered like one of somebody else's.
fn session(id: &str) -> Result<CallerSession, Problem> {
    id.parse().map_err(|_| Error::NoSuchSession.into())
}

fn on_the_wire(own: OwnSession) -> wire::sessions::Session {
    let (kind, agent, host, account) = match own.kind {
        OwnSessionKind::Browser { agent } => ("browser", agent, None, None),
        OwnSessionKind::Helper { host, account } => ("helper", None, Some(host), account),
    };
    wire::sessions::Session {
        id: own.session.as_str().to_owned(),
        kind: kind.to_owned(),
        agent,
        host,
        account,
        address: own.address,
        created_at: wire::timestamp(own.created_at),
        seen_at: wire::timestamp(own.seen_at),
        expires_at: wire::timestamp(own.expires_at),
        is_this: own.is_this,
    }
}
