//! Cutting one person off in all labs: themselves, by an operator, when they are suspended, when they sign out at their
//! university.
//!
//! From the first row on nothing is issued to them anywhere. Then it is written down in each lab in which a session of theirs
//! lives; a stop in between leaves that to the next start.

use chrono::{DateTime, Utc};

use super::super::desk::{Desk, DeskError};
use super::super::sessions::require_live;
use super::super::{Broker, Caller, LabError, Result};
use super::view::CutOffView;
use super::{NewCutOff, write_down};
use crate::ambient::Random;
use crate::domain::access::{CaretakerAccess, Operator};
use crate::domain::actor::Actor;
use crate::domain::cut_off::{CutOffCause, CutOffReason, DenyMoment, Whose};
use crate::domain::id::{ActId, CutOffId, LabName, PersonId};
use crate::domain::ledger::{Book, Draft, Event, Thread};
use crate::store::{PersonCutOffRow, Tx};

/// How many are spread at once.
const BATCH: u32 = 50;

/// Somebody who is to be cut off in all labs.
#[derive(Clone, Debug)]
pub struct PersonCutOffWish {
    /// Who.
    pub person: PersonId,
    /// Who does it.
    pub by: Actor,
    /// What led to it.
    pub cause: CutOffCause,
    /// Why.
    pub reason: Option<CutOffReason>,
}

/// One person cut off in all labs, and how far that has got.
#[derive(Clone, Debug)]
pub struct EverywhereView {
    /// The cut-off.
    pub row: PersonCutOffRow,
    /// Where it has got to, by lab.
    pub labs: Vec<CutOffView>,
}

impl EverywhereView {
    /// Whether nothing is left to be waited for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.row.spread_at.is_some() && self.labs.iter().all(|lab| lab.row.steps.is_done())
    }
}

/// Writes it down, in the transaction of what led to it.
pub(in crate::app) async fn cut_off_everywhere(
    tx: &mut Tx,
    random: &Random,
    now: DateTime<Utc>,
    wish: PersonCutOffWish,
) -> crate::store::Result<PersonCutOffRow> {
    let PersonCutOffWish { person, by, cause, reason } = wish;
    let before = DenyMoment::after(now, 0);
    let id = CutOffId::from_entropy(random.bytes());
    let row = PersonCutOffRow { id, person, by, cause, reason, stopped_at: now, before, spread_at: None };
    tx.insert_person_cut_off(&row).await?;
    let event = Event::PersonCutOff {
        cut_off: row.id.clone(),
        person: row.person.clone(),
        before: row.before.to_string(),
        cause,
        reason: row.reason.clone(),
    };
    let thread = Thread::Act(row.by.clone(), ActId::from_entropy(random.bytes()));
    tx.append(Book::Broker, Draft { at: now, thread, event }).await?;
    Ok(row)
}

impl Broker {
    /// Cuts the caller off in all labs: their own credentials, wherever they are.
    ///
    /// # Errors
    ///
    /// When their session has ended, or the database is away.
    pub async fn cut_off_oneself(&self, caller: &Caller, reason: Option<CutOffReason>) -> Result<EverywhereView> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        require_live(&mut tx, &caller.session, now).await?;
        let wish = PersonCutOffWish {
            person: caller.person.clone(),
            by: Actor::Person(caller.person.clone()),
            cause: CutOffCause::Everywhere,
            reason,
        };
        let row = cut_off_everywhere(&mut tx, &self.random, now, wish).await?;
        tx.commit().await?;
        self.spread(&row).await?;
        self.own_cut_off(caller, &row.id).await
    }

    /// How far that has got.
    ///
    /// # Errors
    ///
    /// When the caller has no such cut-off, or the database is away.
    pub async fn own_cut_off(&self, caller: &Caller, id: &CutOffId) -> Result<EverywhereView> {
        let mut tx = self.store.read().await?;
        require_live(&mut tx, &caller.session, self.clock.now()).await?;
        self.everywhere_view(&mut tx, &caller.person, id).await
    }

    /// How far that has got, for the operator.
    ///
    /// # Errors
    ///
    /// When the person has no such cut-off, or the database is away.
    pub async fn cut_off_of_person(
        &self,
        _operator: &Operator,
        person: &PersonId,
        id: &CutOffId,
    ) -> Result<EverywhereView> {
        let mut tx = self.store.read().await?;
        self.everywhere_view(&mut tx, person, id).await
    }

    /// The latest cut-off of a person in all labs, for the operator; none when there was none.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn latest_cut_off_of(&self, _operator: &Operator, person: &PersonId) -> Result<Option<EverywhereView>> {
        let mut tx = self.store.read().await?;
        match tx.latest_person_cut_off(person).await? {
            Some(row) => self.everywhere_view(&mut tx, person, &row.id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn everywhere_view(&self, tx: &mut Tx, person: &PersonId, id: &CutOffId) -> Result<EverywhereView> {
        let row = tx.person_cut_off(id, person).await?.ok_or(LabError::NoSuchCutOff)?;
        let mut labs = Vec::new();
        for (lab, cut_off) in tx.cut_offs_of(&row).await? {
            let Some(lab) = tx.lab_to_deny_in(&lab).await? else { continue };
            let access = CaretakerAccess::to_account_of(lab);
            labs.push(self.view_of(&mut tx.lab(&access).await?, access.lab(), cut_off).await?);
        }
        Ok(EverywhereView { row, labs })
    }

    /// Writes down in each lab what was cut off in all of them, where that was not done.
    pub(super) async fn spread_cut_offs(&self) -> Result<()> {
        let mut came = Ok(());
        for row in self.store.read().await?.cut_offs_to_spread(BATCH).await? {
            // One that cannot be spread keeps no other one back.
            came = came.and(self.spread(&row).await);
        }
        came
    }

    /// Has what was cut off in all labs spread at once.
    pub(in crate::app) fn spread_soon(&self, row: PersonCutOffRow) {
        let broker = self.clone();
        tokio::spawn(async move {
            if let Err(error) = broker.spread(&row).await {
                tracing::warn!(
                    cut_off.id = %row.id,
                    error = &error as &dyn std::error::Error,
                    "a cut-off did not get to all labs; it is tried again"
                );
            }
        });
    }

    async fn spread(&self, row: &PersonCutOffRow) -> Result<()> {
        // Nothing is issued to them any more. What they asked for before is in these labs as well, so that none is missing.
        let labs = self.store.read().await?.labs_with_sessions_of(&row.person, self.clock.now()).await?;
        for lab in &labs {
            self.spread_to(row, lab).await?;
        }
        let mut tx = self.store.write().await?;
        tx.note_spread(&row.id, self.clock.now()).await?;
        tx.commit().await?;
        tracing::info!(cut_off.id = %row.id, person.id = %row.person, labs.count = labs.len(), "cut off in all labs");
        Ok(())
    }

    async fn spread_to(&self, row: &PersonCutOffRow, lab: &LabName) -> Result<()> {
        let mut tx = self.store.write_for(lab).await?;
        let Some(lab) = tx.lab_to_deny_in(lab).await? else { return Ok(()) };
        let access = CaretakerAccess::to_account_of(lab);
        let mut open = tx.lab_to_change(&access).await?;
        if open.has_cut_off_of(&row.id).await? {
            return Ok(());
        }
        let new = NewCutOff {
            whose: Whose::Person(row.person.clone()),
            by: row.by.clone(),
            cause: row.cause,
            reason: row.reason.clone(),
            hold: false,
            everywhere: Some(row.clone()),
        };
        let written = write_down(&mut open, &self.random, self.clock.now(), new).await?;
        tx.commit().await?;
        self.told(access.lab(), &written);
        Ok(())
    }
}

impl Desk {
    /// Cuts somebody off in all labs. They are not suspended by it.
    ///
    /// # Errors
    ///
    /// When nobody has that id, or the database is away.
    pub async fn cut_off(
        &self,
        person: &PersonId,
        reason: Option<CutOffReason>,
    ) -> std::result::Result<PersonCutOffRow, DeskError> {
        let mut tx = self.store.write().await?;
        if !tx.is_person(person).await? {
            return Err(DeskError::NoSuchPerson);
        }
        let wish = PersonCutOffWish {
            person: person.clone(),
            by: self.operator.actor(),
            cause: CutOffCause::Everywhere,
            reason,
        };
        let row = cut_off_everywhere(&mut tx, &self.random, self.clock.now(), wish).await?;
        tx.commit().await?;
        Ok(row)
    }
}

impl Broker {
    /// Has a cut-off in all labs, written down at the desk, spread at once.
    pub fn spread_from_desk(&self, row: &PersonCutOffRow) {
        self.spread_soon(row.clone());
    }
}
