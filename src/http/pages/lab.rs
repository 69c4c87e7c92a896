//! A lab at a glance.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::PAGE;
use crate::app::{Broker, LabFront, WantedPeople};
use crate::console;
use crate::http::address::InLab;
use crate::http::problem::Problem;
use crate::http::visitor::Visitor;

/// Which page of the people.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    after: Option<String>,
}

/// `GET /labs/{lab}`
pub(crate) async fn overview(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let after = wanted.ok().and_then(|Query(wanted)| wanted.after?.parse().ok());
    let is_first = after.is_none();
    let wanted = WantedPeople { search: String::new(), after, limit: PAGE };
    Ok(match broker.lab_front(&visitor.caller, &lab, &wanted).await? {
        LabFront::Member(view) => console::lab_for_member(&broker, &visitor.shell, &visitor.profile, &view),
        LabFront::Keeper(overview) => console::overview(&broker, &visitor.shell, &overview, is_first),
    })
}
