//! Whole verbs against a stand-in broker.

mod remote;
mod renewal;
mod running;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::thread;

use url::Url;

use super::exit::Exit;
use super::stand_in::{Desk, StandIn, TOKEN, metadata};

const ME: &str = r#"{"person_id":"p-0123456789abcdef","name":"Ada","connection":"campus","connection_title":"Example University",
    "signed_in_at":"2026-11-21T09:00:00Z","session_expires_at":"2026-11-21T21:00:00Z","groups":["students"],
    "roles":[{"lab":"vision","role":"read-results","title":"Read results","ends_at":null}],
    "standings":[{"lab":"vision","standing":"pi"}]}"#;

const CREDENTIALS: &str = r#"{"access_key_id":"ASIAEXAMPLE","secret_access_key":"canary-secret",
    "session_token":"canary-session","expiration":"2026-11-21T14:00:00Z","account_id":"111122223333",
    "role_session_id":"rs-0123456789abcdef"}"#;

fn token() -> String {
    format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":43200}}"#)
}

/// A broker that does everything right, but for what `other` answers.
fn broker(other: impl Fn(&str) -> Option<(&'static str, String)> + Send + 'static) -> StandIn {
    StandIn::start(move |url, line| {
        other(line).unwrap_or_else(|| match line {
            "GET /.well-known/oauth-authorization-server" => ("200 OK", metadata(url)),
            "POST /oauth/token" => ("200 OK", token()),
            "POST /oauth/revoke" => ("200 OK", String::new()),
            "GET /api/v1/me" => ("200 OK", ME.to_owned()),
            "POST /api/v1/labs/vision/roles/read-results/credentials" => ("200 OK", CREDENTIALS.to_owned()),
            _ => ("404 Not Found", String::new()),
        })
    })
}

fn on(path: &'static str, status: &'static str, body: &str) -> impl Fn(&str) -> Option<(&'static str, String)> + use<> {
    let body = body.to_owned();
    move |line| line.ends_with(path).then(|| (status, body.clone()))
}

/// A desk whose browser signs in at once and comes back with what `answer` makes of the state and the issuer.
fn desk(answer: fn(&str, &str) -> String) -> (Desk, mpsc::Receiver<String>) {
    let (sender, pages) = mpsc::channel();
    let mut desk = Desk::new();
    desk.helper.browser = Arc::new(move |url| {
        let url = Url::parse(url).unwrap();
        let value = |name| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let back = Url::parse(&value("redirect_uri")).unwrap();
        let query = answer(&value("state"), &url.origin().ascii_serialization());
        let mut stream = TcpStream::connect(("127.0.0.1", back.port().unwrap())).unwrap();
        let request = format!("GET {}?{query} HTTP/1.1\r\nHost: {}\r\n\r\n", back.path(), back.authority());
        stream.write_all(request.as_bytes()).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let _ = sender.send(page);
        Ok(())
    });
    (desk, pages)
}

fn code(state: &str, issuer: &str) -> String {
    format!("code=canary-code&state={state}&iss={issuer}")
}

/// A desk that has signed in at this broker.
fn signed_in(broker: &StandIn) -> Desk {
    let (desk, _) = desk(code);
    let (exit, _, stderr) = desk.run(&["login", &broker.url]);
    assert_eq!(exit, Exit::Done, "{stderr}");
    desk
}

#[test]
fn login_keeps_a_session_and_says_what_it_opens() {
    let broker = broker(|_| None);
    let (desk, pages) = desk(code);

    let (exit, stdout, stderr) = desk.run(&["login", &format!("{}/", broker.url)]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""), "{stderr}");
    assert!(stderr.contains("as Ada (p-0123456789abcdef) until 2026-11-21 21:00 UTC."), "{stderr}");
    assert!(stderr.contains("vision/read-results  Read results"), "{stderr}");
    assert!(!stderr.contains("canary"), "{stderr}");
    assert!(pages.recv().unwrap().contains("You are signed in"));

    let asked = broker.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(lines, ["GET /.well-known/oauth-authorization-server", "POST /oauth/token", "GET /api/v1/me"]);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(asked[1].body.as_bytes()).into_owned().collect();
    let names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "code", "redirect_uri", "client_id", "code_verifier"]);
    assert_eq!((form[1].1.as_str(), form[3].1.as_str()), ("canary-code", "lodge-cli"));
    assert_eq!(asked[1].authorization, None);
    assert_eq!(asked[2].authorization, Some(format!("Bearer {TOKEN}")));
}

#[test]
fn a_declined_sign_in_leaves_nothing_behind() {
    let broker = broker(|_| None);
    let (desk, pages) = desk(|state, issuer| format!("error=access_denied&state={state}&iss={issuer}"));

    let (exit, _, stderr) = desk.run(&["login", &broker.url]);

    assert_eq!(exit, Exit::Failed);
    assert!(stderr.ends_with("lodge: the sign-in was declined in the browser; nothing was stored\n"), "{stderr}");
    assert!(pages.recv().unwrap().contains("You declined"));
    assert!(!desk.directory.path().join("lodge").exists());
}

#[test]
fn the_page_does_not_claim_a_sign_in_that_failed() {
    let refusal = r#"{"error":"invalid_grant","error_description":"the code has expired"}"#;
    let broker = broker(on("/oauth/token", "400 Bad Request", refusal));
    let (desk, pages) = desk(code);

    let (exit, _, stderr) = desk.run(&["login", &broker.url]);

    assert_eq!(exit, Exit::Failed);
    assert!(stderr.ends_with("lodge: the sign-in did not succeed: the code has expired\n"), "{stderr}");
    assert!(pages.recv().unwrap().contains("You are not signed in"));
}

#[test]
fn a_broker_that_names_another_or_sends_elsewhere_is_not_followed() {
    let other = metadata("https://other.example.edu");
    let named = broker(on("oauth-authorization-server", "200 OK", &other));
    let redirecting = broker(on("oauth-authorization-server", "302 Found", ""));
    let split = StandIn::start(|url, _| {
        let split = metadata(url).replace(&format!("{url}/oauth/token"), "https://evil.example/oauth/token");
        ("200 OK", split)
    });
    let huge = broker(on("oauth-authorization-server", "200 OK", &" ".repeat(300 * 1024)));

    for (broker, words) in [
        (named, "it names itself otherwise"),
        (redirecting, "it redirects elsewhere"),
        (split, "it sends the sign-in to another address"),
        (huge, "its answer is too large"),
    ] {
        let (exit, _, stderr) = desk(code).0.run(&["login", &broker.url]);
        assert_eq!(exit, Exit::Failed);
        assert!(stderr.contains(words), "{stderr}");
        assert_eq!(broker.asked().len(), 1);
    }
}

#[test]
fn status_prints_a_table_or_json() {
    let broker = broker(|_| None);
    let desk = signed_in(&broker);

    let (exit, table, stderr) = desk.run(&["status"]);
    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert!(table.contains("Groups:  students"), "{table}");

    let (exit, json, stderr) = desk.run(&["status", "--json"]);
    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    insta::assert_snapshot!(json.replace(&broker.url, "BROKER"), @r#"
    {
      "broker": "BROKER",
      "person_id": "p-0123456789abcdef",
      "name": "Ada",
      "connection": "campus",
      "connection_title": "Example University",
      "signed_in_at": "2026-11-21T09:00:00Z",
      "session_expires_at": "2026-11-21T21:00:00Z",
      "groups": [
        "students"
      ],
      "roles": [
        {
          "lab": "vision",
          "role": "read-results",
          "title": "Read results",
          "ends_at": null
        }
      ],
      "standings": [
        {
          "lab": "vision",
          "standing": "pi"
        }
      ],
      "cut_offs": [],
      "cached": [],
      "forgotten": []
    }
    "#);
}

#[test]
fn credential_process_prints_one_object_and_nothing_else() {
    let broker = broker(|_| None);
    let desk = signed_in(&broker);

    let (exit, stdout, stderr) = desk.run(&["credential-process", "vision/read-results"]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert_eq!(stdout.lines().count(), 1);
    let object: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(&stdout).unwrap();
    let keys: Vec<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(keys, ["AccessKeyId", "AccountId", "Expiration", "SecretAccessKey", "SessionToken", "Version"]);
    let asked = broker.asked().pop().unwrap();
    assert_eq!((asked.body.as_str(), asked.authorization), ("{}", Some(format!("Bearer {TOKEN}"))));
}

#[test]
fn what_the_broker_says_no_to_is_one_line_with_the_role() {
    let problem = r#"{"type":"urn:lodge:problem:no-role","title":"t","status":403,
        "detail":"Your groups do not open this role.\n\u001b[31mAsk your PI."}"#;
    let broker = broker(on("/credentials", "403 Forbidden", problem));

    let (exit, stdout, stderr) = signed_in(&broker).run(&["credential-process", "vision/read-results"]);

    assert_eq!((exit, stdout.as_str()), (Exit::Failed, ""));
    assert_eq!(stderr, "lodge: vision/read-results: Your groups do not open this role. [31mAsk your PI.\n");
}

#[test]
fn a_broker_in_trouble_exits_3() {
    let problem = r#"{"type":"t","title":"t","status":503,"detail":"The ledger is away.","request_id":"r1"}"#;
    for (status, body, words) in [
        ("503 Service Unavailable", problem, "is unavailable (503: The ledger is away, request r1); try again\n"),
        ("500 Internal Server Error", "oops", "is unavailable (500); try again\n"),
        ("429 Too Many Requests", "", "is unavailable (429); try again\n"),
    ] {
        let broker = broker(on("/credentials", status, body));
        let (exit, stdout, stderr) = signed_in(&broker).run(&["credential-process", "vision/read-results"]);

        assert_eq!((exit, stdout.as_str()), (Exit::Unavailable, ""));
        assert_eq!(stderr, format!("lodge: {} {words}", broker.url));
    }
}

#[test]
fn a_broker_that_is_away_exits_3() {
    let broker = broker(|_| None);
    let mut desk = signed_in(&broker);
    let home = desk.directory.path().join("lodge");
    // Nothing listens on port 1; the session is made to belong there.
    let away = "http://127.0.0.1:1";
    let name = |url: &str| home.join(url.parse::<super::broker_url::BrokerUrl>().unwrap().file_name());
    let text = std::fs::read_to_string(name(&broker.url)).unwrap().replace(&broker.url, away);
    std::fs::write(name(&broker.url), text).unwrap();
    std::fs::rename(name(&broker.url), name(away)).unwrap();
    desk.helper.environment.broker = Some(away.to_owned());

    let (exit, stdout, stderr) = desk.run(&["credential-process", "vision/read-results"]);
    assert_eq!((exit, stdout.as_str()), (Exit::Unavailable, ""));
    assert!(stderr.starts_with("lodge: http://127.0.0.1:1 cannot be reached ("), "{stderr}");

    let (exit, _, stderr) = desk.run(&["logout"]);
    assert_eq!(exit, Exit::Unavailable);
    assert!(stderr.contains("could not be told"), "{stderr}");
    assert!(!name(away).exists());
}

#[test]
fn a_session_that_the_broker_does_not_know_needs_a_sign_in() {
    let broker = broker(on("/credentials", "401 Unauthorized", ""));

    let (exit, stdout, stderr) = signed_in(&broker).run(&["credential-process", "vision/read-results"]);

    assert_eq!((exit, stdout.as_str()), (Exit::SignInNeeded, ""));
    assert_eq!(stderr, format!("lodge: not signed in to {0}; run: lodge login {0}\n", broker.url));
}

#[test]
fn logout_ends_the_session_there_and_here() {
    let broker = broker(|_| None);
    let desk = signed_in(&broker);

    let (exit, stdout, stderr) = desk.run(&["logout"]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    assert!(stderr.contains("live on until they expire, an hour at most"), "{stderr}");
    assert_eq!(broker.asked().pop().unwrap().body, format!("token={TOKEN}&client_id=lodge-cli"));
    assert_eq!(desk.run(&["status"]).0, Exit::SignInNeeded);
    assert_eq!(desk.run(&["logout"]).0, Exit::Done);
}

#[test]
fn two_logins_at_once_do_not_disturb_each_other() {
    let broker = broker(|_| None);
    let (one, two) = (desk(code).0, desk(code).0);

    thread::scope(|scope| {
        for desk in [&one, &two] {
            scope.spawn(|| assert_eq!(desk.run(&["login", &broker.url]).0, Exit::Done));
        }
    });
}

#[test]
fn without_a_verb_it_prints_help() {
    let (exit, stdout, stderr) = Desk::new().run(&[]);

    assert_eq!((exit, stderr.as_str()), (Exit::Done, ""));
    assert!(stdout.contains("Usage: lodge"), "{stdout}");
}

#[test]
fn the_version_goes_to_stdout() {
    let (exit, stdout, _) = Desk::new().run(&["--version"]);

    assert_eq!((exit, stdout), (Exit::Done, format!("lodge {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_wrong_command_line_exits_2_with_nothing_on_stdout() {
    for arguments in [
        &["no-such-verb"][..],
        &["credential-process"],
        &["credential-process", "vision"],
        &["login"],
        &["login", "http://lodge.example.edu"],
    ] {
        let (exit, stdout, stderr) = Desk::new().run(arguments);

        assert_eq!((exit, stdout.as_str()), (Exit::Usage, ""), "{arguments:?}");
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn without_a_broker_a_sign_in_is_needed() {
    for arguments in [&["status"][..], &["credential-process", "vision/read-results"]] {
        let (exit, stdout, stderr) = Desk::new().run(arguments);

        assert_eq!((exit, stdout.as_str()), (Exit::SignInNeeded, ""), "{arguments:?}");
        assert_eq!(stderr, "lodge: not signed in to any broker; run: lodge login URL\n");
    }
}
