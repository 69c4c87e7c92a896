//! What can go wrong with AWS itself, as a test wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use axum::http::StatusCode;
use chrono::TimeDelta;

use super::calls::Service;
use super::fault::Fault;
use super::locked;

/// How an account stands with Mechanical Turk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Requester {
    /// It is linked to a requester account.
    #[default]
    Linked,
    /// It is linked to none: whoever may call is told so.
    NotLinked,
    /// The service is closed, and says so to whoever is authenticated.
    Closed(Closing),
    /// Nobody answers: the connection is dropped once the call is made.
    Unreachable,
}

/// What a closed service answers.
///
/// AWS closed Mechanical Turk on 2026-09-30, and nobody we know of has published what its endpoint answers since. So there
/// is no answer here that could pass for the real one: a test chooses status, code and message, and should choose several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// `410`.
    pub status: StatusCode,
    /// `__type` of the body.
    pub code: String,
    /// `Message` of the body.
    pub message: String,
}

impl Closing {
    /// The answer as an error.
    pub(super) fn fault(&self) -> Fault {
        Fault::new(self.status, self.code.clone(), self.message.clone())
    }
}

/// Where a call is lost. Its caller sees the same: the connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Before anything was done.
    OnTheWayThere,
    /// The call is done, and its answer is lost.
    OnTheWayBack,
}

/// Everything that goes wrong at the moment.
#[derive(Default)]
pub(super) struct Troubles(Mutex<State>);

#[derive(Default)]
struct State {
    /// How many more calls of a service are one too many.
    throttled: BTreeMap<Service, u32>,
    /// How many more calls of an action of IAM are lost, and where.
    lost: BTreeMap<String, (u32, Lost)>,
    /// How far AWS's clock is from the one it was given.
    skew: TimeDelta,
    /// Regions without STS, by account.
    disabled: BTreeSet<(String, String)>,
    requesters: BTreeMap<String, Requester>,
    page: Option<usize>,
}

impl Troubles {
    /// Whether this call of a service is one too many. Each look is one call.
    pub(super) fn throttles(&self, service: Service) -> bool {
        match locked(&self.0).throttled.get_mut(&service) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    pub(super) fn throttle(&self, service: Service, calls: u32) {
        locked(&self.0).throttled.insert(service, calls);
    }

    /// Where this call of an action of IAM is lost, if it is. Each look is one call.
    pub(super) fn loses(&self, action: &str) -> Option<Lost> {
        match locked(&self.0).lost.get_mut(action) {
            Some((left, how)) if *left > 0 => {
                *left -= 1;
                Some(*how)
            }
            _ => None,
        }
    }

    pub(super) fn lose(&self, action: &str, times: u32, how: Lost) {
        locked(&self.0).lost.insert(action.to_owned(), (times, how));
    }

    pub(super) fn skew(&self) -> TimeDelta {
        locked(&self.0).skew
    }

    pub(super) fn set_skew(&self, skew: TimeDelta) {
        locked(&self.0).skew = skew;
    }

    /// Whether STS is switched off in a region for an account.
    pub(super) fn is_disabled(&self, account: &str, region: &str) -> bool {
        locked(&self.0).disabled.contains(&(account.to_owned(), region.to_owned()))
    }

    pub(super) fn disable(&self, account: &str, region: &str) {
        locked(&self.0).disabled.insert((account.to_owned(), region.to_owned()));
    }

    pub(super) fn enable(&self, account: &str, region: &str) {
        locked(&self.0).disabled.remove(&(account.to_owned(), region.to_owned()));
    }

    pub(super) fn requester(&self, account: &str) -> Requester {
        locked(&self.0).requesters.get(account).cloned().unwrap_or_default()
    }

    pub(super) fn set_requester(&self, account: &str, requester: Requester) {
        locked(&self.0).requesters.insert(account.to_owned(), requester);
    }

    /// The most entries that IAM puts on a page, whatever is asked for.
    pub(super) fn page(&self) -> Option<usize> {
        locked(&self.0).page
    }

    pub(super) fn set_page(&self, most: Option<usize>) {
        locked(&self.0).page = most;
    }
}
