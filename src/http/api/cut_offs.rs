//! Cutting off: for whoever looks after a lab, for oneself, and for operators.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::read;
use crate::app::{Broker, CutOffView, CutOffWish, EverywhereView, LabError, NamedPerson};
use crate::domain::cut_off::{CutOffCause, CutOffReason, CutOffStep, CutOffStepName, Whose};
use crate::domain::id::{CutOffId, PersonId};
use crate::http::address::{InLab, InLabOf};
use crate::http::extract::Helper;
use crate::http::operator::{OperatorHelper, ThePerson};
use crate::http::problem::{Kind, Problem};
use crate::wire::cut_offs as wire;
use crate::wire::timestamp;

/// How many a page has at most.
pub(in crate::http) const CUT_OFFS_PAGE_MAX: u32 = 100;

/// How many a page has when nobody says.
const PAGE: u32 = 50;

const NEW: &str = "{\"person\": \"p-c355kk4jyt1vw1jc\", \"reason\": \"a lost laptop\"}, {\"role\": \"pay\"} or {\"everyone\": \
                   true}";

const NEW_EVERYWHERE: &str = "{\"reason\": \"a lost laptop\"}, or empty";

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageParameters {
    after: Option<CutOffId>,
    limit: Option<u32>,
}

/// `POST /api/v1/labs/{lab}/cut-offs`
pub(crate) async fn begin(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    body: Bytes,
) -> Result<(StatusCode, Json<wire::CutOff>), Problem> {
    let new: wire::NewCutOff = read(&body, NEW)?;
    let wish = CutOffWish { whose: whose(&new)?, reason: reason(new.reason.as_deref())?, hold: new.hold };
    let view = broker.begin_cut_off(&caller, &lab, wish).await?;
    Ok((StatusCode::ACCEPTED, Json(shown(&view, true))))
}

fn whose(new: &wire::NewCutOff) -> Result<Whose, Problem> {
    let wrong = || cannot_be(format!("Exactly one of these says whose sessions: {NEW}."));
    match (&new.person, &new.role, new.everyone) {
        (Some(person), None, false) => Ok(Whose::Person(person.parse().map_err(|_| wrong())?)),
        (None, Some(role), false) => Ok(Whose::Role(role.parse().map_err(|_| wrong())?)),
        (None, None, true) => Ok(Whose::Everyone),
        _ => Err(wrong()),
    }
}

fn reason(text: Option<&str>) -> Result<Option<CutOffReason>, Problem> {
    text.map(str::parse).transpose().map_err(|error| cannot_be(format!("`reason`: {error}.")))
}

fn cannot_be(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, Kind::CannotBe, "Nothing can be cut off like that", detail)
}

/// `GET /api/v1/labs/{lab}/cut-offs`
pub(crate) async fn list(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<PageParameters>, QueryRejection>,
) -> Result<Json<wire::CutOffs>, Problem> {
    let Query(PageParameters { after, limit }) =
        parameters.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
    let limit = limit.unwrap_or(PAGE);
    if !(1..=CUT_OFFS_PAGE_MAX).contains(&limit) {
        return Err(Problem::malformed(format!("`limit` must be from 1 to {CUT_OFFS_PAGE_MAX}.")));
    }
    let page = broker.cut_offs(&caller, &lab, after.as_ref(), limit).await?;
    let next = page.cut_offs.last().filter(|_| page.more).map(|last| last.row.id.to_string());
    Ok(Json(wire::CutOffs { cut_offs: page.cut_offs.iter().map(|view| shown(view, true)).collect(), next }))
}

/// `GET /api/v1/labs/{lab}/cut-offs/{cut_off}`
pub(crate) async fn one(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
) -> Result<Json<wire::CutOff>, Problem> {
    Ok(Json(shown(&broker.cut_off(&caller, &lab, &a_cut_off(&id)).await?.1, true)))
}

/// `POST /api/v1/labs/{lab}/cut-offs/{cut_off}/lift`
pub(crate) async fn lift(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
) -> Result<Json<wire::CutOff>, Problem> {
    Ok(Json(shown(&broker.lift_cut_off(&caller, &lab, &a_cut_off(&id)).await?, true)))
}

/// `POST /api/v1/me/cut-off`
pub(crate) async fn oneself(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    body: Bytes,
) -> Result<(StatusCode, Json<wire::CutOffEverywhere>), Problem> {
    let view = broker.cut_off_oneself(&caller, everywhere_reason(&body)?).await?;
    Ok((StatusCode::ACCEPTED, Json(everywhere(&view, false))))
}

fn everywhere_reason(body: &Bytes) -> Result<Option<CutOffReason>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    let new: wire::NewCutOffEverywhere = read(body, NEW_EVERYWHERE)?;
    reason(new.reason.as_deref())
}

/// `GET /api/v1/me/cut-offs/{cut_off}`
pub(crate) async fn of_oneself(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<wire::CutOffEverywhere>, Problem> {
    let id = id.map_or_else(|_| a_cut_off(""), |Path(id)| a_cut_off(&id));
    Ok(Json(everywhere(&broker.own_cut_off(&caller, &id).await?, false)))
}

/// `POST /api/v1/operator/people/{person}/cut-off`
pub(crate) async fn person(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    ThePerson(id): ThePerson,
    body: Bytes,
) -> Result<(StatusCode, Json<wire::CutOffEverywhere>), Problem> {
    let desk = helper.to_change(&broker).await?;
    let row = desk.cut_off(&id, everywhere_reason(&body)?).await?;
    broker.spread_from_desk(&row);
    Ok((StatusCode::ACCEPTED, Json(everywhere(&EverywhereView { row, labs: Vec::new() }, true))))
}

/// `GET /api/v1/operator/people/{person}/cut-offs/{cut_off}`
pub(crate) async fn of_person(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    ids: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<wire::CutOffEverywhere>, Problem> {
    let Path((person, id)) = ids.map_err(|_| Problem::from(LabError::NoSuchCutOff))?;
    let person: PersonId = person.parse().map_err(|_| Problem::from(LabError::NoSuchCutOff))?;
    Ok(Json(everywhere(&broker.cut_off_of_person(&helper.desk.operator, &person, &a_cut_off(&id)).await?, true)))
}

/// An address that is no id is one of nothing.
fn a_cut_off(text: &str) -> CutOffId {
    text.parse().unwrap_or_else(|_| CutOffId::from_entropy([0; 10]))
}

impl From<LabError> for Problem {
    fn from(error: LabError) -> Self {
        crate::app::Error::from(error).into()
    }
}

fn everywhere(view: &EverywhereView, by_hand: bool) -> wire::CutOffEverywhere {
    wire::CutOffEverywhere {
        id: view.row.id.to_string(),
        person: view.row.person.to_string(),
        stopped_at: timestamp(view.row.stopped_at),
        complete: view.row.spread_at.is_some(),
        done: view.is_done(),
        reissue_at: timestamp(view.row.before.reissue_at()),
        labs: view.labs.iter().map(|lab| shown(lab, by_hand)).collect(),
    }
}

/// `by_hand` for whoever looks after the lab, or runs the broker.
fn shown(view: &CutOffView, by_hand: bool) -> wire::CutOff {
    let row = &view.row;
    let name = |of: &NamedPerson| of.name.as_ref().map(|name| name.as_str().to_owned());
    wire::CutOff {
        id: row.id.to_string(),
        lab: view.lab.to_string(),
        whose: match &row.whose {
            Whose::Person(person) => {
                wire::WhoseSessions::Person { id: person.to_string(), name: view.person.as_ref().and_then(name) }
            }
            Whose::Role(role) => wire::WhoseSessions::Role { role: role.to_string() },
            Whose::Everyone => wire::WhoseSessions::Everyone,
        },
        by: row.by.person().map(ToString::to_string),
        by_says: view.by.as_ref().and_then(name).unwrap_or_else(|| row.by.to_string()),
        cause: cause(row.cause),
        reason: row.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        sessions: row.sessions,
        before: timestamp(row.before.at()),
        steps: row.steps.told().into_iter().map(step).collect(),
        done: row.steps.is_done(),
        reissue_at: view.reissue_at().map(timestamp),
        held: row.held && row.lifted_at.is_none(),
        lifted_at: row.lifted_at.map(timestamp),
        dead_at: row.dead_at.map(timestamp),
        trouble: view.trouble.as_ref().map(|trouble| wire::CutOffTrouble {
            says: format!("{}.", trouble.trouble),
            again_at: timestamp(trouble.again_at),
            by_hand: by_hand.then(|| trouble.by_hand.clone()),
        }),
    }
}

fn step(step: CutOffStep) -> wire::CutOffStep {
    let name = match step.name {
        CutOffStepName::IssuingStopped => wire::CutOffStepName::IssuingStopped,
        CutOffStepName::DenyWritten => wire::CutOffStepName::DenyWritten,
        CutOffStepName::DenyReadBack => wire::CutOffStepName::DenyReadBack,
        CutOffStepName::DenialSeen => wire::CutOffStepName::DenialSeen,
    };
    wire::CutOffStep { step: name, at: step.at.map(timestamp), says: step.says.to_owned() }
}

const fn cause(cause: CutOffCause) -> wire::CutOffCause {
    match cause {
        CutOffCause::Asked => wire::CutOffCause::Asked,
        CutOffCause::MappingEnded => wire::CutOffCause::MappingEnded,
        CutOffCause::Suspended => wire::CutOffCause::Suspended,
        CutOffCause::SignedOut => wire::CutOffCause::SignedOut,
        CutOffCause::Everywhere => wire::CutOffCause::Everywhere,
    }
}
