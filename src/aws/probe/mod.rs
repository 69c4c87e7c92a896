//! One harmless call of a service with a lab's own credentials, to see what the service says to them.
//!
//! There is no SDK client for it: the services are few, the calls are one each, and what matters is the answer as it came.
//! The credentials go to the service they are for and are kept nowhere. Whatever an answer says, no call goes to another
//! host than one that is written here.

mod mturk;
mod s3;

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
    /// The region that is asked first.
    region: &'static str,
    /// What its signatures have of their own.
    settings: fn() -> SigningSettings,
    /// The call of a probe in a region, where it is one that costs and changes nothing.
    call: fn(&Probe, &str) -> Option<Call>,
    /// What an answer says.
    read: fn(&Raw) -> Words,
    /// The region in which it is to be asked instead, when an answer says so.
    moved: fn(&Raw) -> Option<String>,
}

/// A service to add is a file beside this one and a line here.
const SERVICES: [Service; 2] = [mturk::SERVICE, s3::SERVICE];

/// A request without its signature.
struct Call {
    method: &'static str,
    /// Where AWS has the service. Without a final slash.
    home: String,
    /// Path and query there.
    path: String,
    /// Path and query where all services have one address.
    path_elsewhere: String,
    headers: Vec<(&'static str, String)>,
    body: &'static str,
}

/// An answer as it came.
#[derive(Default)]
struct Raw {
    status: u16,
    /// `x-amzn-errortype`: where the JSON protocols put the code if not into the body.
    error_type: Option<String>,
    /// `x-amz-bucket-region`: where S3 has a bucket.
    bucket_region: Option<String>,
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
        probe: &Probe,
        credentials: &SessionCredentials,
        now: DateTime<Utc>,
    ) -> Option<ProbeAnswer> {
        let mut raw = self.ask(service, probe, service.region, credentials, now).await?;
        // Once: a service that sends one in circles is not followed.
        if let Some(region) = (service.moved)(&raw).filter(|region| region != service.region) {
            raw = self.ask(service, probe, &region, credentials, now).await?;
        }
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

    async fn ask(
        &self,
        service: &Service,
        probe: &Probe,
        region: &str,
        credentials: &SessionCredentials,
        now: DateTime<Utc>,
    ) -> Option<Raw> {
        let call = (service.call)(probe, region)?;
        let url = match &self.endpoint {
            Some(endpoint) => format!("{endpoint}{}", call.path_elsewhere),
            None => format!("{}{}", call.home, call.path),
        };
        let request = signed(service, region, &call, &url, credentials, now)?;
        let answer = async { raw(self.connector.call(request.try_into().ok()?).await.ok()?).await };
        tokio::time::timeout(TIMEOUT, answer).await.ok().flatten()
    }
}

/// The service of a probe that can be tried.
fn service_of(probe: &Probe) -> Option<&'static Service> {
    let (prefix, _) = probe.action.split_once(':')?;
    SERVICES.iter().find(|service| service.prefix == prefix && (service.call)(probe, service.region).is_some())
}

/// The request with its signature; `None` only when it cannot be written down, which ours can.
fn signed(
    service: &Service,
    region: &str,
    call: &Call,
    url: &str,
    credentials: &SessionCredentials,
    now: DateTime<Utc>,
) -> Option<http::Request<SdkBody>> {
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
        .region(region)
        .name(service.signing_name)
        .time(now.into())
        .settings((service.settings)())
        .build()
        .ok()?
        .into();
    let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let signable = SignableRequest::new(call.method, url, headers, SignableBody::Bytes(call.body.as_bytes())).ok()?;
    let (instructions, _) = sign(signable, &parameters).ok()?.into_parts();
    let mut request = http::Request::builder().method(call.method).uri(url);
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
    let bucket_region = header("x-amz-bucket-region");
    let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
    let mut stream = ByteStream::new(answer.into_body());
    let mut body = Vec::new();
    let mut is_cut = false;
    while let Some(chunk) = stream.next().await.filter(|_| !is_cut) {
        body.extend_from_slice(&chunk.ok()?);
        is_cut = body.len() > BODY_MAX_BYTES;
    }
    body.truncate(BODY_MAX_BYTES);
    Some(Raw { status, error_type, bucket_region, request_id, body, is_cut })
}

impl Aws {
    /// Makes a probe's call with these credentials: once, or twice when the first was too many or had no answer.
    pub async fn probe(&self, credentials: &SessionCredentials, probe: &Probe, now: DateTime<Utc>) -> ProbeAnswer {
        let Some(service) = service_of(probe) else { return ProbeAnswer::unsupported() };
        let mut answer = ProbeAnswer::unreachable();
        for pause in [Duration::ZERO, PAUSE] {
            tokio::time::sleep(pause).await;
            let sent = self.prober.send(service, probe, credentials, now).await;
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

    #[test]
    fn every_probe_of_a_shipped_template_can_be_tried() {
        for (name, template) in PolicyLibrary::shipped().unwrap().iter() {
            assert!(service_of(&template.probe_for(&template.examples()).unwrap()).is_some(), "{name}");
        }
        for action in ["", "s3", "mechanicalturk", "iam:ListUsers", "s3:DeleteObject"] {
            assert!(service_of(&Probe::of(action)).is_none(), "{action}");
        }
    }
}
