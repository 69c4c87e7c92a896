//! Whether what AWS denies is what the database says, for the operator's `doctor`.

use chrono::{DateTime, Utc};

use super::super::desk::{Desk, DeskResult};
use crate::aws::{AssumeSteward, Aws};
use crate::domain::access::CaretakerAccess;
use crate::domain::account::AccountNames;
use crate::domain::cut_off::{CUT_OFF_POLICY, Deny, DenyMoment, DenyTrouble, ROOM_CHARS};
use crate::domain::id::LabName;
use crate::domain::role_session::RoleSessionName;

/// What was found of a lab's deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenyState {
    /// AWS has what the database says.
    Agrees {
        /// How many people it names.
        people: usize,
        /// Before when everybody's sessions are denied because the rest did not fit.
        overflow: Option<DateTime<Utc>>,
    },
    /// AWS has something else, and a broker is at it or will be.
    Differs {
        /// Since when it is due.
        due_at: Option<DateTime<Utc>>,
        /// What keeps it.
        trouble: Option<DenyTrouble>,
    },
    /// It cannot be said.
    Unknown(String),
}

impl Desk {
    /// Looks at the accounts of all labs in which anything is denied, or should be.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn compare_denies(&self, aws: &Aws) -> DeskResult<Vec<(LabName, DenyState)>> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let mut wanted = Vec::new();
        for lab in tx.labs(&self.operator).await? {
            let access = CaretakerAccess::to_account_of(lab);
            let mut open = tx.lab(&access).await?;
            let Some(row) = open.deny().await? else { continue };
            let entries = open.deny_entries(now).await?;
            let deny = Deny::of(&entries, usize::try_from(row.room).unwrap_or(ROOM_CHARS));
            if !deny.is_empty() || row.due_at.is_some() {
                wanted.push((access, row, deny));
            }
        }
        drop(tx);
        let mut found = Vec::new();
        for (access, row, deny) in wanted {
            let lab = access.lab();
            let Some(names) = AccountNames::of(&lab.session_role) else {
                found.push((lab.name.clone(), DenyState::Unknown(DenyTrouble::NoNames.to_string())));
                continue;
            };
            let ask = AssumeSteward {
                role: names.steward(),
                external_id: &lab.external_id.of_steward(),
                policy: names.look_policy(),
                session_name: &RoleSessionName::of_steward(self.random.bytes()),
            };
            let policy =
                async { aws.assume_steward(&ask, now).await?.inline_policy(&lab.session_role, CUT_OFF_POLICY).await };
            let state = match policy.await {
                Err(error) => DenyState::Unknown(error.to_string()),
                Ok(policy) if deny.is_said_by(policy.as_deref()) => {
                    DenyState::Agrees { people: deny.people(), overflow: deny.overflow().map(DenyMoment::at) }
                }
                Ok(_) => DenyState::Differs { due_at: row.due_at, trouble: row.trouble },
            };
            found.push((lab.name.clone(), state));
        }
        Ok(found)
    }
}
