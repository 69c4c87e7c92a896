//! In what an account is not as it should be, in words.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::{Clause, clauses};
use super::found::{FoundAccount, FoundPolicy, FoundRole};
use super::plan::{MAX_SESSION_SECONDS, Plan};
use crate::domain::cut_off::CUT_OFF_POLICY;

/// A part of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The one that is assumed for people.
    SessionRole,
    /// The broker's own.
    StewardRole,
    /// The managed policy with the session role's permissions.
    Permissions,
    /// The managed policy that is its boundary.
    Boundary,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionRole => "the session role",
            Self::StewardRole => "the steward role",
            Self::Permissions => "the permissions policy",
            Self::Boundary => "the permissions boundary",
        })
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// It is not there.
    Missing(Part),
    /// The role was deleted and made anew: it has another id than when the account was joined.
    Recreated(Part),
    /// Its policy is one that cannot be read.
    Unreadable(Part),
    /// Anybody at all may assume the role.
    OpenToAnyone(Part),
    /// Whoever is trusted may assume the role without the external id that the broker sends.
    NoExternalId(Part),
    /// The role asks for another external id than the one that the broker sends.
    OtherExternalId(Part),
    /// The role trusts a principal by an id: the one with that id is gone.
    BrokerRecreated(Part, String),
    /// The policy does not say what it should.
    Lacks(Part, Vec<String>),
    /// The policy says more than it should.
    SaysMore(Part, Vec<String>),
    /// The session role has no boundary.
    NoBoundary,
    /// The session role's boundary is another policy.
    OtherBoundary(String),
    /// A managed policy that should be attached to the session role is not.
    Detached,
    /// A managed policy is attached that should not be.
    Attached(Part, String),
    /// There is an inline policy that should not be.
    Inline(Part, String),
    /// A session of the role may not be as long as it should, or may be longer.
    SessionLength(Part, u32),
}

impl Drift {
    /// Whether somebody could get more than the lab's roles give by it, or get in who should not.
    #[must_use]
    pub const fn is_opening(&self) -> bool {
        matches!(
            self,
            Self::Unreadable(_)
                | Self::OpenToAnyone(_)
                | Self::NoExternalId(_)
                | Self::OtherExternalId(_)
                | Self::SaysMore(..)
                | Self::NoBoundary
                | Self::OtherBoundary(_)
                | Self::Attached(..)
                | Self::Inline(..)
        )
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(part) => write!(f, "{part} is not in the account"),
            Self::Recreated(part) => write!(f, "{part} was deleted and made anew since the account was joined"),
            Self::Unreadable(part) => write!(f, "{part} has a policy that cannot be read"),
            Self::OpenToAnyone(part) => write!(f, "{part} can be assumed by anyone"),
            Self::NoExternalId(part) => write!(f, "{part} can be assumed without the external id"),
            Self::OtherExternalId(part) => write!(f, "{part} asks for another external id than this lab's"),
            Self::BrokerRecreated(part, id) => {
                write!(f, "{part} trusts {id}, a role that is gone: the broker's own role was deleted and made anew")
            }
            Self::Lacks(part, what) => write!(f, "{part} does not {}", what.join(", nor ")),
            Self::SaysMore(part, what) => write!(f, "{part} says in addition: {}", what.join("; ")),
            Self::NoBoundary => write!(f, "the session role has no permissions boundary"),
            Self::OtherBoundary(arn) => write!(f, "the session role's permissions boundary is {arn}"),
            Self::Detached => write!(f, "the permissions policy is not attached to the session role"),
            Self::Attached(part, arn) => write!(f, "{part} has the managed policy {arn} as well"),
            Self::Inline(part, name) => write!(f, "{part} has an inline policy \"{name}\" as well"),
            Self::SessionLength(part, seconds) => {
                write!(f, "a session of {part} may be {seconds} seconds long instead of {MAX_SESSION_SECONDS}")
            }
        }
    }
}

/// In what the account differs from the plan; `session_role_id` is what the session role's id was when it was joined.
#[must_use]
pub fn drift(plan: &Plan, found: &FoundAccount, session_role_id: Option<&str>) -> Vec<Drift> {
    let mut all = Vec::new();
    match &found.session_role {
        None => all.push(Drift::Missing(Part::SessionRole)),
        Some(role) => {
            if session_role_id.is_some_and(|id| id != role.id) {
                all.push(Drift::Recreated(Part::SessionRole));
            }
            trust(&mut all, Part::SessionRole, &plan.trust, role, plan.broker.as_str());
            match role.boundary.as_deref() {
                None => all.push(Drift::NoBoundary),
                Some(arn) if arn != plan.names.boundary() => all.push(Drift::OtherBoundary(arn.to_owned())),
                Some(_) => {}
            }
            if !role.attached.contains(&plan.names.permissions()) {
                all.push(Drift::Detached);
            }
            let others = role.attached.iter().filter(|arn| **arn != plan.names.permissions());
            all.extend(others.map(|arn| Drift::Attached(Part::SessionRole, arn.clone())));
            // What cuts sessions off comes and goes; whoever looks after it holds it against what is wanted.
            let inline = role.inline.keys().filter(|name| name.as_str() != CUT_OFF_POLICY);
            all.extend(inline.map(|name| Drift::Inline(Part::SessionRole, name.clone())));
            length(&mut all, Part::SessionRole, role);
        }
    }
    policy(&mut all, Part::Permissions, plan.permissions.document(), found.permissions.as_ref());
    policy(&mut all, Part::Boundary, plan.permissions.document(), found.boundary.as_ref());
    match &found.steward_role {
        None => all.push(Drift::Missing(Part::StewardRole)),
        Some(role) => {
            trust(&mut all, Part::StewardRole, &plan.steward_trust, role, plan.broker.as_str());
            let own = super::stack::STEWARD_POLICY;
            said(&mut all, Part::StewardRole, &plan.steward_permissions, role.inline.get(own).map(String::as_str));
            all.extend(role.attached.iter().map(|arn| Drift::Attached(Part::StewardRole, arn.clone())));
            let inline = role.inline.keys().filter(|name| name.as_str() != own);
            all.extend(inline.map(|name| Drift::Inline(Part::StewardRole, name.clone())));
            length(&mut all, Part::StewardRole, role);
        }
    }
    all
}

fn length(all: &mut Vec<Drift>, part: Part, role: &FoundRole) {
    if role.max_session_seconds != MAX_SESSION_SECONDS {
        all.push(Drift::SessionLength(part, role.max_session_seconds));
    }
}

fn policy(all: &mut Vec<Drift>, part: Part, wanted: &Value, found: Option<&FoundPolicy>) {
    match found {
        None => all.push(Drift::Missing(part)),
        Some(found) => said(all, part, wanted, Some(&found.document)),
    }
}

/// What a policy says beside what it should.
fn said(all: &mut Vec<Drift>, part: Part, wanted: &Value, found: Option<&str>) {
    let wanted = clauses(wanted).unwrap_or_default();
    let found = match found {
        None => Some(BTreeSet::new()),
        Some(text) => serde_json::from_str(text).ok().as_ref().and_then(clauses),
    };
    let Some(found) = found else { return all.push(Drift::Unreadable(part)) };
    differences(all, part, &wanted, &found);
}

fn differences(all: &mut Vec<Drift>, part: Part, wanted: &BTreeSet<Clause>, found: &BTreeSet<Clause>) {
    let words = |clauses: Vec<&Clause>| -> Vec<String> { clauses.into_iter().map(ToString::to_string).collect() };
    let (lacks, more) = (words(wanted.difference(found).collect()), words(found.difference(wanted).collect()));
    if !lacks.is_empty() {
        all.push(Drift::Lacks(part, lacks));
    }
    if !more.is_empty() {
        all.push(Drift::SaysMore(part, more));
    }
}

/// A trust policy beside what it should be: what matters most has words of its own.
fn trust(all: &mut Vec<Drift>, part: Part, wanted: &Value, role: &FoundRole, broker: &str) {
    let found = serde_json::from_str::<Value>(&role.trust).ok().as_ref().and_then(clauses);
    let Some(found) = found else { return all.push(Drift::Unreadable(part)) };
    let wanted = clauses(wanted).unwrap_or_default();
    let assuming: Vec<&Clause> = found.iter().filter(|clause| clause.lets("sts:AssumeRole")).collect();
    if assuming.iter().any(|clause| clause.is_about_all()) {
        all.push(Drift::OpenToAnyone(part));
    }
    if assuming.iter().any(|clause| clause.external_ids().is_none()) {
        all.push(Drift::NoExternalId(part));
    }
    let asked: BTreeSet<&String> = assuming.iter().filter_map(|clause| clause.external_ids()).flatten().collect();
    let sent: BTreeSet<&String> = wanted.iter().filter_map(Clause::external_ids).flatten().collect();
    if !asked.is_empty() && asked != sent {
        all.push(Drift::OtherExternalId(part));
    }
    // IAM shows a principal that is gone by its id.
    let gone: BTreeSet<&str> =
        found.iter().map(|clause| clause.about.as_str()).filter(|about| about.starts_with("AROA")).collect();
    let back: BTreeSet<Clause> = found
        .iter()
        .map(|clause| {
            let about = if gone.contains(clause.about.as_str()) { broker } else { &clause.about };
            Clause { about: about.to_owned(), ..clause.clone() }
        })
        .collect();
    all.extend(gone.iter().map(|id| Drift::BrokerRecreated(part, (*id).to_owned())));
    differences(all, part, &wanted, &back);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::account::fixture::{BROKER, GONE, SESSION_ROLE_ID, plan, untouched};
    use crate::domain::role_session::ExternalId;

    fn found(plan: &Plan, change: impl FnOnce(&mut FoundAccount)) -> Vec<String> {
        let mut account = untouched(plan);
        change(&mut account);
        drift(plan, &account, Some(SESSION_ROLE_ID)).iter().map(ToString::to_string).collect()
    }

    fn session(account: &mut FoundAccount) -> &mut FoundRole {
        account.session_role.as_mut().unwrap()
    }

    fn edited(text: &mut String, edit: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_str(text).unwrap();
        edit(&mut value);
        *text = value.to_string();
    }

    /// IAM gives back what it was given: other white space, other orders and a list of one mean the same.
    #[test]
    fn an_untouched_account_has_no_drift_however_it_is_written() {
        fn rewritten(value: &Value, turn: usize) -> Value {
            match value {
                Value::Array(items) if items.len() == 1 && turn.is_multiple_of(2) => rewritten(&items[0], turn),
                Value::Array(items) => {
                    let mut items: Vec<Value> = items.iter().map(|item| rewritten(item, turn)).collect();
                    let middle = turn % items.len().max(1);
                    items.rotate_left(middle);
                    items.into()
                }
                Value::Object(members) => {
                    members.iter().map(|(key, member)| (key.clone(), rewritten(member, turn))).collect()
                }
                other => other.clone(),
            }
        }
        let plan = plan();
        for turn in 0..1_000 {
            let mut account = untouched(&plan);
            let mut texts: Vec<&mut String> = Vec::new();
            texts.extend(account.permissions.as_mut().map(|it| &mut it.document));
            texts.extend(account.boundary.as_mut().map(|it| &mut it.document));
            texts.extend(account.session_role.as_mut().map(|it| &mut it.trust));
            for text in texts {
                let value: Value = serde_json::from_str(text).unwrap();
                *text = serde_json::to_string_pretty(&rewritten(&value, turn)).unwrap();
            }
            assert_eq!(drift(&plan, &account, Some(SESSION_ROLE_ID)), [], "{turn}");
        }
    }

    #[test]
    fn what_cuts_sessions_off_is_no_drift() {
        let plan = plan();
        let cut_off = ("lodge-cut-off".to_owned(), json!({"Statement": []}).to_string());

        assert_eq!(found(&plan, |account| session(account).inline.extend([cut_off])), [""; 0]);
    }

    type Case = (fn(&mut FoundAccount), &'static str);

    fn each_is_found(cases: &[Case]) {
        let plan = plan();
        for (change, expected) in cases {
            let words = found(&plan, change);
            assert!(words.iter().any(|words| words.starts_with(expected)), "{expected}: {words:#?}");
            assert!(
                !words.iter().any(|words| words.contains("lodge-0202") || words.contains("lodge-0909")),
                "{words:?}"
            );
        }
    }

    fn trust(account: &mut FoundAccount, edit: impl FnOnce(&mut Value)) {
        edited(&mut session(account).trust, edit);
    }

    fn statements(document: &mut Value) -> &mut Vec<Value> {
        document["Statement"].as_array_mut().unwrap()
    }

    #[test]
    fn each_change_of_who_may_assume_the_role_is_found_and_worded() {
        let cases: [Case; 7] = [
            (
                |it| trust(it, |trust| trust["Statement"][0]["Principal"] = json!({"AWS": "*"})),
                "the session role can be assumed by anyone",
            ),
            (
                |it| {
                    trust(it, |trust| {
                        trust["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
                    });
                },
                "the session role can be assumed without the external id",
            ),
            (
                |it| {
                    let other = ExternalId::from_entropy([9; 16]);
                    trust(it, |trust| {
                        trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = other.as_str().into();
                    });
                },
                "the session role asks for another external id than this lab's",
            ),
            (
                |it| session(it).trust = session(it).trust.replace(BROKER, GONE),
                "the session role trusts AROAEXAMPLEEXAMPLE222, a role that is gone: the broker's own role was deleted and \
                 made anew",
            ),
            (
                |it| {
                    trust(it, |trust| {
                        statements(trust).remove(2);
                    });
                },
                "the session role does not allow sts:TagSession on",
            ),
            (|it| session(it).trust = "<xml>".to_owned(), "the session role has a policy that cannot be read"),
            (
                |it| it.steward_role.as_mut().unwrap().trust = session(it).trust.clone(),
                "the steward role asks for another external id than this lab's",
            ),
        ];

        each_is_found(&cases);
    }

    #[test]
    fn each_change_of_what_the_role_may_do_is_found_and_worded() {
        let cases: [Case; 10] = [
            (|it| session(it).boundary = None, "the session role has no permissions boundary"),
            (
                |it| session(it).boundary = Some("arn:aws:iam::aws:policy/AdministratorAccess".to_owned()),
                "the session role's permissions boundary is arn:aws:iam::aws:policy/AdministratorAccess",
            ),
            (|it| it.boundary = None, "the permissions boundary is not in the account"),
            (
                |it| {
                    edited(&mut it.boundary.as_mut().unwrap().document, |document| {
                        statements(document).push(json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"}));
                    });
                },
                "the permissions boundary says in addition: allow iam:*",
            ),
            (
                |it| {
                    edited(&mut it.permissions.as_mut().unwrap().document, |document| {
                        let actions = document["Statement"][0]["Action"].as_array_mut().unwrap();
                        actions.retain(|action| action != "mechanicalturk:SendBonus");
                    });
                },
                "the permissions policy does not allow mechanicalturk:SendBonus",
            ),
            (
                |it| session(it).attached.push("arn:aws:iam::aws:policy/AmazonS3FullAccess".to_owned()),
                "the session role has the managed policy arn:aws:iam::aws:policy/AmazonS3FullAccess as well",
            ),
            (|it| session(it).attached.clear(), "the permissions policy is not attached to the session role"),
            (
                |it| {
                    session(it).inline.insert("mine".to_owned(), "{}".to_owned());
                },
                "the session role has an inline policy \"mine\" as well",
            ),
            (
                |it| session(it).max_session_seconds = 43_200,
                "a session of the session role may be 43200 seconds long instead of 3600",
            ),
            (|it| it.steward_role.as_mut().unwrap().inline.clear(), "the steward role does not allow iam:"),
        ];

        each_is_found(&cases);
    }

    #[test]
    fn a_role_that_is_gone_or_made_anew_is_found() {
        each_is_found(&[
            (|it| it.session_role = None, "the session role is not in the account"),
            (|it| it.steward_role = None, "the steward role is not in the account"),
            (
                |it| session(it).id = "AROAOTHER".to_owned(),
                "the session role was deleted and made anew since the account was joined",
            ),
        ]);
    }
}
