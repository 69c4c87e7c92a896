//! Tokens are renewed before they expire and when they are not taken, and others who do the same are not in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;

use super::*;
use crate::cli::session::Session;
use crate::cli::stand_in::{Asked, REFRESH_TOKEN};

const ASK: [&str; 3] = ["credential-process", "vision/read-results", "--no-cache"];

/// The next tokens, the `number`th.
fn next(number: usize) -> String {
    format!(
        r#"{{"access_token":"canary-access-{number}","token_type":"Bearer","expires_in":900,
            "refresh_token":"canary-refresh-{number}","refresh_token_expires_in":40000}}"#
    )
}

const INVALID_GRANT: &str = r#"{"error":"invalid_grant","error_description":"used before"}"#;

/// A broker that gives new tokens at each refresh, and takes the first access token as often as `good` says.
fn renewing(good: usize) -> StandIn {
    let (refreshed, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    broker(move |line| match line {
        "POST /oauth/token" => Some(("200 OK", next(refreshed.fetch_add(1, Ordering::SeqCst) + 1))),
        line if line.starts_with("POST /api") && refreshed.load(Ordering::SeqCst) == 0 => {
            let too_often = taken.fetch_add(1, Ordering::SeqCst) >= good;
            too_often.then(|| ("401 Unauthorized", String::new()))
        }
        _ => None,
    })
}

/// What was asked: the path's end, and the token's.
fn said(asked: &[Asked]) -> Vec<String> {
    let one = |asked: &Asked| {
        let path = asked.line.rsplit('/').next().unwrap();
        let token = asked.authorization.as_deref().map(|it| it.rsplit('-').next().unwrap()).unwrap_or_default();
        format!("{path} {token}").trim().to_owned()
    };
    asked.iter().map(one).collect()
}

fn tokens(session: &Session) -> (&str, &str) {
    (&session.access_token, &session.renewal.as_ref().unwrap().refresh_token)
}

#[test]
fn a_token_that_is_good_is_used_as_it_is() {
    let broker = renewing(1);
    let desk = Desk::signed_in(&broker);

    let (exit, _, stderr) = desk.run(&ASK);

    assert_eq!((exit, said(&broker.asked())), (Exit::Done, vec!["credentials token".into()]), "{stderr}");
    assert_eq!(tokens(&desk.session(&broker)), (TOKEN, REFRESH_TOKEN));
}

#[test]
fn a_token_that_is_about_to_expire_is_renewed_first() {
    let broker = renewing(0);
    let desk = Desk::signed_in(&broker);
    desk.clock.advance(TimeDelta::minutes(14));

    let (exit, stdout, stderr) = desk.run(&ASK);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert!(stdout.contains("canary-secret"));
    assert_eq!(said(&broker.asked()), ["token", "credentials 1"]);
    let form = &broker.asked()[0];
    assert_eq!(form.body, format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}&client_id=lodge-cli"));
    assert_eq!(form.authorization, None);
    let session = desk.session(&broker);
    assert_eq!(tokens(&session), ("canary-access-1", "canary-refresh-1"));
    let now = desk.helper.clock.now();
    assert_eq!(session.expires_at, now + TimeDelta::seconds(40_000));
    assert_eq!(session.renewal.unwrap().access_expires_at, now + TimeDelta::minutes(15));
}

#[test]
fn a_token_that_is_not_taken_is_renewed_and_tried_once_more() {
    let broker = renewing(0);
    let desk = Desk::signed_in(&broker);

    let (exit, _, stderr) = desk.run(&ASK);

    assert_eq!(exit, Exit::Done, "{stderr}");
    assert_eq!(said(&broker.asked()), ["credentials token", "token", "credentials 1"]);
}

#[test]
fn a_session_that_has_ended_is_not_renewed_for_ever() {
    let refuses = broker(|line| match line {
        "POST /oauth/token" => Some(("200 OK", next(1))),
        _ => Some(("401 Unauthorized", String::new())),
    });
    let ended = broker(on("/oauth/token", "400 Bad Request", INVALID_GRANT));
    for (broker, asked) in [(refuses, vec!["credentials token", "token", "credentials 1"]), (ended, vec!["token"])] {
        let desk = Desk::signed_in(&broker);
        if asked.len() == 1 {
            desk.clock.advance(TimeDelta::minutes(15));
        }

        let (exit, stdout, stderr) = desk.run(&ASK);

        assert_eq!((exit, stdout.as_str()), (Exit::SignInNeeded, ""));
        assert_eq!(stderr, format!("lodge: not signed in to {0}; run: lodge login {0}\n", broker.url));
        assert_eq!(said(&broker.asked()), asked);
    }
}

#[test]
fn what_another_helper_renewed_meanwhile_is_used() {
    let other = |session: Session| Session { access_token: "canary-access-other".to_owned().into(), ..session };
    let path = Arc::new(std::sync::Mutex::new(None::<(std::path::PathBuf, String)>));
    let kept = path.clone();
    // The other one writes while ours is on its way, and ours is then refused.
    let broker = broker(move |line| {
        (line == "POST /oauth/token").then(|| {
            let (path, text) = kept.lock().unwrap().clone().unwrap();
            std::fs::write(path, text).unwrap();
            ("400 Bad Request", INVALID_GRANT.to_owned())
        })
    });
    let desk = Desk::signed_in(&broker);
    let before = desk.session(&broker);
    desk.replace(&broker, &other(desk.session(&broker)));
    let mut files = std::fs::read_dir(desk.directory.path().join("lodge")).unwrap().flatten().map(|entry| entry.path());
    let file = files.find(|path| path.extension().is_some_and(|it| it == "json")).unwrap();
    *path.lock().unwrap() = Some((file.clone(), std::fs::read_to_string(&file).unwrap()));
    desk.replace(&broker, &before);
    desk.clock.advance(TimeDelta::minutes(14));

    let (exit, _, stderr) = desk.run(&ASK);

    assert_eq!(exit, Exit::Done, "{stderr}");
    assert_eq!(said(&broker.asked()), ["token", "credentials other"]);
    assert_eq!(tokens(&desk.session(&broker)).0, "canary-access-other");
}

#[test]
fn while_a_token_is_good_a_broker_that_cannot_renew_it_is_no_harm() {
    let broker = broker(on("/oauth/token", "503 Service Unavailable", ""));
    let desk = Desk::signed_in(&broker);

    desk.clock.advance(TimeDelta::minutes(14));
    assert_eq!(desk.run(&ASK).0, Exit::Done);
    desk.clock.advance(TimeDelta::minutes(1));
    let (exit, _, stderr) = desk.run(&ASK);

    assert_eq!((exit, stderr), (Exit::Unavailable, format!("lodge: {} is unavailable (503); try again\n", broker.url)));
    assert_eq!(said(&broker.asked()), ["token", "credentials token", "token"]);
    assert_eq!(tokens(&desk.session(&broker)), (TOKEN, REFRESH_TOKEN), "nothing is lost");
}

#[test]
fn a_change_of_a_lab_is_asked_for_with_new_tokens_too() {
    let broker = renewing(0);
    let desk = Desk::signed_in(&broker);
    desk.clock.advance(TimeDelta::minutes(15));

    let (_, _, stderr) = desk.run(&["people", "list", "vision"]);

    assert_eq!(said(&broker.asked())[..2], ["token", "people 1"], "{stderr}");
}

#[test]
fn logging_out_shows_the_refresh_token() {
    let broker = renewing(1);
    let desk = Desk::signed_in(&broker);

    let (exit, _, stderr) = desk.run(&["logout"]);

    assert_eq!(exit, Exit::Done, "{stderr}");
    assert_eq!(broker.asked()[0].body, format!("token={REFRESH_TOKEN}&client_id=lodge-cli"));
}
