//! Everywhere that somebody is signed in.

use askama::Template;
use axum::response::Response;

use super::page;
use super::parts::Moment;
use super::shell::Shell;
use crate::app::{Broker, OwnSession, OwnSessionKind};

#[derive(Template)]
#[template(path = "sessions.html", config = "src/console/askama.toml")]
struct Sessions<'a> {
    cards: Vec<SessionCard<'a>>,
    shell: &'a Shell,
}

struct SessionCard<'a> {
    id: &'a str,
    kind: &'a OwnSessionKind,
    address: Option<&'a str>,
    created_at: Moment,
    seen_at: Moment,
    expires_at: Moment,
    is_this: bool,
}

/// Everywhere that somebody is signed in.
#[must_use]
pub fn sessions(broker: &Broker, sessions: &[OwnSession], shell: &Shell) -> Response {
    let now = broker.clock.now();
    let cards = sessions.iter().map(|own| SessionCard {
        id: own.session.as_str(),
        kind: &own.kind,
        address: own.address.as_deref(),
        created_at: Moment::new(own.created_at, now),
        seen_at: Moment::new(own.seen_at, now),
        expires_at: Moment::new(own.expires_at, now),
        is_this: own.is_this,
    });
    page(&Sessions { cards: cards.collect(), shell })
}
