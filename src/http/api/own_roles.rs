//! A lab's making of its own roles.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{if_match, read, too_short_or_long};
use crate::app::{Broker, RolePreview, RoleSpec};
use crate::domain::lab::Role;
use crate::domain::policy::{Gain, PolicyTemplate, TemplateName};
use crate::domain::role_session::SessionDuration;
use crate::http::address::{InLab, InLabOf};
use crate::http::extract::Helper;
use crate::http::idempotency::request_key;
use crate::http::problem::Problem;
use crate::wire::roles as wire;

const NEW: &str = "{\"name\": \"publish-data\", \"template\": \"s3-data/publish\", \"parameters\": {\"bucket\": \"vision-data\", \
                   \"prefix\": \"results/\"}}";

const EDIT: &str = "{\"parameters\": {\"bucket\": \"vision-data\", \"prefix\": \"results/\"}}";

/// `GET /api/v1/labs/{lab}/templates`
pub(crate) async fn templates(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<Json<wire::Templates>, Problem> {
    let all = broker.templates(&caller, &lab).await?.templates;
    Ok(Json(wire::Templates { templates: all.iter().map(|(name, template)| shown(name, template)).collect() }))
}

fn shown(name: &TemplateName, template: &PolicyTemplate) -> wire::Template {
    let parameters = template.parameters().iter().map(|(name, parameter)| wire::TemplateParameter {
        name: name.clone(),
        kind: parameter.kind.as_str().to_owned(),
        form: parameter.kind.form().to_owned(),
        title: parameter.title.clone(),
        description: parameter.description.clone(),
        example: parameter.example.clone(),
    });
    wire::Template {
        name: name.to_string(),
        title: template.title().to_owned(),
        description: template.description().to_owned(),
        cost: template.cost().to_owned(),
        money: template.money().as_str().to_owned(),
        beware: template.beware().to_vec(),
        parameters: parameters.collect(),
        actions: template.actions().into_iter().map(str::to_owned).collect(),
    }
}

/// `POST /api/v1/labs/{lab}/roles`
pub(crate) async fn add(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    body: Bytes,
) -> Result<Response, Problem> {
    let (name, template, spec) = new(&body)?;
    let role = broker.add_role(&caller, &lab, &name, &template, spec).await?;
    Ok((StatusCode::CREATED, answer(&role)).into_response())
}

/// `POST /api/v1/labs/{lab}/roles/preview`
pub(crate) async fn preview_new(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<wire::RolePreview>, Problem> {
    // It changes nothing, so a key means nothing; one that is none is still a mistake.
    request_key(&headers, &[])?;
    let (name, template, spec) = new(&body)?;
    Ok(Json(previewed(&broker.preview_new_role(&caller, &lab, &name, &template, spec).await?)))
}

/// `GET /api/v1/labs/{lab}/roles/{role}`
pub(crate) async fn one(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, role): InLabOf,
) -> Result<Response, Problem> {
    Ok(answer(&broker.role(&caller, &lab, &role).await?).into_response())
}

/// `PATCH /api/v1/labs/{lab}/roles/{role}`
pub(crate) async fn edit(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, name): InLabOf,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let version = version(&headers)?;
    let edit: wire::RoleEdit = read(&body, EDIT)?;
    let spec = edited(&broker.role(&caller, &lab, &name).await?, edit)?;
    Ok(answer(&broker.change_role(&caller, &lab, &name, version, spec).await?).into_response())
}

/// `POST /api/v1/labs/{lab}/roles/{role}/preview`
pub(crate) async fn preview(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, name): InLabOf,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<wire::RolePreview>, Problem> {
    request_key(&headers, &[])?;
    let edit: wire::RoleEdit = read(&body, EDIT)?;
    let spec = edited(&broker.role(&caller, &lab, &name).await?, edit)?;
    Ok(Json(previewed(&broker.preview_role(&caller, &lab, &name, spec).await?)))
}

/// `POST /api/v1/labs/{lab}/roles/{role}/end`
pub(crate) async fn end(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, name): InLabOf,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    broker.end_role(&caller, &lab, &name, version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn new(body: &Bytes) -> Result<(String, String, RoleSpec), Problem> {
    let new: wire::NewRole = read(body, NEW)?;
    let max_duration = new.max_duration_seconds.map_or(Ok(SessionDuration::MAX), length)?;
    Ok((new.name, new.template, RoleSpec { parameters: new.parameters, max_duration }))
}

/// What a role is to be: what is not said stays.
fn edited(role: &Role, edit: wire::RoleEdit) -> Result<RoleSpec, Problem> {
    Ok(RoleSpec {
        parameters: edit.parameters.unwrap_or_else(|| role.parameters.clone()),
        max_duration: edit.max_duration_seconds.map_or(Ok(role.max_duration), length)?,
    })
}

fn length(seconds: u32) -> Result<SessionDuration, Problem> {
    SessionDuration::from_seconds(seconds).map_err(|_| too_short_or_long())
}

fn version(headers: &HeaderMap) -> Result<&str, Problem> {
    let is_one = |text: &&str| text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if_match(headers)?.filter(is_one).ok_or_else(|| {
        Problem::malformed("`If-Match` must be one version of the role in double quotes, as its `ETag` says it.")
    })
}

fn answer(role: &Role) -> impl IntoResponse + use<> {
    let terms = terms(role);
    ([(header::ETAG, format!("\"{}\"", terms.version))], Json(terms))
}

fn terms(role: &Role) -> wire::RoleTerms {
    wire::RoleTerms {
        name: role.name.to_string(),
        template: role.template.to_string(),
        parameters: role.parameters.clone(),
        max_duration_seconds: role.max_duration.seconds(),
        version: role.version(),
    }
}

fn previewed(preview: &RolePreview) -> wire::RolePreview {
    let gains = |gains: &[Gain]| {
        let each = gains.iter().map(|gain| wire::RoleGain {
            action: gain.action.clone(),
            example: gain.example.as_ref().map(|call| call.resource.clone()),
        });
        each.collect()
    };
    wire::RolePreview {
        role: terms(&preview.role),
        title: preview.template.title().to_owned(),
        cost: preview.template.cost().to_owned(),
        money: preview.template.money().as_str().to_owned(),
        beware: preview.template.beware().to_vec(),
        policy: serde_json::from_str(&preview.document).unwrap_or_default(),
        policy_chars: preview.chars,
        policy_chars_max: RolePreview::MOST_CHARS,
        gives_more: preview.widening.gives_more(),
        newly_allows: gains(&preview.widening.gains),
        no_longer_allows: gains(&preview.widening.losses),
        mappings: preview.mappings,
    }
}
