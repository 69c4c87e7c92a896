//! A lab's AWS account, as pages.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::or_begin_again;
use crate::app::Broker;
use crate::console::{self, account_page};
use crate::domain::id::{AccountCheckId, RoleName};
use crate::http::address::InLab;
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Pressed, Visitor};

/// How many checks a page of the history has: each can be long.
const CHECKS: u32 = 20;

/// Which page of the history.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    after: Option<String>,
}

/// Which role is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Diagnosed {
    role: Option<String>,
}

/// `GET /labs/{lab}/account`
pub(crate) async fn show(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
) -> Result<Response, Problem> {
    let view = broker.account(&visitor.caller, &lab).await?;
    Ok(console::account(&broker, &visitor.shell, &view))
}

/// `POST /labs/{lab}/account/join`
pub(crate) async fn join(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    posted: Posted<Pressed>,
) -> Result<Response, Problem> {
    let page = account_page(&lab);
    broker.join_account(&posted.browser.caller, &lab).await.map_err(|error| or_begin_again(error, &page))?;
    Ok(Redirect::to(&page).into_response())
}

/// `POST /labs/{lab}/account/check`
pub(crate) async fn check(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    posted: Posted<Pressed>,
) -> Result<Response, Problem> {
    let page = account_page(&lab);
    broker.check_account(&posted.browser.caller, &lab).await.map_err(|error| or_begin_again(error, &page))?;
    Ok(Redirect::to(&page).into_response())
}

/// `GET /labs/{lab}/account/stack`: the template, as a file.
pub(crate) async fn stack(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
) -> Result<Response, Problem> {
    let stack = broker.account_stack(&visitor.caller, &lab).await?;
    let name = format!("attachment; filename=\"{}\"", stack.file_name);
    let name = HeaderValue::from_str(&name).map_err(|_| Problem::internal())?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json), (header::CONTENT_DISPOSITION, name)], stack.text).into_response())
}

/// `GET /labs/{lab}/account/history`
pub(crate) async fn history(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Wanted { after }) = wanted.map_err(|_| unreadable())?;
    let after: Option<AccountCheckId> = after.map(|after| after.parse().map_err(|_| unreadable())).transpose()?;
    let checks = broker.account_checks(&visitor.caller, &lab, after.as_ref(), CHECKS).await?;
    Ok(console::account_history(&broker, &visitor.shell, &checks, after.is_none()))
}

/// `GET /labs/{lab}/diagnosis`
pub(crate) async fn diagnosis(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    wanted: Result<Query<Diagnosed>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Diagnosed { role }) = wanted.map_err(|_| unreadable())?;
    let role: Option<RoleName> = role.map(|role| role.parse().map_err(|_| unreadable())).transpose()?;
    let diagnosis = broker.diagnose(&visitor.caller, &lab, role.as_ref()).await?;
    let roles = broker.roles(&visitor.caller, &lab).await?;
    Ok(console::diagnosis(&broker, &visitor.shell, &roles, &diagnosis))
}

fn unreadable() -> Problem {
    Problem::malformed("The query of this address cannot be read.")
}
