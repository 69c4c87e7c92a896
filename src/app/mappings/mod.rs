//! What those who look after a lab do with its mappings.
//!
//! A change that gives its author more than they had is marked in the ledger. When the lab has another PI, it waits for
//! that PI's word: nobody of two opens a door for themselves alone.

mod edit;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Broker, Caller, LabError, Result};
use crate::domain::id::{LabName, MappingChangeId, MappingId};
use crate::domain::ledger::{Asked, Event};
use crate::domain::mapping::{Mapping, MappingChange, MappingTarget, MappingTerms};
use crate::domain::role_session::SessionDuration;
use crate::store::OfficeHolder;
use edit::Edit;

/// How long a change waits for a second PI before it lapses.
const CHANGE_LIFETIME: TimeDelta = TimeDelta::days(7);

/// How many mappings a page has, at most.
pub const MAPPINGS_PAGE_MAX: u32 = 200;

/// What is to change in a mapping's conditions; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermsEdit {
    /// The end; `Some(None)` takes it away.
    pub ends_at: Option<Option<DateTime<Utc>>>,
    /// The longest session; `Some(None)` leaves it to the role.
    pub max_duration: Option<Option<SessionDuration>>,
    /// Whether a second factor is needed.
    pub needs_mfa: Option<bool>,
    /// Whether a PI must approve each person.
    pub needs_approval: Option<bool>,
}

impl TermsEdit {
    fn applied_to(&self, terms: &MappingTerms) -> MappingTerms {
        MappingTerms {
            ends_at: self.ends_at.unwrap_or(terms.ends_at),
            max_duration: self.max_duration.unwrap_or(terms.max_duration),
            needs_mfa: self.needs_mfa.unwrap_or(terms.needs_mfa),
            needs_approval: self.needs_approval.unwrap_or(terms.needs_approval),
        }
    }
}

/// What became of a change.
#[derive(Clone, Debug)]
pub enum MappingOutcome {
    /// It holds; this is the mapping now.
    Done(Mapping),
    /// It waits for a second PI.
    Waiting(WaitingChange),
}

/// A change that waits, and who asked for it.
#[derive(Clone, Debug)]
pub struct WaitingChange {
    /// The change.
    pub change: MappingChange,
    /// Its author, as far as they look after the lab still.
    pub author: Option<OfficeHolder>,
}

impl Broker {
    /// At most `limit` mappings of a lab by id, ended ones included, after the given one.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, or the database is away.
    pub async fn mappings(
        &self,
        caller: &Caller,
        lab: &LabName,
        after: Option<&MappingId>,
        limit: u32,
    ) -> Result<Vec<Mapping>> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        Ok(tx.lab(&access).await?.mappings(after, limit).await?)
    }

    /// One mapping.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, it has no such mapping, or the database is away.
    pub async fn mapping(&self, caller: &Caller, lab: &LabName, id: &MappingId) -> Result<Mapping> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        Ok(tx.lab(&access).await?.mapping(id).await?.ok_or(LabError::NoSuchMapping)?)
    }

    /// Gives a role of the lab to a group.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, something about the mapping cannot be, or the database is away.
    pub async fn add_mapping(
        &self,
        caller: &Caller,
        lab: &LabName,
        target: MappingTarget,
        terms: MappingTerms,
    ) -> Result<MappingOutcome> {
        let provider = self.provider(&target.connection).map_err(|_| self.unknown_connection())?;
        // Groups are compared as texts, so a mapping holds the one form in which they are kept.
        let group = provider.settings().group_form.normal_form(&target.group).map_err(LabError::Group)?;
        let target = MappingTarget { group, ..target };
        let mut edit = self.edit_to_give(caller, lab).await?;
        edit.check(&target, &terms).await?;
        edit.nobody_has(&target).await?;
        let id = MappingId::from_entropy(self.random.bytes());
        if edit.needs_second_pi(&target, None, &terms).await? {
            return edit.ask(id, None, target, terms).await;
        }
        edit.add(id, target, terms, None).await
    }

    /// Changes the conditions of the mapping, if it still has the revision that the caller looked at.
    ///
    /// # Errors
    ///
    /// [`LabError::ChangedMeanwhile`] when it has another one, and as for adding. Only what gives more takes a fresh
    /// sign-in.
    pub async fn edit_mapping(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingId,
        revision: i64,
        change: &TermsEdit,
    ) -> Result<MappingOutcome> {
        let mut edit = self.edit(caller, lab).await?;
        let mapping = edit.mapping_of_revision(id, revision).await?;
        let terms = change.applied_to(&mapping.terms);
        if terms == mapping.terms {
            return Ok(MappingOutcome::Done(mapping));
        }
        if terms.give_more(Some(&mapping.terms), edit.now) {
            edit.may_give()?;
        }
        edit.check_edit(&mapping, &terms).await?;
        if edit.needs_second_pi(&mapping.target, Some(&mapping.terms), &terms).await? {
            return edit.ask(mapping.id, Some(mapping.revision), mapping.target, terms).await;
        }
        edit.set_terms(mapping, terms, None).await
    }

    /// Ends a mapping now, if it still has the revision that the caller looked at.
    ///
    /// # Errors
    ///
    /// As for changing one, and [`LabError::AlreadyEnded`].
    pub async fn end_mapping(&self, caller: &Caller, lab: &LabName, id: &MappingId, revision: i64) -> Result<Mapping> {
        self.edit(caller, lab).await?.end(id, revision).await
    }

    /// The changes that wait for a second PI, the oldest first.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, or the database is away.
    pub async fn mapping_changes(&self, caller: &Caller, lab: &LabName) -> Result<Vec<WaitingChange>> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut lab = tx.lab(&access).await?;
        let mut waiting = Vec::new();
        for change in lab.changes(self.clock.now()).await? {
            let author = lab.office_holder(&change.author).await?;
            waiting.push(WaitingChange { change, author });
        }
        Ok(waiting)
    }

    /// Makes a change hold that somebody else asked for. One that cannot hold (any more) stays, for whoever looks, until
    /// it is declined or lapses.
    ///
    /// # Errors
    ///
    /// When the caller is not a PI of the lab or asked for it themselves, it is not there any more, it does not fit what
    /// the mapping is now, or the database is away.
    pub async fn confirm_mapping_change(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingChangeId,
    ) -> Result<MappingOutcome> {
        let mut edit = self.edit_to_give(caller, lab).await?;
        edit.pi()?;
        let change = edit.take_change(id).await?;
        if change.author == caller.person {
            return Err(LabError::OwnChange.into());
        }
        // Who does not look after the lab any more does not get their last wish.
        if edit.office_of_author(&change).await?.is_none() {
            return Err(LabError::AuthorGone.into());
        }
        let asked = Asked { change: change.id, author: change.author };
        match change.of_revision {
            None => {
                edit.check(&change.target, &change.terms).await?;
                edit.nobody_has(&change.target).await?;
                edit.add(change.mapping, change.target, change.terms, Some(asked)).await
            }
            Some(revision) => {
                let mapping = edit.mapping_of_revision(&change.mapping, revision).await?;
                edit.check_edit(&mapping, &change.terms).await?;
                edit.set_terms(mapping, change.terms, Some(asked)).await
            }
        }
    }

    /// Drops a change that waits: any PI may, and its author.
    ///
    /// # Errors
    ///
    /// When the caller is neither, it is not there any more, or the database is away.
    pub async fn decline_mapping_change(&self, caller: &Caller, lab: &LabName, id: &MappingChangeId) -> Result<()> {
        let mut edit = self.edit(caller, lab).await?;
        let change = edit.take_change(id).await?;
        if change.author != caller.person {
            edit.pi()?;
        }
        edit.commit(Event::MappingChangeDeclined { change: change.id, mapping: change.mapping }).await
    }

    fn unknown_connection(&self) -> LabError {
        LabError::UnknownConnection(self.providers.keys().map(ToString::to_string).collect())
    }

    async fn edit(&self, caller: &Caller, lab: &LabName) -> Result<Edit<'_>> {
        let mut tx = self.store.write().await?;
        let admitted = self.admit_to_change(&mut tx, caller, lab).await?;
        Edit::new(self, admitted, tx)
    }

    /// The same for what can give somebody more.
    async fn edit_to_give(&self, caller: &Caller, lab: &LabName) -> Result<Edit<'_>> {
        let mut tx = self.store.write().await?;
        let admitted = self.admit_to_give(&mut tx, caller, lab).await?;
        Edit::new(self, admitted, tx)
    }
}
