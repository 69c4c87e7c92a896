//! What a cut-off would do, before anybody wants it: how many sessions it is about, and when the last of them dies anyway.

use chrono::{DateTime, Utc};

use super::super::desk::{Desk, DeskResult};
use super::super::names::{LabNames, NamedPerson};
use super::super::sessions::require_live;
use super::super::{Broker, Caller, LabError, LabPlace, Result};
use crate::domain::cut_off::{Deny, DenyMoment, ROOM_CHARS, Whose};
use crate::domain::id::{LabName, MappingId, PersonId};

/// Sessions that could be cut off.
#[derive(Clone, Debug)]
pub struct ToCutOff {
    /// Whose.
    pub whose: Whose,
    /// Who, when it is one person.
    pub person: Option<NamedPerson>,
    /// How many of them live.
    pub sessions: u32,
    /// When the last of these dies by itself.
    pub dead_at: Option<DateTime<Utc>>,
}

/// What cut-offs in a lab would do.
#[derive(Clone, Debug)]
pub struct CutOffAsk {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Each that was asked about.
    pub each: Vec<ToCutOff>,
    /// Whether the lab's account is joined: otherwise nothing was ever issued from it.
    pub is_joined: bool,
    /// From when on new credentials would be issued, if it was done now.
    pub reissue_at: DateTime<Utc>,
    /// When this was so.
    pub now: DateTime<Utc>,
}

impl Broker {
    /// What cutting these off in a lab would do: for whoever looks after the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, the lab has no such role or nobody of that id, or the database is away.
    pub async fn cut_off_ask(&self, caller: &Caller, lab: &LabName, whose: &[Whose]) -> Result<CutOffAsk> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        let (now, names) = (self.clock.now(), LabNames::read(&mut open).await?);
        let mut each = Vec::new();
        for whose in whose {
            let person = match whose {
                Whose::Person(person) => Some(names.find(person).ok_or(LabError::NoSuchPerson)?),
                Whose::Role(role) => {
                    let mut known = open.roles().await?.into_iter().chain(open.ended_roles().await?);
                    if !known.any(|known| known.name == *role) {
                        return Err(LabError::RoleNotHere.into());
                    }
                    None
                }
                Whose::Everyone => None,
            };
            let (sessions, dead_at) = open.sessions_to_cut(whose, now).await?;
            each.push(ToCutOff { whose: whose.clone(), person, sessions, dead_at });
        }
        let is_joined = open.account().await?.state.is_joined();
        let deny = Deny::of(&open.deny_entries(now).await?, ROOM_CHARS);
        let reissue_at = DenyMoment::after(now, deny.moments()).reissue_at();
        Ok(CutOffAsk { place: LabPlace::of(&access), each, is_joined, reissue_at, now })
    }

    /// How many people have a live session by a mapping: for whoever looks after the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn users_of_mapping(&self, caller: &Caller, lab: &LabName, mapping: &MappingId) -> Result<usize> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        Ok(tx.lab(&access).await?.people_of_mapping(mapping, self.clock.now()).await?.len())
    }

    /// The labs in which the caller has live sessions.
    ///
    /// # Errors
    ///
    /// When their session has ended, or the database is away.
    pub async fn labs_with_own_sessions(&self, caller: &Caller) -> Result<Vec<LabName>> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        require_live(&mut tx, &caller.session, now).await?;
        Ok(tx.labs_with_sessions_of(&caller.person, now).await?)
    }
}

impl Desk {
    /// The labs in which somebody has live sessions.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn labs_with_sessions_of(&self, person: &PersonId) -> DeskResult<Vec<LabName>> {
        Ok(self.store.read().await?.labs_with_sessions_of(person, self.clock.now()).await?)
    }
}
