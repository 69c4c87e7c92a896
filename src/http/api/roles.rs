//! What a lab's roles can do.

use axum::Json;
use axum::extract::State;

use crate::app::{Broker, RoleView};
use crate::http::address::InLab;
use crate::http::extract::Helper;
use crate::http::problem::Problem;
use crate::wire::roles as wire;

/// `GET /api/v1/labs/{lab}/roles`
pub(crate) async fn show(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<Json<wire::Roles>, Problem> {
    let roles = broker.roles(&caller, &lab).await?.roles;
    Ok(Json(wire::Roles { roles: roles.into_iter().map(shown).collect() }))
}

fn shown(view: RoleView) -> wire::Role {
    let action = |action: crate::app::RoleAction| wire::Action {
        service: action.words.map(|words| words.service.to_owned()),
        access_level: action.words.map(|words| words.level.as_str().to_owned()),
        does: action.words.map(|words| words.does.to_owned()),
        name: action.name,
    };
    let group = |mapping: crate::domain::mapping::Mapping| wire::GroupWithRole {
        mapping: mapping.id.to_string(),
        connection: mapping.target.connection.to_string(),
        group: mapping.target.group.as_str().to_owned(),
    };
    wire::Role {
        name: view.role.name.to_string(),
        title: view.title,
        description: view.description,
        cost: view.cost,
        spends: view.limits.spends,
        max_duration_seconds: view.role.max_duration.seconds(),
        sign_in_max_age_seconds: view.limits.sign_in.seconds(),
        template: view.role.template.to_string(),
        parameters: view.role.parameters,
        actions: view.actions.into_iter().map(action).collect(),
        policy: view.document.and_then(|document| serde_json::from_str(&document).ok()),
        groups: view.given_by.map(|given_by| given_by.into_iter().map(group).collect()),
    }
}
