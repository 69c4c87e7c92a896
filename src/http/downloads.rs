//! `lodge` for people's machines: a page, and the files. Anybody may have them.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::stream;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::extract::Browser;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::app::{Broker, Download};
use crate::console;

/// How much of a file is in the room for each reader.
const PART_BYTES: u64 = 64 * 1024;

/// The file whose digest is in the address: another build has another address.
const KEPT_FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The file that has this name at present.
const KEPT_FOR_A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /download`: what there is, and how to install and verify it.
pub(super) async fn page(State(broker): State<Broker>, browser: Option<Browser>) -> Result<Response, Problem> {
    let shell = match browser {
        Some(browser) => Some(Visitor::of(&broker, &browser).await?.shell),
        None => None,
    };
    Ok(console::downloads(&broker, shell.as_ref()))
}

/// What an address may say of the file that it wants.
#[derive(Deserialize)]
pub(super) struct Wanted {
    sha256: Option<String>,
}

/// `GET /download/{file}`
pub(super) async fn file(
    State(broker): State<Broker>,
    name: Result<Path<String>, PathRejection>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (Ok(Path(name)), Ok(Query(wanted))) = (name, wanted) else { return Err(Problem::no_such_page()) };
    let download = broker.downloads.get(&name).ok_or_else(Problem::no_such_page)?;
    let digest = download.sha256();
    let kept = match wanted.sha256 {
        None => KEPT_FOR_A_WHILE,
        Some(wanted) if wanted == digest => KEPT_FOR_EVER,
        Some(_) => return Err(Problem::no_such_page()),
    };
    let header = |text: String| HeaderValue::from_str(&text).map_err(|_| Problem::internal());
    let tag = header(format!("\"{digest}\""))?;
    let described = [
        (header::CACHE_CONTROL, kept),
        (header::ETAG, tag.clone()),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, header(format!("attachment; filename=\"{name}\""))?),
    ];
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, described).into_response());
    }
    // RFC 9530.
    let repr_digest = header(format!("sha-256=:{}:", BASE64_STANDARD.encode(download.digest())))?;
    let length = HeaderValue::from(download.bytes());
    let parts = stream::try_unfold(Sending { download, at: 0, hash: Sha256::new() }, Sending::next);
    let more = [(header::CONTENT_LENGTH, length), (header::HeaderName::from_static("repr-digest"), repr_digest)];
    Ok((described, more, Body::from_stream(parts)).into_response())
}

/// How far a file has got. Its last part leaves only when all of it is what was found at the start.
struct Sending {
    download: Arc<Download>,
    at: u64,
    hash: Sha256,
}

impl Sending {
    async fn next(self) -> std::io::Result<Option<(Bytes, Self)>> {
        if self.at == self.download.bytes() {
            return Ok(None);
        }
        tokio::task::spawn_blocking(move || self.part().map(Some)).await?
    }

    fn part(mut self) -> std::io::Result<(Bytes, Self)> {
        let left = self.download.bytes() - self.at;
        let size = left.min(PART_BYTES);
        let mut part = vec![0; usize::try_from(size).map_err(std::io::Error::other)?];
        self.download.read_at(self.at, &mut part)?;
        self.hash.update(&part);
        self.at += size;
        if size == left && self.hash.clone().finalize()[..] != self.download.digest()[..] {
            tracing::error!(
                file = self.download.name(),
                "a download was written over while the broker ran: start it anew"
            );
            return Err(std::io::Error::other("the file is not what it was"));
        }
        Ok((part.into(), self))
    }
}
