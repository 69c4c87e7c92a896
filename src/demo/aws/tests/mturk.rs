//! The requester API, over HTTP: who may call it, and what it does to tasks and money.

use super::*;
use crate::domain::policy::actions::MTURK_ACTIONS;

const HIT: &str = "3HITV1LODGEDEMO";
const WORK: &str = "3WORK0V1LODGEDEMO";
const WORKER: &str = "A1BICYCLE0QX7";

fn refused(reason: &str) -> (u16, String, String) {
    let message = format!("User: {VISION_SESSION} is not authorized to perform: mechanicalturk:SendBonus {reason}");
    (400, "AccessDeniedException".to_owned(), message)
}

fn deny(condition: &Value) -> String {
    let statement = json!({ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

#[tokio::test]
async fn a_refusal_names_the_kind_of_policy_that_decided() {
    let (all, read) = (allow(&json!("mechanicalturk:*")), allow(&json!("mechanicalturk:Get*")));
    let no = deny(&json!({}));
    let none = "allows the mechanicalturk:SendBonus action";

    for (identity, boundary, session, reason) in [
        (vec![&all], None, &read, format!("because no session policy {none}")),
        (vec![&read], None, &all, format!("because no identity-based policy {none}")),
        (vec![], None, &all, format!("because no identity-based policy {none}")),
        (vec![&all], Some(&read), &all, format!("because no permissions boundary {none}")),
        (vec![&read], Some(&read), &read, format!("because no identity-based policy {none}")),
        (vec![&all], Some(&read), &read, format!("because no permissions boundary {none}")),
        (vec![&all, &no], None, &all, "with an explicit deny in an identity-based policy".to_owned()),
        (vec![&all], Some(&no), &all, "with an explicit deny in a permissions boundary".to_owned()),
        (vec![&read], None, &no, "with an explicit deny in a session policy".to_owned()),
    ] {
        let mut settings = settings();
        settings.accounts[0].roles[0].inline_policies =
            inline(&identity.into_iter().map(String::as_str).collect::<Vec<_>>());
        settings.accounts[0].roles[0].boundary = boundary.map(|policy| managed("boundary", policy));
        let world = World::new(settings);
        let keys = world.session(session).await;
        assert_eq!(world.mturk(&keys, "SendBonus", &json!({})).await.refusal(), refused(&reason));
    }
}

#[tokio::test]
async fn without_a_session_policy_a_session_is_the_whole_role() {
    let world = World::new(settings());
    let keys = world.assume(&Keys::broker(), &[("Policy", "")]).await.keys();

    assert_eq!(world.mturk(&keys, "GetAccountBalance", &json!({})).await.json()["AvailableBalance"], "250.00");
}

#[tokio::test]
async fn the_conditions_of_a_session_hold_in_every_call() {
    for (condition, denied) in [
        (json!({ "StringEquals": { "aws:SourceIdentity": "p-1" } }), true),
        (json!({ "StringEquals": { "aws:SourceIdentity": "p-2" } }), false),
        (json!({ "StringEquals": { "aws:PrincipalTag/lodge-role": "read-results" } }), true),
        (json!({ "StringNotEquals": { "aws:PrincipalTag/lodge-role": "read-results" } }), false),
        (json!({ "Null": { "aws:PrincipalTag/other": "true" } }), true),
        (json!({ "DateLessThan": { "aws:TokenIssueTime": "2026-11-21T12:00:01Z" } }), true),
        (json!({ "DateLessThan": { "aws:TokenIssueTime": "2026-11-21T12:00:00Z" } }), false),
        (json!({ "StringEquals": { "aws:userid": format!("{VISION_ROLE_ID}:rs-1") } }), true),
        (json!({ "ArnEquals": { "aws:PrincipalArn": VISION_ROLE } }), true),
        (json!({ "ArnEquals": { "aws:PrincipalArn": VISION_SESSION } }), false),
        (json!({ "StringEquals": { "aws:RequestedRegion": "us-east-1" } }), true),
        // Known at AssumeRole alone.
        (json!({ "StringLike": { "sts:RoleSessionName": "*" } }), false),
        (json!({ "StringLike": { "sts:ExternalId": "*" } }), false),
    ] {
        let mut settings = settings();
        settings.accounts[0].roles[0].inline_policies.insert("deny".into(), deny(&condition));
        let world = World::new(settings);
        let keys = world.session(READ_POLICY).await;
        let answer = world.mturk(&keys, "ListHITs", &json!({})).await;
        let expected = if denied { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        assert_eq!(answer.status, expected, "{condition} {}", answer.body);
    }
}

#[tokio::test]
async fn all_operations_are_authorised_alike_and_some_are_carried_out() {
    let world = World::new(settings());
    let all = world.session(&allow(&json!("mechanicalturk:*"))).await;
    let nothing = world.session(&allow(&json!("s3:*"))).await;
    let mut not_carried_out = 0;

    for operation in MTURK_ACTIONS {
        let (_, code, message) = world.mturk(&nothing, operation, &json!({})).await.refusal();
        assert_eq!(code, "AccessDeniedException", "{operation} {message}");
        let answer = world.mturk(&all, operation, &json!({})).await;
        assert!(!answer.body.contains("AccessDenied"), "{operation}");
        not_carried_out += usize::from(answer.body.contains("does not carry it out"));
    }
    assert_eq!(not_carried_out, 39 - 10);
    for operation in ["SearchHITs", "gethit", ""] {
        assert_eq!(world.mturk(&all, operation, &json!({})).await.refusal().1, "UnknownOperationException");
    }
}

#[tokio::test]
async fn the_broker_itself_may_not_touch_a_labs_tasks() {
    let answer = World::new(settings()).mturk(&Keys::broker(), "ListHITs", &json!({})).await;

    assert_eq!(answer.refusal().1, "AccessDeniedException");
}

#[tokio::test]
async fn each_lab_sees_its_own_tasks() {
    let world = World::new(settings());
    let changes = [("RoleArn", LANGUAGE_ROLE), ("ExternalId", "language-external-id")];
    let language = world.assume(&Keys::broker(), &changes).await.keys();

    let (_, code, message) = world.mturk(&language, "GetHIT", &json!({ "HITId": HIT })).await.refusal();
    assert_eq!(code, "RequestError");
    assert!(message.starts_with("Hit 3HITV1LODGEDEMO does not exist. ("), "{message}");
    let own = world.mturk(&language, "GetHIT", &json!({ "HITId": "3HITL1LODGEDEMO" })).await.json();
    assert_eq!(own["HIT"]["HITStatus"], "Reviewable");
}

#[tokio::test]
async fn results_come_in_pages_and_by_status() {
    let world = World::new(settings());
    let keys = world.session(&allow(&json!("mechanicalturk:*"))).await;
    world.mturk(&keys, "RejectAssignment", &json!({ "AssignmentId": WORK, "RequesterFeedback": "empty" })).await;

    let first = world.mturk(&keys, "ListHITs", &json!({ "MaxResults": 3 })).await.json();
    assert_eq!(first["NumResults"], 3);
    let token = &first["NextToken"];
    let last = world.mturk(&keys, "ListHITs", &json!({ "MaxResults": 3, "NextToken": token })).await.json();
    assert_eq!((last["NumResults"].as_u64(), last.get("NextToken")), (Some(1), None));
    for (operation, input) in [
        ("ListHITs", json!({ "NextToken": "nonsense" })),
        ("ListAssignmentsForHIT", json!({ "HITId": HIT, "NextToken": token })),
    ] {
        assert_eq!(world.mturk(&keys, operation, &input).await.json()["__type"], "RequestError");
    }
    for (statuses, count) in [(json!([]), 3), (json!(["Submitted"]), 2), (json!(["Rejected", "Approved"]), 1)] {
        let input = json!({ "HITId": HIT, "AssignmentStatuses": statuses });
        assert_eq!(world.mturk(&keys, "ListAssignmentsForHIT", &input).await.json()["NumResults"], count);
    }
    let input = json!({ "HITId": HIT, "AssignmentStatuses": ["Lost"] });
    assert_eq!(world.mturk(&keys, "ListAssignmentsForHIT", &input).await.refusal().1, "ValidationException");
}

#[tokio::test]
async fn a_task_is_published_and_work_is_paid() {
    let world = World::new(settings());
    let keys = world.session(&allow(&json!("mechanicalturk:*"))).await;
    let task = json!({ "Title": "Count the cats", "Description": "One picture.", "Question": "<HTMLQuestion/>",
        "Reward": "0.50", "LifetimeInSeconds": 3_600, "AssignmentDurationInSeconds": 600, "MaxAssignments": 2 });

    let created = world.mturk(&keys, "CreateHIT", &task).await.json();
    assert_eq!(created["HIT"]["HITStatus"], "Assignable");
    assert_eq!(world.aws.balance("111122223333").unwrap().to_string(), "250.00");
    let approved = world.mturk(&keys, "ApproveAssignment", &json!({ "AssignmentId": WORK })).await;
    assert_eq!((approved.status, approved.body.as_str()), (StatusCode::OK, "{}"));
    let bonus = json!({ "WorkerId": WORKER, "AssignmentId": WORK, "BonusAmount": "1.00", "Reason": "thorough",
        "UniqueRequestToken": "t-1" });
    assert_eq!(world.mturk(&keys, "SendBonus", &bonus).await.status, StatusCode::OK);
    // 0.12 and 1.00, each with a fifth on top.
    assert_eq!(world.aws.balance("111122223333").unwrap().to_string(), "248.65");
    let again = world.mturk(&keys, "SendBonus", &bonus).await.json();
    assert_eq!(again["TurkErrorCode"], "AWS.MechanicalTurk.DuplicateRequest");
    let payments = world.mturk(&keys, "ListBonusPayments", &json!({ "HITId": HIT })).await.json();
    assert_eq!(payments["BonusPayments"][0]["BonusAmount"], "1.00");
    let both = json!({ "HITId": HIT, "AssignmentId": WORK });
    assert_eq!(world.mturk(&keys, "ListBonusPayments", &both).await.refusal().1, "RequestError");
}

#[tokio::test]
async fn a_task_that_is_not_complete_or_not_affordable_is_not_published() {
    let world = World::new(settings());
    let keys = world.session(&allow(&json!("mechanicalturk:*"))).await;
    let task = json!({ "Title": "T", "Description": "D", "Question": "<HTMLQuestion/>", "Reward": "0.50",
        "LifetimeInSeconds": 3_600, "AssignmentDurationInSeconds": 600 });

    for (member, value, code) in [
        ("Title", json!(null), "ValidationException"),
        ("Description", json!(null), "ValidationException"),
        ("Reward", json!(null), "ValidationException"),
        ("Reward", json!("0.505"), "ValidationException"),
        ("Reward", json!(0.5), "SerializationException"),
        ("Reward", json!("0.00"), "RequestError"),
        ("LifetimeInSeconds", json!(null), "ValidationException"),
        ("LifetimeInSeconds", json!(29), "ValidationException"),
        ("AssignmentDurationInSeconds", json!(null), "ValidationException"),
        ("Question", json!(null), "RequestError"),
        ("HITLayoutId", json!("3LAYOUT"), "RequestError"),
        ("AssignmentReviewPolicy", json!({ "PolicyName": "ScoreMyKnownAnswers/2011-09-01" }), "RequestError"),
        ("MaxAssignments", json!(1_000), "RequestError"),
    ] {
        let mut changed = task.clone();
        changed[member] = value.clone();
        let (_, found, message) = world.mturk(&keys, "CreateHIT", &changed).await.refusal();
        assert_eq!(found, code, "{member}: {value} {message}");
    }
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.json()["NumResults"], 4);
    let no_reason = json!({ "AssignmentId": WORK });
    assert_eq!(world.mturk(&keys, "RejectAssignment", &no_reason).await.refusal().1, "ValidationException");
}
