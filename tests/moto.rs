//! What STS receives from us, byte for byte, heard between the broker and a server that is not ours: moto. It enforces
//! nothing, and nothing of the kind is claimed here; what is refused is tested against the small AWS.

use std::collections::BTreeMap;

use lodge::ambient::Clock;
use lodge::domain::ledger::{Book, Event};
use lodge::domain::policy::PolicyLibrary;
use lodge::oidc::Algorithm;
use sha2::{Digest, Sha256};

use crate::support::broker::{Plan, STUDENTS, ask_for, helper_token, me, seed};
use crate::support::evil_provider::EvilProvider;
use crate::support::peers::{self, Moto, Peer};
use crate::support::proxy::{Recorded, RecordingProxy};
use crate::support::visitor::Visitor;

/// What stands between two tags of moto's answer.
fn answered<'a>(exchange: &'a Recorded, tag: &str) -> &'a str {
    let raw = std::str::from_utf8(&exchange.answer.as_ref().unwrap().raw).unwrap();
    let (_, after) = raw.split_once(&format!("<{tag}>")).unwrap_or_else(|| panic!("no {tag} in {raw}"));
    after.split_once('<').unwrap().0
}

#[test]
fn moto_receives_exactly_what_every_session_of_ours_carries() {
    if !peers::require("moto_receives_exactly_what_every_session_of_ours_carries", &[Peer::Python]) {
        return;
    }
    let moto = Moto::start();
    let sts = RecordingProxy::to_port(moto.port);
    // moto lives by the machine's clock.
    let provider = EvilProvider::start(Clock::System);
    let plan = Plan::new(Clock::System).connection("campus", &provider.issuer, Algorithm::Es256);
    let running = plan.sts(&sts.url()).start();
    let lab = seed(&running.broker);
    let token = helper_token(&mut Visitor::new(), &running.url, STUDENTS);
    let person = me(&running.url, &token).json()["person_id"].as_str().unwrap().to_owned();
    let policies = PolicyLibrary::shipped().unwrap();
    let template = policies.get(&"mturk/read-results".parse().unwrap()).unwrap();
    let policy = template.fill(&BTreeMap::new()).unwrap().as_str().to_owned();
    assert!(policy.contains("mechanicalturk:ListHITs") && !policy.contains([' ', '\n']), "{policy}");

    for (body, seconds) in [("", "3600"), (r#"{"duration_seconds":900}"#, "900")] {
        sts.forget();

        let answer = ask_for(&running.url, &token, "vision/read-results", body);

        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
        let credentials = answer.json();
        let session = credentials["role_session_id"].as_str().unwrap();
        let [exchange] = &sts.recorded()[..] else { panic!("{} calls", sts.recorded().len()) };
        let expected = [
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", "arn:aws:iam::111122223333:role/lodge/lodge-session"),
            ("RoleSessionName", session),
            ("ExternalId", lab.external_id.as_str()),
            ("Policy", &policy),
            ("SourceIdentity", &person),
            ("Tags.member.1.Key", "lodge-role"),
            ("Tags.member.1.Value", "read-results"),
            ("Tags.member.2.Key", "lodge-lab"),
            ("Tags.member.2.Value", lab.id.as_str()),
            ("DurationSeconds", seconds),
        ];
        let expected: BTreeMap<_, _> = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        assert_eq!(exchange.form(), expected);
        assert_eq!((exchange.method.as_str(), exchange.target.as_str()), ("POST", "/"));
        // Each parameter once: a map would hide a second one.
        assert_eq!(url::form_urlencoded::parse(&exchange.body).count(), expected.len());
        let signed = exchange.header("authorization").unwrap();
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"), "{signed}");

        // What moto made reaches the caller as it is.
        for (ours, theirs) in [
            ("access_key_id", "AccessKeyId"),
            ("secret_access_key", "SecretAccessKey"),
            ("session_token", "SessionToken"),
        ] {
            assert_eq!(credentials[ours], answered(exchange, theirs), "{ours}");
        }
        let expires = answered(exchange, "Expiration").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!(credentials["expiration"], lodge::wire::timestamp(expires));
        assert_eq!(credentials["account_id"], "111122223333");

        // And the ledger says the same.
        let entries = running.ledger();
        let [.., attempted, issued] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((&attempted.book, attempted.event.kind()), (&Book::Lab(lab.id.clone()), "attempted"));
        assert_eq!((issued.thread.id(), issued.thread.who()), (session, person.as_str()));
        let Event::Issued { access_key_id, policy_sha256, session_arn, expires_at, .. } = &issued.event else {
            panic!("{issued:?}")
        };
        assert_eq!(access_key_id, answered(exchange, "AccessKeyId"));
        assert_eq!(*policy_sha256, hex::encode(Sha256::digest(exchange.form()["Policy"].as_bytes())));
        assert_eq!(session_arn, answered(exchange, "Arn"));
        assert_eq!(credentials["expiration"], *expires_at);
    }
}
