//! A lab's mappings: looking at them, and changing them with a look at what that does. What somebody has filled in stands
//! in the address, so that nothing is lost on the way through a fresh sign-in.

use std::str::FromStr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Deserialize;

use super::{PAGE, fresh_sign_in, or_begin_again};
use crate::app::{Broker, Caller, Error, LabError, MappingOutcome, RequestKey, TermsEdit};
use crate::console::{self, FormErrors, MappingFields, MappingForm, Notice};
use crate::domain::id::{LabName, MappingId};
use crate::domain::mapping::{Mapping, MappingTarget, MappingTerms, TermsError};
use crate::domain::role_session::SessionDuration;
use crate::http::address::{InLab, InLabOf};
use crate::http::api::mappings::{a_change, a_mapping};
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Visitor};

/// What an address of these pages can say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    all: String,
    after: String,
    before: String,
    done: String,
    of: String,
}

/// The fields of a form in an address, and whether anything was filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filled {
    look: String,
    connection: String,
    group: String,
    role: String,
    until: String,
    longest: String,
    mfa: String,
    approval: String,
}

/// What a form of these pages sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    connection: String,
    group: String,
    role: String,
    until: String,
    longest: String,
    mfa: String,
    approval: String,
    revision: String,
    back: String,
    key: String,
    /// `on` where the box is ticked that cuts off whoever has a live session by the mapping.
    cut_off: String,
}

impl Filled {
    fn fields(&self) -> MappingFields {
        MappingFields {
            connection: self.connection.clone(),
            group: self.group.clone(),
            role: self.role.clone(),
            until: self.until.clone(),
            longest: self.longest.clone(),
            mfa: self.mfa.clone(),
            approval: self.approval.clone(),
        }
    }
}

impl Sent {
    fn fields(&self) -> MappingFields {
        MappingFields {
            connection: self.connection.clone(),
            group: self.group.clone(),
            role: self.role.clone(),
            until: self.until.clone(),
            longest: self.longest.clone(),
            mfa: self.mfa.clone(),
            approval: self.approval.clone(),
        }
    }

    fn cut_off(&self) -> bool {
        self.cut_off == "on"
    }

    fn revision(&self) -> Result<i64, Problem> {
        self.revision.parse().ok().filter(|revision| *revision > 0).ok_or_else(not_that_form)
    }

    /// What the request is known by when a button is pressed twice. It is the whole form, so a field that a browser fills
    /// in otherwise is another request.
    fn key(&self, what: &str) -> Option<RequestKey> {
        let parts =
            [what, &self.connection, &self.group, &self.role, &self.until, &self.longest, &self.mfa, &self.approval];
        let more = [self.revision.as_str(), self.back.as_str()];
        let parts: Vec<&[u8]> = parts.into_iter().chain(more).map(str::as_bytes).collect();
        (1..=255).contains(&self.key.len()).then(|| RequestKey::new(&format!("form {}", self.key), &parts))
    }
}

fn not_that_form() -> Problem {
    Problem::malformed("This is not the form of that page. Open the page again and use the button on it.")
}

fn readable<T: Default>(parameters: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let Query(parameters) =
        parameters.map_err(|_| Problem::malformed("This address cannot be read. Go back to the lab's mappings."))?;
    Ok(parameters)
}

/// A key for the forms of one page.
fn new_key(broker: &Broker) -> String {
    hex::encode(broker.random.bytes::<16>())
}

fn list_address(lab: &LabName) -> String {
    format!("/labs/{lab}/mappings")
}

fn with_query(address: &str, fields: &MappingFields) -> String {
    let all = [
        ("connection", &fields.connection),
        ("group", &fields.group),
        ("role", &fields.role),
        ("until", &fields.until),
        ("longest", &fields.longest),
        ("mfa", &fields.mfa),
        ("approval", &fields.approval),
    ];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("look", "1");
    query.extend_pairs(all.into_iter().filter(|(_, value)| !value.is_empty()));
    format!("{address}?{}", query.finish())
}

fn done(lab: &LabName, outcome: &MappingOutcome, word: &str) -> Response {
    let (word, id) = match outcome {
        MappingOutcome::Done(mapping) => (word, mapping.id.to_string()),
        MappingOutcome::Waiting(waiting) => ("asked", waiting.change.id.to_string()),
    };
    Redirect::to(&format!("{}?done={word}&of={id}", list_address(lab))).into_response()
}

/// `GET /labs/{lab}/mappings`
pub(crate) async fn list(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = readable(asked)?;
    let after: Option<MappingId> = asked.after.parse().ok();
    let ended_too = asked.all == "1";
    let view = broker.mappings_view(&visitor.caller, &lab, ended_too, after.as_ref(), PAGE).await?;
    let notice = notice(&broker, &visitor.caller, &lab, &asked).await?;
    let (key, sign_in) = (new_key(&broker), fresh_sign_in(&list_address(&lab)));
    let shell = &visitor.shell;
    let which = (ended_too, after.is_none());
    Ok(console::mappings_page(&broker, shell, &view, notice.as_ref(), which, key, sign_in))
}

/// What the address says was done, if it is so.
async fn notice(broker: &Broker, caller: &Caller, lab: &LabName, asked: &Asked) -> Result<Option<Notice>, Problem> {
    let now = broker.clock.now();
    let mapping = async || match broker.mapping(caller, lab, &a_mapping(&asked.of)).await {
        Ok(mapping) => Ok(Some(mapping)),
        Err(Error::Lab(LabError::NoSuchMapping)) => Ok(None),
        Err(error) => Err(Problem::from(error)),
    };
    Ok(match asked.done.as_str() {
        "added" => mapping().await?.filter(|mapping| mapping.revision == 1).map(Notice::Added),
        "edited" => mapping().await?.filter(|it| it.revision > 1 && it.terms.is_live(now)).map(Notice::Edited),
        "ended" => mapping().await?.filter(|mapping| !mapping.terms.is_live(now)).map(Notice::Ended),
        "asked" => match broker.mapping_change(caller, lab, &a_change(&asked.of)).await {
            Ok(waiting) => Some(Notice::Asked(waiting)),
            Err(Error::Lab(LabError::NoSuchChange)) => None,
            Err(error) => return Err(error.into()),
        },
        "declined" => Some(Notice::Declined),
        _ => None,
    })
}

/// `GET /labs/{lab}/mappings/new`
pub(crate) async fn new(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    filled: Result<Query<Filled>, QueryRejection>,
) -> Result<Response, Problem> {
    let filled = readable(filled)?;
    new_page(&broker, &visitor, &lab, filled.fields(), filled.look == "1", FormErrors::default()).await
}

/// The form of a new mapping; with what it would do when it is looked at and nothing is wrong.
async fn new_page(
    broker: &Broker,
    visitor: &Visitor,
    lab: &LabName,
    fields: MappingFields,
    looked_at: bool,
    mut errors: FormErrors,
) -> Result<Response, Problem> {
    let choices = broker.mapping_choices(&visitor.caller, lab).await?;
    let mut preview = None;
    if looked_at && errors.is_empty() {
        match new_mapping(broker, &fields) {
            Ok((target, terms)) => match broker.preview_new_mapping(&visitor.caller, lab, target, terms).await {
                Ok(found) => preview = Some(found),
                Err(error) => errors = at_fields(error)?,
            },
            Err(wrong) => errors = *wrong,
        }
    }
    let address = format!("{}/new", list_address(lab));
    let form = MappingForm {
        choices: &choices,
        fields: &fields,
        errors: &errors,
        preview: preview.as_ref(),
        mapping: None,
        key: new_key(broker),
        sign_in: fresh_sign_in(&with_query(&address, &fields)),
    };
    Ok(with_status(&errors, console::mapping_form(broker, &visitor.shell, form)))
}

fn with_status(errors: &FormErrors, mut page: Response) -> Response {
    if !errors.is_empty() {
        *page.status_mut() = StatusCode::BAD_REQUEST;
    }
    page
}

/// `POST /labs/{lab}/mappings`
pub(crate) async fn add(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    posted: Posted<Sent>,
) -> Result<Response, Problem> {
    let fields = posted.form.fields();
    let page = with_query(&format!("{}/new", list_address(&lab)), &fields);
    let errors = match new_mapping(&broker, &fields) {
        Ok((target, terms)) => {
            let key = posted.form.key("add");
            match broker.add_mapping(&posted.browser.caller, &lab, target, terms, key.as_ref()).await {
                Ok(outcome) => return Ok(done(&lab, &outcome, "added")),
                Err(Error::Lab(error)) => at_fields(Error::Lab(error))?,
                Err(error) => return Err(or_begin_again(error, &page)),
            }
        }
        Err(errors) => *errors,
    };
    let visitor = Visitor::of(&broker, &posted.browser).await?;
    new_page(&broker, &visitor, &lab, fields, true, errors).await
}

/// `GET /labs/{lab}/mappings/{mapping}`
pub(crate) async fn one(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLabOf(lab, id): InLabOf,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = readable(asked)?;
    history(&broker, &visitor, &lab, &a_mapping(&id), asked.before.parse().ok(), false).await
}

async fn history(
    broker: &Broker,
    visitor: &Visitor,
    lab: &LabName,
    id: &MappingId,
    before: Option<i64>,
    changed_meanwhile: bool,
) -> Result<Response, Problem> {
    let history = broker.mapping_history(&visitor.caller, lab, id, before, PAGE).await?;
    let mut page = console::mapping_page(broker, &visitor.shell, &history, changed_meanwhile, new_key(broker));
    if changed_meanwhile {
        *page.status_mut() = StatusCode::PRECONDITION_FAILED;
    }
    Ok(page)
}

/// `GET /labs/{lab}/mappings/{mapping}/edit`
pub(crate) async fn edit(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLabOf(lab, id): InLabOf,
    filled: Result<Query<Filled>, QueryRejection>,
) -> Result<Response, Problem> {
    let filled = readable(filled)?;
    let mapping = broker.mapping(&visitor.caller, &lab, &a_mapping(&id)).await?;
    let looked_at = filled.look == "1";
    let fields = if looked_at { filled.fields() } else { fields_of(&mapping, broker.clock.now()) };
    edit_page(&broker, &visitor, &lab, &mapping, fields, looked_at, FormErrors::default()).await
}

async fn edit_page(
    broker: &Broker,
    visitor: &Visitor,
    lab: &LabName,
    mapping: &Mapping,
    fields: MappingFields,
    looked_at: bool,
    mut errors: FormErrors,
) -> Result<Response, Problem> {
    let now = broker.clock.now();
    let target = fields_of(mapping, now);
    let fields = MappingFields { connection: target.connection, group: target.group, role: target.role, ..fields };
    let choices = broker.mapping_choices(&visitor.caller, lab).await?;
    let mut preview = None;
    if looked_at && errors.is_empty() {
        match terms_edit(mapping, &fields, now) {
            Ok(edit) => match broker.preview_edit(&visitor.caller, lab, &mapping.id, &edit).await {
                Ok(found) => preview = Some(found),
                Err(error) => errors = at_fields(error)?,
            },
            Err(wrong) => errors = *wrong,
        }
    }
    let address = format!("{}/{}/edit", list_address(lab), mapping.id);
    let form = MappingForm {
        choices: &choices,
        fields: &fields,
        errors: &errors,
        preview: preview.as_ref(),
        mapping: Some(mapping),
        key: new_key(broker),
        sign_in: fresh_sign_in(&with_query(&address, &fields)),
    };
    Ok(with_status(&errors, console::mapping_form(broker, &visitor.shell, form)))
}

/// `POST /labs/{lab}/mappings/{mapping}/edit`
pub(crate) async fn save(
    State(broker): State<Broker>,
    InLabOf(lab, id): InLabOf,
    posted: Posted<Sent>,
) -> Result<Response, Problem> {
    let (id, revision, caller) = (a_mapping(&id), posted.form.revision()?, &posted.browser.caller);
    let fields = posted.form.fields();
    let page = with_query(&format!("{}/{id}/edit", list_address(&lab)), &fields);
    let mapping = broker.mapping(caller, &lab, &id).await?;
    let errors = match terms_edit(&mapping, &fields, broker.clock.now()) {
        Ok(edit) => {
            let key = posted.form.key(&format!("edit {id}"));
            match broker.edit_mapping(caller, &lab, &id, revision, &edit, key.as_ref()).await {
                Ok(outcome) => return Ok(done(&lab, &outcome, "edited")),
                Err(Error::Lab(LabError::ChangedMeanwhile)) => {
                    let visitor = Visitor::of(&broker, &posted.browser).await?;
                    return history(&broker, &visitor, &lab, &id, None, true).await;
                }
                Err(Error::Lab(error)) => at_fields(Error::Lab(error))?,
                Err(error) => return Err(or_begin_again(error, &page)),
            }
        }
        Err(errors) => *errors,
    };
    let visitor = Visitor::of(&broker, &posted.browser).await?;
    edit_page(&broker, &visitor, &lab, &mapping, fields, true, errors).await
}

/// `GET /labs/{lab}/mappings/{mapping}/end`
pub(crate) async fn end(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLabOf(lab, id): InLabOf,
) -> Result<Response, Problem> {
    let preview = broker.preview_end(&visitor.caller, &lab, &a_mapping(&id)).await?;
    let mapping = preview.mapping.clone().ok_or(Error::Lab(LabError::NoSuchMapping))?;
    let users = broker.users_of_mapping(&visitor.caller, &lab, &mapping.id).await?;
    Ok(console::mapping_end(&broker, &visitor.shell, &preview, &mapping, users, new_key(&broker)))
}

/// `POST /labs/{lab}/mappings/{mapping}/end`
pub(crate) async fn end_now(
    State(broker): State<Broker>,
    InLabOf(lab, id): InLabOf,
    posted: Posted<Sent>,
) -> Result<Response, Problem> {
    let (id, revision) = (a_mapping(&id), posted.form.revision()?);
    let cut_off = posted.form.cut_off();
    let key = posted.form.key(&format!("end {id} {cut_off}"));
    let outcome = broker.end_mapping(&posted.browser.caller, &lab, &id, revision, cut_off, key.as_ref()).await;
    answered(&broker, &posted, &lab, &id, outcome, "ended").await
}

/// `POST /labs/{lab}/mappings/{mapping}/back`
pub(crate) async fn bring_back(
    State(broker): State<Broker>,
    InLabOf(lab, id): InLabOf,
    posted: Posted<Sent>,
) -> Result<Response, Problem> {
    let (id, revision) = (a_mapping(&id), posted.form.revision()?);
    let of: i64 = posted.form.back.parse().map_err(|_| not_that_form())?;
    let key = posted.form.key(&format!("back {id}"));
    let caller = &posted.browser.caller;
    let outcome = broker.bring_back_terms(caller, &lab, &id, revision, of, key.as_ref()).await;
    let ended = matches!(&outcome, Ok(MappingOutcome::Done(it)) if !it.terms.is_live(broker.clock.now()));
    answered(&broker, &posted, &lab, &id, outcome, if ended { "ended" } else { "edited" }).await
}

/// What came of a button on a mapping.
async fn answered(
    broker: &Broker,
    posted: &Posted<Sent>,
    lab: &LabName,
    id: &MappingId,
    outcome: Result<MappingOutcome, Error>,
    word: &str,
) -> Result<Response, Problem> {
    match outcome {
        Ok(outcome) => Ok(done(lab, &outcome, word)),
        Err(Error::Lab(LabError::ChangedMeanwhile)) => {
            let visitor = Visitor::of(broker, &posted.browser).await?;
            history(broker, &visitor, lab, id, None, true).await
        }
        Err(error) => Err(or_begin_again(error, &format!("{}/{id}", list_address(lab)))),
    }
}

/// `POST /labs/{lab}/mapping-changes/{change}/confirm`
pub(crate) async fn confirm(
    State(broker): State<Broker>,
    InLabOf(lab, id): InLabOf,
    posted: Posted<Sent>,
) -> Result<Response, Problem> {
    let key = posted.form.key(&format!("confirm {id}"));
    let outcome = broker.confirm_mapping_change(&posted.browser.caller, &lab, &a_change(&id), key.as_ref()).await;
    let outcome = outcome.map_err(|error| or_begin_again(error, &list_address(&lab)))?;
    let is_new = matches!(&outcome, MappingOutcome::Done(mapping) if mapping.revision == 1);
    Ok(done(&lab, &outcome, if is_new { "added" } else { "edited" }))
}

/// `POST /labs/{lab}/mapping-changes/{change}/decline`
pub(crate) async fn decline(
    State(broker): State<Broker>,
    InLabOf(lab, id): InLabOf,
    posted: Posted<Sent>,
) -> Result<Response, Problem> {
    let key = posted.form.key(&format!("decline {id}"));
    let outcome = broker.decline_mapping_change(&posted.browser.caller, &lab, &a_change(&id), key.as_ref()).await;
    outcome.map_err(|error| or_begin_again(error, &list_address(&lab)))?;
    Ok(Redirect::to(&format!("{}?done=declined", list_address(&lab))).into_response())
}

/// What a mapping's form shows before anybody changes it. An end that is over is none: who brings it back says a new one.
fn fields_of(mapping: &Mapping, now: DateTime<Utc>) -> MappingFields {
    let flag = |set: bool| if set { "1".to_owned() } else { String::new() };
    let terms = &mapping.terms;
    MappingFields {
        connection: mapping.target.connection.to_string(),
        group: mapping.target.group.as_str().to_owned(),
        role: mapping.target.role.to_string(),
        until: terms.ends_at.filter(|_| terms.is_live(now)).map(console::shown_day).unwrap_or_default(),
        longest: terms.max_duration.map(|most| most.seconds().to_string()).unwrap_or_default(),
        mfa: flag(terms.needs_mfa),
        approval: flag(terms.needs_approval),
    }
}

fn field<T: FromStr>(text: &str, sentence: &str, error: &mut Option<String>) -> Option<T> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        *error = Some(sentence.to_owned());
    }
    parsed
}

/// The conditions that were filled in.
fn terms(fields: &MappingFields, errors: &mut FormErrors) -> MappingTerms {
    let ends_at = (!fields.until.is_empty()).then(|| {
        let day: Option<NaiveDate> = field(&fields.until, "Write a day such as 2027-01-31.", &mut errors.until);
        day.and_then(|day| day.checked_add_signed(TimeDelta::days(1)))
            .filter(|day| (1..10_000).contains(&chrono::Datelike::year(day)))
            .map(|day| day.and_time(NaiveTime::MIN).and_utc())
            .ok_or_else(|| errors.until = Some("Write a day such as 2027-01-31.".to_owned()))
            .ok()
    });
    let max_duration = (!fields.longest.is_empty()).then(|| {
        let seconds: Option<u32> = fields.longest.parse().ok();
        let duration = seconds.and_then(|seconds| SessionDuration::from_seconds(seconds).ok());
        if duration.is_none() {
            errors.longest = Some("Choose one of these lengths.".to_owned());
        }
        duration
    });
    MappingTerms {
        ends_at: ends_at.flatten(),
        max_duration: max_duration.flatten(),
        needs_mfa: fields.mfa == "1",
        needs_approval: fields.approval == "1",
    }
}

fn new_mapping(broker: &Broker, fields: &MappingFields) -> Result<(MappingTarget, MappingTerms), Box<FormErrors>> {
    let mut errors = FormErrors::default();
    let mut all = broker.providers.keys();
    let connection = match (fields.connection.is_empty(), all.next(), all.next()) {
        (true, Some(only), None) => Some(only.clone()),
        _ => field(&fields.connection, "Choose where the group is.", &mut errors.connection),
    };
    let group = field(&fields.group, "Write the group: 1 to 512 bytes without control characters.", &mut errors.group);
    let role = field(&fields.role, "Choose a role.", &mut errors.role);
    let terms = terms(fields, &mut errors);
    match (connection, group, role) {
        (Some(connection), Some(group), Some(role)) if errors.is_empty() => {
            Ok((MappingTarget { connection, group, role }, terms))
        }
        _ => Err(Box::new(errors)),
    }
}

/// What changes. An end whose day was left as it is stays as it is, to the second.
fn terms_edit(mapping: &Mapping, fields: &MappingFields, now: DateTime<Utc>) -> Result<TermsEdit, Box<FormErrors>> {
    let mut errors = FormErrors::default();
    let wanted = terms(fields, &mut errors);
    if !errors.is_empty() {
        return Err(Box::new(errors));
    }
    let same_day = mapping.terms.is_live(now) && fields.until == fields_of(mapping, now).until;
    Ok(TermsEdit {
        ends_at: (!same_day).then_some(wanted.ends_at),
        max_duration: Some(wanted.max_duration),
        needs_mfa: Some(wanted.needs_mfa),
        needs_approval: Some(wanted.needs_approval),
    })
}

/// What is wrong, at the field where it is; anything else is a problem of its own.
fn at_fields(error: Error) -> Result<FormErrors, Problem> {
    let Error::Lab(error) = error else { return Err(error.into()) };
    let sentence = Some(Problem::of_lab(&error));
    let none = FormErrors::default();
    Ok(match error {
        LabError::NoSuchRole => FormErrors { role: sentence, ..none },
        LabError::UnknownConnection(_) => FormErrors { connection: sentence, ..none },
        LabError::Group(_) => FormErrors { group: sentence, ..none },
        LabError::Terms(TermsError::EndsInThePast) => FormErrors { until: sentence, ..none },
        LabError::Terms(_) => FormErrors { longest: sentence, ..none },
        LabError::AlreadyMapped(same) => {
            let sentence = "This group has this role already; change that mapping.".to_owned();
            FormErrors { group: Some(sentence), same: Some(same), ..none }
        }
        error => return Err(Error::Lab(error).into()),
    })
}
