//! What is kept, for whom and for how long; and who asks when many want the same.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn};

const ASK: [&str; 2] = ["credential-process", "vision/read-results"];

fn credentials(number: usize, expiration: &str) -> String {
    format!(
        r#"{{"access_key_id":"ASIA{number}","secret_access_key":"canary-secret-{number}",
            "session_token":"canary-session-{number}","expiration":"{expiration}","account_id":"111122223333",
            "role_session_id":"rs-0123456789abcdef"}}"#
    )
}

/// A broker whose credentials end at these moments, one after the other, and from then on at the last.
fn broker(expirations: &'static [&'static str]) -> StandIn {
    let asked = AtomicUsize::new(0);
    StandIn::start(move |_, line| match line {
        line if line.ends_with("/credentials") => {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            ("200 OK", credentials(number + 1, expirations[number.min(expirations.len() - 1)]))
        }
        "POST /oauth/revoke" => ("200 OK", String::new()),
        _ => ("404 Not Found", String::new()),
    })
}

/// At a desk whose clock says 13:00.
fn hourly() -> StandIn {
    broker(&["2026-11-21T14:00:00Z", "2026-11-21T15:00:00Z"])
}

/// Which credentials it printed, as a number.
fn given(desk: &Desk) -> String {
    let (exit, stdout, stderr) = desk.run(&ASK);
    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    let object: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let number = object["AccessKeyId"].as_str().unwrap().trim_start_matches("ASIA").to_owned();
    assert_eq!(object["SecretAccessKey"], format!("canary-secret-{number}"));
    assert_eq!(object["SessionToken"], format!("canary-session-{number}"));
    number
}

/// The one file with credentials.
fn file(desk: &Desk) -> PathBuf {
    let files = std::fs::read_dir(desk.directory.path().join("cache")).unwrap().map(|entry| entry.unwrap().path());
    let mut kept: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    kept.pop().unwrap()
}

#[test]
fn what_the_broker_gave_is_handed_out_until_sixteen_minutes_are_left() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);

    assert_eq!(given(&desk), "1");
    // The access token, which lives for a quarter of an hour, is of no importance to what is kept.
    desk.clock.advance(TimeDelta::minutes(44));
    assert_eq!(given(&desk), "1");
    assert_eq!(broker.asked().len(), 1);

    let mut session = desk.session(&broker);
    session.renewal = None;
    desk.replace(&broker, &session);
    desk.clock.advance(TimeDelta::seconds(1));
    assert_eq!(given(&desk), "2");
    assert_eq!(given(&desk), "2");
    assert_eq!(broker.asked().len(), 2);
}

#[test]
fn credentials_that_are_short_lived_from_the_start_are_given_as_they_are() {
    let broker = broker(&["2026-11-21T13:15:00Z"]);
    let desk = Desk::signed_in(&broker);

    assert_eq!((given(&desk), given(&desk)), ("1".into(), "2".into()));
}

#[test]
fn the_broker_is_asked_again_when_somebody_says_so() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    assert_eq!(given(&desk), "1");

    let (exit, stdout, _) = desk.run(&[&ASK[..], &["--no-cache"]].concat());

    assert!(exit == Exit::Done && stdout.contains("ASIA2"));
    assert_eq!(given(&desk), "2");
}

#[test]
fn a_file_is_private_and_says_whose_it_is() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    given(&desk);

    let path = file(&desk);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(path.file_name().unwrap().to_str().unwrap().starts_with("vision_read-results_"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"p-0123456789abcdef\"") && text.contains(&broker.url) && text.contains("\"read-results\""));
}

#[test]
fn what_others_can_see_is_refused_with_the_way_to_mend_it() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    given(&desk);
    let path = file(&desk);
    let folder = path.parent().unwrap().to_owned();

    for (place, wide, closed) in [(&path, [0o640, 0o604, 0o602], 0o600), (&folder, [0o750, 0o701, 0o770], 0o700)] {
        for mode in wide {
            std::fs::set_permissions(place, std::fs::Permissions::from_mode(mode)).unwrap();
            let (exit, stdout, stderr) = desk.run(&ASK);
            assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""), "{mode:o}");
            let mend = format!("run: chmod {closed:o} '{}'\n", place.display());
            assert!(stderr.ends_with(&mend), "{stderr}");
            std::fs::set_permissions(place, std::fs::Permissions::from_mode(closed)).unwrap();
        }
    }
    assert_eq!(given(&desk), "1");
}

#[test]
fn a_file_of_another_user_is_refused() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    given(&desk);
    if std::os::unix::fs::chown(file(&desk), Some(12_345), None).is_err() {
        return; // Only root can give a file away.
    }

    let (exit, stdout, stderr) = desk.run(&ASK);

    assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""));
    assert!(stderr.contains("belongs to another user; remove it"), "{stderr}");
}

#[test]
fn a_file_that_is_damaged_or_of_something_else_heals() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    given(&desk);
    let path = file(&desk);
    let whole = std::fs::read_to_string(&path).unwrap();

    let cases = [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        "\0".repeat(whole.len()),
        whole.replace("canary-secret-1", ""),
        whole.replace("p-0123456789abcdef", "p-aaaaaaaaaaaaaaaa"),
        whole.replace("\"lab\":\"vision\"", "\"lab\":\"language\""),
        whole.replace("\"role\":\"read-results\"", "\"role\":\"pay\""),
        whole.replace(&broker.url, "https://other.example.edu"),
        whole.replace("2026-11-21T14:00:00Z", "2026-11-22T14:00:00Z"),
        // From the future: one of the two times is wrong.
        whole.replace("2026-11-21T13:00:00Z", "2026-11-21T13:30:00Z"),
    ];
    for (count, damaged) in cases.iter().enumerate() {
        assert_ne!(*damaged, whole, "case {count} is none");
        std::fs::write(&path, damaged).unwrap();
        let asked = broker.asked().len();
        given(&desk);
        assert_eq!(broker.asked().len(), asked + 1, "case {count}");
        given(&desk);
        assert_eq!(broker.asked().len(), asked + 1, "case {count} did not heal");
    }
}

#[test]
fn a_link_is_not_followed() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    given(&desk);
    let (path, elsewhere) = (file(&desk), desk.directory.path().join("elsewhere"));
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();

    let (exit, stdout, stderr) = desk.run(&ASK);

    assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""));
    assert!(stderr.contains("is not a plain file"), "{stderr}");
}

#[test]
fn another_person_another_role_and_another_broker_have_their_own() {
    let key = |broker: &str, person: &str, role: &str| {
        Key { broker: broker.to_owned(), person: person.to_owned(), role: role.parse().unwrap() }.name()
    };
    let own = key("https://one.example.edu", "p-1", "a-b/c");

    for other in [
        key("https://two.example.edu", "p-1", "a-b/c"),
        key("https://one.example.edu", "p-2", "a-b/c"),
        key("https://one.example.edu", "p-1", "a/b-c"),
        key("https://one.example.edu", "p-1", "a-b/d"),
    ] {
        assert_ne!(own, other);
    }
}

#[test]
fn signing_out_leaves_nothing_and_status_says_what_is_kept() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    given(&desk);
    let cache = Cache::of(&desk.helper).unwrap();
    let url = broker.url.parse().unwrap();
    let listed = |person: &str| -> Vec<String> {
        cache.list(&url, person).iter().map(|(role, at)| format!("{role} {at:?}")).collect()
    };
    assert_eq!(listed("p-0123456789abcdef"), ["vision/read-results 2026-11-21T14:00:00Z"]);
    assert_eq!(listed("p-aaaaaaaaaaaaaaaa"), [""; 0]);
    let other = file(&desk).with_file_name("vision_pay_0.json");
    let text = std::fs::read_to_string(file(&desk)).unwrap().replace(&broker.url, "https://other.example.edu");
    std::fs::write(&other, text).unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();

    assert_eq!(desk.run(&["logout"]).0, Exit::Done);

    assert_eq!(listed("p-0123456789abcdef"), [""; 0]);
    assert_eq!(file(&desk), other, "what another broker gave is not this sign-out's");
}

#[test]
fn a_session_of_nobody_in_particular_is_served_and_nothing_is_kept() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);
    let mut session = desk.session(&broker);
    session.person = None;
    desk.replace(&broker, &session);

    assert_eq!((given(&desk), given(&desk)), ("1".into(), "2".into()));
}

/// A thread is no process; the lock is one of open files, of which each has its own.
fn at_once<T: Send>(count: usize, run: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    thread::scope(|threads| {
        let (start, run) = (&start, &run);
        let all: Vec<_> = (0..count)
            .map(|number| {
                threads.spawn(move || {
                    start.wait();
                    run(number)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn of_many_at_once_one_asks() {
    let broker = hourly();
    let desk = Desk::signed_in(&broker);

    let given = at_once(50, |_| given(&desk));

    assert_eq!(given, vec!["1".to_owned(); 50]);
    assert_eq!(broker.asked().len(), 1);
}

/// A broker that says no once all who ask are there.
#[test]
fn of_many_at_once_one_is_told_no_and_all_know() {
    let problem = r#"{"type":"t","title":"t","status":403,"detail":"Your groups do not open this role."}"#;
    let slow = StandIn::start(move |_, _| {
        thread::sleep(Duration::from_millis(500));
        ("403 Forbidden", problem.to_owned())
    });
    let desk = Desk::signed_in(&slow);

    let said = at_once(20, |_| desk.run(&ASK));

    for (exit, stdout, stderr) in said {
        assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""));
        assert_eq!(stderr, "lodge: vision/read-results: Your groups do not open this role.\n");
    }
    assert_eq!(slow.asked().len(), 1);
    assert_eq!(desk.run(&ASK).0, Exit::Failed);
    assert_eq!(slow.asked().len(), 2, "who comes later asks again");
}

fn flight(desk: &Desk) -> Flight {
    let key = Key { broker: "b".into(), person: "p".into(), role: "vision/pay".parse().unwrap() };
    Flight::of(&desk.helper, &key).unwrap()
}

/// What became of it, in a word.
fn word(turn: Turn<&str>) -> String {
    match turn {
        Turn::Landed(what) => what.to_owned(),
        Turn::Failed { says, .. } => says,
        Turn::Ours(_) => "ours".to_owned(),
        Turn::HeldUp { pid, .. } => format!("held up by {pid}"),
    }
}

#[test]
fn who_waits_for_one_that_dies_asks_next() {
    let desk = Desk::new();
    let (one, two) = (flight(&desk), flight(&desk));
    let Turn::Ours(pilot) = one.join(|| Ok(None::<&str>)).unwrap() else { panic!("nobody else was there") };

    let waiting = thread::spawn(move || word(two.join(|| Ok(None)).unwrap()));
    thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    drop(pilot);

    assert_eq!(waiting.join().unwrap(), "ours");
}

#[test]
fn a_failure_is_that_of_those_who_were_there() {
    let desk = Desk::new();
    let (one, two) = (flight(&desk), flight(&desk));
    let Turn::Ours(pilot) = one.join(|| Ok(None::<&str>)).unwrap() else { panic!("nobody else was there") };
    pilot.failed(&Failure::NoBrokerKnown);

    let Turn::Failed { exit, says } = two.join(|| Ok(None::<&str>)).unwrap() else { panic!("it was there") };
    assert_eq!((exit, says), (Exit::SignInNeeded, Failure::NoBrokerKnown.to_string()));
    assert_eq!(word(flight(&desk).join(|| Ok(None)).unwrap()), "ours");
    assert_eq!(word(flight(&desk).join(|| Ok(Some("there"))).unwrap()), "there");
}

#[test]
fn one_that_does_not_come_to_an_end_is_named() {
    let desk = Desk::new();
    let Turn::Ours(_pilot) = flight(&desk).join(|| Ok(None::<&str>)).unwrap() else { panic!("nobody else was there") };

    let turn = flight(&desk).within(Duration::from_millis(30)).join(|| Ok(None)).unwrap();

    assert_eq!(word(turn), format!("held up by {}", std::process::id()));
}

#[test]
fn they_meet_on_this_machine_where_they_can() {
    let mut desk = Desk::new();
    let runtime = desk.directory.path().join("run");
    let locks = |folder: PathBuf| std::fs::read_dir(folder).map_or(0, Iterator::count);
    desk.helper.environment.runtime = Some(runtime.clone());
    flight(&desk);
    assert_eq!((locks(desk.directory.path().join("cache")), runtime.exists()), (1, false));

    std::fs::create_dir(&runtime).unwrap();
    flight(&desk);
    assert_eq!(locks(runtime.join("lodge")), 1);

    // A place that others can write to is none.
    std::fs::set_permissions(runtime.join("lodge"), std::fs::Permissions::from_mode(0o777)).unwrap();
    desk.helper.environment.cache = Some(PathBuf::from("/dev/null/nowhere"));
    desk.helper.environment.temporary = Some(desk.directory.path().to_owned());
    flight(&desk);
    assert_eq!(locks(desk.directory.path().join(format!("lodge-{}", rustix::process::geteuid().as_raw()))), 1);
}

#[test]
fn nothing_of_a_secret_is_in_the_meeting_place_or_in_debug() {
    let broker = hourly();
    let mut desk = Desk::signed_in(&broker);
    let runtime = desk.directory.path().join("run");
    std::fs::create_dir(&runtime).unwrap();
    desk.helper.environment.runtime = Some(runtime.clone());

    given(&desk);

    let file = std::fs::read_dir(runtime.join("lodge")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("\"pid\"") && !text.contains("canary"), "{text}");
    let shown = get(&desk.helper, &"vision/read-results".parse().unwrap(), LEAST, &mut |_| {}).unwrap();
    assert!(!format!("{shown:?}").contains("canary"));
}

#[test]
fn what_cannot_be_kept_is_served_and_said() {
    let broker = hourly();
    let mut desk = Desk::signed_in(&broker);
    desk.helper.environment.cache = Some(PathBuf::from("/dev/null/nowhere"));

    for number in ["ASIA1", "ASIA2"] {
        let (exit, stdout, stderr) = desk.run(&ASK);
        assert!(exit == Exit::Done && stdout.contains(number), "{stderr}");
        assert!(stderr.starts_with("lodge: warning: these credentials are not kept"), "{stderr}");
    }
}
