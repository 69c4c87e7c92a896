//! `AssumeRole` and `GetCallerIdentity`, over HTTP.

use super::*;

/// What a caller hears who may not assume a role, whatever the reason.
fn denied(action: &str, role_arn: &str) -> (u16, String, String) {
    let broker = "arn:aws:sts::999988887777:assumed-role/lodge-broker/broker-1";
    let message = format!("User: {broker} is not authorized to perform: {action} on resource: {role_arn}");
    (403, "AccessDenied".to_owned(), message)
}

#[tokio::test]
async fn a_role_is_assumed_and_the_session_knows_who_it_is() {
    let world = World::new(settings());

    let answer = world.assume(&Keys::broker(), &[]).await;
    assert_eq!(answer.xml("Arn"), VISION_SESSION);
    assert_eq!(answer.xml("AssumedRoleId"), format!("{VISION_ROLE_ID}:rs-1"));
    assert_eq!(answer.xml("SourceIdentity"), "p-1");
    assert_eq!(answer.xml("Expiration"), "2026-11-21T13:00:00Z");
    assert!(answer.xml("AccessKeyId").starts_with("ASIA"));
    let identity = world.sts(&answer.keys(), &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]).await;
    assert_eq!((identity.xml("Arn").as_str(), identity.xml("Account").as_str()), (VISION_SESSION, "111122223333"));
    assert_eq!(identity.xml("UserId"), format!("{VISION_ROLE_ID}:rs-1"));
}

#[tokio::test]
async fn a_role_with_a_path_gives_a_session_arn_without_one() {
    let world = World::new(settings());

    let changes = [("RoleArn", LANGUAGE_ROLE), ("ExternalId", "language-external-id")];
    let answer = world.assume(&Keys::broker(), &changes).await;
    assert_eq!(answer.xml("Arn"), "arn:aws:sts::444455556666:assumed-role/lodge-session/rs-1");
}

#[tokio::test]
async fn every_way_of_not_being_trusted_sounds_the_same() {
    let mut stranger = settings();
    stranger.accounts[0].roles[0].trust = trust("vision-external-id").replace("lodge-broker", "somebody-else");
    let mut root_of_another = settings();
    root_of_another.accounts[0].roles[0].trust =
        trust("vision-external-id").replace(BROKER_ROLE, "arn:aws:iam::000000000000:root");
    let mut unable = settings();
    unable.broker.policies = vec![allow(&json!(["sts:TagSession", "sts:SetSourceIdentity"]))];
    let mut elsewhere = settings();
    elsewhere.broker.policies[0] = elsewhere.broker.policies[0].replace(r#""*""#, "\"arn:aws:iam::*:role/other\"");
    let missing = "arn:aws:iam::111122223333:role/not-there";

    for (settings, changes, role) in [
        (settings(), vec![("ExternalId", "language-external-id")], VISION_ROLE),
        (settings(), vec![("ExternalId", "Vision-External-Id")], VISION_ROLE),
        (settings(), vec![("ExternalId", "")], VISION_ROLE),
        (settings(), vec![("SourceIdentity", "")], VISION_ROLE),
        (settings(), vec![("SourceIdentity", "x-1")], VISION_ROLE),
        (settings(), vec![("RoleSessionName", "mine")], VISION_ROLE),
        (settings(), vec![("RoleArn", missing)], missing),
        (settings(), vec![("RoleArn", missing), ("DurationSeconds", "43200")], missing),
        (settings(), vec![("RoleArn", BROKER_ROLE)], BROKER_ROLE),
        (stranger, vec![], VISION_ROLE),
        (root_of_another, vec![], VISION_ROLE),
        (unable, vec![], VISION_ROLE),
        (elsewhere, vec![], VISION_ROLE),
    ] {
        let answer = World::new(settings).assume(&Keys::broker(), &changes).await;
        assert_eq!(answer.refusal(), denied("sts:AssumeRole", role), "{changes:?}");
    }
}

#[tokio::test]
async fn tagging_and_naming_a_source_are_allowed_each_by_itself() {
    let mut untagged = settings();
    untagged.accounts[0].roles[0].trust = trust("vision-external-id").replace("sts:TagSession", "sts:Nothing");
    let mut unsourced = settings();
    unsourced.broker.policies = vec![allow(&json!(["sts:AssumeRole", "sts:TagSession"]))];
    // One statement for all three: the external id is no key of the other two, so they are not allowed.
    let mut combined = settings();
    let mut document: Value = serde_json::from_str(&trust("vision-external-id")).unwrap();
    let mut statement = document["Statement"][0].take();
    statement["Action"] = json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    document["Statement"] = statement;
    combined.accounts[0].roles[0].trust = document.to_string();

    for (settings, changes, action) in [
        (untagged, vec![], "sts:TagSession"),
        (unsourced, vec![], "sts:SetSourceIdentity"),
        (combined, vec![], "sts:TagSession"),
        (settings(), vec![("Tags.member.1.Value", "admin")], "sts:TagSession"),
        (settings(), vec![("Tags.member.2.Key", "more"), ("Tags.member.2.Value", "x")], "sts:TagSession"),
    ] {
        let answer = World::new(settings).assume(&Keys::broker(), &changes).await;
        assert_eq!(answer.refusal(), denied(action, VISION_ROLE), "{changes:?}");
    }
    let no_tags = [("Tags.member.1.Key", ""), ("Tags.member.1.Value", "")];
    assert_eq!(World::new(settings()).assume(&Keys::broker(), &no_tags).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_is_never_longer_than_asked_allowed_or_chained() {
    let mut long = settings();
    long.accounts[0].roles[0].max_session_seconds = 43_200;
    let (short, long) = (World::new(settings()), World::new(long));
    let maximum = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    let chained = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";

    for (world, seconds, message) in
        [(&short, "3601", maximum), (&short, "43200", maximum), (&long, "3601", chained), (&long, "43200", chained)]
    {
        let answer = world.assume(&Keys::broker(), &[("DurationSeconds", seconds)]).await;
        assert_eq!(answer.refusal(), (400, "ValidationError".to_owned(), message.to_owned()));
    }
    for (seconds, expiration) in [("900", "2026-11-21T12:15:00Z"), ("3600", "2026-11-21T13:00:00Z")] {
        let answer = long.assume(&Keys::broker(), &[("DurationSeconds", seconds)]).await;
        assert_eq!(answer.xml("Expiration"), expiration);
    }
}

#[tokio::test]
async fn too_much_policy_and_tags_do_not_fit_the_token() {
    let mut open = settings();
    let mut document: Value = serde_json::from_str(&trust("vision-external-id")).unwrap();
    document["Statement"][2]["Condition"] = json!({});
    open.accounts[0].roles[0].trust = document.to_string();
    let value = "v".repeat(256);
    let names: Vec<(String, String)> =
        (2..=20).map(|number| (format!("Tags.member.{number}.Key"), format!("Tags.member.{number}.Value"))).collect();
    let tag = |(key, val)| [(key, key), (val, value.as_str())];
    let changes: Vec<(&str, &str)> = names.iter().flat_map(|(key, val)| tag((key.as_str(), val.as_str()))).collect();

    let (status, code, message) = World::new(open).assume(&Keys::broker(), &changes).await.refusal();
    assert_eq!((status, code.as_str()), (400, "PackedPolicyTooLarge"));
    assert!(message.ends_with("% of allotted space, please use smaller policy."), "{message}");
}

#[tokio::test]
async fn a_session_without_permission_assumes_nothing() {
    let mut settings = settings();
    settings.accounts[1].roles[0].trust =
        trust("language-external-id").replace(BROKER_ROLE, "arn:aws:iam::111122223333:root");
    settings.accounts[0].roles[0].inline_policies = inline(&[&allow(&json!("*"))]);
    let world = World::new(settings);
    let onward = [("RoleArn", LANGUAGE_ROLE), ("ExternalId", "language-external-id")];

    let narrow = world.session(READ_POLICY).await;
    let (_, code, message) = world.assume(&narrow, &onward).await.refusal();
    assert_eq!(code, "AccessDenied");
    assert_eq!(
        message,
        format!("User: {VISION_SESSION} is not authorized to perform: sts:AssumeRole on resource: {LANGUAGE_ROLE}")
    );
    let wide = world.session(&allow(&json!("sts:*"))).await;
    assert_eq!(world.assume(&wide, &onward).await.xml("SourceIdentity"), "p-1");
    // A source identity once set stays.
    let renamed = world.assume(&wide, &[onward[0], onward[1], ("SourceIdentity", "p-2")]).await.refusal();
    assert!(renamed.2.contains("sts:SetSourceIdentity"), "{renamed:?}");
}

#[tokio::test]
async fn what_is_not_understood_is_refused_and_not_ignored() {
    let world = World::new(settings());
    let broker = Keys::broker();

    for (changes, code) in [
        (vec![("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess")], "ValidationError"),
        (vec![("TransitiveTagKeys.member.1", "lodge-role")], "ValidationError"),
        (vec![("Tags.member.3.Key", "gap"), ("Tags.member.3.Value", "x")], "ValidationError"),
        (vec![("policy", READ_POLICY)], "ValidationError"),
        (vec![("Policy", "{}")], "MalformedPolicyDocument"),
        (vec![("DurationSeconds", "899")], "ValidationError"),
        (vec![("Action", "AssumeRoot")], "InvalidAction"),
        (vec![("Version", "2011-06-16")], "InvalidAction"),
        (vec![("Version", "2010-05-08")], "SignatureDoesNotMatch"),
    ] {
        assert_eq!(world.assume(&broker, &changes).await.refusal().1, code, "{changes:?}");
    }
    let twice = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15"), ("Action", "AssumeRole")];
    assert_eq!(world.sts(&broker, &twice).await.refusal().1, "MalformedInput");
    let extra = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15"), ("RoleArn", VISION_ROLE)];
    assert_eq!(world.sts(&broker, &extra).await.refusal().1, "ValidationError");
    let json = [("content-type", "application/json")];
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let answer = world.send(world.signed(&broker, "sts", "us-east-1", &json, body)).await;
    assert_eq!(answer.refusal().1, "MalformedInput");
}

#[tokio::test]
async fn calls_are_recorded_with_their_parameters_and_without_secrets() {
    let world = World::new(settings());
    let keys = world.assume(&Keys::broker(), &[("DurationSeconds", "900")]).await.keys();
    world.assume(&Keys::broker(), &[("ExternalId", "wrong")]).await;
    world.mturk(&keys, "GetHIT", &json!({ "HITId": "3HITV1LODGEDEMO" })).await;
    world.mturk(&keys, "SendBonus", &json!({})).await;

    let calls = world.aws.calls();
    let expected = AssumeRoleParameters {
        role_arn: Some(VISION_ROLE.into()),
        role_session_name: Some("rs-1".into()),
        policy: Some(READ_POLICY.into()),
        duration_seconds: Some("900".into()),
        external_id: Some("vision-external-id".into()),
        source_identity: Some("p-1".into()),
        tags: vec![("lodge-role".into(), "read-results".into())],
    };
    assert_eq!(calls[0].assume_role, Some(expected));
    assert!(calls[0].succeeded());
    assert_eq!(calls[1].error_code.as_deref(), Some("AccessDenied"));
    assert_eq!((calls[2].service, calls[2].action.as_str()), (Service::MTurk, "GetHIT"));
    assert_eq!(calls[2].caller.as_deref(), Some(VISION_SESSION));
    assert_eq!(calls[3].error_code.as_deref(), Some("AccessDeniedException"));
    let printed = format!("{calls:?}");
    assert!(!printed.contains(&keys.secret) && !printed.contains(&keys.token.unwrap()));
}
