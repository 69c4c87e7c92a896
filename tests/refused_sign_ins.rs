//! A sign-in that comes to nothing leaves one reference: on the page, in the log and in the ledger. That strangers can
//! have as many refused as they like costs the ledger no more than a minute's worth.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};
use lodge::ambient::{Clock, ManualClock};
use lodge::app::{Broker, REFUSALS_KEPT_A_MINUTE};
use lodge::domain::actor::Actor;
use lodge::domain::ledger::{Book, Event, Thread};
use lodge::domain::sign_in::SignInRefusal;
use lodge::oidc::Algorithm;
use lodge::playground::Seeding;

use crate::support::broker::{Plan, TestBroker};
use crate::support::campus::Campus;
use crate::support::database::Kind;
use crate::support::evil_provider::EvilProvider;
use crate::support::raw;
use crate::support::serving::wait;
use crate::support::visitor::{Page, Visitor};

/// A broker with one provider, and the clock of both.
fn broker() -> (TestBroker, EvilProvider, ManualClock) {
    let clock = ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap());
    let provider = EvilProvider::start(Clock::Manual(clock.clone()));
    let plan = Plan::new(Clock::Manual(clock.clone())).connection("campus", &provider.issuer, Algorithm::Es256);
    (plan.start(), provider, clock)
}

/// What the page calls it.
fn reference(page: &Page) -> String {
    let (_, after) = page.text().split_once("Reference: ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    after.split(' ').next().unwrap().to_owned()
}

/// An answer to a sign-in that nobody began.
fn junk(url: &str) -> Page {
    raw::get(&format!("{url}/auth/campus/callback?code=a&state=b")).page().send()
}

/// What the ledger has of refused sign-ins: the reference and what happened.
fn refusals(broker: &Broker) -> Vec<(String, Event)> {
    let rows = wait(async { broker.store.read().await.unwrap().all_books(1_000).await.unwrap() });
    rows.into_iter()
        .map(|row| row.entry)
        .filter(|entry| matches!(entry.event, Event::SignInRefused { .. }))
        .map(|entry| {
            assert!(entry.book == Book::Broker && matches!(entry.thread, Thread::Act(Actor::Broker, _)), "{entry:?}");
            (entry.thread.id().to_owned(), entry.event)
        })
        .collect()
}

#[test]
fn a_refused_sign_in_has_one_reference_on_the_page_in_the_log_and_in_the_ledger() {
    for kind in Kind::all("a_refused_sign_in_has_one_reference_on_the_page_in_the_log_and_in_the_ledger") {
        let campus = Campus::on(kind);
        let running = campus.start();

        let connection = lodge::demo::seed::CONNECTION;
        let junk = format!("{}/auth/{connection}/callback?code=a&state=b", campus.front.url());
        let page = raw::get(&junk).page().send();

        let reference = reference(&page);
        let line = running.process.wait_for_line(&reference);
        assert!(line.contains("WARN") && line.contains("reason=not-this-browser"), "{line}");
        assert!(line.contains(&format!("connection.name=\"{connection}\"")), "{line}");
        let refusals = campus.block_on(async {
            let store = lodge::store::Store::open(&campus.playground.database).await.unwrap();
            let rows = store.read().await.unwrap().all_books(1_000).await.unwrap();
            rows.into_iter().filter(|row| row.entry.thread.id() == reference).map(|row| row.entry).collect::<Vec<_>>()
        });
        let expected = Event::SignInRefused {
            connection: Some(connection.parse().unwrap()),
            reason: SignInRefusal::NotThisBrowser,
            person: None,
        };
        assert_eq!(refusals.len(), 1);
        assert_eq!((&refusals[0].book, &refusals[0].event), (&Book::Broker, &expected));
    }
}

#[test]
fn what_strangers_have_refused_fills_no_ledger() {
    let (broker, _provider, clock) = broker();

    let pages: Vec<_> = (0..REFUSALS_KEPT_A_MINUTE + 40).map(|_| junk(&broker.url)).collect();

    let references: BTreeSet<_> = pages.iter().map(reference).collect();
    assert_eq!(references.len(), pages.len(), "each has its own");
    let kept = refusals(&broker.broker);
    assert_eq!(kept.len(), REFUSALS_KEPT_A_MINUTE as usize);
    assert!(kept.iter().all(|(reference, _)| references.contains(reference)));
    clock.advance(TimeDelta::seconds(1));
    junk(&broker.url);
    junk(&broker.url);
    assert_eq!(refusals(&broker.broker).len(), REFUSALS_KEPT_A_MINUTE as usize + 1, "a place a second");
}

#[test]
fn a_machine_is_told_the_reference_too() {
    let (broker, _provider, _) = broker();

    let answer = raw::get(&format!("{}/auth/campus/callback?code=a&state=b", broker.url)).send();

    let problem = answer.json();
    assert_eq!((answer.status, &problem["type"]), (400, &"urn:lodge:problem:sign-in-failed".into()));
    assert_eq!(problem["reference"], refusals(&broker.broker)[0].0.as_str());
    assert!(problem.get("request_id").is_none());
}

#[test]
fn somebody_suspended_stands_in_the_ledger_with_the_sign_in_that_was_refused() {
    let (broker, _provider, _) = broker();
    let start = format!("{}/auth/campus/start", broker.url);
    let mut visitor = Visitor::new();
    let home = visitor.open(&start);
    let id = home.text().split("You in the ledger ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let seeding = Seeding::new(&broker.broker).unwrap();
    wait(seeding.desk().suspend(&id.parse().unwrap())).unwrap();

    let page = visitor.open(&start);

    assert_eq!(page.status, 403, "{}", page.text());
    let expected = Event::SignInRefused {
        connection: Some("campus".parse().unwrap()),
        reason: SignInRefusal::Suspended,
        person: Some(id.parse().unwrap()),
    };
    assert_eq!(refusals(&broker.broker), [(reference(&page), expected)]);
}

#[test]
fn a_refusal_is_shown_when_the_ledger_cannot_be_written() {
    let (broker, _provider, _) = broker();
    wait(broker.broker.store.close());

    let page = junk(&broker.url);

    assert_eq!(page.status, 400, "{}", page.text());
    assert!(reference(&page).starts_with("act-"));
}

/// The helper waits at its own address: who begins again must end there.
#[test]
fn one_begins_again_where_one_was_going() {
    let (broker, _provider, _) = broker();
    let mut visitor = Visitor::new();
    visitor.stop_before(&format!("{}/auth/campus/callback", broker.url));
    let way = "/sign-in?return_to=%2Finvitation&fresh=1&mfa=1";
    let callback = visitor.open(&format!("{}{way}", broker.url)).location().unwrap();
    let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();

    let page = visitor.open(&format!("{}/auth/campus/callback?error=access_denied&state={state}", broker.url));

    assert_eq!(page.status, 403, "{}", page.text());
    let links = page.links();
    let again = links.iter().find(|(text, _)| text == "Begin again").unwrap();
    assert_eq!(again.1.as_str(), format!("{}{way}", broker.url));
}
