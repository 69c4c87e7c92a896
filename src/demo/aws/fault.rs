//! Refusals, in the words and shapes of AWS.

use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

use super::calls::Service;
use super::xml;
use crate::domain::policy::{Access, PolicyKind};

/// The XML namespace of every STS answer.
pub(super) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Form in, XML out: STS.
    Query,
    /// JSON 1.1, operation in `X-Amz-Target`: the requester API.
    Json,
}

impl Protocol {
    /// What the caller speaks, before anything else is known of it.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key("x-amz-target") { Self::Json } else { Self::Query }
    }

    pub(super) const fn service(self) -> Service {
        match self {
            Self::Query => Service::Sts,
            Self::Json => Service::MTurk,
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Query => "text/xml",
            Self::Json => "application/x-amz-json-1.1",
        }
    }
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The requester API's own code, beside `RequestError`.
    pub(super) turk_code: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), turk_code: None }
    }

    /// What STS says to a parameter that is not one.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", message)
    }

    /// What the requester API says when a request is understood and cannot be carried out.
    pub(super) fn request_error(turk_code: &'static str, message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::BAD_REQUEST, "RequestError", message);
        Self { turk_code: Some(turk_code), ..fault }
    }

    /// The body of the answer.
    pub(super) fn body(&self, protocol: Protocol, request_id: &str) -> String {
        match (protocol, self.turk_code) {
            (Protocol::Query, _) => {
                let error = [
                    xml::element("Type", "Sender"),
                    xml::element("Code", self.code),
                    xml::element("Message", &self.message),
                ];
                let inner = xml::wrap("Error", &error.concat()) + &xml::element("RequestId", request_id);
                format!("<ErrorResponse xmlns=\"{STS_NAMESPACE}\">{inner}</ErrorResponse>")
            }
            (Protocol::Json, None) => json!({ "__type": self.code, "Message": self.message }).to_string(),
            (Protocol::Json, Some(turk_code)) => {
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

/// The requester API: who, what, and which kind of policy decided. `None` when the call is allowed.
pub(super) fn access_denied(access: Access, caller_arn: &str, action: &str) -> Option<Fault> {
    let Access::Denied { by, explicit } = access else { return None };
    let (article, kind) = match by {
        PolicyKind::IdentityBased => ("an", "identity-based policy"),
        PolicyKind::SessionPolicy => ("a", "session policy"),
        PolicyKind::PermissionsBoundary => ("a", "permissions boundary"),
        PolicyKind::RoleTrustPolicy => ("a", "resource-based policy"),
    };
    let reason = if explicit {
        format!("with an explicit deny in {article} {kind}")
    } else {
        format!("because no {kind} allows the {action} action")
    };
    let message = format!("User: {caller_arn} is not authorized to perform: {action} {reason}");
    Some(Fault::new(StatusCode::BAD_REQUEST, "AccessDeniedException", message))
}
