//! People, and the snapshot of what their latest sign-in said.

use chrono::{DateTime, Utc};

use super::{Error, Result, Tx, column, statements};
use crate::domain::access::Evidence;
use crate::domain::claims::Groups;
use crate::domain::id::{PersonId, SignInId};
use crate::domain::person::{DisplayName, PersonKey};

statements! {
    /// A person keeps the id of the first sign-in, and takes the name of the latest one that brought any.
    UPSERT_PERSON = "insert into person (id, connection, issuer, subject, display_name, created_at) \
        values ($1, $2, $3, $4, $5, $6) on conflict (connection, issuer, subject) \
        do update set display_name = coalesce(excluded.display_name, person.display_name) returning id";
    INSERT_SIGN_IN = "insert into sign_in (id, person_id, group_claim, signed_in_at) values ($1, $2, $3, $4)";
    INSERT_SIGN_IN_GROUP = "insert into sign_in_group (sign_in_id, group_name) values ($1, $2)";
    LATEST_SIGN_IN = "select sign_in.id as id, person.connection as connection, \
        person.display_name as display_name, sign_in.group_claim as group_claim, sign_in.signed_in_at as signed_in_at \
        from sign_in join person on person.id = sign_in.person_id \
        where sign_in.person_id = $1 order by sign_in.signed_in_at desc, sign_in.id desc limit 1";
    GROUPS_OF_SIGN_IN = "select group_name from sign_in_group where sign_in_id = $1 order by group_name";
}

#[derive(sqlx::FromRow)]
struct SignInRow {
    id: String,
    connection: String,
    display_name: Option<String>,
    group_claim: String,
    signed_in_at: DateTime<Utc>,
}

/// What a person's latest sign-in said. Every decision is made on this, whichever session asks: a group that is gone
/// from the latest sign-in is gone from all sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The sign-in.
    pub sign_in: SignInId,
    /// What it said.
    pub evidence: Evidence,
    /// What the person is called, if a provider ever said.
    pub display_name: Option<DisplayName>,
    /// When.
    pub signed_in_at: DateTime<Utc>,
}

impl Tx {
    /// The id of the person with this key: `fresh` when they were never seen before.
    pub async fn upsert_person(
        &mut self,
        fresh: &PersonId,
        key: &PersonKey,
        name: Option<&DisplayName>,
        now: DateTime<Utc>,
    ) -> Result<PersonId> {
        let id: String = sqlx::query_scalar(UPSERT_PERSON)
            .bind(fresh.as_str())
            .bind(key.connection.as_str())
            .bind(key.issuer.as_str())
            .bind(key.subject.as_str())
            .bind(name.map(DisplayName::as_str))
            .bind(now)
            .fetch_one(&mut *self.inner)
            .await?;
        column(&id, "person", "id")
    }

    /// Keeps what a sign-in said.
    pub async fn insert_sign_in(
        &mut self,
        id: &SignInId,
        person: &PersonId,
        groups: &Groups,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let claim = match groups {
            Groups::Absent => "absent",
            Groups::Present(_) => "present",
        };
        sqlx::query(INSERT_SIGN_IN)
            .bind(id.as_str())
            .bind(person.as_str())
            .bind(claim)
            .bind(now)
            .execute(&mut *self.inner)
            .await?;
        for group in groups.as_slice() {
            sqlx::query(INSERT_SIGN_IN_GROUP).bind(id.as_str()).bind(group.as_str()).execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// What this person's latest sign-in said.
    pub async fn snapshot(&mut self, person: &PersonId) -> Result<Option<Snapshot>> {
        let row: Option<SignInRow> =
            sqlx::query_as(LATEST_SIGN_IN).bind(person.as_str()).fetch_optional(&mut *self.inner).await?;
        let Some(row) = row else { return Ok(None) };
        let groups = match row.group_claim.as_str() {
            "absent" => Groups::Absent,
            "present" => Groups::Present(self.groups_of_sign_in(&row.id).await?),
            _ => return Err(Error::Inconsistent { table: "sign_in", column: "group_claim" }),
        };
        Ok(Some(Snapshot {
            sign_in: column(&row.id, "sign_in", "id")?,
            evidence: Evidence { connection: column(&row.connection, "person", "connection")?, groups },
            display_name: row.display_name.as_deref().and_then(DisplayName::from_claim),
            signed_in_at: row.signed_in_at,
        }))
    }

    async fn groups_of_sign_in(&mut self, id: &str) -> Result<Vec<crate::domain::claims::Group>> {
        let names: Vec<String> = sqlx::query_scalar(GROUPS_OF_SIGN_IN).bind(id).fetch_all(&mut *self.inner).await?;
        names.iter().map(|name| column(name, "sign_in_group", "group_name")).collect()
    }
}
