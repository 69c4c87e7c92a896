//! People, for whoever runs the broker: finding them, and stopping one everywhere at once.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::{Head, Place, Stronger, counted};
use crate::app::desk::{LabStanding, PeoplePage, PersonDetails, PersonRow};
use crate::app::{Broker, EverywhereView};
use crate::console::cut_off::Everywhere;
use crate::console::lab::cut_offs::Shown;
use crate::console::parts::{Moment, PersonTag, Verbatim};
use crate::console::shell::Shell;
use crate::console::{page, refreshed};
use crate::domain::cut_off::{DenyMoment, REASON_MAX_CHARS};
use crate::domain::id::LabName;
use crate::domain::person::LookAlikes;

/// Who is looked for.
#[derive(Clone, Debug, Default)]
pub struct PeopleFilter {
    /// As it was sent.
    pub search: String,
    /// Only those who are suspended.
    pub suspended: bool,
    /// Whether it is the first page.
    pub is_first: bool,
}

struct Row<'a> {
    id: String,
    tag: PersonTag,
    connection: &'a str,
    standings: &'a [LabStanding],
    suspended: Option<Moment>,
}

#[derive(Template)]
#[template(path = "operator/people.html", config = "src/console/askama.toml")]
struct People<'a> {
    shell: &'a Shell,
    head: Head,
    filter: &'a PeopleFilter,
    rows: Vec<Row<'a>>,
    next: Option<String>,
}

/// The address of this list from there on.
fn address(filter: &PeopleFilter, after: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("search", &filter.search);
    if filter.suspended {
        query.append_pair("suspended", "1");
    }
    query.extend_pairs(after.map(|after| ("after", after)));
    format!("/operator/people?{}", query.finish())
}

impl People<'_> {
    fn first(&self) -> String {
        address(self.filter, None)
    }
}

/// A page of the people who are looked for.
#[must_use]
pub fn people(broker: &Broker, shell: &Shell, found: &PeoplePage, filter: &PeopleFilter) -> Response {
    let now = broker.clock.now();
    let alike = LookAlikes::of(found.people.iter().map(|(row, _)| (&row.id, row.name.as_ref())));
    let rows = found.people.iter().map(|(row, standings)| Row {
        id: row.id.to_string(),
        tag: PersonTag::among(&alike, &row.id, row.name.as_ref()),
        connection: broker.connection_title(&row.key.connection),
        standings,
        suspended: row.suspended_at.map(|at| Moment::new(at, now)),
    });
    let last = found.people.last().filter(|_| found.more);
    page(&People {
        shell,
        head: Head(Place::People),
        filter,
        rows: rows.collect(),
        next: last.map(|(row, _)| address(filter, Some(row.id.as_str()))),
    })
}

/// What was done to somebody just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonNotice {
    /// They were suspended.
    Suspended,
    /// Their suspension was lifted.
    Restored,
}

#[derive(Template)]
#[template(path = "operator/person.html", config = "src/console/askama.toml")]
struct Person<'a> {
    shell: &'a Shell,
    head: Head,
    name: &'a str,
    id: &'a str,
    connection: &'a str,
    issuer: &'a str,
    subject: Verbatim,
    first_seen: Moment,
    suspended: Option<Moment>,
    standings: &'a [LabStanding],
    sessions: String,
    is_oneself: bool,
    notice: Option<PersonNotice>,
    all: Option<Everywhere<'a>>,
}

fn name_of(row: &PersonRow) -> &str {
    row.name.as_ref().map_or("Somebody without a name", |name| name.as_str())
}

/// Somebody, as the operator sees them.
#[must_use]
pub fn person(
    broker: &Broker,
    shell: &Shell,
    details: &PersonDetails,
    cut_off: Option<&EverywhereView>,
    is_oneself: bool,
    notice: Option<PersonNotice>,
) -> Response {
    let now = broker.clock.now();
    let row = &details.person;
    // Said only of what is so: an address that somebody else wrote claims nothing.
    let is_so = |notice: &PersonNotice| row.suspended_at.is_some() == (*notice == PersonNotice::Suspended);
    let helpers = counted(details.helpers, "helper", "helpers");
    let all = cut_off.map(|view| Everywhere::new(view, now, Shown::new));
    let is_under_way = all.as_ref().is_some_and(|all| all.is_under_way);
    let template = Person {
        shell,
        head: Head(Place::People),
        name: name_of(row),
        id: row.id.as_str(),
        connection: broker.connection_title(&row.key.connection),
        issuer: row.key.issuer.as_str(),
        subject: Verbatim::new(row.key.subject.as_str()),
        first_seen: Moment::new(row.created_at, now),
        suspended: row.suspended_at.map(|at| Moment::new(at, now)),
        standings: &details.standings,
        sessions: format!("{} and {helpers}", counted(details.browsers, "browser", "browsers")),
        is_oneself,
        notice: notice.filter(is_so),
        all,
    };
    refreshed(page(&template), is_under_way)
}

/// What is filled in where it is asked whether to cut somebody off in all labs.
#[derive(Clone, Debug)]
pub struct CutOffPersonForm {
    /// Where sessions of theirs live.
    pub labs: Vec<LabName>,
    /// Why, as it was typed.
    pub reason: String,
    /// What is wrong with that.
    pub wrong: Option<&'static str>,
    /// Whether it is whoever asks.
    pub is_oneself: bool,
    /// What the sign-in lacks.
    pub stronger: Option<Stronger>,
}

#[derive(Template)]
#[template(path = "operator/cut_off_person.html", config = "src/console/askama.toml")]
struct CutOffPerson<'a> {
    shell: &'a Shell,
    head: Head,
    name: &'a str,
    id: &'a str,
    connection: &'a str,
    labs: &'a [LabName],
    reason: &'a str,
    wrong: Option<&'static str>,
    is_oneself: bool,
    stronger: Option<&'a Stronger>,
    reissue_at: Moment,
    longest: usize,
}

/// Whether to cut somebody off in all labs.
#[must_use]
pub fn cut_off_person(broker: &Broker, shell: &Shell, details: &PersonDetails, form: &CutOffPersonForm) -> Response {
    let (row, now) = (&details.person, broker.clock.now());
    page(&CutOffPerson {
        shell,
        head: Head(Place::People),
        name: name_of(row),
        id: row.id.as_str(),
        connection: broker.connection_title(&row.key.connection),
        labs: &form.labs,
        reason: &form.reason,
        wrong: form.wrong,
        is_oneself: form.is_oneself,
        stronger: form.stronger.as_ref(),
        reissue_at: Moment::to_the_second(DenyMoment::after(now, 0).reissue_at(), now),
        longest: REASON_MAX_CHARS,
    })
}

#[derive(Template)]
#[template(path = "operator/confirm_person.html", config = "src/console/askama.toml")]
struct ConfirmPerson<'a> {
    shell: &'a Shell,
    head: Head,
    name: &'a str,
    id: &'a str,
    connection: &'a str,
    suspended: Option<Moment>,
    standings: &'a [LabStanding],
    stronger: Option<Stronger>,
}

/// Whether to suspend somebody, or to lift the suspension of somebody who is.
#[must_use]
pub fn confirm_person(
    broker: &Broker,
    shell: &Shell,
    details: &PersonDetails,
    stronger: Option<Stronger>,
    now: DateTime<Utc>,
) -> Response {
    let row = &details.person;
    page(&ConfirmPerson {
        shell,
        head: Head(Place::People),
        name: name_of(row),
        id: row.id.as_str(),
        connection: broker.connection_title(&row.key.connection),
        suspended: row.suspended_at.map(|at| Moment::new(at, now)),
        standings: &details.standings,
        stronger,
    })
}
