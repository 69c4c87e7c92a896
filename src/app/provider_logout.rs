//! What happens here when a provider says that somebody has left there.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::cut_off::{PersonCutOffWish, cut_off_everywhere};
use super::{Broker, Error, Result};
use crate::domain::actor::Actor;
use crate::domain::cut_off::CutOffCause;
use crate::domain::id::{ActId, ConnectionName, PersonId};
use crate::domain::ledger::{Book, Draft, Event, Thread};
use crate::telemetry::chain;

impl Broker {
    /// Ends the sessions that a logout token of this connection speaks of, and cuts off the AWS credentials of those whose
    /// they were. A token is taken once; one that speaks of
    /// nobody here changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::LogoutToken`] when the token does not hold or was taken before; [`Error::ProviderAway`] when the keys to
    /// check it with cannot be had.
    pub async fn provider_logout(&self, connection: &ConnectionName, token: &SecretString) -> Result<()> {
        let provider = self.provider(connection)?;
        let now = self.clock.now();
        let exchange = self.exchange(connection).await?;
        let logout = match provider.logout_token(token, now).await {
            Ok(logout) => logout,
            Err(error) => {
                tracing::warn!(connection.name = %connection, "a logout token was refused: {}", chain(&error));
                return Err(if error.is_away() { Error::ProviderAway } else { Error::LogoutToken });
            }
        };
        drop(exchange);

        let mut tx = self.store.write().await?;
        if !tx.take_logout_token(connection, &logout.id, now).await? {
            tracing::warn!(connection.name = %connection, "a logout token was shown a second time");
            return Err(Error::LogoutToken);
        }
        let mut ended: BTreeMap<PersonId, u64> = BTreeMap::new();
        let (session, subject) = (logout.session.as_ref(), logout.subject.as_ref());
        for (sign_in, person) in tx.sign_ins_to_log_out(connection, session, subject).await? {
            *ended.entry(person).or_default() += tx.end_sessions_by_sign_in(&sign_in, now).await?;
        }
        // Who has left here before may have AWS credentials still.
        let mut cut_off = Vec::new();
        for (person, sessions) in std::mem::take(&mut ended) {
            if sessions > 0 || !tx.labs_with_sessions_of(&person, now).await?.is_empty() {
                ended.insert(person, sessions);
            }
        }
        for (person, sessions) in &ended {
            let event =
                Event::ProviderLogout { person: person.clone(), connection: connection.clone(), sessions: *sessions };
            let thread = Thread::Act(Actor::Broker, ActId::from_entropy(self.random.bytes()));
            tx.append(Book::Broker, Draft { at: now, thread, event }).await?;
            let (by, cause) = (Actor::Broker, CutOffCause::SignedOut);
            let wish = PersonCutOffWish { person: person.clone(), by, cause, reason: None };
            cut_off.push(cut_off_everywhere(&mut tx, &self.random, now, wish).await?);
        }
        tx.commit().await?;
        for row in cut_off {
            self.spread_soon(row);
        }
        for (person, sessions) in &ended {
            tracing::info!(person.id = %person, connection.name = %connection, sessions.count = sessions, "left at the provider");
        }
        Ok(())
    }
}
