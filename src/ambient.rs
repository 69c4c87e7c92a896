//! The clock and the source of randomness, as values that are handed in.
//!
//! This is the only module that asks the machine for either. The domain takes `now` and bytes as arguments, so that a
//! test can stand at any moment and get the same identifiers twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use sha2::{Digest, Sha256};

/// Tells the time, to the microsecond (what PostgreSQL keeps).
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that a test moves.
    Manual(ManualClock),
}

impl Clock {
    /// The time now, in UTC, truncated to microseconds.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
            Self::System => from_micros(Utc::now().timestamp_micros()),
            Self::Manual(clock) => from_micros(clock.0.load(Ordering::SeqCst)),
        }
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(now.timestamp_micros())))
    }

    /// Moves the clock; a negative duration moves it back.
    pub fn advance(&self, by: chrono::TimeDelta) {
        let micros = by.num_microseconds().unwrap_or(0);
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

/// Gives random bytes.
#[derive(Clone, Debug)]
pub enum Random {
    /// The operating system's generator.
    System,
    /// The same bytes every time, for tests.
    Seeded(SeededRandom),
}

impl Random {
    /// `N` fresh bytes.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness to give: nothing safe can be done without it.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            #[expect(clippy::expect_used, reason = "no token may be made from anything else")]
            #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
            Self::System => getrandom::fill(&mut bytes).expect("the operating system gives randomness"),
            Self::Seeded(seeded) => seeded.fill(&mut bytes),
        }
        bytes
    }
}

/// A repeatable stream: SHA-256 of a seed and a counter. Not for secrets.
#[derive(Clone, Debug)]
pub struct SeededRandom {
    seed: u64,
    counter: Arc<AtomicU64>,
}

impl SeededRandom {
    /// The stream that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: Arc::new(AtomicU64::new(0)) }
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = self.counter.fetch_add(1, Ordering::SeqCst);
            let digest =
                Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(block.to_be_bytes()).finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

fn from_micros(micros: i64) -> DateTime<Utc> {
    Utc.timestamp_micros(micros).single().unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_clock_moves_only_when_told() {
        let manual = ManualClock::at(DateTime::UNIX_EPOCH);
        let clock = Clock::Manual(manual.clone());

        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        manual.advance(chrono::TimeDelta::seconds(90));
        assert_eq!(clock.now().timestamp(), 90);
    }

    #[test]
    fn the_system_clock_has_no_more_than_microseconds() {
        assert_eq!(Clock::System.now().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[test]
    fn a_seed_gives_the_same_stream_and_never_the_same_block_twice() {
        let (one, two) = (Random::Seeded(SeededRandom::new(7)), Random::Seeded(SeededRandom::new(7)));

        let first: [u8; 40] = one.bytes();
        assert_eq!(first, two.bytes::<40>());
        assert_ne!(first, one.bytes::<40>());
        assert_ne!(Random::System.bytes::<32>(), Random::System.bytes::<32>());
    }
}
