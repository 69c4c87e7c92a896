//! A lab at a glance: for who looks after it, and for who uses it.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::glyph::{Glyph, words};
use crate::app::LiveMapping;
use crate::app::{
    Attention, Broker, Held, Holding, LabPerson, LabView, LiveSession, Member, Overview as Data, Profile,
};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag, Piece, Verbatim, for_people, pieces};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::access::Missing;
use crate::domain::id::LabName;
use crate::domain::lab::{Office, Standing};

/// How many people or groups one thing that needs attention names.
const NAMED: usize = 5;

/// Minutes that the timeline shows before now and after it: no session is longer.
const REACH: i64 = 60;

#[derive(Template)]
#[template(path = "lab/overview.html", config = "src/console/askama.toml")]
struct Overview<'a> {
    shell: &'a Shell,
    lab: LabHead,
    attention: Vec<Item<'a>>,
    legend: [(Glyph, &'static str); 4],
    columns: Vec<Column<'a>>,
    rows: Vec<Row<'a>>,
    people: usize,
    known: usize,
    next: Option<String>,
    is_first: bool,
    sessions: Vec<Bar<'a>>,
    live: u64,
    unseen: u64,
    is_mapped: bool,
    broker: &'a str,
}

/// Something to see to.
struct Item<'a> {
    is_urgent: bool,
    title: String,
    detail: &'static str,
    people: Vec<PersonTag>,
    mappings: Vec<Mapped<'a>>,
    more: usize,
    address: String,
    action: &'static str,
}

/// A group and its role.
struct Mapped<'a> {
    group: Verbatim,
    role: &'a str,
    ends_at: Option<Moment>,
}

struct Column<'a> {
    name: &'a str,
    title: &'a str,
    people: u64,
    sessions: u64,
}

struct Row<'a> {
    person: PersonTag,
    office: Option<Standing>,
    suspended: bool,
    cells: Vec<Cell<'a>>,
}

struct Cell<'a> {
    role: &'a str,
    held: Option<CellHeld>,
}

struct CellHeld {
    glyph: Glyph,
    words: &'static str,
    mapping: String,
    /// The day of its end, when that is soon.
    ends: Option<String>,
    in_use: bool,
}

struct Bar<'a> {
    person: PersonTag,
    role: &'a str,
    since: Moment,
    until: Moment,
    minutes_left: i64,
    x: i64,
    width: i64,
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn person_tag(person: &LabPerson, looks_like_another: bool) -> PersonTag {
    PersonTag::new(&person.id, person.name.as_ref(), looks_like_another)
}

fn mapped(mappings: &[LiveMapping], now: DateTime<Utc>) -> Vec<Mapped<'_>> {
    let shown = mappings.iter().take(NAMED).map(|mapping| Mapped {
        group: Verbatim::new(mapping.group.as_str()),
        role: mapping.role.as_str(),
        ends_at: mapping.ends_at.map(|at| Moment::new(at, now)),
    });
    shown.collect()
}

/// Whether the page does not say so elsewhere: of a lab without mappings, and of one that nobody has used.
fn is_worth_saying(attention: &Attention, data: &Data) -> bool {
    match attention {
        Attention::UnmappedRoles(_) => data.is_mapped(),
        Attention::EmptyMappings(_) => data.known > 0,
        _ => true,
    }
}

fn item<'a>(attention: &'a Attention, lab: &LabName, is_pi: bool, now: DateTime<Utc>) -> Item<'a> {
    let at = |path: &str| format!("/labs/{lab}{path}");
    let plain = |title: String, detail, address, action| Item {
        is_urgent: false,
        title,
        detail,
        people: Vec::new(),
        mappings: Vec::new(),
        more: 0,
        address,
        action,
    };
    let rest = |count: usize| count.saturating_sub(NAMED);
    match attention {
        Attention::WaitingChanges(changes) => Item {
            is_urgent: true,
            ..plain(
                format!("{} for a second PI", counted(changes.len(), "change waits", "changes wait")),
                "Each gives its author more, so another PI says yes or no. Unanswered, it lapses.",
                at("/mappings"),
                "Look at the mappings",
            )
        },
        Attention::NoPi => Item {
            is_urgent: true,
            ..plain(
                "No PI of this lab can do anything".to_owned(),
                "There is none, or all are suspended. Whoever runs this broker can invite one.",
                at("/people"),
                "Look at the people",
            )
        },
        Attention::SuspendedHolders(people) => Item {
            is_urgent: true,
            people: people.iter().take(NAMED).map(|person| person_tag(person, false)).collect(),
            more: rest(people.len()),
            ..plain(
                "Somebody who is suspended looks after this lab".to_owned(),
                "They can do nothing now. Once whoever runs this broker lifts that, they can again.",
                at("/people"),
                "Look at the people",
            )
        },
        Attention::OnlyPi => plain(
            "The lab has one PI only".to_owned(),
            "Nobody confirms what they change for themselves, and nobody stands in for them.",
            if is_pi { at("/people/appoint?standing=pi") } else { at("/people") },
            if is_pi { "Appoint another PI" } else { "Look at the people" },
        ),
        Attention::LookAlikes(people) => Item {
            people: people.iter().take(NAMED).map(|person| person_tag(person, true)).collect(),
            more: rest(people.len()),
            ..plain(
                counted(people.len(), "name looks like another one", "names look like another one"),
                "Compare the ids before you trust a name.",
                at("/people"),
                "Look at the people",
            )
        },
        Attention::EndingMappings(mappings) => Item {
            mappings: mapped(mappings, now),
            more: rest(mappings.len()),
            ..plain(
                format!("{} within a week", counted(mappings.len(), "mapping ends", "mappings end")),
                "Whoever has a role by it alone loses the role then.",
                at("/mappings"),
                "Look at the mappings",
            )
        },
        Attention::UnmappedRoles(roles) => {
            let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            plain(
                format!("Nobody can have {}", names.join(", ")),
                "No group is mapped to it.",
                format!("{}?role={}", at("/mappings/new"), names.first().copied().unwrap_or_default()),
                "Map a group",
            )
        }
        Attention::EmptyMappings(mappings) => Item {
            mappings: mapped(mappings, now).into_iter().map(|mapped| Mapped { ends_at: None, ..mapped }).collect(),
            more: rest(mappings.len()),
            ..plain(
                counted(
                    mappings.len(),
                    "mapped group has nobody of this lab in it",
                    "mapped groups have nobody of this lab in them",
                ),
                "Nobody who has used the lab yet, that is. If people say that they get nothing, check how the group is \
                 spelt.",
                at("/mappings"),
                "Look at the mappings",
            )
        },
        Attention::Trouble(trouble) => {
            let refused = usize::try_from(trouble.refused).unwrap_or(usize::MAX);
            let failed = usize::try_from(trouble.failed).unwrap_or(usize::MAX);
            let title = match (refused, failed) {
                (_, 0) => {
                    format!("{} since yesterday", counted(refused, "request was refused", "requests were refused"))
                }
                (0, _) => format!("{} since yesterday", counted(failed, "request failed", "requests failed")),
                _ => format!("{refused} refused and {failed} failed requests since yesterday"),
            };
            plain(title, "The ledger says who asked for what, and why not.", at("/ledger"), "Look at the ledger")
        }
    }
}

fn cell<'a>(role: &'a str, held: Option<&Held>) -> Cell<'a> {
    let held = held.map(|held| CellHeld {
        glyph: Glyph::new(held.holding),
        words: words(held.holding),
        mapping: held.mapping.to_string(),
        ends: held.ends_at.filter(|_| held.ends_soon).map(|at| at.format("%-d %b").to_string()),
        in_use: held.in_use,
    });
    Cell { role, held }
}

fn row<'a>(member: &Member, columns: &[Column<'a>]) -> Row<'a> {
    let person = &member.person;
    let held = |name: &str| member.roles.iter().find(|held| held.role.as_str() == name);
    Row {
        person: person_tag(person, member.looks_like_another),
        office: person.office.map(Standing::from),
        suspended: person.suspended,
        cells: columns.iter().map(|column| cell(column.name, held(column.name))).collect(),
    }
}

fn bar(live: &LiveSession, now: DateTime<Utc>) -> Bar<'_> {
    let session = &live.session;
    let minutes = |at: DateTime<Utc>| (at - now).num_minutes().clamp(-REACH, REACH);
    let x = REACH + minutes(session.issued_at);
    Bar {
        person: PersonTag::new(&session.person, session.name.as_ref(), live.looks_like_another),
        role: session.role.as_str(),
        since: Moment::new(session.issued_at, now),
        until: Moment::new(session.expires_at, now),
        minutes_left: minutes(session.expires_at),
        x,
        width: (REACH + minutes(session.expires_at) - x).max(1),
    }
}

/// What is going on in a lab, for whoever looks after it.
#[must_use]
pub fn overview(broker: &Broker, shell: &Shell, data: &Data, is_first: bool) -> Response {
    let now = broker.clock.now();
    let name = &data.place.lab.name;
    let is_pi = data.place.standing == Standing::Pi;
    let columns: Vec<Column<'_>> = data
        .roles
        .iter()
        .map(|column| Column {
            name: column.role.name.as_str(),
            title: broker.template_title(&column.role.template),
            people: column.people,
            sessions: column.sessions,
        })
        .collect();
    let live = data.live_sessions();
    let worth_saying = data.attention.iter().filter(|it| is_worth_saying(it, data));
    let legend = [Holding::Has, Holding::WithMfa, Holding::Approval, Holding::OldGroups];
    page(&Overview {
        shell,
        lab: LabHead::new(&data.place, Tab::Overview),
        attention: worth_saying.map(|it| item(it, name, is_pi, now)).collect(),
        legend: legend.map(|holding| (Glyph::new(holding), words(holding))),
        rows: data.people.people.iter().map(|member| row(member, &columns)).collect(),
        columns,
        people: data.people.total,
        known: data.known,
        next: data.people.next.as_ref().map(|next| format!("/labs/{name}?after={next}#people")),
        is_first,
        sessions: data.sessions.sessions.iter().map(|live| bar(live, now)).collect(),
        live,
        unseen: live.saturating_sub(data.sessions.sessions.len() as u64),
        is_mapped: data.is_mapped(),
        broker: broker.issuer(),
    })
}

#[derive(Template)]
#[template(path = "lab/member.html", config = "src/console/askama.toml")]
struct ForMember<'a> {
    shell: &'a Shell,
    lab: LabHead,
    roles: Vec<OwnRole<'a>>,
    others: Vec<(&'a str, &'a str)>,
    pis: Vec<PersonTag>,
}

struct OwnRole<'a> {
    name: &'a str,
    title: &'a str,
    cost: &'a str,
    lacks: Option<Vec<Piece<'static>>>,
    until: Option<Moment>,
    ends_at: Option<String>,
}

/// A lab as who uses it sees it: what they have there, what that lacks, and whom to ask.
#[must_use]
pub fn lab_for_member(broker: &Broker, shell: &Shell, profile: &Profile, view: &LabView) -> Response {
    let now = broker.clock.now();
    let own = profile.roles.iter().filter(|given| given.lab == view.place.lab.name);
    let roles: Vec<OwnRole<'_>> = own
        .map(|given| OwnRole {
            name: given.role.as_str(),
            title: broker.template_title(&given.template),
            cost: broker.policies.get(&given.template).map_or("", |template| template.cost()),
            lacks: match given.missing {
                Missing::Nothing => None,
                Missing::Fresh => Some(pieces("Your sign-in is too old for it. Sign in again: `lodge login --fresh`.")),
                Missing::Mfa => Some(pieces("It takes a sign-in with a second factor: `lodge login --mfa`.")),
                Missing::Approval => Some(pieces("A PI of the lab has to approve you first. Ask one of them.")),
            },
            until: given.until.map(|until| Moment::new(until, now)),
            ends_at: given.ends_at.map(for_people),
        })
        .collect();
    let others = view
        .roles
        .iter()
        .filter(|role| !roles.iter().any(|own| own.name == role.name.as_str()))
        .map(|role| (role.name.as_str(), broker.template_title(&role.template)));
    let pis = view.pis.iter().filter(|holder| holder.office == Office::Pi);
    page(&ForMember {
        shell,
        lab: LabHead::new(&view.place, Tab::Overview),
        others: others.collect(),
        roles,
        pis: pis.map(|pi| PersonTag::new(&pi.id, pi.name.as_ref(), false)).collect(),
    })
}
