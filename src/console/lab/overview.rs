//! A lab at a glance: for who looks after it, and for who uses it.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::glyph::{Glyph, words};
use crate::app::LiveMapping;
use crate::app::{
    Attention, Broker, Held, Holding, LabPerson, LabView, LiveSession, Member, Overview as Data, Profile,
    account_warning,
};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag, Piece, Verbatim, for_people, pieces};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::access::Missing;
use crate::domain::id::{CutOffId, LabName, RoleName};
use crate::domain::lab::Standing;

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
    cut_off: Option<&'a str>,
    by_overflow: bool,
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn person_tag(person: &LabPerson, looks_like_another: bool) -> PersonTag {
    PersonTag::new(&person.id, person.name.as_ref(), looks_like_another)
}

/// Whether the page does not say so elsewhere: of a lab without mappings, and of one that nobody has used.
fn is_worth_saying(attention: &Attention, data: &Data) -> bool {
    match attention {
        Attention::UnmappedRoles(_) => data.is_mapped(),
        Attention::EmptyMappings(_) => data.known > 0,
        _ => true,
    }
}

impl<'a> Item<'a> {
    fn new(title: impl Into<String>, detail: &'static str, address: String, action: &'static str) -> Self {
        let (people, mappings) = (Vec::new(), Vec::new());
        Self { is_urgent: false, title: title.into(), detail, people, mappings, more: 0, address, action }
    }

    fn urgent(self) -> Self {
        Self { is_urgent: true, ..self }
    }

    fn naming(self, people: &[LabPerson], look_alike: bool) -> Self {
        let named = people.iter().take(NAMED).map(|person| person_tag(person, look_alike));
        Self { people: named.collect(), more: people.len().saturating_sub(NAMED), ..self }
    }

    fn showing(self, mappings: &'a [LiveMapping], end: impl Fn(DateTime<Utc>) -> Option<Moment>) -> Self {
        let shown = mappings.iter().take(NAMED).map(|mapping| Mapped {
            group: Verbatim::new(mapping.group.as_str()),
            role: mapping.role.as_str(),
            ends_at: mapping.ends_at.and_then(&end),
        });
        Self { mappings: shown.collect(), more: mappings.len().saturating_sub(NAMED), ..self }
    }
}

fn what_came_to_nothing(refused: u64, failed: u64) -> String {
    let count = |count: u64, one: &str, many: &str| counted(usize::try_from(count).unwrap_or(usize::MAX), one, many);
    match (refused, failed) {
        (_, 0) => format!("{} since yesterday", count(refused, "request was refused", "requests were refused")),
        (0, _) => format!("{} since yesterday", count(failed, "request failed", "requests failed")),
        _ => format!("{refused} refused and {failed} failed requests since yesterday"),
    }
}

/// What there is to see to in the lab's AWS account.
fn of_account<'a>(attention: &Attention, page: String, is_pi: bool) -> Item<'a> {
    let (title, detail, action) = match attention {
        Attention::AccountOpen => (
            "The lab's AWS account is open where it should not be",
            "Somebody could get in who should not, or get more than the lab's roles give.",
            "See what is open",
        ),
        Attention::AccountBroken => (
            "The lab's AWS account gives no credentials that work",
            "Nobody can use this lab until that is mended.",
            "See what is wrong",
        ),
        Attention::AccountUpdate(roles) => {
            let names: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
            let title = format!("The AWS account does not allow all of {} yet", names.join(", "));
            return Item::new(title, "Its stack is older than that, so nobody gets it.", page, "See what to update");
        }
        _ => (
            "The lab's AWS account is not joined yet",
            "Until it has proved itself, nobody gets credentials of this lab.",
            if is_pi { "Join it" } else { "See how it is joined" },
        ),
    };
    Item::new(title, detail, page, action).urgent()
}

fn item<'a>(attention: &'a Attention, lab: &LabName, is_pi: bool, now: DateTime<Utc>) -> Item<'a> {
    let at = |path: &str| format!("/labs/{lab}{path}");
    let people = |title: &str, detail| Item::new(title, detail, at("/people"), "Look at the people");
    let mappings = |title: &str, detail| Item::new(title, detail, at("/mappings"), "Look at the mappings");
    match attention {
        Attention::AccountOpen
        | Attention::AccountBroken
        | Attention::AccountNotJoined
        | Attention::AccountUpdate(_) => of_account(attention, at("/account"), is_pi),
        Attention::WaitingChanges(changes) => mappings(
            &format!("{} for a second PI", counted(changes.len(), "change waits", "changes wait")),
            "Each gives its author more, so another PI says yes or no. Unanswered, it lapses.",
        )
        .urgent(),
        Attention::NoPi => people(
            "No PI of this lab can do anything",
            "There is none, or all are suspended. Whoever runs this broker can invite one.",
        )
        .urgent(),
        Attention::SuspendedHolders(holders) => people(
            "Somebody who is suspended looks after this lab",
            "They can do nothing now. Once whoever runs this broker lifts that, they can again.",
        )
        .naming(holders, false)
        .urgent(),
        Attention::OnlyPi => {
            let (title, detail) = (
                "The lab has one PI only",
                "Nobody confirms what they change for themselves, and nobody stands in for them.",
            );
            if is_pi {
                Item::new(title, detail, at("/people/appoint?standing=pi"), "Appoint another PI")
            } else {
                people(title, detail)
            }
        }
        Attention::LookAlikes(alike) => people(
            &counted(alike.len(), "name looks like another one", "names look like another one"),
            "Compare the ids before you trust a name.",
        )
        .naming(alike, true),
        Attention::EndingMappings(ending) => mappings(
            &format!("{} within a week", counted(ending.len(), "mapping ends", "mappings end")),
            "Whoever has a role by it alone loses the role then.",
        )
        .showing(ending, |end| Some(Moment::new(end, now))),
        Attention::UnmappedRoles(roles) => {
            let names: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
            let address = format!("{}?role={}", at("/mappings/new"), names.first().copied().unwrap_or_default());
            let title = format!("Nobody can have {}", names.join(", "));
            Item::new(title, "No group is mapped to it.", address, "Map a group")
        }
        Attention::EmptyMappings(empty) => mappings(
            &counted(
                empty.len(),
                "mapped group has nobody of this lab in it",
                "mapped groups have nobody of this lab in them",
            ),
            "Nobody who has used the lab yet, that is. If people say that they get nothing, check how the group is spelt.",
        )
        .showing(empty, |_| None),
        Attention::Trouble(trouble) => Item::new(
            what_came_to_nothing(trouble.refused, trouble.failed),
            "The ledger says who asked for what, and why not.",
            at("/ledger"),
            "Look at the ledger",
        ),
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
        cut_off: live.cut_off.as_ref().map(CutOffId::as_str),
        by_overflow: live.by_overflow,
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
    /// What to know before any role is used.
    warning: Option<&'static str>,
}

struct OwnRole<'a> {
    name: &'a str,
    title: &'a str,
    cost: &'a str,
    lacks: Option<Vec<Piece<'static>>>,
    /// When it is given again, where waiting is all that helps.
    again_at: Option<Moment>,
    until: Option<Moment>,
    ends_at: Option<String>,
}

/// A lab as who uses it sees it: what they have there, what that lacks, and whom to ask.
#[must_use]
pub fn lab_for_member(broker: &Broker, shell: &Shell, profile: &Profile, view: &LabView) -> Response {
    let now = broker.clock.now();
    let own = profile.roles.iter().filter(|given| given.lab == view.place.lab.name);
    let warning = own.clone().find_map(|given| account_warning(given.account));
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
                Missing::AccountUpdate => {
                    Some(pieces("The stack in the lab's AWS account does not allow all that it does yet. Tell a PI."))
                }
                Missing::Account => Some(pieces("The lab's AWS account is not joined yet. A PI of the lab does that.")),
                Missing::Time => Some(pieces("Credentials for it were cut off just now.")),
                Missing::Lifting => Some(pieces(
                    "Credentials for it were cut off, until somebody who looks after the lab lifts that. Ask a PI.",
                )),
            },
            again_at: given.again_at().map(|at| Moment::to_the_second(at, now)),
            until: given.until.map(|until| Moment::new(until, now)),
            ends_at: given.ends_at.map(for_people),
        })
        .collect();
    let others = view
        .roles
        .iter()
        .filter(|role| !roles.iter().any(|own| own.name == role.name.as_str()))
        .map(|role| (role.name.as_str(), broker.template_title(&role.template)));
    page(&ForMember {
        shell,
        lab: LabHead::new(&view.place, Tab::Overview),
        others: others.collect(),
        roles,
        pis: view.pis.iter().map(PersonTag::of_keeper).collect(),
        warning,
    })
}
