//! Amazon S3 over REST, with the bucket in the path: `/{bucket}/{key}`. A bucket's own host, which AWS prefers, is not to be
//! had on one machine.
//!
//! Every call is authorised by the action that IAM has for it, on the bucket or the object. What a demo can show is carried
//! out: listing, fetching, putting, deleting, and where a bucket is. The rest answers, to a caller who may, that it is not;
//! a parameter or a header that is not carried out is refused and never passed over. Bodies come whole and with their hash:
//! `UNSIGNED-PAYLOAD` and `aws-chunked`, which AWS takes, are refused.
//!
//! Source: Amazon S3 API reference; User Guide, "Troubleshoot access denied (403 Forbidden) errors".

mod bucket;
mod checksum;
mod listing;
mod object;
mod target;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use axum::response::Response;

pub use bucket::Bucket;
use bucket::Kept;
pub(super) use bucket::{Buckets, OBJECT_MAX_BYTES};
use target::{Carried, Target};

use super::calls::{Call, Service};
use super::fault::{Fault, denial};
use super::session::Session;
use super::signature::Refusal;
use super::xml::element;
use super::{Failure, Incoming, Inner, locked};
use crate::domain::policy::Context;

/// The XML namespace of every answer that is no error.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Answers one call.
pub(super) fn answer(aws: &Inner, incoming: &Incoming, call: &mut Call) -> Result<Response, Failure> {
    let (session, region) = aws.authenticate(incoming, Service::S3).map_err(|refusal| unknown(refusal, incoming))?;
    call.caller = Some(session.arn());
    let target = Target::of(&incoming.parts)?;
    target.action.clone_into(&mut call.action);
    let asked = Asked { incoming, session: &session, region: &region, target: &target };
    let mut buckets = locked(&aws.buckets);
    let Some(name) = target.bucket.as_deref() else {
        asked.authorise(target.action, "*", &asked.context(None))?;
        return Err(target.not_carried_out().into());
    };
    let kept = buckets.get(name).ok_or_else(|| no_such_bucket(name))?;
    asked.check_region(kept)?;
    // What a bucket of another account allows stands in its own policy, and none here has one.
    if kept.account != session.role_arn.account() {
        return Err(denied("Access Denied".to_owned()).into());
    }
    asked.authorise(target.action, &target.resource(), &asked.context(Some(kept)))?;
    let carried = target.carried_out(&incoming.parts.headers)?;
    let answer = match (carried, target.key.as_deref()) {
        (Carried::List, _) => document(&listing::list(&kept.bucket, &target)?),
        (Carried::Location, _) => document(&location(&kept.bucket)),
        (Carried::Head, None) => reply(StatusCode::OK, &[("x-amz-bucket-region", &kept.bucket.region)], Vec::new()),
        (Carried::Fetch | Carried::Head, Some(key)) => {
            let object = kept.bucket.object(key).ok_or_else(|| asked.missing(kept, key))?;
            object::fetch(object, &incoming.parts.headers)?
        }
        (Carried::Put, Some(key)) => object::put(&mut buckets, name, key, incoming)?,
        (Carried::Delete, Some(key)) => {
            buckets.delete(name, key);
            reply(StatusCode::NO_CONTENT, &[], Vec::new())
        }
        _ => return Err(target.not_carried_out().into()),
    };
    Ok(answer)
}

/// One authenticated call.
struct Asked<'a> {
    incoming: &'a Incoming,
    session: &'a Session,
    region: &'a str,
    target: &'a Target,
}

impl Asked<'_> {
    /// The condition keys that the call carries.
    fn context(&self, kept: Option<&Kept>) -> Context {
        let mut context = self
            .session
            .context(self.incoming.now, self.region)
            .with("aws:SecureTransport", "false")
            .with("s3:authType", "REST-HEADER")
            .with("s3:signatureversion", "AWS4-HMAC-SHA256");
        if let Some(kept) = kept {
            context = context.with("s3:ResourceAccount", &kept.account).with("aws:ResourceAccount", &kept.account);
        }
        let of_list = ["prefix", "delimiter", "max-keys"].into_iter().filter(|_| self.target.is_list());
        for name in of_list {
            if let Some(value) = self.target.parameter(name) {
                context = context.with(&format!("s3:{name}"), value);
            }
        }
        context
    }

    fn authorise(&self, action: &str, resource: &str, context: &Context) -> Result<(), Fault> {
        let access = self.incoming.accounts.decide(self.session, None, action, resource, context);
        let quoted = format!("\"{resource}\"");
        denial(access, &self.session.arn(), action, Some(&quoted)).map_or(Ok(()), |message| Err(denied(message)))
    }

    /// Each region has an endpoint of its own, and here the signature says which is meant.
    fn check_region(&self, kept: &Kept) -> Result<(), Fault> {
        let own = &kept.bucket.region;
        if own == self.region {
            return Ok(());
        }
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send \
                       all future requests to this endpoint.";
        let fault = Fault::new(StatusCode::MOVED_PERMANENTLY, "PermanentRedirect", message);
        let name = &kept.bucket.name;
        let endpoint = format!("s3.{own}.amazonaws.com");
        Err(fault.with("Endpoint", endpoint).with("Bucket", name).with("Region", own))
    }

    /// Of a key that is not there. Who may not list the whole bucket does not learn that it is not.
    fn missing(&self, kept: &Kept, key: &str) -> Fault {
        let bucket = format!("arn:aws:s3:::{}", kept.bucket.name);
        match self.authorise("s3:ListBucket", &bucket, &self.context(Some(kept))) {
            Err(fault) => fault,
            Ok(()) => {
                Fault::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.").with("Key", key)
            }
        }
    }
}

/// Why a caller is not known. S3 has a word for an access key id without its token.
fn unknown(refusal: Refusal, incoming: &Incoming) -> Fault {
    let has_token = incoming.parts.headers.contains_key("x-amz-security-token");
    if refusal == Refusal::InvalidToken && !has_token {
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        return Fault::new(StatusCode::FORBIDDEN, "InvalidAccessKeyId", message);
    }
    refusal.fault(Service::S3)
}

fn denied(message: String) -> Fault {
    Fault::new(StatusCode::FORBIDDEN, "AccessDenied", message)
}

fn no_such_bucket(name: &str) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist").with("BucketName", name)
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
}

/// Something that this S3 does not do.
fn not_implemented(what: &str) -> Fault {
    let message = format!("The demo does not carry out {what}.");
    Fault::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
}

/// A body that is larger than this S3 takes.
pub(super) fn too_large() -> Fault {
    let fault =
        Fault::new(StatusCode::BAD_REQUEST, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
    fault.with("MaxSizeAllowed", OBJECT_MAX_BYTES.to_string())
}

/// In the first region the answer is empty, as it was when there was no other.
fn location(bucket: &Bucket) -> String {
    let text = if bucket.region == bucket::FIRST_REGION { "" } else { &bucket.region };
    element("LocationConstraint", text).replacen('>', &format!(" xmlns=\"{NAMESPACE}\">"), 1)
}

fn document(xml: &str) -> Response {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}");
    reply(StatusCode::OK, &[(CONTENT_TYPE.as_str(), "application/xml")], text.into_bytes())
}

/// An answer; a header that cannot be one is left out.
fn reply(status: StatusCode, headers: &[(&'static str, &str)], body: Vec<u8>) -> Response {
    let length = body.len();
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        answer.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    answer
}
