//! A lab's AWS account: how it stands, checks of it, and what keeps the caller from a role.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::app::{AccountChecks, AccountRole, Broker, ChainReport, Diagnosis, LabError, account_words};
use crate::domain::account::{
    AccountCheck, AccountState, Cause, Mender, ProbeAnswer, Readiness, RoleProbe, StepReport, Trouble,
};
use crate::domain::id::{AccountCheckId, LabName, RoleName};
use crate::http::address::{InLab, InLabOf};
use crate::http::extract::Helper;
use crate::http::problem::Problem;
use crate::wire::accounts as wire;
use crate::wire::timestamp;

/// How many checks a page has when nobody says.
const PAGE: u32 = 50;

/// And how many at most: each can be long.
pub(in crate::http) const CHECKS_PAGE_MAX: u32 = 100;

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct PageParameters {
    after: Option<String>,
    limit: Option<u32>,
}

/// For which role.
#[derive(Debug, Deserialize)]
pub(crate) struct DiagnosisParameters {
    role: Option<String>,
}

/// `GET /api/v1/labs/{lab}/account`
pub(crate) async fn show(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<Json<wire::Account>, Problem> {
    let view = broker.account(&caller, &lab).await?;
    let role = &view.place.lab.session_role;
    let is_keeper = view.keeper.is_some();
    let state = if is_keeper { view.account.state } else { seen_by_members(view.account.state) };
    let check = view.keeper.as_ref().and_then(|keeper| keeper.running.as_ref().or(keeper.last.as_ref()));
    Ok(Json(wire::Account {
        lab: lab.to_string(),
        account_id: role.account().as_str().to_owned(),
        session_role: role.as_str().to_owned(),
        state: state.as_str().to_owned(),
        says: account_words(state).to_owned(),
        joined_at: view.account.joined_at.map(timestamp),
        checked_at: view.account.checked_at.map(timestamp),
        next_check_at: view.account.check_due_at.map(timestamp),
        roles: view.roles.iter().map(|role| of_role(role, is_keeper)).collect(),
        check: check.map(|check| of_check(&broker, check)),
    }))
}

/// That somebody could get in is for those who can see to it.
const fn seen_by_members(state: AccountState) -> AccountState {
    match state {
        AccountState::Open => AccountState::Joined,
        state => state,
    }
}

/// `GET /api/v1/labs/{lab}/account/stack`
pub(crate) async fn stack(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<Json<wire::AccountStack>, Problem> {
    let stack = broker.account_stack(&caller, &lab).await?;
    Ok(Json(wire::AccountStack {
        template: serde_json::from_str(&stack.text).map_err(|_| Problem::internal())?,
        file_name: stack.file_name,
        stack: stack.stack,
        quick_create: stack.quick_create,
    }))
}

/// `POST /api/v1/labs/{lab}/account/join`
pub(crate) async fn join(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<(StatusCode, Json<wire::AccountCheck>), Problem> {
    let check = broker.join_account(&caller, &lab).await?;
    Ok((StatusCode::ACCEPTED, Json(of_check(&broker, &check))))
}

/// `POST /api/v1/labs/{lab}/account/checks`
pub(crate) async fn check(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
) -> Result<(StatusCode, Json<wire::AccountCheck>), Problem> {
    let check = broker.check_account(&caller, &lab).await?;
    Ok((StatusCode::ACCEPTED, Json(of_check(&broker, &check))))
}

/// `GET /api/v1/labs/{lab}/account/checks`
pub(crate) async fn checks(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<PageParameters>, QueryRejection>,
) -> Result<Json<wire::AccountChecks>, Problem> {
    let wrong = || Problem::malformed(format!("`limit` must be 1 to {CHECKS_PAGE_MAX}, and `after` what `next` said."));
    let Query(PageParameters { after, limit }) = parameters.map_err(|_| wrong())?;
    let limit = limit.unwrap_or(PAGE);
    if !(1..=CHECKS_PAGE_MAX).contains(&limit) {
        return Err(wrong());
    }
    let after: Option<AccountCheckId> = after.map(|after| after.parse().map_err(|_| wrong())).transpose()?;
    let AccountChecks { checks, more, .. } = broker.account_checks(&caller, &lab, after.as_ref(), limit).await?;
    Ok(Json(wire::AccountChecks {
        next: checks.last().filter(|_| more).map(|last| last.id.to_string()),
        checks: checks.iter().map(|check| of_check(&broker, check)).collect(),
    }))
}

/// `GET /api/v1/labs/{lab}/account/checks/{check}`
pub(crate) async fn one_check(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
) -> Result<Json<wire::AccountCheck>, Problem> {
    // What cannot be an id is answered like one that nothing has: to whoever may look.
    let Ok(id) = id.parse::<AccountCheckId>() else {
        broker.account_checks(&caller, &lab, None, 1).await?;
        return Err(crate::app::Error::Lab(LabError::NoSuchCheck).into());
    };
    Ok(Json(of_check(&broker, &broker.account_check(&caller, &lab, &id).await?)))
}

/// `GET /api/v1/labs/{lab}/diagnosis`
pub(crate) async fn diagnosis(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<DiagnosisParameters>, QueryRejection>,
) -> Result<Json<wire::Diagnosis>, Problem> {
    let wrong = || Problem::malformed("`role` must be the name of a role of the lab.");
    let Query(DiagnosisParameters { role }) = parameters.map_err(|_| wrong())?;
    let role: Option<RoleName> = role.map(|role| role.parse().map_err(|_| wrong())).transpose()?;
    let diagnosis = broker.diagnose(&caller, &lab, role.as_ref()).await?;
    Ok(Json(of_diagnosis(&lab, &diagnosis)))
}

/// The word that a plain enum of the domain is written with.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn of_role(role: &AccountRole, is_keeper: bool) -> wire::AccountRole {
    let ready = match role.readiness {
        Readiness::Ready => "ready",
        Readiness::AwaitingUpdate => "awaiting-update",
        Readiness::NotJoined => "not-joined",
    };
    let probe = role.probe.as_ref().map(|answer| {
        let all = wire::Probe { at: role.looked_at.map(timestamp), ..probe(&role.name, None, answer) };
        if is_keeper {
            wire::Probe { action: role.probe_action.clone(), ..all }
        } else {
            wire::Probe { status: None, code: None, message: None, request_id: None, at: None, ..all }
        }
    });
    wire::AccountRole {
        role: role.name.to_string(),
        title: role.title.clone(),
        ready: ready.to_owned(),
        uncovered: is_keeper.then(|| role.uncovered.clone()),
        probe,
    }
}

fn probe(role: &RoleName, action: Option<&str>, answer: &ProbeAnswer) -> wire::Probe {
    wire::Probe {
        role: role.to_string(),
        action: action.map(str::to_owned),
        outcome: answer.outcome.as_str().to_owned(),
        says: answer.outcome.to_string(),
        status: answer.status,
        code: answer.code.clone(),
        message: answer.message.clone(),
        request_id: answer.request_id.clone(),
        at: None,
    }
}

fn of_check(broker: &Broker, check: &AccountCheck) -> wire::AccountCheck {
    let verdict = check.verdict();
    wire::AccountCheck {
        id: check.id.to_string(),
        reason: check.reason.as_str().to_owned(),
        by: check.by.as_ref().map(ToString::to_string),
        begun_at: timestamp(check.begun_at),
        ended_at: check.ended.map(|(at, _)| timestamp(at)),
        verdict: verdict.map(|verdict| verdict.as_str().to_owned()),
        says: verdict.map(|verdict| verdict.to_string()),
        tries: check.report.tries,
        tries_at_most: broker.tries_at_most(check.reason),
        steps: check.report.steps.iter().map(step).collect(),
        troubles: check.report.troubles.iter().map(trouble).collect(),
        probes: check
            .report
            .probes
            .iter()
            .map(|RoleProbe { role, action, answer }| probe(role, Some(action), answer))
            .collect(),
    }
}

fn step(step: &StepReport) -> wire::CheckStep {
    wire::CheckStep {
        step: word(&step.step),
        title: step.step.to_string(),
        role: step.role.as_ref().map(ToString::to_string),
        state: step.state.as_str().to_owned(),
        says: step.says.clone(),
        at: timestamp(step.at),
    }
}

fn trouble(trouble: &Trouble) -> wire::Trouble {
    wire::Trouble {
        link: trouble.link.as_str().to_owned(),
        role: trouble.role.as_ref().map(ToString::to_string),
        severity: word(&trouble.severity),
        says: trouble.to_string(),
        causes: trouble.causes.iter().map(cause).collect(),
    }
}

fn cause(cause: &Cause) -> wire::Cause {
    let tagged = serde_json::to_value(cause).ok();
    let name = tagged.as_ref().and_then(|tagged| tagged["cause"].as_str()).unwrap_or_default();
    wire::Cause {
        cause: name.to_owned(),
        says: cause.to_string(),
        mender: mender(cause.mender()),
        next: cause.next().to_owned(),
    }
}

fn mender(mender: Mender) -> wire::Mender {
    wire::Mender { kind: word(&mender), says: mender.to_string() }
}

fn of_diagnosis(lab: &LabName, diagnosis: &Diagnosis) -> wire::Diagnosis {
    wire::Diagnosis {
        lab: lab.to_string(),
        role: diagnosis.role.as_ref().map(ToString::to_string),
        links: diagnosis.links.iter().map(link).collect(),
        first_broken: diagnosis.first_broken().map(|report| report.link.as_str().to_owned()),
        running: diagnosis.running.as_ref().map(ToString::to_string),
        checked_at: diagnosis.checked_at.map(timestamp),
    }
}

fn link(report: &ChainReport) -> wire::DiagnosedLink {
    wire::DiagnosedLink {
        link: report.link.as_str().to_owned(),
        title: crate::app::link_title(report.link).to_owned(),
        state: report.state.as_str().to_owned(),
        says: report.says.clone(),
        causes: report.causes.clone(),
        menders: report.menders.iter().copied().map(mender).collect(),
        next: report.next.clone(),
    }
}
