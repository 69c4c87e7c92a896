//! What a sign-in is refused for: everything that a provider, or whoever stands between it and us, can get wrong.
//!
//! Each table names the lie, why it is refused and how often the provider's token endpoint was asked. The reason is
//! what the use case says in private, so that no case passes for another's reason; the page says none of it.

mod callbacks;
mod id_tokens;
mod provider_answers;

use chrono::DateTime;
use lodge::ambient::{Clock, ManualClock};
use lodge::app::{Answer, BrowserOrigin, SignInWish};
use lodge::oidc::Algorithm;
use lodge::telemetry::chain;
use url::Url;

use crate::support::broker::{Plan, TestBroker};
use crate::support::evil_provider::{EvilProvider, Lie};
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

/// A broker, its one provider `campus`, and the clock of both.
struct Stage {
    provider: EvilProvider,
    broker: TestBroker,
    clock: ManualClock,
}

/// A lie and what comes of it.
struct Case {
    what: &'static str,
    lies: &'static [Lie],
    /// Part of what the operator's log says.
    reason: &'static str,
    /// How often the token endpoint was asked.
    token_calls: usize,
}

impl Case {
    /// A lie that is found out once the code is traded.
    const fn traded(what: &'static str, reason: &'static str, lies: &'static [Lie]) -> Self {
        Self { what, lies, reason, token_calls: 1 }
    }

    /// The same lie, found out before the code is traded.
    const fn untraded(self) -> Self {
        Self { token_calls: 0, ..self }
    }
}

impl Stage {
    fn new() -> Self {
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
        let provider = EvilProvider::start(Clock::Manual(clock.clone()));
        let plan = Plan::new(Clock::Manual(clock.clone())).connection("campus", &provider.issuer, Algorithm::Es256);
        Self { provider, broker: plan.start(), clock }
    }

    /// Refuses every case of a table, and signs in before and after it.
    fn refuses_all(&self, cases: &[Case]) {
        self.signs_in(&[]);
        let flaws: Vec<String> = cases.iter().filter_map(|case| self.flaw(case)).collect();
        assert!(flaws.is_empty(), "{}", flaws.join("\n"));
        self.signs_in(&[]);
    }

    fn refuses(&self, case: &Case) {
        assert_eq!(self.flaw(case), None);
    }

    /// What is wrong with how a lie is answered.
    fn flaw(&self, case: &Case) -> Option<String> {
        self.provider.lie(case.lies);
        let mut visitor = Visitor::new();

        let page = visitor.open(&self.start_url());

        let calls = self.provider.asked("/token");
        let reason = self.reason();
        let flaw = if page.status != 502 {
            format!("the status is {}: {} ({reason})", page.status, page.text())
        } else if !is_clean(&page) {
            format!("not a clean page: {page:?}")
        } else if visitor.cookie(&page.url, "lodge_session").is_some() {
            "there is a session".to_owned()
        } else if calls != case.token_calls {
            format!("the token endpoint was asked {calls} times")
        } else if self.provider.asked("/elsewhere") != 0 {
            "a redirect was followed".to_owned()
        } else if !reason.contains(case.reason) {
            format!("refused because: {reason}")
        } else {
            return None;
        };
        Some(format!("{}: {flaw}", case.what))
    }

    /// The positive control.
    fn signs_in(&self, lies: &[Lie]) {
        self.provider.lie(lies);
        let mut visitor = Visitor::new();

        let page = visitor.open(&self.start_url());

        assert_eq!((page.status, page.url.path()), (200, "/"), "{}", page.text());
        assert!(visitor.cookie(&page.url, "lodge_session").is_some());
        assert!(page.text().contains("Sam Student") && page.text().contains("vision-students"), "{}", page.text());
    }

    fn start_url(&self) -> String {
        format!("{}/auth/campus/start", self.broker.url)
    }

    /// Why a sign-in does not work, in the words of the log.
    fn reason(&self) -> String {
        let campus = "campus".parse().unwrap();
        let begun = match wait(self.broker.broker.begin_sign_in(&campus, &SignInWish::default())) {
            Ok(begun) => begun,
            Err(error) => return chain(&error),
        };
        let callback = raw::get(begun.url.as_str()).send().location().unwrap();
        let value = |name| parameter(&callback, name);
        let answer = Answer {
            state: value("state").unwrap_or_default().into(),
            outcome: value("code").map(Into::into).ok_or("an error"),
            issuer: value("iss"),
        };
        match wait(self.broker.broker.complete_sign_in(
            &campus,
            Some(&begun.browser_token),
            &answer,
            &BrowserOrigin::default(),
        )) {
            Ok(_) => "it was not refused".to_owned(),
            Err(error) => chain(&error),
        }
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A page of ours, with all its headers, that repeats nothing of what a stranger sent.
fn is_clean(page: &Page) -> bool {
    let header = |name: &str, part: &str| page.header(name).is_some_and(|value| value.contains(part));
    header("content-type", "text/html")
        && header("content-security-policy", "frame-ancestors 'none'")
        && header("cache-control", "no-store")
        && page.body.contains("<h1>")
        && !page.body.to_lowercase().contains("evil")
}
