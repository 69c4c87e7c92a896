//! What went wrong, as a page.

use askama::Template;
use axum::response::Response;

use super::page;
use super::parts::{Piece, pieces};

#[derive(Template)]
#[template(path = "problem.html", config = "src/console/askama.toml")]
struct ProblemPage<'a> {
    title: &'a str,
    detail: Vec<Piece<'a>>,
    look_up: LookUp<'a>,
    again: Option<&'a str>,
}

/// What somebody who can look further is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookUp<'a> {
    /// The request, in the log.
    pub request_id: Option<&'a str>,
    /// A refused sign-in, in the log and in the ledger.
    pub reference: Option<&'a str>,
}

/// What went wrong, what to do, and perhaps where to begin again.
#[must_use]
pub fn problem(title: &str, detail: &str, look_up: LookUp<'_>, again: Option<&str>) -> Response {
    page(&ProblemPage { title, detail: pieces(detail), look_up, again })
}
