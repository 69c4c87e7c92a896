//! A lab's people, what each has, and the sessions that live, for whoever looks after it.

use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;

use crate::app::{
    Attention, Broker, Held, Holding, LiveSession, Member, MembersPage, PEOPLE_PAGE_MAX, ROLE_SESSIONS_PAGE_MAX,
    SessionsPage, WantedPeople, WantedSessions,
};
use crate::domain::id::PersonId;
use crate::domain::lab::Office;
use crate::domain::person::DisplayName;
use crate::http::address::InLab;
use crate::http::extract::Helper;
use crate::http::problem::Problem;
use crate::wire::people as wire;
use crate::wire::timestamp;

/// How many things a page has when nobody says.
const PAGE: u32 = 100;

/// The longest text that is looked for.
const SEARCH_MAX_CHARS: usize = 120;

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct PageParameters {
    q: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// The page that is asked for: what is looked for, its beginning, its size.
fn page<T: FromStr>(
    parameters: Result<Query<PageParameters>, QueryRejection>,
    most: u32,
) -> Result<(String, Option<T>, u32), Problem> {
    let wrong = || {
        Problem::malformed(format!(
            "`limit` must be 1 to {most}, `after` what `next` said, `q` at most {SEARCH_MAX_CHARS} characters."
        ))
    };
    let Query(PageParameters { q, after, limit }) = parameters.map_err(|_| wrong())?;
    let limit = limit.unwrap_or(PAGE);
    let search = q.unwrap_or_default();
    if limit == 0 || limit > most || search.chars().count() > SEARCH_MAX_CHARS {
        return Err(wrong());
    }
    let after = after.map(|after| after.parse().map_err(|_| wrong())).transpose()?;
    Ok((search, after, limit))
}

/// `GET /api/v1/labs/{lab}/members`
pub(crate) async fn members(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<PageParameters>, QueryRejection>,
) -> Result<Json<wire::Members>, Problem> {
    let (search, after, limit) = page(parameters, PEOPLE_PAGE_MAX)?;
    let members = broker.lab_members(&caller, &lab, &WantedPeople { search, after, limit }, None).await?;
    Ok(Json(shown(&broker, &members.page)))
}

/// `GET /api/v1/labs/{lab}/overview`
pub(crate) async fn overview(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<PageParameters>, QueryRejection>,
) -> Result<Json<wire::Overview>, Problem> {
    let (search, after, limit) = page(parameters, PEOPLE_PAGE_MAX)?;
    let overview = broker.overview(&caller, &lab, &WantedPeople { search, after, limit }).await?;
    let roles = overview.roles.iter().map(|column| wire::OverviewRole {
        name: column.role.name.to_string(),
        title: broker.template_title(&column.role.template).to_owned(),
        people: column.people,
        sessions: column.sessions,
        mappings: column.mappings,
    });
    Ok(Json(wire::Overview {
        lab: overview.place.lab.name.to_string(),
        roles: roles.collect(),
        people: shown(&broker, &overview.people),
        known: overview.known,
        sessions: sessions(&broker, &overview.sessions),
        attention: overview.attention.iter().map(attention).collect(),
    }))
}

/// `GET /api/v1/labs/{lab}/role-sessions`
pub(crate) async fn role_sessions(
    State(broker): State<Broker>,
    Helper(caller): Helper,
    InLab(lab): InLab,
    parameters: Result<Query<PageParameters>, QueryRejection>,
) -> Result<Json<wire::RoleSessions>, Problem> {
    let (_, after, limit) = page(parameters, ROLE_SESSIONS_PAGE_MAX)?;
    let wanted = WantedSessions { after, limit, ..WantedSessions::default() };
    Ok(Json(sessions(&broker, &broker.role_sessions(&caller, &lab, &wanted).await?.page)))
}

fn name(name: Option<&DisplayName>) -> Option<String> {
    name.map(DisplayName::as_str).map(str::to_owned)
}

fn shown(broker: &Broker, page: &MembersPage) -> wire::Members {
    wire::Members {
        people: page.people.iter().map(|member| one(broker, member)).collect(),
        next: page.next.as_ref().map(ToString::to_string),
        total: page.total,
    }
}

fn one(broker: &Broker, member: &Member) -> wire::Member {
    let person = &member.person;
    wire::Member {
        id: person.id.to_string(),
        name: name(person.name.as_ref()),
        looks_like_another: member.looks_like_another,
        connection: person.connection.to_string(),
        connection_title: broker.connection_title(&person.connection).to_owned(),
        standing: person.office.map(Office::as_str).map(str::to_owned),
        suspended: person.suspended,
        first_asked_at: person.first_asked_at.map(timestamp),
        last_asked_at: person.last_asked_at.map(timestamp),
        roles: member.roles.iter().map(held).collect(),
    }
}

fn held(held: &Held) -> wire::HeldRole {
    wire::HeldRole {
        role: held.role.to_string(),
        state: match held.holding {
            Holding::Has => wire::HeldState::Has,
            Holding::WithMfa => wire::HeldState::WithMfa,
            Holding::Approval => wire::HeldState::Approval,
            Holding::OldGroups => wire::HeldState::OldGroups,
        },
        mapping: held.mapping.to_string(),
        ends_at: held.ends_at.map(timestamp),
        in_use: held.in_use,
    }
}

fn sessions(broker: &Broker, page: &SessionsPage) -> wire::RoleSessions {
    let sessions =
        page.sessions.iter().map(|LiveSession { session, looks_like_another, title, cut_off, .. }| wire::RoleSession {
            id: session.id.to_string(),
            person: session.person.to_string(),
            name: name(session.name.as_ref()),
            looks_like_another: *looks_like_another,
            connection_title: broker.connection_title(&session.connection).to_owned(),
            role: session.role.to_string(),
            mapping: session.mapping.to_string(),
            issued_at: timestamp(session.issued_at),
            expires_at: timestamp(session.expires_at),
            title: title.clone(),
            cut_off: cut_off.as_ref().map(ToString::to_string),
        });
    wire::RoleSessions { sessions: sessions.collect(), next: page.next.as_ref().map(ToString::to_string) }
}

fn attention(attention: &Attention) -> wire::Attention {
    let subjects: Vec<String> = match attention {
        Attention::WaitingChanges(changes) => changes.iter().map(ToString::to_string).collect(),
        Attention::SuspendedHolders(people) | Attention::LookAlikes(people) => {
            people.iter().map(|person| &person.id).map(PersonId::to_string).collect()
        }
        Attention::EndingMappings(mappings) | Attention::EmptyMappings(mappings) => {
            mappings.iter().map(|mapping| mapping.id.to_string()).collect()
        }
        Attention::UnmappedRoles(roles) | Attention::AccountUpdate(roles) => {
            roles.iter().map(ToString::to_string).collect()
        }
        Attention::AccountOpen
        | Attention::AccountBroken
        | Attention::AccountNotJoined
        | Attention::NoPi
        | Attention::OnlyPi
        | Attention::Trouble(_) => Vec::new(),
    };
    let count = match attention {
        Attention::NoPi => 0,
        Attention::AccountOpen | Attention::AccountBroken | Attention::AccountNotJoined | Attention::OnlyPi => 1,
        Attention::Trouble(trouble) => trouble.refused + trouble.failed,
        _ => subjects.len() as u64,
    };
    wire::Attention { kind: attention.kind().to_owned(), count, subjects }
}
