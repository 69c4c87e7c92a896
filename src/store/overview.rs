//! What those who look after a lab see of it: its people, what each has, the sessions that live, what is odd.
//!
//! A lab's people are those who are known in it and those who look after it. Nobody else is named, and of nobody else is
//! it said which groups they are in.

use chrono::{DateTime, Utc};

use super::labs::duration;
use super::sql::{run_in_lab, statements};
use super::{LabTx, MaybeTime, Result, column};
use crate::domain::claims::Group;
use crate::domain::id::{ConnectionName, MappingId, PersonId, RoleName, RoleSessionId};
use crate::domain::lab::Office;
use crate::domain::mapping::MappingTerms;
use crate::domain::person::DisplayName;

statements! {
    lab {
        /// All of them at once: who looks like whom is asked of all names.
        LAB_PEOPLE = "select person.id as id, person.connection as connection, person.display_name as display_name, \
            person.suspended_at as suspended_at, standing.standing as standing, \
            lab_person.first_asked_at as first_asked_at, lab_person.last_asked_at as last_asked_at \
            from lab_person join person on person.id = lab_person.person_id \
            left join standing on standing.lab_id = lab_person.lab_id and standing.person_id = lab_person.person_id \
            where lab_person.lab_id = $1 \
            union all select person.id, person.connection, person.display_name, person.suspended_at, \
            standing.standing, null, null from standing join person on person.id = standing.person_id \
            where standing.lab_id = $1 and not exists (select 1 from lab_person \
            where lab_person.lab_id = standing.lab_id and lab_person.person_id = standing.person_id)";
        /// What the latest sign-in of each of these people is given by. `$3` has their ids in it: neither database knows
        /// the other's lists. The joins are crossed, so that they go the way that they are written, person by person.
        GIVEN_TO = "select lab_person.person_id as person, mapping.id as mapping, mapping.role as role, \
            mapping.ends_at as ends_at, mapping.max_duration_seconds as max_duration_seconds, \
            mapping.needs_mfa as needs_mfa, mapping.needs_approval as needs_approval, \
            sign_in.signed_in_at as signed_in_at from lab_person cross join sign_in cross join sign_in_group \
            cross join person cross join mapping \
            where lab_person.lab_id = $1 and $3 like '%' || lab_person.person_id || '%' \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = lab_person.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and person.id = lab_person.person_id \
            and mapping.lab_id = lab_person.lab_id and mapping.connection = person.connection \
            and mapping.group_name = sign_in_group.group_name and (mapping.ends_at is null or mapping.ends_at > $2) \
            union select standing.person_id, mapping.id, mapping.role, mapping.ends_at, mapping.max_duration_seconds, \
            mapping.needs_mfa, mapping.needs_approval, sign_in.signed_in_at from standing cross join sign_in \
            cross join sign_in_group cross join person cross join mapping \
            where standing.lab_id = $1 and $3 like '%' || standing.person_id || '%' \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = standing.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and person.id = standing.person_id \
            and mapping.lab_id = standing.lab_id and mapping.connection = person.connection \
            and mapping.group_name = sign_in_group.group_name and (mapping.ends_at is null or mapping.ends_at > $2) \
            order by 1, 3, 2";
        /// How many of the lab's people have each role, by groups that are newer than `$3`: first of those who are known,
        /// then of those who look after it and are not.
        ROLE_HOLDERS = "select mapping.role as role, count(distinct lab_person.person_id) as people \
            from lab_person cross join sign_in cross join sign_in_group cross join person cross join mapping \
            where lab_person.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = lab_person.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) and sign_in.signed_in_at > $3 \
            and sign_in_group.sign_in_id = sign_in.id and person.id = lab_person.person_id \
            and person.suspended_at is null and mapping.lab_id = lab_person.lab_id \
            and mapping.connection = person.connection and mapping.group_name = sign_in_group.group_name \
            and (mapping.ends_at is null or mapping.ends_at > $2) and not mapping.needs_approval \
            group by mapping.role \
            union all select mapping.role, count(distinct standing.person_id) \
            from standing cross join sign_in cross join sign_in_group cross join person cross join mapping \
            where standing.lab_id = $1 and not exists (select 1 from lab_person \
            where lab_person.lab_id = standing.lab_id and lab_person.person_id = standing.person_id) \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = standing.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) and sign_in.signed_in_at > $3 \
            and sign_in_group.sign_in_id = sign_in.id and person.id = standing.person_id \
            and person.suspended_at is null and mapping.lab_id = standing.lab_id \
            and mapping.connection = person.connection and mapping.group_name = sign_in_group.group_name \
            and (mapping.ends_at is null or mapping.ends_at > $2) and not mapping.needs_approval \
            group by mapping.role order by 1, 2";
        /// What gives roles at this moment, and whether it speaks of anybody of the lab.
        LIVE_MAPPINGS = "select id, group_name, role, ends_at, exists (select 1 from sign_in_group \
            join sign_in on sign_in.id = sign_in_group.sign_in_id join person on person.id = sign_in.person_id \
            where sign_in_group.group_name = mapping.group_name and person.connection = mapping.connection \
            and (exists (select 1 from lab_person where lab_person.lab_id = mapping.lab_id \
            and lab_person.person_id = person.id) or exists (select 1 from standing \
            where standing.lab_id = mapping.lab_id and standing.person_id = person.id)) \
            and not exists (select 1 from sign_in newer where newer.person_id = person.id \
            and (newer.signed_in_at > sign_in.signed_in_at \
            or (newer.signed_in_at = sign_in.signed_in_at and newer.id > sign_in.id)))) as has_people \
            from mapping where lab_id = $1 and (ends_at is null or ends_at > $2) order by role, group_name, id";
        LIVE_ROLE_SESSIONS = "select role_session.id as id, role_session.person_id as person, \
            person.connection as connection, person.display_name as display_name, role_session.role as role, \
            role_session.mapping_id as mapping, role_session.issued_at as issued_at, \
            role_session.expires_at as expires_at from role_session join person on person.id = role_session.person_id \
            where role_session.lab_id = $1 and role_session.expires_at > $2 and (role_session.issued_at < $3 \
            or (role_session.issued_at = $3 and role_session.id > $4)) \
            and ($6 = '' or role_session.person_id = $6) and ($7 = '' or role_session.role = $7) \
            order by role_session.issued_at desc, role_session.id limit $5";
        /// Of these people, as in `GIVEN_TO`.
        ROLES_IN_USE = "select distinct person_id, role from role_session where lab_id = $1 and expires_at > $2 \
            and $3 like '%' || person_id || '%' order by person_id, role";
        COUNT_ROLE_SESSIONS = "select role, count(*) from role_session where lab_id = $1 and expires_at > $2 \
            group by role order by role";
        /// Of the book's last entries only, however many there are.
        RECENT_TROUBLE = "select kind, count(*) from ledger_entry where book = $1 and seq > (select max(entries) - $3 \
            from ledger_book where ledger_book.book = $1) and at > $2 and kind in ('refused', 'failed') \
            group by kind order by kind";
    }
}

/// How many of the last entries are looked through for what went wrong.
const RECENT_ENTRIES: i64 = 500;

#[derive(sqlx::FromRow)]
struct PersonRow {
    id: String,
    connection: String,
    display_name: Option<String>,
    suspended_at: MaybeTime,
    standing: Option<String>,
    first_asked_at: MaybeTime,
    last_asked_at: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct GivenRow {
    person: String,
    mapping: String,
    role: String,
    ends_at: MaybeTime,
    max_duration_seconds: Option<i64>,
    needs_mfa: bool,
    needs_approval: bool,
    signed_in_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct LiveMappingRow {
    id: String,
    group_name: String,
    role: String,
    ends_at: MaybeTime,
    has_people: bool,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: String,
    person: String,
    connection: String,
    display_name: Option<String>,
    role: String,
    mapping: String,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// Somebody who is known in a lab or looks after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabPerson {
    /// Who.
    pub id: PersonId,
    /// Where they sign in.
    pub connection: ConnectionName,
    /// What they are called, if a provider ever said.
    pub name: Option<DisplayName>,
    /// Whether an operator has suspended them.
    pub suspended: bool,
    /// What they may administer.
    pub office: Option<Office>,
    /// When they were given a role of the lab for the first time.
    pub first_asked_at: MaybeTime,
    /// When they were for the last time.
    pub last_asked_at: MaybeTime,
}

/// A live mapping that speaks of one of a lab's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBy {
    /// Who.
    pub person: PersonId,
    /// The mapping.
    pub mapping: MappingId,
    /// The role.
    pub role: RoleName,
    /// On what conditions.
    pub terms: MappingTerms,
    /// How old what is known of their groups is.
    pub groups_at: DateTime<Utc>,
}

/// A mapping that gives its role at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveMapping {
    /// Which.
    pub id: MappingId,
    /// To whom.
    pub group: Group,
    /// What.
    pub role: RoleName,
    /// Until when.
    pub ends_at: MaybeTime,
    /// Whether anybody of the lab is in the group.
    pub has_people: bool,
}

/// A session at AWS that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRoleSession {
    /// Its place in the ledger.
    pub id: RoleSessionId,
    /// Whose.
    pub person: PersonId,
    /// Where they sign in.
    pub connection: ConnectionName,
    /// What they are called, if a provider ever said.
    pub name: Option<DisplayName>,
    /// The role.
    pub role: RoleName,
    /// The mapping that gave it.
    pub mapping: MappingId,
    /// Since when.
    pub issued_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// What came to nothing of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecentTrouble {
    /// The broker said no.
    pub refused: u64,
    /// AWS did, or gave no answer.
    pub failed: u64,
}

fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

impl LabTx<'_> {
    /// Everybody who is known in the lab or looks after it, in no order.
    pub async fn lab_people(&mut self) -> Result<Vec<LabPerson>> {
        let rows: Vec<PersonRow> = run_in_lab!(self, fetch_all PersonRow: LAB_PEOPLE)?;
        rows.into_iter()
            .map(|row| {
                Ok(LabPerson {
                    id: column(&row.id, "person", "id")?,
                    connection: column(&row.connection, "person", "connection")?,
                    name: row.display_name.as_deref().and_then(DisplayName::from_claim),
                    suspended: row.suspended_at.is_some(),
                    office: row.standing.map(|text| column(&text, "standing", "standing")).transpose()?,
                    first_asked_at: row.first_asked_at,
                    last_asked_at: row.last_asked_at,
                })
            })
            .collect()
    }

    /// The live mappings that speak of these people of the lab: by person and role. Whether one gives its role is not
    /// said. Of who is not of the lab there is nothing.
    pub async fn given_to(&mut self, people: &[PersonId], now: DateTime<Utc>) -> Result<Vec<GivenBy>> {
        let ids: Vec<&str> = people.iter().map(PersonId::as_str).collect();
        let rows: Vec<GivenRow> = run_in_lab!(self, fetch_all GivenRow: GIVEN_TO, now, ids.join(" "))?;
        rows.into_iter()
            .map(|row| {
                Ok(GivenBy {
                    person: column(&row.person, "person", "id")?,
                    mapping: column(&row.mapping, "mapping", "id")?,
                    role: column(&row.role, "mapping", "role")?,
                    terms: MappingTerms {
                        ends_at: row.ends_at,
                        max_duration: row.max_duration_seconds.map(|most| duration(most, "mapping")).transpose()?,
                        needs_mfa: row.needs_mfa,
                        needs_approval: row.needs_approval,
                    },
                    groups_at: row.signed_in_at,
                })
            })
            .collect()
    }

    /// How many of the lab's people have each role, by groups that are newer than the given moment. A role that nobody
    /// has is not there.
    pub async fn role_holders(&mut self, oldest: DateTime<Utc>, now: DateTime<Utc>) -> Result<Vec<(RoleName, u64)>> {
        let rows: Vec<(String, i64)> = run_in_lab!(self, fetch_all (String, i64): ROLE_HOLDERS, now, oldest)?;
        let mut holders: Vec<(RoleName, u64)> = Vec::new();
        for (role, count) in rows {
            let role: RoleName = column(&role, "mapping", "role")?;
            match holders.last_mut().filter(|(last, _)| *last == role) {
                Some((_, sum)) => *sum += number(count),
                None => holders.push((role, number(count))),
            }
        }
        Ok(holders)
    }

    /// The mappings that give their roles at this moment, by role and group.
    pub async fn live_mappings(&mut self, now: DateTime<Utc>) -> Result<Vec<LiveMapping>> {
        let rows: Vec<LiveMappingRow> = run_in_lab!(self, fetch_all LiveMappingRow: LIVE_MAPPINGS, now)?;
        rows.into_iter()
            .map(|row| {
                Ok(LiveMapping {
                    id: column(&row.id, "mapping", "id")?,
                    group: column(&row.group_name, "mapping", "group_name")?,
                    role: column(&row.role, "mapping", "role")?,
                    ends_at: row.ends_at,
                    has_people: row.has_people,
                })
            })
            .collect()
    }

    /// At most `limit` sessions that live, the newest first, after the given one.
    pub async fn live_role_sessions(
        &mut self,
        now: DateTime<Utc>,
        after: Option<(DateTime<Utc>, &RoleSessionId)>,
        person: Option<&PersonId>,
        role: Option<&RoleName>,
        limit: u32,
    ) -> Result<Vec<LiveRoleSession>> {
        // Nothing was handed out later than now.
        let (at, id) = after.map_or((now, ""), |(at, id)| (at, id.as_str()));
        let (person, role) = (person.map_or("", PersonId::as_str), role.map_or("", RoleName::as_str));
        let rows: Vec<SessionRow> = run_in_lab!(
            self, fetch_all SessionRow: LIVE_ROLE_SESSIONS, now, at, id, i64::from(limit), person, role)?;
        rows.into_iter()
            .map(|row| {
                Ok(LiveRoleSession {
                    id: column(&row.id, "role_session", "id")?,
                    person: column(&row.person, "role_session", "person_id")?,
                    connection: column(&row.connection, "person", "connection")?,
                    name: row.display_name.as_deref().and_then(DisplayName::from_claim),
                    role: column(&row.role, "role_session", "role")?,
                    mapping: column(&row.mapping, "role_session", "mapping_id")?,
                    issued_at: row.issued_at,
                    expires_at: row.expires_at,
                })
            })
            .collect()
    }

    /// The roles that these people have a session of that lives.
    pub async fn roles_in_use(&mut self, people: &[PersonId], now: DateTime<Utc>) -> Result<Vec<(PersonId, RoleName)>> {
        let ids: Vec<&str> = people.iter().map(PersonId::as_str).collect();
        let rows: Vec<(String, String)> =
            run_in_lab!(self, fetch_all (String, String): ROLES_IN_USE, now, ids.join(" "))?;
        rows.iter()
            .map(|(person, role)| {
                Ok((column(person, "role_session", "person_id")?, column(role, "role_session", "role")?))
            })
            .collect()
    }

    /// How many sessions of each role live.
    pub async fn count_role_sessions(&mut self, now: DateTime<Utc>) -> Result<Vec<(RoleName, u64)>> {
        let rows: Vec<(String, i64)> = run_in_lab!(self, fetch_all (String, i64): COUNT_ROLE_SESSIONS, now)?;
        rows.iter().map(|(role, count)| Ok((column(role, "role_session", "role")?, number(*count)))).collect()
    }

    /// What came to nothing since a moment, among the last entries of the lab's book.
    pub async fn recent_trouble(&mut self, since: DateTime<Utc>) -> Result<RecentTrouble> {
        let rows: Vec<(String, i64)> =
            run_in_lab!(self, fetch_all (String, i64): RECENT_TROUBLE, since, RECENT_ENTRIES)?;
        let count = |kind| rows.iter().find(|(of, _)| of == kind).map_or(0, |(_, count)| number(*count));
        Ok(RecentTrouble { refused: count("refused"), failed: count("failed") })
    }
}
