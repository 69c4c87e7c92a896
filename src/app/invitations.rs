//! Becoming a lab's first PI: an operator hands out a link, and whoever holds it and has signed in may accept. The link
//! is good once and for a week; what is kept of it is a hash.

use secrecy::{ExposeSecret, SecretString};

use super::sessions::require_live;
use super::{Broker, Caller, Error, LabError, Result, keys};
use crate::domain::access::OpenInvitation;
use crate::domain::id::LabName;
use crate::domain::lab::Office;
use crate::domain::ledger::{Book, Event};

impl Broker {
    /// The invitation that this link is for.
    ///
    /// # Errors
    ///
    /// [`LabError::NoSuchInvitation`] when it was used, withdrawn or replaced, has lapsed, or never was one.
    pub async fn invitation(&self, token: &SecretString) -> Result<OpenInvitation> {
        let mut tx = self.store.read().await?;
        let open = tx.invitation(&keys::hash(token.expose_secret()), self.clock.now()).await?;
        Ok(open.ok_or(LabError::NoSuchInvitation)?)
    }

    /// Makes the caller a PI of the lab that the link is for.
    ///
    /// # Errors
    ///
    /// As for looking at it, and when the caller's session has ended.
    pub async fn accept_invitation(&self, caller: &Caller, token: &SecretString) -> Result<LabName> {
        let now = self.clock.now();
        let hash = keys::hash(token.expose_secret());
        let mut tx = self.store.write().await?;
        require_live(&mut tx, &caller.session, now).await?;
        let snapshot =
            tx.snapshot(&caller.person, &caller.sign_in).await?.filter(|snapshot| !snapshot.evidence.suspended);
        snapshot.ok_or(Error::SignInNeeded)?;
        let open = tx.invitation(&hash, now).await?.ok_or(LabError::NoSuchInvitation)?;
        let access = open.access(&caller.person);
        tx.hold_book(&Book::Lab(access.lab().id.clone())).await?;
        let mut lab = tx.lab(&access).await?;
        if !lab.end_invitation(&access.invitation().id, now).await? {
            return Err(LabError::NoSuchInvitation.into());
        }
        let before = lab.office(access.person()).await?;
        lab.put_office(access.person(), Office::Pi, now).await?;
        let invitation = Some(access.invitation().id.clone());
        let event = Event::StandingGiven { person: access.person().clone(), standing: Office::Pi, before, invitation };
        lab.append(self.act(&access, event)).await?;
        tx.commit().await?;
        Ok(access.lab().name.clone())
    }
}
