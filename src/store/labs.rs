//! Labs and their roles.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::sql::{run_across, run_in_lab, statements};
use super::{Error, LabTx, MaybeTime, Result, Tx, column};
use crate::domain::access::{Grounds, Membership, Operator};
use crate::domain::account::AccountState;
use crate::domain::id::{ConnectionName, LabId, LabName, PersonId, RoleName, SignInId};
use crate::domain::lab::{Lab, Role, Standing};
use crate::domain::limits::{GroupsAge, SignInAge};
use crate::domain::mapping::Mapping;
use crate::domain::person::DisplayName;
use crate::domain::role_session::SessionDuration;

statements! {
    lab {
        ROLES = "select name, template, parameters, max_duration_seconds, sign_in_max_age_seconds from lab_role \
            where lab_id = $1 and ended_at is null order by name";
        ENDED_ROLES = "select name, template, parameters, max_duration_seconds, sign_in_max_age_seconds from lab_role \
            where lab_id = $1 and ended_at is not null order by name";
        ROLE = "select name, template, parameters, max_duration_seconds, sign_in_max_age_seconds from lab_role \
            where lab_id = $1 and name = $2 and ended_at is null";
        INSERT_ROLE = "insert into lab_role (lab_id, name, template, parameters, max_duration_seconds, \
            sign_in_max_age_seconds, created_at) values ($1, $2, $3, $4, $5, $6, $7)";
        /// A role that has ended comes back as what it is now to be.
        REVIVE_ROLE = "update lab_role set template = $3, parameters = $4, max_duration_seconds = $5, \
            sign_in_max_age_seconds = $6, ended_at = null where lab_id = $1 and name = $2 and ended_at is not null";
        SET_ROLE = "update lab_role set parameters = $3, max_duration_seconds = $4 \
            where lab_id = $1 and name = $2 and ended_at is null";
        END_ROLE = "update lab_role set ended_at = $3 where lab_id = $1 and name = $2 and ended_at is null";
        SET_SIGN_IN_AGE = "update lab_role set sign_in_max_age_seconds = $3 where lab_id = $1 and name = $2";
        SET_GROUPS_AGE = "update lab set groups_max_age_seconds = $2 where lab.id = $1";
        SET_ARCHIVED = "update lab set archived_at = $2 where lab.id = $1";
    }
    across {
        /// For the gate, which has to find the lab before anybody can be in it, and for the operator.
        LAB_BY_NAME = "select id, name, title, session_role, external_id, created_at, archived_at, \
            groups_max_age_seconds from lab where name = $1";
        LABS = "select id, name, title, session_role, external_id, created_at, archived_at, \
            groups_max_age_seconds from lab order by name";
        /// For the operator: some of the labs, and whether somebody answers for each.
        LABS_AT_A_GLANCE = "select lab.id as id, lab.name as name, lab.title as title, \
            lab.session_role as session_role, lab.external_id as external_id, lab.created_at as created_at, \
            lab.archived_at as archived_at, lab.groups_max_age_seconds as groups_max_age_seconds, \
            lab_account.state as account_state, \
            (select max(invitation.lapses_at) from invitation where invitation.lab_id = lab.id \
            and invitation.ended_at is null and invitation.lapses_at > $1) as invited_until \
            from lab join lab_account on lab_account.lab_id = lab.id where lab.name > $2 order by lab.name limit $3";
        /// For the operator: who answers for some of the labs.
        PIS_OF_LABS = "select lab.name as lab, person.id as id, person.connection as connection, \
            person.display_name as display_name, person.suspended_at as suspended_at from lab \
            join standing on standing.lab_id = lab.id and standing.standing = 'pi' \
            join person on person.id = standing.person_id \
            where lab.name >= $1 and lab.name <= $2 order by lab.name, person.id";
        INSERT_LAB = "insert into lab (id, name, title, session_role, external_id, created_at, groups_max_age_seconds) \
            values ($1, $2, $3, $4, $5, $6, $7)";
        /// For the gate: the role that is asked for.
        GATE_ROLE = "select name, template, parameters, max_duration_seconds, sign_in_max_age_seconds from lab_role \
            where lab_id = $1 and name = $2 and ended_at is null";
        /// For the gate: what somebody may administer.
        GATE_STANDING = "select standing from standing where lab_id = $1 and person_id = $2";
        /// For the gate: whether any live mapping of the lab speaks of this sign-in, unless its groups are too old.
        GATE_MEMBER = "select count(*) from sign_in_group \
            join sign_in on sign_in.id = sign_in_group.sign_in_id \
            join person on person.id = sign_in.person_id \
            join mapping on mapping.connection = person.connection and mapping.group_name = sign_in_group.group_name \
            where sign_in_group.sign_in_id = $1 and mapping.lab_id = $2 \
            and (mapping.ends_at is null or mapping.ends_at > $3) and sign_in.signed_in_at > $4";
    }
}

#[derive(sqlx::FromRow)]
struct LabRow {
    id: String,
    name: String,
    title: String,
    session_role: String,
    external_id: String,
    created_at: DateTime<Utc>,
    archived_at: MaybeTime,
    groups_max_age_seconds: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct GlanceRow {
    #[sqlx(flatten)]
    lab: LabRow,
    account_state: String,
    invited_until: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct PiRow {
    lab: String,
    id: String,
    connection: String,
    display_name: Option<String>,
    suspended_at: MaybeTime,
}

/// A lab as the operator's list has it.
#[derive(Clone, Debug)]
pub struct LabAtAGlance {
    /// The lab.
    pub lab: Lab,
    /// Who answers for it.
    pub pis: Vec<LabPi>,
    /// How its account stands.
    pub account: AccountState,
    /// Until when somebody may still accept an invitation to be a PI of it.
    pub invited_until: MaybeTime,
}

/// Somebody who answers for a lab, as the operator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabPi {
    /// Who.
    pub id: PersonId,
    /// Where they sign in.
    pub connection: ConnectionName,
    /// What they are called, if a provider ever said.
    pub name: Option<DisplayName>,
    /// Whether they are suspended, so that they can do nothing in it.
    pub is_suspended: bool,
}

#[derive(sqlx::FromRow)]
struct RoleRow {
    name: String,
    template: String,
    parameters: String,
    max_duration_seconds: i64,
    sign_in_max_age_seconds: Option<i64>,
}

impl TryFrom<LabRow> for Lab {
    type Error = Error;

    fn try_from(row: LabRow) -> Result<Self> {
        Ok(Self {
            id: column(&row.id, "lab", "id")?,
            name: column(&row.name, "lab", "name")?,
            title: row.title,
            session_role: column(&row.session_role, "lab", "session_role")?,
            external_id: column(&row.external_id, "lab", "external_id")?,
            created_at: row.created_at,
            archived_at: row.archived_at,
            groups_age: row.groups_max_age_seconds.map(groups_age).transpose()?,
        })
    }
}

impl TryFrom<RoleRow> for Role {
    type Error = Error;

    fn try_from(row: RoleRow) -> Result<Self> {
        Ok(Self {
            name: column(&row.name, "lab_role", "name")?,
            template: column(&row.template, "lab_role", "template")?,
            parameters: parameters(&row.parameters)?,
            max_duration: duration(row.max_duration_seconds, "lab_role")?,
            sign_in_age: row.sign_in_max_age_seconds.map(sign_in_age).transpose()?,
        })
    }
}

/// What a role's template is filled with.
pub(super) fn parameters(text: &str) -> Result<BTreeMap<String, String>> {
    serde_json::from_str(text).map_err(|_| Error::Inconsistent { table: "lab_role", column: "parameters" })
}

/// The same as it is kept.
fn written(parameters: &BTreeMap<String, String>) -> Result<String> {
    serde_json::to_string(parameters).map_err(|_| Error::Inconsistent { table: "lab_role", column: "parameters" })
}

/// A duration out of a column of seconds.
pub(super) fn duration(seconds: i64, table: &'static str) -> Result<SessionDuration> {
    let seconds = u32::try_from(seconds).ok().and_then(|seconds| SessionDuration::from_seconds(seconds).ok());
    seconds.ok_or(Error::Inconsistent { table, column: "max_duration_seconds" })
}

/// A limit out of a column of seconds.
pub(super) fn sign_in_age(seconds: i64) -> Result<SignInAge> {
    let age = u32::try_from(seconds).ok().and_then(SignInAge::from_row);
    age.ok_or(Error::Inconsistent { table: "lab_role", column: "sign_in_max_age_seconds" })
}

/// A limit out of a column of seconds.
pub(super) fn groups_age(seconds: i64) -> Result<GroupsAge> {
    let age = u32::try_from(seconds).ok().and_then(|seconds| GroupsAge::from_seconds(seconds).ok());
    age.ok_or(Error::Inconsistent { table: "lab", column: "groups_max_age_seconds" })
}

impl Tx {
    /// What the gate has to know of a role: nothing of a lab that is archived or is none.
    pub async fn grounds(
        &mut self,
        lab: &LabName,
        role: &RoleName,
        person: &PersonId,
        now: DateTime<Utc>,
    ) -> Result<Grounds> {
        let Some(lab) = self.lab_by_name(lab).await?.filter(|lab| lab.archived_at.is_none()) else {
            return Ok(Grounds::default());
        };
        let found: Option<RoleRow> =
            run_across!(self, fetch_optional RoleRow: GATE_ROLE, lab.id.as_str(), role.as_str())?;
        let role = found.map(Role::try_from).transpose()?;
        let Some(role) = role else { return Ok(Grounds::from_rows(Some(lab), None, None, Vec::new())) };
        let mappings: Vec<Mapping> = self.gate_mappings(&lab.id, &role.name).await?;
        let account = self.account_of_role(&lab.id, &role.name).await?;
        let bar = self.bar(&lab.id, person, &role.name, now).await?;
        Ok(Grounds::from_rows(Some(lab), Some(role), account, mappings).barred(bar))
    }

    /// The id of a lab that is not archived: whose book an attempt belongs in.
    pub async fn lab_id(&mut self, lab: &LabName) -> Result<Option<LabId>> {
        Ok(self.lab_by_name(lab).await?.filter(|lab| lab.archived_at.is_none()).map(|lab| lab.id))
    }

    /// What somebody is in a lab; nothing, when they are a stranger there or it does not exist. `sign_in` is their
    /// latest one.
    pub async fn membership(
        &mut self,
        lab: &LabName,
        person: &PersonId,
        sign_in: &SignInId,
        now: DateTime<Utc>,
    ) -> Result<Option<Membership>> {
        let Some(lab) = self.lab_by_name(lab).await? else { return Ok(None) };
        let given: Option<(String,)> =
            run_across!(self, fetch_optional (String,): GATE_STANDING, lab.id.as_str(), person.as_str())?;
        let standing = if let Some((standing,)) = given {
            column(&standing, "standing", "standing")?
        } else {
            let oldest = GroupsAge::of_lab(lab.groups_age).oldest(now);
            let (mappings,): (i64,) =
                run_across!(self, fetch_one (i64,): GATE_MEMBER, sign_in.as_str(), lab.id.as_str(), now, oldest)?;
            if mappings == 0 {
                return Ok(None);
            }
            Standing::Member
        };
        Ok(Some(Membership::from_rows(lab, person.clone(), standing)))
    }

    pub(super) async fn lab_by_name(&mut self, name: &LabName) -> Result<Option<Lab>> {
        let row: Option<LabRow> = run_across!(self, fetch_optional LabRow: LAB_BY_NAME, name.as_str())?;
        row.map(Lab::try_from).transpose()
    }

    /// A lab that is not archived, for the watch over its account.
    pub async fn lab_to_watch(&mut self, name: &LabName) -> Result<Option<Lab>> {
        Ok(self.lab_by_name(name).await?.filter(|lab| lab.archived_at.is_none()))
    }

    /// A lab, archived or not, for whoever looks after the deny of sessions that were cut off there: an archived lab's
    /// sessions live on as well.
    pub async fn lab_to_deny_in(&mut self, name: &LabName) -> Result<Option<Lab>> {
        self.lab_by_name(name).await
    }

    /// A lab, archived or not, for the operator.
    pub async fn lab_for(&mut self, _operator: &Operator, name: &LabName) -> Result<Option<Lab>> {
        self.lab_by_name(name).await
    }

    /// All labs by name, archived ones too, for the operator.
    pub async fn labs(&mut self, _operator: &Operator) -> Result<Vec<Lab>> {
        let rows: Vec<LabRow> = run_across!(self, fetch_all LabRow: LABS)?;
        rows.into_iter().map(Lab::try_from).collect()
    }

    /// At most `limit` labs by name, after the given one, archived ones too, for the operator.
    pub async fn labs_at_a_glance(
        &mut self,
        _operator: &Operator,
        after: Option<&LabName>,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<LabAtAGlance>> {
        let after = after.map_or("", LabName::as_str);
        let rows: Vec<GlanceRow> =
            run_across!(self, fetch_all GlanceRow: LABS_AT_A_GLANCE, now, after, i64::from(limit))?;
        let glance = |row: GlanceRow| {
            Ok(LabAtAGlance {
                account: column(&row.account_state, "lab_account", "state")?,
                lab: row.lab.try_into()?,
                pis: Vec::new(),
                invited_until: row.invited_until,
            })
        };
        let mut labs = rows.into_iter().map(glance).collect::<Result<Vec<_>>>()?;
        let (Some(first), Some(last)) = (labs.first(), labs.last()) else { return Ok(labs) };
        let (first, last) = (first.lab.name.clone(), last.lab.name.clone());
        let pis: Vec<PiRow> = run_across!(self, fetch_all PiRow: PIS_OF_LABS, first.as_str(), last.as_str())?;
        for row in pis {
            let name: LabName = column(&row.lab, "lab", "name")?;
            let Ok(at) = labs.binary_search_by(|one| one.lab.name.cmp(&name)) else { continue };
            labs[at].pis.push(LabPi {
                id: column(&row.id, "person", "id")?,
                connection: column(&row.connection, "person", "connection")?,
                name: row.display_name.as_deref().and_then(DisplayName::from_claim),
                is_suspended: row.suspended_at.is_some(),
            });
        }
        Ok(labs)
    }

    /// Adds a lab, whose account has yet to prove itself.
    pub async fn insert_lab(&mut self, _operator: &Operator, lab: &Lab) -> Result<()> {
        run_across!(
            self,
            execute INSERT_LAB,
            lab.id.as_str(),
            lab.name.as_str(),
            lab.title.as_str(),
            lab.session_role.as_str(),
            lab.external_id.as_str(),
            lab.created_at,
            lab.groups_age.map(|age| i64::from(age.seconds())),
        )?;
        self.insert_account(&lab.id).await
    }
}

impl LabTx<'_> {
    /// The lab's roles, by name.
    pub async fn roles(&mut self) -> Result<Vec<Role>> {
        let rows: Vec<RoleRow> = run_in_lab!(self, fetch_all RoleRow: ROLES)?;
        rows.into_iter().map(Role::try_from).collect()
    }

    /// One role of the lab.
    pub async fn role(&mut self, name: &RoleName) -> Result<Option<Role>> {
        let row: Option<RoleRow> = run_in_lab!(self, fetch_optional RoleRow: ROLE, name.as_str())?;
        row.map(Role::try_from).transpose()
    }

    /// The roles that the lab has ended, by name.
    pub async fn ended_roles(&mut self) -> Result<Vec<Role>> {
        let rows: Vec<RoleRow> = run_in_lab!(self, fetch_all RoleRow: ENDED_ROLES)?;
        rows.into_iter().map(Role::try_from).collect()
    }

    /// Sets what fills a role's template, and how long a session of it may live; false when there is no such role.
    pub async fn set_role(&mut self, role: &Role) -> Result<bool> {
        let parameters = written(&role.parameters)?;
        let seconds = i64::from(role.max_duration.seconds());
        Ok(run_in_lab!(self, execute SET_ROLE, role.name.as_str(), parameters, seconds)? == 1)
    }

    /// Ends a role; false when there is no such role.
    pub async fn end_role(&mut self, name: &RoleName, now: DateTime<Utc>) -> Result<bool> {
        Ok(run_in_lab!(self, execute END_ROLE, name.as_str(), now)? == 1)
    }

    /// Adds a role, or brings one back that has ended.
    pub async fn put_role(&mut self, role: &Role, now: DateTime<Utc>) -> Result<()> {
        let revived = run_in_lab!(
            self,
            execute REVIVE_ROLE,
            role.name.as_str(),
            role.template.as_str(),
            written(&role.parameters)?,
            i64::from(role.max_duration.seconds()),
            role.sign_in_age.map(|age| i64::from(age.seconds())),
        )?;
        if revived == 1 { Ok(()) } else { self.insert_role(role, now).await }
    }

    /// Adds a role.
    pub async fn insert_role(&mut self, role: &Role, now: DateTime<Utc>) -> Result<()> {
        run_in_lab!(
            self,
            execute INSERT_ROLE,
            role.name.as_str(),
            role.template.as_str(),
            written(&role.parameters)?,
            i64::from(role.max_duration.seconds()),
            role.sign_in_age.map(|age| i64::from(age.seconds())),
            now,
        )?;
        Ok(())
    }

    /// Sets how old a sign-in may be that uses a role; with `None` the broker's own limit holds.
    pub async fn set_sign_in_age(&mut self, role: &RoleName, age: Option<SignInAge>) -> Result<()> {
        run_in_lab!(self, execute SET_SIGN_IN_AGE, role.as_str(), age.map(|age| i64::from(age.seconds())))?;
        Ok(())
    }

    /// Sets how old groups may be in the lab; with `None` the broker's own limit holds.
    pub async fn set_groups_age(&mut self, age: Option<GroupsAge>) -> Result<()> {
        run_in_lab!(self, execute SET_GROUPS_AGE, age.map(|age| i64::from(age.seconds())))?;
        Ok(())
    }

    /// Puts the lab away, or brings it back with `None`.
    pub async fn set_archived(&mut self, archived_at: MaybeTime) -> Result<()> {
        run_in_lab!(self, execute SET_ARCHIVED, archived_at)?;
        Ok(())
    }
}
