//! When a change to IAM is seen: at once, or only later, as a test wants it.
//!
//! IAM is eventually consistent: what was written is read back, and counts, only a while later. How long AWS takes is
//! not published. Here it is counted in calls, or in time by the clock that the small AWS was given, so that a test can say
//! it exactly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use super::accounts::Accounts;
use super::locked;
use crate::ambient::Clock;

/// What IAM knows, as it is written and as it is seen.
pub(super) struct Register {
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    written: Arc<Accounts>,
    visible: Arc<Accounts>,
    /// What is written and not seen yet, oldest first. Each has in it what is older.
    coming: VecDeque<(Due, Arc<Accounts>)>,
    delay: Delay,
}

/// How long a change that is made now is not seen.
pub(super) enum Delay {
    Calls(u32),
    Time(TimeDelta),
}

/// When a change is seen.
enum Due {
    /// Once so many more calls have not seen it.
    AfterCalls(u32),
    /// From this moment on.
    At(DateTime<Utc>),
}

impl Register {
    pub(super) fn new(accounts: Accounts, clock: Clock) -> Self {
        let accounts = Arc::new(accounts);
        let visible = Arc::clone(&accounts);
        let state = State { written: accounts, visible, coming: VecDeque::new(), delay: Delay::Calls(0) };
        Self { clock, state: Mutex::new(state) }
    }

    /// What one call sees. Each look is one call.
    pub(super) fn look(&self) -> Arc<Accounts> {
        let mut state = locked(&self.state);
        state.apply(self.clock.now());
        for (due, _) in &mut state.coming {
            if let Due::AfterCalls(left) = due {
                *left -= 1;
            }
        }
        Arc::clone(&state.visible)
    }

    /// What was written last, whether it is seen already or not.
    pub(super) fn written(&self) -> Arc<Accounts> {
        Arc::clone(&locked(&self.state).written)
    }

    /// How many changes the next call would not see.
    pub(super) fn pending(&self) -> usize {
        let mut state = locked(&self.state);
        state.apply(self.clock.now());
        state.coming.len()
    }

    /// Makes a change, or none when it fails.
    pub(super) fn change<T, E>(&self, change: impl FnOnce(&mut Accounts) -> Result<T, E>) -> Result<T, E> {
        let mut state = locked(&self.state);
        let mut accounts = Accounts::clone(&state.written);
        let done = change(&mut accounts)?;
        state.written = Arc::new(accounts);
        let now = self.clock.now();
        let due = match state.delay {
            Delay::Calls(calls) => Due::AfterCalls(calls),
            Delay::Time(delay) => Due::At(now + delay),
        };
        let written = Arc::clone(&state.written);
        state.coming.push_back((due, written));
        state.apply(now);
        Ok(done)
    }

    /// How long a change that is made from now on is not seen.
    pub(super) fn delay(&self, delay: Delay) {
        locked(&self.state).delay = delay;
    }
}

impl State {
    /// Lets the newest of what is due be seen, and with it what is older.
    fn apply(&mut self, now: DateTime<Utc>) {
        let is_due = |due: &Due| match due {
            Due::AfterCalls(left) => *left == 0,
            Due::At(at) => *at <= now,
        };
        if let Some(newest) = self.coming.iter().rposition(|(due, _)| is_due(due))
            && let Some((_, accounts)) = self.coming.drain(..=newest).next_back()
        {
            self.visible = accounts;
        }
    }
}
