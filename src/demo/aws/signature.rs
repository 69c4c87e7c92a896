//! Signature Version 4, from the side of the one who verifies.
//!
//! The received request is signed again, with the headers that its signer named and the secret that belongs to its key
//! id, by the same crate that the SDK signs with; then the two signatures are compared in constant time. What is not
//! signed is not believed: host, date and session token must be among the signed headers, and the body is hashed here.

use std::collections::BTreeSet;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Incoming;
use super::calls::Service;
use super::fault::Fault;

/// How far the signer's clock may be off, either way.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// The same for S3. Source: Amazon S3 API reference, "Error responses", `RequestTimeTooSkewed`.
const S3_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(15);

/// The form of `X-Amz-Date`.
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// The only region of IAM and of the requester API.
const ONE_REGION: &str = "us-east-1";

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

/// Why a request is not authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Missing,
    Incomplete(String),
    InvalidToken,
    Mismatch(String),
    /// The signer's clock is off.
    Skewed(String),
    ExpiredToken,
}

impl Refusal {
    fn mismatch() -> Self {
        Self::Mismatch(MISMATCH.to_owned())
    }

    /// The refusal in the words of a service: the same things have other names in each protocol.
    pub(super) fn fault(self, service: Service) -> Fault {
        if service == Service::S3 {
            return self.of_s3();
        }
        let (query, json, status, message) = match self {
            Self::Missing => (
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                StatusCode::FORBIDDEN,
                "Request is missing Authentication Token".to_owned(),
            ),
            Self::Incomplete(message) => {
                ("IncompleteSignature", "IncompleteSignatureException", StatusCode::BAD_REQUEST, message)
            }
            Self::InvalidToken => (
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                StatusCode::FORBIDDEN,
                "The security token included in the request is invalid.".to_owned(),
            ),
            Self::Mismatch(message) | Self::Skewed(message) => {
                ("SignatureDoesNotMatch", "InvalidSignatureException", StatusCode::FORBIDDEN, message)
            }
            Self::ExpiredToken => (
                "ExpiredToken",
                "ExpiredTokenException",
                StatusCode::FORBIDDEN,
                "The security token included in the request is expired".to_owned(),
            ),
        };
        match service {
            Service::Sts | Service::Iam => Fault::new(status, query, message),
            Service::MTurk | Service::S3 => Fault::new(StatusCode::BAD_REQUEST, json, message),
        }
    }

    /// In S3's words. Source: Amazon S3 API reference, "Error responses".
    fn of_s3(self) -> Fault {
        let (status, code, message) = match self {
            // Whoever signs nothing is anybody, and nothing here is public.
            Self::Missing => (StatusCode::FORBIDDEN, "AccessDenied", "Access Denied".to_owned()),
            Self::Incomplete(message) => (StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed", message),
            Self::InvalidToken => (
                StatusCode::BAD_REQUEST,
                "InvalidToken",
                "The provided token is malformed or otherwise invalid.".to_owned(),
            ),
            Self::Mismatch(message) => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message),
            Self::Skewed(_) => (
                StatusCode::FORBIDDEN,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.".to_owned(),
            ),
            Self::ExpiredToken => {
                (StatusCode::BAD_REQUEST, "ExpiredToken", "The provided token has expired.".to_owned())
            }
        };
        Fault::new(status, code, message)
    }
}

/// What a request says about its signature; nothing of it is proved until [`Signed::verify`].
pub(super) struct Signed {
    pub(super) access_key_id: String,
    pub(super) region: String,
    pub(super) token: Option<String>,
    service: Service,
    headers: Vec<String>,
    signature: String,
    time: DateTime<Utc>,
}

impl Signed {
    /// Reads the signature's own headers and checks everything that needs no secret.
    pub(super) fn parse(incoming: &Incoming, service: Service) -> Result<Self, Refusal> {
        let headers = &incoming.parts.headers;
        let authorization = one_header(headers, "authorization")?.ok_or(Refusal::Missing)?;
        let fields = Fields::parse(authorization)?;
        let date = one_header(headers, "x-amz-date")?.ok_or_else(|| {
            Refusal::Incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned(),
            )
        })?;
        let time = NaiveDateTime::parse_from_str(date, DATE_FORMAT)
            .ok()
            .map(|time| time.and_utc())
            .filter(|time| time.format(DATE_FORMAT).to_string() == date)
            .ok_or_else(|| {
                let expected = "Date must be in ISO-8601 'basic format'";
                Refusal::Incomplete(format!("{expected}. Got '{date}'."))
            })?;
        let token = one_header(headers, "x-amz-security-token")?.map(str::to_owned);
        let signed = Self {
            region: region_of_scope(fields.scope, date, service)?,
            access_key_id: fields.access_key_id.to_owned(),
            headers: fields.signed_headers.split(';').map(str::to_owned).collect(),
            signature: fields.signature.to_owned(),
            service,
            token,
            time,
        };
        signed.check_headers(headers)?;
        check_payload_hash(headers, &incoming.body)?;
        check_time(time, incoming.now, if service == Service::S3 { S3_CLOCK_SKEW } else { CLOCK_SKEW })?;
        Ok(signed)
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let named: BTreeSet<&str> = self.headers.iter().map(String::as_str).collect();
        let mut required = vec!["host", "x-amz-date"];
        // These decide what the request means; a signature over anything less would prove too little.
        for name in ["x-amz-security-token", "x-amz-target", "x-amz-content-sha256"] {
            if headers.contains_key(name) {
                required.push(name);
            }
        }
        if self.service == Service::S3 {
            // S3 takes no header of its own that is not signed, and no body without its hash.
            required.push("x-amz-content-sha256");
            required.extend(headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-amz-")));
        }
        for name in required {
            if !named.contains(name) {
                return Err(Refusal::Mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
            }
        }
        let all_there = self.headers.iter().all(|name| headers.contains_key(name));
        if all_there && named.len() == self.headers.len() { Ok(()) } else { Err(Refusal::mismatch()) }
    }

    /// Signs the request again with `secret` and compares.
    pub(super) fn verify(&self, incoming: &Incoming, secret: &SecretString) -> Result<(), Refusal> {
        let expected = self.sign_again(incoming, secret).ok_or_else(Refusal::mismatch)?;
        if bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) { Ok(()) } else { Err(Refusal::mismatch()) }
    }

    fn sign_again(&self, incoming: &Incoming, secret: &SecretString) -> Option<String> {
        let mut headers = Vec::new();
        for name in &self.headers {
            for value in incoming.parts.headers.get_all(name) {
                headers.push((name.as_str(), value.to_str().ok()?));
            }
        }
        let path = incoming.parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // The authority is not used: `host` is among the signed headers.
        let uri = format!("http://localhost{path}");
        let body = SignableBody::Bytes(&incoming.body);
        let request = SignableRequest::new(incoming.parts.method.as_str(), uri, headers.into_iter(), body).ok()?;
        // The token takes part as a signed header like any other, so the credentials are given without it.
        let identity: Identity = Credentials::from_keys(&self.access_key_id, secret.expose_secret(), None).into();
        let mut settings = SigningSettings::default();
        settings.excluded_headers = None;
        if self.service == Service::S3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service.signing_name())
            .time(SystemTime::from(self.time))
            .settings(settings)
            .build()
            .ok()?
            .into();
        let (_, signature) = sign(request, &params).ok()?.into_parts();
        Some(signature)
    }
}

/// The three fields of an `Authorization` header.
struct Fields<'a> {
    access_key_id: &'a str,
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Fields<'a> {
    const NAMES: [&'static str; 3] = ["Credential", "Signature", "SignedHeaders"];

    fn parse(authorization: &'a str) -> Result<Self, Refusal> {
        let Some(list) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else {
            return Err(Refusal::Incomplete("Unsupported AWS 'algorithm'.".to_owned()));
        };
        let mut found: [Option<&str>; 3] = [None; 3];
        for field in list.split(',') {
            let (name, value) = field.trim().split_once('=').unwrap_or((field.trim(), ""));
            let Some(place) = Self::NAMES.iter().position(|known| *known == name) else {
                return Err(Refusal::Incomplete(format!("'{name}' not a valid key=value pair (missing equal-sign).")));
            };
            if found[place].replace(value).is_some() {
                return Err(Refusal::Incomplete(format!("Authorization header has '{name}' twice.")));
            }
        }
        let missing: Vec<String> = Self::NAMES
            .iter()
            .zip(found)
            .filter(|(_, value)| value.is_none_or(str::is_empty))
            .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
            .collect();
        let [Some(credential), Some(signature), Some(signed_headers)] = found else {
            return Err(Refusal::Incomplete(missing.join(" ")));
        };
        if !missing.is_empty() {
            return Err(Refusal::Incomplete(missing.join(" ")));
        }
        let (access_key_id, scope) = credential.split_once('/').ok_or_else(|| {
            Refusal::Incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{credential}'"
            ))
        })?;
        Ok(Self { access_key_id, scope, signed_headers, signature })
    }
}

/// The region of `DATE/REGION/SERVICE/aws4_request`, when the rest is as it must be.
fn region_of_scope(scope: &str, date: &str, service: Service) -> Result<String, Refusal> {
    let parts: Vec<&str> = scope.split('/').collect();
    let [scope_date, region, scope_service, terminator] = parts[..] else {
        return Err(Refusal::Incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term".to_owned(),
        ));
    };
    let mut problems = Vec::new();
    if scope_service != service.signing_name() {
        problems.push(format!("Credential should be scoped to correct service: '{}'. ", service.signing_name()));
    }
    let well_formed =
        !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !well_formed || (matches!(service, Service::Iam | Service::MTurk) && region != ONE_REGION) {
        problems.push(format!("Credential should be scoped to a valid region, not '{region}'. "));
    }
    if terminator != "aws4_request" {
        problems
            .push(format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'. "));
    }
    if Some(scope_date) != date.get(..8) {
        let rule = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP";
        problems.push(format!("{rule}: '{scope_date}' != '{date}'. "));
    }
    if problems.is_empty() { Ok(region.to_owned()) } else { Err(Refusal::Mismatch(problems.concat())) }
}

fn check_time(time: DateTime<Utc>, now: DateTime<Utc>, skew: TimeDelta) -> Result<(), Refusal> {
    let text = |time: DateTime<Utc>| time.format(DATE_FORMAT).to_string();
    let minutes = skew.num_minutes();
    if time < now - skew {
        let limit = text(now - skew);
        let message =
            format!("Signature expired: {} is now earlier than {limit} ({} - {minutes} min.)", text(time), text(now));
        return Err(Refusal::Skewed(message));
    }
    if time > now + skew {
        let limit = text(now + skew);
        let message = format!(
            "Signature not yet current: {} is still later than {limit} ({} + {minutes} min.)",
            text(time),
            text(now)
        );
        return Err(Refusal::Skewed(message));
    }
    Ok(())
}

/// A payload hash that is declared must be the hash of the payload: neither `UNSIGNED-PAYLOAD` nor another's.
fn check_payload_hash(headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let Some(declared) = one_header(headers, "x-amz-content-sha256")? else { return Ok(()) };
    if declared == hex::encode(Sha256::digest(body)) { Ok(()) } else { Err(Refusal::mismatch()) }
}

/// The value of a header that may be there once: of two, a proxy and we might each believe another.
fn one_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(value), None) => Ok(Some(value)),
        _ => Err(Refusal::Incomplete(format!("The header '{name}' must be there once and in ASCII."))),
    }
}
