//! What is said of a role that allows something: how far, and how somebody comes by it.

use chrono::{DateTime, Utc};

use super::roles::{Chance, RoleForAction};
use crate::domain::access::Refusal;
use crate::domain::policy::Reach;

/// How far a policy allows an action, in words that follow the role's name.
#[must_use]
pub const fn reach_says(reach: Reach) -> &'static str {
    match reach {
        Reach::Plainly => "allows it",
        Reach::OnConditions => "allows it under conditions",
        Reach::OnSomeResources => "allows it on some resources only",
        Reach::Never => "does not allow it",
        Reach::Denied => "denies it",
    }
}

/// Whether somebody can have a role and how, in a sentence to them, or about them to who looks after the lab.
#[must_use]
pub fn chance_says(role: &RoleForAction, is_self: bool) -> String {
    let (they, have, their) = if is_self { ("You", "have", "your") } else { ("They", "have", "their") };
    let group = role
        .group
        .as_ref()
        .map_or_else(|| format!("one of {their} groups"), |group| format!("the group {}", group.as_str()));
    match role.chance {
        Chance::Has => {
            let until = role.ends_at.map(|at| format!(", until {}", day(at))).unwrap_or_default();
            format!("{they} {have} it, through {group}{until}.")
        }
        Chance::Ended => {
            let at = role.ends_at.map(|at| format!(" on {}", day(at))).unwrap_or_default();
            format!("The mapping of {group} to it ended{at}. A PI can bring it back.")
        }
        Chance::NeverSignedIn => "They have no sign-in here whose groups could be looked at.".to_owned(),
        Chance::Refused(refusal) => refused(refusal, &group, they, their, is_self),
    }
}

fn refused(refusal: Refusal, group: &str, they: &str, their: &str, is_self: bool) -> String {
    let sign_in = |how: &str| if is_self { format!(": `lodge login{how}`") } else { String::new() };
    match refusal {
        Refusal::NoMapping => {
            format!("No mapping gives it to a group that {their} sign-in brought. A PI can map one.")
        }
        Refusal::NoGroupClaim => format!(
            "{}{} sign-in said nothing about groups. Whoever runs this broker sees to that.",
            &their[..1].to_uppercase(),
            &their[1..]
        ),
        Refusal::GroupOverage | Refusal::GroupsTruncated => format!(
            "No mapping gives it by the groups that {their} provider sent, and it did not send all. Whoever runs this broker \
             sees to that."
        ),
        Refusal::GroupsTooOld => {
            format!(
                "{they} have it through {group} after a new sign-in: what is known of the groups is too old{}.",
                sign_in("")
            )
        }
        Refusal::FreshSignInNeeded => {
            format!(
                "{they} have it through {group} after a new sign-in: this one is too old for it{}.",
                sign_in(" --fresh")
            )
        }
        Refusal::MfaNeeded => {
            format!("{they} have it through {group} after a sign-in with a second factor{}.", sign_in(" --mfa"))
        }
        Refusal::ApprovalNeeded => format!("The mapping of {group} to it asks for a PI's approval."),
        Refusal::Suspended if is_self => "You are suspended. Ask whoever runs this broker.".to_owned(),
        Refusal::Suspended => "They are suspended. Ask whoever runs this broker.".to_owned(),
        Refusal::AccountNotJoined => {
            format!("{they} would have it through {group}, but the lab's AWS account is not joined. A PI joins it.")
        }
        Refusal::AwaitingAccountUpdate => format!(
            "{they} would have it through {group}, but the lab's AWS account awaits an update for it. Whoever administers the \
             account updates its stack."
        ),
        Refusal::CutOff => {
            format!("{they} have it through {group} again in a few minutes: sessions were cut off just now.")
        }
        Refusal::Held => {
            format!(
                "{they} would have it through {group}, but somebody who looks after the lab keeps it back. Ask them."
            )
        }
        Refusal::TooLong => format!("{they} have it through {group}, for less time than was asked for."),
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}
