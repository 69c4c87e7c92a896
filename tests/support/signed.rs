//! Calls to the small AWS, signed as an SDK signs them, for tests that run without a peer.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use chrono::{DateTime, Utc};
use lodge::ambient::Clock;
use lodge::aws::SessionCredentials;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::process::Ended;

/// Somebody's keys.
pub(crate) struct Keys {
    credentials: Credentials,
    at: SystemTime,
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
        let credentials = Credentials::from_keys(text("AccessKeyId"), text("SecretAccessKey"), token);
        Self { credentials, at: SystemTime::from(Clock::System.now()) }
    }

    /// The keys that a broker handed out, used at this moment.
    pub(crate) fn issued(issued: &SessionCredentials, at: DateTime<Utc>) -> Self {
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        let token = Some(text(&issued.session_token));
        let credentials = Credentials::from_keys(&issued.access_key_id, text(&issued.secret_access_key), token);
        Self { credentials, at: SystemTime::from(at) }
    }

    /// One call of the Mechanical Turk requester API at `endpoint`.
    pub(crate) fn call_mturk(&self, endpoint: &str, operation: &str, input: &Value) -> Answer {
        let target = format!("MTurkRequesterServiceV20170117.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let (status, body) = self.call(endpoint, "mturk-requester", &headers, &input.to_string());
        Answer { status, body: serde_json::from_str(&body).unwrap() }
    }

    /// One call of a service of the query protocol, such as `sts`: the status, and the XML.
    pub(crate) fn call_query(&self, endpoint: &str, service: &str, form: &str) -> (u16, String) {
        self.call(endpoint, service, &[("content-type", "application/x-www-form-urlencoded")], form)
    }

    fn call(&self, endpoint: &str, service: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let uri = format!("{endpoint}/");
        let host = endpoint.strip_prefix("http://").unwrap();
        let headers = [&[("host", host)], headers].concat();
        let identity: Identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(self.at)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signable = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", &uri, headers.iter().copied(), signable).unwrap();
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
        (status, answer.body_mut().read_to_string().unwrap())
    }
}

impl Answer {
    /// The code of a refusal; empty when the call was carried out.
    pub(crate) fn code(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default()
    }
}
