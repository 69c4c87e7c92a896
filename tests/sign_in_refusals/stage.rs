//! A broker, its one provider `campus`, and how an answer is looked at.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta};
use lodge::ambient::{Clock, ManualClock};
use lodge::domain::ledger::{Entry, Event};
use lodge::domain::sign_in::SignInRefusal;
use lodge::oidc::{Algorithm, Settings};
use url::Url;

use super::{Case, Outcome};
use crate::support::broker::{Plan, TestBroker};
use crate::support::evil_provider::{EvilProvider, Lie};
use crate::support::logs;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

/// Longer than the longest that the broker waits for one answer of a provider's, and shorter than for two.
const PATIENCE: Duration = Duration::from_secs(18);

/// See the module.
pub(crate) struct Stage {
    pub(crate) provider: EvilProvider,
    pub(crate) broker: TestBroker,
    pub(crate) clock: ManualClock,
}

/// A refusal, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: SignInRefusal,
    pub(crate) connection: Option<String>,
}

impl Stage {
    /// A broker with the usual settings.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A broker whose connection has other settings.
    pub(crate) fn with(settings: impl FnOnce(&mut Settings)) -> Self {
        Self::planned(settings, |plan, _| plan)
    }

    /// The same with more changes, which know the provider's address.
    pub(crate) fn planned(settings: impl FnOnce(&mut Settings), change: impl FnOnce(Plan, &str) -> Plan) -> Self {
        logs::listen();
        let clock = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
        let provider = EvilProvider::start(Clock::Manual(clock.clone()));
        let plan = Plan::new(Clock::Manual(clock.clone()));
        let plan = plan.connection_with("campus", &provider.issuer, Algorithm::Es256, settings);
        let broker = change(plan, &provider.issuer).start();
        Self { provider, broker, clock }
    }

    /// One of our pages.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.broker.url)
    }

    /// What is wrong with how a true answer is taken.
    pub(crate) fn sign_in_flaw(&self, begin: &str, lies: &[Lie], says: &str) -> Option<String> {
        // The page speaks of the latest sign-in; two at the same moment would both be it.
        self.clock.advance(TimeDelta::seconds(1));
        self.provider.lie(lies);
        let mut visitor = Visitor::new();

        let page = visitor.open(&self.url(begin));

        let text = page.text();
        if (page.status, page.url.path()) != (200, "/") {
            Some(format!("the status is {}: {text} ({:?})", page.status, self.refusal(&page)))
        } else if visitor.cookie(&page.url, "lodge_session").is_none() {
            Some("there is no session".to_owned())
        } else if !text.contains(says) {
            Some(format!("the page does not say {says:?}: {text}"))
        } else {
            None
        }
    }

    /// The positive control.
    pub(crate) fn signs_in(&self, lies: &[Lie]) {
        assert_eq!(self.sign_in_flaw("/auth/campus/start", lies, "vision-students"), None);
    }

    /// What is wrong with how a case is answered.
    pub(super) fn flaw(&self, case: &Case) -> Option<String> {
        let began = Instant::now();
        let flaw = match case.outcome {
            Outcome::SignsIn(says) => self.sign_in_flaw(case.begin, &case.lies, says),
            Outcome::Refused(why) => {
                self.provider.lie(&case.lies);
                let mut visitor = Visitor::new();
                let page = visitor.open(&self.url(case.begin));
                match self.refusal(&page) {
                    Ok(refused) if refused.reason == why => None,
                    Ok(refused) => Some(format!("refused for another reason: {refused:?}")),
                    Err(flaw) => Some(flaw),
                }
            }
        };
        let calls = self.provider.asked("/token");
        if flaw.is_some() {
            flaw
        } else if calls != case.token_calls {
            Some(format!("the token endpoint was asked {calls} times"))
        } else if self.provider.asked("/elsewhere") != 0 {
            Some("somebody was lured away".to_owned())
        } else if began.elapsed() > PATIENCE {
            Some(format!("it took {} s", began.elapsed().as_secs()))
        } else {
            None
        }
    }

    /// Why the sign-in behind this page was refused, as the ledger has it; or what is wrong with the page, the log or the
    /// ledger.
    pub(crate) fn refusal(&self, page: &Page) -> Result<Refused, String> {
        if !matches!(page.status, 400 | 403 | 502 | 503) {
            return Err(format!("the status is {}: {}", page.status, page.text()));
        }
        if !is_clean(page) {
            return Err(format!("not a clean page: {page:?}"));
        }
        let session = page.headers.iter().find(|(name, value)| name == "set-cookie" && is_session(value));
        if let Some((_, cookie)) = session {
            return Err(format!("a session is left behind: {cookie}"));
        }
        let text = page.text();
        let reference = reference(&text).ok_or_else(|| format!("no reference: {text}"))?;
        let refused = self.in_ledger(reference)?;
        let events = logs::with(reference);
        let [event] = events.as_slice() else { return Err(format!("{} events: {events:?}", events.len())) };
        if let Some(flaw) = logs::flaw(event) {
            return Err(flaw);
        }
        let connection = refused.connection.as_deref().unwrap_or_default();
        let says = |word: &str| event.contains(word);
        if event.to_lowercase().contains("evil") {
            return Err(format!("the log repeats what a stranger said: {event}"));
        }
        if !says("WARN") || !says(refused.reason.as_str()) || !says(connection) {
            return Err(format!("the log does not say {refused:?}: {event}"));
        }
        Ok(refused)
    }

    fn in_ledger(&self, reference: &str) -> Result<Refused, String> {
        let refusals: Vec<Entry> =
            self.ledger().into_iter().filter(|entry| matches!(entry.event, Event::SignInRefused { .. })).collect();
        let last = refusals.iter().max_by_key(|entry| entry.seq).ok_or("no refusal in the ledger")?;
        match &last.event {
            Event::SignInRefused { connection, reason, person: None } if last.thread.id() == reference => {
                Ok(Refused { reason: *reason, connection: connection.as_ref().map(ToString::to_string) })
            }
            _ => Err(format!("the last refusal in the ledger is another one: {last:?}")),
        }
    }

    /// All that the ledger has.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        let rows = wait(async { self.broker.broker.store.read().await.unwrap().all_books(1_000).await.unwrap() });
        rows.into_iter().map(|row| row.entry).collect()
    }
}

/// The reference that a page names.
pub(crate) fn reference(text: &str) -> Option<&str> {
    let after = text.split_once("Reference: ")?.1;
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(after.len());
    after[..end].starts_with("act-").then_some(&after[..end])
}

/// Whether a `Set-Cookie` begins a session.
fn is_session(cookie: &str) -> bool {
    cookie.trim_start_matches("__Host-").starts_with("lodge_session=") && !cookie.contains("Max-Age=0")
}

pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A page of ours, with all its headers, that repeats nothing of what a stranger sent.
pub(crate) fn is_clean(page: &Page) -> bool {
    let header = |name: &str, part: &str| page.header(name).is_some_and(|value| value.contains(part));
    header("content-type", "text/html")
        && header("content-security-policy", "frame-ancestors 'none'")
        && header("cache-control", "no-store")
        && page.body.contains("<h1>")
        && !page.body.to_lowercase().contains("evil")
}
