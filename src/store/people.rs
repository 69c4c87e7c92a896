//! People, the snapshot of what their latest sign-in said, and what it gives them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::accounts::of_role;
use super::labs::{duration, groups_age, parameters, sign_in_age};
use super::sql::{run, run_across, statements};
use super::{Error, MaybeTime, Result, Tx, column};
use crate::domain::access::{Evidence, ManagerAccess, Operator, SignInStrength};
use crate::domain::account::AccountOfRole;
use crate::domain::claims::{ClaimsSnapshot, Groups, ProviderSession};
use crate::domain::id::{ConnectionName, LabName, PersonId, RoleName, SignInId};
use crate::domain::lab::Standing;
use crate::domain::limits::{GroupsAge, SignInAge};
use crate::domain::mapping::MappingTerms;
use crate::domain::person::{DisplayName, PersonKey, Subject};
use crate::domain::policy::TemplateName;

statements! {
    platform {
        /// A person keeps the id of the first sign-in, and takes the name of the latest one that brought any.
        UPSERT_PERSON = "insert into person (id, connection, issuer, subject, display_name, created_at) \
            values ($1, $2, $3, $4, $5, $6) on conflict (connection, issuer, subject) \
            do update set display_name = coalesce(excluded.display_name, person.display_name) \
            returning id, suspended_at";
        INSERT_SIGN_IN = "insert into sign_in (id, person_id, group_claim, group_limit, mfa, authenticated_at, \
            provider_subject, provider_session, signed_in_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        INSERT_SIGN_IN_GROUP = "insert into sign_in_group (sign_in_id, group_name) values ($1, $2)";
        /// The latest sign-in of a person, and beside it the one (`own`) that a session of theirs stands on.
        LATEST_SIGN_IN = "select sign_in.id as id, person.connection as connection, \
            person.display_name as display_name, person.suspended_at as suspended_at, \
            sign_in.group_claim as group_claim, sign_in.group_limit as group_limit, \
            sign_in.signed_in_at as signed_in_at, own.signed_in_at as own_signed_in_at, \
            own.authenticated_at as own_authenticated_at, own.mfa as own_mfa \
            from sign_in join person on person.id = sign_in.person_id \
            join sign_in own on own.person_id = person.id \
            where sign_in.person_id = $1 and own.id = $2 \
            order by sign_in.signed_in_at desc, sign_in.id desc limit 1";
        LATEST_SIGN_IN_ID = "select id from sign_in where person_id = $1 order by signed_in_at desc, id desc limit 1";
        GROUPS_OF_SIGN_IN = "select group_name from sign_in_group where sign_in_id = $1 order by group_name";
        PERSON = "select id, connection, issuer, subject, display_name, created_at, suspended_at from person \
            where id = $1";
        /// `$1` is a part of a name, or a whole id or subject; everybody when it is empty.
        PEOPLE = "select id, connection, issuer, subject, display_name, created_at, suspended_at from person \
            where id > $2 and ($1 = '' or id = $1 or subject = $1 or lower(display_name) like $3 escape '!') \
            and (not $5 or suspended_at is not null) order by id limit $4";
        /// Keeps who suspends somebody waiting until the transaction ends; no row when they are suspended.
        HOLD_PERSON = "update person set suspended_at = null where id = $1 and suspended_at is null";
        SUSPEND = "update person set suspended_at = $2 where id = $1 and suspended_at is null";
        RESTORE = "update person set suspended_at = null where id = $1 and suspended_at is not null";
    }
    across {
        /// Of one's own: every live mapping of any lab that speaks of one sign-in.
        MAPPINGS_OF_SIGN_IN = "select lab.name as lab, lab_role.name as role, lab_role.template as template, \
            mapping.ends_at as ends_at, mapping.max_duration_seconds as max_duration_seconds, \
            mapping.needs_mfa as needs_mfa, mapping.needs_approval as needs_approval, \
            lab_role.sign_in_max_age_seconds as sign_in_max_age_seconds, \
            lab.groups_max_age_seconds as groups_max_age_seconds, \
            lab_role.parameters as parameters, lab_account.state as account_state, lab_account.read_at as read_at, \
            lab_account_role.policy_sha256 as policy_sha256, lab_account_role.uncovered as uncovered \
            from sign_in \
            join person on person.id = sign_in.person_id \
            join sign_in_group on sign_in_group.sign_in_id = sign_in.id \
            join mapping on mapping.connection = person.connection and mapping.group_name = sign_in_group.group_name \
            join lab_role on lab_role.lab_id = mapping.lab_id and lab_role.name = mapping.role \
            and lab_role.ended_at is null \
            join lab on lab.id = mapping.lab_id \
            join lab_account on lab_account.lab_id = mapping.lab_id \
            left join lab_account_role on lab_account_role.lab_id = mapping.lab_id \
            and lab_account_role.role = mapping.role \
            where sign_in.id = $1 and lab.archived_at is null and (mapping.ends_at is null or mapping.ends_at > $2) \
            order by lab.name, lab_role.name, mapping.id";
        /// Of one's own: what one may administer.
        STANDINGS_OF_PERSON = "select lab.name as lab, standing.standing as standing from standing \
            join lab on lab.id = standing.lab_id where standing.person_id = $1 and lab.archived_at is null \
            order by lab.name";
        /// For the operator: what those whose ids are from one to another may administer.
        STANDINGS_OF_PEOPLE = "select standing.person_id as person, lab.name as lab, standing.standing as standing \
            from standing join lab on lab.id = standing.lab_id \
            where standing.person_id >= $1 and standing.person_id <= $2 and lab.archived_at is null \
            order by standing.person_id, lab.name";
    }
}

#[derive(sqlx::FromRow)]
struct PersonStandingRow {
    person: String,
    lab: String,
    standing: String,
}

#[derive(sqlx::FromRow)]
struct UpsertedRow {
    id: String,
    suspended_at: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct SignInRow {
    id: String,
    connection: String,
    display_name: Option<String>,
    suspended_at: MaybeTime,
    group_claim: String,
    group_limit: Option<String>,
    signed_in_at: DateTime<Utc>,
    own_signed_in_at: DateTime<Utc>,
    own_authenticated_at: MaybeTime,
    own_mfa: bool,
}

#[derive(sqlx::FromRow)]
struct RawPerson {
    id: String,
    connection: String,
    issuer: String,
    subject: String,
    display_name: Option<String>,
    created_at: DateTime<Utc>,
    suspended_at: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct GivenRow {
    lab: String,
    role: String,
    template: String,
    ends_at: MaybeTime,
    max_duration_seconds: Option<i64>,
    needs_mfa: bool,
    needs_approval: bool,
    sign_in_max_age_seconds: Option<i64>,
    groups_max_age_seconds: Option<i64>,
    parameters: String,
    account_state: String,
    read_at: MaybeTime,
    policy_sha256: Option<String>,
    uncovered: Option<String>,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    lab: String,
    standing: String,
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
}

/// A live mapping that speaks of somebody. Whether it gives its role is the gate's to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaybeGiven {
    /// The lab.
    pub lab: LabName,
    /// The role.
    pub role: RoleName,
    /// What it is made of.
    pub template: TemplateName,
    /// On what conditions.
    pub terms: MappingTerms,
    /// What the lab set for how old a sign-in may be that uses the role.
    pub sign_in_age: Option<SignInAge>,
    /// What the lab set for how old groups may be.
    pub groups_age: Option<GroupsAge>,
    /// What the role's template is filled with.
    pub parameters: BTreeMap<String, String>,
    /// What is known of the lab's account.
    pub account: AccountOfRole,
}

/// Which people an operator looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeopleSearch<'a> {
    /// A part of a name, or a whole id or subject; everybody when it is empty.
    pub text: &'a str,
    /// Only those who are suspended.
    pub suspended: bool,
}

/// What a person may administer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabStanding {
    /// The lab.
    pub lab: LabName,
    /// The standing there.
    pub standing: Standing,
}

/// A person as the operator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// What stands in the ledger.
    pub id: PersonId,
    /// What makes them the same person tomorrow.
    pub key: PersonKey,
    /// What they are called, if a provider ever said.
    pub name: Option<DisplayName>,
    /// When they were first seen.
    pub created_at: DateTime<Utc>,
    /// Since when they are suspended.
    pub suspended_at: MaybeTime,
}

impl TryFrom<RawPerson> for PersonRow {
    type Error = Error;

    fn try_from(row: RawPerson) -> Result<Self> {
        Ok(Self {
            id: column(&row.id, "person", "id")?,
            key: PersonKey {
                connection: column(&row.connection, "person", "connection")?,
                issuer: column(&row.issuer, "person", "issuer")?,
                subject: column(&row.subject, "person", "subject")?,
            },
            name: row.display_name.as_deref().and_then(DisplayName::from_claim),
            created_at: row.created_at,
            suspended_at: row.suspended_at,
        })
    }
}

impl Tx {
    /// The id of the person with this key: `fresh` when they were never seen before. And whether they are suspended.
    pub async fn upsert_person(
        &mut self,
        fresh: &PersonId,
        key: &PersonKey,
        name: Option<&DisplayName>,
        now: DateTime<Utc>,
    ) -> Result<(PersonId, bool)> {
        let row: UpsertedRow = run!(
            self,
            fetch_one UpsertedRow: UPSERT_PERSON,
            fresh.as_str(),
            key.connection.as_str(),
            key.issuer.as_str(),
            key.subject.as_str(),
            name.map(DisplayName::as_str),
            now,
        )?;
        Ok((column(&row.id, "person", "id")?, row.suspended_at.is_some()))
    }

    /// Keeps what a sign-in said.
    pub async fn insert_sign_in(
        &mut self,
        id: &SignInId,
        person: &PersonId,
        claims: &ClaimsSnapshot,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (claim, limit) = match claims.groups {
            Groups::Absent => ("absent", None),
            Groups::Overage => ("absent", Some("overage")),
            Groups::Present(_) => ("present", None),
            Groups::Truncated(_) => ("present", Some("truncated")),
        };
        run!(
            self,
            execute INSERT_SIGN_IN,
            id.as_str(),
            person.as_str(),
            claim,
            limit,
            claims.mfa,
            claims.authenticated_at,
            claims.provider_subject.as_ref().map(Subject::as_str),
            claims.provider_session.as_ref().map(ProviderSession::as_str),
            now,
        )?;
        for group in claims.groups.as_slice() {
            run!(self, execute INSERT_SIGN_IN_GROUP, id.as_str(), group.as_str())?;
        }
        Ok(())
    }

    /// What this person's latest sign-in said, beside how strong the one was that a session of theirs stands on.
    pub async fn snapshot(&mut self, person: &PersonId, own: &SignInId) -> Result<Option<Snapshot>> {
        let row: Option<SignInRow> =
            run!(self, fetch_optional SignInRow: LATEST_SIGN_IN, person.as_str(), own.as_str())?;
        let Some(row) = row else { return Ok(None) };
        let groups = match (row.group_claim.as_str(), row.group_limit.as_deref()) {
            ("absent", None) => Groups::Absent,
            ("absent", Some("overage")) => Groups::Overage,
            ("present", None) => Groups::Present(self.groups_of_sign_in(&row.id).await?),
            ("present", Some("truncated")) => Groups::Truncated(self.groups_of_sign_in(&row.id).await?),
            _ => return Err(Error::Inconsistent { table: "sign_in", column: "group_claim" }),
        };
        let connection: ConnectionName = column(&row.connection, "person", "connection")?;
        Ok(Some(Snapshot {
            sign_in: column(&row.id, "sign_in", "id")?,
            evidence: Evidence {
                connection,
                groups,
                groups_at: row.signed_in_at,
                sign_in: SignInStrength {
                    at: row.own_signed_in_at,
                    authenticated_at: row.own_authenticated_at,
                    mfa: row.own_mfa,
                },
                suspended: row.suspended_at.is_some(),
            },
            display_name: row.display_name.as_deref().and_then(DisplayName::from_claim),
        }))
    }

    /// The same of somebody else, who may have no session: as strong as their latest sign-in. For whoever looks after a lab
    /// that they are of.
    pub async fn snapshot_for(&mut self, _keeper: &ManagerAccess, person: &PersonId) -> Result<Option<Snapshot>> {
        let row: Option<(String,)> = run!(self, fetch_optional (String,): LATEST_SIGN_IN_ID, person.as_str())?;
        match row {
            Some((id,)) => self.snapshot(person, &column(&id, "sign_in", "id")?).await,
            None => Ok(None),
        }
    }

    async fn groups_of_sign_in(&mut self, id: &str) -> Result<Vec<crate::domain::claims::Group>> {
        let names: Vec<(String,)> = run!(self, fetch_all (String,): GROUPS_OF_SIGN_IN, id)?;
        names.iter().map(|(name,)| column(name, "sign_in_group", "group_name")).collect()
    }

    /// Every live mapping, of any lab, that speaks of a sign-in: by lab and role.
    pub async fn mappings_of_sign_in(&mut self, sign_in: &SignInId, now: DateTime<Utc>) -> Result<Vec<MaybeGiven>> {
        let rows: Vec<GivenRow> = run_across!(self, fetch_all GivenRow: MAPPINGS_OF_SIGN_IN, sign_in.as_str(), now)?;
        rows.into_iter()
            .map(|row| {
                Ok(MaybeGiven {
                    lab: column(&row.lab, "lab", "name")?,
                    role: column(&row.role, "lab_role", "name")?,
                    template: column(&row.template, "lab_role", "template")?,
                    terms: MappingTerms {
                        ends_at: row.ends_at,
                        max_duration: row.max_duration_seconds.map(|most| duration(most, "mapping")).transpose()?,
                        needs_mfa: row.needs_mfa,
                        needs_approval: row.needs_approval,
                    },
                    sign_in_age: row.sign_in_max_age_seconds.map(sign_in_age).transpose()?,
                    groups_age: row.groups_max_age_seconds.map(groups_age).transpose()?,
                    parameters: parameters(&row.parameters)?,
                    account: of_role(
                        &row.account_state,
                        row.read_at.is_some(),
                        row.policy_sha256,
                        row.uncovered.as_deref(),
                    )?,
                })
            })
            .collect()
    }

    /// What a person may administer, by lab.
    pub async fn standings_of_person(&mut self, person: &PersonId) -> Result<Vec<LabStanding>> {
        let rows: Vec<StandingRow> = run_across!(self, fetch_all StandingRow: STANDINGS_OF_PERSON, person.as_str())?;
        rows.into_iter()
            .map(|row| {
                Ok(LabStanding {
                    lab: column(&row.lab, "lab", "name")?,
                    standing: column(&row.standing, "standing", "standing")?,
                })
            })
            .collect()
    }

    /// Whether anybody has this id.
    pub async fn is_person(&mut self, id: &PersonId) -> Result<bool> {
        let row: Option<RawPerson> = run!(self, fetch_optional RawPerson: PERSON, id.as_str())?;
        Ok(row.is_some())
    }

    /// Keeps this person from being suspended until the transaction ends; false when they are, or nobody has the id.
    pub async fn hold_person(&mut self, id: &PersonId) -> Result<bool> {
        Ok(run!(self, execute HOLD_PERSON, id.as_str())? == 1)
    }

    /// A person, for the operator.
    pub async fn person(&mut self, _operator: &Operator, id: &PersonId) -> Result<Option<PersonRow>> {
        let row: Option<RawPerson> = run!(self, fetch_optional RawPerson: PERSON, id.as_str())?;
        row.map(PersonRow::try_from).transpose()
    }

    /// At most `limit` people by id, after the given one, for the operator: everybody, or those whose name has the text
    /// in it, or whose id or subject it is; those who are suspended, or all of them.
    pub async fn people(
        &mut self,
        _operator: &Operator,
        search: PeopleSearch<'_>,
        after: Option<&PersonId>,
        limit: u32,
    ) -> Result<Vec<PersonRow>> {
        let PeopleSearch { text: search, suspended } = search;
        // No text has it, and PostgreSQL takes none that does.
        if search.contains('\0') {
            return Ok(Vec::new());
        }
        let after = after.map_or("", PersonId::as_str);
        let literal = search.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let pattern = format!("%{literal}%");
        let limit = i64::from(limit);
        let rows: Vec<RawPerson> =
            run!(self, fetch_all RawPerson: PEOPLE, search, after, pattern.as_str(), limit, suspended)?;
        rows.into_iter().map(PersonRow::try_from).collect()
    }

    /// What people may administer whose ids are from the first to the last of these, for the operator: by person and lab.
    pub async fn standings_of_people(
        &mut self,
        _operator: &Operator,
        first: &PersonId,
        last: &PersonId,
    ) -> Result<Vec<(PersonId, LabStanding)>> {
        let rows: Vec<PersonStandingRow> =
            run_across!(self, fetch_all PersonStandingRow: STANDINGS_OF_PEOPLE, first.as_str(), last.as_str())?;
        rows.into_iter()
            .map(|row| {
                let standing = LabStanding {
                    lab: column(&row.lab, "lab", "name")?,
                    standing: column(&row.standing, "standing", "standing")?,
                };
                Ok((column(&row.person, "standing", "person_id")?, standing))
            })
            .collect()
    }

    /// Suspends somebody; false when they were already.
    pub async fn suspend(&mut self, _operator: &Operator, id: &PersonId, now: DateTime<Utc>) -> Result<bool> {
        Ok(run!(self, execute SUSPEND, id.as_str(), now)? == 1)
    }

    /// Lifts a suspension; false when there was none.
    pub async fn restore(&mut self, _operator: &Operator, id: &PersonId) -> Result<bool> {
        Ok(run!(self, execute RESTORE, id.as_str())? == 1)
    }
}
