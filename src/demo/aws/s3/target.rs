//! What a request means: the bucket and the key, the action that IAM has for it, and whether it is carried out.

use std::borrow::Cow;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use url::form_urlencoded;

use super::super::fault::Fault;
use super::not_implemented;

/// The longest key, in bytes. Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
const KEY_MAX_BYTES: usize = 1_024;

/// What a request is about.
pub(super) struct Target {
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    /// `s3:GetObject`.
    pub(super) action: &'static str,
    carried: Option<Carried>,
    parameters: Vec<(String, String)>,
}

/// What this S3 carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    List,
    Location,
    Head,
    Fetch,
    Put,
    Delete,
}

/// Parts of a bucket or of an object that have actions of their own: the parameter that names the part, whether it is one of
/// an object, the method, the action. The others, of which there are many, are not carried out for anybody.
const PARTS: [(&str, bool, &Method, &str); 22] = [
    ("acl", false, &Method::GET, "s3:GetBucketAcl"),
    ("acl", false, &Method::PUT, "s3:PutBucketAcl"),
    ("acl", true, &Method::GET, "s3:GetObjectAcl"),
    ("acl", true, &Method::PUT, "s3:PutObjectAcl"),
    ("policy", false, &Method::DELETE, "s3:DeleteBucketPolicy"),
    ("policy", false, &Method::GET, "s3:GetBucketPolicy"),
    ("policy", false, &Method::PUT, "s3:PutBucketPolicy"),
    ("publicAccessBlock", false, &Method::GET, "s3:GetBucketPublicAccessBlock"),
    ("publicAccessBlock", false, &Method::PUT, "s3:PutBucketPublicAccessBlock"),
    ("replication", false, &Method::PUT, "s3:PutReplicationConfiguration"),
    ("tagging", true, &Method::GET, "s3:GetObjectTagging"),
    ("tagging", true, &Method::PUT, "s3:PutObjectTagging"),
    ("uploadId", true, &Method::DELETE, "s3:AbortMultipartUpload"),
    ("uploadId", true, &Method::GET, "s3:ListMultipartUploadParts"),
    ("uploadId", true, &Method::POST, "s3:PutObject"),
    ("uploadId", true, &Method::PUT, "s3:PutObject"),
    ("uploads", false, &Method::GET, "s3:ListBucketMultipartUploads"),
    ("uploads", true, &Method::POST, "s3:PutObject"),
    ("versionId", true, &Method::DELETE, "s3:DeleteObjectVersion"),
    ("versionId", true, &Method::GET, "s3:GetObjectVersion"),
    ("versioning", false, &Method::PUT, "s3:PutBucketVersioning"),
    ("versions", false, &Method::GET, "s3:ListBucketVersions"),
];

/// Parameters that change nothing: SDKs say with it which operation they mean.
const IGNORED: [&str; 1] = ["x-id"];

/// Parameters of `ListObjectsV2`.
const OF_LIST: [&str; 7] =
    ["list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type"];

impl Target {
    /// Reads a request, whoever sends it.
    pub(super) fn of(parts: &Parts) -> Result<Self, Fault> {
        let (bucket, key) = place(parts.uri.path())?;
        let parameters: Vec<(String, String)> =
            form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .filter(|(name, _)| !IGNORED.contains(&name.as_str()))
                .collect();
        let has = |name: &str| parameters.iter().any(|(known, _)| known == name);
        let part = PARTS
            .iter()
            .find(|(name, of_object, method, _)| has(name) && *of_object == key.is_some() && **method == parts.method);
        let (action, carried) = match (part, &parts.method, &bucket, &key) {
            (Some((.., action)), ..) => (*action, None),
            (None, &Method::GET, None, None) => ("s3:ListAllMyBuckets", None),
            (None, &Method::GET, Some(_), None) if has("location") => ("s3:GetBucketLocation", Some(Carried::Location)),
            (None, &Method::GET, Some(_), None) if only(&parameters, &OF_LIST) => {
                ("s3:ListBucket", has("list-type").then_some(Carried::List))
            }
            (None, &Method::HEAD, Some(_), None) => ("s3:ListBucket", Some(Carried::Head)),
            (None, &Method::PUT, Some(_), None) if parameters.is_empty() => ("s3:CreateBucket", None),
            (None, &Method::DELETE, Some(_), None) if parameters.is_empty() => ("s3:DeleteBucket", None),
            (None, &Method::GET, Some(_), Some(_)) if parameters.is_empty() => ("s3:GetObject", Some(Carried::Fetch)),
            (None, &Method::HEAD, Some(_), Some(_)) if parameters.is_empty() => ("s3:GetObject", Some(Carried::Head)),
            (None, &Method::PUT, Some(_), Some(_)) if parameters.is_empty() => ("s3:PutObject", Some(Carried::Put)),
            (None, &Method::DELETE, Some(_), Some(_)) if parameters.is_empty() => {
                ("s3:DeleteObject", Some(Carried::Delete))
            }
            _ => return Err(not_implemented("this operation")),
        };
        Ok(Self { bucket, key, action, carried, parameters })
    }

    /// The ARN of what it is on.
    pub(super) fn resource(&self) -> String {
        let bucket = self.bucket.as_deref().unwrap_or_default();
        let key = self.key.as_deref().map(|key| format!("/{key}")).unwrap_or_default();
        format!("arn:aws:s3:::{bucket}{key}")
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it lists keys, and so carries the condition keys of that.
    pub(super) fn is_list(&self) -> bool {
        self.key.is_none() && matches!(self.action, "s3:ListBucket" | "s3:ListBucketVersions")
    }

    /// What is to be done, once it is allowed: unless something in it is not carried out.
    pub(super) fn carried_out(&self, headers: &HeaderMap) -> Result<Carried, Fault> {
        let carried = self.carried.ok_or_else(|| self.not_carried_out())?;
        let mut names: Vec<&str> = self.parameters.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if !names.is_sorted_by(|one, next| one < next) {
            return Err(not_implemented("a parameter that is there twice"));
        }
        match headers.keys().find(|name| !is_understood(name.as_str(), carried)) {
            Some(name) => Err(not_implemented(&format!("the header {name}"))),
            None => Ok(carried),
        }
    }

    pub(super) fn not_carried_out(&self) -> Fault {
        not_implemented(&format!("{} in this form", self.action))
    }
}

fn only(parameters: &[(String, String)], known: &[&str]) -> bool {
    parameters.iter().all(|(name, _)| known.contains(&name.as_str()))
}

/// Bucket and key of a path.
fn place(path: &str) -> Result<(Option<String>, Option<String>), Fault> {
    let invalid = || Fault::new(StatusCode::BAD_REQUEST, "InvalidURI", "Couldn't parse the specified URI.");
    let decoded = decode(path.strip_prefix('/').unwrap_or(path)).ok_or_else(invalid)?;
    let (bucket, key) = decoded.split_once('/').unwrap_or((&decoded, ""));
    if key.len() > KEY_MAX_BYTES {
        return Err(Fault::new(StatusCode::BAD_REQUEST, "KeyTooLongError", "Your key is too long"));
    }
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    if bucket.is_empty() && !key.is_empty() {
        return Err(invalid());
    }
    Ok((some(bucket), some(key)))
}

/// Percent-decoded; in a path a plus sign is one.
fn decode(path: &str) -> Option<String> {
    let plus = path.replace('+', "%2B");
    // As a value of a form, in which nothing ends it.
    let escaped = plus.replace('&', "%26").replace('=', "%3D");
    let is_well_formed = escaped
        .split('%')
        .skip(1)
        .all(|rest| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    let text: Cow<'_, str> =
        form_urlencoded::parse(escaped.as_bytes()).next().map_or(Cow::Borrowed(""), |(name, _)| name);
    (is_well_formed && !text.contains('\u{fffd}')).then(|| text.into_owned())
}

/// Whether a header means nothing to S3, or what is done.
fn is_understood(name: &str, carried: Carried) -> bool {
    match name {
        "range" | "x-amz-checksum-mode" => matches!(carried, Carried::Fetch | Carried::Head),
        "x-amz-checksum-crc32" | "x-amz-sdk-checksum-algorithm" => carried == Carried::Put,
        "content-encoding"
        | "content-md5"
        | "content-disposition"
        | "content-language"
        | "cache-control"
        | "expires" => carried != Carried::Put,
        "if-match" | "if-none-match" | "if-modified-since" | "if-unmodified-since" => false,
        _ if name.starts_with("x-amz-") => {
            matches!(name, "x-amz-date" | "x-amz-content-sha256" | "x-amz-security-token" | "x-amz-user-agent")
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn target(method: Method, uri: &str) -> Result<Target, Fault> {
        let (parts, ()) = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
        Target::of(&parts)
    }

    #[test]
    fn every_request_has_the_action_that_iam_has_for_it() {
        for (method, uri, action, resource, carried) in [
            (Method::GET, "/b?list-type=2&prefix=a%2F", "s3:ListBucket", "b", Some(Carried::List)),
            (Method::GET, "/b/?list-type=2", "s3:ListBucket", "b", Some(Carried::List)),
            (Method::GET, "/b?prefix=a%2F", "s3:ListBucket", "b", None),
            (Method::GET, "/b?location", "s3:GetBucketLocation", "b", Some(Carried::Location)),
            (Method::HEAD, "/b", "s3:ListBucket", "b", Some(Carried::Head)),
            (Method::GET, "/b/a/%C3%A9+%2B%26=c?x-id=GetObject", "s3:GetObject", "b/a/é++&=c", Some(Carried::Fetch)),
            (Method::HEAD, "/b/k", "s3:GetObject", "b/k", Some(Carried::Head)),
            (Method::PUT, "/b/k", "s3:PutObject", "b/k", Some(Carried::Put)),
            (Method::DELETE, "/b/k", "s3:DeleteObject", "b/k", Some(Carried::Delete)),
            (Method::PUT, "/b/k?acl", "s3:PutObjectAcl", "b/k", None),
            (Method::PUT, "/b?policy", "s3:PutBucketPolicy", "b", None),
            (Method::GET, "/b/k?versionId=1", "s3:GetObjectVersion", "b/k", None),
            (Method::DELETE, "/b/k?versionId=1", "s3:DeleteObjectVersion", "b/k", None),
            (Method::POST, "/b/k?uploads", "s3:PutObject", "b/k", None),
            (Method::PUT, "/b/k?partNumber=1&uploadId=2", "s3:PutObject", "b/k", None),
            (Method::DELETE, "/b/k?uploadId=2", "s3:AbortMultipartUpload", "b/k", None),
            (Method::PUT, "/b", "s3:CreateBucket", "b", None),
        ] {
            let target = target(method, uri).unwrap_or_else(|fault| panic!("{uri}: {}", fault.message));

            assert_eq!((target.action, target.resource()), (action, format!("arn:aws:s3:::{resource}")), "{uri}");
            assert_eq!(target.carried, carried, "{uri}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_taken_for_something_else() {
        for (method, uri) in [
            (Method::PUT, "/b/k?retention"),
            (Method::GET, "/b/k?partNumber=1"),
            (Method::GET, "/b?inventory"),
            (Method::GET, "/b?list-type=2&fetch-owner=true"),
            (Method::POST, "/b?delete"),
            (Method::PATCH, "/b/k"),
        ] {
            assert_eq!(target(method, uri).err().unwrap().code, "NotImplemented", "{uri}");
        }
        for uri in ["/b/%ff", "/b/%2", "/b/%zz", "//k"] {
            assert_eq!(target(Method::GET, uri).err().unwrap().code, "InvalidURI", "{uri}");
        }
        let long = format!("/b/{}", "k".repeat(1_025));
        assert_eq!(target(Method::GET, &long).err().unwrap().code, "KeyTooLongError");
    }

    #[test]
    fn a_header_that_would_change_what_is_done_is_refused() {
        let put = target(Method::PUT, "/b/k").unwrap();
        for (name, is_understood) in [
            ("content-type", true),
            ("x-amz-checksum-crc32", true),
            ("x-amz-acl", false),
            ("x-amz-copy-source", false),
            ("x-amz-tagging", false),
            ("x-amz-meta-who", false),
            ("x-amz-server-side-encryption", false),
            ("if-none-match", false),
            ("content-encoding", false),
            ("range", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, "x".parse().unwrap());
            assert_eq!(put.carried_out(&headers).is_ok(), is_understood, "{name}");
        }
        let twice = target(Method::GET, "/b?list-type=2&prefix=a&prefix=b").unwrap();
        assert!(twice.carried_out(&HeaderMap::new()).is_err());
    }
}
