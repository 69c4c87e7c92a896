//! One change of a lab's mappings, from looking to committing, in one transaction that nobody else in the lab is in.

use chrono::{DateTime, Utc};

use super::{CHANGE_LIFETIME, MappingOutcome, WaitingChange, author_of};
use crate::app::admission::Admitted;
use crate::app::cut_off::cut_off_holders;
use crate::app::{Broker, LabError, RequestKey, Result};
use crate::domain::access::{LabAccess, ManagerAccess, PiAccess, may_give};
use crate::domain::id::{ActId, MappingChangeId, MappingId};
use crate::domain::lab::Office;
use crate::domain::ledger::{Asked, Draft, Event, Thread};
use crate::domain::mapping::{Mapping, MappingChange, MappingTarget, MappingTerms, benefits};
use crate::store::{CutOffRow, DoneRequest, LabTx, Snapshot, Tx};

pub(super) struct Edit<'b> {
    pub(super) broker: &'b Broker,
    pub(super) access: ManagerAccess,
    /// What the latest sign-in of whoever makes the change said.
    pub(super) snapshot: Snapshot,
    pub(super) tx: Tx,
    pub(super) now: DateTime<Utc>,
    /// What the request is known by when it comes again.
    key: Option<RequestKey>,
    /// What is cut off with it.
    cut_off: Vec<CutOffRow>,
}

/// What came of a change.
pub(super) enum Came {
    /// The mapping has this revision.
    Holds(MappingId, i64),
    /// It waits.
    Waits(MappingChangeId),
    /// What waited was dropped.
    Declined,
}

impl Came {
    /// As it is kept.
    fn of_request(self, request_hash: String) -> DoneRequest {
        let (outcome, subject) = match self {
            Self::Holds(id, revision) => ("holds", Some(format!("{id} {revision}"))),
            Self::Waits(id) => ("waits", Some(id.to_string())),
            Self::Declined => ("declined", None),
        };
        DoneRequest { request_hash, outcome: outcome.to_owned(), subject }
    }

    fn of(done: &DoneRequest) -> Option<Self> {
        let subject = done.subject.as_deref().unwrap_or_default();
        match done.outcome.as_str() {
            "holds" => {
                let (id, revision) = subject.split_once(' ')?;
                Some(Self::Holds(id.parse().ok()?, revision.parse().ok()?))
            }
            "waits" => Some(Self::Waits(subject.parse().ok()?)),
            "declined" => Some(Self::Declined),
            _ => None,
        }
    }
}

impl<'b> Edit<'b> {
    pub(super) fn new(broker: &'b Broker, admitted: Admitted, tx: Tx, key: Option<&RequestKey>) -> Result<Self> {
        let Admitted { access, snapshot } = admitted;
        let (access, key) = (access.manager()?, key.cloned());
        Ok(Self { broker, access, snapshot, tx, now: broker.clock.now(), key, cut_off: Vec::new() })
    }
}

impl Edit<'_> {
    /// That the sign-in of whoever makes the change is fresh enough to give somebody more.
    pub(super) fn may_give(&self) -> Result<()> {
        Ok(may_give(&self.snapshot.evidence.sign_in, self.now)?)
    }

    pub(super) async fn lab(&mut self) -> Result<LabTx<'_>> {
        Ok(self.tx.lab(&self.access).await?)
    }

    /// What came of this very request, when it was done before. Nobody else is in the lab at this moment, so of two that
    /// come at once the second finds the first.
    pub(super) async fn done_before(&mut self) -> Result<Option<DoneRequest>> {
        let Some(key) = self.key.clone() else { return Ok(None) };
        let person = self.access.person().clone();
        let done = self.lab().await?.done_request(&person, &key.key_hash).await?;
        if done.as_ref().is_some_and(|done| done.request_hash != key.request_hash) {
            return Err(LabError::KeyReused.into());
        }
        Ok(done)
    }

    /// The same, as it was answered.
    pub(super) async fn answered_before(&mut self) -> Result<Option<MappingOutcome>> {
        let Some(done) = self.done_before().await? else { return Ok(None) };
        let now = self.now;
        let mut lab = self.lab().await?;
        match Came::of(&done) {
            Some(Came::Holds(id, revision)) => {
                let mapping = lab.mapping(&id).await?.ok_or(LabError::NoSuchMapping)?;
                let then = lab.revisions(&id, revision + 1, 1).await?.pop().ok_or(LabError::NoSuchMapping)?;
                let (terms, changed_at) = (then.terms, then.changed_at);
                Ok(Some(MappingOutcome::Done(Mapping { terms, revision, changed_at, ..mapping })))
            }
            // Somebody may have answered it since.
            Some(Came::Waits(id)) => {
                let change = lab.change(&id, now).await?.ok_or(LabError::NoSuchChange)?;
                let author = author_of(&mut lab, &change).await?;
                Ok(Some(MappingOutcome::Waiting(WaitingChange { change, author })))
            }
            Some(Came::Declined) | None => Err(LabError::KeyReused.into()),
        }
    }

    /// The mapping.
    pub(super) async fn mapping(&mut self, id: &MappingId) -> Result<Mapping> {
        Ok(self.lab().await?.mapping(id).await?.ok_or(LabError::NoSuchMapping)?)
    }

    /// The conditions of a mapping at one of its revisions.
    pub(super) async fn terms_of_revision(&mut self, id: &MappingId, revision: i64) -> Result<MappingTerms> {
        let before = revision.checked_add(1).ok_or(LabError::NoSuchRevision)?;
        let row = self.lab().await?.revisions(id, before, 1).await?.pop().filter(|row| row.revision == revision);
        Ok(row.ok_or(LabError::NoSuchRevision)?.terms)
    }

    /// That whoever makes the change is a PI.
    pub(super) fn pi(&self) -> Result<PiAccess> {
        Ok(LabAccess::clone(&self.access).pi()?)
    }

    /// That the lab has the role, and that these conditions can be set on a mapping to it.
    pub(super) async fn check(&mut self, target: &MappingTarget, terms: &MappingTerms) -> Result<()> {
        let now = self.now;
        let role = self.lab().await?.role(&target.role).await?.ok_or(LabError::NoSuchRole)?;
        Ok(terms.check(&role, now).map_err(LabError::Terms)?)
    }

    /// That the mapping can have these conditions. One that has ended comes back with them, and must find its place free.
    pub(super) async fn check_edit(&mut self, mapping: &Mapping, terms: &MappingTerms) -> Result<()> {
        self.check(&mapping.target, terms).await?;
        if mapping.terms.is_live(self.now) { Ok(()) } else { self.nobody_has(&mapping.target).await }
    }

    /// That no live mapping gives this very role to this very group: two would each have to be ended.
    pub(super) async fn nobody_has(&mut self, target: &MappingTarget) -> Result<()> {
        let now = self.now;
        let same = self.lab().await?.mappings_of(target).await?;
        match same.into_iter().find(|mapping| mapping.terms.is_live(now)) {
            Some(mapping) => Err(LabError::AlreadyMapped(mapping.id).into()),
            None => Ok(()),
        }
    }

    /// The mapping, if it still has this revision.
    pub(super) async fn mapping_of_revision(&mut self, id: &MappingId, revision: i64) -> Result<Mapping> {
        let mapping = self.mapping(id).await?;
        if mapping.revision == revision { Ok(mapping) } else { Err(LabError::ChangedMeanwhile.into()) }
    }

    /// What the author of a change looks after the lab as, if they still do.
    pub(super) async fn office_of_author(&mut self, change: &MappingChange) -> Result<Option<Office>> {
        Ok(self.lab().await?.office(&change.author).await?)
    }

    pub(super) fn benefits_author(
        &self,
        target: &MappingTarget,
        before: Option<&MappingTerms>,
        after: &MappingTerms,
    ) -> bool {
        benefits(&self.snapshot.evidence, target, before, after, self.now)
    }

    /// Whether the change gives its author more, in a lab that has another PI.
    pub(super) async fn needs_second_pi(
        &mut self,
        target: &MappingTarget,
        before: Option<&MappingTerms>,
        after: &MappingTerms,
    ) -> Result<bool> {
        if !self.benefits_author(target, before, after) {
            return Ok(false);
        }
        let author = self.access.person().clone();
        Ok(self.lab().await?.count_other_pis(&author).await? > 0)
    }

    /// Lets a change wait.
    pub(super) async fn ask(
        mut self,
        mapping: MappingId,
        of_revision: Option<i64>,
        target: MappingTarget,
        terms: MappingTerms,
    ) -> Result<MappingOutcome> {
        let change = MappingChange {
            id: MappingChangeId::from_entropy(self.broker.random.bytes()),
            mapping,
            of_revision,
            author: self.access.person().clone(),
            target,
            terms,
            asked_at: self.now,
            lapses_at: self.now + CHANGE_LIFETIME,
        };
        let now = self.now;
        let mut lab = self.lab().await?;
        lab.forget_lapsed_changes(now).await?;
        lab.insert_change(&change).await?;
        let author = author_of(&mut lab, &change).await?;
        let event = Event::MappingChangeAsked {
            change: change.id.clone(),
            mapping: change.mapping.clone(),
            target: (&change.target).into(),
            terms: (&change.terms).into(),
        };
        self.commit(event, Came::Waits(change.id.clone())).await?;
        Ok(MappingOutcome::Waiting(WaitingChange { change, author }))
    }

    /// Makes a mapping; `asked` says who asked for it, when somebody else confirmed it.
    pub(super) async fn add(
        mut self,
        id: MappingId,
        target: MappingTarget,
        terms: MappingTerms,
        asked: Option<Asked>,
    ) -> Result<MappingOutcome> {
        let benefits_author = asked.is_some() || self.benefits_author(&target, None, &terms);
        let mapping = Mapping { id, target, terms, revision: 1, created_at: self.now, changed_at: self.now };
        let author = self.access.person().clone();
        let mut lab = self.lab().await?;
        lab.insert_mapping(&mapping).await?;
        lab.insert_revision(&mapping, Some(&author)).await?;
        let event = Event::MappingAdded {
            mapping: mapping.id.clone(),
            target: (&mapping.target).into(),
            terms: (&mapping.terms).into(),
            benefits_author,
            asked,
        };
        self.commit(event, Came::Holds(mapping.id.clone(), mapping.revision)).await?;
        Ok(MappingOutcome::Done(mapping))
    }

    /// Sets a mapping's conditions; `asked` says who asked for it, when somebody else confirmed it.
    pub(super) async fn set_terms(
        mut self,
        mapping: Mapping,
        terms: MappingTerms,
        asked: Option<Asked>,
    ) -> Result<MappingOutcome> {
        let benefits_author = asked.is_some() || self.benefits_author(&mapping.target, Some(&mapping.terms), &terms);
        let before = (&mapping.terms).into();
        let changed = self.store_terms(mapping, terms).await?;
        let event = Event::MappingEdited {
            mapping: changed.id.clone(),
            revision: changed.revision,
            target: (&changed.target).into(),
            before,
            after: (&changed.terms).into(),
            benefits_author,
            asked,
        };
        self.commit(event, Came::Holds(changed.id.clone(), changed.revision)).await?;
        Ok(MappingOutcome::Done(changed))
    }

    /// Ends a mapping; `cut_off` cuts off everybody who has a live session by it.
    pub(super) async fn end(mut self, id: &MappingId, revision: i64, cut_off: bool) -> Result<Mapping> {
        let mapping = self.mapping_of_revision(id, revision).await?;
        if !mapping.terms.is_live(self.now) {
            if !cut_off {
                return Err(LabError::AlreadyEnded.into());
            }
            let rows = cut_off_holders(&mut self.tx, &self.access, id, &self.broker.random, self.now).await?;
            self.tx.commit().await?;
            for row in &rows {
                self.broker.told(self.access.lab(), row);
            }
            return Ok(mapping);
        }
        let terms = MappingTerms { ends_at: Some(self.now), ..mapping.terms.clone() };
        let ended = self.store_terms(mapping, terms).await?;
        let (mapping, revision) = (ended.id.clone(), ended.revision);
        if cut_off {
            let (random, now) = (&self.broker.random, self.now);
            self.cut_off = cut_off_holders(&mut self.tx, &self.access, id, random, now).await?;
        }
        let came = Came::Holds(mapping.clone(), revision);
        self.commit(Event::MappingEnded { mapping, revision, target: (&ended.target).into() }, came).await?;
        Ok(ended)
    }

    async fn store_terms(&mut self, mapping: Mapping, terms: MappingTerms) -> Result<Mapping> {
        let now = self.now;
        let author = self.access.person().clone();
        let mut lab = self.lab().await?;
        if !lab.set_terms(&mapping.id, mapping.revision, &terms, now).await? {
            return Err(LabError::ChangedMeanwhile.into());
        }
        let changed = Mapping { terms, revision: mapping.revision + 1, changed_at: now, ..mapping };
        lab.insert_revision(&changed, Some(&author)).await?;
        Ok(changed)
    }

    /// Takes a change that waits.
    pub(super) async fn take_change(&mut self, id: &MappingChangeId) -> Result<MappingChange> {
        let now = self.now;
        Ok(self.lab().await?.take_change(id, now).await?.ok_or(LabError::NoSuchChange)?)
    }

    /// Records what was done and, for a request that may come again, what came of it; and makes it hold.
    pub(super) async fn commit(mut self, event: Event, came: Came) -> Result<()> {
        let kind = event.kind();
        let act = ActId::from_entropy(self.broker.random.bytes());
        let draft = Draft { at: self.now, thread: Thread::Act(self.access.by().clone(), act), event };
        self.lab().await?.append(draft).await?;
        if let Some(key) = self.key.take() {
            let (person, now) = (self.access.person().clone(), self.now);
            let done = came.of_request(key.request_hash);
            self.lab().await?.insert_done_request(&person, &key.key_hash, &done, now).await?;
        }
        let lab = self.access.lab().name.clone();
        self.tx.commit().await?;
        for row in &self.cut_off {
            self.broker.told(self.access.lab(), row);
        }
        tracing::info!(lab.name = %lab, person.id = %self.access.person(), act = kind, "a lab's mappings changed");
        Ok(())
    }
}
