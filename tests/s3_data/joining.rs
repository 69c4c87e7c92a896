//! A lab that joins with the pack: its account's stack holds resources and conditions, and its roles are tried at S3.

use std::collections::BTreeMap;

use lodge::demo::aws::{Account, Bucket, Marketplace, Service};
use lodge::domain::account::{AccountState, Cause, ChainLink, Mender, ProbeOutcome, Readiness, Verdict};
use lodge::domain::lab::Role;
use lodge::domain::policy::Probe;
use lodge::domain::role_session::SessionDuration;
use serde_json::json;

use crate::support::joining::{ACCOUNT, Joining, causes};
use crate::support::serving::wait;

const SESSION: &str = "arn:aws:iam::111122223333:role/lodge/lodge-session";

fn results() -> Bucket {
    Bucket::new("vision-results").with("results/2026/a.csv", "a").with("secret.csv", "b")
}

fn data_role(name: &str, bucket: &str, prefix: &str) -> Role {
    Role {
        name: name.parse().unwrap(),
        template: format!("s3-data/{name}").parse().unwrap(),
        parameters: [("bucket", bucket), ("prefix", prefix)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        max_duration: SessionDuration::MAX,
        sign_in_age: None,
    }
}

/// A lab with both roles of the pack, and these buckets in its account.
fn with_data(buckets: Vec<Bucket>) -> Joining {
    let roles = ["read-results", "publish"].map(|name| data_role(name, "vision-results", "results/2026/"));
    let joining = Joining::with_roles(&roles);
    put(&joining, ACCOUNT, buckets);
    joining
}

fn put(joining: &Joining, account: &str, buckets: Vec<Bucket>) {
    let (roles, marketplace) = (Vec::new(), Marketplace::default());
    joining.small.put_account(Account { id: account.to_owned(), roles, marketplace, buckets }).unwrap();
}

fn outcomes(joining: &Joining) -> Vec<ProbeOutcome> {
    joining.check().report.probes.iter().map(|probe| probe.answer.outcome).collect()
}

fn list(prefix: &str) -> Probe {
    Probe {
        action: "s3:ListBucket".to_owned(),
        resource: "arn:aws:s3:::vision-results".to_owned(),
        with: BTreeMap::from([("s3:prefix".to_owned(), prefix.to_owned())]),
    }
}

#[test]
fn a_lab_joins_with_the_pack_and_what_is_issued_reaches_its_prefix_alone() {
    let joining = with_data(vec![results()]);
    joining.make_stack();

    let check = joining.join();

    assert_eq!(check.verdict(), Some(Verdict::Proven), "{check:?}");
    assert_eq!(check.report.troubles, []);
    let outcomes: Vec<_> = check.report.probes.iter().map(|probe| probe.answer.outcome).collect();
    assert_eq!(outcomes, [ProbeOutcome::Works; 2], "{check:?}");
    assert_eq!(joining.account().state, AccountState::Joined);
    assert!(joining.view(&joining.pi).roles.iter().all(|role| role.readiness == Readiness::Ready));
    let issued = joining.issue().unwrap();
    for (prefix, outcome) in [
        ("results/2026/", ProbeOutcome::Works),
        ("results/2026/a", ProbeOutcome::Works),
        // Neither role has more, so the account itself does not.
        ("results/", ProbeOutcome::DeniedByIdentityPolicy),
        ("", ProbeOutcome::DeniedByIdentityPolicy),
    ] {
        let answer = wait(joining.broker().aws.probe(&issued.credentials, &list(prefix), joining.now()));
        assert_eq!(answer.outcome, outcome, "{prefix}: {answer:?}");
    }
    // The account itself gives no more: boundary and permissions hold the prefix too.
    let permissions = joining.plan().permissions().document().to_string();
    assert!(permissions.contains(r#"{"StringLike":{"s3:prefix":"results/2026/*"}}"#), "{permissions}");
}

#[test]
fn a_bucket_that_is_not_there_is_for_the_pi_to_mend_and_stops_nothing() {
    let joining = with_data(Vec::new());
    joining.make_stack();

    let check = joining.join();

    assert_eq!(check.verdict(), Some(Verdict::Proven), "{check:?}");
    let found = causes(&check.report.troubles);
    assert_eq!(found.len(), 2, "one for each role: {found:?}");
    for cause in found {
        let [Cause::NoSuchBucket { answer }] = cause else { panic!("{cause:?}") };
        assert_eq!((answer.status, answer.code.as_deref()), (Some(404), Some("NoSuchBucket")));
        assert_eq!(
            (cause[0].mender(), cause[0].to_string()),
            (Mender::Pi, "the bucket that the role is for is not there".to_owned())
        );
    }
    assert!(joining.issue().is_ok(), "what the role can do is not worse for it");
    let diagnosis = joining.diagnosis();
    let broken = diagnosis.first_broken().unwrap();
    assert_eq!((broken.link, &broken.menders[..]), (ChainLink::Probe, &[Mender::Pi][..]));

    put(&joining, ACCOUNT, vec![results()]);
    assert_eq!(outcomes(&joining), [ProbeOutcome::Works; 2], "and all is well once it is made");
}

#[test]
fn a_bucket_in_another_region_is_followed_there_once() {
    let joining = with_data(vec![results().in_region("eu-central-1")]);
    joining.make_stack();
    joining.join();

    let tried: Vec<_> = joining.small.calls().into_iter().filter(|call| call.service == Service::S3).collect();
    let codes: Vec<_> = tried.iter().map(|call| call.error_code.as_deref()).collect();
    assert_eq!(codes, [Some("PermanentRedirect"), None, Some("PermanentRedirect"), None], "{tried:?}");
    assert_eq!(outcomes(&joining), [ProbeOutcome::Works; 2]);
}

#[test]
fn who_denies_the_probe_is_told_apart() {
    let statement = |effect: &str, resource: &str| {
        let statement = json!({"Effect": effect, "Action": "s3:*", "Resource": resource});
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    };
    let joined = || {
        let joining = with_data(vec![results()]);
        joining.make_stack();
        joining.join();
        joining
    };
    let joining = joined();
    let other = statement("Allow", "arn:aws:s3:::other-results");
    joining.small.change_role(SESSION, |role| role.boundary.as_mut().unwrap().document.clone_from(&other)).unwrap();
    assert_eq!(outcomes(&joining), [ProbeOutcome::DeniedByBoundary; 2]);

    let joining = joined();
    let deny = ("ours".to_owned(), statement("Deny", "*"));
    joining.small.change_role(SESSION, |role| role.inline_policies.extend([deny.clone()])).unwrap();
    assert_eq!(outcomes(&joining), [ProbeOutcome::DeniedByIdentityPolicy; 2]);

    // Of a bucket of another account S3 does not say why.
    let joining = with_data(Vec::new());
    put(&joining, "666677778888", vec![results()]);
    joining.make_stack();
    joining.join();
    assert_eq!(outcomes(&joining), [ProbeOutcome::Denied; 2]);
}

#[test]
fn one_call_too_many_is_tried_once_more() {
    let joining = with_data(vec![results()]);
    joining.make_stack();
    joining.join();
    let credentials = joining.issue().unwrap().credentials;
    let probe = || wait(joining.broker().aws.probe(&credentials, &list("results/2026/"), joining.now()));

    joining.small.throttle(Service::S3, 1);
    assert_eq!(probe().outcome, ProbeOutcome::Works);
    joining.small.throttle(Service::S3, 100);
    let answer = probe();
    assert_eq!((answer.outcome, answer.code.as_deref()), (ProbeOutcome::Throttled, Some("SlowDown")));
}

#[test]
fn a_role_for_another_prefix_waits_for_the_accounts_owner() {
    let joining = with_data(vec![results()]);
    joining.make_stack();
    joining.join();
    let more = Role { name: "read-more".parse().unwrap(), ..data_role("read-results", "vision-results", "raw/") };
    wait(joining.seeding().add_role(&joining.lab, &more)).unwrap();
    let readiness = |joining: &Joining| {
        let view = joining.view(&joining.pi);
        let of = |name: &str| view.roles.iter().find(|role| role.name.as_str() == name).unwrap().readiness;
        (of("read-results"), of("read-more"))
    };

    joining.check();

    let (own, other) = readiness(&joining);
    assert_eq!(own, Readiness::Ready);
    assert_eq!(other, Readiness::AwaitingUpdate);
    joining.make_stack();
    joining.check();
    assert_eq!(readiness(&joining), (Readiness::Ready, Readiness::Ready));
}
