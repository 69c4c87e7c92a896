//! Mappings, and the changes of them that wait for a second PI.

use chrono::{DateTime, Utc};

use super::labs::duration;
use super::sql::{run_across, run_in_lab, statements};
use super::{LabTx, MaybeTime, Result, Tx, column};
use crate::domain::id::{LabId, MappingChangeId, MappingId, PersonId, RoleName};
use crate::domain::mapping::{Mapping, MappingChange, MappingTarget, MappingTerms};

statements! {
    lab {
        MAPPING = "select id, connection, group_name, role, ends_at, max_duration_seconds, needs_mfa, needs_approval, \
            revision, created_at, changed_at from mapping where lab_id = $1 and id = $2";
        MAPPINGS = "select id, connection, group_name, role, ends_at, max_duration_seconds, needs_mfa, needs_approval, \
            revision, created_at, changed_at from mapping where lab_id = $1 and id > $2 order by id limit $3";
        MAPPINGS_OF_TARGET = "select id, connection, group_name, role, ends_at, max_duration_seconds, needs_mfa, \
            needs_approval, revision, created_at, changed_at from mapping \
            where lab_id = $1 and role = $2 and connection = $3 and group_name = $4 order by id";
        INSERT_MAPPING = "insert into mapping (lab_id, id, connection, group_name, role, ends_at, \
            max_duration_seconds, needs_mfa, needs_approval, revision, created_at, changed_at) \
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        /// Only the revision that was looked at: of two who change the same one, the second changes nothing.
        SET_TERMS = "update mapping set ends_at = $4, max_duration_seconds = $5, needs_mfa = $6, needs_approval = $7, \
            revision = revision + 1, changed_at = $8 where lab_id = $1 and id = $2 and revision = $3";
        INSERT_REVISION = "insert into mapping_revision (lab_id, mapping_id, revision, ends_at, max_duration_seconds, \
            needs_mfa, needs_approval, changed_at, person_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        /// One place after another, by role and group; `$5` leaves out what had ended by then.
        MAPPINGS_BY_ROLE = "select id, connection, group_name, role, ends_at, max_duration_seconds, needs_mfa, \
            needs_approval, revision, created_at, changed_at from mapping where lab_id = $1 \
            and (role > $2 or (role = $2 and (group_name > $3 or (group_name = $3 and id > $4)))) \
            and (ends_at is null or ends_at > $5) order by role, group_name, id limit $6";
        MAPPINGS_OF_ROLE = "select id, connection, group_name, role, ends_at, max_duration_seconds, needs_mfa, \
            needs_approval, revision, created_at, changed_at from mapping where lab_id = $1 and role = $2 order by id";
        REVISIONS = "select revision, ends_at, max_duration_seconds, needs_mfa, needs_approval, changed_at, person_id \
            from mapping_revision where lab_id = $1 and mapping_id = $2 and revision < $3 \
            order by revision desc limit $4";
        CHANGE = "select id, mapping_id, of_revision, author, connection, group_name, role, ends_at, \
            max_duration_seconds, needs_mfa, needs_approval, asked_at, lapses_at from mapping_change \
            where lab_id = $1 and id = $2 and lapses_at > $3";
        INSERT_CHANGE = "insert into mapping_change (lab_id, id, mapping_id, of_revision, author, connection, \
            group_name, role, ends_at, max_duration_seconds, needs_mfa, needs_approval, asked_at, lapses_at) \
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        CHANGES = "select id, mapping_id, of_revision, author, connection, group_name, role, ends_at, \
            max_duration_seconds, needs_mfa, needs_approval, asked_at, lapses_at from mapping_change \
            where lab_id = $1 and lapses_at > $2 and (asked_at > $3 or (asked_at = $3 and id > $4)) \
            order by asked_at, id limit $5";
        /// Taken and gone in one statement: it is confirmed or declined once.
        TAKE_CHANGE = "delete from mapping_change where lab_id = $1 and id = $2 and lapses_at > $3 \
            returning id, mapping_id, of_revision, author, connection, group_name, role, ends_at, \
            max_duration_seconds, needs_mfa, needs_approval, asked_at, lapses_at";
        FORGET_LAPSED_CHANGES = "delete from mapping_change where lab_id = $1 and lapses_at <= $2";
    }
    across {
        /// For the gate: every mapping to the role that is asked for, ended ones included.
        GATE_MAPPINGS = "select id, connection, group_name, role, ends_at, max_duration_seconds, needs_mfa, \
            needs_approval, revision, created_at, changed_at from mapping where lab_id = $1 and role = $2 order by id";
        /// For the gate: whether a mapping gives anything still.
        GATE_MAPPING = "select count(*) from mapping where lab_id = $1 and id = $2 and (ends_at is null or ends_at > $3)";
    }
}

#[derive(sqlx::FromRow)]
struct MappingRow {
    id: String,
    connection: String,
    group_name: String,
    role: String,
    ends_at: MaybeTime,
    max_duration_seconds: Option<i64>,
    needs_mfa: bool,
    needs_approval: bool,
    revision: i64,
    created_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    id: String,
    mapping_id: String,
    of_revision: Option<i64>,
    author: String,
    connection: String,
    group_name: String,
    role: String,
    ends_at: MaybeTime,
    max_duration_seconds: Option<i64>,
    needs_mfa: bool,
    needs_approval: bool,
    asked_at: DateTime<Utc>,
    lapses_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct RawRevision {
    revision: i64,
    ends_at: MaybeTime,
    max_duration_seconds: Option<i64>,
    needs_mfa: bool,
    needs_approval: bool,
    changed_at: DateTime<Utc>,
    person_id: Option<String>,
}

/// The conditions of a mapping at one of its revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionRow {
    /// Which.
    pub revision: i64,
    /// What the conditions were.
    pub terms: MappingTerms,
    /// From when on.
    pub changed_at: DateTime<Utc>,
    /// Who set them; an operator, or nobody knows, when there is none.
    pub by: Option<PersonId>,
}

/// Where a page of mappings begins: after this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingPlace {
    /// Its role.
    pub role: String,
    /// Its group.
    pub group: String,
    /// Which.
    pub id: String,
}

fn mapping(row: &MappingRow) -> Result<Mapping> {
    Ok(Mapping {
        id: column(&row.id, "mapping", "id")?,
        target: MappingTarget {
            connection: column(&row.connection, "mapping", "connection")?,
            group: column(&row.group_name, "mapping", "group_name")?,
            role: column(&row.role, "mapping", "role")?,
        },
        terms: MappingTerms {
            ends_at: row.ends_at,
            max_duration: row.max_duration_seconds.map(|most| duration(most, "mapping")).transpose()?,
            needs_mfa: row.needs_mfa,
            needs_approval: row.needs_approval,
        },
        revision: row.revision,
        created_at: row.created_at,
        changed_at: row.changed_at,
    })
}

fn change(row: &ChangeRow) -> Result<MappingChange> {
    Ok(MappingChange {
        id: column(&row.id, "mapping_change", "id")?,
        mapping: column(&row.mapping_id, "mapping_change", "mapping_id")?,
        of_revision: row.of_revision,
        author: column(&row.author, "mapping_change", "author")?,
        target: MappingTarget {
            connection: column(&row.connection, "mapping_change", "connection")?,
            group: column(&row.group_name, "mapping_change", "group_name")?,
            role: column(&row.role, "mapping_change", "role")?,
        },
        terms: MappingTerms {
            ends_at: row.ends_at,
            max_duration: row.max_duration_seconds.map(|most| duration(most, "mapping_change")).transpose()?,
            needs_mfa: row.needs_mfa,
            needs_approval: row.needs_approval,
        },
        asked_at: row.asked_at,
        lapses_at: row.lapses_at,
    })
}

fn seconds(terms: &MappingTerms) -> Option<i64> {
    terms.max_duration.map(|most| i64::from(most.seconds()))
}

impl Tx {
    pub(super) async fn gate_mappings(&mut self, lab: &LabId, role: &RoleName) -> Result<Vec<Mapping>> {
        let rows: Vec<MappingRow> =
            run_across!(self, fetch_all MappingRow: GATE_MAPPINGS, lab.as_str(), role.as_str())?;
        rows.iter().map(mapping).collect()
    }

    /// For the gate: whether a mapping gives anything still, before what it has given is handed out.
    pub async fn mapping_gives(&mut self, lab: &LabId, mapping: &MappingId, now: DateTime<Utc>) -> Result<bool> {
        let (count,): (i64,) = run_across!(self, fetch_one (i64,): GATE_MAPPING, lab.as_str(), mapping.as_str(), now)?;
        Ok(count == 1)
    }
}

impl LabTx<'_> {
    /// One mapping, ended or not.
    pub async fn mapping(&mut self, id: &MappingId) -> Result<Option<Mapping>> {
        let row: Option<MappingRow> = run_in_lab!(self, fetch_optional MappingRow: MAPPING, id.as_str())?;
        row.as_ref().map(mapping).transpose()
    }

    /// At most `limit` mappings in the order of their ids, ended ones included, after the given one.
    pub async fn mappings(&mut self, after: Option<&MappingId>, limit: u32) -> Result<Vec<Mapping>> {
        let after = after.map_or("", MappingId::as_str);
        let rows: Vec<MappingRow> = run_in_lab!(self, fetch_all MappingRow: MAPPINGS, after, i64::from(limit))?;
        rows.iter().map(mapping).collect()
    }

    /// The mappings of this very group to this very role, ended ones included.
    pub async fn mappings_of(&mut self, target: &MappingTarget) -> Result<Vec<Mapping>> {
        let rows: Vec<MappingRow> = run_in_lab!(
            self,
            fetch_all MappingRow: MAPPINGS_OF_TARGET,
            target.role.as_str(),
            target.connection.as_str(),
            target.group.as_str(),
        )?;
        rows.iter().map(mapping).collect()
    }

    /// At most `limit` mappings by role and group, after the given place; those that ended before `ended_after` are left
    /// out.
    pub async fn mappings_by_role(
        &mut self,
        after: &MappingPlace,
        ended_after: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Mapping>> {
        let MappingPlace { role, group, id } = after;
        let rows: Vec<MappingRow> = run_in_lab!(
            self,
            fetch_all MappingRow: MAPPINGS_BY_ROLE,
            role.as_str(),
            group.as_str(),
            id.as_str(),
            ended_after,
            i64::from(limit),
        )?;
        rows.iter().map(mapping).collect()
    }

    /// Every mapping to a role, ended ones included.
    pub async fn mappings_of_role(&mut self, role: &RoleName) -> Result<Vec<Mapping>> {
        let rows: Vec<MappingRow> = run_in_lab!(self, fetch_all MappingRow: MAPPINGS_OF_ROLE, role.as_str())?;
        rows.iter().map(mapping).collect()
    }

    /// At most `limit` revisions of a mapping before the given one, the newest first.
    pub async fn revisions(&mut self, id: &MappingId, before: i64, limit: u32) -> Result<Vec<RevisionRow>> {
        let rows: Vec<RawRevision> =
            run_in_lab!(self, fetch_all RawRevision: REVISIONS, id.as_str(), before, i64::from(limit))?;
        rows.into_iter()
            .map(|row| {
                Ok(RevisionRow {
                    revision: row.revision,
                    terms: MappingTerms {
                        ends_at: row.ends_at,
                        max_duration: row
                            .max_duration_seconds
                            .map(|most| duration(most, "mapping_revision"))
                            .transpose()?,
                        needs_mfa: row.needs_mfa,
                        needs_approval: row.needs_approval,
                    },
                    changed_at: row.changed_at,
                    by: row.person_id.map(|id| column(&id, "mapping_revision", "person_id")).transpose()?,
                })
            })
            .collect()
    }

    /// A change that waits.
    pub async fn change(&mut self, id: &MappingChangeId, now: DateTime<Utc>) -> Result<Option<MappingChange>> {
        let row: Option<ChangeRow> = run_in_lab!(self, fetch_optional ChangeRow: CHANGE, id.as_str(), now)?;
        row.as_ref().map(change).transpose()
    }

    /// Adds a mapping.
    pub async fn insert_mapping(&mut self, mapping: &Mapping) -> Result<()> {
        let Mapping { id, target, terms, revision, created_at, changed_at } = mapping;
        run_in_lab!(
            self,
            execute INSERT_MAPPING,
            id.as_str(),
            target.connection.as_str(),
            target.group.as_str(),
            target.role.as_str(),
            terms.ends_at,
            seconds(terms),
            terms.needs_mfa,
            terms.needs_approval,
            *revision,
            *created_at,
            *changed_at,
        )?;
        Ok(())
    }

    /// Sets the conditions of a mapping, if it still has this revision; false when it has not.
    pub async fn set_terms(
        &mut self,
        id: &MappingId,
        revision: i64,
        terms: &MappingTerms,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let rows = run_in_lab!(
            self,
            execute SET_TERMS,
            id.as_str(),
            revision,
            terms.ends_at,
            seconds(terms),
            terms.needs_mfa,
            terms.needs_approval,
            now,
        )?;
        Ok(rows == 1)
    }

    /// Keeps the conditions that a mapping has now, beside those it had before. `by` is a person, or nobody when it is an
    /// operator.
    pub async fn insert_revision(&mut self, mapping: &Mapping, by: Option<&PersonId>) -> Result<()> {
        let Mapping { id, terms, revision, changed_at, .. } = mapping;
        run_in_lab!(
            self,
            execute INSERT_REVISION,
            id.as_str(),
            *revision,
            terms.ends_at,
            seconds(terms),
            terms.needs_mfa,
            terms.needs_approval,
            *changed_at,
            by.map(PersonId::as_str),
        )?;
        Ok(())
    }

    /// Keeps a change that waits.
    pub async fn insert_change(&mut self, change: &MappingChange) -> Result<()> {
        let MappingChange { id, mapping, of_revision, author, target, terms, asked_at, lapses_at } = change;
        run_in_lab!(
            self,
            execute INSERT_CHANGE,
            id.as_str(),
            mapping.as_str(),
            *of_revision,
            author.as_str(),
            target.connection.as_str(),
            target.group.as_str(),
            target.role.as_str(),
            terms.ends_at,
            seconds(terms),
            terms.needs_mfa,
            terms.needs_approval,
            *asked_at,
            *lapses_at,
        )?;
        Ok(())
    }

    /// At most `limit` changes that wait, the oldest first, after the given one.
    pub async fn changes(
        &mut self,
        now: DateTime<Utc>,
        after: Option<(DateTime<Utc>, &MappingChangeId)>,
        limit: u32,
    ) -> Result<Vec<MappingChange>> {
        let (at, id) = after.map_or((DateTime::UNIX_EPOCH, ""), |(at, id)| (at, id.as_str()));
        let rows: Vec<ChangeRow> = run_in_lab!(self, fetch_all ChangeRow: CHANGES, now, at, id, i64::from(limit))?;
        rows.iter().map(change).collect()
    }

    /// Takes a change that waits, so that nobody can take it again.
    pub async fn take_change(&mut self, id: &MappingChangeId, now: DateTime<Utc>) -> Result<Option<MappingChange>> {
        let row: Option<ChangeRow> = run_in_lab!(self, fetch_optional ChangeRow: TAKE_CHANGE, id.as_str(), now)?;
        row.as_ref().map(change).transpose()
    }

    /// Forgets the changes that nobody confirmed in time.
    pub async fn forget_lapsed_changes(&mut self, now: DateTime<Utc>) -> Result<u64> {
        run_in_lab!(self, execute FORGET_LAPSED_CHANGES, now)
    }
}
