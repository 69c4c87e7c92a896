//! A lab's sessions that live, and cutting them off: a page that asks first, and one that says how far it has got. What
//! somebody has filled in stands in the address, so that nothing is lost on the way through a fresh sign-in.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{PAGE, fresh_sign_in, or_begin_again};
use crate::app::{Broker, CutOffWish, Error, LabError, WantedSessions};
use crate::console::{self, CutOffForm, SessionsForm};
use crate::domain::access::gives_until;
use crate::domain::cut_off::{CutOffReason, Whose};
use crate::domain::id::{CutOffId, LabName};
use crate::domain::limits::SignInAge;
use crate::http::address::{InLab, InLabOf};
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Pressed, Visitor};

/// How many people are cut off at once: as many as a page of sessions shows.
const PEOPLE_AT_ONCE: usize = PAGE as usize;

/// What is said of a reason that cannot be kept.
const REASON_WRONG: &str = "A reason is one line of at most 200 characters.";

/// Which sessions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    person: String,
    role: String,
    after: String,
    /// `nobody`, where somebody wanted to cut off and had ticked nobody.
    ticked: String,
}

/// `GET /labs/{lab}/sessions`
pub(crate) async fn sessions(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Wanted { person, role, after, ticked }) = wanted.unwrap_or_default();
    let mut form = SessionsForm {
        person: person.trim().chars().take(40).collect(),
        role: role.trim().chars().take(40).collect(),
        ..SessionsForm::default()
    };
    let mut wanted = WantedSessions { limit: PAGE, after: after.parse().ok(), ..WantedSessions::default() };
    form.is_further = wanted.after.is_some();
    if !form.person.is_empty() {
        wanted.person = form.person.parse().ok();
        form.wrong =
            wanted.person.is_none().then_some("An id is p- and 16 letters and digits. These are all sessions.");
    }
    if !form.role.is_empty() {
        wanted.role = form.role.parse().ok();
        form.wrong = form.wrong.or(wanted.role.is_none().then_some("No role is called so. These are all sessions."));
    }
    if ticked == "nobody" {
        form.wrong = form.wrong.or(Some("Nobody was ticked. Tick whom to cut off."));
    }
    let found = broker.role_sessions(&visitor.caller, &lab, &wanted).await?;
    let status = if form.wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok((status, console::live_sessions(&visitor.shell, &found, &form)).into_response())
}

/// Whom to cut off and why, in an address or a form.
#[derive(Clone, Debug, Default)]
struct Filled {
    whose: Vec<Whose>,
    reason: String,
    hold: bool,
}

impl Filled {
    /// Of the fields of a form. Nobody in it is no fault: whoever ticked nobody is told so.
    fn of(fields: &[(String, String)]) -> Result<Self, Problem> {
        let mut filled = Self::default();
        for (name, value) in fields {
            let whose = match (name.as_str(), value.as_str()) {
                ("person", id) => Whose::Person(id.trim().parse().map_err(|_| Problem::from(LabError::NoSuchPerson))?),
                ("role", role) => Whose::Role(role.parse().map_err(|_| Problem::from(LabError::RoleNotHere))?),
                ("everyone", "1") => Whose::Everyone,
                ("reason", reason) => {
                    reason.trim().clone_into(&mut filled.reason);
                    continue;
                }
                ("hold", "on") => {
                    filled.hold = true;
                    continue;
                }
                _ => continue,
            };
            if !filled.whose.contains(&whose) {
                filled.whose.push(whose);
            }
        }
        let is_of_people = filled.whose.iter().all(|whose| whose.person().is_some());
        let fits = if is_of_people { filled.whose.len() <= PEOPLE_AT_ONCE } else { filled.whose.len() == 1 };
        if fits {
            Ok(filled)
        } else {
            Err(Problem::malformed("Some people, one role or everybody can be cut off at once."))
        }
    }

    /// The page that asks, with this.
    fn address(&self, lab: &LabName) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for whose in &self.whose {
            match whose {
                Whose::Person(person) => query.append_pair("person", person.as_str()),
                Whose::Role(role) => query.append_pair("role", role.as_str()),
                Whose::Everyone => query.append_pair("everyone", "1"),
            };
        }
        if !self.reason.is_empty() {
            query.append_pair("reason", &self.reason);
        }
        if self.hold {
            query.append_pair("hold", "on");
        }
        format!("/labs/{lab}/cut-off?{}", query.finish())
    }
}

/// The reason, when there is one; or what is wrong with it.
pub(in crate::http) fn reason(text: &str) -> Result<Option<CutOffReason>, &'static str> {
    if text.trim().is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| REASON_WRONG) }
}

/// `GET /labs/{lab}/cut-off`
pub(crate) async fn ask(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    ask_page(&broker, &visitor, &lab, &Filled::of(&fields)?, None).await
}

async fn ask_page(
    broker: &Broker,
    visitor: &Visitor,
    lab: &LabName,
    filled: &Filled,
    wrong: Option<&'static str>,
) -> Result<Response, Problem> {
    let ask = broker.cut_off_ask(&visitor.caller, lab, &filled.whose).await?;
    if filled.whose.is_empty() {
        return Ok(Redirect::to(&format!("/labs/{lab}/sessions?ticked=nobody")).into_response());
    }
    let is_stale = ask.now >= SignInAge::WORKING_DAY.end(visitor.profile.snapshot.evidence.sign_in.at);
    let form = CutOffForm {
        reason: filled.reason.clone(),
        hold: filled.hold,
        wrong,
        sign_in: is_stale.then(|| fresh_sign_in(&filled.address(lab))),
    };
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok((status, console::cut_off_ask(&visitor.shell, &ask, &form)).into_response())
}

/// `POST /labs/{lab}/cut-off`: of several people, one after the other.
pub(crate) async fn begin(
    State(broker): State<Broker>,
    InLab(lab): InLab,
    posted: Posted<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let filled = Filled::of(&posted.form)?;
    let caller = &posted.browser.caller;
    let reason = match reason(&filled.reason) {
        Ok(reason) => reason,
        Err(wrong) => {
            let visitor = Visitor::of(&broker, &posted.browser).await?;
            return ask_page(&broker, &visitor, &lab, &filled, Some(wrong)).await;
        }
    };
    // Nobody is cut off where one of them is nobody here.
    let asked = broker.cut_off_ask(caller, &lab, &filled.whose).await?;
    let mut last = None;
    for to_cut in asked.each {
        let wish = CutOffWish { whose: to_cut.whose, reason: reason.clone(), hold: filled.hold };
        let view = broker.begin_cut_off(caller, &lab, wish).await;
        last = Some(view.map_err(|error| or_begin_again(error, &filled.address(&lab)))?);
    }
    let to = match last {
        Some(view) if filled.whose.len() == 1 => one_address(&lab, &view.row.id),
        Some(_) => format!("/labs/{lab}/cut-offs"),
        None => format!("/labs/{lab}/sessions"),
    };
    Ok(Redirect::to(&to).into_response())
}

fn one_address(lab: &LabName, id: &CutOffId) -> String {
    format!("/labs/{lab}/cut-offs/{id}")
}

/// Which page of what was cut off.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct After {
    after: Option<String>,
}

/// `GET /labs/{lab}/cut-offs`
pub(crate) async fn list(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    wanted: Result<Query<After>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(After { after }) = wanted.unwrap_or_default();
    let after: Option<CutOffId> = after.and_then(|after| after.parse().ok());
    let found = broker.cut_offs(&visitor.caller, &lab, after.as_ref(), PAGE).await?;
    Ok(console::cut_offs(&visitor.shell, &found, after.is_none()))
}

/// What is no cut-off's id is answered like one that is not there.
pub(in crate::http) fn a_cut_off(text: &str) -> CutOffId {
    text.parse().unwrap_or_else(|_| CutOffId::from_entropy([0; 10]))
}

/// `GET /labs/{lab}/cut-offs/{cut_off}`
pub(crate) async fn one(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLabOf(lab, id): InLabOf,
) -> Result<Response, Problem> {
    let (place, view) = broker.cut_off(&visitor.caller, &lab, &a_cut_off(&id)).await?;
    let is_stale = view.now >= gives_until(&visitor.profile.snapshot.evidence.sign_in);
    let sign_in = is_stale.then(|| fresh_sign_in(&one_address(&lab, &view.row.id)));
    Ok(console::cut_off(&visitor.shell, &place, &view, sign_in))
}

/// `POST /labs/{lab}/cut-offs/{cut_off}/lift`
pub(crate) async fn lift(
    State(broker): State<Broker>,
    InLabOf(lab, id): InLabOf,
    posted: Posted<Pressed>,
) -> Result<Response, Problem> {
    let id = a_cut_off(&id);
    let page = one_address(&lab, &id);
    let lifted = broker.lift_cut_off(&posted.browser.caller, &lab, &id).await;
    lifted.map_err(|error: Error| or_begin_again(error, &page))?;
    Ok(Redirect::to(&page).into_response())
}
