//! A lab's making of its own roles: what a role could be made of, a form with a look at what it would be, and ending one.
//! What somebody has filled in stands in the address, so that nothing is lost on the way through a fresh sign-in.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{fresh_sign_in, or_begin_again};
use crate::app::{Broker, Error, LabError, RolePreview, RoleSpec};
use crate::console::{self, RoleFields, RoleForm, RoleWrong};
use crate::domain::id::LabName;
use crate::domain::lab::Role;
use crate::domain::policy::FillError;
use crate::domain::role_session::SessionDuration;
use crate::http::address::{InLab, InLabOf};
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Visitor};

/// What stands before a parameter's name in a form.
const PARAMETER: &str = "p-";

/// What a form of these pages has in it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filled {
    look: String,
    name: String,
    template: String,
    longest: String,
    version: String,
    /// The parameters, each after [`PARAMETER`].
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

impl Filled {
    fn fields(&self) -> RoleFields {
        let values = self.others.iter();
        let values = values.filter_map(|(name, value)| Some((name.strip_prefix(PARAMETER)?.to_owned(), value.clone())));
        RoleFields {
            name: self.name.trim().to_owned(),
            template: self.template.clone(),
            longest: self.longest.clone(),
            values: values.map(|(name, value)| (name, value.trim().to_owned())).collect(),
        }
    }
}

fn readable(parameters: Result<Query<Filled>, QueryRejection>) -> Result<Filled, Problem> {
    let Query(parameters) =
        parameters.map_err(|_| Problem::malformed("This address cannot be read. Go back to the lab's roles."))?;
    Ok(parameters)
}

fn list_address(lab: &LabName) -> String {
    format!("/labs/{lab}/roles")
}

/// The address of a form with what is filled in.
fn with_query(address: &str, fields: &RoleFields) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("look", "1");
    for (name, value) in [("name", &fields.name), ("template", &fields.template), ("longest", &fields.longest)] {
        query.append_pair(name, value);
    }
    for (name, value) in &fields.values {
        query.append_pair(&format!("{PARAMETER}{name}"), value);
    }
    format!("{address}?{}", query.finish())
}

/// What a role is to be, or which field is wrong.
fn spec(fields: &RoleFields) -> Result<RoleSpec, RoleWrong> {
    let wrong = || RoleWrong { field: "longest".to_owned(), says: "A session lives 15 minutes to an hour.".to_owned() };
    let seconds = if fields.longest.is_empty() { Ok(SessionDuration::MAX.seconds()) } else { fields.longest.parse() };
    let max_duration =
        seconds.ok().and_then(|seconds| SessionDuration::from_seconds(seconds).ok()).ok_or_else(wrong)?;
    Ok(RoleSpec { parameters: fields.values.clone(), max_duration })
}

/// Which field an error is about; any other error stays one.
fn at_field(error: Error) -> Result<RoleWrong, Problem> {
    let field = match &error {
        Error::Lab(LabError::RoleName(_) | LabError::RoleTaken) => "name".to_owned(),
        Error::Lab(LabError::Fill(FillError::Missing(name) | FillError::Value { name, .. })) => {
            format!("{PARAMETER}{name}")
        }
        Error::Lab(LabError::Fill(_) | LabError::TooMuch(_) | LabError::TooManyRoles(_) | LabError::WidensOwnRole) => {
            String::new()
        }
        _ => return Err(error.into()),
    };
    let Error::Lab(error) = error else { return Err(error.into()) };
    let says = error.to_string();
    let mut letters = says.chars();
    let says = letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    Ok(RoleWrong { field, says: format!("{says}.") })
}

/// `GET /labs/{lab}/roles/new`
pub(crate) async fn new(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    filled: Result<Query<Filled>, QueryRejection>,
) -> Result<Response, Problem> {
    let filled = readable(filled)?;
    new_page(&broker, &visitor, &lab, filled.fields(), filled.look == "1", None).await
}

async fn new_page(
    broker: &Broker,
    visitor: &Visitor,
    lab: &LabName,
    fields: RoleFields,
    looked_at: bool,
    mut wrong: Option<RoleWrong>,
) -> Result<Response, Problem> {
    let templates = broker.templates(&visitor.caller, lab).await?;
    let mut preview = None;
    if looked_at && wrong.is_none() {
        match spec(&fields) {
            Ok(spec) => {
                let name = &fields.name;
                match broker.preview_new_role(&visitor.caller, lab, name, &fields.template, spec).await {
                    Ok(found) => preview = Some(found),
                    Err(error) => wrong = Some(at_field(error)?),
                }
            }
            Err(error) => wrong = Some(error),
        }
    }
    let sign_in = fresh_sign_in(&with_query(&format!("{}/new", list_address(lab)), &fields));
    Ok(form(broker, visitor, &templates, &fields, wrong.as_ref(), preview.as_ref(), None, sign_in))
}

#[expect(clippy::too_many_arguments, reason = "each is a part of the one page, and none stands for another")]
fn form(
    broker: &Broker,
    visitor: &Visitor,
    templates: &crate::app::Templates,
    fields: &RoleFields,
    wrong: Option<&RoleWrong>,
    preview: Option<&RolePreview>,
    role: Option<&Role>,
    sign_in: String,
) -> Response {
    let form = RoleForm { templates, fields, wrong, preview, role, sign_in };
    let mut page = console::role_form(broker, &visitor.shell, form);
    if wrong.is_some() {
        *page.status_mut() = StatusCode::BAD_REQUEST;
    }
    page
}

/// `POST /labs/{lab}/roles/new`
pub(crate) async fn add(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    posted: Posted<Filled>,
) -> Result<Response, Problem> {
    let fields = posted.form.fields();
    let page = with_query(&format!("{}/new", list_address(&lab)), &fields);
    let wrong = match spec(&fields) {
        Err(wrong) => wrong,
        Ok(spec) => match broker.add_role(&posted.browser.caller, &lab, &fields.name, &fields.template, spec).await {
            Ok(role) => return Ok(back(&lab, "added", role.name.as_str())),
            Err(Error::Lab(error)) => at_field(Error::Lab(error))?,
            Err(error) => return Err(or_begin_again(error, &page)),
        },
    };
    let visitor = Visitor::of(&broker, &posted.browser).await?;
    new_page(&broker, &visitor, &lab, fields, false, Some(wrong)).await
}

/// `GET /labs/{lab}/roles/{role}/edit`
pub(crate) async fn edit(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLabOf(lab, name): InLabOf,
    filled: Result<Query<Filled>, QueryRejection>,
) -> Result<Response, Problem> {
    let filled = readable(filled)?;
    let role = broker.role(&visitor.caller, &lab, &name).await?;
    let looked_at = filled.look == "1";
    let fields = if looked_at { filled.fields() } else { fields_of(&role) };
    edit_page(&broker, &visitor, &lab, &role, fields, looked_at, None).await
}

fn fields_of(role: &Role) -> RoleFields {
    RoleFields {
        name: role.name.to_string(),
        template: role.template.to_string(),
        longest: role.max_duration.seconds().to_string(),
        values: role.parameters.clone(),
    }
}

async fn edit_page(
    broker: &Broker,
    visitor: &Visitor,
    lab: &LabName,
    role: &Role,
    fields: RoleFields,
    looked_at: bool,
    mut wrong: Option<RoleWrong>,
) -> Result<Response, Problem> {
    let fields = RoleFields { name: role.name.to_string(), template: role.template.to_string(), ..fields };
    let templates = broker.templates(&visitor.caller, lab).await?;
    let mut preview = None;
    if looked_at && wrong.is_none() {
        match spec(&fields) {
            Ok(spec) => match broker.preview_role(&visitor.caller, lab, role.name.as_str(), spec).await {
                Ok(found) => preview = Some(found),
                Err(error) => wrong = Some(at_field(error)?),
            },
            Err(error) => wrong = Some(error),
        }
    }
    let sign_in = fresh_sign_in(&with_query(&format!("{}/{}/edit", list_address(lab), role.name), &fields));
    Ok(form(broker, visitor, &templates, &fields, wrong.as_ref(), preview.as_ref(), Some(role), sign_in))
}

/// `POST /labs/{lab}/roles/{role}/edit`
pub(crate) async fn save(
    State(broker): State<Broker>,
    InLabOf(lab, name): InLabOf,
    posted: Posted<Filled>,
) -> Result<Response, Problem> {
    let caller = &posted.browser.caller;
    let fields = posted.form.fields();
    let page = with_query(&format!("{}/{name}/edit", list_address(&lab)), &fields);
    let wrong = match spec(&fields) {
        Err(wrong) => wrong,
        Ok(spec) => match broker.change_role(caller, &lab, &name, &posted.form.version, spec).await {
            Ok(role) => return Ok(back(&lab, "changed", role.name.as_str())),
            Err(Error::Lab(error)) => at_field(Error::Lab(error))?,
            Err(error) => return Err(or_begin_again(error, &page)),
        },
    };
    let visitor = Visitor::of(&broker, &posted.browser).await?;
    let role = broker.role(caller, &lab, &name).await?;
    edit_page(&broker, &visitor, &lab, &role, fields, false, Some(wrong)).await
}

/// `GET /labs/{lab}/roles/{role}/end`
pub(crate) async fn end(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLabOf(lab, name): InLabOf,
) -> Result<Response, Problem> {
    let ending = broker.role_to_end(&visitor.caller, &lab, &name).await?;
    Ok(console::role_end(&visitor.shell, &ending))
}

/// `POST /labs/{lab}/roles/{role}/end`
pub(crate) async fn end_now(
    State(broker): State<Broker>,
    InLabOf(lab, name): InLabOf,
    posted: Posted<Filled>,
) -> Result<Response, Problem> {
    broker
        .end_role(&posted.browser.caller, &lab, &name, &posted.form.version)
        .await
        .map_err(|error| or_begin_again(error, &format!("{}/{name}/end", list_address(&lab))))?;
    Ok(back(&lab, "ended", &name))
}

/// To the list, which then says what was done.
fn back(lab: &LabName, done: &str, role: &str) -> Response {
    Redirect::to(&format!("{}?done={done}&of={role}", list_address(lab))).into_response()
}
