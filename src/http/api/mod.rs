//! `/api/v1`, for helpers and scripts; and whether the broker is well.

pub(super) mod accounts;
pub(super) mod cut_offs;
pub(super) mod labs;
pub(super) mod ledger;
pub(super) mod limits;
pub(super) mod mappings;
pub(super) mod operator;
pub(super) mod own_roles;
pub(super) mod people;
pub(super) mod roles;
pub(super) mod why;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;

use serde::de::DeserializeOwned;

use super::extract::Helper;
use super::problem::Problem;
use crate::app::{Broker, account_warning};
use crate::domain::access::Missing;
use crate::domain::claims::{Group, Groups};
use crate::domain::id::RoleAddress;
use crate::domain::role_session::SessionDuration;
use crate::wire;

/// `GET /api/v1/me`: who the caller is, and what they may ask for.
pub(super) async fn me(State(broker): State<Broker>, Helper(caller): Helper) -> Result<Json<wire::Me>, Problem> {
    let profile = broker.profile(&caller).await?;
    let roles = profile
        .roles
        .iter()
        .map(|given| wire::MyRole {
            lab: given.lab.to_string(),
            role: given.role.to_string(),
            title: broker.template_title(&given.template).to_owned(),
            ends_at: given.ends_at.map(wire::timestamp),
            needs: match given.missing {
                Missing::Nothing => None,
                Missing::Fresh => Some("fresh-sign-in".to_owned()),
                Missing::Mfa => Some("mfa".to_owned()),
                Missing::Approval => Some("approval".to_owned()),
                Missing::AccountUpdate => Some("account-update".to_owned()),
                Missing::Account => Some("account".to_owned()),
                Missing::Time => Some("time".to_owned()),
                Missing::Lifting => Some("lifting".to_owned()),
            },
            again_at: given.again_at().map(wire::timestamp),
            until: given.until.map(wire::timestamp),
            warning: account_warning(given.account).map(str::to_owned),
        })
        .collect();
    let groups = match &profile.snapshot.evidence.groups {
        Groups::Absent | Groups::Overage => None,
        Groups::Present(groups) | Groups::Truncated(groups) => {
            Some(groups.iter().map(Group::as_str).map(str::to_owned).collect())
        }
    };
    let groups_missing = match &profile.snapshot.evidence.groups {
        Groups::Absent | Groups::Present(_) => None,
        Groups::Overage => Some("too-many".to_owned()),
        Groups::Truncated(_) => Some("cut-off".to_owned()),
    };
    Ok(Json(wire::Me {
        person_id: caller.person.to_string(),
        name: profile.snapshot.display_name.map(|name| name.as_str().to_owned()),
        connection: profile.snapshot.evidence.connection.to_string(),
        connection_title: broker.connection_title(&profile.snapshot.evidence.connection).to_owned(),
        signed_in_at: wire::timestamp(profile.snapshot.evidence.groups_at),
        session_expires_at: wire::timestamp(caller.session_expires_at),
        groups,
        groups_missing,
        roles,
        standings: profile
            .standings
            .iter()
            .map(|at| wire::MyStanding { lab: at.lab.to_string(), standing: at.standing.as_str().to_owned() })
            .collect(),
        cut_offs: profile
            .cut_offs
            .dead(broker.clock.now())
            .map(|one| wire::MyCutOff {
                lab: one.lab.as_ref().map(ToString::to_string),
                role: one.role.as_ref().map(ToString::to_string),
                dead_before: wire::timestamp(one.mark.before.at()),
            })
            .collect(),
    }))
}

/// `POST /api/v1/labs/{lab}/roles/{role}/credentials`: short-lived AWS credentials.
pub(super) async fn credentials(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    address: Result<Path<(String, String)>, PathRejection>,
    body: Bytes,
) -> Result<Response, Problem> {
    let wanted = duration(&body)?;
    // What cannot be a lab's or a role's name is answered like one that does not exist.
    let names = address.ok().and_then(|Path((lab, role))| Some((lab.parse().ok()?, role.parse().ok()?)));
    let Some((lab, role)) = names else {
        return Err(broker.no_such_role(&caller).await.into());
    };
    let issued = broker.issue(&caller, &RoleAddress { lab, role }, wanted).await?;
    let credentials = &issued.credentials;
    let body = wire::CredentialsResponse {
        access_key_id: credentials.access_key_id.clone(),
        secret_access_key: credentials.secret_access_key.expose_secret().to_owned().into(),
        session_token: credentials.session_token.expose_secret().to_owned().into(),
        expiration: wire::timestamp(credentials.expires_at),
        account_id: issued.account_id,
        role_session_id: issued.role_session.to_string(),
    };
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response())
}

/// A body of JSON; `example` is shown to who sends another one.
fn read<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Problem> {
    // The parser's own words could repeat what it read. It would read the fields out of a list, too, by their places.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let read = is_object.then(|| serde_json::from_slice(body).ok()).flatten();
    read.ok_or_else(|| Problem::malformed(format!("The body must be JSON such as {example}.")))
}

/// What stands between the quotes of the one `If-Match` there is; nothing when that is not how it stands there.
fn if_match(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(header::IF_MATCH).iter();
    let value = given.next().ok_or_else(Problem::revision_needed)?;
    let quoted = value.to_str().ok().filter(|_| given.next().is_none());
    Ok(quoted.and_then(|text| text.strip_prefix('"')?.strip_suffix('"')))
}

fn duration(body: &Bytes) -> Result<Option<SessionDuration>, Problem> {
    if body.is_empty() {
        return Ok(None);
    }
    let request: wire::CredentialsRequest = read(body, "{\"duration_seconds\": 3600}, or empty")?;
    request
        .duration_seconds
        .map(|seconds| SessionDuration::from_seconds(seconds).map_err(|_| too_short_or_long()))
        .transpose()
}

fn too_short_or_long() -> Problem {
    Problem::malformed("`duration_seconds` must be a whole number from 900 to 3600.")
}

/// `GET /healthz`: the process runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the process can do its work, as far as it can know without calling AWS.
pub(super) async fn readyz(State(broker): State<Broker>) -> Result<&'static str, Problem> {
    broker.ready().await?;
    Ok("ready\n")
}
