//! Who may administer a lab.

use chrono::{DateTime, Utc};

use super::sql::{run_in_lab, statements};
use super::{LabTx, Result, column};
use crate::domain::id::{ConnectionName, PersonId};
use crate::domain::lab::Office;
use crate::domain::person::DisplayName;

statements! {
    lab {
        STANDING = "select standing from standing where lab_id = $1 and person_id = $2";
        PUT_STANDING = "insert into standing (lab_id, person_id, standing, created_at) values ($1, $2, $3, $4) \
            on conflict (lab_id, person_id) do update set standing = excluded.standing";
        REMOVE_STANDING = "delete from standing where lab_id = $1 and person_id = $2";
        COUNT_OTHER_PIS = "select count(*) from standing join person on person.id = standing.person_id \
            where lab_id = $1 and standing.standing = 'pi' and standing.person_id <> $2 \
            and person.suspended_at is null";
        OFFICE_HOLDERS = "select person.id as id, person.connection as connection, \
            person.display_name as display_name, standing.standing as standing from standing \
            join person on person.id = standing.person_id where lab_id = $1 \
            order by standing.standing desc, person.id";
        /// Of the lab: somebody with a standing in it. Nobody else's name can be looked up.
        OFFICE_HOLDER = "select person.id as id, person.connection as connection, \
            person.display_name as display_name, standing.standing as standing from standing \
            join person on person.id = standing.person_id where lab_id = $1 and person.id = $2";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    connection: String,
    display_name: Option<String>,
    standing: String,
}

/// Somebody who may administer a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeHolder {
    /// Who.
    pub id: PersonId,
    /// Where they sign in.
    pub connection: ConnectionName,
    /// What they are called, if a provider ever said.
    pub name: Option<DisplayName>,
    /// As what.
    pub office: Office,
}

fn holder(row: &Row) -> Result<OfficeHolder> {
    Ok(OfficeHolder {
        id: column(&row.id, "person", "id")?,
        connection: column(&row.connection, "person", "connection")?,
        name: row.display_name.as_deref().and_then(DisplayName::from_claim),
        office: column(&row.standing, "standing", "standing")?,
    })
}

impl LabTx<'_> {
    /// What somebody may administer here.
    pub async fn office(&mut self, person: &PersonId) -> Result<Option<Office>> {
        let row: Option<(String,)> = run_in_lab!(self, fetch_optional (String,): STANDING, person.as_str())?;
        row.map(|(standing,)| column(&standing, "standing", "standing")).transpose()
    }

    /// Everybody who may administer the lab: PIs first, then managers.
    pub async fn office_holders(&mut self) -> Result<Vec<OfficeHolder>> {
        let rows: Vec<Row> = run_in_lab!(self, fetch_all Row: OFFICE_HOLDERS)?;
        rows.iter().map(holder).collect()
    }

    /// One of them.
    pub async fn office_holder(&mut self, person: &PersonId) -> Result<Option<OfficeHolder>> {
        let row: Option<Row> = run_in_lab!(self, fetch_optional Row: OFFICE_HOLDER, person.as_str())?;
        row.as_ref().map(holder).transpose()
    }

    /// How many PIs the lab has beside this person. One who is suspended cannot answer for it and does not count.
    pub async fn count_other_pis(&mut self, person: &PersonId) -> Result<i64> {
        let (count,): (i64,) = run_in_lab!(self, fetch_one (i64,): COUNT_OTHER_PIS, person.as_str())?;
        Ok(count)
    }

    /// Gives a person a standing.
    pub async fn put_office(&mut self, person: &PersonId, office: Office, now: DateTime<Utc>) -> Result<()> {
        run_in_lab!(self, execute PUT_STANDING, person.as_str(), office.as_str(), now)?;
        Ok(())
    }

    /// Takes somebody's standing away.
    pub async fn remove_office(&mut self, person: &PersonId) -> Result<()> {
        run_in_lab!(self, execute REMOVE_STANDING, person.as_str())?;
        Ok(())
    }
}
