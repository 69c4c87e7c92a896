//! Setting a lab up: what an operator, and the demo, do first.

use super::{Broker, Result};
use crate::domain::claims::Group;
use crate::domain::id::{ConnectionName, LabId, LabName, MappingId, PersonId, RoleName};
use crate::domain::lab::{Lab, Mapping, Role, Standing};
use crate::domain::person::PersonKey;
use crate::domain::role_session::{ExternalId, RoleArn};

impl Broker {
    /// The lab of this name.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn lab(&self, name: &LabName) -> Result<Option<Lab>> {
        Ok(self.store.read().await?.lab_by_name(name).await?)
    }

    /// Adds a lab. Its external id is made here and never taken from anybody.
    ///
    /// # Errors
    ///
    /// When there is a lab of that name, or the database is away.
    pub async fn create_lab(&self, name: &LabName, title: &str, session_role: &RoleArn) -> Result<Lab> {
        let lab = Lab {
            id: LabId::from_entropy(self.random.bytes()),
            name: name.clone(),
            title: title.to_owned(),
            session_role: session_role.clone(),
            external_id: ExternalId::from_entropy(self.random.bytes()),
        };
        let mut tx = self.store.write().await?;
        tx.insert_lab(&lab, self.clock.now()).await?;
        tx.commit().await?;
        Ok(lab)
    }

    /// Adds a role to a lab.
    ///
    /// # Errors
    ///
    /// When the lab has a role of that name, or the database is away.
    pub async fn add_role(&self, lab: &LabId, role: &Role) -> Result<()> {
        let mut tx = self.store.write().await?;
        tx.insert_role(lab, role, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Gives a role of a lab to a group at a connection, for as long as nobody ends it.
    ///
    /// # Errors
    ///
    /// When the lab has no such role, or the database is away.
    pub async fn add_mapping(
        &self,
        lab: &LabId,
        connection: &ConnectionName,
        group: &Group,
        role: &RoleName,
    ) -> Result<MappingId> {
        let mapping = Mapping {
            id: MappingId::from_entropy(self.random.bytes()),
            connection: connection.clone(),
            group: group.clone(),
            role: role.clone(),
            ends_at: None,
        };
        let mut tx = self.store.write().await?;
        tx.insert_mapping(lab, &mapping, self.clock.now()).await?;
        tx.commit().await?;
        Ok(mapping.id)
    }

    /// Makes somebody the lab's PI. They need not have signed in yet.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn appoint_pi(&self, lab: &LabId, key: &PersonKey) -> Result<PersonId> {
        let now = self.clock.now();
        let fresh = PersonId::from_entropy(self.random.bytes());
        let mut tx = self.store.write().await?;
        let person = tx.upsert_person(&fresh, key, None, now).await?;
        tx.put_standing(lab, &person, Standing::Pi, now).await?;
        tx.commit().await?;
        Ok(person)
    }
}
