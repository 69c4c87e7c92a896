//! The broker at a glance, and what needs whoever runs it.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::{Head, Place, counted};
use crate::app::Versions;
use crate::app::desk::{LabAtAGlance, LabNeed, LabsPage, PeoplePage, PersonRow};
use crate::console::page;
use crate::console::parts::{Moment, PersonTag};
use crate::console::shell::Shell;
use crate::domain::person::LookAlikes;

/// What is looked at.
#[derive(Debug)]
pub struct Glance {
    /// The labs, or as many of them as are looked at.
    pub labs: LabsPage,
    /// Some of those who are suspended.
    pub suspended: PeoplePage,
    /// Everybody whom the settings name as an operator: by id, and what is known of them.
    pub operators: Vec<(crate::domain::id::PersonId, Option<PersonRow>)>,
    /// What people call the connections.
    pub connections: Vec<String>,
    /// The program and its database.
    pub versions: Versions,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Why a lab needs the operator.
enum Need {
    /// Somebody could get into its account.
    AccountOpen,
    /// Its account gives no credentials that work.
    AccountBroken,
    /// Nobody answers for it, and nobody is invited to.
    NoPi,
    /// Nobody answers for it, and somebody may until then.
    Invited(Moment),
    /// Who answers for it is suspended.
    Suspended,
}

struct Needy<'a> {
    name: &'a str,
    title: &'a str,
    need: Need,
}

#[derive(Template)]
#[template(path = "operator/overview.html", config = "src/console/askama.toml")]
struct Overview<'a> {
    shell: &'a Shell,
    head: Head,
    needy: Vec<Needy<'a>>,
    labs: String,
    archived: usize,
    suspended: Vec<(String, PersonTag)>,
    more_suspended: bool,
    operators: Vec<(String, Option<PersonTag>)>,
    connections: &'a [String],
    versions: &'a Versions,
}

fn needy(lab: &LabAtAGlance, now: DateTime<Utc>) -> Option<Needy<'_>> {
    let need = match LabNeed::of(lab, now)? {
        LabNeed::AccountOpen => Need::AccountOpen,
        LabNeed::AccountBroken => Need::AccountBroken,
        LabNeed::NoPi => Need::NoPi,
        LabNeed::Invited(until) => Need::Invited(Moment::new(until, now)),
        LabNeed::PiSuspended => Need::Suspended,
    };
    Some(Needy { name: lab.lab.name.as_str(), title: &lab.lab.title, need })
}

/// The broker at a glance.
#[must_use]
pub fn overview(shell: &Shell, glance: &Glance) -> Response {
    let labs = &glance.labs.labs;
    let more = if glance.labs.more { " or more" } else { "" };
    let operators = glance.operators.iter().filter_map(|(_, row)| row.as_ref());
    let named = glance.suspended.people.iter().map(|(row, _)| row).chain(operators);
    let named: BTreeMap<_, _> = named.map(|row| (&row.id, row.name.as_ref())).collect();
    let alike = LookAlikes::of(named);
    let tag = |row: &PersonRow| PersonTag::among(&alike, &row.id, row.name.as_ref());
    page(&Overview {
        shell,
        head: Head(Place::Overview),
        needy: labs.iter().filter_map(|lab| needy(lab, glance.now)).collect(),
        labs: format!("{}{more}", counted(labs.len(), "lab", "labs")),
        archived: labs.iter().filter(|lab| lab.lab.archived_at.is_some()).count(),
        suspended: glance.suspended.people.iter().map(|(row, _)| (row.id.to_string(), tag(row))).collect(),
        more_suspended: glance.suspended.more,
        operators: glance.operators.iter().map(|(id, row)| (id.to_string(), row.as_ref().map(tag))).collect(),
        connections: &glance.connections,
        versions: &glance.versions,
    })
}
