//! A lab's ledger, for whoever looks after it.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;

use super::labs::named;
use crate::app::{Broker, FoundEntry, LedgerPart};
use crate::domain::ledger::Thread;
use crate::http::address::InLab;
use crate::http::export::{Form, export};
use crate::http::extract::Helper;
use crate::http::looked_for::{LookedFor, Wrong};
use crate::http::problem::Problem;
use crate::wire::ledger as wire;
use crate::wire::timestamp;

/// How many entries a part has when nobody says.
const PART: u32 = 50;

/// `GET /api/v1/labs/{lab}/ledger`
pub(crate) async fn show(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    query: Result<Query<LookedFor>, QueryRejection>,
) -> Result<Json<wire::Ledger>, Problem> {
    let looked_for = readable(query)?;
    let wrong = |wrong: Wrong| Problem::malformed(format!("`{}`: {}", wrong.field, wrong.sentence));
    let wish = looked_for.wish().map_err(wrong)?;
    let (below, limit) = (looked_for.below().map_err(wrong)?, looked_for.limit(PART).map_err(wrong)?);
    let part = broker.ledger(&caller, &lab, &wish, below, limit).await?;
    Ok(Json(wire::Ledger {
        entries: part.found.entries.iter().map(|found| shown(&part, found)).collect(),
        people: part.people.values().map(named).collect(),
        looked_back_to: part.found.looked_back_to.map(|(seq, at)| wire::LedgerPlace { seq, at: timestamp(at) }),
        next: part.found.next.map(|place| place.to_string()),
    }))
}

/// `GET /api/v1/labs/{lab}/ledger/export.csv`
pub(crate) async fn csv(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    query: Result<Query<LookedFor>, QueryRejection>,
) -> Result<Response, Problem> {
    export(broker, caller, lab, &readable(query)?, Form::Csv).await
}

/// `GET /api/v1/labs/{lab}/ledger/export.jsonl`
pub(crate) async fn json_lines(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    query: Result<Query<LookedFor>, QueryRejection>,
) -> Result<Response, Problem> {
    export(broker, caller, lab, &readable(query)?, Form::JsonLines).await
}

fn readable(query: Result<Query<LookedFor>, QueryRejection>) -> Result<LookedFor, Problem> {
    let Query(looked_for) = query.map_err(|_| Problem::malformed("The query of this address cannot be read."))?;
    Ok(looked_for)
}

fn shown(part: &LedgerPart, found: &FoundEntry) -> wire::LedgerEntry {
    wire::LedgerEntry {
        seq: found.seq,
        at: timestamp(found.at),
        kind: found.kind.clone(),
        sentence: part.in_words(found),
        who: found.entry.as_ref().map(|entry| Thread::who(&entry.thread).to_owned()),
        role: LedgerPart::role_of(found).map(ToString::to_string),
        is_damaged: found.entry.is_none(),
        // The text that is kept is JSON, or it would be damaged.
        entry: found.entry.as_ref().and_then(|_| serde_json::from_str(&found.text).ok()),
    }
}
