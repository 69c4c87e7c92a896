//! The form of a call over the query protocol.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use url::form_urlencoded;

use super::Incoming;
use super::fault::Fault;

/// The parameters of a call, in the order they came; no name twice.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(incoming: &Incoming) -> Result<Self, Fault> {
        let malformed = |message: &str| Fault::new(StatusCode::BAD_REQUEST, "MalformedInput", message);
        let content_type = incoming.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type.and_then(|value| value.split(';').next()).map(str::trim);
        if media_type != Some("application/x-www-form-urlencoded") {
            return Err(malformed("Content-Type must be application/x-www-form-urlencoded"));
        }
        // A query string beside the form would be a second place to look for parameters.
        if incoming.parts.uri.query().is_some() {
            return Err(malformed("Parameters must be in the body"));
        }
        let mut entries: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(&incoming.body) {
            if entries.iter().any(|(seen, _)| *seen == name) {
                return Err(malformed("A parameter is given twice"));
            }
            entries.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(entries))
    }

    /// Takes a parameter out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(seen, _)| seen == name)?;
        Some(self.0.remove(index).1)
    }

    /// The name of a parameter that nobody took.
    pub(super) fn left_over(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| name.as_str())
    }
}
