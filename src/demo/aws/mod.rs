//! The small AWS: STS, IAM, the Mechanical Turk requester API and S3, over the real protocols.
//!
//! It exists so that a demo needs no account and a test can show what is *refused*. So it is strict where it matters:
//! it verifies SigV4, checks every parameter of `AssumeRole`, and evaluates trust policy, identity policies, session
//! policy and boundary of every call. It must never be more lenient than AWS, and never ignore a parameter it does not
//! carry out. It keeps no list of sessions: as with the real STS, a session token carries its session, under a seal.
//!
//! A person finds the accounts at `/console`. All else is one endpoint for all services: S3 with a bucket in the path, and
//! `POST /` for the others. A call with `X-Amz-Target` is for the requester API, one with the version of IAM for IAM, others
//! for STS.

mod accounts;
mod asked;
mod assume_role;
mod calls;
mod checks;
mod console;
mod controls;
mod dropped;
mod fault;
mod form;
mod iam;
mod input;
mod marketplace;
mod money;
mod mturk;
mod principals;
mod printed;
mod propagation;
mod role;
mod s3;
mod seeds;
mod session;
mod settings;
mod signature;
mod stack;
mod sts;
#[cfg(test)]
mod tests;
mod troubles;
mod xml;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

pub use calls::{AssumeRoleParameters, Call, Service};
pub use marketplace::Marketplace;
pub use money::Money;
pub use printed::{PrintedError, PrintedRole};
pub use s3::Bucket;
pub use seeds::Theme;
pub use settings::{Account, BrokerIdentity, IamRole, ManagedPolicy, Settings, SettingsError};
pub use stack::StackError;
pub use troubles::{Closing, Lost, Requester};

use crate::ambient::{Clock, Random};
use accounts::Accounts;
use calls::Recorder;
use dropped::dropped;
use fault::Fault;
use propagation::Register;
use session::{Broker, Seal, Session};
use troubles::Troubles;

/// The largest body that is read. AWS allows more for some services; nothing here needs it.
const BODY_LIMIT_BYTES: usize = 256 * 1024;

/// A small AWS. Clones share everything.
#[derive(Clone)]
pub struct SmallAws(Arc<Inner>);

struct Inner {
    clock: Clock,
    random: Random,
    seal: Seal,
    broker: Broker,
    /// Every role, the broker's own included.
    register: Register,
    /// By account id.
    marketplaces: Mutex<BTreeMap<String, Marketplace>>,
    buckets: Mutex<s3::Buckets>,
    /// The templates of stacks, by account id.
    stacks: Mutex<BTreeMap<String, String>>,
    recorder: Recorder,
    troubles: Troubles,
}

impl SmallAws {
    /// The AWS that these settings describe.
    ///
    /// # Errors
    ///
    /// When an ARN or a policy in the settings is not one.
    pub fn new(settings: Settings, clock: Clock, random: Random) -> Result<Self, SettingsError> {
        let (seal, now) = (Seal::new(settings.sealing_key), clock.now());
        let (broker, role) = Broker::new(settings.broker, &seal, now)?;
        let mut roles = vec![role];
        let mut marketplaces = BTreeMap::new();
        let mut buckets = s3::Buckets::default();
        for account in settings.accounts {
            account.check()?;
            buckets.put(&account.id, account.buckets, now)?;
            roles.extend(account.roles);
            marketplaces.insert(account.id, account.marketplace);
        }
        let mut accounts = Accounts::default();
        accounts.put(&roles, now)?;
        Ok(Self(Arc::new(Inner {
            register: Register::new(accounts, clock.clone()),
            clock,
            random,
            seal,
            broker,
            marketplaces: Mutex::new(marketplaces),
            buckets: Mutex::new(buckets),
            stacks: Mutex::default(),
            recorder: Recorder::default(),
            troubles: Troubles::default(),
        })))
    }

    /// The endpoint, and the page for a person.
    pub fn router(&self) -> Router {
        let console = Router::new()
            .route("/console", get(console::show))
            .route("/console/stacks", post(console::make))
            .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES));
        Router::new().merge(console).fallback(enter).with_state(self.clone())
    }

    /// The latest calls, oldest first, refused ones included.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.recorder.calls()
    }

    /// What remains of the prepaid balance of an account.
    #[must_use]
    pub fn balance(&self, account: &str) -> Option<Money> {
        locked(&self.0.marketplaces).get(account).map(Marketplace::balance)
    }
}

impl fmt::Debug for SmallAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmallAws").field("broker", &self.0.broker).finish_non_exhaustive()
    }
}

/// One call as it came in, when, and what IAM knows at that moment.
struct Incoming {
    parts: Parts,
    body: Bytes,
    now: DateTime<Utc>,
    request_id: String,
    accounts: Arc<Accounts>,
}

/// Only S3 has addresses: everything else is posted to the root.
async fn enter(state: State<SmallAws>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match (parts.uri.path(), &parts.method) {
        _ if Service::is_s3(&parts) => {}
        ("/", &Method::POST) => {}
        ("/", _) => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    serve(state, Request::from_parts(parts, body)).await
}

async fn serve(State(aws): State<SmallAws>, request: Request) -> Response {
    let aws = &*aws.0;
    let (parts, body) = request.into_parts();
    let request_id = request_id(aws.random.bytes());
    let limit = if Service::is_s3(&parts) { s3::OBJECT_MAX_BYTES } else { BODY_LIMIT_BYTES };
    let Ok(body) = to_bytes(body, limit).await else {
        let service = Service::of(&parts, &[]);
        return response(service, Err(too_large(service)), &request_id);
    };
    let service = Service::of(&parts, &body);
    let mut call = Call::new(service);
    let lost = aws.lost(&mut call, &body);
    if lost == Some(Lost::OnTheWayThere) {
        return aws.hang_up(call);
    }
    let now = aws.clock.now() + aws.troubles.skew();
    let incoming = Incoming { parts, body, now, request_id, accounts: aws.register.look() };
    let outcome = answer(aws, service, &incoming, &mut call);
    if lost == Some(Lost::OnTheWayBack) {
        return aws.hang_up(call);
    }
    let (answer, error_code) = match outcome {
        Ok(answer) => (answer.with_id(service, &incoming.request_id), None),
        Err(Failure::Fault(fault)) => {
            let code = fault.code.to_string();
            (response(service, Err(fault), &incoming.request_id), Some(code))
        }
        Err(Failure::Dropped) => return aws.hang_up(call),
    };
    call.error_code = error_code;
    aws.recorder.record(call);
    dated(now, answer)
}

fn too_large(service: Service) -> Fault {
    match service {
        Service::S3 => s3::too_large(),
        _ => Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "Request is too large"),
    }
}

/// What a call that is carried out is answered with.
enum Answer {
    /// A document in the service's own format.
    Document(String),
    /// Whatever S3 answers.
    Whole(Response),
}

impl Answer {
    fn with_id(self, service: Service, request_id: &str) -> Response {
        match self {
            Self::Document(body) => response(service, Ok(body), request_id),
            Self::Whole(mut response) => {
                response.headers_mut().extend(id_header(service, request_id));
                response
            }
        }
    }
}

/// Why a call is not carried out.
enum Failure {
    Fault(Fault),
    /// Nobody says.
    Dropped,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn answer(aws: &Inner, service: Service, incoming: &Incoming, call: &mut Call) -> Result<Answer, Failure> {
    if aws.troubles.throttles(service) {
        return Err(Fault::throttling(service).into());
    }
    match service {
        Service::Sts => Ok(Answer::Document(sts::answer(aws, incoming, call)?)),
        Service::Iam => Ok(Answer::Document(iam::answer(aws, incoming, call)?)),
        Service::MTurk => mturk::answer(aws, incoming, call).map(Answer::Document),
        Service::S3 => Ok(Answer::Whole(s3::answer(aws, incoming, call)?)),
    }
}

impl Inner {
    /// Where this call is lost, if it is.
    fn lost(&self, call: &mut Call, body: &[u8]) -> Option<Lost> {
        let action = iam::action(body).filter(|_| call.service == Service::Iam)?;
        let lost = self.troubles.loses(&action)?;
        call.action = action;
        Some(lost)
    }

    /// No answer to a call.
    fn hang_up(&self, call: Call) -> Response {
        self.recorder.record(Call { error_code: Some("dropped".to_owned()), ..call });
        dropped().into_response()
    }

    /// Who signed this call, for which region.
    fn authenticate(&self, incoming: &Incoming, service: Service) -> Result<(Session, String), signature::Refusal> {
        let signed = signature::Signed::parse(incoming, service)?;
        let (id, token) = (signed.access_key_id.as_str(), signed.token.as_deref());
        let opened = match self.broker.secret(id, token) {
            Some(secret) => {
                let role = incoming.accounts.role(self.broker.role_arn().as_str());
                role.map(|role| (self.broker.session(&role.id), secret))
            }
            None => self.seal.open(id, token),
        };
        let (session, secret) = opened
            .filter(|(session, _)| incoming.accounts.role_of(session).is_some())
            .ok_or(signature::Refusal::InvalidToken)?;
        signed.verify(incoming, &secret)?;
        if session.expires_at.is_some_and(|expires_at| expires_at <= incoming.now) {
            return Err(signature::Refusal::ExpiredToken);
        }
        Ok((session, signed.region))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn response(service: Service, outcome: Result<String, Fault>, request_id: &str) -> Response {
    let mut headers = HeaderMap::new();
    let (status, body) = match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err(fault) => {
            headers.extend(fault.region().map(|region| (HeaderName::from_static("x-amz-bucket-region"), region)));
            (fault.status, fault.body(service, request_id))
        }
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(service.content_type()));
    headers.extend(id_header(service, request_id));
    (status, headers, body).into_response()
}

/// The name of a call, in the header that a service has for it.
fn id_header(service: Service, request_id: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = if service == Service::S3 { "x-amz-request-id" } else { "x-amzn-requestid" };
    Some((HeaderName::from_static(name), HeaderValue::from_str(request_id).ok()?))
}

/// An answer says what time it is at AWS (RFC 9110, section 6.6.1).
fn dated(now: DateTime<Utc>, mut response: Response) -> Response {
    if let Ok(date) = HeaderValue::from_str(&now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

/// Random bytes in the form of a UUID, as AWS gives its requests.
fn request_id(bytes: [u8; 16]) -> String {
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
