//! What a lab's roles can do, action by action.

use askama::Template;
use axum::response::Response;

use crate::app::{AccountRole, Broker, LabRoles, RoleAction, RoleView};
use crate::console::page;
use crate::console::parts::Verbatim;
use crate::console::shell::{LabHead, Shell, Tab};
use crate::domain::account::Readiness;
use crate::domain::id::{LabName, RoleName};
use crate::domain::lab::Standing;
use crate::domain::mapping::Mapping;
use crate::domain::policy::AccessLevel;

/// How many groups of a role are named here; its mappings have them all.
const GROUPS_SHOWN: usize = 8;

#[derive(Template)]
#[template(path = "lab/roles.html", config = "src/console/askama.toml")]
struct Roles<'a> {
    shell: &'a Shell,
    lab: LabHead,
    cards: Vec<Card<'a>>,
    looks_after: bool,
    is_pi: bool,
    notice: Option<String>,
}

/// A role on the page.
struct Card<'a> {
    view: &'a RoleView,
    longest: String,
    sign_in_age: String,
    /// What changes something first: that is what to look at.
    actions: Vec<&'a RoleAction>,
    changing: usize,
    groups: Option<Vec<Group<'a>>>,
    more_groups: usize,
    readiness: Readiness,
}

struct Group<'a> {
    address: String,
    name: Verbatim,
    connection: &'a str,
}

impl Card<'_> {
    fn is_write(action: &RoleAction) -> bool {
        action.words.is_none_or(|words| words.level > AccessLevel::Read)
    }
}

fn group<'a>(broker: &'a Broker, lab: &LabName, mapping: &'a Mapping) -> Group<'a> {
    Group {
        address: format!("/labs/{lab}/mappings/{}", mapping.id),
        name: Verbatim::new(mapping.target.group.as_str()),
        connection: broker.connection_title(&mapping.target.connection),
    }
}

/// What the address says was done, where it can be.
fn notice(roles: &LabRoles, done: &str, of: &str) -> Option<String> {
    let is_there = roles.roles.iter().any(|view| view.role.name.as_str() == of);
    match (done, is_there) {
        ("added", true) => Some(format!("The role {of} is made. Nobody has it until you give it to a group.")),
        ("changed", true) => Some(format!("The role {of} is changed, for every session from now on.")),
        ("ended", false) if of.parse::<RoleName>().is_ok() => Some(format!("The role {of} has ended.")),
        _ => None,
    }
}

/// What a lab's roles can do, and whether its account is ready for them.
#[must_use]
pub fn roles(
    broker: &Broker,
    shell: &Shell,
    roles: &LabRoles,
    account: &[AccountRole],
    done: Option<(&str, &str)>,
) -> Response {
    let lab = &roles.place.lab.name;
    let cards = roles.roles.iter().map(|view| {
        let mut actions: Vec<&RoleAction> = view.actions.iter().collect();
        actions.sort_by_key(|action| (!Card::is_write(action), action.name.as_str()));
        Card {
            longest: crate::console::parts::span(view.role.max_duration.seconds()),
            sign_in_age: view.limits.sign_in.to_string(),
            changing: actions.iter().filter(|action| Card::is_write(action)).count(),
            actions,
            groups: view.given_by.as_ref().map(|given_by| {
                given_by.iter().take(GROUPS_SHOWN).map(|mapping| group(broker, lab, mapping)).collect()
            }),
            more_groups: view.given_by.as_ref().map_or(0, |given_by| given_by.len().saturating_sub(GROUPS_SHOWN)),
            readiness: account
                .iter()
                .find(|role| role.name == view.role.name)
                .map_or(Readiness::Ready, |role| role.readiness),
            view,
        }
    });
    page(&Roles {
        shell,
        lab: LabHead::new(&roles.place, Tab::Roles),
        cards: cards.collect(),
        looks_after: roles.place.standing >= Standing::Manager,
        is_pi: roles.place.standing == Standing::Pi,
        notice: done.and_then(|(done, of)| notice(roles, done, of)),
    })
}
