//! Who looks after a lab: its PIs appoint managers and PIs.

use super::admission::Admitted;
use super::{Broker, Caller, LabError, Result};
use crate::domain::access::{LabAccess, PiAccess, may_give};
use crate::domain::id::{ActId, LabName, PersonId};
use crate::domain::lab::{Lab, Office, Role, Standing};
use crate::domain::ledger::{Draft, Event, Thread};
use crate::store::{LabTx, OfficeHolder};

/// A lab, and what whoever looks at it is there.
#[derive(Clone, Debug)]
pub struct LabPlace {
    /// The lab.
    pub lab: Lab,
    /// What the caller may administer there.
    pub standing: Standing,
}

impl LabPlace {
    pub(super) fn of(access: &LabAccess) -> Self {
        Self { lab: access.lab().clone(), standing: access.standing().unwrap_or(Standing::Member) }
    }
}

/// A lab as its members see it.
#[derive(Clone, Debug)]
pub struct LabView {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Its roles, by name.
    pub roles: Vec<Role>,
    /// Whom to ask: its PIs.
    pub pis: Vec<OfficeHolder>,
}

impl Broker {
    /// A lab and its roles, for whoever belongs to it.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn lab_view(&self, caller: &Caller, lab: &LabName) -> Result<LabView> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access;
        let mut lab = tx.lab(&access).await?;
        let roles = lab.roles().await?;
        let mut pis = lab.office_holders().await?;
        pis.retain(|holder| holder.office == Office::Pi);
        Ok(LabView { place: LabPlace::of(&access), roles, pis })
    }

    /// Who looks after a lab: PIs first, then managers.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn office_holders(&self, caller: &Caller, lab: &LabName) -> Result<Vec<OfficeHolder>> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        Ok(tx.lab(&access).await?.office_holders().await?)
    }

    /// Makes somebody a manager or a PI of the lab.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of it, nobody has that id, it would give them more and the caller's sign-in is not fresh, it
    /// would leave the lab without a PI, or the database is away.
    pub async fn appoint(
        &self,
        caller: &Caller,
        lab: &LabName,
        person: &PersonId,
        office: Office,
    ) -> Result<OfficeHolder> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let Admitted { access, snapshot } = self.admit_to_change(&mut tx, caller, lab).await?;
        let access: PiAccess = access.pi()?;
        if !tx.is_person(person).await? {
            return Err(LabError::NoSuchPerson.into());
        }
        let mut lab = tx.lab(&access).await?;
        let before = lab.office(person).await?;
        if before < Some(office) {
            may_give(&snapshot.evidence.sign_in, now)?;
        }
        if before != Some(office) {
            if before == Some(Office::Pi) {
                not_the_last_pi(&mut lab, person).await?;
            }
            lab.put_office(person, office, now).await?;
            let event = Event::StandingGiven { person: person.clone(), standing: office, before, invitation: None };
            lab.append(self.act(&access, event)).await?;
        }
        let holder = lab.office_holder(person).await?.ok_or(LabError::NoSuchPerson)?;
        tx.commit().await?;
        Ok(holder)
    }

    /// Takes somebody's standing away: a PI may, and everybody their own.
    ///
    /// # Errors
    ///
    /// When the caller may not, the person has none, they are the last PI, or the database is away.
    pub async fn remove_office(&self, caller: &Caller, lab: &LabName, person: &PersonId) -> Result<()> {
        let mut tx = self.store.write().await?;
        let access = self.admit_to_change(&mut tx, caller, lab).await?.access.manager()?;
        if *person != caller.person {
            LabAccess::clone(&access).pi()?;
        }
        let mut lab = tx.lab(&access).await?;
        let before = lab.office(person).await?.ok_or(LabError::NoSuchPerson)?;
        if before == Office::Pi {
            not_the_last_pi(&mut lab, person).await?;
        }
        lab.remove_office(person).await?;
        lab.append(self.act(&access, Event::StandingTaken { person: person.clone(), before })).await?;
        Ok(tx.commit().await?)
    }

    /// Something that was done just now, for the ledger.
    pub(super) fn act(&self, access: &LabAccess, event: Event) -> Draft {
        let act = ActId::from_entropy(self.random.bytes());
        tracing::info!(lab.name = %access.lab().name, by = %access.by(), act = event.kind(), "something was done to a lab");
        Draft { at: self.clock.now(), thread: Thread::Act(access.by().clone(), act), event }
    }
}

/// That the lab would still have a PI without this one.
async fn not_the_last_pi(lab: &mut LabTx<'_>, person: &PersonId) -> Result<()> {
    if lab.count_other_pis(person).await? > 0 { Ok(()) } else { Err(LabError::LastPi.into()) }
}
