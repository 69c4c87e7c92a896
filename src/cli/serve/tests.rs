//! The endpoint over real connections, with a stand-in broker and a clock that is moved.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::credentials;
use super::super::http_listener::{Listener, Serving};
use super::super::stand_in::{Desk, StandIn};
use super::endpoint::Endpoint;
use super::keeper::{AHEAD, Keeper};
use super::{Event, PATIENCE};
use crate::ambient::{Clock, ManualClock};
use crate::wire::timestamp;

const TOKEN: &str = "canary-endpoint-token";

/// An endpoint, with the broker and the clock behind it.
struct Scene {
    clock: ManualClock,
    /// Whether the broker is in trouble.
    is_away: Arc<AtomicBool>,
    /// How often the broker was asked for credentials.
    asked: Arc<AtomicUsize>,
    events: Receiver<Event>,
    port: u16,
    _serving: Serving,
    _keeper: Keeper,
    _desk: Desk,
}

impl Scene {
    /// One whose sessions last this long.
    fn with_sessions_of(length: TimeDelta) -> Self {
        let (is_away, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clock = Arc::new(std::sync::OnceLock::<Clock>::new());
        let (away, count, now) = (is_away.clone(), asked.clone(), clock.clone());
        let broker = StandIn::start(move |_, line| {
            if !line.ends_with("/credentials") || away.load(Ordering::SeqCst) {
                return ("503 Service Unavailable", String::new());
            }
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let expiration = timestamp(now.get().unwrap().now() + length);
            let answer = serde_json::json!({
                "access_key_id": format!("ASIA{number}"), "secret_access_key": "canary-secret",
                "session_token": "canary-session", "expiration": expiration, "account_id": "111122223333",
                "role_session_id": "rs-0123456789abcdef",
            });
            ("200 OK", answer.to_string())
        });
        let desk = Desk::signed_in(&broker);
        // No token of the session needs to be renewed while hours pass here.
        let mut session = desk.session(&broker);
        session.renewal = None;
        desk.replace(&broker, &session);
        clock.set(desk.helper.clock.clone()).unwrap();
        let role: crate::domain::id::RoleAddress = "vision/read-results".parse().unwrap();
        let first = credentials::get(&desk.helper, &role, AHEAD, &mut |_| {}).unwrap();
        let (sender, events) = channel();
        let keeper = Keeper::start(desk.helper.clone(), role, first, sender);
        let listener = Listener::bind(0).unwrap();
        let port = listener.port();
        let endpoint = Endpoint::new(port, Zeroizing::new(TOKEN.to_owned()), keeper.kept());
        let serving = listener.serve(PATIENCE, move |asked, caller| endpoint.attend(&asked, caller));
        let clock = desk.clock.clone();
        Self { clock, is_away, asked, events, port, _serving: serving, _keeper: keeper, _desk: desk }
    }

    fn start() -> Self {
        Self::with_sessions_of(TimeDelta::hours(1))
    }

    /// Sends a request with these headers besides `Host`; gives the whole answer.
    fn send(&self, request_line: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.write_all(format!("{request_line} HTTP/1.1\r\n{headers}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}\r\n", self.port)
    }

    /// Asks as an AWS tool does.
    fn ask(&self) -> (u16, Value) {
        parts(&self.send("GET /credentials", &format!("{}Authorization: {TOKEN}\r\n", self.host())))
    }

    /// Asks until the answer is as wanted.
    fn ask_until(&self, wanted: impl Fn(u16, &Value) -> bool) -> (u16, Value) {
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            let (status, body) = self.ask();
            if wanted(status, &body) {
                return (status, body);
            }
            assert!(Instant::now() < until, "{status} {body}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The next line that is said.
    fn hears(&self) -> String {
        match self.events.recv_timeout(Duration::from_mins(1)).unwrap() {
            Event::Say(line) => line,
            Event::Signal(caught) => panic!("{caught:?}"),
        }
    }
}

fn parts(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[test]
fn whoever_has_the_token_is_given_what_aws_tools_read() {
    let scene = Scene::start();

    let answer = scene.send("GET /credentials", &format!("{}Authorization: {TOKEN}\r\n", scene.host()));

    insta::assert_snapshot!(answer.replace("\r\n", "\n"), @r#"
    HTTP/1.1 200 OK
    Content-Type: application/json
    Content-Length: 145
    Cache-Control: no-store
    X-Content-Type-Options: nosniff
    Connection: close

    {"AccessKeyId":"ASIA1","SecretAccessKey":"canary-secret","Token":"canary-session","Expiration":"2026-11-21T14:00:00Z","AccountId":"111122223333"}
    "#);
    let by_name = format!("host: LOCALHOST:{}\r\nauthorization: {TOKEN}\r\n", scene.port);
    assert_eq!(parts(&scene.send("GET /credentials", &by_name)).0, 200);
}

#[test]
fn nobody_else_is_told_anything() {
    let scene = Scene::start();
    let (host, port) = (scene.host(), scene.port);
    let token = format!("Authorization: {TOKEN}\r\n");

    for (line, headers, status) in [
        ("GET /credentials", host.clone(), 401),
        ("GET /credentials", format!("{host}Authorization: canary-endpoint-toke\r\n"), 401),
        ("GET /credentials", format!("{host}Authorization: Canary-endpoint-token\r\n"), 401),
        ("GET /credentials", format!("{host}Authorization: Bearer {TOKEN}\r\n"), 401),
        ("GET /credentials", format!("{host}Authorization:\r\n"), 401),
        ("GET /credentials", format!("{host}{token}{token}"), 401),
        ("GET /credentials", token.clone(), 403),
        ("GET /credentials", format!("Host: evil.example:{port}\r\n{token}"), 403),
        ("GET /credentials", format!("Host: 127.0.0.1\r\n{token}"), 403),
        ("GET /credentials", format!("Host: 127.0.0.1:1\r\n{token}"), 403),
        ("GET /credentials", format!("{host}{host}{token}"), 403),
        ("POST /credentials", format!("{host}{token}Content-Length: 0\r\n"), 405),
        ("PUT /latest/api/token", format!("{host}{token}"), 405),
        ("OPTIONS /credentials", format!("{host}Origin: https://evil.example\r\n"), 405),
        ("HEAD /credentials", format!("{host}{token}"), 405),
        ("GET /", format!("{host}{token}"), 404),
        ("GET /credentials/", format!("{host}{token}"), 404),
        ("GET http://127.0.0.1/credentials", format!("{host}{token}"), 404),
        ("GET  /credentials", format!("{host}{token}"), 400),
        ("GET /credentials", format!("{host}{token}X: {}\r\n", "x".repeat(20 * 1024)), 431),
    ] {
        let answer = scene.send(line, &headers);

        let (found, body) = parts(&answer);
        assert_eq!(found, status, "{line} {headers}");
        assert!(body["code"].is_string() && body["message"].is_string(), "{body}");
        let lower = answer.to_ascii_lowercase();
        assert!(
            !lower.contains("canary") && !lower.contains("access-control") && !lower.contains("location:"),
            "{answer}"
        );
    }
    assert!(scene.send("POST /credentials", &format!("{host}{token}")).contains("\r\nAllow: GET\r\n"));
}

#[test]
fn new_credentials_are_got_long_before_the_old_ones_expire() {
    let scene = Scene::start();

    scene.clock.advance(TimeDelta::minutes(40) - TimeDelta::seconds(1));
    assert_eq!(scene.ask().1["AccessKeyId"], "ASIA1");
    scene.clock.advance(TimeDelta::seconds(1));
    let (_, fresh) = scene.ask_until(|_, body| body["AccessKeyId"] == "ASIA2");

    assert_eq!(fresh["Expiration"], "2026-11-21T14:40:00Z");
    assert_eq!(scene.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn new_credentials_are_got_even_when_nobody_asks() {
    let scene = Scene::start();

    scene.clock.advance(TimeDelta::minutes(41));

    let until = Instant::now() + Duration::from_mins(1);
    while scene.asked.load(Ordering::SeqCst) < 2 {
        assert!(Instant::now() < until, "nothing was renewed");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn while_the_broker_is_away_what_is_good_is_served_and_then_the_reason_is() {
    let scene = Scene::start();
    scene.is_away.store(true, Ordering::SeqCst);

    scene.clock.advance(TimeDelta::minutes(41));
    assert_eq!(scene.ask().1["AccessKeyId"], "ASIA1");
    let said = scene.hears();
    scene.clock.advance(TimeDelta::minutes(18));
    let last = scene.ask();
    scene.clock.advance(TimeDelta::minutes(1));
    let (status, trouble) = scene.ask();

    assert!(
        said.ends_with("try again (the credentials of vision/read-results are served until 2026-11-21 14:00 UTC)"),
        "{said}"
    );
    assert_eq!((last.0, &last.1["AccessKeyId"]), (200, &Value::from("ASIA1")));
    assert_eq!((status, &trouble["code"]), (503, &Value::from("BrokerUnavailable")));
    let message = trouble["message"].as_str().unwrap();
    assert!(message.contains("is unavailable (503); try again"), "{message}");

    scene.is_away.store(false, Ordering::SeqCst);
    let (_, back) = scene.ask_until(|status, _| status == 200);
    assert_eq!(back["AccessKeyId"], "ASIA2");
    assert!(scene.hears().contains("has new credentials again, until 2026-11-21 15:00 UTC"));
}

#[test]
fn after_a_sleep_of_the_machine_the_first_to_ask_is_given_fresh_credentials() {
    let scene = Scene::start();

    scene.clock.advance(TimeDelta::hours(5));

    let (_, fresh) = scene.ask_until(|status, body| {
        assert!(status == 200 || body["code"] == "CredentialsNotReady", "never the old ones: {body}");
        status == 200
    });
    assert_eq!(fresh["AccessKeyId"], "ASIA2");
}

#[test]
fn sessions_shorter_than_that_are_not_fetched_again_and_again() {
    let scene = Scene::with_sessions_of(TimeDelta::minutes(15));

    scene.clock.advance(TimeDelta::minutes(7));
    for _ in 0..20 {
        assert_eq!(scene.ask().1["AccessKeyId"], "ASIA1");
    }
    scene.clock.advance(TimeDelta::minutes(1));
    scene.ask_until(|_, body| body["AccessKeyId"] == "ASIA2");

    assert_eq!(scene.asked.load(Ordering::SeqCst), 2);
}
