//! People: finding them, and stopping one everywhere at once.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::super::cut_off::{PersonCutOffWish, cut_off_everywhere};
use super::{Desk, DeskError, DeskResult};
use crate::domain::cut_off::CutOffCause;
use crate::domain::id::PersonId;
use crate::domain::ledger::{Book, Event};
use crate::store::{LabStanding, PeopleSearch, PersonCutOffRow, PersonRow};

/// Some of the people, by id.
#[derive(Clone, Debug)]
pub struct PeoplePage {
    /// Each with what they may administer.
    pub people: Vec<(PersonRow, Vec<LabStanding>)>,
    /// Whether there are more after the last of these.
    pub more: bool,
}

/// Somebody, and what the operator wants to know of them.
#[derive(Clone, Debug)]
pub struct PersonDetails {
    /// Who.
    pub person: PersonRow,
    /// What they may administer.
    pub standings: Vec<LabStanding>,
    /// How many browsers they are signed in with.
    pub browsers: usize,
    /// How many helpers.
    pub helpers: usize,
}

impl Desk {
    /// At most `limit` people after the given one, of those who are looked for.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn people(
        &self,
        search: PeopleSearch<'_>,
        after: Option<&PersonId>,
        limit: u32,
    ) -> DeskResult<PeoplePage> {
        let mut tx = self.store.read().await?;
        let mut rows = tx.people(&self.operator, search, after, limit.saturating_add(1)).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let mut standings: BTreeMap<PersonId, Vec<LabStanding>> = BTreeMap::new();
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            for (person, standing) in tx.standings_of_people(&self.operator, &first.id, &last.id).await? {
                standings.entry(person).or_default().push(standing);
            }
        }
        let with_standings = |row: PersonRow| {
            let standings = standings.remove(&row.id).unwrap_or_default();
            (row, standings)
        };
        Ok(PeoplePage { people: rows.into_iter().map(with_standings).collect(), more })
    }

    /// One person, and where they are signed in: a browser that was not used for `idle` is not.
    ///
    /// # Errors
    ///
    /// When nobody has that id, or the database is away.
    pub async fn person(&self, id: &PersonId, idle: TimeDelta) -> DeskResult<PersonDetails> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let person = tx.person(&self.operator, id).await?.ok_or(DeskError::NoSuchPerson)?;
        Ok(PersonDetails {
            person,
            standings: tx.standings_of_person(id).await?,
            browsers: tx.browser_sessions_of(id, now, now - idle).await?.len(),
            helpers: tx.cli_sessions_of(id, now).await?.len(),
        })
    }

    /// Suspends somebody: every session of theirs ends now, none begins, they are given nothing, and the AWS credentials that
    /// they have already are cut off in all labs, by a broker. Gives the person, how many sessions were ended, and the
    /// cut-off.
    ///
    /// # Errors
    ///
    /// When nobody has that id, it is the operator themselves, they are suspended already, or the database is away.
    pub async fn suspend(&self, id: &PersonId) -> DeskResult<(PersonRow, u64, PersonCutOffRow)> {
        if self.operator.is(id) {
            return Err(DeskError::Oneself);
        }
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        if !tx.suspend(&self.operator, id, now).await? {
            let known = tx.is_person(id).await?;
            return Err(if known { DeskError::Already("suspended already") } else { DeskError::NoSuchPerson });
        }
        let sessions = tx.end_sessions_of(id, now).await?;
        tx.append(Book::Broker, self.act(Event::PersonSuspended { person: id.clone() })).await?;
        let person = tx.person(&self.operator, id).await?.ok_or(DeskError::NoSuchPerson)?;
        let wish = PersonCutOffWish {
            person: id.clone(),
            by: self.operator.actor(),
            cause: CutOffCause::Suspended,
            reason: None,
        };
        let cut_off = cut_off_everywhere(&mut tx, &self.random, now, wish).await?;
        tx.commit().await?;
        Ok((person, sessions, cut_off))
    }

    /// Lifts a suspension. They sign in anew.
    ///
    /// # Errors
    ///
    /// When nobody has that id, they are not suspended, or the database is away.
    pub async fn restore(&self, id: &PersonId) -> DeskResult<PersonRow> {
        let mut tx = self.store.write().await?;
        if !tx.restore(&self.operator, id).await? {
            let known = tx.is_person(id).await?;
            return Err(if known { DeskError::Already("not suspended") } else { DeskError::NoSuchPerson });
        }
        tx.append(Book::Broker, self.act(Event::PersonRestored { person: id.clone() })).await?;
        let person = tx.person(&self.operator, id).await?.ok_or(DeskError::NoSuchPerson)?;
        tx.commit().await?;
        Ok(person)
    }
}
