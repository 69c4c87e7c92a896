//! Cutting off sessions that live: one person's in a lab or everywhere, one role's, or all of a lab.
//!
//! There is one way to do it, whoever wants it. First it is written down, and from that moment on nothing is issued to those
//! whose sessions they are; what STS is about to give them is dropped. Then the deny at the lab's session role is made anew of
//! all that is written down, by one broker at a time ([`enforce`]). A stop on the way loses nothing: whatever is not at AWS yet
//! is still due.

mod ask;
mod canary;
mod compare;
mod enforce;
mod everywhere;
mod view;

use chrono::{DateTime, Utc};

use super::{Broker, Caller, LabError, Result};
use crate::ambient::Random;
use crate::domain::access::{LabAccess, ManagerAccess};
use crate::domain::actor::Actor;
use crate::domain::cut_off::{
    CutOffCause, CutOffReason, CutOffSteps, DenialSeen, Deny, DenyEntry, DenyMoment, ROOM_CHARS, Whose,
};
use crate::domain::id::{ActId, CutOffId, LabName};
use crate::domain::lab::{Lab, Office};
use crate::domain::ledger::{Draft, Event, Thread};
use crate::store::{CutOffRow, DenyRow, LabTx, PersonCutOffRow, Tx};

pub use ask::{CutOffAsk, ToCutOff};
pub use compare::DenyState;
pub use enforce::CutOffPace;
pub(super) use everywhere::cut_off_everywhere;
pub use everywhere::{EverywhereView, PersonCutOffWish};
pub use view::{CutOffView, CutOffsPage, DeniedSessions, TroubleView};

/// What somebody wants to cut off in a lab.
#[derive(Clone, Debug)]
pub struct CutOffWish {
    /// Whose sessions.
    pub whose: Whose,
    /// Why.
    pub reason: Option<CutOffReason>,
    /// Whether they are kept out until somebody lifts it.
    pub hold: bool,
}

/// A cut-off that is to be written down, and who does it for what.
#[derive(Clone, Debug)]
pub(super) struct NewCutOff {
    pub(super) whose: Whose,
    pub(super) by: Actor,
    pub(super) cause: CutOffCause,
    pub(super) reason: Option<CutOffReason>,
    pub(super) hold: bool,
    /// The cut-off in all labs that it is a part of.
    pub(super) everywhere: Option<PersonCutOffRow>,
}

impl Broker {
    /// Cuts sessions of a lab off: for whoever looks after the lab. From then on nothing is issued to those whose they are, and
    /// AWS is told at once. What comes of that is in [`Broker::cut_off`].
    ///
    /// # Errors
    ///
    /// When the caller does not, the lab has no such role or nobody of that id, nothing was ever issued from its account, or
    /// the database is away.
    pub async fn begin_cut_off(&self, caller: &Caller, lab: &LabName, wish: CutOffWish) -> Result<CutOffView> {
        let mut tx = self.store.write_for(lab).await?;
        let access: ManagerAccess = self.admit_to_change(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        match &wish.whose {
            Whose::Person(person) => {
                if !open.is_of_lab(person).await? {
                    return Err(LabError::NoSuchPerson.into());
                }
            }
            Whose::Role(role) => {
                let known = open.roles().await?.into_iter().chain(open.ended_roles().await?);
                if !known.into_iter().any(|known| known.name == *role) {
                    return Err(LabError::RoleNotHere.into());
                }
            }
            Whose::Everyone => {}
        }
        if !open.account().await?.state.is_joined() {
            return Err(LabError::NothingIssued.into());
        }
        let new = NewCutOff {
            whose: wish.whose,
            by: access.by().clone(),
            cause: CutOffCause::Asked,
            reason: wish.reason,
            hold: wish.hold,
            everywhere: None,
        };
        let row = write_down(&mut open, &self.random, self.clock.now(), new).await?;
        let view = self.view_of(&mut open, access.lab(), row).await?;
        tx.commit().await?;
        self.told(access.lab(), &view.row);
        Ok(view)
    }

    /// Lets credentials be issued again to who was kept out: for whoever looks after the lab, with a fresh sign-in. Whoever was
    /// kept out by somebody else does not let themselves in again, where the lab has another PI.
    ///
    /// # Errors
    ///
    /// When the caller may not, there is no such cut-off or it keeps nobody out, or the database is away.
    pub async fn lift_cut_off(&self, caller: &Caller, lab: &LabName, id: &CutOffId) -> Result<CutOffView> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(lab).await?;
        let access: ManagerAccess = self.admit_to_give(&mut tx, caller, lab).await?.access.manager()?;
        let mut open = tx.lab(&access).await?;
        let row = open.cut_off(id).await?.ok_or(LabError::NoSuchCutOff)?;
        let is_ones_own = row.whose.person() == Some(access.person());
        if is_ones_own && row.by.person() != Some(access.person()) && other_pis(&mut open, &access).await? {
            return Err(LabError::HeldOneself.into());
        }
        if !open.lift_cut_off(id, now).await? {
            return Err(LabError::HoldsNobody.into());
        }
        let event = Event::CutOffLifted { cut_off: id.clone(), whose: row.whose.clone() };
        let act = ActId::from_entropy(self.random.bytes());
        open.append(Draft { at: now, thread: Thread::Act(access.by().clone(), act), event }).await?;
        let row = CutOffRow { lifted_at: Some(now), ..row };
        let view = self.view_of(&mut open, access.lab(), row).await?;
        tx.commit().await?;
        tracing::info!(lab.name = %lab, cut_off.id = %id, person.id = %access.person(), "a cut-off was lifted");
        Ok(view)
    }

    /// Says in the log that sessions were cut off, and has AWS told.
    pub(super) fn told(&self, lab: &Lab, row: &CutOffRow) {
        tracing::info!(
            lab.name = %lab.name,
            cut_off.id = %row.id,
            cause = row.cause.as_str(),
            sessions = row.sessions,
            before = %row.before,
            "sessions were cut off"
        );
        self.enforce_soon(lab.name.clone());
    }
}

async fn other_pis(open: &mut LabTx<'_>, access: &LabAccess) -> Result<bool> {
    let holders = open.office_holders().await?;
    Ok(holders.iter().any(|holder| holder.office == Office::Pi && !access.is(&holder.id)))
}

/// Writes a cut-off down, in the transaction of somebody who keeps everybody else out of the lab: before it ends nothing is
/// issued to those whose sessions they are, and after it nothing either until the moment has passed.
pub(super) async fn write_down(
    open: &mut LabTx<'_>,
    random: &Random,
    now: DateTime<Utc>,
    new: NewCutOff,
) -> Result<CutOffRow> {
    let NewCutOff { whose, by, cause, reason, hold, everywhere } = new;
    let deny = open.deny().await?.unwrap_or_else(no_deny);
    let room = usize::try_from(deny.room).unwrap_or(ROOM_CHARS);
    let mut entries = open.deny_entries(now).await?;
    let moments = Deny::of(&entries, room).moments();
    let before = everywhere.as_ref().map_or_else(|| DenyMoment::after(now, moments), |everywhere| everywhere.before);
    let (sessions, dead_at) = open.sessions_to_cut(&whose, now).await?;
    let row = CutOffRow {
        id: CutOffId::from_entropy(random.bytes()),
        whose: whose.clone(),
        everywhere: everywhere.map(|everywhere| everywhere.id),
        by: by.clone(),
        cause,
        reason: reason.clone(),
        sessions,
        before,
        dead_at,
        held: hold,
        lifted_at: None,
        revision: deny.wanted + 1,
        steps: CutOffSteps { stopped_at: now, written_at: None, read_back_at: None, denial: DenialSeen::NotYet },
    };
    open.insert_cut_off(&row).await?;
    entries.push(DenyEntry { whose: whose.clone(), before });
    let overflow = Deny::of(&entries, room).overflow();
    open.put_deny(&DenyRow { wanted: row.revision, overflow, due_at: Some(now), ..deny }).await?;
    let event = Event::CutOff {
        cut_off: row.id.clone(),
        whose,
        before: before.to_string(),
        cause,
        reason,
        held: hold,
        sessions,
    };
    let thread = Thread::Act(by, ActId::from_entropy(random.bytes()));
    open.append(Draft { at: now, thread, event }).await?;
    Ok(row)
}

/// Has what was found of the deny in the account put right, when it is not what is wanted. Says whether it has to be. What
/// somebody is at, or will be at once, is not looked at here: AWS may give back what was there before.
pub(super) async fn see_to_found(open: &mut LabTx<'_>, found: Option<&str>, now: DateTime<Utc>) -> Result<bool> {
    let known = open.deny().await?;
    let row = known.clone().unwrap_or_else(no_deny);
    let is_under_way = row.lease.is_some() || row.due_at.is_some_and(|due| due <= now);
    let deny = Deny::of(&open.deny_entries(now).await?, usize::try_from(row.room).unwrap_or(ROOM_CHARS));
    if is_under_way || deny.is_said_by(found) {
        return Ok(false);
    }
    let wanted = row.wanted.max(1);
    let (written, read_back) = if known.is_some() { (row.written, row.read_back) } else { (wanted, wanted) };
    open.put_deny(&DenyRow { wanted, written, read_back, policy_sha256: None, due_at: Some(now), ..row }).await?;
    Ok(true)
}

/// Of a lab in which nobody was cut off yet.
fn no_deny() -> DenyRow {
    DenyRow {
        wanted: 0,
        written: 0,
        read_back: 0,
        policy_sha256: None,
        written_at: None,
        overflow: None,
        room: u32::try_from(ROOM_CHARS).unwrap_or(u32::MAX),
        due_at: None,
        tries: 0,
        trouble: None,
        lease: None,
    }
}

/// Cuts off everybody who has a live session by a mapping that ended, in the transaction that ends it.
pub(super) async fn cut_off_holders(
    tx: &mut Tx,
    access: &LabAccess,
    mapping: &crate::domain::id::MappingId,
    random: &Random,
    now: DateTime<Utc>,
) -> Result<Vec<CutOffRow>> {
    let mut open = tx.lab(access).await?;
    let mut rows = Vec::new();
    for person in open.people_of_mapping(mapping, now).await? {
        let new = NewCutOff {
            whose: Whose::Person(person),
            by: access.by().clone(),
            cause: CutOffCause::MappingEnded,
            reason: None,
            hold: false,
            everywhere: None,
        };
        rows.push(write_down(&mut open, random, now, new).await?);
    }
    Ok(rows)
}
