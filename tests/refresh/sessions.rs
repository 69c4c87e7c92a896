//! What the tokens of a session are good for, and how long.

use super::*;
use crate::support::broker::me;

#[test]
fn an_access_token_lives_a_quarter_of_an_hour_and_the_session_until_its_own_end() {
    let stage = Stage::on(Kind::Sqlite);
    let mut pair = stage.session();
    let quarter = TimeDelta::minutes(15);

    stage.clock.advance(quarter - TimeDelta::microseconds(1));
    assert!(stage.opens(&pair.access));
    stage.clock.advance(TimeDelta::microseconds(1));
    assert!(!stage.opens(&pair.access));
    // Twelve hours from the sign-in, however often it is refreshed.
    for hour in 1..12 {
        stage.clock.advance(TimeDelta::minutes(if hour == 1 { 45 } else { 60 }));
        pair = stage.next(&pair.refresh);
        assert!(stage.opens(&pair.access), "hour {hour}");
    }
    stage.clock.advance(TimeDelta::minutes(55));
    let last = stage.refresh(&pair.refresh);
    assert_eq!(last.json()["expires_in"], 300, "no token outlives the session");
    assert_eq!(last.json()["refresh_token_expires_in"], 300);
    let last = Pair::in_answer(&last);
    stage.clock.advance(TimeDelta::minutes(5) - TimeDelta::microseconds(1));
    assert!(stage.opens(&last.access));
    stage.clock.advance(TimeDelta::microseconds(1));
    assert!(!stage.opens(&last.access));
    refuses(&stage.refresh(&last.refresh), "invalid_grant", "after the end");
    assert_eq!(stage.reuses(), [], "nobody copied anything");
}

/// What the sign-in said of the groups must not grow older than the twelve hours, whichever session shows it.
#[test]
fn a_helpers_session_is_no_longer_than_its_sign_in_allows() {
    let stage = Stage::on(Kind::Sqlite);
    let mut visitor = Visitor::new();
    visitor.open(&stage.url("/auth/campus/start"));
    stage.clock.advance(TimeDelta::minutes(25));
    let answer = trade(&stage.running.url, &helper_code(&mut visitor, &stage.running.url, "student"), &[]);

    assert_eq!(answer.json()["refresh_token_expires_in"], (12 * 60 - 25) * 60);
}

#[test]
fn a_refresh_token_is_traded_by_our_client_in_a_body_for_what_it_is() {
    let stage = Stage::on(Kind::Sqlite);
    let (url, pair) = (&stage.running.url, stage.session());
    for (change, error) in [
        (("client_id", "evil"), "invalid_client"),
        (("client_id", ""), "invalid_request"),
        (("refresh_token", ""), "invalid_request"),
        (("refresh_token", "rubbish"), "invalid_grant"),
        (("refresh_token", pair.access.as_str()), "invalid_grant"),
        (("grant_type", "authorization_code"), "invalid_request"),
        (("grant_type", "password"), "unsupported_grant_type"),
        (("grant_type", ""), "invalid_request"),
    ] {
        refuses(&refresh_with(url, &pair.refresh, &[change]), error, &format!("{change:?}"));
    }
    let fields = [("grant_type", "refresh_token"), ("client_id", "lodge-cli"), ("refresh_token", &*pair.refresh)];
    let in_address = stage.url(&format!("/oauth/token?refresh_token={}", pair.refresh));
    refuses(&raw::post_form(&in_address, &fields[..2]).send(), "invalid_request", "a token in the address");
    refuses(&raw::post_form(&in_address, &fields).send(), "invalid_request", "a token in both");
    let twice = [&fields[..], &fields[2..]].concat();
    refuses(&raw::post_form(&stage.url("/oauth/token"), &twice).send(), "invalid_request", "a token twice");
    assert_eq!(raw::get(&in_address).send().status, 405);
    assert!(!stage.opens(&pair.refresh), "it opens nothing itself");

    // The positive control: none of that has spent the token.
    let answer = stage.refresh(&pair.refresh);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
    assert_eq!(answer.json().as_object().unwrap().len(), 5);
    assert_ne!(Pair::in_answer(&answer), pair);
    assert!(stage.opens(&Pair::in_answer(&answer).access));
}

#[test]
fn either_token_of_any_generation_ends_its_own_session_and_no_other() {
    Stage::on_each("either_token_of_any_generation_ends_its_own_session_and_no_other", |stage| {
        let bystander = stage.session();
        for which in 0..4 {
            let first = stage.session();
            let second = stage.next(&first.refresh);
            let shown = [&first.access, &first.refresh, &second.access, &second.refresh][which];

            stage.revoke(shown);

            assert!(!stage.opens(&first.access) && !stage.opens(&second.access), "{which}");
            refuses(&stage.refresh(&second.refresh), "invalid_grant", "a session that was ended");
            stage.revoke(shown);
        }
        stage.revoke("rubbish");
        let stranger = [("token", bystander.refresh.as_str()), ("client_id", "evil")];
        refuses(&raw::post_form(&stage.url("/oauth/revoke"), &stranger).send(), "invalid_client", "another client");
        assert!(stage.opens(&bystander.access) && stage.opens(&stage.next(&bystander.refresh).access));
        assert_eq!(stage.reuses(), [], "to end a session is no theft");
    });
}

#[test]
fn a_session_that_was_ended_elsewhere_gets_no_more_tokens() {
    Stage::on_each("a_session_that_was_ended_elsewhere_gets_no_more_tokens", |stage| {
        let pair = stage.session();
        let person = me(&stage.running.url, &pair.access).json()["person_id"].as_str().unwrap().parse().unwrap();
        let now = Clock::Manual(stage.clock.clone()).now();
        wait(async {
            let mut tx = stage.running.broker.store.write().await.unwrap();
            tx.end_sessions_of(&person, now).await.unwrap();
            tx.commit().await.unwrap();
        });

        refuses(&stage.refresh(&pair.refresh), "invalid_grant", "a session of a person who was suspended");

        assert_eq!(stage.reuses(), []);
    });
}

#[test]
fn what_is_past_is_swept() {
    Stage::on_each("what_is_past_is_swept", |stage| {
        let pair = stage.session();
        let second = stage.next(&pair.refresh);
        stage.clock.advance(TimeDelta::hours(11));
        wait(stage.running.broker.sweep()).unwrap();
        assert!(stage.opens(&stage.next(&second.refresh).access), "the positive control");

        stage.clock.advance(TimeDelta::hours(1) + TimeDelta::microseconds(1));
        wait(stage.running.broker.sweep()).unwrap();

        let hash = crate::support::signed_in::hash(&pair.refresh);
        let kept =
            wait(async { stage.running.broker.store.read().await.unwrap().tokens_by_refresh(&hash).await.unwrap() });
        assert_eq!(kept, None);
    });
}
