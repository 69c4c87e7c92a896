//! What a lab's roles can do, as a page.

use axum::extract::State;
use axum::response::Response;

use crate::app::Broker;
use crate::console;
use crate::http::address::InLab;
use crate::http::problem::Problem;
use crate::http::visitor::Visitor;

/// `GET /labs/{lab}/roles`
pub(crate) async fn show(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
) -> Result<Response, Problem> {
    let roles = broker.roles(&visitor.caller, &lab).await?;
    let account = broker.account(&visitor.caller, &lab).await?;
    Ok(console::roles(&broker, &visitor.shell, &roles, &account.roles))
}
