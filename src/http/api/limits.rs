//! How old sign-ins and groups may be in a lab, and setting it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;

use super::read;
use crate::app::{Broker, LabLimits};
use crate::domain::limits::GroupsAge;
use crate::http::address::{InLab, InLabOf};
use crate::http::extract::Helper;
use crate::http::problem::Problem;
use crate::wire::limits as wire;

/// `GET /api/v1/labs/{lab}/limits`
pub(crate) async fn show(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<Json<wire::Limits>, Problem> {
    Ok(shown(&broker, &broker.limits(&caller, &lab).await?))
}

/// `PATCH /api/v1/labs/{lab}/limits`
pub(crate) async fn set_of_lab(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    body: Bytes,
) -> Result<Json<wire::Limits>, Problem> {
    let edit: wire::LabLimitsEdit = read(&body, "{\"groups_max_age_seconds\": 604800}")?;
    let (limits, _) = broker.set_groups_age(&caller, &lab, edit.groups_max_age_seconds).await?;
    Ok(shown(&broker, &limits))
}

/// `PATCH /api/v1/labs/{lab}/roles/{role}/limits`
pub(crate) async fn set_of_role(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, role): InLabOf,
    body: Bytes,
) -> Result<Json<wire::Limits>, Problem> {
    let edit: wire::RoleLimitsEdit = read(&body, "{\"sign_in_max_age_seconds\": 2592000}")?;
    let (limits, _) = broker.set_sign_in_age(&caller, &lab, &role, edit.sign_in_max_age_seconds).await?;
    Ok(shown(&broker, &limits))
}

fn shown(broker: &Broker, limits: &LabLimits) -> Json<wire::Limits> {
    let roles = limits.roles.iter().map(|(role, limits)| wire::RoleLimits {
        name: role.name.to_string(),
        title: broker.template_title(&role.template).to_owned(),
        spends: limits.spends,
        sign_in_max_age_seconds: limits.sign_in.seconds(),
        sign_in_max_age_is_set: role.sign_in_age.is_some(),
    });
    Json(wire::Limits {
        lab: limits.lab.name.to_string(),
        groups_max_age_seconds: GroupsAge::of_lab(limits.lab.groups_age).seconds(),
        groups_max_age_is_set: limits.lab.groups_age.is_some(),
        roles: roles.collect(),
    })
}
