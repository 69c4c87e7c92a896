//! Signatures: what is touched, unsigned, too old or of somebody else is refused.

use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderName, HeaderValue, Method};
use chrono::TimeDelta;

use super::*;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn request(world: &World) -> Request<Body> {
    world.signed(&Keys::broker(), "sts", "us-east-1", &[FORM], BODY)
}

fn set(request: &mut Request<Body>, name: &'static str, value: &str) {
    request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

fn add(request: &mut Request<Body>, name: &'static str) {
    request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static("x"));
}

fn edit_authorization(request: &mut Request<Body>, from: &str, to: &str) {
    let edited = request.headers()[AUTHORIZATION].to_str().unwrap().replace(from, to);
    set(request, "authorization", &edited);
}

#[tokio::test]
async fn a_request_that_was_touched_is_refused() {
    type Touch = fn(&mut Request<Body>);
    let world = World::new(settings());
    let touches: [(Touch, &str); 22] = [
        (|_| {}, ""),
        (|r| drop(r.headers_mut().remove(AUTHORIZATION)), "MissingAuthenticationToken"),
        (|r| *r.body_mut() = Body::from(BODY.replace("GetCaller", "GetColler")), "SignatureDoesNotMatch"),
        (|r| *r.body_mut() = Body::empty(), "SignatureDoesNotMatch"),
        (|r| *r.uri_mut() = "/?Action=AssumeRole".parse().unwrap(), "SignatureDoesNotMatch"),
        (|r| *r.method_mut() = Method::PUT, "SignatureDoesNotMatch"),
        (|r| set(r, "host", "elsewhere.example"), "SignatureDoesNotMatch"),
        (|r| set(r, "content-type", "text/plain"), "SignatureDoesNotMatch"),
        (|r| set(r, "x-amz-date", "20261121T120001Z"), "SignatureDoesNotMatch"),
        (|r| set(r, "x-amz-date", "2026-11-21T12:00:00Z"), "IncompleteSignature"),
        (|r| drop(r.headers_mut().remove("x-amz-date")), "IncompleteSignature"),
        (|r| add(r, "x-amz-date"), "IncompleteSignature"),
        (|r| add(r, "authorization"), "IncompleteSignature"),
        (|r| edit_authorization(r, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), "IncompleteSignature"),
        (|r| edit_authorization(r, "SignedHeaders", "Headers"), "IncompleteSignature"),
        (|r| edit_authorization(r, "/aws4_request", ""), "IncompleteSignature"),
        (|r| edit_authorization(r, "/aws4_request", "/aws5_request"), "SignatureDoesNotMatch"),
        (|r| edit_authorization(r, "/20261121/", "/20261120/"), "SignatureDoesNotMatch"),
        (|r| edit_authorization(r, "/us-east-1/", "/us-west-2/"), "SignatureDoesNotMatch"),
        (|r| edit_authorization(r, "Signature=", "Signature=0"), "SignatureDoesNotMatch"),
        (|r| edit_authorization(r, "ASIABROKERBROKERBROK", "ASIAOTHEROTHEROTHERO"), "InvalidClientTokenId"),
        (|r| set(r, "x-amz-security-token", "another"), "InvalidClientTokenId"),
    ];
    for (number, (touch, code)) in touches.into_iter().enumerate() {
        let mut request = request(&world);
        touch(&mut request);
        let answer = world.send(request).await;
        if code.is_empty() {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        } else {
            assert_eq!(answer.refusal().1, code, "touch {number}: {}", answer.body);
        }
    }
    assert!(world.aws.calls()[1..].iter().all(|call| !call.succeeded()));
}

/// Signs over these headers only, all others being there but not signed.
fn partly_signed(world: &World, signed: &[(&str, &str)], unsigned: &[(&'static str, &str)]) -> Request<Body> {
    let mut request = world.signed(&Keys::broker(), "sts", "us-east-1", signed, BODY);
    for (name, value) in unsigned {
        set(&mut request, name, value);
    }
    request
}

#[tokio::test]
async fn what_decides_the_meaning_must_be_signed() {
    let world = World::new(settings());
    let mut keyless = Keys::broker();
    keyless.token = None;

    // The token beside a signature that does not cover it.
    let mut request = world.signed(&keyless, "sts", "us-east-1", &[FORM], BODY);
    set(&mut request, "x-amz-security-token", "broker-session-token");
    let (_, code, message) = world.send(request).await.refusal();
    assert_eq!(code, "SignatureDoesNotMatch");
    assert_eq!(message, "'x-amz-security-token' must be a 'SignedHeader' in the AWS Authorization.");
    // The same key without any token.
    let request = world.signed(&keyless, "sts", "us-east-1", &[FORM], BODY);
    assert_eq!(world.send(request).await.refusal().1, "InvalidClientTokenId");
    for name in ["host", "x-amz-date"] {
        let mut request = partly_signed(&world, &[FORM], &[]);
        edit_authorization(&mut request, &format!("{name};"), "");
        let (_, code, message) = world.send(request).await.refusal();
        assert_eq!(code, "SignatureDoesNotMatch");
        assert_eq!(message, format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let target = [("x-amz-target", "MTurkRequesterServiceV20170117.GetAccountBalance")];
    let mut request = world.signed(&Keys::broker(), "mturk-requester", "us-east-1", &[], "{}");
    set(&mut request, target[0].0, target[0].1);
    assert_eq!(world.send(request).await.refusal().1, "InvalidSignatureException");
    let mut request = partly_signed(&world, &[FORM], &[]);
    request.headers_mut().remove(HOST);
    assert_eq!(world.send(request).await.refusal().1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_declared_payload_hash_is_that_of_the_payload() {
    let world = World::new(settings());
    let right = "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843";

    for (hash, fine) in [(right, true), ("UNSIGNED-PAYLOAD", false), (&"0".repeat(64), false)] {
        let request = partly_signed(&world, &[FORM, ("x-amz-content-sha256", hash)], &[]);
        assert_eq!(world.send(request).await.status == StatusCode::OK, fine, "{hash}");
    }
}

#[tokio::test]
async fn a_signature_for_one_service_or_region_is_none_for_another() {
    let world = World::new(settings());
    let target = [("x-amz-target", "MTurkRequesterServiceV20170117.GetAccountBalance")];

    for (service, region, headers, expected) in [
        ("iam", "us-east-1", &[FORM], "SignatureDoesNotMatch"),
        ("mturk-requester", "us-east-1", &[FORM], "SignatureDoesNotMatch"),
        ("sts", "US-EAST-1", &[FORM], "SignatureDoesNotMatch"),
        ("sts", "us-east-1", &target, "InvalidSignatureException"),
        ("mturk-requester", "us-west-2", &target, "InvalidSignatureException"),
        ("mturk-requester", "sandbox", &target, "InvalidSignatureException"),
    ] {
        let request = world.signed(&Keys::broker(), service, region, headers, BODY);
        let (_, code, message) = world.send(request).await.refusal();
        assert_eq!(code, expected);
        assert!(message.starts_with("Credential should be scoped to"), "{message}");
    }
    // STS is in every region.
    let request = world.signed(&Keys::broker(), "sts", "eu-central-1", &[FORM], BODY);
    assert_eq!(world.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_clock_may_be_five_minutes_off() {
    let world = World::new(settings());

    for (seconds, message) in [
        (300, None),
        (-300, None),
        (301, Some(("expired", "now earlier than 20261121T120001Z (20261121T120501Z - 5 min.)"))),
        (-301, Some(("not yet current", "still later than 20261121T115959Z (20261121T115459Z + 5 min.)"))),
    ] {
        let request = request(&world);
        world.clock.advance(TimeDelta::seconds(seconds));
        let answer = world.send(request).await;
        world.clock.advance(TimeDelta::seconds(-seconds));
        match message {
            None => assert_eq!(answer.status, StatusCode::OK),
            Some((what, limit)) => {
                let message = format!("Signature {what}: 20261121T120000Z is {limit}");
                assert_eq!(answer.refusal(), (403, "SignatureDoesNotMatch".to_owned(), message));
            }
        }
    }
}

#[tokio::test]
async fn a_session_ends_with_its_hour() {
    let world = World::new(settings());
    let keys = world.session(READ_POLICY).await;
    let ask = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];

    world.clock.advance(TimeDelta::seconds(3_599));
    assert_eq!(world.mturk(&keys, "ListHITs", &json!({})).await.status, StatusCode::OK);
    world.clock.advance(TimeDelta::seconds(1));
    let expired = "The security token included in the request is expired";
    assert_eq!(world.sts(&keys, &ask).await.refusal(), (403, "ExpiredToken".to_owned(), expired.to_owned()));
    let answer = world.mturk(&keys, "ListHITs", &json!({})).await;
    assert_eq!(answer.refusal(), (400, "ExpiredTokenException".to_owned(), expired.to_owned()));
    // Whoever cannot sign does not learn even that.
    let stranger = Keys { secret: "guessed".into(), ..keys };
    assert_eq!(world.sts(&stranger, &ask).await.refusal().1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_session_is_its_own_token_and_secret_and_no_others() {
    let world = World::new(settings());
    let (one, two) = (world.session(READ_POLICY).await, world.session(&allow(&json!("*"))).await);
    assert_ne!(one.id, two.id);
    let swapped = Keys { token: two.token.clone(), ..one.clone() };
    let longer = Keys { token: one.token.clone().map(|token| token + "AA"), ..one.clone() };
    let bare = Keys { token: None, ..one.clone() };

    for keys in [swapped, longer, bare] {
        let (status, code, message) = world.mturk(&keys, "ListHITs", &json!({})).await.refusal();
        assert_eq!((status, code.as_str()), (400, "UnrecognizedClientException"));
        assert_eq!(message, "The security token included in the request is invalid.");
    }
    let other_secret = Keys { secret: two.secret, ..one };
    let answer = world.mturk(&other_secret, "ListHITs", &json!({})).await;
    assert_eq!(answer.refusal().1, "InvalidSignatureException");
}

#[tokio::test]
async fn sessions_outlive_a_restart_but_not_another_key_or_another_role() {
    let keys = World::new(settings()).session(READ_POLICY).await;
    let mut rekeyed = settings();
    rekeyed.sealing_key = [8; 32];
    let mut remade = settings();
    remade.accounts[0].roles[0].role_id = "AROAREMADE12345678901".into();

    for (settings, fine) in [(settings(), true), (rekeyed, false), (remade, false)] {
        let answer = World::new(settings).mturk(&keys, "ListHITs", &json!({})).await;
        assert_eq!(answer.status == StatusCode::OK, fine, "{}", answer.body);
    }
}

#[tokio::test]
async fn what_is_missing_has_a_name_in_both_protocols() {
    let world = World::new(settings());
    let target = "MTurkRequesterServiceV20170117.ListHITs";

    let plain = Request::post("/").body(Body::empty()).unwrap();
    assert_eq!(world.send(plain).await.refusal().1, "MissingAuthenticationToken");
    let json = Request::post("/").header("x-amz-target", target).body(Body::empty()).unwrap();
    assert_eq!(world.send(json).await.refusal().1, "MissingAuthenticationTokenException");
    let bearer = Request::post("/").header("x-amz-target", target).header("authorization", "Bearer x");
    let answer = world.send(bearer.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.refusal().1, "IncompleteSignatureException");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let world = World::new(settings());
    let request = world.signed(&Keys::broker(), "sts", "us-east-1", &[FORM], &"a".repeat(BODY_LIMIT_BYTES + 1));

    assert_eq!(world.send(request).await.refusal().1, "RequestEntityTooLarge");
}

proptest::proptest! {
    #[test]
    fn no_authorization_that_is_made_up_gets_in(field in "(AWS4-HMAC-SHA256 )?[ -~]{0,60}", date in "[0-9TZ]{0,16}") {
        let world = World::new(settings());
        let mut request = request(&world);
        set(&mut request, "authorization", &field);
        set(&mut request, "x-amz-date", &date);

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, ..) = runtime.block_on(world.send(request)).refusal();
        proptest::prop_assert!(status == 400 || status == 403);
    }
}
