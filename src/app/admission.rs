//! Letting somebody into a lab: the caller's own standing there, read in the transaction that uses it.

use chrono::{DateTime, Utc};

use super::sessions::require_live;
use super::{Broker, Caller, Error, Result};
use crate::domain::access::{self, Denied, LabAccess, Membership, SignInStrength};
use crate::domain::id::LabName;
use crate::domain::ledger::Book;
use crate::store::{Snapshot, Tx};

/// Somebody who was let in, and what their latest sign-in said.
pub(super) struct Admitted {
    pub(super) access: LabAccess,
    pub(super) snapshot: Snapshot,
}

/// What lets somebody into a lab by their sign-in.
type Door = fn(Option<Membership>, &SignInStrength, DateTime<Utc>) -> std::result::Result<LabAccess, Denied>;

impl Broker {
    /// Lets the caller into a lab to look.
    ///
    /// # Errors
    ///
    /// [`access::Denied::NoSuchLab`] for a stranger there, [`Error::SignInNeeded`] when the session has ended.
    pub(super) async fn admit(&self, tx: &mut Tx, caller: &Caller, lab: &LabName) -> Result<Admitted> {
        let (snapshot, membership, _) = self.membership(tx, caller, lab).await?;
        Ok(Admitted { access: access::admit(membership)?, snapshot })
    }

    /// The same, and nobody else changes the lab until the transaction ends.
    ///
    /// # Errors
    ///
    /// As for [`Broker::admit`].
    pub(super) async fn admit_to_look_under_lock(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        lab: &LabName,
    ) -> Result<Admitted> {
        self.admit_under_lock(tx, caller, lab, |membership, _, _| access::admit(membership)).await
    }

    /// Lets the caller into a lab to change something there. Nobody else changes the lab until the transaction ends, and
    /// the standing was read under that lock: one that was taken away before it gives nothing after it.
    ///
    /// # Errors
    ///
    /// As for looking, and [`access::Denied::FreshSignInNeeded`].
    pub(super) async fn admit_to_change(&self, tx: &mut Tx, caller: &Caller, lab: &LabName) -> Result<Admitted> {
        self.admit_under_lock(tx, caller, lab, access::admit_to_change).await
    }

    /// The same for what can give somebody more than they had. Where only the rows tell whether it does,
    /// [`access::may_give`] is asked once they are read.
    ///
    /// # Errors
    ///
    /// As for [`Broker::admit_to_change`], which takes an older sign-in.
    pub(super) async fn admit_to_give(&self, tx: &mut Tx, caller: &Caller, lab: &LabName) -> Result<Admitted> {
        self.admit_under_lock(tx, caller, lab, access::admit_to_give).await
    }

    async fn admit_under_lock(&self, tx: &mut Tx, caller: &Caller, lab: &LabName, door: Door) -> Result<Admitted> {
        let found = self.admit(tx, caller, lab).await?;
        tx.hold_book(&Book::Lab(found.access.lab().id.clone())).await?;
        let (snapshot, membership, now) = self.membership(tx, caller, lab).await?;
        Ok(Admitted { access: door(membership, &snapshot.evidence.sign_in, now)?, snapshot })
    }

    /// What the caller is in a lab, and when that was asked.
    async fn membership(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        lab: &LabName,
    ) -> Result<(Snapshot, Option<Membership>, DateTime<Utc>)> {
        let now = self.clock.now();
        require_live(tx, &caller.session, now).await?;
        let snapshot =
            tx.snapshot(&caller.person, &caller.sign_in).await?.filter(|snapshot| !snapshot.evidence.suspended);
        let snapshot = snapshot.ok_or(Error::SignInNeeded)?;
        let membership = tx.membership(lab, &caller.person, &snapshot.sign_in, now).await?;
        Ok((snapshot, membership, now))
    }
}
