//! When a change to IAM is seen: at once, or only after some calls, as a test wants it.
//!
//! IAM is eventually consistent: what was written is read back, and counts, only a while later. How long AWS takes is
//! not published. Here it is counted in calls, so that a test can say it exactly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::accounts::Accounts;
use super::locked;

/// What IAM knows, as it is written and as it is seen.
pub(super) struct Register(Mutex<State>);

struct State {
    written: Arc<Accounts>,
    visible: Arc<Accounts>,
    /// What is seen once so many more calls have not seen it, soonest first.
    coming: VecDeque<(u32, Arc<Accounts>)>,
    /// How many calls do not see a change that is made now.
    delay: u32,
}

impl Register {
    pub(super) fn new(accounts: Accounts) -> Self {
        let accounts = Arc::new(accounts);
        let visible = Arc::clone(&accounts);
        Self(Mutex::new(State { written: accounts, visible, coming: VecDeque::new(), delay: 0 }))
    }

    /// What one call sees. Each look is one call.
    pub(super) fn look(&self) -> Arc<Accounts> {
        let mut state = locked(&self.0);
        while let Some((_, accounts)) = state.coming.pop_front_if(|(left, _)| *left == 0) {
            state.visible = accounts;
        }
        for (left, _) in &mut state.coming {
            *left -= 1;
        }
        Arc::clone(&state.visible)
    }

    /// What was written last, whether it is seen already or not.
    pub(super) fn written(&self) -> Arc<Accounts> {
        Arc::clone(&locked(&self.0).written)
    }

    /// Makes a change, or none when it fails.
    pub(super) fn change<T, E>(&self, change: impl FnOnce(&mut Accounts) -> Result<T, E>) -> Result<T, E> {
        let mut state = locked(&self.0);
        let mut accounts = Accounts::clone(&state.written);
        let done = change(&mut accounts)?;
        state.written = Arc::new(accounts);
        let (written, delay) = (Arc::clone(&state.written), state.delay);
        // What would be seen later, and is older, is in this one too.
        state.coming.retain(|(left, _)| *left < delay);
        if delay == 0 {
            state.visible = written;
        } else {
            state.coming.push_back((delay, written));
        }
        Ok(done)
    }

    /// How many calls will not see a change that is made from now on.
    pub(super) fn delay(&self, calls: u32) {
        locked(&self.0).delay = calls;
    }
}
