//! A lab's ledger: the page and the files.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::PAGE;
use crate::app::{Broker, Error, LabError};
use crate::console::{self, LedgerForm, WrongField};
use crate::http::address::InLab;
use crate::http::export::{Form, export};
use crate::http::looked_for::{LookedFor, Wrong};
use crate::http::problem::Problem;
use crate::http::visitor::Visitor;

/// `GET /labs/{lab}/ledger`
pub(crate) async fn show(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    query: Result<Query<LookedFor>, QueryRejection>,
) -> Result<Response, Problem> {
    let looked_for = readable(query)?;
    let form = LedgerForm {
        person: looked_for.person.clone().unwrap_or_default(),
        kind: looked_for.kind.clone().unwrap_or_default(),
        role: looked_for.role.clone().unwrap_or_default(),
        from: looked_for.from.clone().unwrap_or_default(),
        to: looked_for.to.clone().unwrap_or_default(),
        q: looked_for.q.clone().unwrap_or_default(),
        is_further: looked_for.after.is_some(),
    };
    let asked = looked_for.wish().and_then(|wish| Ok((wish, looked_for.below()?)));
    let (part, wrong) = match asked {
        Ok((wish, below)) => match broker.ledger(&visitor.caller, &lab, &wish, below, PAGE).await {
            Err(Error::Lab(error @ LabError::TooManyCalledSo)) => {
                (None, Some(Wrong { field: "person", sentence: Problem::of_lab(&error) }))
            }
            part => (Some(part?), None),
        },
        Err(wrong) => (None, Some(wrong)),
    };
    let part = match part {
        Some(part) => part,
        // For what is around the form.
        None => broker.ledger(&visitor.caller, &lab, &crate::app::LedgerWish::default(), Some(1), 1).await?,
    };
    let wrong = wrong.map(|Wrong { field, sentence }| WrongField { field, sentence });
    let page = console::ledger(&visitor.shell, &part, &form, wrong.as_ref(), broker.clock.now());
    Ok(if wrong.is_some() { (StatusCode::BAD_REQUEST, page).into_response() } else { page })
}

/// `GET /labs/{lab}/ledger/export.csv`
pub(crate) async fn csv(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    query: Result<Query<LookedFor>, QueryRejection>,
) -> Result<Response, Problem> {
    export(broker, visitor.caller, lab, &readable(query)?, Form::Csv).await
}

/// `GET /labs/{lab}/ledger/export.jsonl`
pub(crate) async fn json_lines(
    State(broker): State<Broker>,
    visitor: Visitor,
    InLab(lab): InLab,
    query: Result<Query<LookedFor>, QueryRejection>,
) -> Result<Response, Problem> {
    export(broker, visitor.caller, lab, &readable(query)?, Form::JsonLines).await
}

fn readable(query: Result<Query<LookedFor>, QueryRejection>) -> Result<LookedFor, Problem> {
    let Query(looked_for) = query.map_err(|_| Problem::malformed("The query of this address cannot be read."))?;
    Ok(looked_for)
}
