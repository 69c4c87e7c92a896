//! What a change of a mapping would do, before anybody makes it.
//!
//! Of the lab's own people it says who; of everybody else, how many, and of few not even that. A mapping that is looked at
//! makes nobody known in the lab, and what is said of others does not depend on its conditions.

use chrono::{DateTime, Utc};

use super::edit::Edit;
use super::{Broker, Caller, MappingHistory, TermsEdit, revisions_of};
use crate::app::admission::Admitted;
use crate::app::names::{LabNames, NamedPerson};
use crate::app::{LabError, LabPlace, Result};
use crate::domain::access::gives_until;
use crate::domain::id::{LabName, MappingId};
use crate::domain::lab::Role;
use crate::domain::mapping::{Effect, Mapping, MappingTarget, MappingTerms, Others, effect};
use crate::store::SeenGroup;

/// What a change gives whoever would make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorGain {
    /// Nothing.
    Nothing,
    /// More than they have, and there is no other PI to ask.
    Alone,
    /// More than they have, so it would wait for another PI.
    Waits,
}

/// Somebody of the lab, and what a change does to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Who.
    pub person: NamedPerson,
    /// What.
    pub effect: Effect,
}

/// What a change of a mapping would do.
#[derive(Clone, Debug)]
pub struct MappingPreview {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// The mapping as it is; none when it would be new.
    pub mapping: Option<Mapping>,
    /// Who would get what.
    pub target: MappingTarget,
    /// The role.
    pub role: Role,
    /// The conditions that it would have; none when it would end.
    pub after: Option<MappingTerms>,
    /// Those of the lab who are in the group, by id.
    pub people: Vec<Affected>,
    /// Those who are nobody in the lab.
    pub others: Others,
    /// What it gives whoever asks.
    pub author: AuthorGain,
    /// Whether it gives anybody more, so that it takes a fresh sign-in.
    pub gives_more: bool,
    /// Until when the caller's sign-in is that.
    pub fresh_until: DateTime<Utc>,
}

impl MappingPreview {
    /// Whether the caller has to sign in again first.
    #[must_use]
    pub fn takes_fresh_sign_in(&self, now: DateTime<Utc>) -> bool {
        self.gives_more && now >= self.fresh_until
    }
}

/// What the form of a new mapping shows.
#[derive(Clone, Debug)]
pub struct MappingChoices {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Its roles, by name.
    pub roles: Vec<Role>,
    /// The groups of the lab's people, those with the most people first.
    pub groups: Vec<SeenGroup>,
    /// Until when the caller's sign-in is fresh.
    pub fresh_until: DateTime<Utc>,
}

impl Edit<'_> {
    /// What it would do that the mapping has these conditions; that it ends, when there are none.
    async fn preview(
        mut self,
        mapping: Option<Mapping>,
        target: MappingTarget,
        after: Option<MappingTerms>,
    ) -> Result<MappingPreview> {
        let names = LabNames::read(&mut self.lab().await?).await?;
        self.preview_with(&names, mapping, target, after).await
    }

    /// The same, when the names of the lab's people have been read.
    async fn preview_with(
        mut self,
        names: &LabNames,
        mapping: Option<Mapping>,
        target: MappingTarget,
        after: Option<MappingTerms>,
    ) -> Result<MappingPreview> {
        let now = self.now;
        let before = mapping.as_ref().map(|mapping| &mapping.terms);
        let author = match &after {
            Some(after) if self.benefits_author(&target, before, after) => {
                if self.needs_second_pi(&target, before, after).await? { AuthorGain::Waits } else { AuthorGain::Alone }
            }
            _ => AuthorGain::Nothing,
        };
        let mut lab = self.tx.lab(&self.access).await?;
        let role = lab.role(&target.role).await?.ok_or(LabError::NoSuchRole)?;
        let mappings = lab.mappings_of_role(&target.role).await?;
        let own = mapping.as_ref().map(|mapping| &mapping.id);
        let others = |given_by: &[MappingId]| -> Vec<&MappingTerms> {
            let others = given_by.iter().filter(|id| Some(*id) != own);
            others
                .filter_map(|id| mappings.binary_search_by(|mapping| mapping.id.cmp(id)).ok())
                .map(|place| &mappings[place].terms)
                .collect()
        };
        let people = lab.people_in_group(&target).await?.into_iter().map(|member| Affected {
            effect: effect(&others(&member.given_by), before, after.as_ref(), now),
            person: names.person(member.person),
        });
        let people: Vec<Affected> = people.collect();
        // Who is of the lab is in the group as well, and is no other.
        let everybody = lab.count_in_group(&target, Others::MOST as usize + people.len()).await?;
        let others = Others::of(u32::try_from(everybody - people.len().min(everybody)).unwrap_or(Others::MOST));
        Ok(MappingPreview {
            place: LabPlace::of(&self.access),
            gives_more: after.as_ref().is_some_and(|after| after.give_more(before, now)),
            fresh_until: gives_until(&self.snapshot.evidence.sign_in),
            mapping,
            target,
            role,
            after,
            people,
            others,
            author,
        })
    }
}

impl Broker {
    /// What it would do to give a role of the lab to a group.
    ///
    /// # Errors
    ///
    /// As for doing it, except that it takes no fresh sign-in.
    pub async fn preview_new_mapping(
        &self,
        caller: &Caller,
        lab: &LabName,
        target: MappingTarget,
        terms: MappingTerms,
    ) -> Result<MappingPreview> {
        let target = self.kept_form(target)?;
        let mut edit = self.look(caller, lab).await?;
        edit.check(&target, &terms).await?;
        edit.nobody_has(&target).await?;
        edit.preview(None, target, Some(terms)).await
    }

    /// What it would do to change a mapping's conditions.
    ///
    /// # Errors
    ///
    /// As for doing it, except that it takes no fresh sign-in.
    pub async fn preview_edit(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingId,
        change: &TermsEdit,
    ) -> Result<MappingPreview> {
        let mut edit = self.look(caller, lab).await?;
        let mapping = edit.mapping(id).await?;
        let terms = change.applied_to(&mapping.terms);
        if terms != mapping.terms {
            edit.check_edit(&mapping, &terms).await?;
        }
        let target = mapping.target.clone();
        edit.preview(Some(mapping), target, Some(terms)).await
    }

    /// What it would do to end a mapping; of one that has ended, what ending it has done.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, it has no such mapping, or the database is away.
    pub async fn preview_end(&self, caller: &Caller, lab: &LabName, id: &MappingId) -> Result<MappingPreview> {
        let mut edit = self.look(caller, lab).await?;
        let mapping = edit.mapping(id).await?;
        let target = mapping.target.clone();
        edit.preview(Some(mapping), target, None).await
    }

    /// What the form of a new mapping shows.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, or the database is away.
    pub async fn mapping_choices(&self, caller: &Caller, lab: &LabName) -> Result<MappingChoices> {
        let mut tx = self.store.read().await?;
        let Admitted { access, snapshot } = self.admit(&mut tx, caller, lab).await?;
        let place = LabPlace::of(&access);
        let access = access.manager()?;
        let mut open = tx.lab(&access).await?;
        let roles = open.roles().await?;
        let mut groups = open.groups().await?;
        groups.sort_by(|one, other| {
            let by_name = || (&one.group, one.connection.as_str()).cmp(&(&other.group, other.connection.as_str()));
            other.people.cmp(&one.people).then_with(by_name)
        });
        Ok(MappingChoices { place, roles, groups, fresh_until: gives_until(&snapshot.evidence.sign_in) })
    }

    /// A mapping, whom it gives its role, and at most `limit` of its revisions, before the given one.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, it has no such mapping, or the database is away.
    pub async fn mapping_history(
        &self,
        caller: &Caller,
        lab: &LabName,
        id: &MappingId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<MappingHistory> {
        let mut edit = self.look(caller, lab).await?;
        let mapping = edit.mapping(id).await?;
        let mut open = edit.lab().await?;
        let names = LabNames::read(&mut open).await?;
        let (revisions, more) = revisions_of(&mut open, &names, id, before, limit).await?;
        let target = mapping.target.clone();
        let preview = edit.preview_with(&names, Some(mapping.clone()), target, None).await?;
        Ok(MappingHistory { preview, mapping, revisions, more })
    }

    async fn look(&self, caller: &Caller, lab: &LabName) -> Result<Edit<'_>> {
        let mut tx = self.store.read().await?;
        let admitted: Admitted = self.admit(&mut tx, caller, lab).await?;
        Edit::new(self, admitted, tx, None)
    }
}
