//! Refusals, in the words and shapes of AWS.

use std::borrow::Cow;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use url::form_urlencoded;

use super::calls::Service;
use super::{iam, xml};
use crate::domain::policy::{Access, DocumentError, PolicyKind};

/// The XML namespace of every STS answer.
pub(super) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The XML namespace of every IAM answer.
pub(super) const IAM_NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

impl Service {
    /// The service that a call is for. AWS has a host for each, and this AWS has one for all, so the call itself must say:
    /// whatever is signed for S3 is its, and so is what nobody signed and is more than `POST /`; of the others only the requester API has a
    /// target, and IAM is told from STS by the version of its API.
    pub(super) fn of(parts: &Parts, body: &[u8]) -> Self {
        if Self::is_s3(parts) {
            return Self::S3;
        }
        if parts.headers.contains_key("x-amz-target") {
            return Self::MTurk;
        }
        let is_iam = form_urlencoded::parse(body).any(|(name, value)| name == "Version" && value == iam::VERSION);
        if is_iam { Self::Iam } else { Self::Sts }
    }

    /// Whether it is S3 that is called.
    pub(super) fn is_s3(parts: &Parts) -> bool {
        let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if authorization.contains("/aws4_request") {
            return authorization.contains("/s3/aws4_request");
        }
        parts.uri.path() != "/" || parts.method != Method::POST
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Sts | Self::Iam => "text/xml",
            Self::MTurk => "application/x-amz-json-1.1",
            Self::S3 => "application/xml",
        }
    }
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    /// The requester API's own code, beside `RequestError`.
    pub(super) turk_code: Option<&'static str>,
    /// What S3 says beside the message: the bucket, the key, the region.
    pub(super) more: Vec<(&'static str, String)>,
}

impl Fault {
    pub(super) fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), turk_code: None, more: Vec::new() }
    }

    /// What STS and IAM say to a parameter that is not one.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", message)
    }

    /// What the requester API says when a request is understood and cannot be carried out.
    pub(super) fn request_error(turk_code: &'static str, message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::BAD_REQUEST, "RequestError", message);
        Self { turk_code: Some(turk_code), ..fault }
    }

    /// The same with something that S3 says beside the message.
    pub(super) fn with(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.more.push((name, text.into()));
        self
    }

    /// Where S3 has the bucket, when that is what it says.
    pub(super) fn region(&self) -> Option<HeaderValue> {
        let (_, region) = self.more.iter().find(|(name, _)| *name == "Region")?;
        HeaderValue::from_str(region).ok()
    }

    /// What a service says to one call too many.
    pub(super) fn throttling(service: Service) -> Self {
        let (status, code, message) = match service {
            Service::Sts | Service::Iam => (StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded"),
            Service::MTurk => (StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded"),
            Service::S3 => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
        };
        Self::new(status, code, message)
    }

    /// The body of the answer.
    pub(super) fn body(&self, service: Service, request_id: &str) -> String {
        let namespace = match service {
            Service::Sts => STS_NAMESPACE,
            Service::Iam => IAM_NAMESPACE,
            Service::MTurk => return self.json(),
            Service::S3 => return self.s3(request_id),
        };
        let error =
            [xml::element("Type", "Sender"), xml::element("Code", &self.code), xml::element("Message", &self.message)];
        let inner = xml::wrap("Error", &error.concat()) + &xml::element("RequestId", request_id);
        format!("<ErrorResponse xmlns=\"{namespace}\">{inner}</ErrorResponse>")
    }

    /// S3's errors have no namespace and nothing around them.
    fn s3(&self, request_id: &str) -> String {
        let more: String = self.more.iter().map(|(name, text)| xml::element(name, text)).collect();
        let error = [xml::element("Code", &self.code), xml::element("Message", &self.message), more];
        let inner = error.concat() + &xml::element("RequestId", request_id) + &xml::element("HostId", "small-aws");
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml::wrap("Error", &inner))
    }

    fn json(&self) -> String {
        match self.turk_code {
            None => json!({ "__type": self.code, "Message": self.message }).to_string(),
            Some(turk_code) => {
                json!({ "__type": self.code, "Message": self.message, "TurkErrorCode": turk_code }).to_string()
            }
        }
    }
}

/// STS: who, what, on which role; never why, so that a wrong external id looks like a role that is not there.
pub(super) fn assume_role_denied(caller_arn: &str, action: &str, role_arn: &str) -> Fault {
    let message = format!("User: {caller_arn} is not authorized to perform: {action} on resource: {role_arn}");
    Fault::new(StatusCode::FORBIDDEN, "AccessDenied", message)
}

/// STS: a role of an account that switched STS off in this region.
pub(super) fn region_disabled(account: &str) -> Fault {
    let message = format!(
        "STS is not activated in this region for account:{account}. Your account administrator can activate STS in this \
         region using the IAM Console."
    );
    Fault::new(StatusCode::FORBIDDEN, "RegionDisabledException", message)
}

/// IAM and the requester API: who, what, on what if the action has a resource, and which kind of policy decided. `None`
/// when the call is allowed.
pub(super) fn denial(access: Access, caller_arn: &str, action: &str, resource: Option<&str>) -> Option<String> {
    let Access::Denied { by, explicit } = access else { return None };
    let (article, kind) = match by {
        PolicyKind::IdentityBased => ("an", "identity-based policy"),
        PolicyKind::SessionPolicy => ("a", "session policy"),
        PolicyKind::PermissionsBoundary => ("a", "permissions boundary"),
        PolicyKind::RoleTrustPolicy => ("a", "resource-based policy"),
    };
    let resource = resource.map(|resource| format!(" on resource: {resource}")).unwrap_or_default();
    let reason = if explicit {
        format!("with an explicit deny in {article} {kind}")
    } else {
        format!("because no {kind} allows the {action} action")
    };
    Some(format!("User: {caller_arn} is not authorized to perform: {action}{resource} {reason}"))
}

/// STS and IAM: a policy that is none.
pub(super) fn malformed_policy(error: &DocumentError) -> Fault {
    let message = match error {
        DocumentError::Json(_) => "This policy contains invalid Json",
        DocumentError::Principal { .. } => "Policy document should not specify a principal.",
        DocumentError::Policy(_) | DocumentError::Statement { .. } => "Syntax errors in policy.",
    };
    Fault::new(StatusCode::BAD_REQUEST, "MalformedPolicyDocument", message)
}
