//! AWS in trouble, and what its callers hear.

use chrono::TimeDelta;

use super::*;

const VISION: &str = "111122223333";
const WHO: &[(&str, &str)] = &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];

#[tokio::test]
async fn a_region_that_an_account_switched_off_assumes_none_of_its_roles() {
    let world = World::new(settings());
    let broker = Keys::broker();
    let language = [("RoleArn", LANGUAGE_ROLE), ("ExternalId", "language-external-id")];

    world.aws.disable_region(VISION, "us-east-1");

    let message = "STS is not activated in this region for account:111122223333. Your account administrator can activate \
                   STS in this region using the IAM Console.";
    let disabled = (403, "RegionDisabledException".to_owned(), message.to_owned());
    assert_eq!(world.assume(&broker, &[]).await.refusal(), disabled);
    assert_eq!(world.assume(&broker, &[("ExternalId", "wrong")]).await.refusal(), disabled);
    assert_eq!(world.assume(&broker, &language).await.status, StatusCode::OK);
    assert_eq!(world.sts(&broker, WHO).await.status, StatusCode::OK);
    world.aws.enable_region(VISION, "us-east-1");
    world.aws.disable_region(VISION, "eu-south-1");
    assert_eq!(world.assume(&broker, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn calls_that_are_too_many_are_throttled_service_by_service() {
    let world = World::new(settings());
    let broker = Keys::broker();
    let keys = world.session(READ_POLICY).await;
    let list = json!({});

    world.aws.throttle(Service::Sts, 2);

    for _ in 0..2 {
        let refused = world.assume(&broker, &[]).await.refusal();
        assert_eq!(refused, (400, "Throttling".to_owned(), "Rate exceeded".to_owned()));
        assert_eq!(world.mturk(&keys, "ListHITs", &list).await.status, StatusCode::OK);
    }
    assert_eq!(world.assume(&broker, &[]).await.status, StatusCode::OK);
    world.aws.throttle(Service::Iam, 1);
    let role = [("RoleName", "lodge-session")];
    assert_eq!(world.iam(&keys, "GetRole", &role).await.refusal().1, "Throttling");
    assert_eq!(world.iam(&keys, "GetRole", &role).await.refusal().1, "AccessDenied");
    world.aws.throttle(Service::MTurk, 1);
    let refused = world.mturk(&keys, "ListHITs", &list).await.refusal();
    assert_eq!(refused, (400, "ThrottlingException".to_owned(), "Rate exceeded".to_owned()));
    assert_eq!(world.mturk(&keys, "ListHITs", &list).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_clock_that_is_off_breaks_every_signature() {
    let world = World::new(settings());
    let keys = world.session(READ_POLICY).await;

    for (minutes, what) in [(6, "Signature expired: "), (-6, "Signature not yet current: ")] {
        world.aws.skew_clock(TimeDelta::minutes(minutes));
        let (status, code, message) = world.assume(&Keys::broker(), &[]).await.refusal();
        assert_eq!((status, code.as_str()), (403, "SignatureDoesNotMatch"));
        assert!(message.starts_with(what), "{message}");
        assert_eq!(world.iam(&keys, "GetRole", &[("RoleName", "x")]).await.refusal().1, "SignatureDoesNotMatch");
        assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.refusal().1, "InvalidSignatureException");
    }
    world.aws.skew_clock(TimeDelta::minutes(4));
    assert_eq!(world.assume(&Keys::broker(), &[]).await.xml("Expiration"), "2026-11-21T13:04:00Z");
    world.aws.skew_clock(TimeDelta::zero());
    assert_eq!(world.assume(&Keys::broker(), &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_account_without_a_requester_is_told_so_once_it_may_call() {
    let world = World::new(settings());
    let keys = world.session(READ_POLICY).await;

    world.aws.set_requester(VISION, Requester::NotLinked);

    let (status, code, message) = world.mturk(&keys, "ListHITs", &json!({})).await.refusal();
    assert_eq!((status, code.as_str()), (400, "RequestError"));
    assert!(
        message.starts_with("To use the MTurk API, you will need an Amazon Web Services (AWS) Account."),
        "{message}"
    );
    assert!(message.contains("must be linked to your Amazon Mechanical Turk Account"), "{message}");
    assert_eq!(world.mturk(&keys, "SendBonus", &json!({})).await.refusal().1, "AccessDeniedException");
    world.aws.set_requester(VISION, Requester::Linked);
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_closed_service_answers_as_the_test_says() {
    let world = World::new(settings());
    let keys = world.session(READ_POLICY).await;
    let closings = [
        (StatusCode::GONE, "ServiceUnavailableException", "The service is closed."),
        (StatusCode::BAD_REQUEST, "RequestError", "Amazon Mechanical Turk is closed."),
    ];

    for (status, code, message) in closings {
        let closing = Closing { status, code: code.into(), message: message.into() };
        world.aws.set_requester(VISION, Requester::Closed(closing));
        let refused = world.mturk(&keys, "ListHITs", &json!({})).await.refusal();
        assert_eq!(refused, (status.as_u16(), code.to_owned(), message.to_owned()));
        assert_eq!(world.aws.calls().last().unwrap().error_code.as_deref(), Some(code));
    }
    // Nobody is told anything who has not shown who they are.
    let stranger = Keys { secret: "guessed".into(), ..keys };
    assert_eq!(world.mturk(&stranger, "ListHITs", &json!({})).await.refusal().1, "InvalidSignatureException");
}

#[tokio::test]
async fn an_unreachable_service_hangs_up_without_a_word() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new(settings());
    let keys = world.session(READ_POLICY).await;
    world.aws.set_requester(VISION, Requester::Unreachable);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = world.aws.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let target = "MTurkRequesterServiceV20170117.ListHITs";
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
    let request = world.signed(&keys, "mturk-requester", "us-east-1", &headers, "{}");
    let lines: Vec<String> =
        request.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
    let text = format!("POST / HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n{}\r\n{{}}", lines.concat());

    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;

    assert!(answer.is_empty(), "{read:?} {}", String::from_utf8_lossy(&answer));
    assert_eq!(world.aws.calls().last().unwrap().error_code.as_deref(), Some("dropped"));
    assert_eq!(world.assume(&Keys::broker(), &[]).await.status, StatusCode::OK, "it is one service of one account");
    server.abort();
}

#[tokio::test]
async fn a_page_may_be_shorter_than_asked_for() {
    let mut settings = settings();
    settings.accounts[0].roles[0].inline_policies = inline(&[&allow(&json!("*")), READ_POLICY, READ_POLICY]);
    let world = World::new(settings);
    let keys = world.session(&allow(&json!("iam:*"))).await;
    let role = ("RoleName", "lodge-session");

    world.aws.shorten_pages(Some(2));

    let page = world.iam(&keys, "ListRolePolicies", &[role, ("MaxItems", "100")]).await;
    assert_eq!((page.xml("PolicyNames").matches("<member>").count(), page.xml("IsTruncated").as_str()), (2, "true"));
    let rest = world.iam(&keys, "ListRolePolicies", &[role, ("Marker", &page.xml("Marker"))]).await;
    assert_eq!((rest.xml("PolicyNames").as_str(), rest.xml("IsTruncated").as_str()), ("<member>p2</member>", "false"));
    world.aws.shorten_pages(Some(0));
    assert!(world.iam(&keys, "ListRolePolicies", &[role]).await.body.contains("<member>p0</member>"));
}
