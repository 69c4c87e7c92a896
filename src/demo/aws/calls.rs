//! What was asked of the small AWS, for tests and for the demo's own page to look at. Never a secret.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::locked;

/// How many calls are kept; a demo may run for weeks.
const KEPT_CALLS: usize = 10_000;

/// The services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Security Token Service.
    Sts,
    /// Identity and Access Management.
    Iam,
    /// The Mechanical Turk requester API.
    MTurk,
    /// Simple Storage Service.
    S3,
}

impl Service {
    /// The name in a SigV4 credential scope.
    #[must_use]
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::MTurk => "mturk-requester",
            Self::S3 => "s3",
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which service was called.
    pub service: Service,
    /// `AssumeRole`, `GetRole`, `GetHIT`; empty when the call was refused before it said.
    pub action: String,
    /// The ARN of the session that called; absent when the call was not authenticated.
    pub caller: Option<String>,
    /// The error code of the answer; absent when the call was carried out, `dropped` when there was no answer.
    pub error_code: Option<String>,
    /// For `AssumeRole`: what was passed.
    pub assume_role: Option<AssumeRoleParameters>,
}

/// The parameters of an `AssumeRole`, exactly as they were received, valid or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRoleParameters {
    /// `RoleArn`.
    pub role_arn: Option<String>,
    /// `RoleSessionName`.
    pub role_session_name: Option<String>,
    /// `Policy`.
    pub policy: Option<String>,
    /// `DurationSeconds`.
    pub duration_seconds: Option<String>,
    /// `ExternalId`.
    pub external_id: Option<String>,
    /// `SourceIdentity`.
    pub source_identity: Option<String>,
    /// `Tags`, in order.
    pub tags: Vec<(String, String)>,
}

impl Call {
    pub(super) fn new(service: Service) -> Self {
        Self { service, action: String::new(), caller: None, error_code: None, assume_role: None }
    }

    /// Whether the call was carried out.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.error_code.is_none()
    }
}

/// Keeps the latest calls.
#[derive(Default)]
pub(super) struct Recorder(Mutex<VecDeque<Call>>);

impl Recorder {
    pub(super) fn record(&self, call: Call) {
        let mut calls = locked(&self.0);
        if calls.len() == KEPT_CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        locked(&self.0).iter().cloned().collect()
    }
}
