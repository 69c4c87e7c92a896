//! Who of a lab is in which group, by what their latest sign-in said.
//!
//! A lab's people are those who are known there and those who look after it. Of everybody else there is a number, and what
//! may be said of it is the domain's to decide.

use super::sql::{run, run_in_lab, statements};
use super::{LabTx, Result, column};
use crate::domain::claims::Group;
use crate::domain::id::{ConnectionName, MappingId, PersonId};
use crate::domain::mapping::MappingTarget;

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
        /// One line for each of the lab who is in a group, and one for each mapping to a role that they have it by.
        GROUP_PEOPLE = "select person.id as person, mapping.id as mapping \
            from lab_person cross join sign_in cross join sign_in_group cross join person \
            cross join sign_in_group as other left join mapping on mapping.lab_id = lab_person.lab_id \
            and mapping.connection = person.connection and mapping.group_name = other.group_name and mapping.role = $4 \
            where lab_person.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = lab_person.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and sign_in_group.group_name = $3 \
            and person.id = lab_person.person_id and person.connection = $2 and person.suspended_at is null \
            and other.sign_in_id = sign_in.id \
            union select person.id, mapping.id \
            from standing cross join sign_in cross join sign_in_group cross join person \
            cross join sign_in_group as other left join mapping on mapping.lab_id = standing.lab_id \
            and mapping.connection = person.connection and mapping.group_name = other.group_name and mapping.role = $4 \
            where standing.lab_id = $1 \
            and sign_in.id = (select latest.id from sign_in latest where latest.person_id = standing.person_id \
            order by latest.signed_in_at desc, latest.id desc limit 1) \
            and sign_in_group.sign_in_id = sign_in.id and sign_in_group.group_name = $3 \
            and person.id = standing.person_id and person.connection = $2 and person.suspended_at is null \
            and other.sign_in_id = sign_in.id \
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

/// One of a lab's people who is in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Who.
    pub person: PersonId,
    /// By which mappings they have the role that was asked about.
    pub given_by: Vec<MappingId>,
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
    /// Those of the lab who are in the target's group, by id, and the mappings to its role that they have it by, ended ones
    /// included. Who is suspended has nothing to gain or lose.
    pub async fn people_in_group(&mut self, target: &MappingTarget) -> Result<Vec<GroupMember>> {
        let (connection, group) = (target.connection.as_str(), target.group.as_str());
        let rows: Vec<(String, Option<String>)> = run_in_lab!(
            self,
            fetch_all (String, Option<String>): GROUP_PEOPLE,
            connection,
            group,
            target.role.as_str(),
        )?;
        let mut people: Vec<GroupMember> = Vec::new();
        for (person, mapping) in rows {
            let person: PersonId = column(&person, "person", "id")?;
            let mapping = mapping.map(|id| column(&id, "mapping", "id")).transpose()?;
            match people.last_mut().filter(|last| last.person == person) {
                Some(last) => last.given_by.extend(mapping),
                None => people.push(GroupMember { person, given_by: mapping.into_iter().collect() }),
            }
        }
        Ok(people)
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
