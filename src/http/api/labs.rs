//! A lab, and who looks after it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;

use super::read;
use crate::app::{Broker, Keeper, NamedPerson};
use crate::domain::id::PersonId;
use crate::domain::lab::Office;
use crate::domain::person::DisplayName;
use crate::http::address::{InLab, InLabOf};
use crate::http::extract::Helper;
use crate::http::problem::Problem;
use crate::wire::labs as wire;

/// `GET /api/v1/labs/{lab}`
pub(crate) async fn lab(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<Json<wire::Lab>, Problem> {
    let view = broker.lab_view(&caller, &lab).await?;
    let roles = view.roles.iter().map(|role| wire::LabRole {
        name: role.name.to_string(),
        title: broker.template_title(&role.template).to_owned(),
        max_duration_seconds: role.max_duration.seconds(),
    });
    Ok(Json(wire::Lab {
        name: view.place.lab.name.to_string(),
        title: view.place.lab.title.clone(),
        standing: view.place.standing.as_str().to_owned(),
        roles: roles.collect(),
    }))
}

/// `GET /api/v1/labs/{lab}/people`
pub(crate) async fn people(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<Json<wire::LabPeople>, Problem> {
    let holders = broker.office_holders(&caller, &lab).await?;
    Ok(Json(wire::LabPeople { people: holders.iter().map(|keeper| person(&broker, keeper)).collect() }))
}

/// `PUT /api/v1/labs/{lab}/people/{person}`
pub(crate) async fn appoint(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
    body: Bytes,
) -> Result<Json<wire::LabPerson>, Problem> {
    let appointment: wire::Appointment = read(&body, "{\"standing\": \"manager\"}")?;
    let office: Office =
        appointment.standing.parse().map_err(|_| Problem::malformed("`standing` must be `manager` or `pi`."))?;
    let appointed = broker.appoint(&caller, &lab, &somebody(&id), office).await?;
    Ok(Json(person(&broker, &appointed.keeper)))
}

/// `DELETE /api/v1/labs/{lab}/people/{person}`
pub(crate) async fn remove(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
) -> Result<StatusCode, Problem> {
    broker.remove_office(&caller, &lab, &somebody(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A person's id; what cannot be one is nobody's, and only whoever may look is told so.
fn somebody(id: &str) -> PersonId {
    id.parse().unwrap_or_else(|_| PersonId::from_entropy([0; 10]))
}

/// Somebody, as the API names them.
pub(super) fn named(person: &NamedPerson) -> wire::NamedPerson {
    wire::NamedPerson {
        id: person.id.to_string(),
        name: person.name.as_ref().map(DisplayName::as_str).map(str::to_owned),
        looks_like_another: person.looks_like_another,
    }
}

/// Somebody who looks after a lab, as the API shows them.
pub(super) fn person(broker: &Broker, keeper: &Keeper) -> wire::LabPerson {
    let Keeper { holder, looks_like_another } = keeper;
    wire::LabPerson {
        id: holder.id.to_string(),
        name: holder.name.as_ref().map(DisplayName::as_str).map(str::to_owned),
        looks_like_another: *looks_like_another,
        connection_title: broker.connection_title(&holder.connection).to_owned(),
        standing: Some(holder.office.as_str().to_owned()),
    }
}
