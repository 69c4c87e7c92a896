//! `lodge limits set`: how old groups may be in a lab, or a sign-in for a role.

use std::str::FromStr;

use clap::Args;

use super::age::{Age, AgeOrDefault};
use crate::cli::Helper;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::domain::id::{LabName, ParseError, RoleAddress, RoleName};
use crate::wire::limits::{LabLimitsEdit, Limits, RoleLimitsEdit};

const USAGE: &str = "\
lodge limits set <LAB> --groups-age <AGE|default> [--json]
       lodge limits set <LAB/ROLE> --sign-in-age <AGE|default> [--json]";

const EXAMPLES: &str = "\
Examples:
  lodge limits set vision --groups-age 7d
  lodge limits set vision/read-results --sign-in-age 30d
  lodge limits set vision/pay --sign-in-age 15m
  lodge limits set vision/pay --sign-in-age default";

/// The arguments of `lodge limits set`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
pub(crate) struct SetArguments {
    /// The lab, or a role in it
    #[arg(value_name = "LAB[/ROLE]")]
    of: LabOrRole,
    #[command(flatten)]
    limit: Limit,
    /// Print what holds then as one JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// What is set.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
struct Limit {
    /// For a lab: how old groups may be, 1h to 30d; default is 30d
    #[arg(long, value_name = "AGE|default")]
    groups_age: Option<AgeOrDefault>,
    /// For a role: how old a sign-in may be, 1h to 30d, default is 12h;
    /// for one that can spend 5m to 12h, default is 1h
    #[arg(long, value_name = "AGE|default", verbatim_doc_comment)]
    sign_in_age: Option<AgeOrDefault>,
}

/// A lab, or a role in it.
#[derive(Clone, Debug)]
struct LabOrRole {
    lab: LabName,
    role: Option<RoleName>,
}

impl FromStr for LabOrRole {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.contains('/') {
            let RoleAddress { lab, role } = text.parse()?;
            return Ok(Self { lab, role: Some(role) });
        }
        Ok(Self { lab: text.parse()?, role: None })
    }
}

pub(crate) fn run(helper: &Helper, arguments: &SetArguments, output: &mut Output<'_>) -> Result<(), Failure> {
    let LabOrRole { lab, role } = &arguments.of;
    let set = Set::new(role.as_ref(), arguments.limit)?;
    let client = helper.lab(lab)?;
    // Read first: what is overwritten has to be known to say how to bring it back.
    let before = client.limits()?;

    let after = match set {
        Set::OfLab(age) => client.set_limits(&LabLimitsEdit { groups_max_age_seconds: seconds(age) })?,
        Set::OfRole(role, age) => {
            client.set_role_limits(role, &RoleLimitsEdit { sign_in_max_age_seconds: seconds(age) })?
        }
    };

    let (was, is) = (set.found_in(&before), set.found_in(&after));
    let (of, what, option) = match set {
        Set::OfLab(_) => (lab.to_string(), "groups", "--groups-age"),
        Set::OfRole(role, _) => (format!("{lab}/{role}"), "a sign-in", "--sign-in-age"),
    };
    if let Some(is) = is {
        let or_else = if is.is_set { "" } else { ", as by default" };
        output.say(&format!("For {of}, {what} may be {} old at most{or_else}.", is.age));
    }
    match was {
        Some(was) if Some(was) == is => output.say("Nothing has changed: it was so already."),
        Some(was) => {
            let before = if was.is_set { was.age.typed() } else { "default".to_owned() };
            output.say(&format!("To take it back: lodge limits set {of} {option} {before}"));
        }
        None => {}
    }
    if arguments.json { output.json(&after) } else { Ok(()) }
}

/// What is set, and of what.
#[derive(Clone, Copy)]
enum Set<'a> {
    OfLab(AgeOrDefault),
    OfRole(&'a RoleName, AgeOrDefault),
}

/// A limit as it holds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Holds {
    age: Age,
    is_set: bool,
}

impl<'a> Set<'a> {
    fn new(role: Option<&'a RoleName>, limit: Limit) -> Result<Self, Failure> {
        match (role, limit.groups_age, limit.sign_in_age) {
            (None, Some(age), _) => Ok(Self::OfLab(age)),
            (Some(role), _, Some(age)) => Ok(Self::OfRole(role, age)),
            (None, ..) => Err(Failure::LimitElsewhere { option: "--sign-in-age", of: "a role", place: "LAB/ROLE" }),
            (Some(_), ..) => Err(Failure::LimitElsewhere { option: "--groups-age", of: "a lab", place: "LAB" }),
        }
    }

    fn found_in(self, limits: &Limits) -> Option<Holds> {
        let (seconds, is_set) = match self {
            Self::OfLab(_) => (limits.groups_max_age_seconds, limits.groups_max_age_is_set),
            Self::OfRole(name, _) => {
                let role = limits.roles.iter().find(|role| role.name == name.as_str())?;
                (role.sign_in_max_age_seconds, role.sign_in_max_age_is_set)
            }
        };
        Some(Holds { age: Age { seconds }, is_set })
    }
}

fn seconds(age: AgeOrDefault) -> Option<u32> {
    age.0.map(|age| age.seconds)
}
