//! A lab's people, and who of them looks after it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{PAGE, fresh_sign_in, or_begin_again};
use crate::app::{Broker, Error, Somebody, WantedPeople};
use crate::console::{self, OfficeForm, PeopleNotice, Removal};
use crate::domain::id::{LabName, PersonId};
use crate::domain::lab::Office;
use crate::http::address::InLab;
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Visitor};

/// The longest text that is looked for.
const SEARCH_MAX_CHARS: usize = 120;

/// Which people.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    q: Option<String>,
    after: Option<String>,
    done: Option<String>,
    of: Option<String>,
}

/// `GET /labs/{lab}/people`
pub(crate) async fn list(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Wanted { q, after, done, of } = wanted.map(|Query(wanted)| wanted).unwrap_or_default();
    let search: String = q.unwrap_or_default().trim().chars().take(SEARCH_MAX_CHARS).collect();
    let wanted = WantedPeople { search, after: after.and_then(|after| after.parse().ok()), limit: PAGE };
    let of: Option<PersonId> = of.and_then(|of| of.parse().ok());
    let members = broker.lab_members(&visitor.caller, &lab, &wanted, of.as_ref()).await?;
    let notice = PeopleNotice::new(done.as_deref(), of, &members);
    Ok(console::people(&broker, &visitor.shell, &visitor.caller, &members, &wanted, notice.as_ref()))
}

/// Whose office, and which.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OfficeFields {
    #[serde(default)]
    person: String,
    #[serde(default)]
    standing: String,
}

impl OfficeFields {
    /// The page with these fields.
    fn address(&self, lab: &LabName, page: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("person", &self.person);
        if !self.standing.is_empty() {
            query.append_pair("standing", &self.standing);
        }
        format!("/labs/{lab}/people/{page}?{}", query.finish())
    }

    /// A sign-in that leads back to that page.
    fn fresh(&self, lab: &LabName, page: &str) -> String {
        fresh_sign_in(&self.address(lab, page))
    }

    fn person(&self) -> Option<PersonId> {
        self.person.trim().parse().ok()
    }
}

/// `GET /labs/{lab}/people/appoint`: who becomes what, before it is so.
pub(crate) async fn ask_to_appoint(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    fields: Result<Query<OfficeFields>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(fields) = fields.unwrap_or_default();
    let person = fields.person();
    let change = broker.appointment(&visitor.caller, &lab, person.as_ref()).await?;
    let office: Option<Office> = fields.standing.parse().ok();
    let form = OfficeForm {
        person: fields.person.trim().chars().take(SEARCH_MAX_CHARS).collect(),
        office,
        wrong: match (fields.person.trim(), &change.somebody) {
            ("", _) | (_, Some(_)) => None,
            _ if person.is_none() => Some("An id is p- and 16 letters and digits."),
            _ => Some("Nobody has this id. They have to sign in once; compare it with them."),
        },
        fresh: fields.fresh(&lab, "appoint"),
    };
    let status = if form.wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok((status, console::appoint(&broker, &visitor.shell, &change, &form)).into_response())
}

/// `POST /labs/{lab}/people/appoint`
pub(crate) async fn appoint(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    Posted { browser, form }: Posted<OfficeFields>,
) -> Result<Response, Problem> {
    let office: Office = form.standing.parse().unwrap_or(Office::Manager);
    let person = form.person().unwrap_or_else(nobody);
    let appointed = broker
        .appoint(&browser.caller, &lab, &person, office)
        .await
        .map_err(|error| or_begin_again(error, &form.address(&lab, "appoint")))?;
    let done = PeopleNotice::appointed(appointed.before, office);
    Ok(Redirect::to(&format!("/labs/{lab}/people?done={done}&of={person}")).into_response())
}

/// `GET /labs/{lab}/people/remove`: who stops looking after the lab, before it is so.
pub(crate) async fn ask_to_remove(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    fields: Result<Query<OfficeFields>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(fields) = fields.unwrap_or_default();
    let person = fields.person().unwrap_or_else(nobody);
    let change = broker.removal(&visitor.caller, &lab, &person).await?;
    let office = match &change.somebody {
        Some(Somebody::Known { person, .. }) => person.office,
        _ => None,
    };
    let Some(office) = office else { return Err(Error::from(crate::app::LabError::NoSuchPerson).into()) };
    let removal = Removal { person, office, fresh: fields.fresh(&lab, "remove") };
    Ok(console::remove(&broker, &visitor.shell, &change, &removal))
}

/// `POST /labs/{lab}/people/remove`
pub(crate) async fn remove(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    Posted { browser, form }: Posted<OfficeFields>,
) -> Result<Response, Problem> {
    let person = form.person().unwrap_or_else(nobody);
    let before = broker
        .remove_office(&browser.caller, &lab, &person)
        .await
        .map_err(|error| or_begin_again(error, &form.address(&lab, "remove")))?;
    if person == browser.caller.person {
        // Nothing of the lab may be theirs to see any more.
        return Ok(Redirect::to("/").into_response());
    }
    Ok(Redirect::to(&format!("/labs/{lab}/people?done=removed-{}&of={person}", before.as_str())).into_response())
}

/// Somebody whom nobody is.
fn nobody() -> PersonId {
    PersonId::from_entropy([0; 10])
}
