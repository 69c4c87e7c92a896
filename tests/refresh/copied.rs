//! Somebody has a copy of what is good once.

use lodge::domain::actor::Actor;
use lodge::domain::ledger::{ReusedToken, Thread};

use super::*;

/// One entry says whose session ended, by what.
fn is_noted(stage: &Stage, token: ReusedToken) {
    let entries = stage.reuses();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let Event::TokenReused { person, session, token: noted } = &entries[0].event else { unreachable!() };
    assert_eq!(*noted, token);
    assert!(person.as_str().starts_with("p-") && session.as_str().starts_with("cs-"));
    assert!(matches!(entries[0].thread, Thread::Act(Actor::Broker, _)));
    let text = entries[0].canonical().unwrap();
    assert!(text.contains(r#""by":"broker""#) && !text.contains("lodge_"), "{text}");
}

#[test]
fn a_stolen_refresh_token_shown_after_the_window_ends_the_session_with_every_token_of_it() {
    Stage::on_each("a_stolen_refresh_token_shown_after_the_window_ends_the_session_with_every_token_of_it", |stage| {
        let (stolen, bystander) = (stage.session(), stage.session());
        let second = stage.next(&stolen.refresh);
        let third = stage.next(&second.refresh);
        stage.clock.advance(WINDOW + TimeDelta::microseconds(1));
        for pair in [&stolen, &second, &third] {
            assert!(stage.opens(&pair.access), "the positive control: a quarter of an hour is not over");
        }

        refuses(&stage.refresh(&stolen.refresh), "invalid_grant", "the thief");

        refuses(&stage.refresh(&third.refresh), "invalid_grant", "the owner, who is asked to sign in again");
        for pair in [&stolen, &second, &third] {
            assert!(!stage.opens(&pair.access));
        }
        is_noted(stage, ReusedToken::Refresh);
        refuses(&stage.refresh(&stolen.refresh), "invalid_grant", "the thief again");
        is_noted(stage, ReusedToken::Refresh);
        assert!(stage.opens(&stage.next(&bystander.refresh).access), "another session of the same person goes on");
    });
}

#[test]
fn within_the_window_whoever_shows_a_token_gets_the_same_tokens() {
    Stage::on_each("within_the_window_whoever_shows_a_token_gets_the_same_tokens", |stage| {
        let first = stage.session();
        let owner = stage.refresh(&first.refresh);
        stage.clock.advance(WINDOW);

        let thief = stage.refresh(&first.refresh);

        assert_eq!(Pair::in_answer(&thief), Pair::in_answer(&owner));
        let lives = |page: &Page| page.json()["expires_in"].as_i64().unwrap();
        assert_eq!((lives(&owner), lives(&thief)), (900, 870), "it is the same token, and no younger");
        assert!(stage.opens(&Pair::in_answer(&thief).access));
        assert_eq!(stage.reuses(), []);
        stage.clock.advance(TimeDelta::microseconds(1));
        refuses(&stage.refresh(&first.refresh), "invalid_grant", "a moment later");
        is_noted(stage, ReusedToken::Refresh);
    });
}

#[test]
fn a_token_shown_again_after_its_successor_was_used_is_a_copy_however_soon() {
    Stage::on_each("a_token_shown_again_after_its_successor_was_used_is_a_copy_however_soon", |stage| {
        let first = stage.session();
        let second = stage.next(&first.refresh);
        let third = stage.next(&second.refresh);
        assert_eq!(stage.next(&second.refresh), third, "the positive control: this one's successor was not used");

        refuses(&stage.refresh(&first.refresh), "invalid_grant", "at once");

        refuses(&stage.refresh(&third.refresh), "invalid_grant", "the session has ended");
        assert!(!stage.opens(&third.access));
        is_noted(stage, ReusedToken::Refresh);
    });
}

#[test]
fn a_code_that_is_used_twice_ends_the_session_of_its_first_use_and_is_noted_once() {
    Stage::on_each("a_code_that_is_used_twice_ends_the_session_of_its_first_use_and_is_noted_once", |stage| {
        let code = stage.code();
        let pair = Pair::in_answer(&trade(&stage.running.url, &code, &[]));
        let later = stage.next(&pair.refresh);

        // Whoever has the code alone, without the verifier, tells that it was copied.
        refuses(&trade(&stage.running.url, &code, &[("code_verifier", "another")]), "invalid_grant", "the thief");
        refuses(&trade(&stage.running.url, &code, &[]), "invalid_grant", "the thief again");

        assert!(!stage.opens(&pair.access) && !stage.opens(&later.access));
        refuses(&stage.refresh(&later.refresh), "invalid_grant", "the owner");
        is_noted(stage, ReusedToken::Code);
    });
}

/// What the database holds is hashes, and what the key file derives takes a token that is shown.
#[test]
fn no_token_is_in_the_database() {
    for kind in Kind::all("no_token_is_in_the_database") {
        let campus = crate::support::campus::Campus::on(kind);
        let broker = campus.start();
        let url = campus.front.url();
        let first = Pair::in_answer(&trade(&url, &helper_code(&mut Visitor::new(), &url, "student"), &[]));
        let second = Pair::in_answer(&refresh_with(&url, &first.refresh, &[]));

        let kept = campus.place.bytes();

        for token in [&first.access, &first.refresh, &second.access, &second.refresh] {
            let secret = &token["lodge_at_".len()..];
            assert!(!kept.windows(secret.len()).any(|window| window == secret.as_bytes()), "{token}");
            assert!(!broker.process.stderr().contains(secret), "{token} is in the log");
        }
        // The positive control: what is kept of it is found.
        let hash = crate::support::signed_in::hash(&second.refresh);
        assert!(kept.windows(hash.len()).any(|window| window == hash.as_bytes()));
    }
}
