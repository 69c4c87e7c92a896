//! What the broker is made of.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::{Head, Place};
use crate::app::{Broker, Versions};
use crate::console::page;
use crate::console::parts::Moment;
use crate::console::shell::Shell;

#[derive(Template)]
#[template(path = "operator/versions.html", config = "src/console/askama.toml")]
struct Page<'a> {
    shell: &'a Shell,
    head: Head,
    versions: &'a Versions,
    address: &'a str,
    started_at: Moment,
    now: Moment,
}

/// What the broker is made of.
#[must_use]
pub fn versions(broker: &Broker, shell: &Shell, versions: &Versions, now: DateTime<Utc>) -> Response {
    page(&Page {
        shell,
        head: Head(Place::Versions),
        versions,
        address: broker.issuer(),
        started_at: Moment::new(versions.started_at, now),
        now: Moment::new(now, now),
    })
}
