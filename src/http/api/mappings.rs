//! A lab's mappings, for whoever looks after it. A change names the revision that it was made from (`If-Match`, RFC 9110,
//! section 13.1.1), so that of two who edit the same one, neither overwrites the other unseen.

use std::cmp::Reverse;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::labs::{named, person};
use super::read;
use crate::app::{
    AuthorGain, Broker, ChangePlace, MAPPINGS_PAGE_MAX, MappingOutcome, MappingPreview, SeenGroup, TermsEdit,
    WaitingChange,
};
use crate::domain::id::{ConnectionName, MappingChangeId, MappingId, ParseError};
use crate::domain::mapping::{Effect, Mapping, MappingTarget, MappingTerms, Others};
use crate::domain::role_session::SessionDuration;
use crate::http::address::{InLab, InLabOf};
use crate::http::extract::Helper;
use crate::http::idempotency::request_key;
use crate::http::problem::{Kind, Problem};
use crate::wire::labs as wire;
use crate::wire::timestamp;

/// How many mappings a page has when nobody says.
const PAGE: u32 = 100;

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct PageParameters {
    after: Option<MappingId>,
    limit: Option<u32>,
}

/// `GET /api/v1/labs/{lab}/mappings`
pub(crate) async fn list(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<PageParameters>, QueryRejection>,
) -> Result<Json<wire::Mappings>, Problem> {
    let limit_sentence =
        || Problem::malformed(format!("`limit` must be 1 to {MAPPINGS_PAGE_MAX}, `after` a mapping's id."));
    let Query(page) = parameters.map_err(|_| limit_sentence())?;
    let limit = page.limit.unwrap_or(PAGE);
    if limit == 0 || limit > MAPPINGS_PAGE_MAX {
        return Err(limit_sentence());
    }
    let mut mappings = broker.mappings(&caller, &lab, page.after.as_ref(), limit + 1).await?;
    let more = mappings.len() > limit as usize;
    mappings.truncate(limit as usize);
    let next = mappings.last().filter(|_| more).map(|last| last.id.to_string());
    let now = broker.clock.now();
    Ok(Json(wire::Mappings { mappings: mappings.iter().map(|it| shown(&broker, it, now)).collect(), next }))
}

/// `GET /api/v1/labs/{lab}/mappings/{mapping}`
pub(crate) async fn one(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
) -> Result<Response, Problem> {
    let mapping = broker.mapping(&caller, &lab, &a_mapping(&id)).await?;
    let body = shown(&broker, &mapping, broker.clock.now());
    Ok(([(header::ETAG, etag(mapping.revision))], Json(body)).into_response())
}

/// `POST /api/v1/labs/{lab}/mappings`
pub(crate) async fn add(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let key = request_key(&headers, &[b"add", &body])?;
    let (target, terms) = new_mapping(&broker, &body)?;
    let outcome = broker.add_mapping(&caller, &lab, target, terms, key.as_ref()).await?;
    let location = match &outcome {
        MappingOutcome::Done(mapping) => Some(format!("/api/v1/labs/{lab}/mappings/{}", mapping.id)),
        MappingOutcome::Waiting(_) => None,
    };
    let mut response = answer(&broker, StatusCode::CREATED, &outcome);
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `PATCH /api/v1/labs/{lab}/mappings/{mapping}`
pub(crate) async fn edit(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let revision = revision(&headers)?;
    let edit: wire::MappingEdit = read(&body, "{\"needs_mfa\": true}")?;
    let edit = terms_edit(&edit)?;
    let outcome = broker.edit_mapping(&caller, &lab, &a_mapping(&id), revision, &edit, None).await?;
    Ok(answer(&broker, StatusCode::OK, &outcome))
}

/// How a mapping is to be ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndParameters {
    /// Whether everybody is cut off who has a live session by it.
    #[serde(default)]
    cut_off: bool,
}

/// `POST /api/v1/labs/{lab}/mappings/{mapping}/end`
pub(crate) async fn end(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
    parameters: Result<Query<EndParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(EndParameters { cut_off }) = parameters.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
    let revision = revision(&headers)?;
    let what: &[u8] = if cut_off { b"end and cut off" } else { b"end" };
    let key = request_key(&headers, &[what, id.as_bytes(), &revision.to_be_bytes()])?;
    let outcome = broker.end_mapping(&caller, &lab, &a_mapping(&id), revision, cut_off, key.as_ref()).await?;
    Ok(answer(&broker, StatusCode::OK, &outcome))
}

/// `GET /api/v1/labs/{lab}/mappings/{mapping}/revisions`
pub(crate) async fn revisions(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
    parameters: Result<Query<TextPage>, QueryRejection>,
) -> Result<Json<wire::MappingRevisions>, Problem> {
    let (after, limit) = text_page(parameters, "a revision")?;
    let revision = |text: String| text.parse().ok().filter(|revision| *revision > 0);
    let after = after.map(|text| revision(text).ok_or_else(|| no_such_page("a revision"))).transpose()?;
    let (revisions, more) = broker.mapping_revisions(&caller, &lab, &a_mapping(&id), after, limit).await?;
    let next = revisions.last().filter(|_| more).map(|last| last.revision.to_string());
    let shown = revisions.into_iter().map(|row| wire::MappingRevision {
        revision: row.revision,
        terms: terms(&row.terms),
        changed_at: timestamp(row.changed_at),
        by: row.by.map(|by| named(&by)),
    });
    Ok(Json(wire::MappingRevisions { revisions: shown.collect(), next }))
}

/// `POST /api/v1/labs/{lab}/mappings/preview`
pub(crate) async fn preview_new(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<wire::MappingPreview>, Problem> {
    // It changes nothing, so a key means nothing; one that is none is still a mistake.
    request_key(&headers, &[])?;
    let (target, terms) = new_mapping(&broker, &body)?;
    let preview = broker.preview_new_mapping(&caller, &lab, target, terms).await?;
    Ok(Json(previewed(&broker, &preview)))
}

/// `POST /api/v1/labs/{lab}/mappings/{mapping}/preview`
pub(crate) async fn preview(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<wire::MappingPreview>, Problem> {
    request_key(&headers, &[])?;
    let example = "{\"needs_mfa\": true}, or {\"end\": true}";
    let preview = if let Ok(wire::MappingEnd { end: true }) = read(&body, example) {
        broker.preview_end(&caller, &lab, &a_mapping(&id)).await?
    } else {
        let edit = terms_edit(&read(&body, example)?)?;
        broker.preview_edit(&caller, &lab, &a_mapping(&id), &edit).await?
    };
    Ok(Json(previewed(&broker, &preview)))
}

/// `GET /api/v1/labs/{lab}/groups`
pub(crate) async fn groups(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<TextPage>, QueryRejection>,
) -> Result<Json<wire::SeenGroups>, Problem> {
    let (after, limit) = text_page(parameters, "the `next` of the page before")?;
    let after = after.map(|text| groups_place(&text).ok_or_else(|| no_such_page("the `next` of the page before")));
    let after = after.transpose()?;
    let groups = broker.mapping_choices(&caller, &lab).await?.groups;
    let place = |seen: &SeenGroup| (Reverse(seen.people), seen.group.as_str().to_owned(), seen.connection.to_string());
    let left = groups.iter().filter(|seen| after.as_ref().is_none_or(|after| place(seen) > *after));
    let mut left: Vec<&SeenGroup> = left.take(limit as usize + 1).collect();
    let more = left.len() > limit as usize;
    left.truncate(limit as usize);
    let next =
        left.last().filter(|_| more).map(|last| format!("{}.{}.{}", last.people, last.connection, last.group.as_str()));
    let shown = left.into_iter().map(|seen| wire::SeenGroup {
        connection: seen.connection.to_string(),
        connection_title: broker.connection_title(&seen.connection).to_owned(),
        group: seen.group.as_str().to_owned(),
        people: seen.people,
    });
    Ok(Json(wire::SeenGroups { groups: shown.collect(), next }))
}

/// `GET /api/v1/labs/{lab}/mapping-changes`
pub(crate) async fn changes(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<TextPage>, QueryRejection>,
) -> Result<Json<wire::MappingChanges>, Problem> {
    let (page, limit) = text_page(parameters, "the `next` of the page before")?;
    let after = page.map(|text| change_place(&text).ok_or_else(|| no_such_page("the `next` of the page before")));
    let mut changes = broker.mapping_changes(&caller, &lab, after.transpose()?.as_ref(), limit + 1).await?;
    let more = changes.len() > limit as usize;
    changes.truncate(limit as usize);
    let next = changes
        .last()
        .filter(|_| more)
        .map(|last| format!("{}.{}", last.change.asked_at.timestamp_micros(), last.change.id));
    Ok(Json(wire::MappingChanges { changes: changes.iter().map(|it| waiting(&broker, it)).collect(), next }))
}

/// `POST /api/v1/labs/{lab}/mapping-changes/{change}/confirm`
pub(crate) async fn confirm(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = request_key(&headers, &[b"confirm", id.as_bytes()])?;
    let outcome = broker.confirm_mapping_change(&caller, &lab, &a_change(&id), key.as_ref()).await?;
    Ok(answer(&broker, StatusCode::OK, &outcome))
}

/// `POST /api/v1/labs/{lab}/mapping-changes/{change}/decline`
pub(crate) async fn decline(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLabOf(lab, id): InLabOf,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let key = request_key(&headers, &[b"decline", id.as_bytes()])?;
    broker.decline_mapping_change(&caller, &lab, &a_change(&id), key.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which page, of a list whose places are no ids.
#[derive(Debug, Deserialize)]
pub(crate) struct TextPage {
    after: Option<String>,
    limit: Option<u32>,
}

fn text_page(
    parameters: Result<Query<TextPage>, QueryRejection>,
    place: &str,
) -> Result<(Option<String>, u32), Problem> {
    let Query(page) = parameters.map_err(|_| no_such_page(place))?;
    let limit = page.limit.unwrap_or(PAGE);
    if limit == 0 || limit > MAPPINGS_PAGE_MAX {
        return Err(no_such_page(place));
    }
    Ok((page.after, limit))
}

fn no_such_page(place: &str) -> Problem {
    Problem::malformed(format!("`limit` must be 1 to {MAPPINGS_PAGE_MAX}, `after` {place}."))
}

fn change_place(text: &str) -> Option<ChangePlace> {
    let (micros, id) = text.split_once('.')?;
    let asked_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    (0..10_000).contains(&chrono::Datelike::year(&asked_at)).then_some(ChangePlace { asked_at, id: id.parse().ok()? })
}

/// A place in the list of groups: those with the most people first, then by name and connection.
fn groups_place(text: &str) -> Option<(Reverse<u32>, String, String)> {
    let (people, rest) = text.split_once('.')?;
    let (connection, group) = rest.split_once('.')?;
    Some((Reverse(people.parse().ok()?), group.to_owned(), connection.to_owned()))
}

/// A new mapping, out of a body.
fn new_mapping(broker: &Broker, body: &Bytes) -> Result<(MappingTarget, MappingTerms), Problem> {
    let new: wire::NewMapping = read(body, "{\"group\": \"vision-students\", \"role\": \"read-results\"}")?;
    let target = MappingTarget {
        connection: connection(broker, new.connection.as_deref())?,
        group: new.group.parse().map_err(|error: ParseError| wrong("group", &error))?,
        role: new.role.parse().map_err(|error: ParseError| wrong("role", &error))?,
    };
    let terms = MappingTerms {
        ends_at: new.ends_at.as_deref().map(time).transpose()?,
        max_duration: new.max_duration_seconds.map(duration).transpose()?,
        needs_mfa: new.needs_mfa,
        needs_approval: new.needs_approval,
    };
    Ok((target, terms))
}

fn terms_edit(edit: &wire::MappingEdit) -> Result<TermsEdit, Problem> {
    Ok(TermsEdit {
        ends_at: edit.ends_at.as_ref().map(|end| end.as_deref().map(time).transpose()).transpose()?,
        max_duration: edit.max_duration_seconds.map(|most| most.map(duration).transpose()).transpose()?,
        needs_mfa: edit.needs_mfa,
        needs_approval: edit.needs_approval,
    })
}

fn previewed(broker: &Broker, preview: &MappingPreview) -> wire::MappingPreview {
    let template = broker.policies.get(&preview.role.template);
    let people = preview.people.iter().filter_map(|affected| {
        let (effect, before, after) = match &affected.effect {
            Effect::Gains => (wire::Effect::Gains, None, None),
            Effect::Loses => (wire::Effect::Loses, None, None),
            Effect::Keeps => (wire::Effect::Keeps, None, None),
            Effect::Changes { before, after } => (wire::Effect::Changes, Some(terms(before)), Some(terms(after))),
            Effect::Nothing => return None,
        };
        Some(wire::AffectedPerson { person: named(&affected.person), effect, before, after })
    });
    let now = broker.clock.now();
    wire::MappingPreview {
        mapping: preview.mapping.as_ref().map(|mapping| shown(broker, mapping, now)),
        connection: preview.target.connection.to_string(),
        connection_title: broker.connection_title(&preview.target.connection).to_owned(),
        group: preview.target.group.as_str().to_owned(),
        role: preview.target.role.to_string(),
        role_title: broker.template_title(&preview.role.template).to_owned(),
        after: preview.after.as_ref().map(terms),
        people: people.collect(),
        others: match preview.others {
            Others::FewerThanFive => wire::Others { kind: wire::OthersKind::FewerThanFive, count: None },
            Others::Count(count) => wire::Others { kind: wire::OthersKind::Count, count: Some(count) },
            Others::ThousandOrMore => wire::Others { kind: wire::OthersKind::ThousandOrMore, count: None },
        },
        description: template.map_or("", |template| template.description()).to_owned(),
        actions: template.map(|it| it.actions().into_iter().map(str::to_owned).collect()).unwrap_or_default(),
        cost: template.map_or("", |template| template.cost()).to_owned(),
        beware: template.map(|template| template.beware().to_vec()).unwrap_or_default(),
        gives_yourself: match preview.author {
            AuthorGain::Nothing => wire::GivesYourself::Nothing,
            AuthorGain::Alone => wire::GivesYourself::More,
            AuthorGain::Waits => wire::GivesYourself::MoreAndWaits,
        },
        needs_fresh_sign_in: preview.takes_fresh_sign_in(now),
    }
}

/// A mapping's id; what cannot be one is no mapping's, and only whoever may look is told so.
pub(in crate::http) fn a_mapping(id: &str) -> MappingId {
    id.parse().unwrap_or_else(|_| MappingId::from_entropy([0; 10]))
}

/// The same for a change that waits.
pub(in crate::http) fn a_change(id: &str) -> MappingChangeId {
    id.parse().unwrap_or_else(|_| MappingChangeId::from_entropy([0; 10]))
}

fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// The one revision in `If-Match`, written as its `ETag` is. `*` would mean "whichever", which is what this is there
/// to prevent.
fn revision(headers: &HeaderMap) -> Result<i64, Problem> {
    super::if_match(headers)?
        .and_then(|digits| digits.parse().ok().filter(|revision: &i64| *revision > 0 && revision.to_string() == digits))
        .ok_or_else(|| Problem::malformed("`If-Match` must be one revision in double quotes, such as \"3\"."))
}

fn connection(broker: &Broker, name: Option<&str>) -> Result<ConnectionName, Problem> {
    let mut all = broker.providers.keys();
    match (name, all.next(), all.next()) {
        (Some(name), ..) => name.parse().map_err(|error: ParseError| wrong("connection", &error)),
        (None, Some(only), None) => Ok(only.clone()),
        // The body is sound; it is this broker that has several.
        _ => {
            let names: Vec<_> = broker.providers.keys().map(ConnectionName::as_str).collect();
            let detail = format!("`connection` must be one of: {}.", names.join(", "));
            Err(Problem::new(StatusCode::BAD_REQUEST, Kind::CannotBe, "A mapping cannot be like that", detail))
        }
    }
}

fn wrong(field: &str, error: &ParseError) -> Problem {
    Problem::malformed(format!("`{field}` is {error}."))
}

fn time(text: &str) -> Result<DateTime<Utc>, Problem> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        // To the microsecond, which is what is kept.
        .and_then(|time| DateTime::from_timestamp_micros(time.timestamp_micros()))
        .filter(|time| (1..10_000).contains(&chrono::Datelike::year(time)))
        .ok_or_else(|| Problem::malformed("`ends_at` must be a time such as 2027-01-31T23:00:00Z."))
}

fn duration(seconds: u32) -> Result<SessionDuration, Problem> {
    SessionDuration::from_seconds(seconds)
        .map_err(|_| Problem::malformed("`max_duration_seconds` must be a whole number from 1800 to 3600."))
}

fn answer(broker: &Broker, done: StatusCode, outcome: &MappingOutcome) -> Response {
    match outcome {
        MappingOutcome::Done(mapping) => {
            let body = wire::MappingOutcome::Done { mapping: shown(broker, mapping, broker.clock.now()) };
            (done, [(header::ETAG, etag(mapping.revision))], Json(body)).into_response()
        }
        MappingOutcome::Waiting(change) => {
            let body = wire::MappingOutcome::Waiting { change: waiting(broker, change) };
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
    }
}

fn terms(terms: &MappingTerms) -> wire::MappingTerms {
    wire::MappingTerms {
        ends_at: terms.ends_at.map(timestamp),
        max_duration_seconds: terms.max_duration.map(SessionDuration::seconds),
        needs_mfa: terms.needs_mfa,
        needs_approval: terms.needs_approval,
    }
}

fn shown(broker: &Broker, mapping: &Mapping, now: DateTime<Utc>) -> wire::Mapping {
    wire::Mapping {
        id: mapping.id.to_string(),
        connection: mapping.target.connection.to_string(),
        connection_title: broker.connection_title(&mapping.target.connection).to_owned(),
        group: mapping.target.group.as_str().to_owned(),
        role: mapping.target.role.to_string(),
        state: if mapping.terms.is_live(now) { wire::MappingState::Live } else { wire::MappingState::Ended },
        terms: terms(&mapping.terms),
        revision: mapping.revision,
        created_at: timestamp(mapping.created_at),
        changed_at: timestamp(mapping.changed_at),
    }
}

fn waiting(broker: &Broker, waiting: &WaitingChange) -> wire::MappingChange {
    let WaitingChange { change, author } = waiting;
    let gone = || wire::LabPerson {
        id: change.author.to_string(),
        name: None,
        looks_like_another: false,
        connection_title: String::new(),
        standing: None,
    };
    wire::MappingChange {
        id: change.id.to_string(),
        mapping: change.of_revision.map(|_| change.mapping.to_string()),
        author: author.as_ref().map_or_else(gone, |author| person(broker, author)),
        connection: change.target.connection.to_string(),
        connection_title: broker.connection_title(&change.target.connection).to_owned(),
        group: change.target.group.as_str().to_owned(),
        role: change.target.role.to_string(),
        terms: terms(&change.terms),
        asked_at: timestamp(change.asked_at),
        lapses_at: timestamp(change.lapses_at),
    }
}
