//! What the small AWS's S3 refuses, as AWS does, whoever signs: bodies without their hash, headers that are not signed, a
//! clock that is off, keys that are nobody's.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use chrono::{DateTime, TimeDelta, Utc};
use lodge::ambient::Clock;
use lodge::demo::aws::Service;

use crate::support::person::Person;
use crate::support::process::Ended;
use crate::support::world::World;

const OBJECT: &str = "/speech-results/results/2026/a.txt";

/// A request that was not sent yet.
struct Asking<'a> {
    url: String,
    method: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: SignableBody<'a>,
    sent: &'a [u8],
    region: &'a str,
    at: DateTime<Utc>,
}

impl<'a> Asking<'a> {
    fn put(world: &World, text: &'a str) -> Self {
        Self {
            url: format!("{}{OBJECT}", world.aws_url),
            method: "PUT",
            headers: Vec::new(),
            body: SignableBody::Bytes(text.as_bytes()),
            sent: text.as_bytes(),
            region: "us-east-1",
            at: Clock::System.now(),
        }
    }

    fn signed(self, keys: &Credentials) -> http::Request<Vec<u8>> {
        let identity: Identity = keys.clone().into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("s3")
            .time(SystemTime::from(self.at))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = self.headers.iter().copied();
        let signable = SignableRequest::new(self.method, self.url.as_str(), headers, self.body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = http::Request::builder().method(self.method).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(self.sent.to_vec()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

/// Status, code and message.
fn answer(request: http::Request<Vec<u8>>) -> (u16, String, String) {
    let settings = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build();
    let mut answer = ureq::Agent::from(settings).run(request).unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    let text = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>")).unwrap_or_default();
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    (answer.status().as_u16(), text("Code"), text("Message"))
}

fn refusal(request: http::Request<Vec<u8>>) -> (u16, String) {
    let (status, code, _) = answer(request);
    (status, code)
}

fn keys(ended: &Ended) -> Credentials {
    let printed: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let text = |name: &str| printed[name].as_str().unwrap().to_owned();
    Credentials::from_keys(text("AccessKeyId"), text("SecretAccessKey"), Some(text("SessionToken")))
}

#[test]
fn what_is_not_signed_as_s3_wants_it_is_refused() {
    let world = World::start();
    let keys = keys(&Person::signed_in("phonetician", &world.url).ask_for("speech/publish"));
    let put = || Asking::put(&world, "text");
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(answer(put().signed(&keys)), (200, String::new(), String::new()));

    let of_another = Asking { sent: b"tent", ..put() };
    assert_eq!(refusal(of_another.signed(&keys)), is(403, "SignatureDoesNotMatch"), "another body than the signed");
    for unsigned in [SignableBody::UnsignedPayload, SignableBody::StreamingUnsignedPayloadTrailer] {
        let asking = Asking { body: unsigned, ..put() };
        assert_eq!(refusal(asking.signed(&keys)), is(403, "SignatureDoesNotMatch"), "no hash of the body");
    }
    let mut added = put().signed(&keys);
    added.headers_mut().insert("x-amz-acl", "public-read".parse().unwrap());
    assert_eq!(refusal(added), is(403, "SignatureDoesNotMatch"), "a header of S3's own that is not signed");
    let asking = Asking { headers: vec![("x-amz-acl", "public-read")], ..put() };
    assert_eq!(refusal(asking.signed(&keys)), is(501, "NotImplemented"), "and not passed over when it is");
    let wrong_sum = Asking { headers: vec![("x-amz-checksum-crc32", "AAAAAA==")], ..put() };
    assert_eq!(refusal(wrong_sum.signed(&keys)), is(400, "BadDigest"));
    let mut moved = put().signed(&keys);
    *moved.uri_mut() = format!("{}/speech-results/results/2026/b.txt", world.aws_url).parse().unwrap();
    assert_eq!(refusal(moved), is(403, "SignatureDoesNotMatch"), "another key than the signed");
    let mut without = put().signed(&keys);
    without.headers_mut().remove("authorization");
    assert_eq!(refusal(without), is(403, "AccessDenied"), "nobody at all");
    let late = Asking { at: Clock::System.now() - TimeDelta::minutes(16), ..put() };
    assert_eq!(refusal(late.signed(&keys)), is(403, "RequestTimeTooSkewed"));
    let slow = Asking { at: Clock::System.now() - TimeDelta::minutes(14), ..put() };
    assert_eq!(refusal(slow.signed(&keys)), (200, String::new()), "S3 takes what is 15 minutes off");
    let elsewhere = Asking { region: "eu-central-1", ..put() };
    assert_eq!(refusal(elsewhere.signed(&keys)), is(301, "PermanentRedirect"));
    let token = keys.session_token().unwrap();
    let other = Credentials::from_keys("ASIAOTHEROTHEROTHERO", keys.secret_access_key(), Some(token.to_owned()));
    assert_eq!(refusal(put().signed(&other)), is(400, "InvalidToken"));
    let bare = Credentials::from_keys(keys.access_key_id(), keys.secret_access_key(), None);
    assert_eq!(refusal(put().signed(&bare)), is(403, "InvalidAccessKeyId"));
    let large = vec![b'x'; 8 * 1024 * 1024 + 1];
    let large = Asking { body: SignableBody::Bytes(&large), sent: &large, ..put() };
    assert_eq!(refusal(large.signed(&keys)), is(400, "EntityTooLarge"));

    let bucket = world.aws.bucket("speech-results").unwrap();
    assert_eq!((bucket.text("results/2026/a.txt"), bucket.text("results/2026/b.txt")), (Some("text"), None));
    assert!(world.calls_of(Service::S3).len() > 10);
}
