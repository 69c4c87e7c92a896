//! The probe at an S3 that is not ours: moto. It enforces no policy; whether it reads our calls and we its answers is seen.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use lodge::ambient::Clock;
use lodge::aws::{Aws, BrokerIdentity, SessionCredentials, Settings};
use lodge::domain::account::{ProbeAnswer, ProbeOutcome};
use lodge::domain::policy::Probe;

use crate::support::aws_cli::Cli;
use crate::support::peers::{self, Moto, Peer};
use crate::support::proxy::RecordingProxy;
use crate::support::serving::wait;

const PREFIX: &str = "results/a b+é/";

fn probe(url: &str, bucket: &str) -> ProbeAnswer {
    let now = Clock::System.now();
    let key = |text: &str| text.to_owned().into();
    let settings = Settings {
        region: "us-east-1".to_owned(),
        sts_endpoint: None,
        iam_endpoint: None,
        probe_endpoint: Some(url.to_owned()),
        identity: Some(BrokerIdentity {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: key("secret"),
            session_token: None,
        }),
        clock: Clock::System,
    };
    let credentials = SessionCredentials {
        access_key_id: "ASIAEXAMPLE".to_owned(),
        secret_access_key: key("secret"),
        session_token: key("token"),
        expires_at: now + TimeDelta::hours(1),
        session_arn: "arn:aws:sts::111122223333:assumed-role/lodge-session/rs-1".to_owned(),
        request_id: None,
    };
    let probe = Probe {
        action: "s3:ListBucket".to_owned(),
        resource: format!("arn:aws:s3:::{bucket}"),
        with: BTreeMap::from([("s3:prefix".to_owned(), PREFIX.to_owned())]),
    };
    wait(async { Aws::new(&settings).await.probe(&credentials, &probe, now).await })
}

#[test]
fn moto_reads_our_calls_and_we_read_its_answers() {
    if !peers::require("moto_reads_our_calls_and_we_read_its_answers", &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let moto = Moto::start();
    let between = RecordingProxy::to_port(moto.port);
    let keys = ["AKIAEXAMPLE", "secret", "token"].map(str::to_owned);
    let cli = Cli { url: format!("http://127.0.0.1:{}", moto.port), keys };
    cli.print(&["s3", "mb", "s3://vision.results"]);
    for key in ["a", "b"] {
        let key = format!("{PREFIX}{key}");
        cli.print(&["s3api", "put-object", "--bucket", "vision.results", "--key", &key]);
    }

    let works = probe(&between.url(), "vision.results");
    let none = probe(&between.url(), "no-results");

    assert_eq!((works.outcome, works.status), (ProbeOutcome::Works, Some(200)), "{works:?}");
    assert_eq!((none.outcome, none.code.as_deref()), (ProbeOutcome::NoSuchBucket, Some("NoSuchBucket")), "{none:?}");
    let asked = &between.recorded()[0];
    assert_eq!(asked.path(), "/vision.results");
    let query = [("list-type", "2"), ("max-keys", "1"), ("prefix", PREFIX)];
    assert_eq!(asked.query(), query.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let signed = asked.header("authorization").unwrap();
    assert!(signed.contains("/us-east-1/s3/aws4_request"), "{signed}");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(asked.header("x-amz-content-sha256"), Some(empty));
    let listed = asked.answer.as_ref().unwrap().body();
    assert!(
        listed.contains("<KeyCount>1</KeyCount>") && listed.contains("<IsTruncated>true</IsTruncated>"),
        "{listed}"
    );
}
