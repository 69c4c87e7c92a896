//! Somebody who is signed in: whatever is asked in their name carries an access token that is good.
//!
//! An access token lives for minutes, so nearly every run finds it old. It is renewed before it expires, and once more
//! when the broker does not take it. AWS tools start a helper for each of their processes, so many may find it old at
//! the same moment: one of them renews it under a lock while the others look at the file until it has changed. The lock
//! dies with whoever holds it, and nobody waits for it longer than [`LOCK_PATIENCE`]: who renews without it gets the
//! same tokens from the broker.

use std::cell::{Cell, RefCell};
use std::fmt;

use zeroize::Zeroizing;

use super::broker_url::BrokerUrl;
use super::client::Client;
use super::failure::Failure;
use super::session::{LOCK_PATIENCE, Session, Sessions};

/// A person at a broker.
pub(crate) struct SignedIn {
    broker: BrokerUrl,
    client: Client,
    sessions: Sessions,
    session: RefCell<Session>,
    /// Once is enough: a token that was just given and is not taken either belongs to a session that has ended.
    renewed: Cell<bool>,
}

impl SignedIn {
    /// Whoever is signed in to this broker on this machine.
    pub(crate) fn at(broker: BrokerUrl, sessions: Sessions) -> Result<Self, Failure> {
        let session = RefCell::new(sessions.live(&broker)?);
        Ok(Self { client: Client::new(&broker), broker, sessions, session, renewed: Cell::new(false) })
    }

    /// Where.
    pub(crate) fn broker(&self) -> &BrokerUrl {
        &self.broker
    }

    /// Who, as far as the session says.
    pub(crate) fn person(&self) -> Option<String> {
        self.session.borrow().person.clone()
    }

    /// The way there, for what needs no token.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks with an access token that is good.
    pub(crate) fn ask<T>(&self, ask: impl Fn(&Client, &str) -> Result<T, Failure>) -> Result<T, Failure> {
        if self.sessions.is_due(&self.session.borrow()) {
            match self.renew() {
                // It is good for a moment yet, and the broker may answer the next time.
                Err(Failure::Unreachable { .. } | Failure::Unavailable { .. }) if self.is_good() => {}
                renewed => renewed?,
            }
        }
        match ask(&self.client, &self.token()) {
            Err(Failure::NotSignedIn { .. }) if self.can_renew() => {
                self.renew()?;
                ask(&self.client, &self.token())
            }
            answer => answer,
        }
    }

    fn token(&self) -> Zeroizing<String> {
        self.session.borrow().access_token.clone()
    }

    fn is_good(&self) -> bool {
        self.sessions.is_good(&self.session.borrow())
    }

    fn can_renew(&self) -> bool {
        !self.renewed.get() && self.session.borrow().renewal.is_some()
    }

    /// Gets new tokens, from the broker or from whoever got them meanwhile.
    fn renew(&self) -> Result<(), Failure> {
        let old = self.token();
        // Until the lock is had, another may have renewed the session, or ended it.
        let lock = self.sessions.lock(&self.broker, LOCK_PATIENCE, || self.renewed_elsewhere(&old))?;
        if lock.is_none() {
            tracing::debug!("waited for another helper in vain");
        }
        if self.renewed_elsewhere(&old)? {
            return Ok(());
        }
        // A refresh token is good once: without room for what it gets, it is not traded.
        let room = match self.sessions.room(&self.broker) {
            Err(failure) if self.is_good() => {
                tracing::debug!(%failure, "not renewed yet");
                return Ok(());
            }
            room => room?,
        };
        let next = match self.next() {
            Err(Failure::NotSignedIn { .. }) if self.renewed_elsewhere(&old)? => return Ok(()),
            next => next?,
        };
        // Who signed in anew, or out, without waiting for the lock has the last word.
        if !self.renewed_elsewhere(&old)? {
            room.write(&self.sessions.bytes(&self.broker, &next)?)?;
            self.session.replace(next);
        }
        self.renewed.set(true);
        Ok(())
    }

    /// The session as the broker renews it.
    fn next(&self) -> Result<Session, Failure> {
        let session = self.session.borrow();
        let not_signed_in = || Failure::NotSignedIn { broker: self.broker.to_string() };
        let renewal = session.renewal.as_ref().ok_or_else(not_signed_in)?;
        let refresh_token = session.refresh_token(&self.broker)?;
        let tokens = self.client.refresh(&renewal.token_endpoint, &refresh_token)?;
        let person = session.person.clone();
        Ok(self.sessions.session(&self.broker, person, tokens, &renewal.token_endpoint, &session.revocation_endpoint))
    }

    /// Whether the file holds other tokens by now; they are taken.
    fn renewed_elsewhere(&self, old: &str) -> Result<bool, Failure> {
        let stored = self.sessions.live(&self.broker)?;
        if stored.access_token.as_str() == old {
            return Ok(false);
        }
        self.session.replace(stored);
        Ok(true)
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("broker", &self.broker).finish_non_exhaustive()
    }
}
