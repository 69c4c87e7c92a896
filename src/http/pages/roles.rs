//! What a lab's roles can do, as a page.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::app::Broker;
use crate::console;
use crate::http::address::InLab;
use crate::http::problem::Problem;
use crate::http::visitor::Visitor;

/// What was just done, and to which role.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    done: String,
    of: String,
}

/// `GET /labs/{lab}/roles`
pub(crate) async fn show(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let roles = broker.roles(&visitor.caller, &lab).await?;
    let account = broker.account(&visitor.caller, &lab).await?;
    let done = Some((asked.done.as_str(), asked.of.as_str()));
    Ok(console::roles(&broker, &visitor.shell, &roles, &account.roles, done))
}
