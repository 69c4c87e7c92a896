//! Reading a lab's ledger: from its end backwards, filtered, so much at a time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::names::{LabNames, NamedPerson};
use super::{Broker, Caller, LabError, LabPlace, Result};
use crate::domain::id::{LabName, PersonId, RoleName};
use crate::domain::lab::Role;
use crate::domain::ledger::{Thread, Word};
use crate::store::{FoundEntries, FoundEntry, LEDGER_CHOICES_MAX, LedgerFilter};

/// How many entries a page has, at most.
pub const LEDGER_PAGE_MAX: u32 = 200;

/// A kind of thing that people look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerCategory {
    /// What stands in an address.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// The kinds of entries in it.
    pub kinds: &'static [&'static str],
}

/// What a lab's entries can be looked through for.
pub const LEDGER_CATEGORIES: [LedgerCategory; 7] = [
    LedgerCategory { name: "credentials", title: "Credentials", kinds: &["attempted", "issued", "refused", "failed"] },
    LedgerCategory { name: "refusals", title: "Refusals and failures", kinds: &["refused", "failed"] },
    LedgerCategory {
        name: "mappings",
        title: "Mappings",
        kinds: &["mapping-added", "mapping-edited", "mapping-ended", "mapping-change-asked", "mapping-change-declined"],
    },
    LedgerCategory {
        name: "people",
        title: "People and standings",
        kinds: &["standing-given", "standing-taken", "pi-invited", "invitation-withdrawn"],
    },
    LedgerCategory {
        name: "account",
        title: "The AWS account",
        kinds: &["account-check-begun", "account-checked", "account-joined"],
    },
    LedgerCategory {
        name: "cut-offs",
        title: "Sessions cut off",
        kinds: &["cut-off", "cut-off-lifted", "deny-applied", "deny-restored"],
    },
    LedgerCategory {
        name: "settings",
        title: "Settings and the lab itself",
        kinds: &[
            "lab-limit-changed",
            "role-limit-changed",
            "role-added",
            "role-changed",
            "role-ended",
            "lab-created",
            "lab-archived",
            "lab-restored",
        ],
    },
];

/// What somebody looks for. What is not said leaves all in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerWish {
    /// Somebody's id, or a part of the name of somebody of the lab.
    pub person: Option<String>,
    /// Any of these kinds; at most [`LEDGER_CHOICES_MAX`].
    pub kinds: Vec<&'static str>,
    /// A role.
    pub role: Option<RoleName>,
    /// From this moment on.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub to: Option<DateTime<Utc>>,
    /// A part of the entry's text.
    pub text: Option<String>,
}

/// A part of a lab's ledger.
#[derive(Clone, Debug)]
pub struct LedgerPart {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// The entries, and where the next part begins.
    pub found: FoundEntries,
    /// Those people of the lab whom the entries speak of. Nobody else is in it.
    pub people: BTreeMap<PersonId, NamedPerson>,
    /// The lab's roles, by name, to choose from.
    pub roles: Vec<Role>,
}

impl LedgerPart {
    /// The role that an entry is about.
    #[must_use]
    pub fn role_of(found: &FoundEntry) -> Option<&RoleName> {
        found.entry.as_ref().and_then(|entry| entry.event.role()).or(found.asked_for.as_ref())
    }
}

impl Broker {
    /// At most `limit` entries of a lab's ledger, the newest first, below the place `below`. What the caller may see is
    /// asked anew each time, so who reads on and on stops when their session or their standing does.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, too many people are called what was looked for, or the database is
    /// away.
    pub async fn ledger(
        &self,
        caller: &Caller,
        lab: &LabName,
        wish: &LedgerWish,
        below: Option<i64>,
        limit: u32,
    ) -> Result<LedgerPart> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut lab = tx.lab(&access).await?;
        let roles = lab.roles().await?;
        let names = LabNames::read(&mut lab).await?;
        let people = match wish.person.as_deref().map(|text| (text, text.parse::<PersonId>())) {
            None => Some(Vec::new()),
            Some((_, Ok(id))) => Some(vec![id]),
            Some((name, Err(_))) => {
                let meant: Vec<PersonId> = names.called(name).take(LEDGER_CHOICES_MAX + 1).cloned().collect();
                if meant.len() > LEDGER_CHOICES_MAX {
                    return Err(LabError::TooManyCalledSo.into());
                }
                Some(meant).filter(|ids| !ids.is_empty())
            }
        };
        let found = match people {
            Some(people) => {
                let filter = LedgerFilter {
                    people,
                    kinds: wish.kinds.clone(),
                    role: wish.role.clone(),
                    from: wish.from,
                    to: wish.to,
                    text: wish.text.clone(),
                };
                lab.look_back(&filter, below, limit).await?
            }
            // Nobody of the lab is called so, so nothing is by them.
            None => FoundEntries::default(),
        };
        let spoken_of = found.entries.iter().flat_map(people_of);
        let people = spoken_of.filter_map(|id| names.find(&id)).map(|person| (person.id.clone(), person)).collect();
        Ok(LedgerPart { place: LabPlace::of(&access), found, people, roles })
    }
}

/// Everybody in an entry: who did it, and whom it speaks of.
fn people_of(found: &FoundEntry) -> Vec<PersonId> {
    let Some(entry) = &found.entry else { return Vec::new() };
    let by = match &entry.thread {
        Thread::Attempt(person, _) => Some(person),
        Thread::Act(actor, _) => actor.person(),
    };
    by.into_iter().chain(entry.event.people()).cloned().collect()
}

impl LedgerPart {
    /// What happened, in plain words: `Noor Bakker (p-0123456789abcdef) asked for pay`.
    #[must_use]
    pub fn in_words(&self, found: &FoundEntry) -> String {
        let Some(entry) = &found.entry else { return DAMAGED.to_owned() };
        let words = entry.sentence(found.asked_for.as_ref()).into_iter().map(|word| match word {
            Word::Person(id) => match self.people.get(&id).and_then(|person| person.name.as_ref()) {
                Some(name) => format!("{} ({id})", name.as_str()),
                _ => id.to_string(),
            },
            Word::Moment(at) => {
                at.parse::<DateTime<Utc>>().map_or(at, |at| at.format("%Y-%m-%d %H:%M UTC").to_string())
            }
            Word::Group(group) => format!("\"{group}\""),
            other => other.to_string(),
        });
        words.collect()
    }
}

/// What is said in place of an entry that is not as it was written.
pub const DAMAGED: &str = "This entry is not as it was written: somebody has changed the database";
