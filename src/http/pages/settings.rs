//! A lab's settings. What a change would do is shown before it is saved; the page that shows it can be opened again, so
//! nothing that was typed is lost to a sign-in.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::or_begin_again;
use crate::app::{Broker, LimitOf};
use crate::console::{self, LimitForm, SettingsForm};
use crate::http::address::{InLab, InLabOf};
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Visitor};

/// What somebody would set: of the groups, or of a role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    set: Option<String>,
    role: Option<String>,
    count: Option<String>,
    unit: Option<String>,
    default: Option<String>,
    /// The place of an entry in the ledger: what was just done.
    done: Option<String>,
}

/// What a form sends: nothing stands for the broker's own limit.
#[derive(Debug, Deserialize)]
pub(crate) struct Saved {
    seconds: String,
}

/// `GET /labs/{lab}/settings`
pub(crate) async fn show(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = query.map_err(|_| Problem::malformed("The query of this address cannot be read."))?;
    let done = wanted.done.as_deref().and_then(|text| text.parse().ok());
    let settings = broker.settings(&visitor.caller, &lab, done).await?;
    let form = wanted.form();
    let (is_wrong, page) = console::settings(&visitor.shell, &settings, &form, broker.clock.now());
    Ok(if is_wrong { (StatusCode::BAD_REQUEST, page).into_response() } else { page })
}

impl Wanted {
    fn form(&self) -> SettingsForm {
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_owned();
        let of = match self.set.as_deref() {
            Some("groups") => Some(LimitOf::Groups),
            Some("role") => text(&self.role).parse().ok().map(LimitOf::Role),
            _ => None,
        };
        SettingsForm {
            limit: of.map(|of| LimitForm {
                of,
                count: text(&self.count),
                unit: text(&self.unit),
                is_default: self.default.is_some(),
            }),
        }
    }
}

/// `POST /labs/{lab}/settings/groups-age`
pub(crate) async fn set_groups_age(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    posted: Posted<Saved>,
) -> Result<Response, Problem> {
    let seconds = posted.form.seconds()?;
    let (_, done) = broker
        .set_groups_age(&posted.browser.caller, &lab, seconds)
        .await
        .map_err(|error| or_begin_again(error, &LimitForm::of_seconds(LimitOf::Groups, seconds).address(&lab)))?;
    Ok(back(&lab, done))
}

/// `POST /labs/{lab}/settings/sign-in-age/{role}`
pub(crate) async fn set_sign_in_age(
    State(broker): State<Broker>,
    InLabOf(lab, role): InLabOf,
    posted: Posted<Saved>,
) -> Result<Response, Problem> {
    let seconds = posted.form.seconds()?;
    let page = || match role.parse() {
        Ok(role) => LimitForm::of_seconds(LimitOf::Role(role), seconds).address(&lab),
        Err(_) => format!("/labs/{lab}/settings"),
    };
    let (_, done) = broker
        .set_sign_in_age(&posted.browser.caller, &lab, &role, seconds)
        .await
        .map_err(|error| or_begin_again(error, &page()))?;
    Ok(back(&lab, done))
}

impl Saved {
    fn seconds(&self) -> Result<Option<u32>, Problem> {
        match self.seconds.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| Problem::malformed("`seconds` is a whole number, or empty.")),
        }
    }
}

/// To the page, which then says what was done.
fn back(lab: &crate::domain::id::LabName, done: Option<i64>) -> Response {
    let done = done.map(|place| format!("?done={place}")).unwrap_or_default();
    Redirect::to(&format!("/labs/{lab}/settings{done}")).into_response()
}
