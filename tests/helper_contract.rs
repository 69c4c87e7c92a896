//! What a program that runs `lodge credential-process` may count on: exit codes, one line on failure, and on success one
//! JSON object and nothing else.

use chrono::{DateTime, TimeDelta};
use lodge::ambient::Clock;
use serde_json::Value;

use crate::support::person::Person;
use crate::support::proxy::RecordingProxy;
use crate::support::signed::Keys;
use crate::support::world::{Changes, World};
use crate::support::{free_port, only_line};

/// The keys of the object, as AWS documents them.
const KEYS: [&str; 6] = ["AccessKeyId", "AccountId", "Expiration", "SecretAccessKey", "SessionToken", "Version"];

/// What is wrong with a credential process's standard output.
fn wrong_with(stdout: &str) -> Option<String> {
    let Some(line) = stdout.strip_suffix('\n').filter(|line| !line.contains(['\n', '\r', '\u{feff}'])) else {
        return Some(format!("not one line: {} bytes", stdout.len()));
    };
    if !(line.starts_with('{') && line.ends_with('}')) {
        return Some("something stands beside the object".to_owned());
    }
    let object: Value = match serde_json::from_str(line) {
        Ok(object) => object,
        Err(error) => return Some(error.to_string()),
    };
    let mut keys: Vec<_> = object.as_object()?.keys().map(String::as_str).collect();
    keys.sort_unstable();
    if keys != KEYS {
        return Some(format!("the keys are {keys:?}"));
    }
    if object["Version"] != 1 {
        return Some(format!("the version is {}", object["Version"]));
    }
    let text = |key: &str| object[key].as_str().filter(|text| !text.is_empty());
    if let Some(key) = KEYS[..5].iter().find(|key| text(key).is_none()) {
        return Some(format!("{key} is {}", object[*key]));
    }
    let expiration = text("Expiration")?;
    (!expiration.ends_with('Z') || DateTime::parse_from_rfc3339(expiration).is_err())
        .then(|| format!("it expires at {expiration}"))
}

#[test]
fn what_is_printed_is_one_object_and_nothing_else_however_much_is_logged() {
    let world = World::start();
    let student = Person::signed_in("student", &world.url);

    for log in ["", "trace"] {
        let before = Clock::System.now();
        let ended =
            student.lodge_with(&["credential-process", "--no-cache", "vision/read-results"], &[("LODGE_LOG", log)]);

        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!(wrong_with(&ended.stdout), None);
        let object: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(object["AccountId"], "111122223333");
        assert!(object["AccessKeyId"].as_str().unwrap().starts_with("ASIA"));
        let expiration = DateTime::parse_from_rfc3339(object["Expiration"].as_str().unwrap()).unwrap().to_utc();
        let lifetime = expiration - before;
        assert!(lifetime > TimeDelta::minutes(59) && lifetime < TimeDelta::minutes(62), "{lifetime}");
        assert_eq!(ended.stderr.is_empty(), log.is_empty(), "{}", ended.stderr);
        for secret in ["SecretAccessKey", "SessionToken"] {
            assert!(!ended.stderr.contains(object[secret].as_str().unwrap()), "{secret} is in the log");
        }
    }
}

#[test]
fn output_that_a_tool_would_stumble_over_is_noticed() {
    let good = "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\",\
                \"Expiration\":\"2026-11-21T13:00:00Z\",\"AccountId\":\"1\"}\n";
    assert_eq!(wrong_with(good), None);

    for (from, to) in [
        ("{\"V", "hello\n{\"V"),
        ("{\"V", "\u{feff}{\"V"),
        ("\"}\n", "\"}"),
        ("\"}\n", "\"}\n\n"),
        ("\"}\n", "\"}\r\n"),
        ("\"}\n", "\"}{}\n"),
        (":1,", ":\"1\","),
        (":1,", ":2,"),
        (",\"AccountId\":\"1\"", ""),
        (",\"AccountId\":\"1\"", ",\"AccountId\":1"),
        ("\"A\",", "\"A\",\"Extra\":\"\","),
        ("\"t\"", "\"\""),
        ("13:00:00Z", "13:00:00+00:00"),
        ("2026-11-21T13:00:00Z", "Z"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(bad != good && wrong_with(&bad).is_some(), "{bad:?}");
    }
}

#[test]
fn without_a_sign_in_it_exits_with_four_and_one_line() {
    let world = World::start();
    let person = Person::new("nobody");

    let nowhere = person.ask_for("vision/read-results");
    let here = person.lodge_with(&["credential-process", "vision/read-results"], &[("LODGE_BROKER", &world.url)]);

    for ended in [&nowhere, &here] {
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(4), ""));
    }
    assert_eq!(only_line(&nowhere.stderr), "lodge: not signed in to any broker; run: lodge login URL");
    let url = &world.url;
    assert_eq!(only_line(&here.stderr), format!("lodge: not signed in to {url}; run: lodge login {url}"));
    assert!(world.ledger().is_empty());
}

#[test]
fn a_broker_that_is_down_gives_three_and_one_line() {
    let world = World::start();
    let student = Person::signed_in("student", &world.url);
    let url = world.url.clone();
    drop(world);

    let ended = student.ask_for("vision/read-results");

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(3), ""));
    let line = only_line(&ended.stderr);
    assert!(line.starts_with(&format!("lodge: {url} cannot be reached (")) && line.ends_with("); try again"), "{line}");
}

#[test]
fn a_broker_that_hangs_up_without_an_answer_gives_three_and_one_line() {
    let silent = RecordingProxy::to_port(free_port());
    let world = World::start();
    let student = Person::signed_in("student", &world.url);
    let file = student.session_file(&world.url);
    let session = std::fs::read_to_string(&file).unwrap().replace(&world.url, &silent.url());
    let name = file.file_name().unwrap().to_str().unwrap().replace(port(&world.url), port(&silent.url()));
    let elsewhere = file.with_file_name(name);
    std::fs::copy(&file, &elsewhere).unwrap();
    std::fs::write(&elsewhere, session).unwrap();

    let variables = [("LODGE_BROKER", silent.url())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ended = student.lodge_with(&["credential-process", "vision/read-results"], &variables);

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(3), ""), "{}", ended.stderr);
    only_line(&ended.stderr);
    assert_eq!(silent.recorded().len(), 1, "the request did leave");
}

fn port(url: &str) -> &str {
    url.rsplit_once(':').unwrap().1
}

#[test]
fn an_aws_that_is_away_gives_three_and_one_line_and_the_ledger_says_so() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let world = World::start_with(Changes { sts_endpoint: Some(Box::new(move |_| nobody)), ..Changes::default() });
    let student = Person::signed_in("student", &world.url);

    let ended = student.ask_for("vision/read-results");

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(3), ""));
    assert!(only_line(&ended.stderr).contains("AWS did not answer"), "{}", ended.stderr);
    let kinds: Vec<_> = world.ledger().iter().map(|row| row.entry.event.kind()).collect();
    assert_eq!(kinds, ["attempted", "failed"]);
}

#[test]
fn a_refusal_gives_one_and_one_line() {
    let world = World::start();
    let student = Person::signed_in("student", &world.url);

    let ended = student.ask_for("vision/pay");

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    only_line(&ended.stderr);
}

#[test]
fn a_role_that_is_no_address_gives_two() {
    let ended = Person::new("nobody").ask_for("vision");

    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""));
}

#[test]
fn a_session_that_was_logged_out_opens_nothing_even_from_a_copy() {
    let world = World::start();
    let student = Person::signed_in("student", &world.url);
    let (file, token) = (student.session_file(&world.url), student.token(&world.url));
    let copy = std::fs::read(&file).unwrap();
    let keys = Keys::printed_by(&student.ask_for("vision/read-results"));

    let logged_out = student.lodge(&["logout"]);
    let without = student.ask_for("vision/read-results");
    std::fs::write(&file, &copy).unwrap();
    chmod_private(&file);
    let with_copy = student.ask_for("vision/read-results");

    assert!(logged_out.status.success(), "{}", logged_out.stderr);
    for ended in [&without, &with_copy] {
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(4), ""), "{}", ended.stderr);
        assert!(only_line(&ended.stderr).starts_with(&format!("lodge: not signed in to {}", world.url)));
    }
    assert_eq!(status_of_me(&world, &token), 401);
    // It says of itself that what was handed out lives on.
    assert_eq!(keys.call_mturk(&world.aws_url, "ListHITs", &serde_json::json!({})).status, 200);
    assert!(logged_out.stderr.contains("live on until they expire"), "{}", logged_out.stderr);
}

fn status_of_me(world: &World, token: &str) -> u16 {
    let settings = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let request = ureq::Agent::from(settings).get(format!("{}/api/v1/me", world.url));
    request.header("authorization", format!("Bearer {token}")).call().unwrap().status().as_u16()
}

fn chmod_private(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
