//! One harmless call of a service with a lab's own credentials, to see what the service says to them.
//!
//! There is no SDK client for it: the services are few, the calls are one each, and what matters is the answer as it came.
//! The credentials go to the service they are for and are kept nowhere.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{Aws, SessionCredentials};
use crate::domain::account::{Answered, ProbeAnswer};
use crate::domain::policy::Probe;

/// How long one try may take, connecting and reading included.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before the only second try.
const PAUSE: Duration = Duration::from_millis(500);

/// The most that is read of an answer: an error is a few hundred bytes, and the rest of a list is of no use here.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// A service that can be tried.
struct Service {
    /// How IAM calls it.
    prefix: &'static str,
    /// How its signatures call it.
    signing_name: &'static str,
    region: &'static str,
    endpoint: &'static str,
    /// The call of an operation, where it is one that costs and changes nothing.
    call: fn(&str) -> Option<Call>,
    /// What an answer of it says.
    read: fn(&Raw) -> Words,
}

/// Source: Amazon Mechanical Turk requester API reference of 2017-01-17, and the service model that AWS's SDKs are made of.
const SERVICES: [Service; 1] = [Service {
    prefix: "mechanicalturk",
    signing_name: "mturk-requester",
    region: "us-east-1",
    endpoint: "https://mturk-requester.us-east-1.amazonaws.com",
    call: mturk_call,
    read: json_words,
}];

/// Only calls that need no id of anything: without one, the service would speak of that.
fn mturk_call(operation: &str) -> Option<Call> {
    let body = match operation {
        "GetAccountBalance" => "{}",
        "ListHITs" | "ListQualificationRequests" | "ListReviewableHITs" | "ListWorkerBlocks" => r#"{"MaxResults":1}"#,
        _ => return None,
    };
    Some(Call {
        method: "POST",
        path: "/",
        headers: vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("MTurkRequesterServiceV20170117.{operation}")),
        ],
        body,
    })
}

/// A request without its signature.
struct Call {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: &'static str,
}

/// An answer as it came.
struct Raw {
    status: u16,
    /// `x-amzn-errortype`: where the JSON protocols put the code if not into the body.
    error_type: Option<String>,
    request_id: Option<String>,
    body: Vec<u8>,
    /// Whether there was more.
    is_cut: bool,
}

/// What stands in an answer.
struct Words {
    is_readable: bool,
    code: Option<String>,
    detail: Option<String>,
    message: Option<String>,
}

#[derive(Default, Deserialize)]
struct JsonError {
    #[serde(rename = "__type")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "TurkErrorCode")]
    turk_code: Option<String>,
}

/// What an answer of the JSON protocols says; the text itself when it is none.
fn json_words(raw: &Raw) -> Words {
    let is_object = || serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&raw.body).is_ok();
    let is_readable = if raw.is_cut { raw.body.starts_with(b"{") } else { is_object() };
    let error: JsonError = serde_json::from_slice(&raw.body).unwrap_or_default();
    // `com.amazonaws.mturk#RequestError`, `RequestError:http://…`.
    let code = raw.error_type.as_ref().or(error.kind.as_ref());
    let code = code.and_then(|code| code.rsplit('#').next()?.split(':').next().map(str::to_owned));
    let text = || String::from_utf8_lossy(&raw.body).into_owned();
    Words { is_readable, code, detail: error.turk_code, message: error.message.or_else(|| (!is_readable).then(text)) }
}

/// Makes the calls.
#[derive(Clone, Debug)]
pub(super) struct Prober {
    connector: SharedHttpConnector,
    /// Where all services are, when not where AWS has them. Without a final slash.
    endpoint: Option<String>,
}

impl Prober {
    pub(super) fn new(endpoint: Option<&str>) -> Self {
        let connector = Connector::builder().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build();
        Self {
            connector: SharedHttpConnector::new(connector),
            endpoint: endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
        }
    }

    /// `None` when there was no answer.
    async fn send(
        &self,
        service: &Service,
        call: &Call,
        credentials: &SessionCredentials,
        now: DateTime<Utc>,
    ) -> Option<ProbeAnswer> {
        let endpoint = self.endpoint.as_deref().unwrap_or(service.endpoint);
        let request = signed(service, call, endpoint, credentials, now)?;
        let answer = async { raw(self.connector.call(request.try_into().ok()?).await.ok()?).await };
        let raw = tokio::time::timeout(TIMEOUT, answer).await.ok().flatten()?;
        let words = (service.read)(&raw);
        Some(ProbeAnswer::of(&Answered {
            status: raw.status,
            is_readable: words.is_readable,
            code: words.code.as_deref(),
            detail: words.detail.as_deref(),
            message: words.message.as_deref(),
            request_id: raw.request_id.as_deref(),
        }))
    }
}

/// The request with its signature; `None` only when it cannot be written down, which ours can.
fn signed(
    service: &Service,
    call: &Call,
    endpoint: &str,
    credentials: &SessionCredentials,
    now: DateTime<Utc>,
) -> Option<http::Request<SdkBody>> {
    let url = format!("{endpoint}{}", call.path);
    let identity: Identity = Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose_secret(),
        Some(credentials.session_token.expose_secret().to_owned()),
        None,
        "lodge",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(service.region)
        .name(service.signing_name)
        .time(now.into())
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signable =
        SignableRequest::new(call.method, url.as_str(), headers, SignableBody::Bytes(call.body.as_bytes())).ok()?;
    let (instructions, _) = sign(signable, &parameters).ok()?.into_parts();
    let mut request = http::Request::builder().method(call.method).uri(&url);
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let mut request = request.body(SdkBody::from(call.body)).ok()?;
    instructions.apply_to_request_http1x(&mut request);
    Some(request)
}

/// An answer, as far as it is read; `None` when it broke off.
async fn raw(answer: HttpResponse) -> Option<Raw> {
    let header = |name: &str| answer.headers().get(name).map(str::to_owned);
    let (status, error_type) = (answer.status().as_u16(), header("x-amzn-errortype"));
    let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
    let mut stream = ByteStream::new(answer.into_body());
    let mut body = Vec::new();
    let mut is_cut = false;
    while let Some(chunk) = stream.next().await.filter(|_| !is_cut) {
        body.extend_from_slice(&chunk.ok()?);
        is_cut = body.len() > BODY_MAX_BYTES;
    }
    body.truncate(BODY_MAX_BYTES);
    Some(Raw { status, error_type, request_id, body, is_cut })
}

impl Aws {
    /// Makes a probe's call with these credentials: once, or twice when the first was too many or had no answer.
    pub async fn probe(&self, credentials: &SessionCredentials, probe: &Probe, now: DateTime<Utc>) -> ProbeAnswer {
        let service_and_call = probe.action.split_once(':').and_then(|(prefix, operation)| {
            let service = SERVICES.iter().find(|service| service.prefix == prefix)?;
            Some((service, (service.call)(operation)?))
        });
        let Some((service, call)) = service_and_call else { return ProbeAnswer::unsupported() };
        let mut answer = ProbeAnswer::unreachable();
        for pause in [Duration::ZERO, PAUSE] {
            tokio::time::sleep(pause).await;
            let sent = self.prober.send(service, &call, credentials, now).await;
            answer = sent.unwrap_or_else(ProbeAnswer::unreachable);
            if !answer.outcome.may_pass() {
                break;
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::PolicyLibrary;

    fn words(error_type: Option<&str>, body: &str) -> [Option<String>; 3] {
        let raw = Raw {
            status: 400,
            error_type: error_type.map(str::to_owned),
            request_id: None,
            body: body.as_bytes().to_owned(),
            is_cut: false,
        };
        let Words { code, detail, message, .. } = json_words(&raw);
        [code, detail, message]
    }

    #[test]
    fn the_code_of_a_json_answer_stands_in_several_places_and_forms() {
        let some = |text: &str| Some(text.to_owned());
        for (header, body, expected) in [
            (None, r#"{"__type":"RequestError","Message":"m"}"#, [some("RequestError"), None, some("m")]),
            (
                None,
                r#"{"__type":"com.amazonaws.mturk#RequestError","message":"m"}"#,
                [some("RequestError"), None, some("m")],
            ),
            (
                Some("RequestError:http://internal/"),
                r#"{"TurkErrorCode":"x"}"#,
                [some("RequestError"), some("x"), None],
            ),
            (None, "<html>a page</html>", [None, None, some("<html>a page</html>")]),
            (None, "[]", [None, None, some("[]")]),
            (None, r#"{"__type":7}"#, [None, None, None]),
            (None, "", [None, None, some("")]),
        ] {
            assert_eq!(words(header, body), expected, "{body}");
        }
    }

    #[test]
    fn every_probe_of_a_shipped_template_can_be_tried_and_no_call_that_changes_anything() {
        let library = PolicyLibrary::shipped().unwrap();
        for (name, template) in library.iter() {
            let (prefix, operation) = template.probe().action.split_once(':').unwrap();
            let service = SERVICES.iter().find(|service| service.prefix == prefix);
            assert!(service.is_some_and(|service| (service.call)(operation).is_some()), "{name}");
        }
        for operation in ["", "CreateHIT", "SendBonus", "DeleteHIT", "GetHIT", "ListAssignmentsForHIT", "listHITs"] {
            assert!(mturk_call(operation).is_none(), "{operation}");
        }
    }
}
