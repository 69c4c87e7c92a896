//! A helper's tokens: renewed by many at once without harm, and worth nothing to whoever copied them.

mod copied;
mod crowd;
mod sessions;

use chrono::{DateTime, TimeDelta};
use lodge::ambient::{Clock, ManualClock};
use lodge::app::Broker;
use lodge::domain::ledger::{Book, Entry, Event};
use lodge::oidc::Algorithm;

use crate::support::broker::{Plan, TestBroker, helper_code, refresh_with, seed, trade};
use crate::support::databases::Kind;
use crate::support::evil_provider::EvilProvider;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

/// How long a traded refresh token gets the same tokens again.
const WINDOW: TimeDelta = TimeDelta::seconds(30);

/// A broker with the lab `vision`, and the clock that it follows.
struct Stage {
    running: TestBroker,
    clock: ManualClock,
    _provider: EvilProvider,
}

/// What the token endpoint gives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    access: String,
    refresh: String,
}

impl Pair {
    fn in_answer(page: &Page) -> Self {
        assert_eq!(page.status, 200, "{}", page.body);
        let text = |name: &str| page.json()[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// What the broker's own book says of tokens that were shown twice.
fn reuses(broker: &Broker) -> Vec<Entry> {
    let rows = wait(async { broker.store.read().await.unwrap().all_books(1_000).await.unwrap() });
    let entries = rows.into_iter().map(|row| row.entry);
    entries.filter(|it| it.book == Book::Broker && matches!(it.event, Event::TokenReused { .. })).collect()
}

impl Stage {
    fn on(kind: Kind) -> Self {
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
        let provider = EvilProvider::start(Clock::Manual(clock.clone()));
        let plan = Plan::new(Clock::Manual(clock.clone())).connection("campus", &provider.issuer, Algorithm::Es256);
        let running = plan.on(kind).start();
        seed(&running.broker);
        Self { running, clock, _provider: provider }
    }

    /// The same test on each database that is there.
    fn on_each(test: &str, act: impl Fn(&Self)) {
        for kind in Kind::all(test) {
            println!("on {kind:?}");
            act(&Self::on(kind));
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url)
    }

    fn code(&self) -> String {
        helper_code(&mut Visitor::new(), &self.running.url, "student")
    }

    /// The first tokens of a new session.
    fn session(&self) -> Pair {
        Pair::in_answer(&trade(&self.running.url, &self.code(), &[]))
    }

    fn refresh(&self, token: &str) -> Page {
        refresh_with(&self.running.url, token, &[])
    }

    /// The tokens that come of this one.
    fn next(&self, token: &str) -> Pair {
        Pair::in_answer(&self.refresh(token))
    }

    fn opens(&self, access: &str) -> bool {
        match crate::support::broker::me(&self.running.url, access).status {
            200 => true,
            401 => false,
            status => panic!("status {status}"),
        }
    }

    fn revoke(&self, token: &str) {
        let fields = [("token", token), ("client_id", "lodge-cli")];
        assert_eq!(raw::post_form(&self.url("/oauth/revoke"), &fields).send().status, 200);
    }

    fn reuses(&self) -> Vec<Entry> {
        reuses(&self.running.broker)
    }
}

/// A refusal as RFC 6749, section 5.2 writes it.
fn refuses(page: &Page, error: &str, what: &str) {
    assert_eq!((page.status, page.json()["error"].as_str()), (400, Some(error)), "{what}: {}", page.body);
    assert_eq!((page.header("cache-control"), page.header("pragma")), (Some("no-store"), Some("no-cache")), "{what}");
    assert!(!page.body.contains("lodge_"), "{what}: {}", page.body);
}
