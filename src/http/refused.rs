//! What the gate's refusals are to people: each with its sentence, which says the very command that helps.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use super::problem::{Kind, Problem};
use crate::domain::access::Refusal;
use crate::domain::claims::{Group, Groups};
use crate::domain::limits::SignInAge;
use crate::wire::timestamp;

/// At most so many groups are named in a sentence.
const GROUPS_NAMED: usize = 20;

/// What a refusal's sentence says of somebody's sign-in.
#[derive(Debug)]
pub(super) struct Said<'a> {
    /// Where they signed in, as people call it.
    pub(super) connection: &'a str,
    /// The claim that groups are read from there.
    pub(super) claim: &'a str,
    /// What came of it.
    pub(super) groups: &'a Groups,
}

/// The problem for what the gate refused. `max_age` is how old the sign-in may be, when it is older.
pub(super) fn problem(refusal: Refusal, max_age: Option<SignInAge>, said: &Said<'_>) -> Problem {
    match refusal {
        Refusal::NoMapping | Refusal::NoGroupClaim | Refusal::GroupOverage | Refusal::GroupsTruncated => {
            without_mapping(refusal, said)
        }
        Refusal::GroupsTooOld => Problem::new(
            StatusCode::FORBIDDEN,
            Kind::SignInTooOld,
            "Your groups were read too long ago",
            format!(
                "Your groups are those of your latest sign-in at {}, and that is longer ago than this lab allows. Sign in \
                 again: `lodge login --fresh`.",
                said.connection
            ),
        ),
        Refusal::Suspended => suspended(),
        Refusal::FreshSignInNeeded => {
            let most = max_age.unwrap_or(SignInAge::SPENDING);
            let why = format!(
                "This role takes a sign-in that is at most {most} old, and yours at {} is older, or did not say how old it \
                 is.",
                said.connection
            );
            fresh_sign_in_needed(&why, most)
        }
        Refusal::MfaNeeded => mfa_needed(max_age, said.connection),
        Refusal::ApprovalNeeded => Problem::new(
            StatusCode::FORBIDDEN,
            Kind::ApprovalNeeded,
            "This role needs a PI's approval",
            "A PI of the lab has to approve each person for this role. Please ask them.",
        ),
        Refusal::AccountNotJoined => Problem::new(
            StatusCode::CONFLICT,
            Kind::AccountNotJoined,
            "The lab's AWS account is not joined yet",
            "Nobody gets credentials for this lab before a PI has joined its AWS account, on the lab's account page or with \
             `lodge account join`. Please tell them.",
        ),
        Refusal::AwaitingAccountUpdate => Problem::new(
            StatusCode::CONFLICT,
            Kind::AwaitingAccountUpdate,
            "This role awaits an update of the lab's AWS account",
            "The stack in the lab's AWS account does not allow all that this role does. Somebody who looks after the lab has \
             to have it updated from the template on the lab's account page. Please tell them.",
        ),
        // With its moment it is told elsewhere.
        Refusal::CutOff | Refusal::Held => Problem::new(
            StatusCode::FORBIDDEN,
            Kind::CutOff,
            "You were cut off",
            "Somebody who looks after the lab has cut off your credentials for it, and keeps them back until they lift it. \
             Please ask them.",
        ),
        Refusal::TooLong => Problem::new(
            StatusCode::BAD_REQUEST,
            Kind::DurationTooLong,
            "That is longer than the role gives",
            "Ask for a shorter duration, or leave it out to get the most that the role gives.",
        ),
    }
}

/// Nothing was found to give the role: also for a role and a lab that do not exist.
fn without_mapping(refusal: Refusal, said: &Said<'_>) -> Problem {
    let Said { connection, claim, groups } = said;
    let (kind, title, detail) = match refusal {
        Refusal::NoGroupClaim => (
            Kind::NoGroupInformation,
            "Your sign-in brought no groups",
            format!(
                "Your sign-in at {connection} said nothing about groups (the claim `{claim}` is missing), so no role can \
                 be given. Ask the administrator of that sign-in to release the claim `{claim}` to this broker, then sign \
                 in again: `lodge login --fresh`."
            ),
        ),
        Refusal::GroupOverage => (
            Kind::GroupsTooMany,
            "Your sign-in did not send your groups",
            format!(
                "You are in more groups than your sign-in at {connection} sends: instead of the claim `{claim}` it sent a \
                 pointer, so no role can be given. Ask the administrator of that sign-in to put only the groups that are \
                 assigned to this broker, or its application roles, into the claim `{claim}`, then sign in again: `lodge \
                 login --fresh`."
            ),
        ),
        Refusal::GroupsTruncated => (
            Kind::GroupsCutOff,
            "Your sign-in did not send all of your groups",
            format!(
                "None of the {} groups that your sign-in at {connection} sent gives you such a role, and it sends no more \
                 than that, so the one that does may be missing. Ask the administrator of that sign-in to filter the claim \
                 `{claim}` for the groups that this broker uses, then sign in again: `lodge login --fresh`. `lodge status` \
                 lists what you may use now.",
                groups.as_slice().len()
            ),
        ),
        _ => (
            Kind::NoSuchRole,
            "No such role for you",
            format!(
                "You have no such role: {}. `lodge status` lists what you may use; for anything else, check the spelling, \
                 or ask the lab's PI to map one of your groups to the role and then sign in again.",
                named(connection, groups.as_slice())
            ),
        ),
    };
    Problem::new(StatusCode::NOT_FOUND, kind, title, detail)
}

fn mfa_needed(max_age: Option<SignInAge>, connection: &str) -> Problem {
    let lacks = format!("Your sign-in at {connection} did not use a second factor, or did not say so");
    let detail = match max_age {
        None => format!("{lacks}. Sign in again with one: `lodge login --mfa`."),
        Some(most) => format!(
            "{lacks}, and is older than the {most} that this role takes. Sign in again with one: `lodge login --mfa \
             --fresh`."
        ),
    };
    Problem::new(StatusCode::FORBIDDEN, Kind::MfaNeeded, "This role needs a second factor", detail)
        .step_up(max_age, true)
}

/// For an operator who would change something.
pub(super) fn operator_mfa_needed(max_age: Option<SignInAge>) -> Problem {
    let fresh = if max_age.is_some() { " --fresh" } else { "" };
    let detail = format!(
        "What an operator changes takes a sign-in with a second factor, and yours had none, or did not say so. Sign in again \
         with one: `lodge login --mfa{fresh}`."
    );
    Problem::new(StatusCode::FORBIDDEN, Kind::MfaNeeded, "This takes a second factor", detail).step_up(max_age, true)
}

/// For what takes a sign-in that is no older than this.
pub(super) fn fresh_sign_in_needed(why: &str, most: SignInAge) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        Kind::FreshSignInNeeded,
        "This takes a fresh sign-in",
        format!("{why} Sign in again: `lodge login --fresh`."),
    )
    .step_up(Some(most), false)
}

/// For somebody who gets new credentials at this moment, in so many seconds, and not before.
pub(super) fn cut_off(at: DateTime<Utc>, seconds: u32) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        Kind::CutOff,
        "You were cut off just now",
        format!(
            "Your credentials for this lab were cut off, and new ones would be dead as well. They are issued again from {} on: \
             wait until then, and try again.",
            timestamp(at)
        ),
    )
    .retry_after(seconds)
}

/// For somebody whom an operator has suspended.
pub(super) fn suspended() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        Kind::Suspended,
        "You are suspended",
        "Whoever runs this broker has suspended you, so nothing is given to you. Please ask them.",
    )
}

fn named(connection: &str, groups: &[Group]) -> String {
    if groups.is_empty() {
        return format!("your sign-in at {connection} brought no groups");
    }
    let shown: Vec<&str> = groups.iter().take(GROUPS_NAMED).map(Group::as_str).collect();
    let rest = match groups.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("your sign-in at {connection} brought these groups: {}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use axum::response::IntoResponse as _;

    use super::*;

    fn refusal(groups: &Groups, refusal: Refusal) -> Problem {
        let max_age = (refusal == Refusal::FreshSignInNeeded).then_some(SignInAge::SPENDING);
        problem(refusal, max_age, &Said { connection: "Example University", claim: "groups", groups })
    }

    fn groups(names: &[&str]) -> Groups {
        Groups::Present(names.iter().map(|name| name.parse().unwrap()).collect())
    }

    #[test]
    fn a_refusal_names_the_groups_and_says_what_to_do() {
        let problem = refusal(&groups(&["vision-students"]), Refusal::NoMapping);

        assert_eq!(problem.status(), StatusCode::NOT_FOUND);
        assert!(problem.detail().contains("vision-students") && problem.detail().contains("ask the lab's PI"));
        assert!(refusal(&groups(&[]), Refusal::NoMapping).detail().contains("brought no groups"));
    }

    #[test]
    fn a_long_list_of_groups_is_cut() {
        let names: Vec<String> = (0..25).map(|n| format!("group-{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();

        let problem = refusal(&groups(&names), Refusal::NoMapping);
        let detail = problem.detail();
        assert!(detail.contains("group-19 and 5 more") && !detail.contains("group-20"), "{detail}");
    }

    #[test]
    fn what_a_provider_did_not_send_is_told_apart_and_names_the_claim() {
        let kinds: Vec<_> = [
            (Groups::Absent, Refusal::NoGroupClaim),
            (Groups::Overage, Refusal::GroupOverage),
            (Groups::Truncated(Vec::new()), Refusal::GroupsTruncated),
            (groups(&[]), Refusal::NoMapping),
        ]
        .into_iter()
        .map(|(groups, why)| {
            let named = !matches!(why, Refusal::NoMapping);
            let problem = refusal(&groups, why);
            assert_eq!(problem.detail().contains("claim `groups`"), named, "{}", problem.detail());
            (problem.status().as_u16(), problem.kind())
        })
        .collect();

        assert_eq!(
            kinds,
            [(404, "no-group-information"), (404, "groups-too-many"), (404, "groups-cut-off"), (404, "no-such-role")]
        );
    }

    #[test]
    fn what_a_newer_or_stronger_sign_in_would_mend_says_so_to_people_and_to_programs() {
        let challenge = |problem: Problem| {
            let headers = problem.into_response().headers().clone();
            headers[header::WWW_AUTHENTICATE].to_str().unwrap().to_owned()
        };
        let fresh = refusal(&groups(&[]), Refusal::FreshSignInNeeded);
        let mfa = refusal(&groups(&[]), Refusal::MfaNeeded);
        let both = mfa_needed(Some(SignInAge::SPENDING), "Example University");

        assert!(
            fresh.detail().ends_with(
                "is at most 1 hour old, and yours at Example University is older, or did not say \
             how old it is. Sign in again: `lodge login --fresh`."
            ),
            "{}",
            fresh.detail()
        );
        assert!(mfa.detail().ends_with("`lodge login --mfa`."), "{}", mfa.detail());
        assert!(both.detail().ends_with("`lodge login --mfa --fresh`."), "{}", both.detail());
        let error = "Bearer realm=\"lodge\", error=\"insufficient_user_authentication\"";
        assert_eq!(challenge(fresh), format!("{error}, max_age=\"3600\""));
        assert_eq!(challenge(mfa), format!("{error}, acr_values=\"mfa\""));
        assert_eq!(challenge(both), format!("{error}, acr_values=\"mfa\", max_age=\"3600\""));
    }
}
