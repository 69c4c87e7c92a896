//! By which sign-in an operator changes something.

use chrono::TimeDelta;
use lodge::ambient::{Clock, ManualClock};
use lodge::domain::claims::ClaimsSnapshot;
use lodge::oidc::{Algorithm, MfaRule};

use super::Desk;
use crate::support::broker::Plan;
use crate::support::databases::Kind;
use crate::support::signed_in::{OPERATOR, SignIn, SignedIn};

const ARCHIVE: &str = "/operator/labs/vision/archive";

fn sign_in(desk: &Desk, mfa: bool, change: impl FnOnce(&mut ClaimsSnapshot)) -> SignedIn {
    SignIn { connection: "campus", subject: OPERATOR, groups: Some(&[]), mfa }.with(desk.labs.broker(), change)
}

fn kind(desk: &Desk, who: &SignedIn) -> (u16, String) {
    let answer = who.ask("POST", &desk.labs.url("/api/v1/operator/labs/vision/archive")).send();
    (answer.status, answer.json()["type"].as_str().unwrap_or_default().replace("urn:lodge:problem:", ""))
}

#[test]
fn changing_something_takes_a_sign_in_of_the_last_hour() {
    for database in Kind::all("changing_something_takes_a_sign_in_of_the_last_hour") {
        let desk = Desk::on(database);
        desk.labs.advance(TimeDelta::minutes(20));
        let sam = sign_in(&desk, true, |_| {});
        desk.labs.advance(TimeDelta::minutes(20));
        assert!(!desk.page(&sam, ARCHIVE).body.contains("Sign in again"));
        desk.page(&sam, "/operator");
        desk.labs.advance(TimeDelta::minutes(25));
        desk.page(&sam, "/operator");
        desk.labs.advance(TimeDelta::minutes(15));

        // Looking goes on.
        let page = desk.page(&sam, ARCHIVE);
        assert_eq!(page.status, 200);
        let again = "/sign-in?return_to=%2Foperator%2Flabs%2Fvision%2Farchive&#38;fresh=1\"";
        assert!(page.body.contains(again) && page.text().contains("of the last hour"), "{}", page.body);
        let refused = desk.post(&sam, ARCHIVE, &[]);
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains(again) && refused.text().contains("Sign in again"), "{}", refused.body);
        assert_eq!(kind(&desk, &sam), (403, "fresh-sign-in-needed".to_owned()));
        let anew = sign_in(&desk, true, |_| {});
        assert_eq!(desk.post(&anew, ARCHIVE, &[]).status, 303);
    }
}

#[test]
fn an_hour_counts_from_when_the_person_was_last_seen_by_their_provider() {
    let desk = Desk::on(Kind::Sqlite);
    let now = desk.labs.now();
    let old = sign_in(&desk, true, |claims| claims.authenticated_at = Some(now - TimeDelta::hours(2)));
    assert_eq!(kind(&desk, &old), (403, "fresh-sign-in-needed".to_owned()));
    let ahead = sign_in(&desk, true, |claims| claims.authenticated_at = Some(now + TimeDelta::hours(2)));
    desk.labs.advance(TimeDelta::minutes(61));
    assert_eq!(kind(&desk, &ahead), (403, "fresh-sign-in-needed".to_owned()), "a clock ahead makes none younger");
}

#[test]
fn changing_something_takes_a_second_factor() {
    let desk = Desk::on(Kind::Sqlite);
    let sam = sign_in(&desk, false, |_| {});

    assert_eq!(desk.page(&sam, "/operator").status, 200, "looking does not");
    let page = desk.page(&sam, ARCHIVE);
    assert!(page.body.contains("&#38;mfa=1\"") && page.text().contains("second factor"), "{}", page.body);
    assert_eq!(desk.post(&sam, ARCHIVE, &[]).status, 403);
    let answer = sam.ask("POST", &desk.labs.url("/api/v1/operator/labs/vision/archive")).send();
    assert!(answer.header("www-authenticate").unwrap().contains("acr_values=\"mfa\""), "{answer:?}");
    assert_eq!(kind(&desk, &sam), (403, "mfa-needed".to_owned()));
    desk.labs.advance(TimeDelta::minutes(61));
    let answer = sam.ask("POST", &desk.labs.url("/api/v1/operator/labs/vision/archive")).send();
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("acr_values=\"mfa\"") && challenge.contains("max_age=\"3600\""), "{challenge}");
}

/// The settings say that nobody has a second factor there.
#[test]
fn where_a_provider_has_no_word_for_a_second_factor_a_fresh_sign_in_is_enough() {
    let clock = Clock::Manual(ManualClock::at(chrono::DateTime::from_timestamp(1_795_266_000, 0).unwrap()));
    let without = MfaRule { acr: Vec::new(), amr: Vec::new(), acrs: Vec::new(), ..MfaRule::default() };
    let plan =
        Plan::new(clock).connection_with("campus", "http://127.0.0.1:1", Algorithm::Es256, |it| it.mfa = without);
    let broker = plan.start();
    crate::support::broker::seed(&broker.broker);
    let sam = SignIn { connection: "campus", subject: OPERATOR, groups: Some(&[]), mfa: false }.at(&broker.broker);

    let answer = sam.ask("POST", &format!("{}/api/v1/operator/labs/vision/archive", broker.url)).send();

    assert_eq!(answer.status, 200, "{}", answer.body);
}
