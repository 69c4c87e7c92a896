//! What a test does to accounts while they are in use, and what a caller sees of it.

use chrono::TimeDelta;

use super::*;

/// What the broker hears who may not assume the vision lab's role.
fn assert_denied(answer: &Answer) {
    let (status, code, message) = answer.refusal();
    assert_eq!((status, code.as_str()), (403, "AccessDenied"), "{message}");
    assert!(message.ends_with(&format!("sts:AssumeRole on resource: {VISION_ROLE}")), "{message}");
}

#[tokio::test]
async fn a_change_to_a_role_counts_at_the_next_call() {
    let world = World::new(settings());
    let broker = Keys::broker();
    let keys = world.session(READ_POLICY).await;
    let change = |change: fn(&mut IamRole)| world.aws.change_role(VISION_ROLE, change).unwrap();

    change(|role| role.trust = trust("another-external-id"));
    assert_denied(&world.assume(&broker, &[]).await);
    assert_eq!(world.assume(&broker, &[("ExternalId", "another-external-id")]).await.status, StatusCode::OK);
    change(|role| role.trust = trust("vision-external-id"));
    change(|role| role.max_session_seconds = 43_200);
    let long = world.assume(&broker, &[("DurationSeconds", "7200")]).await.refusal();
    assert!(long.2.ends_with("role chaining."), "{}", long.2);
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.status, StatusCode::OK);
    change(|role| role.boundary = Some(managed("boundary", &allow(&json!("s3:*")))));
    let denied = world.mturk(&keys, "ListHITs", &json!({})).await.refusal();
    assert!(denied.2.contains("no permissions boundary allows"), "{}", denied.2);
    change(|role| {
        role.boundary = None;
        role.inline_policies.clear();
        role.attached_policies = vec![managed("permissions", &allow(&json!("mechanicalturk:List*")))];
    });
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.status, StatusCode::OK);
    let denied = world.mturk(&keys, "GetHIT", &json!({ "HITId": "3HITV1LODGEDEMO" })).await.refusal();
    assert!(denied.2.contains("no identity-based policy allows"), "{}", denied.2);
}

#[tokio::test]
async fn a_role_that_is_removed_takes_its_sessions_along_and_looks_like_one_that_never_was() {
    let world = World::new(settings());
    let keys = world.session(READ_POLICY).await;
    let role = world.aws.role(VISION_ROLE).unwrap();

    world.aws.remove_role(VISION_ROLE).unwrap();
    assert!(world.aws.remove_role(VISION_ROLE).is_err());

    assert_denied(&world.assume(&Keys::broker(), &[]).await);
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.refusal().1, "UnrecognizedClientException");
    world.aws.put_roles(&[role]).unwrap();
    assert_eq!(world.assume(&Keys::broker(), &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_role_that_is_made_anew_has_another_id_and_ends_its_sessions() {
    let world = World::new(settings());
    let keys = world.session(READ_POLICY).await;

    let role_id = world.aws.recreate_role(VISION_ROLE).unwrap();

    assert_ne!(role_id, VISION_ROLE_ID);
    assert_eq!(world.assume(&Keys::broker(), &[]).await.xml("AssumedRoleId"), format!("{role_id}:rs-1"));
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.refusal().1, "UnrecognizedClientException");
    let missing = world.aws.recreate_role("arn:aws:iam::111122223333:role/none").unwrap_err();
    assert_eq!(missing.to_string(), "there is no role `arn:aws:iam::111122223333:role/none`");
}

#[tokio::test]
async fn a_broker_whose_role_was_made_anew_is_a_stranger_until_it_is_trusted_again() {
    let world = World::new(settings());
    let broker = Keys::broker();
    let who = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let id = |answer: &Answer| answer.xml("UserId").split_once(':').unwrap().0.to_owned();
    let old_id = id(&world.sts(&broker, &who).await);
    let trusted = || {
        let trust: Value = serde_json::from_str(&world.aws.role(VISION_ROLE).unwrap().trust).unwrap();
        trust["Statement"][0]["Principal"]["AWS"].as_str().unwrap().to_owned()
    };
    assert_eq!(trusted(), BROKER_ROLE);

    let new_id = world.aws.recreate_role(BROKER_ROLE).unwrap();

    // Its machine goes on with credentials of the new role; only the labs do not know that one.
    assert_eq!(id(&world.sts(&broker, &who).await), new_id);
    assert_eq!(trusted(), old_id);
    assert_denied(&world.assume(&broker, &[]).await);
    // A change of something else does not mend it, nor does writing the id down.
    world.aws.change_role(VISION_ROLE, |role| role.max_session_seconds = 7_200).unwrap();
    assert_eq!(trusted(), old_id);
    assert_denied(&world.assume(&broker, &[]).await);
    world.aws.change_role(VISION_ROLE, |role| role.trust = trust("vision-external-id")).unwrap();
    assert_eq!(trusted(), BROKER_ROLE);
    assert_eq!(world.assume(&broker, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_name_that_nobody_had_when_it_was_written_is_never_anybody() {
    let mut settings = settings();
    let later = "arn:aws:iam::111122223333:role/later";
    settings.accounts[1].roles[0].trust = trust("language-external-id").replace(BROKER_ROLE, later);
    let world = World::new(settings);
    let trusted = || world.aws.role(LANGUAGE_ROLE).unwrap().trust;
    assert!(trusted().contains(later));
    let role = IamRole {
        arn: later.into(),
        role_id: "AROALATER123456789012".into(),
        inline_policies: inline(&[&allow(&json!("sts:*"))]),
        ..world.aws.role(VISION_ROLE).unwrap()
    };

    world.aws.put_roles(&[role]).unwrap();

    assert!(!trusted().contains(later), "{}", trusted());
    let keys = world.assume(&Keys::broker(), &[("RoleArn", later), ("Policy", "")]).await.keys();
    let onward = [("RoleArn", LANGUAGE_ROLE), ("ExternalId", "language-external-id")];
    assert_eq!(world.assume(&keys, &onward).await.refusal().1, "AccessDenied");
    let again = trust("language-external-id").replace(BROKER_ROLE, later);
    world.aws.change_role(LANGUAGE_ROLE, |role| role.trust = again).unwrap();
    assert_eq!(world.assume(&keys, &onward).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_account_by_number_is_its_root() {
    let world = World::new(settings());

    let by_number = trust("vision-external-id").replace(BROKER_ROLE, "999988887777");
    world.aws.change_role(VISION_ROLE, |role| role.trust = by_number).unwrap();

    assert!(world.aws.role(VISION_ROLE).unwrap().trust.contains("arn:aws:iam::999988887777:root"));
    assert_eq!(world.assume(&Keys::broker(), &[]).await.status, StatusCode::OK);
    // An account outlives its roles.
    world.aws.recreate_role(BROKER_ROLE).unwrap();
    assert_eq!(world.assume(&Keys::broker(), &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_change_that_is_none_changes_nothing() {
    let world = World::new(settings());
    let before = world.aws.role(VISION_ROLE).unwrap();

    let refused = world.aws.change_role(VISION_ROLE, |role| {
        role.max_session_seconds = 7_200;
        role.trust = "{}".into();
    });

    assert!(refused.is_err());
    assert_eq!(world.aws.role(VISION_ROLE).unwrap(), before);
}

#[tokio::test]
async fn a_late_change_is_seen_after_so_many_calls_and_never_undone_by_an_earlier_one() {
    let world = World::new(settings());
    let broker = Keys::broker();
    let statuses = async |calls: usize| {
        let mut seen = Vec::new();
        for _ in 0..calls {
            seen.push(world.assume(&broker, &[]).await.status.as_u16());
        }
        seen
    };

    world.aws.delay_changes(3);
    world.aws.change_role(VISION_ROLE, |role| role.trust = trust("another-external-id")).unwrap();
    assert!(world.aws.role(VISION_ROLE).unwrap().trust.contains("another-external-id"));
    assert_eq!(statuses(5).await, [200, 200, 200, 403, 403]);

    world.aws.change_role(VISION_ROLE, |role| role.trust = trust("a-third-external-id")).unwrap();
    assert_eq!(statuses(1).await, [403]);
    world.aws.delay_changes(0);
    world.aws.change_role(VISION_ROLE, |role| role.trust = trust("vision-external-id")).unwrap();
    assert_eq!(statuses(5).await, [200; 5]);
}

#[tokio::test]
async fn a_late_change_is_seen_from_its_moment_on_however_many_calls_there_are() {
    let world = World::new(settings());
    let broker = Keys::broker();
    let status = async || world.assume(&broker, &[]).await.status.as_u16();
    let pass = |millis: i64| world.clock.advance(TimeDelta::milliseconds(millis));

    world.aws.apply_changes_after(TimeDelta::seconds(5));
    world.aws.change_role(VISION_ROLE, |role| role.trust = trust("another-external-id")).unwrap();

    assert!(world.aws.role(VISION_ROLE).unwrap().trust.contains("another-external-id"), "as it is written");
    for millis in [0, 1, 4_998] {
        pass(millis);
        assert_eq!((status().await, status().await, world.aws.pending_changes()), (200, 200, 1), "{millis}");
    }
    pass(1);
    assert_eq!((world.aws.pending_changes(), status().await), (0, 403));
    // AWS's clock may be off; that lets nothing happen sooner.
    world.aws.change_role(VISION_ROLE, |role| role.trust = trust("vision-external-id")).unwrap();
    world.aws.skew_clock(TimeDelta::minutes(4));
    assert_eq!(status().await, 403);
    pass(5_000);
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn changes_that_are_under_way_are_seen_one_after_the_other() {
    let world = World::new(settings());
    let broker = Keys::broker();
    let accepted =
        async |external_id: &str| world.assume(&broker, &[("ExternalId", external_id)]).await.status == StatusCode::OK;
    let change = |external_id: &str| {
        world.aws.change_role(VISION_ROLE, |role| role.trust = trust(external_id)).unwrap();
    };
    world.aws.apply_changes_after(TimeDelta::seconds(60));

    change("the-first");
    world.clock.advance(TimeDelta::seconds(20));
    change("the-second");

    assert_eq!((accepted("vision-external-id").await, world.aws.pending_changes()), (true, 2));
    world.clock.advance(TimeDelta::seconds(40));
    assert_eq!((accepted("the-first").await, world.aws.pending_changes()), (true, 1));
    // What is seen sooner has in it what was written before.
    world.aws.delay_changes(1);
    change("the-third");
    assert_eq!((accepted("the-first").await, world.aws.pending_changes()), (true, 0));
    assert!(accepted("the-third").await);
    world.clock.advance(TimeDelta::seconds(60));
    assert!(accepted("the-third").await, "what is older is not put back");
}

#[tokio::test]
async fn an_account_can_be_opened_while_others_are_in_use() {
    let world = World::new(settings());
    let arn = "arn:aws:iam::777788889999:role/lodge/lodge-session";
    let role =
        IamRole { arn: arn.into(), role_id: "AROAROBOTICS123456789".into(), ..world.aws.role(VISION_ROLE).unwrap() };
    let marketplace = Marketplace::seeded(Theme::Language, start());
    let account = |id: &str| Account {
        id: id.into(),
        roles: vec![role.clone()],
        marketplace: marketplace.clone(),
        buckets: Vec::new(),
    };

    assert!(world.aws.put_account(account("000000000000")).is_err());
    world.aws.put_account(account("777788889999")).unwrap();

    let keys = world.assume(&Keys::broker(), &[("RoleArn", arn)]).await.keys();
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.status, StatusCode::OK);
    assert!(world.aws.balance("777788889999").is_some() && world.aws.balance("000000000000").is_none());
}
