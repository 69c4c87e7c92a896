//! A lab at a glance: its people and what each has, the sessions that live, what needs attention first.
//!
//! Only a lab's own people are named: those who were given a role of it, and those who look after it. Who is merely in a
//! group that is mapped is not, and is in no number either.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use super::attention::{Attention, SOON, Seen};
use super::role_sessions::{SessionsPage, WantedSessions};
use super::standings::LabPlace;
use super::{Broker, Caller, LabView, Result};
use crate::domain::access::LabAccess;
use crate::domain::account::Readiness;
use crate::domain::id::{LabName, MappingId, ParseError, PersonId, RoleName};
use crate::domain::lab::{Lab, Office, Role, Standing};
use crate::domain::limits::GroupsAge;
use crate::domain::mapping::MappingTerms;
use crate::domain::person::LookAlikes;
use crate::store::{GivenBy, LabPerson, LabTx};

/// How many people a page has, at most.
pub const PEOPLE_PAGE_MAX: u32 = 200;

/// How many sessions are shown beside everything else.
const SESSIONS_AT_A_GLANCE: u32 = 25;

/// How far back refusals and failures count.
const LATELY: TimeDelta = TimeDelta::days(1);

/// What a role is to somebody, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holding {
    /// They have it.
    Has,
    /// They have it whenever they sign in with a second factor.
    WithMfa,
    /// A PI has to approve them first.
    Approval,
    /// Their groups are too old: they get it after a new sign-in, if they are in the group still.
    OldGroups,
}

/// A role that somebody has, or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub role: RoleName,
    /// By which mapping: of several, the one that asks for least, and of these the one that lives longest.
    pub mapping: MappingId,
    /// How far.
    pub holding: Holding,
    /// When that mapping ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether that is soon.
    pub ends_soon: bool,
    /// Whether a session of it lives.
    pub in_use: bool,
}

/// One of a lab's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: LabPerson,
    /// Whether another one's name looks the same.
    pub looks_like_another: bool,
    /// What they have, by role.
    pub roles: Vec<Held>,
}

/// A place in the list of a lab's people: PIs, then managers, then everybody else; those first who asked last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonPlace {
    rank: u8,
    asked: Reverse<i64>,
    id: PersonId,
}

impl PersonPlace {
    fn of(person: &LabPerson) -> Self {
        let rank = match person.office {
            Some(Office::Pi) => 0,
            Some(Office::Manager) => 1,
            None => 2,
        };
        let asked = person.last_asked_at.map_or(0, |at| at.timestamp_micros());
        Self { rank, asked: Reverse(asked), id: person.id.clone() }
    }
}

impl fmt::Display for PersonPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.rank, self.asked.0, self.id)
    }
}

impl FromStr for PersonPlace {
    type Err = ParseError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        let wrong = || ParseError::new("place in the list", "what `next` said");
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(wrong);
        let (rank, asked, id) = (part()?, part()?, part()?);
        Ok(Self {
            rank: rank.parse().map_err(|_| wrong())?,
            asked: Reverse(asked.parse().map_err(|_| wrong())?),
            id: id.parse().map_err(|_| wrong())?,
        })
    }
}

/// Which of a lab's people are wanted.
#[derive(Clone, Debug, Default)]
pub struct WantedPeople {
    /// A part of the name, or a whole id; everybody when it is empty.
    pub search: String,
    /// After this place.
    pub after: Option<PersonPlace>,
    /// At most so many.
    pub limit: u32,
}

/// A page of a lab's people.
#[derive(Clone, Debug)]
pub struct MembersPage {
    /// Them.
    pub people: Vec<Member>,
    /// Where the next page begins, when there is one.
    pub next: Option<PersonPlace>,
    /// How many there are on all pages.
    pub total: usize,
}

/// A lab and a page of its people.
#[derive(Clone, Debug)]
pub struct LabMembers {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// The page.
    pub page: MembersPage,
    /// How many people it has, whoever is looked for.
    pub everybody: usize,
    /// The one that was asked for by their id, when they are one of the lab's people; and whether another one's name looks
    /// the same.
    pub named: Option<(LabPerson, bool)>,
}

/// A role, and how much it is used.
#[derive(Clone, Debug)]
pub struct RoleColumn {
    /// The role.
    pub role: Role,
    /// How many of the lab's people have it.
    pub people: u64,
    /// How many sessions of it live.
    pub sessions: u64,
    /// How many mappings give it.
    pub mappings: usize,
}

/// A lab, as those see it who look after it.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Its roles, by name.
    pub roles: Vec<RoleColumn>,
    /// Its people.
    pub people: MembersPage,
    /// How many of them were given a role once.
    pub known: usize,
    /// The newest sessions that live.
    pub sessions: SessionsPage,
    /// What needs attention, the most urgent first.
    pub attention: Vec<Attention>,
}

impl Overview {
    /// How many sessions live.
    #[must_use]
    pub fn live_sessions(&self) -> u64 {
        self.roles.iter().map(|column| column.sessions).sum()
    }

    /// Whether any mapping gives anything.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.roles.iter().any(|column| column.mappings > 0)
    }
}

/// A lab, as its front page shows it.
#[derive(Clone, Debug)]
pub enum LabFront {
    /// To who uses it.
    Member(Box<LabView>),
    /// To who looks after it.
    Keeper(Box<Overview>),
}

/// All of a lab's people in the order of the list, and who of them looks like whom.
pub(super) struct Roster {
    pub(super) people: Vec<LabPerson>,
    pub(super) look_alikes: LookAlikes,
}

impl Roster {
    pub(super) async fn read(lab: &mut LabTx<'_>) -> Result<Self> {
        let mut people = lab.lab_people().await?;
        people.sort_by_cached_key(PersonPlace::of);
        let look_alikes = LookAlikes::of(people.iter().map(|person| (&person.id, person.name.as_ref())));
        Ok(Self { people, look_alikes })
    }

    pub(super) fn has_look_alike(&self, person: &LabPerson) -> bool {
        self.look_alikes.has(&person.id, person.name.as_ref())
    }

    pub(super) fn find(&self, id: &PersonId) -> Option<&LabPerson> {
        self.people.iter().find(|person| person.id == *id)
    }

    /// PIs who can do something.
    pub(super) fn able_pis(&self) -> impl Iterator<Item = &LabPerson> {
        self.people.iter().filter(|person| person.office == Some(Office::Pi) && !person.suspended)
    }

    /// The people of the wanted page, where the next one begins, and how many are on all pages.
    fn page(&self, wanted: &WantedPeople) -> (Vec<&LabPerson>, Option<PersonPlace>, usize) {
        let search = wanted.search.trim().to_lowercase();
        let is_found = |person: &&LabPerson| {
            let in_name = |name: &str| name.to_lowercase().contains(&search);
            search.is_empty()
                || person.id.as_str() == search
                || person.name.as_ref().is_some_and(|name| in_name(name.as_str()))
        };
        let found: Vec<&LabPerson> = self.people.iter().filter(is_found).collect();
        let total = found.len();
        let after = |person: &&LabPerson| wanted.after.as_ref().is_none_or(|after| PersonPlace::of(person) > *after);
        let limit = wanted.limit as usize;
        let mut people: Vec<&LabPerson> = found.into_iter().filter(after).take(limit + 1).collect();
        let next = (people.len() > limit).then(|| people[limit - 1]).map(PersonPlace::of);
        people.truncate(limit);
        (people, next, total)
    }

    async fn members(
        &self,
        open: &mut LabTx<'_>,
        lab: &Lab,
        wanted: &WantedPeople,
        now: DateTime<Utc>,
    ) -> Result<MembersPage> {
        let (people, next, total) = self.page(wanted);
        let ids: Vec<PersonId> = people.iter().map(|person| person.id.clone()).collect();
        let given = if ids.is_empty() { Vec::new() } else { open.given_to(&ids, now).await? };
        let used = open.roles_in_use(&ids, now).await?;
        let used: HashSet<(&PersonId, &RoleName)> = used.iter().map(|(person, role)| (person, role)).collect();
        let mut given_to: BTreeMap<&PersonId, Vec<&GivenBy>> = BTreeMap::new();
        for one in &given {
            given_to.entry(&one.person).or_default().push(one);
        }
        let people = people.into_iter().map(|person| {
            let given = given_to.get(&person.id).filter(|_| !person.suspended);
            let mut roles = given.map_or_else(Vec::new, |given| held(given, lab, now));
            for role in &mut roles {
                role.in_use = used.contains(&(&person.id, &role.role));
            }
            Member { looks_like_another: self.has_look_alike(person), person: person.clone(), roles }
        });
        Ok(MembersPage { people: people.collect(), next, total })
    }
}

/// What these mappings, which come by role, make of a role each.
fn held(given: &[&GivenBy], lab: &Lab, now: DateTime<Utc>) -> Vec<Held> {
    let mut roles: Vec<(Held, &MappingTerms)> = Vec::new();
    for one in given {
        let too_old = now >= GroupsAge::of_lab(lab.groups_age).end(one.groups_at);
        let holding = match &one.terms {
            _ if too_old => Holding::OldGroups,
            terms if terms.needs_approval => Holding::Approval,
            terms if terms.needs_mfa => Holding::WithMfa,
            _ => Holding::Has,
        };
        let ends_at = one.terms.ends_at;
        let ends_soon = ends_at.is_some_and(|end| end <= now + SOON);
        let (role, mapping) = (one.role.clone(), one.mapping.clone());
        let new = Held { role, mapping, holding, ends_at, ends_soon, in_use: false };
        match roles.last_mut().filter(|(last, _)| last.role == new.role) {
            Some((last, terms)) => {
                if (new.holding, Reverse(one.terms.end())) < (last.holding, Reverse(terms.end())) {
                    (*last, *terms) = (new, &one.terms);
                }
            }
            None => roles.push((new, &one.terms)),
        }
    }
    roles.into_iter().map(|(role, _)| role).collect()
}

impl Broker {
    /// A lab's front page, for whoever belongs to it.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn lab_front(&self, caller: &Caller, lab: &LabName, wanted: &WantedPeople) -> Result<LabFront> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access;
        if access.standing() < Some(Standing::Manager) {
            drop(tx);
            return Ok(LabFront::Member(Box::new(self.lab_view(caller, lab).await?)));
        }
        let access = access.manager()?;
        let mut open = tx.lab(&access).await?;
        Ok(LabFront::Keeper(Box::new(self.look_over(&mut open, &access, wanted).await?)))
    }

    /// A lab at a glance, for whoever looks after it.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn overview(&self, caller: &Caller, lab: &LabName, wanted: &WantedPeople) -> Result<Overview> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        self.look_over(&mut open, &access, wanted).await
    }

    async fn look_over(&self, open: &mut LabTx<'_>, access: &LabAccess, wanted: &WantedPeople) -> Result<Overview> {
        let now = self.clock.now();
        let lab = access.lab();
        let roster = Roster::read(open).await?;
        let people = roster.members(open, lab, wanted, now).await?;
        let wanted = WantedSessions { limit: SESSIONS_AT_A_GLANCE, ..WantedSessions::default() };
        let sessions = self.sessions_of(open, &roster, &wanted).await?;
        let mappings = open.live_mappings(now).await?;
        let holders = open.role_holders(GroupsAge::of_lab(lab.groups_age).oldest(now), now).await?;
        let counted = open.count_role_sessions(now).await?;
        let count = |of: &[(RoleName, u64)], role: &RoleName| {
            of.iter().find(|(name, _)| name == role).map_or(0, |(_, count)| *count)
        };
        let roles = open.roles().await?.into_iter().map(|role| RoleColumn {
            people: count(&holders, &role.name),
            sessions: count(&counted, &role.name),
            mappings: mappings.iter().filter(|mapping| mapping.role == role.name).count(),
            role,
        });
        let roles: Vec<RoleColumn> = roles.collect();
        let waiting =
            open.changes(now, None, super::MAPPINGS_PAGE_MAX).await?.into_iter().map(|change| change.id).collect();
        let trouble = open.recent_trouble(now - LATELY).await?;
        let (account, known) = (open.account().await?, open.account_roles().await?);
        let found = roles.iter().map(|column| self.account_role(&column.role, &account, &known));
        let awaiting = found.filter(|role| role.readiness == Readiness::AwaitingUpdate).map(|role| role.name).collect();
        let attention =
            Attention::of(&roster, &roles, Seen { account: account.state, awaiting, mappings, waiting, trouble }, now);
        let known = roster.people.iter().filter(|person| person.last_asked_at.is_some()).count();
        Ok(Overview { place: LabPlace::of(access), roles, people, known, sessions, attention })
    }

    /// A page of a lab's people, and one of them by their id, for whoever looks after it.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn lab_members(
        &self,
        caller: &Caller,
        lab: &LabName,
        wanted: &WantedPeople,
        named: Option<&PersonId>,
    ) -> Result<LabMembers> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        let roster = Roster::read(&mut open).await?;
        let page = roster.members(&mut open, access.lab(), wanted, self.clock.now()).await?;
        let named = named.and_then(|id| roster.find(id)).map(|person| (person.clone(), roster.has_look_alike(person)));
        Ok(LabMembers { place: LabPlace::of(&access), page, everybody: roster.people.len(), named })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_own_text_and_nothing_else_is_one() {
        let id = PersonId::from_entropy([7; 10]);
        let place = PersonPlace { rank: 2, asked: Reverse(1_795_266_000_123_456), id: id.clone() };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "2", "2.5", "2.5.p-x", "300.5.p-040g2081040g2081", "2.x.p-040g2081040g2081", "\0", "2.5.6.7"]
        {
            assert!(wrong.parse::<PersonPlace>().is_err(), "{wrong:?}");
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_266_000, 0).unwrap()
    }

    fn lab() -> Lab {
        Lab {
            id: crate::domain::id::LabId::from_entropy([1; 10]),
            name: "vision".parse().unwrap(),
            title: "Vision".to_owned(),
            session_role: "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
            external_id: crate::domain::role_session::ExternalId::from_entropy([2; 16]),
            created_at: now(),
            archived_at: None,
            groups_age: None,
        }
    }

    #[test]
    fn of_several_mappings_to_a_role_the_one_counts_that_asks_for_least() {
        let given = |which: u8, role: &str, needs: (bool, bool), days: Option<i64>, groups_days: i64| GivenBy {
            person: PersonId::from_entropy([1; 10]),
            mapping: MappingId::from_entropy([which; 10]),
            role: role.parse().unwrap(),
            terms: MappingTerms {
                needs_mfa: needs.0,
                needs_approval: needs.1,
                ends_at: days.map(|days| now() + TimeDelta::days(days)),
                ..MappingTerms::default()
            },
            groups_at: now() - TimeDelta::days(groups_days),
        };
        let all = [
            given(1, "a", (false, false), Some(7), 1),
            given(2, "a", (false, false), Some(6), 1),
            given(3, "b", (true, false), Some(8), 1),
            given(4, "b", (false, true), None, 1),
            given(5, "c", (false, true), None, 1),
            given(6, "d", (false, false), None, 30),
        ];
        let refs: Vec<_> = all.iter().collect();

        let found: Vec<_> = held(&refs, &lab(), now())
            .into_iter()
            .map(|held| (held.role.to_string(), held.mapping, held.holding, held.ends_soon))
            .collect();

        let id = |which: u8| MappingId::from_entropy([which; 10]);
        let one = |role: &str, which, holding, soon| (role.to_owned(), id(which), holding, soon);
        let expected = [
            one("a", 1, Holding::Has, true),
            one("b", 3, Holding::WithMfa, false),
            one("c", 5, Holding::Approval, false),
            one("d", 6, Holding::OldGroups, false),
        ];
        assert_eq!(found, expected);
    }
}
