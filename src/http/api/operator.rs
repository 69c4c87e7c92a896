//! Labs, people and connections, for whoever runs the broker.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::read;
use crate::app::desk::{
    Desk, LabAtAGlance, LabDetails, LabNeed, LabStanding, NewLab, PeopleSearch, PersonRow, lab_title,
};
use crate::app::{Broker, OfficeHolder};
use crate::domain::account::session_trust;
use crate::domain::id::{LabName, PersonId};
use crate::domain::lab::{Invitation, Lab};
use crate::domain::person::DisplayName;
use crate::http::operator::{OperatorHelper, TheConnection, TheLab, ThePerson, looked_for};
use crate::http::problem::Problem;
use crate::wire::operator as wire;
use crate::wire::timestamp;

/// How many a page has when nobody says, and at most.
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 200;

/// Which page of the labs.
#[derive(Debug, Deserialize)]
pub(crate) struct LabsParameters {
    after: Option<LabName>,
    limit: Option<u32>,
}

/// Which people, and which page of them.
#[derive(Debug, Deserialize)]
pub(crate) struct PeopleParameters {
    #[serde(default)]
    search: String,
    #[serde(default)]
    suspended: bool,
    after: Option<PersonId>,
    limit: Option<u32>,
}

fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(PAGE);
    if (1..=PAGE_MAX).contains(&limit) { Ok(limit) } else { Err(wrong_page()) }
}

fn wrong_page() -> Problem {
    Problem::malformed(format!("`limit` must be 1 to {PAGE_MAX}, `after` what `next` was, `suspended` true or false."))
}

/// `GET /api/v1/operator`
pub(crate) async fn overview(
    State(broker): State<Broker>,
    OperatorHelper { desk, .. }: OperatorHelper,
) -> Result<Json<wire::Overview>, Problem> {
    let (labs, now) = (desk.labs_at_a_glance().await?.labs, broker.clock.now());
    let needy = labs.iter().filter_map(|lab| {
        let need = match LabNeed::of(lab, now)? {
            LabNeed::AccountOpen => "account-open",
            LabNeed::AccountBroken => "account-broken",
            LabNeed::NoPi => "no-pi",
            LabNeed::Invited(_) => "invitation-lapses",
            LabNeed::PiSuspended => "pi-suspended",
        };
        Some(wire::NeedyLab { name: lab.lab.name.to_string(), need: need.to_owned() })
    });
    Ok(Json(wire::Overview {
        needy_labs: needy.collect(),
        operators: broker.operators.people().map(ToString::to_string).collect(),
    }))
}

/// `GET /api/v1/operator/labs`
pub(crate) async fn labs(
    OperatorHelper { desk, .. }: OperatorHelper,
    parameters: Result<Query<LabsParameters>, QueryRejection>,
) -> Result<Json<wire::Labs>, Problem> {
    let Query(asked) = parameters.map_err(|_| wrong_page())?;
    let page = desk.labs_page(asked.after.as_ref(), limit(asked.limit)?).await?;
    let next = page.labs.last().filter(|_| page.more).map(|last| last.lab.name.to_string());
    Ok(Json(wire::Labs { labs: page.labs.iter().map(summary).collect(), next }))
}

/// `POST /api/v1/operator/labs`
pub(crate) async fn create(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    body: Bytes,
) -> Result<(StatusCode, Json<wire::Lab>), Problem> {
    let desk = helper.to_change(&broker).await?;
    let asked: wire::NewLab = read(
        &body,
        "{\"name\": \"vision\", \"title\": \"Vision Lab\", \"session_role\": \"arn:aws:iam::111122223333:role/lodge-session\", \
         \"pack\": \"mturk\"}",
    )?;
    let wrong = |field: &str, why: &dyn std::fmt::Display| Problem::malformed(format!("`{field}`: {why}."));
    let new = NewLab {
        name: asked.name.parse().map_err(|error| wrong("name", &error))?,
        title: lab_title(&asked.title).ok_or_else(|| wrong("title", &"1 to 120 characters on one line"))?,
        session_role: asked.session_role.parse().map_err(|error| wrong("session_role", &error))?,
        pack: asked.pack,
        parameters: asked.parameters,
    };
    let made = desk.create_lab(&new).await?;
    Ok((StatusCode::CREATED, Json(sheet(&made))))
}

/// `GET /api/v1/operator/labs/{lab}`
pub(crate) async fn lab(
    OperatorHelper { desk, .. }: OperatorHelper,
    TheLab(lab): TheLab,
) -> Result<Json<wire::Lab>, Problem> {
    shown(&desk, &lab).await
}

/// `POST /api/v1/operator/labs/{lab}/invitation`
pub(crate) async fn invite(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    TheLab(lab): TheLab,
) -> Result<(StatusCode, Json<wire::NewInvitation>), Problem> {
    let desk = helper.to_change(&broker).await?;
    let new = desk.invite_pi(&lab).await?;
    let answer = wire::NewInvitation {
        lab: lab.to_string(),
        invitation: invitation(&new.invitation),
        link: new.link.expose_secret().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `DELETE /api/v1/operator/labs/{lab}/invitation`
pub(crate) async fn withdraw(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    TheLab(lab): TheLab,
) -> Result<StatusCode, Problem> {
    let desk = helper.to_change(&broker).await?;
    desk.withdraw_invitation(&lab).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/operator/labs/{lab}/archive`
pub(crate) async fn archive(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    TheLab(lab): TheLab,
) -> Result<Json<wire::Lab>, Problem> {
    let desk = helper.to_change(&broker).await?;
    desk.archive_lab(&lab).await?;
    shown(&desk, &lab).await
}

/// `POST /api/v1/operator/labs/{lab}/restore`
pub(crate) async fn restore(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    TheLab(lab): TheLab,
) -> Result<Json<wire::Lab>, Problem> {
    let desk = helper.to_change(&broker).await?;
    desk.restore_lab(&lab).await?;
    shown(&desk, &lab).await
}

/// `GET /api/v1/operator/people`
pub(crate) async fn people(
    OperatorHelper { desk, .. }: OperatorHelper,
    parameters: Result<Query<PeopleParameters>, QueryRejection>,
) -> Result<Json<wire::People>, Problem> {
    let Query(asked) = parameters.map_err(|_| wrong_page())?;
    let text = looked_for(&asked.search);
    let search = PeopleSearch { text: &text, suspended: asked.suspended };
    let page = desk.people(search, asked.after.as_ref(), limit(asked.limit)?).await?;
    let next = page.people.last().filter(|_| page.more).map(|(row, _)| row.id.to_string());
    Ok(Json(wire::People { people: page.people.iter().map(|(row, standings)| one(row, standings)).collect(), next }))
}

/// `GET /api/v1/operator/people/{person}`
pub(crate) async fn person(
    State(broker): State<Broker>,
    OperatorHelper { desk, .. }: OperatorHelper,
    ThePerson(id): ThePerson,
) -> Result<Json<wire::Person>, Problem> {
    person_of(&desk, &id, broker.lifetimes.browser_idle).await
}

/// `POST /api/v1/operator/people/{person}/suspend`
pub(crate) async fn suspend(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    ThePerson(id): ThePerson,
) -> Result<Json<wire::Suspended>, Problem> {
    let desk = helper.to_change(&broker).await?;
    let (row, sessions_ended, cut_off) = desk.suspend(&id).await?;
    broker.spread_from_desk(&cut_off);
    Ok(Json(wire::Suspended { id: row.id.to_string(), sessions_ended }))
}

/// `POST /api/v1/operator/people/{person}/restore`
pub(crate) async fn lift(
    State(broker): State<Broker>,
    helper: OperatorHelper,
    ThePerson(id): ThePerson,
) -> Result<Json<wire::Person>, Problem> {
    let desk = helper.to_change(&broker).await?;
    desk.restore(&id).await?;
    person_of(&desk, &id, broker.lifetimes.browser_idle).await
}

/// `GET /api/v1/operator/connections`
pub(crate) async fn connections(
    State(broker): State<Broker>,
    OperatorHelper { desk, .. }: OperatorHelper,
) -> Json<wire::Connections> {
    let connections = broker.connections(&desk).into_iter().map(|it| wire::Connection {
        name: it.name,
        title: it.title,
        issuer: it.issuer,
        group_claim: it.group_claim,
        group_format: it.group_format.to_owned(),
        group_limit: it.group_limit,
        subject_claim: it.subject_claim,
        second_factor: it.second_factor,
    });
    Json(wire::Connections { connections: connections.collect() })
}

/// `POST /api/v1/operator/connections/{connection}/check`
pub(crate) async fn check(
    State(broker): State<Broker>,
    OperatorHelper { desk, .. }: OperatorHelper,
    TheConnection(name): TheConnection,
) -> Result<Json<wire::ConnectionCheck>, Problem> {
    let check = broker.check_connection(&desk, &name).await?;
    Ok(Json(wire::ConnectionCheck { keys: check.keys, problems: check.problems }))
}

/// `GET /api/v1/operator/version`
pub(crate) async fn version(
    State(broker): State<Broker>,
    OperatorHelper { desk, .. }: OperatorHelper,
) -> Result<Json<wire::Version>, Problem> {
    let versions = broker.versions(&desk).await?;
    Ok(Json(wire::Version {
        program: versions.program.to_owned(),
        database: versions.database.version,
        migration: versions.database.migration,
        started_at: timestamp(versions.started_at),
        public_url: broker.issuer().to_owned(),
        policy_templates: versions.templates,
    }))
}

async fn shown(desk: &Desk, lab: &LabName) -> Result<Json<wire::Lab>, Problem> {
    Ok(Json(sheet(&desk.lab(lab).await?)))
}

async fn person_of(desk: &Desk, id: &PersonId, idle: TimeDelta) -> Result<Json<wire::Person>, Problem> {
    let details = desk.person(id, idle).await?;
    Ok(Json(wire::Person {
        person: one(&details.person, &details.standings),
        browser_sessions: details.browsers,
        helper_sessions: details.helpers,
    }))
}

fn named(name: Option<&DisplayName>) -> Option<String> {
    name.map(|name| name.as_str().to_owned())
}

fn account(lab: &Lab) -> String {
    lab.session_role.account().as_str().to_owned()
}

fn summary(one: &LabAtAGlance) -> wire::LabSummary {
    let LabAtAGlance { lab, pis, invited_until, account: state } = one;
    wire::LabSummary {
        id: lab.id.to_string(),
        name: lab.name.to_string(),
        title: lab.title.clone(),
        account: account(lab),
        session_role: lab.session_role.as_str().to_owned(),
        account_state: state.as_str().to_owned(),
        created_at: timestamp(lab.created_at),
        archived_at: lab.archived_at.map(timestamp),
        pis: pis
            .iter()
            .map(|pi| wire::Holder {
                person: pi.id.to_string(),
                name: named(pi.name.as_ref()),
                connection: pi.connection.to_string(),
                standing: "pi".to_owned(),
            })
            .collect(),
        invited_until: invited_until.map(timestamp),
    }
}

fn holder(holder: &OfficeHolder) -> wire::Holder {
    wire::Holder {
        person: holder.id.to_string(),
        name: named(holder.name.as_ref()),
        connection: holder.connection.to_string(),
        standing: holder.office.as_str().to_owned(),
    }
}

fn invitation(invitation: &Invitation) -> wire::Invitation {
    wire::Invitation {
        id: invitation.id.to_string(),
        created_at: timestamp(invitation.created_at),
        lapses_at: timestamp(invitation.lapses_at),
    }
}

fn sheet(details: &LabDetails) -> wire::Lab {
    let LabDetails { lab, roles, office_holders, invitation: open, account: state } = details;
    let roles = roles.iter().map(|role| wire::LabRole {
        name: role.name.to_string(),
        template: role.template.to_string(),
        max_duration_seconds: role.max_duration.seconds(),
    });
    wire::Lab {
        id: lab.id.to_string(),
        name: lab.name.to_string(),
        title: lab.title.clone(),
        account: account(lab),
        session_role: lab.session_role.as_str().to_owned(),
        account_state: state.as_str().to_owned(),
        external_id: lab.external_id.as_str().to_owned(),
        created_at: timestamp(lab.created_at),
        archived_at: lab.archived_at.map(timestamp),
        roles: roles.collect(),
        looked_after_by: office_holders.iter().map(holder).collect(),
        invitation: open.as_ref().map(invitation),
        trust_policy: session_trust(lab, None),
    }
}

fn one(row: &PersonRow, standings: &[LabStanding]) -> wire::PersonSummary {
    let standings = standings
        .iter()
        .map(|at| wire::PersonStanding { lab: at.lab.to_string(), standing: at.standing.as_str().to_owned() });
    wire::PersonSummary {
        id: row.id.to_string(),
        name: named(row.name.as_ref()),
        connection: row.key.connection.to_string(),
        issuer: row.key.issuer.as_str().to_owned(),
        subject: row.key.subject.as_str().to_owned(),
        created_at: timestamp(row.created_at),
        suspended_at: row.suspended_at.map(timestamp),
        standings: standings.collect(),
    }
}
