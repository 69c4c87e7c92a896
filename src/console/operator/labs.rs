//! Labs, for whoever runs the broker: nothing of what is done in them.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;

use super::{Head, Place, Stronger};
use crate::app::Broker;
use crate::app::desk::{LAB_TITLE_MAX_CHARS, LabAtAGlance, LabDetails, LabsPage, NewInvitation};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag};
use crate::console::shell::Shell;
use crate::domain::account::{AccountState, BROKER_ROLE_UNKNOWN, session_trust};
use crate::domain::lab::{Lab, Standing};
use crate::domain::person::LookAlikes;

struct Row<'a> {
    name: &'a str,
    title: &'a str,
    account: &'a str,
    pis: Vec<(String, PersonTag, bool)>,
    archived: Option<Moment>,
    invited_until: Option<Moment>,
    account_state: AccountState,
}

impl<'a> Row<'a> {
    fn new(one: &'a LabAtAGlance, alike: &LookAlikes, now: DateTime<Utc>) -> Self {
        let tag = |pi: &crate::app::desk::LabPi| {
            (pi.id.to_string(), PersonTag::among(alike, &pi.id, pi.name.as_ref()), pi.is_suspended)
        };
        Self {
            name: one.lab.name.as_str(),
            title: &one.lab.title,
            account: one.lab.session_role.account().as_str(),
            pis: one.pis.iter().map(tag).collect(),
            archived: one.lab.archived_at.map(|at| Moment::new(at, now)),
            invited_until: one.invited_until.map(|at| Moment::new(at, now)),
            account_state: one.account,
        }
    }
}

#[derive(Template)]
#[template(path = "operator/labs.html", config = "src/console/askama.toml")]
struct Labs<'a> {
    shell: &'a Shell,
    head: Head,
    rows: Vec<Row<'a>>,
    next: Option<&'a str>,
    is_first: bool,
}

/// A page of the labs.
#[must_use]
pub fn labs(shell: &Shell, labs: &LabsPage, is_first: bool, now: DateTime<Utc>) -> Response {
    let pis = labs.labs.iter().flat_map(|one| &one.pis);
    // Who looks after several labs is one person.
    let pis: BTreeMap<_, _> = pis.map(|pi| (&pi.id, pi.name.as_ref())).collect();
    let alike = LookAlikes::of(pis);
    page(&Labs {
        shell,
        head: Head(Place::Labs),
        rows: labs.labs.iter().map(|one| Row::new(one, &alike, now)).collect(),
        next: labs.labs.last().filter(|_| labs.more).map(|last| last.lab.name.as_str()),
        is_first,
    })
}

/// What somebody wrote into the form for a new lab.
#[derive(Clone, Debug, Default)]
pub struct NewLabFields {
    /// As it was sent.
    pub name: String,
    /// As it was sent.
    pub title: String,
    /// As it was sent.
    pub session_role: String,
    /// As it was sent.
    pub pack: String,
}

/// What is wrong with a field: its name in the form, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which.
    pub field: &'static str,
    /// Why.
    pub says: String,
}

/// The form for a new lab, and what would come of it.
#[derive(Debug)]
pub struct NewLabPage {
    /// What is in it.
    pub fields: NewLabFields,
    /// What is wrong with that.
    pub wrong: Vec<Wrong>,
    /// What there is to choose from.
    pub packs: Vec<String>,
    /// What would be made: the account, and each role with what it is for. Present when nothing is wrong.
    pub preview: Option<(String, Vec<(String, String)>)>,
    /// What the sign-in lacks.
    pub stronger: Option<Stronger>,
}

#[derive(Template)]
#[template(path = "operator/new_lab.html", config = "src/console/askama.toml")]
struct NewLab<'a> {
    shell: &'a Shell,
    head: Head,
    form: &'a NewLabPage,
    stronger: &'a Option<Stronger>,
    title_max: usize,
}

impl NewLab<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        self.form.wrong.iter().find(|wrong| wrong.field == field).map(|wrong| wrong.says.as_str())
    }
}

/// The form for a new lab: with status 400 when something in it is wrong.
#[must_use]
pub fn new_lab(shell: &Shell, form: &NewLabPage) -> Response {
    let template =
        NewLab { shell, head: Head(Place::Labs), form, stronger: &form.stronger, title_max: LAB_TITLE_MAX_CHARS };
    let status = if form.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut response = page(&template);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

/// What was done to a lab just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabNotice {
    /// It was made.
    Created,
    /// It was put away.
    Archived,
    /// It was brought back.
    Restored,
    /// Its invitation was taken back.
    Withdrawn,
}

struct Holder {
    tag: PersonTag,
    id: String,
    standing: Standing,
    connection: String,
}

#[derive(Template)]
#[template(path = "operator/lab.html", config = "src/console/askama.toml")]
struct LabPage<'a> {
    shell: &'a Shell,
    head: Head,
    lab: &'a Lab,
    account: &'a str,
    account_state: AccountState,
    made: Moment,
    archived: Option<Moment>,
    roles: Vec<(String, String)>,
    holders: Vec<Holder>,
    has_pi: bool,
    invited_until: Option<Moment>,
    trust: String,
    nobody: &'static str,
    notice: Option<LabNotice>,
    stronger: Option<Stronger>,
}

/// A lab, as the operator sees it.
#[must_use]
pub fn lab(
    broker: &Broker,
    shell: &Shell,
    details: &LabDetails,
    notice: Option<LabNotice>,
    stronger: Option<Stronger>,
) -> Response {
    let now = broker.clock.now();
    let lab = &details.lab;
    let is_archived = lab.archived_at.is_some();
    let alike = LookAlikes::of(details.office_holders.iter().map(|holder| (&holder.id, holder.name.as_ref())));
    let holders = details.office_holders.iter().map(|holder| Holder {
        tag: PersonTag::among(&alike, &holder.id, holder.name.as_ref()),
        id: holder.id.to_string(),
        standing: Standing::from(holder.office),
        connection: broker.connection_title(&holder.connection).to_owned(),
    });
    let holders: Vec<_> = holders.collect();
    // Said only of what is so: an address that somebody else wrote claims nothing.
    let is_so = |notice: &LabNotice| match notice {
        LabNotice::Created => now - lab.created_at < chrono::TimeDelta::hours(1),
        LabNotice::Archived => is_archived,
        LabNotice::Restored => !is_archived,
        LabNotice::Withdrawn => details.invitation.is_none(),
    };
    let role =
        |role: &crate::domain::lab::Role| (role.name.to_string(), broker.template_title(&role.template).to_owned());
    page(&LabPage {
        shell,
        head: Head(Place::Labs),
        lab,
        account: lab.session_role.account().as_str(),
        account_state: details.account,
        made: Moment::new(lab.created_at, now),
        archived: lab.archived_at.map(|at| Moment::new(at, now)),
        roles: details.roles.iter().map(role).collect(),
        has_pi: holders.iter().any(|holder| holder.standing == Standing::Pi),
        holders,
        invited_until: details.invitation.as_ref().map(|open| Moment::new(open.lapses_at, now)),
        trust: serde_json::to_string_pretty(&session_trust(lab, None)).unwrap_or_default(),
        nobody: BROKER_ROLE_UNKNOWN,
        notice: notice.filter(is_so),
        stronger,
    })
}

#[derive(Template)]
#[template(path = "operator/invitation_link.html", config = "src/console/askama.toml")]
struct InvitationLink<'a> {
    shell: &'a Shell,
    head: Head,
    lab: &'a Lab,
    account: &'a str,
    link: &'a str,
    until: Moment,
}

/// The link of a new invitation: here and nowhere else, and in no address, so it is the answer to the form itself.
#[must_use]
pub fn invitation_link(shell: &Shell, new: &NewInvitation, now: DateTime<Utc>) -> Response {
    let template = InvitationLink {
        shell,
        head: Head(Place::Labs),
        lab: &new.lab,
        account: new.lab.session_role.account().as_str(),
        link: new.link.expose_secret(),
        until: Moment::new(new.invitation.lapses_at, now),
    };
    ([(header::CACHE_CONTROL, "no-store")], page(&template)).into_response()
}

#[derive(Template)]
#[template(path = "operator/confirm_lab.html", config = "src/console/askama.toml")]
struct ConfirmLab<'a> {
    shell: &'a Shell,
    head: Head,
    lab: &'a Lab,
    /// Or else it is brought back.
    archives: bool,
    stronger: Option<Stronger>,
}

/// Whether to put a lab away that is there, or to bring one back that is put away.
#[must_use]
pub fn confirm_lab(shell: &Shell, lab: &Lab, stronger: Option<Stronger>) -> Response {
    page(&ConfirmLab { shell, head: Head(Place::Labs), lab, archives: lab.archived_at.is_none(), stronger })
}
