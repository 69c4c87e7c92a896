//! Keeps credentials for a role, and gets the next ones long before these expire.
//!
//! Whoever asks is answered from memory and never waits for the broker. A thread of its own gets new credentials once
//! less than twenty minutes are left: botocore asks for others in the last fifteen. While the broker is away it tries
//! again and again, and what is still good is served until it expires. It goes by the clock on the wall: while a laptop
//! sleeps, the clock that timers go by stands still.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::ambient::Clock;
use crate::domain::id::RoleAddress;
use crate::wire::timestamp;

use super::super::Helper;
use super::super::credentials::{self, Credentials};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::moment::moment;
use super::Event;

/// When less than this is left of credentials, the next ones are got.
pub(super) const AHEAD: TimeDelta = TimeDelta::minutes(20);

/// How often the clock is looked at. Each question has it looked at as well.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// How long it waits to try again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long somebody waits who asks when nothing good is left, such as after a sleep of the machine: fresh credentials may
/// be had within a moment, and the most impatient of tools waits for a second.
const MOMENT: Duration = Duration::from_millis(500);

/// Credentials, and the thread that renews them. The thread ends when this is dropped.
#[derive(Debug)]
pub(super) struct Keeper(Arc<Kept>);

/// What is kept.
#[derive(Debug)]
pub(super) struct Kept {
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    credentials: Credentials,
    /// When to get the next ones.
    due_at: DateTime<Utc>,
    /// Why there are no next ones yet.
    trouble: Option<Trouble>,
    is_over: bool,
}

/// Why there are no good credentials, for whoever asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: &'static str,
    /// What happened, and what to run.
    pub(super) message: String,
}

impl Keeper {
    /// Keeps credentials from these on, and tells `events` what a person should know.
    pub(super) fn start(helper: Helper, role: RoleAddress, first: Credentials, events: Sender<Event>) -> Self {
        let clock = helper.clock.clone();
        let due_at = due_at(&first, clock.now());
        let state = State { credentials: first, due_at, trouble: None, is_over: false };
        let kept = Arc::new(Kept { clock, state: Mutex::new(state), changed: Condvar::new() });
        let renewed = kept.clone();
        thread::spawn(move || renewed.renew(&helper, &role, &events));
        Self(kept)
    }

    /// What it keeps.
    pub(super) fn kept(&self) -> Arc<Kept> {
        self.0.clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Kept {
    /// Credentials that have not expired.
    pub(super) fn good(&self) -> Result<Credentials, Trouble> {
        let mut state = self.state();
        if state.due_at <= self.clock.now() {
            self.changed.notify_all();
        }
        let is_good = |state: &State| state.credentials.expires_at > self.clock.now();
        if !is_good(&state) {
            let waited = self.changed.wait_timeout_while(state, MOMENT, |it| !is_good(it) && it.trouble.is_none());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if is_good(&state) {
            return Ok(state.credentials.clone());
        }
        Err(state.trouble.clone().unwrap_or_else(|| Trouble {
            code: "CredentialsNotReady",
            message: "the credentials have expired and new ones are being fetched; try again".to_owned(),
        }))
    }

    fn renew(&self, helper: &Helper, role: &RoleAddress, events: &Sender<Event>) {
        let say = |line: String| drop(events.send(Event::Say(line)));
        let mut pause = Duration::ZERO;
        while self.wait_until_due(pause) {
            // Those that are due have exactly that much left, or less.
            match credentials::get(helper, role, AHEAD + TimeDelta::seconds(1), &mut |line| say(line.to_owned())) {
                Ok(fresh) => {
                    pause = Duration::ZERO;
                    let until = moment(&timestamp(fresh.expires_at));
                    if self.replace(fresh) {
                        say(format!("lodge: {role} has new credentials again, until {until}"));
                    }
                }
                Err(failure) => {
                    pause = (2 * pause).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                    if let Some(expires_at) = self.note(&failure) {
                        let until = moment(&timestamp(expires_at));
                        say(format!("lodge: {failure} (the credentials of {role} are served until {until})"));
                    }
                }
            }
        }
    }

    /// Waits for the pause, and then until new credentials are to be got. False when nobody wants any more.
    fn wait_until_due(&self, pause: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), pause, |state| !state.is_over);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        while !state.is_over && state.due_at > self.clock.now() {
            state = self.changed.wait_timeout(state, LOOK_INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.is_over
    }

    /// Keeps these from now on. True when it had failed before.
    fn replace(&self, fresh: Credentials) -> bool {
        let mut state = self.state();
        state.due_at = due_at(&fresh, self.clock.now());
        state.credentials = fresh;
        let had_failed = state.trouble.take().is_some();
        self.changed.notify_all();
        had_failed
    }

    /// Remembers why there are no new ones. The first time, gives when those of now expire.
    fn note(&self, failure: &Failure) -> Option<DateTime<Utc>> {
        let code = match failure.exit() {
            Exit::SignInNeeded => "SignInNeeded",
            Exit::Unavailable => "BrokerUnavailable",
            _ => "Refused",
        };
        let mut state = self.state();
        let is_first = state.trouble.replace(Trouble { code, message: failure.to_string() }).is_none();
        self.changed.notify_all();
        is_first.then_some(state.credentials.expires_at)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When to get the ones after these. Where a lab has sessions so short that even new ones have less than that, the second
/// half of each is used to get the next.
fn due_at(credentials: &Credentials, now: DateTime<Utc>) -> DateTime<Utc> {
    let left = credentials.expires_at - now;
    if left > AHEAD { credentials.expires_at - AHEAD } else { now + left / 2 }
}
