//! Who of a lab is in which group, by what their latest sign-in said.
//!
//! A lab's people are those who are known there and those who look after it. Of everybody else there is a number, and what
//! may be said of it is the domain's to decide.

use super::sql::{run, run_in_lab, statements};
use super::{LabTx, Result, column};
use crate::domain::claims::Group;
use crate::domain::id::{ConnectionName, MappingId, PersonId};
use crate::domain::mapping::MappingTarget;
use crate::domain::person::DisplayName;

// The joins are crossed, so that they go the way that they are written: person by person.
statements! {
    platform {
        /// One line for each who is in a group, and no more lines than asked for.
        GROUP_EVERYBODY = "select person.id from sign_in_group cross join sign_in cross join person \
            where sign_in_group.group_name = $2 and sign_in.id = sign_in_group.sign_in_id \
            and person.id = sign_in.person_id and person.connection = $1 and person.suspended_at is null \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = person.id \
            order by latest.signed_in_at desc, latest.id desc limit 1) limit $3";
    }
    lab {
        GROUP_PEOPLE = "select person.id as id, person.display_name as display_name \
            from lab_person cross join sign_in cross join sign_in_group cross join person \
            where lab_person.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = lab_person.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and sign_in_group.group_name = $3 \
            and person.id = lab_person.person_id and person.connection = $2 and person.suspended_at is null \
            union select person.id, person.display_name \
            from standing cross join sign_in cross join sign_in_group cross join person \
            where standing.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = standing.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and sign_in_group.group_name = $3 \
            and person.id = standing.person_id and person.connection = $2 and person.suspended_at is null \
            order by 1";
        /// By which mappings to a role those of the lab who are in a group have it.
        GIVEN_IN_GROUP = "select lab_person.person_id as person, mapping.id as mapping \
            from lab_person cross join sign_in cross join sign_in_group cross join person \
            cross join sign_in_group as other cross join mapping \
            where lab_person.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = lab_person.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and sign_in_group.group_name = $3 \
            and person.id = lab_person.person_id and person.connection = $2 and other.sign_in_id = sign_in.id \
            and mapping.connection = person.connection and mapping.group_name = other.group_name \
            and mapping.lab_id = lab_person.lab_id and mapping.role = $4 \
            union select standing.person_id, mapping.id \
            from standing cross join sign_in cross join sign_in_group cross join person \
            cross join sign_in_group as other cross join mapping \
            where standing.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = standing.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and sign_in_group.group_name = $3 \
            and person.id = standing.person_id and person.connection = $2 and other.sign_in_id = sign_in.id \
            and mapping.connection = person.connection and mapping.group_name = other.group_name \
            and mapping.lab_id = standing.lab_id and mapping.role = $4 \
            order by 1, 2";
        /// The groups of those who are known in the lab, then of those who look after it and are not.
        LAB_GROUPS = "select person.connection as connection, sign_in_group.group_name as group_name, \
            count(*) as people from lab_person cross join sign_in cross join sign_in_group cross join person \
            where lab_person.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = lab_person.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and person.id = lab_person.person_id \
            group by person.connection, sign_in_group.group_name \
            union all select person.connection, sign_in_group.group_name, count(*) \
            from standing cross join sign_in cross join sign_in_group cross join person \
            where standing.lab_id = $1 and not exists (select 1 from lab_person \
            where lab_person.lab_id = standing.lab_id and lab_person.person_id = standing.person_id) \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = standing.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and person.id = standing.person_id \
            group by person.connection, sign_in_group.group_name order by 1, 2";
    }
}

#[derive(sqlx::FromRow)]
struct NamedRow {
    id: String,
    display_name: Option<String>,
}

/// Somebody of a lab, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPerson {
    /// Who.
    pub id: PersonId,
    /// What they are called, if a provider ever said.
    pub name: Option<DisplayName>,
}

/// A group, and how many of a lab's people are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenGroup {
    /// At which connection.
    pub connection: ConnectionName,
    /// The group.
    pub group: Group,
    /// How many of the lab's people.
    pub people: u32,
}

fn number(count: i64) -> u32 {
    u32::try_from(count).unwrap_or_default()
}

impl LabTx<'_> {
    /// Those of the lab who are in the target's group, by id. Who is suspended has nothing to gain or lose.
    pub async fn people_in_group(&mut self, target: &MappingTarget) -> Result<Vec<NamedPerson>> {
        let (connection, group) = (target.connection.as_str(), target.group.as_str());
        let rows: Vec<NamedRow> = run_in_lab!(self, fetch_all NamedRow: GROUP_PEOPLE, connection, group)?;
        rows.iter()
            .map(|row| {
                Ok(NamedPerson {
                    id: column(&row.id, "person", "id")?,
                    name: row.display_name.as_deref().and_then(DisplayName::from_claim),
                })
            })
            .collect()
    }

    /// By which mappings, ended ones included, the target's role is given to those of the lab who are in its group.
    pub async fn given_in_group(&mut self, target: &MappingTarget) -> Result<Vec<(PersonId, MappingId)>> {
        let (connection, group) = (target.connection.as_str(), target.group.as_str());
        let rows: Vec<(String, String)> = run_in_lab!(
            self,
            fetch_all (String, String): GIVEN_IN_GROUP,
            connection,
            group,
            target.role.as_str(),
        )?;
        rows.iter()
            .map(|(person, mapping)| Ok((column(person, "person", "id")?, column(mapping, "mapping", "id")?)))
            .collect()
    }

    /// How many are in the target's group, whoever they are, counted up to a number.
    pub async fn count_in_group(&mut self, target: &MappingTarget, most: usize) -> Result<usize> {
        let (connection, group) = (target.connection.as_str(), target.group.as_str());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows: Vec<(String,)> = run!(self.tx, fetch_all (String,): GROUP_EVERYBODY, connection, group, most)?;
        Ok(rows.len())
    }

    /// The groups that the lab's people are in, by connection and name.
    pub async fn groups(&mut self) -> Result<Vec<SeenGroup>> {
        let rows: Vec<(String, String, i64)> = run_in_lab!(self, fetch_all (String, String, i64): LAB_GROUPS)?;
        let mut seen: Vec<SeenGroup> = Vec::new();
        for (connection, group, people) in rows {
            let connection: ConnectionName = column(&connection, "person", "connection")?;
            let group: Group = column(&group, "sign_in_group", "group_name")?;
            match seen.last_mut().filter(|last| (&last.connection, &last.group) == (&connection, &group)) {
                Some(last) => last.people += number(people),
                None => seen.push(SeenGroup { connection, group, people: number(people) }),
            }
        }
        Ok(seen)
    }
}
