//! The pages of whoever runs the broker. What they change is asked for by a form of ours, by a fresh sign-in.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::cut_offs::reason;
use crate::app::Broker;
use crate::app::desk::{Desk, DeskError, LAB_TITLE_MAX_CHARS, NewLab, PeopleSearch, lab_title};
use crate::console::operator::{
    self as console, Checked, CutOffPersonForm, Glance, LabNotice, NewLabFields, NewLabPage, PeopleFilter,
    PersonNotice, Wrong,
};
use crate::domain::id::{LabName, PersonId};
use crate::http::operator::{AtDesk, TheConnection, TheLab, ThePerson, looked_for};
use crate::http::problem::Problem;
use crate::http::visitor::{Posted, Pressed};

/// How many labs or people stand on a page.
const PAGE: u32 = 50;

/// How many suspended people are named on the first page.
const SUSPENDED_NAMED: u32 = 5;

/// The form for a new lab, and where it is sent.
const NEW_LAB: &str = "/operator/labs/new";

/// The pack that is none.
const NO_PACK: &str = "none";

/// `GET /operator`
pub(crate) async fn overview(
    State(broker): State<Broker>,
    AtDesk { visitor, desk }: AtDesk,
) -> Result<Response, Problem> {
    let mut operators = Vec::new();
    for id in broker.operators.people() {
        let row = match desk.person(id, broker.lifetimes.browser_idle).await {
            Ok(details) => Some(details.person),
            Err(DeskError::NoSuchPerson) => None,
            Err(error) => return Err(error.into()),
        };
        operators.push((id.clone(), row));
    }
    let glance = Glance {
        labs: desk.labs_at_a_glance().await?,
        suspended: desk.people(PeopleSearch { text: "", suspended: true }, None, SUSPENDED_NAMED).await?,
        operators,
        connections: broker.connections(&desk).into_iter().map(|it| it.title).collect(),
        versions: broker.versions(&desk).await?,
        now: broker.clock.now(),
    };
    Ok(console::overview(&visitor.shell, &glance))
}

/// Which page of the labs.
#[derive(Debug, Deserialize)]
pub(crate) struct LabsParameters {
    after: Option<String>,
}

/// `GET /operator/labs`
pub(crate) async fn labs(
    State(broker): State<Broker>,
    AtDesk { visitor, desk }: AtDesk,
    parameters: Result<Query<LabsParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    // What is no lab's name is no place to go on from.
    let after: Option<LabName> = readable(parameters)?.after.and_then(|after| after.parse().ok());
    let page = desk.labs_page(after.as_ref(), PAGE).await?;
    Ok(console::labs(&visitor.shell, &page, after.is_none(), broker.clock.now()))
}

/// The form for a new lab.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewLabForm {
    name: Option<String>,
    title: Option<String>,
    session_role: Option<String>,
    pack: Option<String>,
}

impl NewLabForm {
    fn is_blank(&self) -> bool {
        self.name.is_none() && self.title.is_none() && self.session_role.is_none()
    }

    fn fields(self, packs: &[String]) -> NewLabFields {
        let first = || packs.first().map_or(NO_PACK, String::as_str).to_owned();
        NewLabFields {
            name: self.name.unwrap_or_default().trim().to_owned(),
            title: self.title.unwrap_or_default().trim().to_owned(),
            session_role: self.session_role.unwrap_or_default().trim().to_owned(),
            pack: self.pack.unwrap_or_else(first),
        }
    }
}

/// Roles, each with what it is for.
type RoleTitles = Vec<(String, String)>;

/// What the form says, or what is wrong with it, field by field.
fn new_lab_of(fields: &NewLabFields, desk: &Desk) -> Result<(NewLab, RoleTitles), Vec<Wrong>> {
    let mut wrong = Vec::new();
    let name = fields.name.parse();
    if let Err(error) = &name {
        wrong.push(Wrong { field: "name", says: format!("Not a name: it {}.", expected(error)) });
    }
    let title = lab_title(&fields.title);
    if title.is_none() {
        wrong.push(Wrong {
            field: "title",
            says: format!("A title has 1 to {LAB_TITLE_MAX_CHARS} visible characters."),
        });
    }
    let session_role = fields.session_role.parse();
    if session_role.is_err() {
        let says = "Not the ARN of an IAM role, such as arn:aws:iam::111122223333:role/lodge/lodge-session.".to_owned();
        wrong.push(Wrong { field: "session_role", says });
    }
    let pack = Some(fields.pack.clone()).filter(|pack| pack != NO_PACK);
    let roles = pack.as_deref().map_or(Ok(Vec::new()), |pack| desk.pack(pack)).ok();
    if roles.is_none() {
        wrong.push(Wrong { field: "pack", says: "There is no such pack.".to_owned() });
    }
    match (name, title, session_role, roles) {
        (Ok(name), Some(title), Ok(session_role), Some(roles)) => {
            Ok((NewLab { name, title, session_role, pack, parameters: BTreeMap::new() }, roles))
        }
        _ => Err(wrong),
    }
}

fn expected(error: &crate::domain::id::ParseError) -> String {
    let text = error.to_string();
    text.split_once(": ").map_or_else(|| text.clone(), |(_, expected)| expected.to_owned())
}

/// The form's own page, as it was filled in.
fn new_lab_address(fields: &NewLabFields) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let all = [
        ("name", &fields.name),
        ("title", &fields.title),
        ("session_role", &fields.session_role),
        ("pack", &fields.pack),
    ];
    query.extend_pairs(all);
    format!("{NEW_LAB}?{}", query.finish())
}

/// `GET /operator/labs/new`: the form, and what would be made of what is in it.
pub(crate) async fn new_lab(
    State(broker): State<Broker>,
    at: AtDesk,
    parameters: Result<Query<NewLabForm>, QueryRejection>,
) -> Result<Response, Problem> {
    let form = readable(parameters)?;
    let (is_blank, packs) = (form.is_blank(), at.desk.packs());
    let fields = form.fields(&packs);
    let stronger = at.stronger(&broker, &new_lab_address(&fields));
    let mut shown = NewLabPage { fields, wrong: Vec::new(), packs, preview: None, stronger };
    if !is_blank {
        match new_lab_of(&shown.fields, &at.desk) {
            Ok((new, roles)) => match at.desk.lab(&new.name).await {
                Ok(_) => shown.wrong = vec![name_taken()],
                Err(DeskError::NoSuchLab) => {
                    let account = new.session_role.account().as_str().to_owned();
                    shown.preview = Some((account, roles));
                }
                Err(error) => return Err(error.into()),
            },
            Err(wrong) => shown.wrong = wrong,
        }
    }
    Ok(console::new_lab(&at.visitor.shell, &shown))
}

fn name_taken() -> Wrong {
    Wrong { field: "name", says: "There is a lab of that name already.".to_owned() }
}

/// `POST /operator/labs/new`
pub(crate) async fn create_lab(
    State(broker): State<Broker>,
    at: AtDesk,
    Posted { form, .. }: Posted<NewLabForm>,
) -> Result<Result<Redirect, Response>, Problem> {
    let packs = at.desk.packs();
    let fields = form.fields(&packs);
    let desk = at.to_change(&broker, &new_lab_address(&fields)).await?;
    let wrong = match new_lab_of(&fields, &desk) {
        Ok((new, _)) => match desk.create_lab(&new).await {
            Ok(made) => return Ok(Ok(Redirect::to(&format!("/operator/labs/{}?done=created", made.lab.name)))),
            Err(DeskError::NameTaken) => vec![name_taken()],
            Err(error) => return Err(error.into()),
        },
        Err(wrong) => wrong,
    };
    let shown = NewLabPage { fields, wrong, packs, preview: None, stronger: None };
    Ok(Err(console::new_lab(&at.visitor.shell, &shown)))
}

/// What was done just now.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    done: Option<String>,
}

/// `GET /operator/labs/{lab}`
pub(crate) async fn lab(
    State(broker): State<Broker>,
    at: AtDesk,
    TheLab(name): TheLab,
    parameters: Result<Query<Done>, QueryRejection>,
) -> Result<Response, Problem> {
    let notice = match readable(parameters)?.done.as_deref() {
        Some("created") => Some(LabNotice::Created),
        Some("archived") => Some(LabNotice::Archived),
        Some("restored") => Some(LabNotice::Restored),
        Some("withdrawn") => Some(LabNotice::Withdrawn),
        _ => None,
    };
    let details = at.desk.lab(&name).await?;
    let stronger = at.stronger(&broker, &lab_address(&name));
    Ok(console::lab(&broker, &at.visitor.shell, &details, notice, stronger))
}

fn lab_address(lab: &LabName) -> String {
    format!("/operator/labs/{lab}")
}

/// `POST /operator/labs/{lab}/invitation`: answered with the link itself, which belongs into no address and no history.
pub(crate) async fn invite(
    State(broker): State<Broker>,
    at: AtDesk,
    TheLab(name): TheLab,
    Posted { .. }: Posted<Pressed>,
) -> Result<Response, Problem> {
    let new = at.to_change(&broker, &lab_address(&name)).await?.invite_pi(&name).await?;
    Ok(console::invitation_link(&at.visitor.shell, &new, broker.clock.now()))
}

/// `POST /operator/labs/{lab}/invitation/withdraw`
pub(crate) async fn withdraw(
    State(broker): State<Broker>,
    at: AtDesk,
    TheLab(name): TheLab,
    Posted { .. }: Posted<Pressed>,
) -> Result<Redirect, Problem> {
    at.to_change(&broker, &lab_address(&name)).await?.withdraw_invitation(&name).await?;
    Ok(Redirect::to(&format!("{}?done=withdrawn", lab_address(&name))))
}

/// `GET /operator/labs/{lab}/archive` and `…/restore`: one page, which asks what fits the lab as it is.
pub(crate) async fn ask_lab(
    State(broker): State<Broker>,
    at: AtDesk,
    TheLab(name): TheLab,
) -> Result<Response, Problem> {
    let lab = at.desk.lab(&name).await?.lab;
    let step = if lab.archived_at.is_none() { "archive" } else { "restore" };
    let stronger = at.stronger(&broker, &format!("{}/{step}", lab_address(&name)));
    Ok(console::confirm_lab(&at.visitor.shell, &lab, stronger))
}

/// `POST /operator/labs/{lab}/archive`
pub(crate) async fn archive(
    State(broker): State<Broker>,
    at: AtDesk,
    TheLab(name): TheLab,
    Posted { .. }: Posted<Pressed>,
) -> Result<Redirect, Problem> {
    let page = format!("{}/archive", lab_address(&name));
    at.to_change(&broker, &page).await?.archive_lab(&name).await?;
    Ok(Redirect::to(&format!("{}?done=archived", lab_address(&name))))
}

/// `POST /operator/labs/{lab}/restore`
pub(crate) async fn restore(
    State(broker): State<Broker>,
    at: AtDesk,
    TheLab(name): TheLab,
    Posted { .. }: Posted<Pressed>,
) -> Result<Redirect, Problem> {
    let page = format!("{}/restore", lab_address(&name));
    at.to_change(&broker, &page).await?.restore_lab(&name).await?;
    Ok(Redirect::to(&format!("{}?done=restored", lab_address(&name))))
}

/// Who is looked for.
#[derive(Debug, Deserialize)]
pub(crate) struct PeopleParameters {
    search: Option<String>,
    suspended: Option<String>,
    after: Option<String>,
}

/// `GET /operator/people`
pub(crate) async fn people(
    State(broker): State<Broker>,
    AtDesk { visitor, desk }: AtDesk,
    parameters: Result<Query<PeopleParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = readable(parameters)?;
    let after: Option<PersonId> = asked.after.and_then(|after| after.parse().ok());
    let filter = PeopleFilter {
        search: looked_for(asked.search.unwrap_or_default().trim()),
        suspended: asked.suspended.as_deref() == Some("1"),
        is_first: after.is_none(),
    };
    let search = PeopleSearch { text: &filter.search, suspended: filter.suspended };
    let found = desk.people(search, after.as_ref(), PAGE).await?;
    Ok(console::people(&broker, &visitor.shell, &found, &filter))
}

/// `GET /operator/people/{person}`
pub(crate) async fn person(
    State(broker): State<Broker>,
    AtDesk { visitor, desk }: AtDesk,
    ThePerson(id): ThePerson,
    parameters: Result<Query<Done>, QueryRejection>,
) -> Result<Response, Problem> {
    let notice = match readable(parameters)?.done.as_deref() {
        Some("suspended") => Some(PersonNotice::Suspended),
        Some("restored") => Some(PersonNotice::Restored),
        _ => None,
    };
    let details = desk.person(&id, broker.lifetimes.browser_idle).await?;
    let cut_off = broker.latest_cut_off_of(&desk.operator, &id).await?;
    let is_oneself = visitor.caller.person == id;
    Ok(console::person(&broker, &visitor.shell, &details, cut_off.as_ref(), is_oneself, notice))
}

fn person_address(person: &PersonId) -> String {
    format!("/operator/people/{person}")
}

/// `GET /operator/people/{person}/suspend` and `…/restore`: one page, which asks what fits the person as they are.
pub(crate) async fn ask_person(
    State(broker): State<Broker>,
    at: AtDesk,
    ThePerson(id): ThePerson,
) -> Result<Response, Problem> {
    let details = at.desk.person(&id, broker.lifetimes.browser_idle).await?;
    let step = if details.person.suspended_at.is_none() { "suspend" } else { "restore" };
    let stronger = at.stronger(&broker, &format!("{}/{step}", person_address(&id)));
    Ok(console::confirm_person(&broker, &at.visitor.shell, &details, stronger, broker.clock.now()))
}

/// `POST /operator/people/{person}/suspend`
pub(crate) async fn suspend(
    State(broker): State<Broker>,
    at: AtDesk,
    ThePerson(id): ThePerson,
    Posted { .. }: Posted<Pressed>,
) -> Result<Redirect, Problem> {
    let desk = at.to_change(&broker, &format!("{}/suspend", person_address(&id))).await?;
    let (_, _, cut_off) = desk.suspend(&id).await?;
    broker.spread_from_desk(&cut_off);
    Ok(Redirect::to(&format!("{}?done=suspended", person_address(&id))))
}

/// `POST /operator/people/{person}/restore`
pub(crate) async fn lift(
    State(broker): State<Broker>,
    at: AtDesk,
    ThePerson(id): ThePerson,
    Posted { .. }: Posted<Pressed>,
) -> Result<Redirect, Problem> {
    at.to_change(&broker, &format!("{}/restore", person_address(&id))).await?.restore(&id).await?;
    Ok(Redirect::to(&format!("{}?done=restored", person_address(&id))))
}

/// Why somebody is cut off.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CutOffFields {
    reason: String,
}

/// `GET /operator/people/{person}/cut-off`: whether to cut somebody off in all labs.
pub(crate) async fn ask_cut_off(
    State(broker): State<Broker>,
    at: AtDesk,
    ThePerson(id): ThePerson,
    parameters: Result<Query<CutOffFields>, QueryRejection>,
) -> Result<Response, Problem> {
    let reason = readable(parameters)?.reason;
    cut_off_page(&broker, &at, &id, &reason, None).await
}

async fn cut_off_page(
    broker: &Broker,
    at: &AtDesk,
    id: &PersonId,
    reason: &str,
    wrong: Option<&'static str>,
) -> Result<Response, Problem> {
    let details = at.desk.person(id, broker.lifetimes.browser_idle).await?;
    let form = CutOffPersonForm {
        labs: at.desk.labs_with_sessions_of(id).await?,
        reason: reason.to_owned(),
        wrong,
        is_oneself: at.visitor.caller.person == *id,
        stronger: at.stronger(broker, &cut_off_address(id, reason)),
    };
    Ok(console::cut_off_person(broker, &at.visitor.shell, &details, &form))
}

fn cut_off_address(id: &PersonId, reason: &str) -> String {
    let address = format!("{}/cut-off", person_address(id));
    if reason.is_empty() {
        return address;
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("{address}?{}", query.append_pair("reason", reason).finish())
}

/// `POST /operator/people/{person}/cut-off`
pub(crate) async fn cut_off(
    State(broker): State<Broker>,
    at: AtDesk,
    ThePerson(id): ThePerson,
    Posted { form, .. }: Posted<CutOffFields>,
) -> Result<Response, Problem> {
    let reason = match reason(&form.reason) {
        Ok(reason) => reason,
        Err(wrong) => {
            let page = cut_off_page(&broker, &at, &id, &form.reason, Some(wrong)).await?;
            return Ok((StatusCode::BAD_REQUEST, page).into_response());
        }
    };
    let desk = at.to_change(&broker, &cut_off_address(&id, form.reason.trim())).await?;
    let row = desk.cut_off(&id, reason).await?;
    broker.spread_from_desk(&row);
    Ok(Redirect::to(&format!("{}#cut-off", person_address(&id))).into_response())
}

/// `GET /operator/connections`
pub(crate) async fn connections(State(broker): State<Broker>, AtDesk { visitor, desk }: AtDesk) -> Response {
    console::connections(&broker, &visitor.shell, &broker.connections(&desk), None)
}

/// `POST /operator/connections/{connection}/check`: asks the provider, changes nothing, and answers with the page.
pub(crate) async fn check(
    State(broker): State<Broker>,
    AtDesk { visitor, desk }: AtDesk,
    TheConnection(name): TheConnection,
    Posted { .. }: Posted<Pressed>,
) -> Result<Response, Problem> {
    let checked = Checked { name: name.to_string(), check: broker.check_connection(&desk, &name).await? };
    Ok(console::connections(&broker, &visitor.shell, &broker.connections(&desk), Some(&checked)))
}

/// `GET /operator/versions`
pub(crate) async fn versions(
    State(broker): State<Broker>,
    AtDesk { visitor, desk }: AtDesk,
) -> Result<Response, Problem> {
    Ok(console::versions(&broker, &visitor.shell, &broker.versions(&desk).await?, broker.clock.now()))
}

fn readable<T>(parameters: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    parameters.map(|Query(parameters)| parameters).map_err(|_| Problem::malformed("The address cannot be read."))
}
