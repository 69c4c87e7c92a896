//! A member's home.

use askama::Template;
use axum::response::Response;

use super::page;
use super::parts::{Piece, Verbatim, for_people, pieces};
use super::shell::Shell;
use super::who::Who;
use crate::app::{Broker, Caller, Profile};
use crate::domain::access::Missing;
use crate::domain::claims::Groups;

struct RoleCard<'a> {
    address: String,
    profile: String,
    title: &'a str,
    cost: &'a str,
    ends_at: Option<String>,
    /// How old a sign-in may be that uses it.
    sign_in_age: String,
    needs: Option<Vec<Piece<'static>>>,
}

/// Why somebody's groups are not all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupsMissing {
    /// Nothing was said of them.
    Unsaid,
    /// There are too many, and none were sent.
    TooMany,
    /// There are too many, and some were sent.
    CutOff,
}

#[derive(Template)]
#[template(path = "home.html", config = "src/console/askama.toml")]
struct Home<'a> {
    who: Who<'a>,
    broker: &'a str,
    session_expires_at: String,
    groups_missing: Option<GroupsMissing>,
    groups: Vec<Verbatim>,
    roles: Vec<RoleCard<'a>>,
    standings: Vec<String>,
    /// The labs that they look after.
    looks_after: Vec<&'a str>,
    shell: &'a Shell,
}

/// A member's home: what one may use, and how.
#[must_use]
pub fn home(broker: &Broker, caller: &Caller, profile: &Profile, shell: &Shell) -> Response {
    let groups = &profile.snapshot.evidence.groups;
    let roles = profile.roles.iter().map(|given| RoleCard {
        address: format!("{}/{}", given.lab, given.role),
        profile: format!("{}-{}", given.lab, given.role),
        title: broker.template_title(&given.template),
        cost: broker.policies.get(&given.template).map_or("", |template| template.cost()),
        ends_at: given.ends_at.map(for_people),
        sign_in_age: given.limits.sign_in.to_string(),
        needs: match given.missing {
            Missing::Nothing => None,
            Missing::Fresh => Some(pieces("Your sign-in is too old for it. Sign in again: `lodge login --fresh`.")),
            Missing::Mfa => Some(pieces("Sign in with a second factor to use it: `lodge login --mfa`.")),
            Missing::Approval => Some(pieces("A PI of the lab has to approve you first.")),
        },
    });
    page(&Home {
        who: Who::new(broker, profile, caller.person.to_string()),
        broker: broker.issuer(),
        session_expires_at: for_people(caller.session_expires_at),
        groups_missing: match groups {
            Groups::Absent => Some(GroupsMissing::Unsaid),
            Groups::Overage => Some(GroupsMissing::TooMany),
            Groups::Truncated(_) => Some(GroupsMissing::CutOff),
            Groups::Present(_) => None,
        },
        groups: groups.as_slice().iter().map(|group| Verbatim::new(group.as_str())).collect(),
        roles: roles.collect(),
        standings: profile.standings.iter().map(|s| format!("{} of {}", s.standing, s.lab)).collect(),
        looks_after: profile.standings.iter().map(|s| s.lab.as_str()).collect(),
        shell,
    })
}
