//! Who has made themselves known in a lab, and the role sessions that live there.
//!
//! Somebody is known where they asked for a role and were given it. Being in a group that is mapped makes nobody known:
//! mapping a group would then be a way to read its members.

use chrono::{DateTime, Utc};

use super::sql::{run_across, run_in_lab, statements};
use super::{LabTx, Result, Scope, Tx, column};
use crate::domain::access::Allowed;
use crate::domain::id::{MappingId, PersonId, RoleName, RoleSessionId};
use crate::domain::person::DisplayName;

statements! {
    lab {
        KNOW_PERSON = "insert into lab_person (lab_id, person_id, first_asked_at, last_asked_at) \
            values ($1, $2, $3, $3) on conflict (lab_id, person_id) \
            do update set last_asked_at = excluded.last_asked_at";
        LAB_NAMES = "select person.id as id, person.display_name as display_name from lab_person \
            join person on person.id = lab_person.person_id where lab_person.lab_id = $1 \
            union select person.id, person.display_name from standing \
            join person on person.id = standing.person_id where standing.lab_id = $1";
        IS_OF_LAB = "select (select count(*) from lab_person where lab_id = $1 and person_id = $2) \
            + (select count(*) from standing where lab_id = $1 and person_id = $2)";
        INSERT_ROLE_SESSION = "insert into role_session \
            (lab_id, id, person_id, role, mapping_id, issued_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)";
    }
    across {
        /// For the sweep: what is over.
        FORGET_ROLE_SESSIONS = "delete from role_session where expires_at < $1";
    }
}

/// A session at AWS that was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSession {
    /// The attempt it came of: its place in the ledger and, as the session name, in CloudTrail.
    pub id: RoleSessionId,
    /// Whose.
    pub person: PersonId,
    /// The role.
    pub role: RoleName,
    /// The mapping that gave it.
    pub mapping: MappingId,
    /// When.
    pub issued_at: DateTime<Utc>,
    /// When its credentials die.
    pub expires_at: DateTime<Utc>,
}

impl LabTx<'_> {
    /// Whether somebody is known in the lab or looks after it.
    pub async fn is_of_lab(&mut self, person: &PersonId) -> Result<bool> {
        let (count,): (i64,) = run_in_lab!(self, fetch_one (i64,): IS_OF_LAB, person.as_str())?;
        Ok(count > 0)
    }

    /// What everybody is called who is known in the lab or looks after it, in no order. Nobody else's name is told.
    pub async fn names(&mut self) -> Result<Vec<(PersonId, Option<DisplayName>)>> {
        let rows: Vec<(String, Option<String>)> = run_in_lab!(self, fetch_all (String, Option<String>): LAB_NAMES)?;
        rows.iter()
            .map(|(id, name)| Ok((column(id, "person", "id")?, name.as_deref().and_then(DisplayName::from_claim))))
            .collect()
    }
}

/// The lab of what the gate allowed, in a transaction: for writing down what comes of it, and nothing else.
pub(super) struct GivenTx<'tx> {
    pub(super) tx: &'tx mut Tx,
    pub(super) lab: String,
}

impl Tx {
    pub(super) async fn given(&mut self, allowed: &Allowed) -> Result<GivenTx<'_>> {
        let lab = allowed.lab().id.as_str().to_owned();
        self.enter(Scope::One(lab.clone())).await?;
        Ok(GivenTx { tx: self, lab })
    }

    /// Notes that somebody was allowed a role of the lab: from now on they are known there.
    pub async fn know_person(&mut self, allowed: &Allowed, person: &PersonId, now: DateTime<Utc>) -> Result<()> {
        let given = self.given(allowed).await?;
        run_in_lab!(given, execute KNOW_PERSON, person.as_str(), now)?;
        Ok(())
    }

    /// Keeps a session that is about to be handed out.
    pub async fn insert_role_session(&mut self, allowed: &Allowed, session: &RoleSession) -> Result<()> {
        let RoleSession { id, person, role, mapping, issued_at, expires_at } = session;
        let given = self.given(allowed).await?;
        run_in_lab!(
            given,
            execute INSERT_ROLE_SESSION,
            id.as_str(),
            person.as_str(),
            role.as_str(),
            mapping.as_str(),
            *issued_at,
            *expires_at,
        )?;
        Ok(())
    }

    /// Forgets the sessions that were over before this moment.
    pub async fn forget_role_sessions(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run_across!(self, execute FORGET_ROLE_SESSIONS, before)
    }
}
