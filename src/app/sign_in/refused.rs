//! A sign-in that came to nothing: the same reference on the person's page, in the log and in the ledger.
//!
//! Anybody can have a sign-in refused as often as they like, so what the ledger keeps of it is bounded. Beyond the bound
//! the log alone has it, and says once a minute how many the ledger has not.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::SignInWish;
use crate::app::{Broker, Error, SignInError};
use crate::domain::actor::Actor;
use crate::domain::id::{ActId, ConnectionName, PersonId};
use crate::domain::ledger::{Book, Draft, Event, Thread};
use crate::domain::sign_in::SignInRefusal;
use crate::oidc;
use crate::telemetry::chain;

/// So many refused sign-ins a minute stand in the ledger, of all that this broker refuses.
pub const REFUSALS_KEPT_A_MINUTE: u32 = 60;

/// How often the log says that there were more.
const TELL_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// What is left of the ledger's room for refused sign-ins.
#[derive(Debug)]
pub(in crate::app) struct RefusalRoom(Mutex<Room>);

#[derive(Debug)]
struct Room {
    left: u32,
    filled_at: DateTime<Utc>,
    turned_away: u64,
    told_at: DateTime<Utc>,
}

/// What is to be done with one more.
#[derive(Debug, PartialEq, Eq)]
struct Admission {
    /// It has its place in the ledger.
    in_ledger: bool,
    /// How many had none, when it is time to say so.
    tell: Option<u64>,
}

impl Default for RefusalRoom {
    fn default() -> Self {
        let long_ago = DateTime::UNIX_EPOCH;
        Self(Mutex::new(Room { left: REFUSALS_KEPT_A_MINUTE, filled_at: long_ago, turned_away: 0, told_at: long_ago }))
    }
}

impl RefusalRoom {
    fn admit(&self, now: DateTime<Utc>) -> Admission {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let each = TimeDelta::minutes(1) / i32::try_from(REFUSALS_KEPT_A_MINUTE).unwrap_or(i32::MAX);
        // A clock that was put back fills nothing and must not stop the filling for ever.
        let since = (now - room.filled_at).max(TimeDelta::zero());
        let refill = since.num_milliseconds() / each.num_milliseconds().max(1);
        if refill > 0 || now < room.filled_at {
            room.left = u32::try_from(refill).unwrap_or(u32::MAX).saturating_add(room.left).min(REFUSALS_KEPT_A_MINUTE);
            room.filled_at = now;
        }
        let in_ledger = room.left > 0;
        room.left = room.left.saturating_sub(1);
        room.turned_away += u64::from(!in_ledger);
        let tell = (room.turned_away > 0 && (now - room.told_at).abs() >= TELL_INTERVAL).then_some(room.turned_away);
        if tell.is_some() {
            (room.turned_away, room.told_at) = (0, now);
        }
        Admission { in_ledger, tell }
    }
}

/// What is known of a sign-in that is refused.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    pub(super) connection: Option<&'a ConnectionName>,
    pub(super) person: Option<&'a PersonId>,
    /// What it was to be, so that it can be begun again.
    pub(super) wish: Option<SignInWish>,
    pub(super) source: Option<oidc::Error>,
}

impl Broker {
    /// The refusal of an answer that cannot be told to be anybody's.
    pub async fn refuse_sign_in(&self, connection: &ConnectionName, refusal: SignInRefusal) -> Error {
        if !self.providers.contains_key(connection) {
            return Error::NoSuchConnection;
        }
        self.turn_away(refusal, Known { connection: Some(connection), ..Known::default() }).await.into()
    }

    /// Notes that a sign-in was refused.
    pub(super) async fn turn_away(&self, refusal: SignInRefusal, known: Known<'_>) -> SignInError {
        let reference = ActId::from_entropy(self.random.bytes());
        let now = self.clock.now();
        let Admission { in_ledger, tell } = self.0.refusal_room.admit(now);
        tracing::warn!(
            reference = %reference,
            reason = %refusal,
            connection.name = known.connection.map(ConnectionName::as_str),
            person.id = known.person.map(PersonId::as_str),
            cause = known.source.as_ref().map(|error| chain(error)),
            "a sign-in was refused"
        );
        if let Some(more) = tell {
            tracing::warn!(sign_ins.count = more, "more sign-ins were refused than the ledger keeps");
        }
        if in_ledger {
            let event = Event::SignInRefused {
                connection: known.connection.cloned(),
                reason: refusal,
                person: known.person.cloned(),
            };
            let thread = Thread::Act(Actor::Broker, reference.clone());
            if let Err(error) = self.keep_refusal(Draft { at: now, thread, event }).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(reference = %reference, error, "a refused sign-in is not in the ledger");
            }
        }
        SignInError { refusal, reference, again: known.wish, source: known.source }
    }

    async fn keep_refusal(&self, draft: Draft) -> Result<(), crate::store::Error> {
        let mut tx = self.store.write().await?;
        tx.append(Book::Broker, draft).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Admission = Admission { in_ledger: true, tell: None };
    const NOT_KEPT: Admission = Admission { in_ledger: false, tell: None };

    #[test]
    fn the_ledger_keeps_a_minutes_worth_and_the_log_counts_the_rest() {
        let room = RefusalRoom::default();
        let start = DateTime::from_timestamp(1_795_266_000, 0).unwrap();

        for _ in 0..REFUSALS_KEPT_A_MINUTE {
            assert_eq!(room.admit(start), KEPT);
        }
        assert_eq!(room.admit(start), Admission { in_ledger: false, tell: Some(1) }, "the first is told at once");
        for _ in 0..1_000 {
            assert_eq!(room.admit(start), NOT_KEPT);
        }

        let second = start + TimeDelta::seconds(1);
        assert_eq!(room.admit(second), KEPT, "one place a second");
        assert_eq!(room.admit(second), NOT_KEPT);
        let minute = start + TimeDelta::minutes(1);
        assert_eq!(room.admit(minute), Admission { in_ledger: true, tell: Some(1_001) });
        assert_eq!(room.admit(start), KEPT, "a clock that is put back");
    }
}
