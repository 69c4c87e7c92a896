//! A lab's people, and who of them looks after it.

use askama::Template;
use axum::response::Response;

use super::glyph::{Glyph, words};
use crate::app::{Broker, Caller, LabMembers, LabPerson, Member, OfficeChange, Somebody, WantedPeople};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::id::PersonId;
use crate::domain::lab::{Office, Standing};

#[derive(Template)]
#[template(path = "lab/people.html", config = "src/console/askama.toml")]
struct People<'a> {
    shell: &'a Shell,
    lab: LabHead,
    notice: Option<&'a PeopleNotice>,
    search: &'a str,
    is_first: bool,
    rows: Vec<Row<'a>>,
    found: usize,
    everybody: usize,
    next: Option<String>,
    is_pi: bool,
    own: String,
}

struct Row<'a> {
    id: String,
    person: PersonTag,
    connection: &'a str,
    office: Option<Standing>,
    suspended: bool,
    first_asked: Option<Moment>,
    last_asked: Option<Moment>,
    roles: Vec<(Glyph, &'static str, &'a str)>,
    /// Whether they have a live session of one of these.
    in_use: bool,
}

/// What was just done, as it is now.
#[derive(Debug)]
pub struct PeopleNotice {
    person: PersonTag,
    id: String,
    what: Done,
}

/// What it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// Somebody who looked after nothing does now.
    Appointed(Office),
    /// A manager became a PI.
    Raised,
    /// A PI became a manager.
    Lowered,
    /// Somebody does not look after the lab any more.
    Removed(Office),
}

impl PeopleNotice {
    /// The word, in an address, for an appointment.
    #[must_use]
    pub const fn appointed(before: Option<Office>, now: Office) -> &'static str {
        match (before, now) {
            (Some(Office::Manager), Office::Pi) => "raised",
            (Some(Office::Pi), Office::Manager) => "lowered",
            (_, Office::Manager) => "manager",
            (_, Office::Pi) => "pi",
        }
    }

    /// The notice that an address asks for, as far as it is true: a word in an address says nothing by itself.
    #[must_use]
    pub fn new(done: Option<&str>, of: Option<PersonId>, members: &LabMembers) -> Option<Self> {
        let id = of?;
        let named = members.named.as_ref();
        let what = match done? {
            "manager" => Done::Appointed(Office::Manager),
            "pi" => Done::Appointed(Office::Pi),
            "raised" => Done::Raised,
            "lowered" => Done::Lowered,
            "removed-manager" => Done::Removed(Office::Manager),
            "removed-pi" => Done::Removed(Office::Pi),
            _ => return None,
        };
        let office = match what {
            Done::Appointed(office) => Some(office),
            Done::Raised => Some(Office::Pi),
            Done::Lowered => Some(Office::Manager),
            Done::Removed(_) => None,
        };
        if named.and_then(|(person, _)| person.office) != office {
            return None;
        }
        let person = match named {
            Some((person, looks_like_another)) => PersonTag::new(&id, person.name.as_ref(), *looks_like_another),
            None => PersonTag::new(&id, None, false),
        };
        Some(Self { person, id: id.to_string(), what })
    }

    const fn sentence(&self) -> &'static str {
        match self.what {
            Done::Appointed(Office::Manager) | Done::Lowered => "is a manager of this lab now.",
            Done::Appointed(Office::Pi) | Done::Raised => "is a PI of this lab now.",
            Done::Removed(_) => "does not look after this lab any more.",
        }
    }

    /// What takes it back, where that gives nobody anything: it is done at once.
    const fn is_undone_by_removal(&self) -> bool {
        matches!(self.what, Done::Appointed(_))
    }

    /// What takes it back and is a step of its own, to be looked at first.
    const fn is_undone_by_appointing(&self) -> Option<&'static str> {
        match self.what {
            Done::Appointed(_) => None,
            Done::Raised | Done::Removed(Office::Manager) => Some("manager"),
            Done::Lowered | Done::Removed(Office::Pi) => Some("pi"),
        }
    }
}

fn row<'a>(broker: &'a Broker, member: &'a Member) -> Row<'a> {
    let now = broker.clock.now();
    let LabPerson { id, connection, name, suspended, office, first_asked_at, last_asked_at } = &member.person;
    Row {
        id: id.to_string(),
        person: PersonTag::new(id, name.as_ref(), member.looks_like_another),
        connection: broker.connection_title(connection),
        office: office.map(Standing::from),
        suspended: *suspended,
        first_asked: first_asked_at.map(|at| Moment::new(at, now)),
        last_asked: last_asked_at.map(|at| Moment::new(at, now)),
        in_use: member.roles.iter().any(|held| held.in_use),
        roles: member
            .roles
            .iter()
            .map(|held| (Glyph::new(held.holding), words(held.holding), held.role.as_str()))
            .collect(),
    }
}

/// A lab's people.
#[must_use]
pub fn people(
    broker: &Broker,
    shell: &Shell,
    caller: &Caller,
    members: &LabMembers,
    wanted: &WantedPeople,
    notice: Option<&PeopleNotice>,
) -> Response {
    let LabMembers { place, page: found, everybody, .. } = members;
    let next = found.next.as_ref().map(|next| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !wanted.search.is_empty() {
            query.append_pair("q", &wanted.search);
        }
        query.append_pair("after", &next.to_string());
        format!("/labs/{}/people?{}", place.lab.name, query.finish())
    });
    page(&People {
        shell,
        lab: LabHead::new(place, Tab::People),
        notice,
        search: &wanted.search,
        is_first: wanted.after.is_none(),
        rows: found.people.iter().map(|member| row(broker, member)).collect(),
        found: found.total,
        everybody: *everybody,
        next,
        is_pi: place.standing == Standing::Pi,
        own: caller.person.to_string(),
    })
}

/// The form for appointing somebody, as it was filled in.
#[derive(Clone, Debug)]
pub struct OfficeForm {
    /// Who, as it was typed.
    pub person: String,
    /// As what.
    pub office: Option<Office>,
    /// What is wrong with who.
    pub wrong: Option<&'static str>,
    /// A fresh sign-in that leads back here.
    pub fresh: String,
}

/// Somebody whose office is to change.
struct Candidate<'a> {
    id: String,
    person: PersonTag,
    connection: Option<&'a str>,
    suspended: bool,
    look_alikes: Vec<PersonTag>,
    first_asked: Option<Moment>,
    office: Option<Office>,
}

fn candidate<'a>(broker: &'a Broker, change: &'a OfficeChange) -> Option<Candidate<'a>> {
    Some(match change.somebody.as_ref()? {
        Somebody::Known { person, look_alikes } => Candidate {
            id: person.id.to_string(),
            person: PersonTag::new(&person.id, person.name.as_ref(), !look_alikes.is_empty()),
            connection: Some(broker.connection_title(&person.connection)),
            suspended: person.suspended,
            look_alikes: look_alikes.iter().map(|it| PersonTag::new(&it.id, it.name.as_ref(), true)).collect(),
            first_asked: person.first_asked_at.map(|at| Moment::new(at, change.now)),
            office: person.office,
        },
        Somebody::Unknown(id) => Candidate {
            id: id.to_string(),
            person: PersonTag::new(id, None, false),
            connection: None,
            suspended: false,
            look_alikes: Vec::new(),
            first_asked: None,
            office: None,
        },
    })
}

#[derive(Template)]
#[template(path = "lab/appoint.html", config = "src/console/askama.toml")]
struct Appoint<'a> {
    shell: &'a Shell,
    lab: LabHead,
    form: &'a OfficeForm,
    candidate: Option<Candidate<'a>>,
    /// The office that is asked for, when it is another one than they have.
    office: Option<Office>,
    /// Whether the sign-in is too old for it.
    is_stale: bool,
    is_last_pi: bool,
    is_own: bool,
}

/// Who is to become what, before it is so.
#[must_use]
pub fn appoint(broker: &Broker, shell: &Shell, change: &OfficeChange, form: &OfficeForm) -> Response {
    let candidate = candidate(broker, change);
    let before = candidate.as_ref().and_then(|candidate| candidate.office);
    let gives = before < form.office;
    page(&Appoint {
        shell,
        lab: LabHead::new(&change.place, Tab::People),
        form,
        office: form.office.filter(|office| before != Some(*office)),
        is_stale: change.now >= if gives { change.gives_until } else { change.takes_until },
        is_last_pi: change.is_last_pi && form.office == Some(Office::Manager),
        is_own: change.is_own,
        candidate,
    })
}

/// Somebody whose office is to be taken away.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Who.
    pub person: PersonId,
    /// What they have.
    pub office: Office,
    /// A fresh sign-in that leads back here.
    pub fresh: String,
}

#[derive(Template)]
#[template(path = "lab/remove.html", config = "src/console/askama.toml")]
struct Remove<'a> {
    shell: &'a Shell,
    lab: LabHead,
    removal: &'a Removal,
    candidate: Option<Candidate<'a>>,
    is_stale: bool,
    is_last_pi: bool,
    is_own: bool,
}

/// Who is to stop looking after the lab, before it is so.
#[must_use]
pub fn remove(broker: &Broker, shell: &Shell, change: &OfficeChange, removal: &Removal) -> Response {
    page(&Remove {
        shell,
        lab: LabHead::new(&change.place, Tab::People),
        removal,
        candidate: candidate(broker, change),
        is_stale: change.now >= change.takes_until,
        is_last_pi: change.is_last_pi,
        is_own: change.is_own,
    })
}
