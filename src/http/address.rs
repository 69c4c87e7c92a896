//! What an address names.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::app::Broker;
use crate::domain::id::LabName;
use crate::http::problem::Problem;

/// `/labs/{lab}/…`: what cannot be a lab's name is answered like a lab that does not exist.
#[derive(Debug)]
pub(crate) struct InLab(pub(crate) LabName);

/// `/labs/{lab}/…/{thing}`
#[derive(Debug)]
pub(crate) struct InLabOf(pub(crate) LabName, pub(crate) String);

impl FromRequestParts<Broker> for InLab {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        let Path(lab): Path<String> =
            Path::from_request_parts(parts, broker).await.map_err(|_| Problem::no_such_lab())?;
        lab.parse().map(Self).map_err(|_| Problem::no_such_lab())
    }
}

impl FromRequestParts<Broker> for InLabOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Broker) -> Result<Self, Problem> {
        let Path((lab, thing)): Path<(String, String)> =
            Path::from_request_parts(parts, broker).await.map_err(|_| Problem::no_such_lab())?;
        lab.parse().map(|lab| Self(lab, thing)).map_err(|_| Problem::no_such_lab())
    }
}
