//! What a person is told about their session: pure text, one line per item.

use chrono::{DateTime, Utc};

use crate::domain::id::RoleAddress;
use crate::wire::{Me, MyRole, MyStanding, timestamp};

use super::broker_url::BrokerUrl;
use super::moment::{moment, second};
use super::person::standing_name;

/// After a sign-in: who, until when, what for, and what to do next.
pub(crate) fn after_login(broker: &BrokerUrl, me: &Me) -> Vec<String> {
    let mut lines = vec![format!("Signed in to {broker} as {} until {}.", who(me), moment(&me.session_expires_at))];
    // A role that is given at once makes the better first example.
    let Some(first) = me.roles.iter().find(|role| role.needs.is_none()).or(me.roles.first()) else {
        lines.extend(no_role(broker, me));
        return lines;
    };
    lines.push("You may use:".to_owned());
    lines.extend(roles(me));
    lines.push(String::new());
    lines.push("Next, write an AWS profile for each role, and use one:".to_owned());
    lines.push("  lodge configure".to_owned());
    lines.push(format!("  aws sts get-caller-identity --profile {}-{}", first.lab, first.role));
    lines
}

/// The answer of `lodge status`.
pub(crate) fn status(broker: &BrokerUrl, me: &Me, cached: &[(RoleAddress, DateTime<Utc>)]) -> Vec<String> {
    let mut lines = vec![
        format!("Broker:  {broker}"),
        format!("Person:  {}, signed in at {}", who(me), me.connection_title),
        format!("Until:   {}", moment(&me.session_expires_at)),
        format!("Groups:  {}", groups(me)),
    ];
    if !me.standings.is_empty() {
        lines.push(format!("Labs:    {}", standings(&me.standings)));
    }
    if me.roles.is_empty() {
        lines.push(String::new());
        lines.extend(no_role(broker, me).into_iter().filter(|line| !line.starts_with("Your groups")));
    } else {
        lines.push("Roles:".to_owned());
        lines.extend(roles(me));
    }
    if !cached.is_empty() {
        lines.push("Kept on this machine:".to_owned());
        let width = cached.iter().map(|(role, _)| role.to_string().chars().count()).max().unwrap_or(0);
        let line = |(role, expires_at): &(RoleAddress, DateTime<Utc>)| {
            format!("  {:width$}  credentials until {}", role.to_string(), moment(&timestamp(*expires_at)))
        };
        lines.extend(cached.iter().map(line));
    }
    lines.extend(warnings(me));
    lines
}

/// That what was kept here is not any more, because it was cut off; nothing when nothing was.
pub(crate) fn forgotten(roles: &[RoleAddress]) -> Option<String> {
    let names: Vec<String> = roles.iter().map(ToString::to_string).collect();
    let line = || format!("Deleted from this machine: credentials for {} that were cut off.", names.join(", "));
    (!names.is_empty()).then(line)
}

/// What to know before a role of a lab is used, once for each lab.
fn warnings(me: &Me) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for role in &me.roles {
        let warning = role.warning.as_ref().map(|warning| format!("Warning: {}: {warning}", role.lab));
        warnings.extend(warning.filter(|warning| !warnings.contains(warning)));
    }
    warnings
}

pub(crate) fn who(me: &Me) -> String {
    match &me.name {
        Some(name) => format!("{name} ({})", me.person_id),
        None => me.person_id.clone(),
    }
}

pub(crate) fn groups(me: &Me) -> String {
    let cut_off =
        if me.groups_missing.as_deref() == Some("cut-off") { ", and perhaps others that were not sent" } else { "" };
    match me.groups.as_deref() {
        None if has_too_many(me) => "too many for the university to send".to_owned(),
        None => "the university sent no group claim".to_owned(),
        Some([]) => "none".to_owned(),
        Some(groups) => groups.join(", ") + cut_off,
    }
}

fn has_too_many(me: &Me) -> bool {
    me.groups_missing.as_deref() == Some("too-many")
}

fn standings(standings: &[MyStanding]) -> String {
    let one = |MyStanding { lab, standing }: &MyStanding| format!("{lab} (you are a {})", standing_name(standing));
    standings.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn roles(me: &Me) -> impl Iterator<Item = String> {
    let roles = &me.roles;
    let name = |role: &MyRole| format!("{}/{}", role.lab, role.role);
    let width = roles.iter().map(|role| name(role).chars().count()).max().unwrap_or(0);
    roles.iter().map(move |role| {
        let end = role.ends_at.as_deref().map(|at| format!("until {}", moment(at)));
        // Worth a word when it is sooner than the session's own end.
        let until = role.until.as_deref().filter(|until| *until != me.session_expires_at);
        let until = until.map(|at| format!("with this sign-in until {}", moment(at)));
        let terms: Vec<String> =
            end.into_iter().chain(until).chain(role.needs.as_deref().map(|it| need(it, role))).collect();
        let terms = if terms.is_empty() { String::new() } else { format!(" ({})", terms.join("; ")) };
        format!("  {:width$}  {}{terms}", name(role), role.title)
    })
}

fn need(need: &str, role: &MyRole) -> String {
    match need {
        "fresh-sign-in" => "sign in again: lodge login --fresh".to_owned(),
        "mfa" => "sign in with a second factor: lodge login --mfa".to_owned(),
        "approval" => "a PI must approve".to_owned(),
        "account-update" => "the AWS account must be updated".to_owned(),
        "account" => "the AWS account is not joined".to_owned(),
        "time" => match &role.again_at {
            Some(at) => format!("cut off; new credentials from {}", second(at)),
            None => "cut off just now".to_owned(),
        },
        "lifting" => "cut off until somebody who looks after the lab lifts it".to_owned(),
        other => format!("needs {other}"),
    }
}

/// Why nothing is open, as far as it is known, and what to do.
pub(crate) fn no_role(broker: &BrokerUrl, me: &Me) -> [String; 3] {
    let next = match me.groups.as_deref() {
        None if has_too_many(me) => format!(
            "Ask your university's IT to send Lodge only the groups assigned to it, then run: lodge login {broker} --fresh"
        ),
        None => format!("Ask your university's IT to release your groups to Lodge, then run: lodge login {broker}"),
        Some([]) => format!("Ask your PI or your university's IT which group to join, then run: lodge login {broker}"),
        Some(_) => match me.standings.iter().find(|standing| standing.standing == "pi") {
            Some(own) => format!("Map a group to a role of your lab: lodge mapping add {}/ROLE --group GROUP", own.lab),
            None => "Ask your PI to map one of your groups to a role, then run: lodge status".to_owned(),
        },
    };
    ["No role is open to you yet.".to_owned(), format!("Your groups: {}.", groups(me)), next]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(groups: Option<Vec<&str>>, roles: Vec<MyRole>) -> Me {
        Me {
            person_id: "p-0123456789abcdef".into(),
            name: Some("Ada Student".into()),
            connection: "campus".into(),
            connection_title: "Example University".into(),
            signed_in_at: "2026-11-21T09:00:00Z".into(),
            session_expires_at: "2026-11-21T21:00:00Z".into(),
            groups: groups.map(|groups| groups.into_iter().map(str::to_owned).collect()),
            groups_missing: None,
            roles,
            standings: Vec::new(),
            cut_offs: Vec::new(),
        }
    }

    fn role(role: &str, title: &str, ends_at: Option<&str>) -> MyRole {
        let ends_at = ends_at.map(str::to_owned);
        MyRole {
            lab: "vision".into(),
            role: role.into(),
            title: title.into(),
            ends_at,
            needs: None,
            again_at: None,
            until: None,
            warning: None,
        }
    }

    fn broker() -> BrokerUrl {
        "https://lodge.example.edu".parse().unwrap()
    }

    #[test]
    fn after_login_it_names_the_roles_and_the_next_command() {
        let roles =
            vec![role("read-results", "Read results", None), role("pay", "Pay workers", Some("2026-12-01T00:00:00Z"))];

        insta::assert_snapshot!(after_login(&broker(), &me(Some(vec!["students"]), roles)).join("\n"), @"
        Signed in to https://lodge.example.edu as Ada Student (p-0123456789abcdef) until 2026-11-21 21:00 UTC.
        You may use:
          vision/read-results  Read results
          vision/pay           Pay workers (until 2026-12-01 00:00 UTC)

        Next, write an AWS profile for each role, and use one:
          lodge configure
          aws sts get-caller-identity --profile vision-read-results
        ");
    }

    #[test]
    fn without_a_role_it_says_what_to_do() {
        insta::assert_snapshot!(after_login(&broker(), &me(Some(vec!["a", "b"]), vec![])).join("\n"), @"
        Signed in to https://lodge.example.edu as Ada Student (p-0123456789abcdef) until 2026-11-21 21:00 UTC.
        No role is open to you yet.
        Your groups: a, b.
        Ask your PI to map one of your groups to a role, then run: lodge status
        ");
    }

    #[test]
    fn without_a_group_claim_it_says_whom_to_ask() {
        insta::assert_snapshot!(after_login(&broker(), &me(None, vec![])).join("\n"), @"
        Signed in to https://lodge.example.edu as Ada Student (p-0123456789abcdef) until 2026-11-21 21:00 UTC.
        No role is open to you yet.
        Your groups: the university sent no group claim.
        Ask your university's IT to release your groups to Lodge, then run: lodge login https://lodge.example.edu
        ");
    }

    #[test]
    fn status_is_a_short_table() {
        let me = me(Some(vec!["students", "vision"]), vec![role("read-results", "Read results", None)]);

        insta::assert_snapshot!(status(&broker(), &me, &[]).join("\n"), @"
        Broker:  https://lodge.example.edu
        Person:  Ada Student (p-0123456789abcdef), signed in at Example University
        Until:   2026-11-21 21:00 UTC
        Groups:  students, vision
        Roles:
          vision/read-results  Read results
        ");
    }

    #[test]
    fn status_says_what_a_role_still_needs_and_which_labs_one_looks_after() {
        let needing = |name, end, need: &str| MyRole { needs: Some(need.to_owned()), ..role(name, "Title", end) };
        let roles = vec![
            needing("pay", Some("2026-12-01T00:00:00Z"), "mfa"),
            needing("publish", None, "approval"),
            needing("review", None, "fresh-sign-in"),
            needing("train", None, "a badge"),
            needing("stop", None, "lifting"),
            MyRole { again_at: Some("2026-11-21T09:31:05Z".into()), ..needing("wait", None, "time") },
            MyRole { until: Some("2026-11-21T10:00:00Z".into()), ..role("read-results", "Read results", None) },
            MyRole { until: Some("2026-11-21T21:00:00Z".into()), ..role("see", "See", None) },
        ];
        let standing = |lab: &str, standing: &str| MyStanding { lab: lab.into(), standing: standing.into() };
        let standings = vec![standing("language", "manager"), standing("vision", "pi")];
        let me = Me { standings, ..me(Some(vec!["staff"]), roles) };

        insta::assert_snapshot!(status(&broker(), &me, &[]).join("\n"), @"
        Broker:  https://lodge.example.edu
        Person:  Ada Student (p-0123456789abcdef), signed in at Example University
        Until:   2026-11-21 21:00 UTC
        Groups:  staff
        Labs:    language (you are a manager), vision (you are a PI)
        Roles:
          vision/pay           Title (until 2026-12-01 00:00 UTC; sign in with a second factor: lodge login --mfa)
          vision/publish       Title (a PI must approve)
          vision/review        Title (sign in again: lodge login --fresh)
          vision/train         Title (needs a badge)
          vision/stop          Title (cut off until somebody who looks after the lab lifts it)
          vision/wait          Title (cut off; new credentials from 2026-11-21 09:31:05 UTC)
          vision/read-results  Read results (with this sign-in until 2026-11-21 10:00 UTC)
          vision/see           See
        ");
        assert!(after_login(&broker(), &me).last().unwrap().ends_with("--profile vision-read-results"));
    }

    #[test]
    fn a_pi_without_a_role_is_told_how_to_map_one() {
        let standings = vec![MyStanding { lab: "vision".into(), standing: "pi".into() }];
        let me = Me { standings, ..me(Some(vec!["staff"]), vec![]) };

        let told = after_login(&broker(), &me).pop().unwrap();

        assert_eq!(told, "Map a group to a role of your lab: lodge mapping add vision/ROLE --group GROUP");
    }

    #[test]
    fn groups_that_were_not_all_sent_are_said_so() {
        let with = |groups, missing: &str| Me { groups_missing: Some(missing.to_owned()), ..me(groups, vec![]) };

        let too_many = status(&broker(), &with(None, "too-many"), &[]);
        assert_eq!(too_many[3], "Groups:  too many for the university to send");
        assert_eq!(
            too_many.last().unwrap(),
            "Ask your university's IT to send Lodge only the groups assigned to it, then run: \
             lodge login https://lodge.example.edu --fresh"
        );
        let cut_off = status(&broker(), &with(Some(vec!["a", "b"]), "cut-off"), &[]);
        assert_eq!(cut_off[3], "Groups:  a, b, and perhaps others that were not sent");
    }

    #[test]
    fn status_without_a_role_says_what_to_do() {
        insta::assert_snapshot!(status(&broker(), &me(Some(vec![]), vec![]), &[]).join("\n"), @"
        Broker:  https://lodge.example.edu
        Person:  Ada Student (p-0123456789abcdef), signed in at Example University
        Until:   2026-11-21 21:00 UTC
        Groups:  none

        No role is open to you yet.
        Ask your PI or your university's IT which group to join, then run: lodge login https://lodge.example.edu
        ");
    }
}
