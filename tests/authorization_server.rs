//! Our own authorization server and our own sessions: what a helper, a browser and whoever imitates one of them get.

mod confirmation;
mod headers;
mod remote;
mod sessions;
mod step_up;
mod tokens;

use chrono::DateTime;
use lodge::ambient::{Clock, ManualClock};
use lodge::domain::lab::Lab;
use lodge::oidc::Algorithm;
use url::Url;

use crate::support::broker::{Plan, TestBroker, helper_query, seed};
use crate::support::evil_provider::EvilProvider;
use crate::support::visitor::{Form, Page, Visitor};

/// A broker with the lab `vision`, a provider that tells the truth, and the clock of both.
struct Stage {
    running: TestBroker,
    lab: Lab,
    clock: ManualClock,
    provider: EvilProvider,
}

impl Stage {
    fn new() -> Self {
        Self::with(|plan| plan)
    }

    fn with(change: impl FnOnce(Plan) -> Plan) -> Self {
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
        let provider = EvilProvider::start(Clock::Manual(clock.clone()));
        let plan = Plan::new(Clock::Manual(clock.clone())).connection("campus", &provider.issuer, Algorithm::Es256);
        let running = change(plan).start();
        let lab = seed(&running.broker);
        Self { running, lab, clock, provider }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url)
    }

    /// A browser that is signed in.
    fn visitor(&self) -> Visitor {
        let mut visitor = Visitor::new();
        let page = visitor.open(&self.url("/auth/campus/start"));
        assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
        visitor
    }

    /// The value of a browser's session cookie.
    fn session(&self, visitor: &Visitor) -> String {
        visitor.cookie(&Url::parse(&self.url("/")).unwrap(), "lodge_session").unwrap()
    }

    /// The page that asks a signed-in person, and its form.
    fn confirm_page(&self, visitor: &mut Visitor) -> (Page, Form) {
        let page = visitor.open(&self.url(&format!("/oauth/authorize?{}", helper_query(&[]))));
        let mut forms = page.forms();
        assert_eq!((page.status, forms.len()), (200, 1), "{}", page.text());
        (page, forms.remove(0))
    }
}
