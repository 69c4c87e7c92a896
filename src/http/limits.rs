//! How often one address may ask for what anybody may ask for: signing in, our authorization server, invitations.
//!
//! Addresses are counted one by one, IPv6 by the /64 that a household or an office has. What is kept of them is bounded:
//! an address that has not asked for a while is forgotten, and when there are more than can be kept apart, all of them
//! share one measure. None of this is asked of whoever uses what they are signed in to.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::client;
use super::problem::Problem;
use crate::app::Broker;

/// A second, from one address: a lecture hall behind one, on the first morning of term, signs in at this rate.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// At once, from one address.
const BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// So many addresses are counted one by one: some 10 MB.
const ADDRESSES_MAX: usize = 100_000;

/// A second, from all addresses together, once there are more than that.
const CROWD_PER_SECOND: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// Addresses that have asked are looked through for old ones after so many requests, or more when there are more.
const TIDY_EVERY: usize = 1_000;

/// What is counted: an IPv4 address, or the first half of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// What every address has asked for lately.
#[derive(Debug)]
pub(super) struct Limits {
    each: RateLimiter<Network, HashMapStateStore<Network>, DefaultClock>,
    crowd: RateLimiter<NotKeyed, InMemoryState, DefaultClock>,
    since_tidied: AtomicUsize,
    max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::keeping(ADDRESSES_MAX)
    }
}

impl Limits {
    fn keeping(max: usize) -> Self {
        Self {
            each: RateLimiter::hashmap(Quota::per_second(PER_SECOND).allow_burst(BURST)),
            crowd: RateLimiter::direct(Quota::per_second(CROWD_PER_SECOND)),
            since_tidied: AtomicUsize::new(0),
            max,
        }
    }

    fn admits(&self, address: IpAddr) -> bool {
        self.tidy();
        if self.each.len() >= self.max {
            return self.crowd.check().is_ok();
        }
        self.each.check_key(&address.into()).is_ok()
    }

    /// Forgets who has not asked for a while. Done so seldom that it costs each request little.
    fn tidy(&self) {
        let since = self.since_tidied.fetch_add(1, Ordering::Relaxed);
        if since >= TIDY_EVERY.max(self.each.len()) {
            self.since_tidied.store(0, Ordering::Relaxed);
            self.each.retain_recent();
            self.each.shrink_to_fit();
        }
    }
}

/// What anybody may ask for, and what costs more than a page.
fn is_limited(path: &str) -> bool {
    path == "/sign-in"
        || ["/auth/", "/oauth/", "/invitations/", "/download/"].iter().any(|prefix| path.starts_with(prefix))
}

/// Turns away who asks too often.
pub(super) async fn limit(
    State((broker, limits)): State<(Broker, Arc<Limits>)>,
    request: Request,
    next: Next,
) -> Response {
    if is_limited(request.uri().path()) {
        let address = client::address(&broker, request.extensions(), request.headers());
        if address.is_some_and(|address| !limits.admits(address)) {
            return Problem::slow_down().into_response();
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of these are admitted, of `times` each.
    fn admitted(limits: &Limits, address: IpAddr, times: usize) -> usize {
        (0..times).filter(|_| limits.admits(address)).count()
    }

    #[test]
    fn one_address_is_held_back_and_no_other() {
        let limits = Limits::default();

        // A few more than the burst, for the time that this takes.
        let through = admitted(&limits, address("203.0.113.9"), 2_000);
        assert!((200..300).contains(&through), "{through}");
        assert!(limits.admits(address("203.0.113.10")));
        assert!(!limits.admits(address("::ffff:203.0.113.9")), "the same in other words");
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let limits = Limits::default();

        let through = (0..2_000_u64).filter(|n| limits.admits(address(&format!("2001:db8:0:1::{n:x}")))).count();
        assert!((200..300).contains(&through), "{through}");
        assert!(limits.admits(address("2001:db8:0:2::1")));
    }

    #[test]
    fn what_is_kept_of_strangers_is_bounded() {
        let limits = Limits::keeping(500);

        let strangers = (0..20_000_u32).map(|n| IpAddr::from(n.to_be_bytes()));
        let through = strangers.filter(|address| limits.admits(*address)).count();

        assert!(limits.each.len() <= 500, "{}", limits.each.len());
        assert!(through < 20_000, "more than can be kept apart share one measure: {through}");
    }

    #[test]
    fn what_somebody_is_signed_in_to_is_not_limited() {
        for path in ["/", "/sessions", "/api/v1/me", "/api/v1/labs/vision", "/assets/lodge.css", "/healthz", "/readyz"]
        {
            assert!(!is_limited(path), "{path}");
        }
        for path in ["/sign-in", "/auth/campus/start", "/auth/campus/callback", "/oauth/token", "/invitations/x"] {
            assert!(is_limited(path), "{path}");
        }
    }
}
