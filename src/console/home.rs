//! A member's home.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::page;
use super::parts::{Moment, Piece, Verbatim, pieces};
use super::shell::Shell;
use super::who::Who;
use crate::app::{Broker, Caller, GivenRole, Profile, account_warning};
use crate::domain::access::Missing;
use crate::domain::claims::Groups;
use crate::domain::id::LabName;
use crate::domain::lab::Standing;

/// Where signing in anew leads back here.
const SIGN_IN_FRESH: &str = "/sign-in?fresh=1&return_to=%2F";

/// The same with a second factor.
const SIGN_IN_WITH_MFA: &str = "/sign-in?mfa=1&return_to=%2F";

struct LabCard<'a> {
    name: &'a LabName,
    standing: Option<Standing>,
    roles: Vec<RoleCard<'a>>,
    /// What to know before any of them is used.
    warning: Option<&'static str>,
}

impl<'a> LabCard<'a> {
    const fn of(name: &'a LabName) -> Self {
        Self { name, standing: None, roles: Vec::new(), warning: None }
    }
}

struct RoleCard<'a> {
    name: &'a str,
    address: String,
    profile: String,
    title: &'a str,
    cost: &'a str,
    spends: bool,
    ends_at: Option<Moment>,
    /// How old a sign-in may be that uses it.
    sign_in_age: String,
    /// Until when this session is good for it.
    until: Option<Moment>,
    needs: Option<Needs>,
    /// When it is given again, where waiting is all that helps.
    again_at: Option<Moment>,
    /// Credentials for it that are older were cut off.
    dead_before: Option<Moment>,
}

/// What is missing before a role is given.
struct Needs {
    tag: &'static str,
    sentence: Vec<Piece<'static>>,
    /// Where that can be had, and what the button says.
    link: Option<(&'static str, &'static str)>,
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
    session_expires_at: Moment,
    groups_missing: Option<GroupsMissing>,
    groups: Vec<Verbatim>,
    labs: Vec<LabCard<'a>>,
    has_roles: bool,
    /// A profile to show commands with.
    first_profile: String,
    looks_after: bool,
    has_downloads: bool,
    shell: &'a Shell,
}

/// A member's home: what one may use, and how.
#[must_use]
pub fn home(broker: &Broker, caller: &Caller, profile: &Profile, shell: &Shell) -> Response {
    let now = broker.clock.now();
    let groups = &profile.snapshot.evidence.groups;
    let mut labs: BTreeMap<&LabName, LabCard<'_>> = BTreeMap::new();
    for given in &profile.roles {
        let lab = labs.entry(&given.lab).or_insert_with(|| LabCard::of(&given.lab));
        lab.warning = lab.warning.or(account_warning(given.account));
        lab.roles.push(role(broker, given, now));
    }
    for at in &profile.standings {
        let lab = labs.entry(&at.lab).or_insert_with(|| LabCard::of(&at.lab));
        lab.standing = Some(at.standing);
    }
    let ready = profile.roles.iter().find(|given| given.missing == Missing::Nothing).or(profile.roles.first());
    page(&Home {
        who: Who::new(broker, profile, caller.person.to_string()),
        broker: broker.issuer(),
        session_expires_at: Moment::new(caller.session_expires_at, now),
        groups_missing: match groups {
            Groups::Absent => Some(GroupsMissing::Unsaid),
            Groups::Overage => Some(GroupsMissing::TooMany),
            Groups::Truncated(_) => Some(GroupsMissing::CutOff),
            Groups::Present(_) => None,
        },
        groups: groups.as_slice().iter().map(|group| Verbatim::new(group.as_str())).collect(),
        labs: labs.into_values().collect(),
        has_roles: !profile.roles.is_empty(),
        first_profile: ready.map(|given| format!("{}-{}", given.lab, given.role)).unwrap_or_default(),
        looks_after: !profile.standings.is_empty(),
        has_downloads: broker.downloads.programs().next().is_some(),
        shell,
    })
}

fn role<'a>(broker: &'a Broker, given: &'a GivenRole, now: DateTime<Utc>) -> RoleCard<'a> {
    RoleCard {
        name: given.role.as_str(),
        address: format!("{}/{}", given.lab, given.role),
        profile: format!("{}-{}", given.lab, given.role),
        title: broker.template_title(&given.template),
        cost: broker.policies.get(&given.template).map_or("", |template| template.cost()),
        spends: given.limits.spends,
        ends_at: given.ends_at.map(|at| Moment::new(at, now)),
        sign_in_age: given.limits.sign_in.to_string(),
        until: given.until.map(|at| Moment::new(at, now)),
        needs: match given.missing {
            Missing::Nothing => None,
            Missing::Fresh => Some(Needs {
                tag: "needs a fresh sign-in",
                sentence: pieces("Your sign-in is too old for it. Sign in again: `lodge login --fresh`."),
                link: Some((SIGN_IN_FRESH, "Sign in again")),
            }),
            Missing::Mfa => Some(Needs {
                tag: "needs a second factor",
                sentence: pieces("Sign in with a second factor to use it: `lodge login --mfa`."),
                link: Some((SIGN_IN_WITH_MFA, "Sign in with a second factor")),
            }),
            Missing::Approval => Some(Needs {
                tag: "needs a PI's approval",
                sentence: pieces("A PI of the lab has to approve you first."),
                link: None,
            }),
            Missing::AccountUpdate => Some(Needs {
                tag: "awaits an account update",
                sentence: pieces("The stack in the lab's AWS account does not allow all that this role does yet."),
                link: None,
            }),
            Missing::Account => Some(Needs {
                tag: "account not joined",
                sentence: pieces("The lab's AWS account is not joined yet, so nobody gets credentials from it."),
                link: None,
            }),
            Missing::Time => Some(Needs {
                tag: "cut off just now",
                sentence: pieces("Credentials for it were cut off, and new ones would be denied as well for now."),
                link: None,
            }),
            Missing::Lifting => Some(Needs {
                tag: "cut off",
                sentence: pieces(
                    "Credentials for it were cut off, and you get no new ones until somebody who looks after the lab lifts that.",
                ),
                link: None,
            }),
        },
        again_at: given.again_at().map(|at| Moment::to_the_second(at, now)),
        dead_before: given.cut_off.dead_before.map(|before| Moment::new(before.at(), now)),
    }
}
