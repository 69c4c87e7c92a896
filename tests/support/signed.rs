//! Calls to the small AWS, signed as an SDK signs them, for tests that run without a peer.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use lodge::ambient::Clock;
use serde_json::Value;

use super::process::Ended;

/// Somebody's keys.
pub(crate) struct Keys {
    credentials: Credentials,
}

/// What the requester API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Keys {
    /// The keys that a credential process printed.
    pub(crate) fn printed_by(ended: &Ended) -> Self {
        assert!(ended.status.success(), "no credentials: {}", ended.stderr);
        let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
        let text = |name: &str| printed[name].as_str().unwrap().to_owned();
        let token = Some(text("SessionToken"));
        Self { credentials: Credentials::from_keys(text("AccessKeyId"), text("SecretAccessKey"), token) }
    }

    /// One call of the Mechanical Turk requester API at `endpoint`.
    pub(crate) fn call_mturk(&self, endpoint: &str, operation: &str, input: &Value) -> Answer {
        let uri = format!("{endpoint}/");
        let host = endpoint.strip_prefix("http://").unwrap();
        let target = format!("MTurkRequesterServiceV20170117.{operation}");
        let headers =
            [("host", host), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let body = input.to_string();
        let identity: Identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("mturk-requester")
            .time(SystemTime::from(Clock::System.now()))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signable = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", &uri, headers.into_iter(), signable).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = http::Request::post(&uri);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(body).unwrap();
        instructions.apply_to_request_http1x(&mut request);

        let settings = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        let mut answer = ureq::Agent::from(settings).run(request).unwrap();
        let status = answer.status().as_u16();
        Answer { status, body: serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap() }
    }
}

impl Answer {
    /// The code of a refusal; empty when the call was carried out.
    pub(crate) fn code(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default()
    }
}
