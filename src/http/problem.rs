//! The one mapper from what went wrong to what is answered (RFC 9457).
//!
//! What kinds there are, with which statuses and what each means, is in [`Kind`].
//!
//! `fresh-sign-in-needed` and `mfa-needed` come with a challenge that says what sign-in would do (RFC 9470). Their status is
//! 403 and not that RFC's 401, which here means that there is no session.
//!
//! A body never says more than its sentence: no upstream text, no ARN, no name of a lab the caller did not name.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub use super::kinds::Kind;
use super::refused::{self, Said};
use super::refused_sign_in;
use crate::app::desk::DeskError;
use crate::app::{Error, LabError};
use crate::console;
use crate::domain::access::Denied;
use crate::domain::ledger::Failure;
use crate::domain::limits::SignInAge;
use crate::telemetry::chain;
use crate::wire;

/// An error on its way out. It becomes a body in `render`, where the request is known.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: Kind,
    title: &'static str,
    detail: String,
    /// In a box: few problems have any, and every handler that can fail carries the room for it.
    more: Box<More>,
}

/// What some problems have beside their sentence.
#[derive(Clone, Debug, Default)]
struct More {
    /// What kind of sign-in would help.
    challenge: Option<String>,
    /// What the log and the ledger call it.
    reference: Option<String>,
    /// Where to begin again.
    again: Option<String>,
    /// In how many seconds to try again.
    retry_after: Option<u32>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: Kind, title: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(kind.statuses().contains(&status), "{kind:?} does not come with {status}");
        Self { status, kind, title, detail: detail.into(), more: Box::default() }
    }

    /// The parts, for tests of who makes them.
    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(super) fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// What is said of it.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same for which a sign-in that is newer or stronger would help.
    pub(super) fn step_up(mut self, max_age: Option<SignInAge>, mfa: bool) -> Self {
        let mut challenge = "Bearer realm=\"lodge\", error=\"insufficient_user_authentication\"".to_owned();
        if mfa {
            challenge.push_str(", acr_values=\"mfa\"");
        }
        if let Some(most) = max_age {
            challenge = format!("{challenge}, max_age=\"{}\"", most.seconds());
        }
        self.more.challenge = Some(challenge);
        self
    }

    /// The same, for which waiting so many seconds would help.
    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.more.retry_after = Some(seconds);
        self
    }

    /// The same, with what the log and the ledger call it, and where to begin again.
    pub(super) fn with_reference(mut self, reference: String, again: Option<String>) -> Self {
        (self.more.reference, self.more.again) = (Some(reference), again);
        self
    }

    /// The same, with where to begin again.
    pub(super) fn again_at(mut self, again: String) -> Self {
        self.more.again = Some(again);
        self
    }

    /// The request is not one of this API's.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Kind::MalformedRequest, "The request is malformed", detail)
    }

    /// A fault of ours.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Internal,
            "Something went wrong in the broker",
            "Nothing was issued. Please tell whoever runs this broker, with the request id.",
        )
    }

    /// The problem for an error of which only the status is known.
    fn of_status(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::METHOD_NOT_ALLOWED => "This address does not take that method.",
            StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than anything this broker takes.",
            StatusCode::SERVICE_UNAVAILABLE => return Self::unavailable("It took too long. Try again in a moment."),
            _ if status.is_server_error() => return Self::internal(),
            _ => "Something in the address, the headers or the body cannot be read.",
        };
        Self { status, ..Self::malformed(detail) }
    }

    pub(super) fn unavailable(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Kind::Unavailable, "The broker cannot do this right now", detail)
    }

    /// One address asks more often than anybody needs to.
    #[must_use]
    pub fn slow_down() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            Kind::SlowDown,
            "Too many requests",
            "More was asked from your address than anybody needs. Wait a moment, then go on.",
        )
    }

    /// A change that does not say which revision it was made from.
    #[must_use]
    pub fn revision_needed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            Kind::RevisionNeeded,
            "Which revision?",
            "Name the revision that you looked at, as its ETag: If-Match: \"3\".",
        )
    }

    /// There is no such lab, as far as the caller is to know.
    #[must_use]
    pub fn no_such_lab() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            Kind::NoSuchLab,
            "No such lab",
            "There is no lab of that name that you belong to. Check the spelling; `lodge status` lists your labs.",
        )
    }

    /// Nothing of ours has this address.
    #[must_use]
    pub fn no_such_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, Kind::NoSuchPage, "There is no such page", "Check the address.")
    }

    /// A change that does not come from a page of ours.
    #[must_use]
    pub fn foreign_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            Kind::ForeignForm,
            "That did not come from a page of this broker",
            "Open the page again and use the button on it.",
        )
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        match error {
            Error::SignInNeeded => Self::new(
                StatusCode::UNAUTHORIZED,
                Kind::SignInNeeded,
                "You are not signed in",
                "There is no session, or it has ended. Sign in again: `lodge login`.",
            ),
            Error::Suspended => refused::suspended(),
            Error::Denied(Denied::NoSuchLab) => Self::no_such_lab(),
            Error::Denied(Denied::StandingNeeded(needed)) => Self::new(
                StatusCode::FORBIDDEN,
                Kind::StandingNeeded,
                "You may not do this in this lab",
                format!("This takes the standing of {needed} at least. The lab's PIs give it."),
            ),
            Error::Denied(Denied::FreshSignInNeeded(most)) => {
                let what = match *most {
                    SignInAge::SPENDING => "A change that can give somebody more",
                    _ => "Changing something in a lab",
                };
                let why = format!("{what} takes a sign-in that is at most {most} old.");
                refused::fresh_sign_in_needed(&why, *most)
            }
            Error::Denied(Denied::MfaNeeded(max_age)) => refused::operator_mfa_needed(*max_age),
            Error::Desk(error) => at_desk(error),
            Error::Lab(error) => in_lab(error),
            Error::Refused { refusal, max_age, again, connection, group_claim, groups } => {
                let said = Said { connection, claim: group_claim, groups };
                match again {
                    Some((at, seconds)) => refused::cut_off(*at, *seconds),
                    None => refused::problem(*refusal, *max_age, &said),
                }
            }
            Error::Aws(error) => no_credential(error.failure),
            Error::Policy(_) | Error::Task => Self::internal(),
            Error::SignIn(error) => refused_sign_in::problem(error),
            Error::NoSuchConnection | Error::Denied(Denied::NotAnOperator) => Self::no_such_page(),
            Error::NoSuchSession => Self::new(
                StatusCode::NOT_FOUND,
                Kind::NoSuchSession,
                "There is no such session",
                "It has ended already, or it is not yours.",
            ),
            Error::LogoutToken => Self::malformed("The logout token does not hold."),
            Error::ProviderAway => Self::unavailable("The provider's keys cannot be had. Try again in a moment."),
            Error::Busy => {
                Self::unavailable("Many people are signing in at this moment. Wait a moment, then begin again.")
            }
            Error::HelperLogin(error) => Self::malformed(format!("This is not a helper's request: {error}.")),
            Error::Store(_) => Self::unavailable(
                "Its database is not available, and nothing is issued without a record. Try again in a moment.",
            ),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = Self::from(&error);
        // Logged here, once, with everything behind it. What is the caller's own doing was logged where it was decided.
        if matches!(&error, Error::SignIn(_)) {
            // Noted where it was refused.
        } else if matches!(&error, Error::Store(error) if error.is_away()) {
            // The store has said so once, when it began.
            tracing::debug!(problem = problem.kind.name(), "{}", chain(&error));
        } else if problem.status.is_server_error() || problem.status == StatusCode::FAILED_DEPENDENCY {
            tracing::error!(problem = problem.kind.name(), "{}", chain(&error));
        }
        problem
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        Error::from(error).into()
    }
}

fn at_desk(error: &DeskError) -> Problem {
    let (status, kind, title, detail) = match error {
        DeskError::NoSuchLab => {
            (StatusCode::NOT_FOUND, Kind::NoSuchLab, "No such lab", "There is no lab of that name.".to_owned())
        }
        DeskError::NoSuchPerson => {
            (StatusCode::NOT_FOUND, Kind::NoSuchPerson, "No such person", "Nobody has that id.".to_owned())
        }
        DeskError::NoSuchPack(_) | DeskError::Pack(..) | DeskError::NoSuchParameter(_) => (
            StatusCode::BAD_REQUEST,
            Kind::CannotBe,
            "A lab cannot be like that",
            format!("{}.", capitalised(&error.to_string())),
        ),
        DeskError::NameTaken | DeskError::Already(_) | DeskError::Oneself => (
            StatusCode::CONFLICT,
            Kind::Conflict,
            "That does not fit what is there",
            format!("{}.", capitalised(&error.to_string())),
        ),
        DeskError::Store(_) => return Problem::internal(),
    };
    Problem::new(status, kind, title, detail)
}

fn in_lab(error: &LabError) -> Problem {
    let (status, kind, title) = match error {
        LabError::NoSuchMapping
        | LabError::NoSuchRevision
        | LabError::NoSuchChange
        | LabError::NoSuchPerson
        | LabError::NoSuchCheck
        | LabError::NoSuchCutOff
        | LabError::RoleNotHere => (StatusCode::NOT_FOUND, Kind::NotInLab, "There is no such thing in this lab"),
        LabError::NoSuchInvitation => (StatusCode::NOT_FOUND, Kind::InvitationOver, "This invitation is not good"),
        LabError::RoleName(_) | LabError::NoSuchTemplate | LabError::Fill(_) => {
            (StatusCode::BAD_REQUEST, Kind::CannotBe, "A role cannot be like that")
        }
        LabError::NoSuchRole | LabError::UnknownConnection(_) | LabError::Group(_) | LabError::Terms(_) => {
            (StatusCode::BAD_REQUEST, Kind::CannotBe, "A mapping cannot be like that")
        }
        LabError::Limit(_) => (StatusCode::BAD_REQUEST, Kind::CannotBe, "A limit cannot be like that"),
        LabError::TooManyCalledSo => (StatusCode::BAD_REQUEST, Kind::CannotBe, "Who is meant?"),
        LabError::AlreadyMapped(_) | LabError::AlreadyEnded | LabError::AuthorGone | LabError::LastPi => {
            (StatusCode::CONFLICT, Kind::Conflict, "That does not fit what is there")
        }
        LabError::NoStack(_)
        | LabError::NothingIssued
        | LabError::HoldsNobody
        | LabError::RoleTaken
        | LabError::RoleInUse(_)
        | LabError::TooManyRoles(_)
        | LabError::TooMuch(_) => (StatusCode::CONFLICT, Kind::Conflict, "That does not fit what is there"),
        LabError::OwnChange | LabError::WidensOwnRole | LabError::HeldOneself => {
            (StatusCode::FORBIDDEN, Kind::StandingNeeded, "You may not do this in this lab")
        }
        LabError::KeyReused => {
            (StatusCode::UNPROCESSABLE_ENTITY, Kind::IdempotencyKeyReused, "That key was used for another request")
        }
        LabError::ChangedMeanwhile | LabError::RoleChangedMeanwhile => {
            (StatusCode::PRECONDITION_FAILED, Kind::ChangedMeanwhile, "Somebody else has changed it meanwhile")
        }
    };
    let next = match error {
        LabError::NoSuchInvitation => " Ask whoever sent it for a new one.",
        LabError::ChangedMeanwhile | LabError::RoleChangedMeanwhile => " Look at it again, and decide again.",
        _ => "",
    };
    Problem::new(status, kind, title, format!("{}.{next}", capitalised(&error.to_string())))
}

impl Problem {
    /// What cannot be done in a lab, as a sentence.
    pub(super) fn of_lab(error: &LabError) -> String {
        in_lab(error).detail
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn no_credential(failure: Failure) -> Problem {
    match failure {
        Failure::Denied => Problem::new(
            StatusCode::FAILED_DEPENDENCY,
            Kind::LabAccountRefused,
            "The lab's AWS role refused the broker",
            "Nobody in this lab can get credentials until its PI has the role in the lab's AWS account set right. \
             Please tell them.",
        ),
        Failure::Rejected => Problem::new(
            StatusCode::FAILED_DEPENDENCY,
            Kind::LabAccountRejected,
            "AWS did not accept the request for this lab",
            "The role in the lab's AWS account does not take what this role asks for, often a maximum session duration \
             that is too short. Please tell the lab's PI.",
        ),
        Failure::Identity => {
            Problem::unavailable("AWS does not accept the broker itself. Whoever runs it was told; try again later.")
        }
        Failure::Throttled => Problem::unavailable("AWS asked the broker to slow down. Try again in a moment."),
        Failure::Unreachable => Problem::unavailable("AWS did not answer. Try again in a moment."),
        Failure::TooLarge
        | Failure::Mismatch
        | Failure::Policy
        | Failure::Interrupted
        | Failure::CutOff
        | Failure::MappingEnded => Problem::internal(),
    }
}

/// The answer for every path that is not in the table.
pub async fn no_such_page() -> Problem {
    Problem::no_such_page()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lodge\""));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if let Some(seconds) = self.more.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let challenge = self.more.challenge.as_deref().and_then(|challenge| HeaderValue::from_str(challenge).ok());
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// An error that a layer or the framework made, in words of its own or none.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    (status.is_client_error() || status.is_server_error())
        && content_type.is_none_or(|value| value.as_bytes().starts_with(b"text/plain"))
}

/// Gives a problem its body: a page for a browser, JSON for everybody else. The request's id is in it when only the
/// operator can look further, unless it has a reference of its own.
pub(super) fn render(mut response: Response, request_id: &str, for_browser: bool) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_bare_error(&response) => Problem::of_status(response.status()),
        None => return response,
    };
    let by_id = problem.status.is_server_error() && problem.more.reference.is_none();
    let request_id = by_id.then(|| request_id.to_owned());
    let body = if for_browser {
        let look_up =
            console::LookUp { request_id: request_id.as_deref(), reference: problem.more.reference.as_deref() };
        console::problem(problem.title, &problem.detail, look_up, problem.more.again.as_deref()).into_response()
    } else {
        let body = wire::Problem {
            kind: problem.kind.urn(),
            title: problem.title.to_owned(),
            status: problem.status.as_u16(),
            detail: problem.detail,
            request_id,
            reference: problem.more.reference,
        };
        ([(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
    };
    let (parts, body) = body.into_parts();
    if let Some(content_type) = parts.headers.get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
    }
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rendered(response: Response, for_browser: bool) -> (StatusCode, String, String) {
        let response = render(response, "req-x", for_browser);
        let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 65_536).await.unwrap();
        (status, content_type, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn every_error_has_one_form() {
        let bare = (StatusCode::PAYLOAD_TOO_LARGE, "length limit exceeded").into_response();
        let (status, content_type, body) = rendered(bare, false).await;
        assert_eq!((status, content_type.as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "application/problem+json"));
        assert!(body.contains("malformed-request") && !body.contains("length limit"), "{body}");

        let (status, content_type, body) = rendered(Problem::internal().into_response(), true).await;
        assert_eq!((status, content_type.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "text/html; charset=utf-8"));
        assert!(body.contains("req-x"), "{body}");
    }

    #[tokio::test]
    async fn an_answer_in_a_protocol_of_its_own_is_left_alone() {
        let refusal = (StatusCode::BAD_REQUEST, Json(serde_json::json!({"error": "invalid_grant"}))).into_response();
        assert_eq!(rendered(refusal, true).await.2, r#"{"error":"invalid_grant"}"#);

        let fine = (StatusCode::OK, "ready").into_response();
        assert_eq!(rendered(fine, false).await.2, "ready");
    }

    #[test]
    fn a_fault_of_ours_says_nothing_of_itself() {
        let problem = Problem::from(&Error::Policy("there is no template `secret/name`".into()));

        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.detail.contains("template"));
    }
}
