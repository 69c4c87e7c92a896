//! A lab at a glance.

use axum::extract::State;
use axum::response::Response;

use crate::app::Broker;
use crate::console;
use crate::http::address::InLab;
use crate::http::problem::Problem;
use crate::http::visitor::Visitor;

/// `GET /labs/{lab}`
pub(crate) async fn overview(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
) -> Result<Response, Problem> {
    let view = broker.lab_view(&visitor.caller, &lab).await?;
    Ok(console::overview(&visitor.shell, &view))
}
