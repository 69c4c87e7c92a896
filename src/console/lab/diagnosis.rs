//! What keeps somebody from a role, link by link.

use askama::Template;
use axum::response::Response;

use super::account::Mark;
use crate::app::{Broker, ChainReport, Diagnosis as Data, LabRoles, link_title};
use crate::console::parts::{Moment, Piece, Verbatim, pieces};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::console::{page, refreshed};

#[derive(Template)]
#[template(path = "lab/diagnosis.html", config = "src/console/askama.toml")]
struct Diagnosis<'a> {
    shell: &'a Shell,
    lab: LabHead,
    roles: Vec<(&'a str, &'a str, bool)>,
    role: Option<&'a str>,
    links: Vec<Link>,
    broken: Option<Broken<'a>>,
    is_under_way: bool,
    checked_at: Option<Moment>,
}

struct Link {
    mark: Mark,
    title: &'static str,
    says: Verbatim,
    is_first_broken: bool,
}

/// The first link that does not hold.
struct Broken<'a> {
    title: String,
    is_unclear: bool,
    causes: Vec<Verbatim>,
    menders: String,
    next: Vec<Vec<Piece<'a>>>,
}

fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn broken(report: &ChainReport) -> Broken<'_> {
    let menders: Vec<String> = report.menders.iter().map(ToString::to_string).collect();
    Broken {
        title: lower(link_title(report.link)),
        is_unclear: report.state == crate::domain::account::StepState::Unclear,
        causes: report.causes.iter().map(|cause| Verbatim::new(cause)).collect(),
        menders: menders.join(", or "),
        next: report.next.iter().map(|next| pieces(next)).collect(),
    }
}

/// What keeps the caller from a role.
#[must_use]
pub fn diagnosis(broker: &Broker, shell: &Shell, roles: &LabRoles, data: &Data) -> Response {
    let now = broker.clock.now();
    let first = data.first_broken();
    let role = data.role.as_ref();
    let links = data.links.iter().map(|report| Link {
        mark: Mark::of(report.state),
        title: link_title(report.link),
        says: Verbatim::new(&report.says),
        is_first_broken: first == Some(report),
    });
    let is_under_way = data.running.is_some();
    let template = Diagnosis {
        shell,
        lab: LabHead::new(&data.place, Tab::Account),
        roles: roles
            .roles
            .iter()
            .map(|view| (view.role.name.as_str(), view.title.as_str(), role == Some(&view.role.name)))
            .collect(),
        role: role.map(crate::domain::id::RoleName::as_str),
        links: links.collect(),
        broken: first.map(broken),
        is_under_way,
        checked_at: data.checked_at.map(|at| Moment::new(at, now)),
    };
    refreshed(page(&template), is_under_way)
}
