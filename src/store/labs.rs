//! Labs, their roles, mappings and standings.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Error, MaybeTime, Result, Tx, column, statements};
use crate::domain::id::{LabId, LabName, PersonId, RoleName, SignInId};
use crate::domain::lab::{Lab, Mapping, Role, Standing};
use crate::domain::policy::TemplateName;
use crate::domain::role_session::SessionDuration;

statements! {
    LAB_BY_NAME = "select id, name, title, session_role, external_id from lab where name = $1";
    INSERT_LAB = "insert into lab (id, name, title, session_role, external_id, created_at) \
        values ($1, $2, $3, $4, $5, $6)";
    ROLE = "select name, template, parameters, max_duration_seconds from lab_role where lab_id = $1 and name = $2";
    INSERT_ROLE = "insert into lab_role (lab_id, name, template, parameters, max_duration_seconds, created_at) \
        values ($1, $2, $3, $4, $5, $6)";
    MAPPINGS_OF_ROLE = "select id, connection, group_name, role, ends_at from mapping \
        where lab_id = $1 and role = $2 order by id";
    INSERT_MAPPING = "insert into mapping (lab_id, id, connection, group_name, role, ends_at, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7)";
    /// What one sign-in gives, over all labs. Of several mappings to one role, the longest-lived end counts.
    ROLES_GIVEN = "select lab.name as lab, lab_role.name as role, lab_role.template as template, \
        min(case when mapping.ends_at is null then 0 else 1 end) as ends, max(mapping.ends_at) as last_end \
        from sign_in \
        join person on person.id = sign_in.person_id \
        join sign_in_group on sign_in_group.sign_in_id = sign_in.id \
        join mapping on mapping.connection = person.connection and mapping.group_name = sign_in_group.group_name \
        join lab_role on lab_role.lab_id = mapping.lab_id and lab_role.name = mapping.role \
        join lab on lab.id = mapping.lab_id \
        where sign_in.id = $1 and (mapping.ends_at is null or mapping.ends_at > $2) \
        group by lab.name, lab_role.name, lab_role.template order by lab.name, lab_role.name";
    PUT_STANDING = "insert into standing (lab_id, person_id, standing, created_at) values ($1, $2, $3, $4) \
        on conflict (lab_id, person_id) do update set standing = excluded.standing";
    STANDINGS_OF_PERSON = "select lab.name as lab, standing.standing as standing from standing \
        join lab on lab.id = standing.lab_id where standing.person_id = $1 order by lab.name";
}

#[derive(sqlx::FromRow)]
struct LabRow {
    id: String,
    name: String,
    title: String,
    session_role: String,
    external_id: String,
}

#[derive(sqlx::FromRow)]
struct RoleRow {
    name: String,
    template: String,
    parameters: String,
    max_duration_seconds: i64,
}

#[derive(sqlx::FromRow)]
struct MappingRow {
    id: String,
    connection: String,
    group_name: String,
    role: String,
    ends_at: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct GivenRow {
    lab: String,
    role: String,
    template: String,
    ends: i32,
    last_end: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    lab: String,
    standing: String,
}

/// A role that a sign-in gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRole {
    /// The lab.
    pub lab: LabName,
    /// The role.
    pub role: RoleName,
    /// What it is made of.
    pub template: TemplateName,
    /// When the last mapping that gives it ends, if all of them do.
    pub ends_at: MaybeTime,
}

/// What a person may administer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabStanding {
    /// The lab.
    pub lab: LabName,
    /// The standing there.
    pub standing: Standing,
}

impl Tx {
    /// The lab of this name.
    pub async fn lab_by_name(&mut self, name: &LabName) -> Result<Option<Lab>> {
        let row: Option<LabRow> =
            sqlx::query_as(LAB_BY_NAME).bind(name.as_str()).fetch_optional(&mut *self.inner).await?;
        row.map(|row| {
            Ok(Lab {
                id: column(&row.id, "lab", "id")?,
                name: column(&row.name, "lab", "name")?,
                title: row.title,
                session_role: column(&row.session_role, "lab", "session_role")?,
                external_id: column(&row.external_id, "lab", "external_id")?,
            })
        })
        .transpose()
    }

    /// Adds a lab.
    pub async fn insert_lab(&mut self, lab: &Lab, now: DateTime<Utc>) -> Result<()> {
        sqlx::query(INSERT_LAB)
            .bind(lab.id.as_str())
            .bind(lab.name.as_str())
            .bind(&lab.title)
            .bind(lab.session_role.as_str())
            .bind(lab.external_id.as_str())
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// One role of a lab.
    pub async fn role(&mut self, lab: &LabId, name: &RoleName) -> Result<Option<Role>> {
        let row: Option<RoleRow> =
            sqlx::query_as(ROLE).bind(lab.as_str()).bind(name.as_str()).fetch_optional(&mut *self.inner).await?;
        row.map(|row| {
            let wrong = |column| Error::Inconsistent { table: "lab_role", column };
            let seconds = u32::try_from(row.max_duration_seconds).map_err(|_| wrong("max_duration_seconds"))?;
            Ok(Role {
                name: column(&row.name, "lab_role", "name")?,
                template: column(&row.template, "lab_role", "template")?,
                parameters: serde_json::from_str(&row.parameters).map_err(|_| wrong("parameters"))?,
                max_duration: SessionDuration::from_seconds(seconds).map_err(|_| wrong("max_duration_seconds"))?,
            })
        })
        .transpose()
    }

    /// Adds a role to a lab.
    pub async fn insert_role(&mut self, lab: &LabId, role: &Role, now: DateTime<Utc>) -> Result<()> {
        let parameters: BTreeMap<_, _> = role.parameters.iter().collect();
        let parameters = serde_json::to_string(&parameters)
            .map_err(|_| Error::Inconsistent { table: "lab_role", column: "parameters" })?;
        sqlx::query(INSERT_ROLE)
            .bind(lab.as_str())
            .bind(role.name.as_str())
            .bind(role.template.as_str())
            .bind(parameters)
            .bind(i64::from(role.max_duration.seconds()))
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Every mapping to one role of a lab, ended ones included.
    pub async fn mappings_of_role(&mut self, lab: &LabId, role: &RoleName) -> Result<Vec<Mapping>> {
        let rows: Vec<MappingRow> =
            sqlx::query_as(MAPPINGS_OF_ROLE).bind(lab.as_str()).bind(role.as_str()).fetch_all(&mut *self.inner).await?;
        rows.into_iter()
            .map(|row| {
                Ok(Mapping {
                    id: column(&row.id, "mapping", "id")?,
                    connection: column(&row.connection, "mapping", "connection")?,
                    group: column(&row.group_name, "mapping", "group_name")?,
                    role: column(&row.role, "mapping", "role")?,
                    ends_at: row.ends_at,
                })
            })
            .collect()
    }

    /// Adds a mapping to a lab.
    pub async fn insert_mapping(&mut self, lab: &LabId, mapping: &Mapping, now: DateTime<Utc>) -> Result<()> {
        sqlx::query(INSERT_MAPPING)
            .bind(lab.as_str())
            .bind(mapping.id.as_str())
            .bind(mapping.connection.as_str())
            .bind(mapping.group.as_str())
            .bind(mapping.role.as_str())
            .bind(mapping.ends_at)
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// What a sign-in gives now, over all labs, by lab and role.
    pub async fn roles_given(&mut self, sign_in: &SignInId, now: DateTime<Utc>) -> Result<Vec<GivenRole>> {
        let rows: Vec<GivenRow> =
            sqlx::query_as(ROLES_GIVEN).bind(sign_in.as_str()).bind(now).fetch_all(&mut *self.inner).await?;
        rows.into_iter()
            .map(|row| {
                Ok(GivenRole {
                    lab: column(&row.lab, "lab", "name")?,
                    role: column(&row.role, "lab_role", "name")?,
                    template: column(&row.template, "lab_role", "template")?,
                    ends_at: row.last_end.filter(|_| row.ends == 1),
                })
            })
            .collect()
    }

    /// Gives a person a standing in a lab.
    pub async fn put_standing(
        &mut self,
        lab: &LabId,
        person: &PersonId,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<()> {
        sqlx::query(PUT_STANDING)
            .bind(lab.as_str())
            .bind(person.as_str())
            .bind(standing.as_str())
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// What a person may administer, by lab.
    pub async fn standings_of_person(&mut self, person: &PersonId) -> Result<Vec<LabStanding>> {
        let rows: Vec<StandingRow> =
            sqlx::query_as(STANDINGS_OF_PERSON).bind(person.as_str()).fetch_all(&mut *self.inner).await?;
        rows.into_iter()
            .map(|row| {
                Ok(LabStanding {
                    lab: column(&row.lab, "lab", "name")?,
                    standing: column(&row.standing, "standing", "standing")?,
                })
            })
            .collect()
    }
}
