//! What comes of an STS that says no, says nonsense or says nothing: a problem of the documented kind, an entry in the
//! ledger that says why, and never a credential.

use chrono::DateTime;
use lodge::ambient::{Clock, ManualClock};
use lodge::domain::ledger::{Event, Failure};
use lodge::oidc::Algorithm;

use crate::support::broker::{Plan, STUDENTS, TestBroker, ask_for, helper_token, seed};
use crate::support::broker_program::Premises;
use crate::support::evil_provider::EvilProvider;
use crate::support::scripted_sts::{Reply, ScriptedSts};
use crate::support::visitor::{Page, Visitor};

/// A broker in front of a scripted STS, and the token of a helper that may use `vision/read-results`.
struct Stage {
    running: TestBroker,
    sts: ScriptedSts,
    token: String,
    now: DateTime<chrono::Utc>,
    _provider: EvilProvider,
}

impl Stage {
    fn new() -> Self {
        let clock = Clock::Manual(ManualClock::at(DateTime::from_timestamp(1_795_266_000, 0).unwrap()));
        let now = clock.now();
        let provider = EvilProvider::start(clock.clone());
        let sts = ScriptedSts::start(Reply::Session(now));
        let plan = Plan::new(clock).connection("campus", &provider.issuer, Algorithm::Es256).sts(&sts.url);
        let running = plan.start();
        seed(&running.broker);
        let token = helper_token(&mut Visitor::new(), &running.url, STUDENTS);
        Self { running, sts, token, now, _provider: provider }
    }

    fn ask(&self) -> Page {
        ask_for(&self.running.url, &self.token, "vision/read-results", "")
    }

    /// The positive control.
    fn issues(&self) {
        self.sts.reply(Reply::Session(self.now));
        let answer = self.ask();
        assert_eq!((answer.status, self.sts.asked().len()), (200, 1), "{}", answer.body);
        assert!(matches!(self.running.ledger().last().unwrap().event, Event::Issued { .. }));
    }
}

/// What STS does, and what comes of it: status, problem, reason and AWS's code in the ledger, calls.
type Case = (Reply, u16, &'static str, Failure, Option<&'static str>, usize);

#[test]
fn every_failure_of_sts_has_its_problem_and_its_entry_and_no_credential() {
    let stage = Stage::new();
    stage.issues();
    let (refused, rejected) = ("lab-account-refused", "lab-account-rejected");
    let other_account = "arn:aws:sts::999988887777:assumed-role/lodge-session/rs-0000000000000000".to_owned();
    let cases: Vec<Case> = vec![
        (Reply::Error(403, "AccessDenied"), 424, refused, Failure::Denied, Some("AccessDenied"), 1),
        (Reply::Error(400, "ValidationError"), 424, rejected, Failure::Rejected, Some("ValidationError"), 1),
        (
            Reply::Error(400, "MalformedPolicyDocument"),
            424,
            rejected,
            Failure::Rejected,
            Some("MalformedPolicyDocument"),
            1,
        ),
        (Reply::Error(403, "ExpiredToken"), 503, "unavailable", Failure::Identity, Some("ExpiredToken"), 1),
        (
            Reply::Error(403, "InvalidClientTokenId"),
            503,
            "unavailable",
            Failure::Identity,
            Some("InvalidClientTokenId"),
            1,
        ),
        (
            Reply::Error(403, "SignatureDoesNotMatch"),
            503,
            "unavailable",
            Failure::Identity,
            Some("SignatureDoesNotMatch"),
            1,
        ),
        (
            Reply::Error(400, "PackedPolicyTooLarge"),
            500,
            "internal",
            Failure::TooLarge,
            Some("PackedPolicyTooLarge"),
            1,
        ),
        (Reply::Error(400, "Throttling"), 503, "unavailable", Failure::Throttled, Some("Throttling"), 3),
        (
            Reply::Error(503, "ServiceUnavailable"),
            503,
            "unavailable",
            Failure::Unreachable,
            Some("ServiceUnavailable"),
            3,
        ),
        (Reply::Text(502, "<html>a proxy's own page</html>"), 503, "unavailable", Failure::Unreachable, None, 3),
        (Reply::Text(200, "rubbish"), 503, "unavailable", Failure::Unreachable, None, 1),
        (Reply::HangUp, 503, "unavailable", Failure::Unreachable, None, 3),
        (Reply::SessionOf(other_account, stage.now), 500, "internal", Failure::Mismatch, None, 1),
        (Reply::LongSession(stage.now), 500, "internal", Failure::Mismatch, None, 1),
    ];
    let mut flaws = Vec::new();
    for (reply, status, problem, reason, code, calls) in cases {
        stage.sts.reply(reply.clone());
        let before = stage.running.ledger().len();

        let answer = stage.ask();

        let said = answer.json();
        let asked = stage.sts.asked().len();
        let entries = stage.running.ledger().split_off(before);
        let kinds: Vec<_> = entries.iter().map(|entry| entry.event.kind()).collect();
        let Some(Event::Failed { reason: kept, aws_code, .. }) = entries.last().map(|entry| &entry.event) else {
            panic!("{reply:?}: {entries:?}")
        };
        let found = (answer.status, said["type"].as_str().unwrap(), *kept, aws_code.as_deref(), asked);
        let kind = format!("urn:lodge:problem:{problem}");
        if found != (status, kind.as_str(), reason, code, calls) {
            flaws.push(format!("{reply:?}: {found:?}"));
        }
        assert_eq!(kinds, ["attempted", "failed"], "{reply:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{reply:?}");
        // Neither a credential nor a word of AWS's, which names the broker's own account.
        for secret in ["ASIAEXAMPLE", "a-secret-key", "a-session-token", "999900001111", "arn:"] {
            assert!(!answer.body.contains(secret), "{reply:?}: {}", answer.body);
        }
    }
    assert!(flaws.is_empty(), "{}", flaws.join("\n"));
    stage.issues();
}

#[test]
fn a_retry_that_works_is_one_attempt() {
    let stage = Stage::new();
    stage.sts.reply_in_turn(&[Reply::Error(400, "Throttling"), Reply::Session(stage.now)]);

    let answer = stage.ask();

    assert_eq!((answer.status, stage.sts.asked().len()), (200, 2), "{}", answer.body);
    let [first, second] = &stage.sts.asked()[..] else { panic!() };
    assert_eq!(first, second, "the same session is asked for again, not another one");
    let kinds: Vec<_> = stage.running.ledger().iter().map(|entry| entry.event.kind()).collect();
    assert_eq!(kinds, ["attempted", "issued"]);
}

/// The SDK finds nothing to sign with: the operator's business, and not the lab's nor the network's.
#[test]
fn a_broker_without_credentials_of_its_own_says_so_in_the_ledger_alone() {
    let provider = EvilProvider::start(Clock::System);
    let sts = ScriptedSts::start(Reply::Session(Clock::System.now()));
    let premises = Premises::new();
    let lodged = premises.serve(&provider.issuer, "ES256", &sts.url, &[]);
    let token = helper_token(&mut Visitor::new(), &premises.url, STUDENTS);

    let answer = ask_for(&premises.url, &token, "vision/read-results", "");

    assert_eq!((answer.status, sts.asked().len()), (503, 0), "{}", answer.body);
    assert!(answer.json()["detail"].as_str().unwrap().contains("does not accept the broker itself"), "{}", answer.body);
    lodged.signal("TERM");
    assert!(lodged.wait().status.success());
    let entries = premises.ledger();
    assert!(matches!(entries.last().unwrap().event, Event::Failed { reason: Failure::Identity, .. }), "{entries:?}");
}
