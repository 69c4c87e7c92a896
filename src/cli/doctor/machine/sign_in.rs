//! The sign-in: whether there is one, and whether the broker takes it.

use crate::cli::failure::Failure;
use crate::cli::moment::moment;
use crate::cli::summary;
use crate::wire::timestamp;

use super::broker::Asked;
use super::check::{Check, Subject};

const SIGN_IN: Subject = Subject { name: "sign-in", title: "The sign-in" };

pub(super) fn checks(asked: &Asked) -> Check {
    let login = asked.url().map_or_else(|| "lodge login URL".to_owned(), |url| format!("lodge login {url}"));
    let stored = match (&asked.broker, &asked.stored) {
        (Err(failure @ Failure::NoHome), _) => return SIGN_IN.failed(failure, "export LODGE_HOME=DIRECTORY"),
        (Err(failure), _) | (_, Err(failure)) => return SIGN_IN.failed(failure, &login),
        (Ok(_), Ok(stored)) => stored,
    };
    match &asked.me {
        None => SIGN_IN.ok(format!("it lasts until {}, as far as is known here", moment(&timestamp(*stored)))),
        Some(Ok(me)) => SIGN_IN.ok(format!("you are {} until {}", summary::who(me), moment(&me.session_expires_at))),
        Some(Err(failure)) => SIGN_IN.failed(failure, &login),
    }
}
