//! Who looks after a lab: its PIs appoint managers and PIs.

use chrono::{DateTime, Utc};

use super::admission::Admitted;
use super::names::{Keeper, LabNames};
use super::overview::Roster;
use super::{Broker, Caller, LabError, Result};
use crate::domain::access::{LabAccess, PiAccess, SignInStrength, gives_until, may_give};
use crate::domain::id::{ActId, LabName, PersonId};
use crate::domain::lab::{Lab, Office, Role, Standing};
use crate::domain::ledger::{Draft, Event, Thread};
use crate::domain::limits::SignInAge;
use crate::store::{LabPerson, LabTx, Tx};

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
    pub pis: Vec<Keeper>,
}

/// Somebody who was appointed.
#[derive(Clone, Debug)]
pub struct Appointed {
    /// Who, and as what.
    pub keeper: Keeper,
    /// What they were before.
    pub before: Option<Office>,
}

/// Somebody whom an office is to be given to or taken from.
#[derive(Clone, Debug)]
pub enum Somebody {
    /// One of the lab's people, and those whose names look the same.
    Known {
        /// Who.
        person: Box<LabPerson>,
        /// Whom they could be taken for.
        look_alikes: Vec<LabPerson>,
    },
    /// Somebody who has signed in and has had nothing to do with the lab. Until they have, it does not learn their name.
    Unknown(PersonId),
}

/// What there is to know before an office is given or taken.
#[derive(Clone, Debug)]
pub struct OfficeChange {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Whose office; nobody when none has that id.
    pub somebody: Option<Somebody>,
    /// Whether it is the caller's own.
    pub is_own: bool,
    /// Whether the lab would have no PI without them.
    pub is_last_pi: bool,
    /// When this is so.
    pub now: DateTime<Utc>,
    /// Until when the caller's sign-in is fresh enough to give an office; to take one, an older one does.
    pub gives_until: DateTime<Utc>,
    /// Until when it is for taking one.
    pub takes_until: DateTime<Utc>,
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
        // Beside one another only: a member learns nothing of anybody else.
        let names = LabNames::of(pis.iter().map(|pi| (pi.id.clone(), pi.name.clone())));
        let pis = pis.into_iter().map(|pi| names.keeper(pi)).collect();
        Ok(LabView { place: LabPlace::of(&access), roles, pis })
    }

    /// Who looks after a lab: PIs first, then managers.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn office_holders(&self, caller: &Caller, lab: &LabName) -> Result<Vec<Keeper>> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let mut lab = tx.lab(&access).await?;
        let names = LabNames::read(&mut lab).await?;
        Ok(lab.office_holders().await?.into_iter().map(|holder| names.keeper(holder)).collect())
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
    ) -> Result<Appointed> {
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
        let keeper = LabNames::read(&mut lab).await?.keeper(holder);
        tx.commit().await?;
        Ok(Appointed { keeper, before })
    }

    /// Takes somebody's standing away: a PI may, and everybody their own.
    ///
    /// # Errors
    ///
    /// When the caller may not, the person has none, they are the last PI, or the database is away.
    pub async fn remove_office(&self, caller: &Caller, lab: &LabName, person: &PersonId) -> Result<Office> {
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
        tx.commit().await?;
        Ok(before)
    }

    /// What there is to know before somebody is appointed; with nobody, what there is to know before anybody is.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab, or the database is away.
    pub async fn appointment(&self, caller: &Caller, lab: &LabName, person: Option<&PersonId>) -> Result<OfficeChange> {
        let mut tx = self.store.read().await?;
        let admitted = self.admit(&mut tx, caller, lab).await?;
        let access: PiAccess = admitted.access.pi()?;
        self.office_change(&mut tx, caller, &access, &admitted.snapshot.evidence.sign_in, person).await
    }

    /// What there is to know before somebody's office is taken away, or they lay it down.
    ///
    /// # Errors
    ///
    /// When the caller is neither a PI of the lab nor has the office, or the database is away.
    pub async fn removal(&self, caller: &Caller, lab: &LabName, person: &PersonId) -> Result<OfficeChange> {
        let mut tx = self.store.read().await?;
        let admitted = self.admit(&mut tx, caller, lab).await?;
        let access = admitted.access.manager()?;
        if *person != caller.person {
            LabAccess::clone(&access).pi()?;
        }
        self.office_change(&mut tx, caller, &access, &admitted.snapshot.evidence.sign_in, Some(person)).await
    }

    async fn office_change(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        access: &LabAccess,
        sign_in: &SignInStrength,
        person: Option<&PersonId>,
    ) -> Result<OfficeChange> {
        let is_somebody = match person {
            Some(person) => tx.is_person(person).await?,
            None => false,
        };
        let mut open = tx.lab(access).await?;
        let roster = Roster::read(&mut open).await?;
        let somebody = person.filter(|_| is_somebody).map(|id| {
            let Some(known) = roster.find(id) else { return Somebody::Unknown(id.clone()) };
            let alike = roster.look_alikes.of_person(id, known.name.as_ref());
            let look_alikes = alike.into_iter().filter_map(|other| roster.find(other)).cloned().collect();
            Somebody::Known { person: Box::new(known.clone()), look_alikes }
        });
        let is_pi = person.and_then(|id| roster.find(id)).is_some_and(|it| it.office == Some(Office::Pi));
        let is_last_pi = is_pi && !roster.able_pis().any(|pi| Some(&pi.id) != person);
        Ok(OfficeChange {
            place: LabPlace::of(access),
            somebody,
            is_own: person == Some(&caller.person),
            now: self.clock.now(),
            is_last_pi,
            gives_until: gives_until(sign_in),
            takes_until: SignInAge::WORKING_DAY.end(sign_in.at),
        })
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
