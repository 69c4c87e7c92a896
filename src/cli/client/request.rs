//! A request to a broker, in the terms of its API.

use std::time::Duration;

use ureq::http::Method;

use super::TOTAL_TIMEOUT;

/// What is asked, and in whose name.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) token: Option<&'a str>,
    /// Only if what it changes still has this revision (RFC 9110, section 13.1.1).
    pub(super) revision: Option<i64>,
    pub(super) content: Content<'a>,
    /// How long it may take, with its answer.
    pub(super) within: Duration,
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    /// No body at all.
    None,
    /// A body of no bytes: a `POST` that says everything in its address.
    Empty,
    /// A form, already encoded.
    Form(&'a str),
    /// JSON.
    Json(&'a str),
}

impl<'a> Request<'a> {
    pub(super) fn get(url: &'a str) -> Self {
        Self::new(Method::GET, url, Content::None)
    }

    pub(super) fn post(url: &'a str, content: Content<'a>) -> Self {
        Self::new(Method::POST, url, content)
    }

    pub(super) fn new(method: Method, url: &'a str, content: Content<'a>) -> Self {
        Self { method, url, token: None, revision: None, content, within: TOTAL_TIMEOUT }
    }

    /// In the name of whoever this token belongs to.
    pub(super) fn with_token(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Which takes no longer than this.
    pub(super) fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }
}

impl<'a> Content<'a> {
    pub(super) fn content_type(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Empty => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Json(_) => Some("application/json"),
        }
    }

    /// The body, if there is one.
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Self::None => None,
            Self::Empty => Some(""),
            Self::Form(text) | Self::Json(text) => Some(text),
        }
    }
}
