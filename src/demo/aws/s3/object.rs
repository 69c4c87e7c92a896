//! Fetching an object, whole or a part of it, and putting one.

use std::ops::Range;

use axum::http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::Incoming;
use super::super::fault::Fault;
use super::bucket::{Buckets, OBJECT_MAX_BYTES, Object};
use super::checksum::crc32;
use super::{reply, too_large};

const CRC32: &str = "x-amz-checksum-crc32";

/// The object; that nothing of it is sent to `HEAD` is up to the server.
pub(super) fn fetch(object: &Object, headers: &HeaderMap) -> Result<Response, Fault> {
    let modified = object.modified_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut told = vec![
        (ETAG.as_str(), object.etag.as_str()),
        (LAST_MODIFIED.as_str(), modified.as_str()),
        (CONTENT_TYPE.as_str(), object.content_type.as_str()),
        (ACCEPT_RANGES.as_str(), "bytes"),
    ];
    let total = object.bytes.len();
    let Some(range) = headers.get(RANGE) else {
        let sum = crc32(&object.bytes);
        if headers.contains_key("x-amz-checksum-mode") {
            told.extend([(CRC32, sum.as_str()), ("x-amz-checksum-type", "FULL_OBJECT")]);
        }
        return Ok(reply(StatusCode::OK, &told, object.bytes.clone()));
    };
    let range = range.to_str().ok().and_then(|text| part(text, total)).ok_or_else(|| {
        Fault::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", "The requested range is not satisfiable")
            .with("ActualObjectSize", total.to_string())
    })?;
    let content_range = format!("bytes {}-{}/{total}", range.start, range.end - 1);
    told.push((CONTENT_RANGE.as_str(), &content_range));
    Ok(reply(StatusCode::PARTIAL_CONTENT, &told, object.bytes[range].to_vec()))
}

/// One range of bytes, as far as there are some. Source: RFC 9110, section 14.1.2.
fn part(text: &str, total: usize) -> Option<Range<usize>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first, last) {
        ("", last) => total.saturating_sub(last.parse().ok()?)..total,
        (first, "") => first.parse().ok()?..total,
        (first, last) => first.parse().ok()?..last.parse::<usize>().ok()?.saturating_add(1).min(total),
    };
    (range.start < range.end).then_some(range)
}

/// Puts the body under a key, in the place of what is there.
pub(super) fn put(buckets: &mut Buckets, bucket: &str, key: &str, incoming: &Incoming) -> Result<Response, Fault> {
    let (headers, sum) = (&incoming.parts.headers, crc32(&incoming.body));
    if incoming.body.len() > OBJECT_MAX_BYTES {
        return Err(too_large());
    }
    if headers.get(CRC32).is_some_and(|said| said.as_bytes() != sum.as_bytes()) {
        let message = "The CRC32 you specified did not match the calculated checksum.";
        return Err(Fault::new(StatusCode::BAD_REQUEST, "BadDigest", message));
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let object = Object::new(incoming.body.to_vec(), content_type, incoming.now);
    let etag = object.etag.clone();
    buckets.insert(bucket, key, object)?;
    Ok(reply(StatusCode::OK, &[(ETAG.as_str(), &etag), (CRC32, &sum)], Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_of_bytes_that_are_there() {
        for (text, range) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-99", Some(2..10)),
            ("bytes=7-", Some(7..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("bytes=-0", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=-", None),
            ("bytes=0-18446744073709551615", Some(0..10)),
        ] {
            assert_eq!(part(text, 10), range, "{text}");
        }
    }
}
