//! Asking a broker why AWS said no.

use ureq::http::Method;

use super::labs::json;
use super::{Client, Content, Failure, Request};
use crate::domain::id::LabName;
use crate::wire::why::{Why, WhyQuestion};

impl Client {
    /// Why AWS said no: in a lab, or in whichever the error names.
    pub(crate) fn why(&self, token: &str, lab: Option<&LabName>, question: &WhyQuestion) -> Result<Why, Failure> {
        let path = lab.map_or_else(|| "/api/v1/why".to_owned(), |lab| format!("/api/v1/labs/{lab}/why"));
        let (url, body) = (self.broker.at(&path), json(question));
        let answer = self.send(&Request::new(Method::POST, &url, Content::Json(&body)).with_token(token))?;
        self.read(&answer)
    }
}
