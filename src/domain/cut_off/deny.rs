//! The policy that denies: made of what is cut off and of nothing else, so that it can be made again at any time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{DenyMoment, Whose};
use crate::domain::id::{PersonId, RoleName};
use crate::domain::policy::Document;

/// How the inline policy at the session role is called. AWS's own button writes another one, `AWSRevokeOlderSessions`,
/// which is never touched.
pub const CUT_OFF_POLICY: &str = "lodge-cut-off";

/// How the source identity begins of a session with which the broker tries whether a deny holds. No id of anybody's looks
/// like it.
pub const CUT_OFF_CANARY: &str = "m-lodge-";

/// What all inline policies of a role may have together, white space not counted. Source: IAM User Guide, "IAM and AWS STS
/// quotas".
pub const INLINE_MAX_CHARS: usize = 10_240;

/// What of it a deny may take: beside it there is always room for `AWSRevokeOlderSessions`, which has 170.
pub const ROOM_CHARS: usize = INLINE_MAX_CHARS - 240;

/// How long after a moment a session is taken for one that may be denied by it: AWS's clock and ours are not the same.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// Whose sessions are denied, if they were issued before when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyEntry {
    /// Whose.
    pub whose: Whose,
    /// Before when.
    pub before: DenyMoment,
}

/// A session that the broker makes to try whether a deny holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanarySession {
    /// Its source identity.
    pub source_identity: String,
    /// The role that it has to be of.
    pub role: RoleName,
    /// It has to be issued before this.
    pub before: DenyMoment,
}

/// What is to stand at a lab's session role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deny {
    everyone: Option<DenyMoment>,
    roles: BTreeMap<DenyMoment, BTreeSet<RoleName>>,
    people: BTreeMap<DenyMoment, BTreeSet<PersonId>>,
    overflow: Option<DenyMoment>,
}

impl Deny {
    /// Of everything that is cut off, in no more characters than there is room.
    ///
    /// What does not fit is never dropped. Instead the oldest of it is covered by denying everybody's sessions of before
    /// then: those are the ones that die soonest by themselves, so that the fewest who have nothing to do with it lose the
    /// least.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a DenyEntry>, room: usize) -> Self {
        let mut everyone = None;
        let (mut roles, mut people) = (BTreeMap::new(), BTreeMap::new());
        for DenyEntry { whose, before } in entries {
            match whose {
                Whose::Everyone => everyone = everyone.max(Some(*before)),
                Whose::Role(role) => latest(&mut roles, role, *before),
                Whose::Person(person) => latest(&mut people, person, *before),
            }
        }
        let mut deny = Self { everyone, roles: by_moment(roles), people: by_moment(people), overflow: None };
        deny.cover(everyone);
        deny.overflow = deny.least_overflow(room);
        deny.cover(deny.overflow);
        deny
    }

    /// Leaves out what is denied with everybody's sessions of before then.
    fn cover(&mut self, everyone: Option<DenyMoment>) {
        self.everyone = self.everyone.max(everyone);
        self.roles.retain(|before, _| Some(*before) > everyone);
        self.people.retain(|before, _| Some(*before) > everyone);
    }

    /// Before when everybody is to be denied so that the rest fits; none when it fits as it is.
    fn least_overflow(&self, room: usize) -> Option<DenyMoment> {
        // It is written in ASCII and without white space. Beside a statement there is a comma.
        let chars = |statement: Value| statement.to_string().len() + 1;
        let mut left = self.document().map_or(0, |document| document.len());
        let mut least = None;
        for oldest in self.named() {
            if left <= room {
                break;
            }
            if least.is_none() && self.everyone.is_none() {
                left += chars(statement(None, oldest));
            }
            left -= self.statements_of(oldest).into_iter().map(chars).sum::<usize>();
            least = Some(oldest);
        }
        least
    }

    /// The moments of roles and people, oldest first.
    fn named(&self) -> BTreeSet<DenyMoment> {
        self.roles.keys().chain(self.people.keys()).copied().collect()
    }

    /// Whether there is nothing to deny.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.everyone.is_none() && self.roles.is_empty() && self.people.is_empty()
    }

    /// Before when everybody's sessions are denied because the rest did not fit, and not because somebody wanted it.
    #[must_use]
    pub const fn overflow(&self) -> Option<DenyMoment> {
        self.overflow
    }

    /// What a session of this role has to be like that is issued at that time, denied by this, and not by what AWS may have
    /// gone by so far: only such a one proves anything. None where there is no such session.
    #[must_use]
    pub fn canary(&self, older: &Self, role: &RoleName, at: DateTime<Utc>) -> Option<CanarySession> {
        // One that is denied with the newest people, and one that no people are denied with.
        let other = canary_name(&self.sha256()?);
        [self.canary_name(), other].into_iter().find_map(|name| {
            let was_denied = older.denies_before(&name, role).is_some_and(|before| at < before.at() + LEEWAY);
            let before = self.denies_before(&name, role).filter(|before| !was_denied && at < before.at())?;
            Some(CanarySession { source_identity: name, role: role.clone(), before })
        })
    }

    /// Before when a session of the broker's own is denied, by its source identity, by its role, or with everybody's.
    fn denies_before(&self, source_identity: &str, role: &RoleName) -> Option<DenyMoment> {
        let by_name = self.people.last_key_value().filter(|_| self.canary_name() == source_identity);
        let by_role = self.roles.iter().filter(|(_, roles)| roles.contains(role)).map(|(before, _)| *before).max();
        by_name.map(|(before, _)| *before).max(by_role).max(self.everyone)
    }

    /// The source identity of a session that is denied with the newest people: another one whenever those are others, so that
    /// what was denied before proves nothing.
    fn canary_name(&self) -> String {
        let Some((before, people)) = self.people.last_key_value() else { return canary_name(&policy_sha256("")) };
        let names: Vec<&str> = people.iter().map(PersonId::as_str).collect();
        canary_name(&policy_sha256(&format!("{before} {}", names.join(" "))))
    }

    /// How many people are named.
    #[must_use]
    pub fn people(&self) -> usize {
        self.people.values().map(BTreeSet::len).sum()
    }

    /// How many different moments there are.
    #[must_use]
    pub fn moments(&self) -> usize {
        self.named().len() + usize::from(self.everyone.is_some())
    }

    /// The policy as it is sent, always in the same order; none when there is nothing to deny, which IAM takes no policy for.
    #[must_use]
    pub fn document(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let everyone = self.everyone.map(|before| statement(None, before));
        let named = self.named().into_iter().flat_map(|before| self.statements_of(before));
        let statements: Vec<Value> = everyone.into_iter().chain(named).collect();
        Some(json!({"Version": "2012-10-17", "Statement": statements}).to_string())
    }

    /// What is denied by name if it was issued before this moment.
    fn statements_of(&self, before: DenyMoment) -> Vec<Value> {
        let mut statements = Vec::new();
        if let Some(roles) = self.roles.get(&before) {
            let roles = one_or_many(roles.iter().map(RoleName::as_str));
            statements.push(statement(Some(("StringEquals", "aws:PrincipalTag/lodge-role", roles)), before));
        }
        if let Some(people) = self.people.get(&before) {
            let is_newest = self.people.keys().next_back() == Some(&before);
            let canary = is_newest.then(|| self.canary_name());
            let people = one_or_many(canary.as_deref().into_iter().chain(people.iter().map(PersonId::as_str)));
            statements.push(statement(Some(("StringEquals", "aws:SourceIdentity", people)), before));
            if is_newest {
                // Nobody can tell whose such a session is. The broker makes none, and the role's trust policy takes none.
                statements.push(statement(Some(("Null", "aws:SourceIdentity", "true".into())), before));
            }
        }
        statements
    }

    /// SHA-256 of the policy, in hexadecimal; none when there is none.
    #[must_use]
    pub fn sha256(&self) -> Option<String> {
        self.document().as_deref().map(policy_sha256)
    }

    /// Whether a policy that was found says the same, however it is written. One that cannot be read as a policy, as when a
    /// key in it is given twice, does not: which of the two AWS goes by is not ours to guess.
    #[must_use]
    pub fn is_said_by(&self, found: Option<&str>) -> bool {
        match (self.document(), found) {
            (None, None) => true,
            (Some(wanted), Some(found)) => {
                let is_same = serde_json::from_str::<Value>(found).ok() == serde_json::from_str(&wanted).ok();
                is_same && Document::parse(found).is_ok()
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

fn canary_name(sha256: &str) -> String {
    format!("{CUT_OFF_CANARY}{}", &sha256[..8])
}

/// SHA-256 of a policy, in hexadecimal.
#[must_use]
pub fn policy_sha256(policy: &str) -> String {
    hex::encode(Sha256::digest(policy))
}

/// How much of the room for inline policies a policy takes: IAM does not count white space.
#[must_use]
pub fn counted_chars(policy: &str) -> usize {
    policy.chars().filter(|c| !c.is_whitespace()).count()
}

fn latest<'a, K: Ord>(all: &mut BTreeMap<&'a K, DenyMoment>, key: &'a K, before: DenyMoment) {
    let known = all.entry(key).or_insert(before);
    *known = before.max(*known);
}

fn by_moment<K: Clone + Ord>(all: BTreeMap<&K, DenyMoment>) -> BTreeMap<DenyMoment, BTreeSet<K>> {
    let mut moments: BTreeMap<DenyMoment, BTreeSet<K>> = BTreeMap::new();
    for (key, before) in all {
        moments.entry(before).or_default().insert(key.clone());
    }
    moments
}

fn one_or_many<'a>(values: impl Iterator<Item = &'a str>) -> Value {
    let values: Vec<&str> = values.collect();
    if let [one] = values[..] { one.into() } else { values.into() }
}

/// Everything is denied, on these conditions.
fn statement(whose: Option<(&str, &str, Value)>, before: DenyMoment) -> Value {
    let mut conditions = Map::new();
    if let Some((operator, key, values)) = whose {
        conditions.insert(operator.to_owned(), json!({key: values}));
    }
    conditions.insert("DateLessThan".to_owned(), json!({"aws:TokenIssueTime": before.to_string()}));
    json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": conditions})
}

#[cfg(test)]
mod tests;
