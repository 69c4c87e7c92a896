//! The console's pages: extracts who asks and for what, calls one use case, shows what came of it.

use axum::http::StatusCode;

use super::problem::{Kind, Problem};
use super::sign_in;
use crate::app::{Error, SignInWish};
use crate::domain::access::Denied;
use crate::domain::limits::SignInAge;

pub(super) mod accounts;
pub(super) mod cut_offs;
pub(super) mod lab;
pub(super) mod ledger;
pub(super) mod mappings;
pub(super) mod operator;
pub(super) mod own_roles;
pub(super) mod people;
pub(super) mod roles;
pub(super) mod settings;
pub(super) mod why;

/// How many people, or other things, a page shows.
const PAGE: u32 = 50;

/// A fresh sign-in that leads to a page of ours.
fn fresh_sign_in(return_to: &str) -> String {
    // An address that is too long to come back to leads to the page without its query at least.
    let return_to = return_to.parse().or_else(|_| return_to.split('?').next().unwrap_or("/").parse());
    sign_in::link_to(&SignInWish { return_to: return_to.unwrap_or_default(), fresh: true, ..SignInWish::default() })
}

/// The problem for what went wrong with a form; where a fresh sign-in helps, with the way there and back to `page`.
fn or_begin_again(error: Error, page: &str) -> Problem {
    match error {
        Error::Denied(Denied::FreshSignInNeeded(most)) => {
            let what = if most == SignInAge::SPENDING { "What can give somebody more" } else { "Changing this" };
            Problem::new(
                StatusCode::FORBIDDEN,
                Kind::FreshSignInNeeded,
                "This takes a fresh sign-in",
                format!(
                    "{what} takes a sign-in that is at most {most} old. Nothing was saved; sign in again, and what \
                         you had filled in is there."
                ),
            )
            .again_at(fresh_sign_in(page))
        }
        error => error.into(),
    }
}
