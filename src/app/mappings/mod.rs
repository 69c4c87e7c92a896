//! What those who look after a lab do with its mappings.
//!
//! A change that gives its author more than they had is marked in the ledger. When the lab has another PI, it waits for
//! that PI's word: nobody of two opens a door for themselves alone.

mod edit;
mod preview;

use chrono::{DateTime, TimeDelta, Utc};

use super::admission::Admitted;
use super::names::{Keeper, LabNames, NamedPerson};
use super::{Broker, Caller, LabError, LabPlace, RequestKey, Result};
use crate::domain::access::{ManagerAccess, gives_until};
use crate::domain::id::{LabName, MappingChangeId, MappingId, PersonId};
use crate::domain::lab::Role;
use crate::domain::ledger::{Asked, Event};
use crate::domain::mapping::{Mapping, MappingChange, MappingTarget, MappingTerms};
use crate::domain::role_session::SessionDuration;
use crate::store::{LabTx, MappingPlace, Tx};
use edit::{Came, Edit};

pub use preview::{Affected, AuthorGain, MappingChoices, MappingPreview};

/// How long a change waits for a second PI before it lapses.
const CHANGE_LIFETIME: TimeDelta = TimeDelta::days(7);

/// How many mappings, changes or revisions a page has, at most.
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
    pub author: Option<Keeper>,
}

/// A page of a lab's mappings, for people.
#[derive(Clone, Debug)]
pub struct MappingsView {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Its roles, by name.
    pub roles: Vec<Role>,
    /// Some of the mappings, by role and group.
    pub mappings: Vec<Mapping>,
    /// Whether there are more.
    pub more: bool,
    /// The changes that wait, the oldest first.
    pub waiting: Vec<WaitingChange>,
    /// Until when the caller's sign-in is fresh enough to give somebody more.
    pub fresh_until: DateTime<Utc>,
}

/// A mapping's conditions at one of its revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingRevision {
    /// Which.
    pub revision: i64,
    /// What the conditions were.
    pub terms: MappingTerms,
    /// From when on.
    pub changed_at: DateTime<Utc>,
    /// Who set them; an operator, or nobody knows, when there is none.
    pub by: Option<NamedPerson>,
}

/// A mapping and what became of it.
#[derive(Clone, Debug)]
pub struct MappingHistory {
    /// What ending it would do: whom it gives its role.
    pub preview: MappingPreview,
    /// The mapping.
    pub mapping: Mapping,
    /// Its revisions, the newest first.
    pub revisions: Vec<MappingRevision>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Where a list of waiting changes goes on: after the one that was asked for then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePlace {
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Which.
    pub id: MappingChangeId,
}

/// At most `limit` revisions of a mapping, the newest first, before the given one; and whether there are older ones.
async fn revisions_of(
    lab: &mut LabTx<'_>,
    names: &LabNames,
    id: &MappingId,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<MappingRevision>, bool)> {
    let mut rows = lab.revisions(id, before.unwrap_or(i64::MAX), limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let revisions = rows.into_iter().map(|row| MappingRevision {
        revision: row.revision,
        terms: row.terms,
        changed_at: row.changed_at,
        by: row.by.map(|id| names.person(id)),
    });
    Ok((revisions.collect(), more))
}

/// Who asked for a change, as far as they look after the lab still.
async fn author_of(lab: &mut LabTx<'_>, change: &MappingChange) -> Result<Option<Keeper>> {
    let names = LabNames::read(lab).await?;
    Ok(lab.office_holder(&change.author).await?.map(|holder| names.keeper(holder)))
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
        key: Option<&RequestKey>,
    ) -> Result<MappingOutcome> {
        let target = self.kept_form(target)?;
        let mut edit = self.edit_to_give(caller, lab, key).await?;
        if let Some(before) = edit.answered_before().await? {
            return Ok(before);
        }
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
        key: Option<&RequestKey>,
    ) -> Result<MappingOutcome> {
        let mut edit = self.edit(caller, lab, key).await?;
        if let Some(before) = edit.answered_before().await? {
            return Ok(before);
        }
        let mapping = edit.mapping_of_revision(id, revision).await?;
        let terms = change.applied_to(&mapping.terms);
        Self::set_terms(edit, mapping, terms).await
    }

    /// Gives a mapping the conditions back that it had at one of its revisions; ends it, when it gave nothing on these or
    /// would give nothing any more.
    ///
    /// # Errors
    ///
    /// As for changing it or ending it, and [`LabError::NoSuchRevision`].
    pub async fn bring_back_terms(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingId,
        revision: i64,
        of_revision: i64,
        key: Option<&RequestKey>,
    ) -> Result<MappingOutcome> {
        let mut edit = self.edit(caller, lab, key).await?;
        if let Some(before) = edit.answered_before().await? {
            return Ok(before);
        }
        let mapping = edit.mapping_of_revision(id, revision).await?;
        let terms = edit.terms_of_revision(id, of_revision).await?;
        if terms.is_live(edit.now) {
            Self::set_terms(edit, mapping, terms).await
        } else {
            Ok(MappingOutcome::Done(edit.end(id, revision, false).await?))
        }
    }

    async fn set_terms(mut edit: Edit<'_>, mapping: Mapping, terms: MappingTerms) -> Result<MappingOutcome> {
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
    pub async fn end_mapping(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingId,
        revision: i64,
        cut_off: bool,
        key: Option<&RequestKey>,
    ) -> Result<MappingOutcome> {
        let mut edit = self.edit(caller, lab, key).await?;
        match edit.answered_before().await? {
            Some(before) => Ok(before),
            None => Ok(MappingOutcome::Done(edit.end(id, revision, cut_off).await?)),
        }
    }

    /// At most `limit` changes that wait for a second PI, the oldest first, after the given place.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, or the database is away.
    pub async fn mapping_changes(
        &self,
        caller: &Caller,
        lab: &LabName,
        after: Option<&ChangePlace>,
        limit: u32,
    ) -> Result<Vec<WaitingChange>> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        self.waiting_changes(&mut tx, &access, after, limit).await
    }

    async fn waiting_changes(
        &self,
        tx: &mut Tx,
        access: &ManagerAccess,
        after: Option<&ChangePlace>,
        limit: u32,
    ) -> Result<Vec<WaitingChange>> {
        let mut lab = tx.lab(access).await?;
        let after = after.map(|place| (place.asked_at, &place.id));
        let changes = lab.changes(self.clock.now(), after, limit).await?;
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let holders = lab.office_holders().await?;
        let names = LabNames::read(&mut lab).await?;
        let author = |id: &PersonId| {
            let holder = holders.iter().find(|holder| holder.id == *id).cloned();
            holder.map(|holder| names.keeper(holder))
        };
        Ok(changes.into_iter().map(|change| WaitingChange { author: author(&change.author), change }).collect())
    }

    /// A page of a lab's mappings, ended ones or not, after the given one; and what waits.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, or the database is away.
    pub async fn mappings_view(
        &self,
        caller: &Caller,
        lab: &LabName,
        ended_too: bool,
        after: Option<&MappingId>,
        limit: u32,
    ) -> Result<MappingsView> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let Admitted { access, snapshot } = self.admit(&mut tx, caller, lab).await?;
        let place = LabPlace::of(&access);
        let access = access.manager()?;
        let waiting = self.waiting_changes(&mut tx, &access, None, MAPPINGS_PAGE_MAX).await?;
        let mut open = tx.lab(&access).await?;
        let after = match after {
            Some(id) => open.mapping(id).await?,
            None => None,
        };
        let after = after.map(|last| MappingPlace {
            role: last.target.role.to_string(),
            group: last.target.group.as_str().to_owned(),
            id: last.id.to_string(),
        });
        let ended_after = if ended_too { DateTime::UNIX_EPOCH } else { now };
        let mut mappings = open.mappings_by_role(&after.unwrap_or_default(), ended_after, limit + 1).await?;
        let more = mappings.len() > limit as usize;
        mappings.truncate(limit as usize);
        let roles = open.roles().await?;
        let fresh_until = gives_until(&snapshot.evidence.sign_in);
        Ok(MappingsView { place, roles, mappings, more, waiting, fresh_until })
    }

    /// At most `limit` revisions of a mapping, the newest first, before the given one; and whether there are older ones.
    ///
    /// # Errors
    ///
    /// As for the mapping itself.
    pub async fn mapping_revisions(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<MappingRevision>, bool)> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        open.mapping(id).await?.ok_or(LabError::NoSuchMapping)?;
        let names = LabNames::read(&mut open).await?;
        revisions_of(&mut open, &names, id, before, limit).await
    }

    /// A change that waits.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, it waits no more, or the database is away.
    pub async fn mapping_change(&self, caller: &Caller, lab: &LabName, id: &MappingChangeId) -> Result<WaitingChange> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        let change = open.change(id, self.clock.now()).await?.ok_or(LabError::NoSuchChange)?;
        let author = author_of(&mut open, &change).await?;
        Ok(WaitingChange { change, author })
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
        key: Option<&RequestKey>,
    ) -> Result<MappingOutcome> {
        let mut edit = self.edit_to_give(caller, lab, key).await?;
        edit.pi()?;
        if let Some(before) = edit.answered_before().await? {
            return Ok(before);
        }
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
    pub async fn decline_mapping_change(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingChangeId,
        key: Option<&RequestKey>,
    ) -> Result<()> {
        let mut edit = self.edit(caller, lab, key).await?;
        if edit.done_before().await?.is_some() {
            return Ok(());
        }
        let change = edit.take_change(id).await?;
        if change.author != caller.person {
            edit.pi()?;
        }
        let event = Event::MappingChangeDeclined { change: change.id, mapping: change.mapping };
        edit.commit(event, Came::Declined).await
    }

    /// The target with its group in the one form in which groups of that connection are kept: they are compared as texts.
    fn kept_form(&self, target: MappingTarget) -> Result<MappingTarget> {
        let unknown = || LabError::UnknownConnection(self.providers.keys().map(ToString::to_string).collect());
        let provider = self.provider(&target.connection).map_err(|_| unknown())?;
        let group = provider.settings().group_form.normal_form(&target.group).map_err(LabError::Group)?;
        Ok(MappingTarget { group, ..target })
    }

    async fn edit(&self, caller: &Caller, lab: &LabName, key: Option<&RequestKey>) -> Result<Edit<'_>> {
        let mut tx = self.store.write().await?;
        let admitted = self.admit_to_change(&mut tx, caller, lab).await?;
        Edit::new(self, admitted, tx, key)
    }

    /// The same for what can give somebody more.
    async fn edit_to_give(&self, caller: &Caller, lab: &LabName, key: Option<&RequestKey>) -> Result<Edit<'_>> {
        let mut tx = self.store.write().await?;
        let admitted = self.admit_to_give(&mut tx, caller, lab).await?;
        Edit::new(self, admitted, tx, key)
    }
}
