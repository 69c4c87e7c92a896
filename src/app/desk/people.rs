//! People: finding them, and stopping one everywhere at once.

use super::{Desk, DeskError, DeskResult};
use crate::domain::id::PersonId;
use crate::domain::ledger::{Book, Event};
use crate::store::{LabStanding, PersonRow};

/// Some of the people, by id.
#[derive(Clone, Debug)]
pub struct PeoplePage {
    /// Each with what they may administer.
    pub people: Vec<(PersonRow, Vec<LabStanding>)>,
    /// Whether there are more after the last of these.
    pub more: bool,
}

impl Desk {
    /// At most `limit` people after the given one: everybody, or those whose name has `search` in it, or whose id or
    /// subject it is.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn people(&self, search: &str, after: Option<&PersonId>, limit: u32) -> DeskResult<PeoplePage> {
        let mut tx = self.store.read().await?;
        let mut rows = tx.people(&self.operator, search, after, limit.saturating_add(1)).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let mut people = Vec::new();
        for row in rows {
            let standings = tx.standings_of_person(&row.id).await?;
            people.push((row, standings));
        }
        Ok(PeoplePage { people, more })
    }

    /// Suspends somebody: every session of theirs ends now, none begins, and they are given nothing. AWS credentials
    /// that they already have live until they expire. Gives the person and how many sessions were ended.
    ///
    /// # Errors
    ///
    /// When nobody has that id, they are suspended already, or the database is away.
    pub async fn suspend(&self, id: &PersonId) -> DeskResult<(PersonRow, u64)> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        if !tx.suspend(&self.operator, id, now).await? {
            let known = tx.is_person(id).await?;
            return Err(if known { DeskError::Already("suspended already") } else { DeskError::NoSuchPerson });
        }
        let sessions = tx.end_sessions_of(id, now).await?;
        tx.append(Book::Broker, self.act(Event::PersonSuspended { person: id.clone() })).await?;
        let person = tx.person(&self.operator, id).await?.ok_or(DeskError::NoSuchPerson)?;
        tx.commit().await?;
        Ok((person, sessions))
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
