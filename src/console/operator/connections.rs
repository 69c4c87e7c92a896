//! Where people sign in, as the settings have it, and how a provider answers when it is asked.

use askama::Template;
use axum::response::Response;

use super::{Head, Place};
use crate::app::{Broker, ConnectionCheck, ConnectionView};
use crate::console::page;
use crate::console::shell::Shell;

/// A connection that was looked at just now.
#[derive(Debug)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// What was found.
    pub check: ConnectionCheck,
}

#[derive(Template)]
#[template(path = "operator/connections.html", config = "src/console/askama.toml")]
struct Connections<'a> {
    shell: &'a Shell,
    head: Head,
    all: &'a [ConnectionView],
    checked: Option<&'a Checked>,
    broker: &'a str,
}

impl Connections<'_> {
    fn found(&self, name: &str) -> Option<&ConnectionCheck> {
        self.checked.filter(|checked| checked.name == name).map(|checked| &checked.check)
    }
}

/// The connections, and what a look at one of them found.
#[must_use]
pub fn connections(
    broker: &Broker,
    shell: &Shell,
    connections: &[ConnectionView],
    checked: Option<&Checked>,
) -> Response {
    page(&Connections { shell, head: Head(Place::Connections), all: connections, checked, broker: broker.issuer() })
}
