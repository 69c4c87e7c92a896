//! What was cut off and how far it has got, for whoever looks after a lab.

use chrono::{DateTime, Utc};

use super::super::names::{LabNames, NamedPerson};
use super::super::{Broker, Caller, LabError, LabPlace, Result};
use crate::domain::cut_off::{CUT_OFF_POLICY, Deny, DenyMoment, DenyTrouble, ROOM_CHARS, Whose};
use crate::domain::id::{CutOffId, LabName, PersonId, RoleName};
use crate::domain::lab::Lab;
use crate::store::{CutOffRow, DenyRow, LabTx, LiveRoleSession};

/// A cut-off in a lab.
#[derive(Clone, Debug)]
pub struct CutOffView {
    /// The lab.
    pub lab: LabName,
    /// What is kept of it.
    pub row: CutOffRow,
    /// Whose sessions, when it is one person.
    pub person: Option<NamedPerson>,
    /// Who did it, when it was a person.
    pub by: Option<NamedPerson>,
    /// What keeps AWS from having it.
    pub trouble: Option<TroubleView>,
    /// Whether somebody keeps them out, by this one or by another.
    pub is_kept_out: bool,
    /// When this was so.
    pub now: DateTime<Utc>,
}

/// What keeps AWS from having a deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleView {
    /// What.
    pub trouble: DenyTrouble,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub again_at: DateTime<Utc>,
    /// What somebody who administers the account can run to do it by hand.
    pub by_hand: String,
}

/// Some of what was cut off in a lab, the newest first.
#[derive(Clone, Debug)]
pub struct CutOffsPage {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Them.
    pub cut_offs: Vec<CutOffView>,
    /// Whether there are earlier ones.
    pub more: bool,
}

impl CutOffView {
    /// From when on new credentials are issued to them; nothing while they are kept out.
    #[must_use]
    pub fn reissue_at(&self) -> Option<DateTime<Utc>> {
        (!self.is_kept_out).then(|| self.row.before.reissue_at())
    }

    /// Whether every session that it is about has died by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.row.before.over_at() <= self.now
    }
}

/// What a lab has that all its cut-offs are shown with.
struct Around {
    names: LabNames,
    trouble: Option<TroubleView>,
    holds: Vec<Whose>,
}

/// By what sessions of a lab are denied, or are about to be.
#[derive(Clone, Debug, Default)]
pub struct DeniedSessions {
    cut_offs: Vec<CutOffRow>,
    overflow: Option<DenyMoment>,
}

impl DeniedSessions {
    pub(in crate::app) async fn read(open: &mut LabTx<'_>, now: DateTime<Utc>) -> Result<Self> {
        let overflow = open.deny().await?.and_then(|deny| deny.overflow);
        Ok(Self { cut_offs: open.live_cut_offs(now).await?, overflow })
    }

    /// The cut-off that a session is denied by.
    #[must_use]
    pub fn by(&self, session: &LiveRoleSession) -> Option<&CutOffRow> {
        self.by_parts(&session.person, &session.role, session.issued_at)
    }

    pub(in crate::app) fn by_parts(
        &self,
        person: &PersonId,
        role: &RoleName,
        issued_at: DateTime<Utc>,
    ) -> Option<&CutOffRow> {
        self.cut_offs.iter().find(|row| issued_at < row.before.at() && row.whose.includes(person, role))
    }

    /// Whether a session is denied only because the deny of others was full.
    #[must_use]
    pub fn by_overflow(&self, session: &LiveRoleSession) -> bool {
        self.by(session).is_none() && self.overflow.is_some_and(|before| session.issued_at < before.at())
    }
}

impl Broker {
    /// A cut-off, and how far it has got: for whoever looks after the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, there is no such cut-off, or the database is away.
    pub async fn cut_off(&self, caller: &Caller, lab: &LabName, id: &CutOffId) -> Result<(LabPlace, CutOffView)> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        let row = open.cut_off(id).await?.ok_or(LabError::NoSuchCutOff)?;
        Ok((LabPlace::of(&access), self.view_of(&mut open, access.lab(), row).await?))
    }

    /// What was cut off in a lab, the newest first, at most `limit` before the given one: for whoever looks after the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, there is no such cut-off, or the database is away.
    pub async fn cut_offs(
        &self,
        caller: &Caller,
        lab: &LabName,
        before: Option<&CutOffId>,
        limit: u32,
    ) -> Result<CutOffsPage> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        let before = match before {
            Some(id) => Some(open.cut_off(id).await?.ok_or(LabError::NoSuchCutOff)?),
            None => None,
        };
        let mut rows = open.cut_offs(before.as_ref(), limit.saturating_add(1)).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let around = self.around(&mut open, access.lab()).await?;
        let cut_offs = rows.into_iter().map(|row| self.view(access.lab(), row, &around)).collect();
        Ok(CutOffsPage { place: LabPlace::of(&access), cut_offs, more })
    }

    pub(super) async fn view_of(&self, open: &mut LabTx<'_>, lab: &Lab, row: CutOffRow) -> Result<CutOffView> {
        Ok(self.view(lab, row, &self.around(open, lab).await?))
    }

    async fn around(&self, open: &mut LabTx<'_>, lab: &Lab) -> Result<Around> {
        Ok(Around {
            names: LabNames::read(open).await?,
            trouble: self.trouble_of(open, lab).await?,
            holds: open.holds().await?,
        })
    }

    fn view(&self, lab: &Lab, row: CutOffRow, around: &Around) -> CutOffView {
        let Around { names, trouble, holds } = around;
        let now = self.clock.now();
        CutOffView {
            lab: lab.name.clone(),
            person: row.whose.person().map(|person| names.person(person.clone())),
            by: row.by.person().map(|person| names.person(person.clone())),
            is_kept_out: holds.iter().any(|hold| hold.covers(&row.whose)),
            trouble: trouble.as_ref().filter(|_| !row.steps.is_at_aws() && now < row.before.over_at()).cloned(),
            now,
            row,
        }
    }

    /// What keeps AWS from having the lab's deny, with what to do by hand.
    async fn trouble_of(&self, open: &mut LabTx<'_>, lab: &Lab) -> Result<Option<TroubleView>> {
        let now = self.clock.now();
        let Some(DenyRow { trouble: Some(trouble), tries, due_at, room, .. }) = open.deny().await? else {
            return Ok(None);
        };
        let entries = open.deny_entries(now).await?;
        let deny = Deny::of(&entries, usize::try_from(room).unwrap_or(ROOM_CHARS));
        Ok(Some(TroubleView { trouble, tries, again_at: due_at.unwrap_or(now), by_hand: by_hand(lab, &deny) }))
    }
}

/// What does by hand what the broker does: a line for a shell.
pub(super) fn by_hand(lab: &Lab, deny: &Deny) -> String {
    let role = lab.session_role.name();
    match deny.document() {
        // Ids, names of roles and times: there is no quote in it.
        Some(document) => format!(
            "aws iam put-role-policy --role-name {role} --policy-name {CUT_OFF_POLICY} --policy-document '{document}'"
        ),
        None => format!("aws iam delete-role-policy --role-name {role} --policy-name {CUT_OFF_POLICY}"),
    }
}
