//! Invitations to be a lab's PI. Their tokens are here as hashes only.

use chrono::{DateTime, Utc};

use super::sql::{run_across, run_in_lab, statements};
use super::{LabTx, Result, Tx, column};
use crate::domain::access::{OpenInvitation, Operator};
use crate::domain::id::{InvitationId, LabName};
use crate::domain::lab::Invitation;

statements! {
    lab {
        INSERT_INVITATION = "insert into invitation (lab_id, id, token_hash, created_at, lapses_at) \
            values ($1, $2, $3, $4, $5)";
        OPEN_INVITATIONS = "select id, created_at, lapses_at from invitation \
            where lab_id = $1 and ended_at is null and lapses_at > $2 order by id";
        /// Of two who use the same link at once, the second ends nothing.
        END_INVITATION = "update invitation set ended_at = $3 where lab_id = $1 and id = $2 and ended_at is null \
            and lapses_at > $3";
    }
    across {
        /// For the gate: who shows a link's token does not know whose lab it is for.
        INVITATION_BY_TOKEN = "select lab.name as lab, invitation.id as id, invitation.created_at as created_at, \
            invitation.lapses_at as lapses_at from invitation join lab on lab.id = invitation.lab_id \
            where invitation.token_hash = $1 and invitation.ended_at is null and invitation.lapses_at > $2 \
            and lab.archived_at is null";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    created_at: DateTime<Utc>,
    lapses_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    lab: String,
    id: String,
    created_at: DateTime<Utc>,
    lapses_at: DateTime<Utc>,
}

impl Tx {
    /// The open invitation that this token is of.
    pub async fn invitation(&mut self, token_hash: &str, now: DateTime<Utc>) -> Result<Option<OpenInvitation>> {
        let row: Option<FoundRow> = run_across!(self, fetch_optional FoundRow: INVITATION_BY_TOKEN, token_hash, now)?;
        let Some(row) = row else { return Ok(None) };
        let name: LabName = column(&row.lab, "lab", "name")?;
        let invitation = Invitation {
            id: column(&row.id, "invitation", "id")?,
            created_at: row.created_at,
            lapses_at: row.lapses_at,
        };
        Ok(self.lab_by_name(&name).await?.map(|lab| OpenInvitation::from_rows(lab, invitation)))
    }
}

impl LabTx<'_> {
    /// Keeps a new invitation.
    pub async fn insert_invitation(
        &mut self,
        _operator: &Operator,
        token_hash: &str,
        invitation: &Invitation,
    ) -> Result<()> {
        run_in_lab!(
            self,
            execute INSERT_INVITATION,
            invitation.id.as_str(),
            token_hash,
            invitation.created_at,
            invitation.lapses_at,
        )?;
        Ok(())
    }

    /// The invitations that can still be used.
    pub async fn open_invitations(&mut self, now: DateTime<Utc>) -> Result<Vec<Invitation>> {
        let rows: Vec<Row> = run_in_lab!(self, fetch_all Row: OPEN_INVITATIONS, now)?;
        rows.into_iter()
            .map(|row| {
                let id = column(&row.id, "invitation", "id")?;
                Ok(Invitation { id, created_at: row.created_at, lapses_at: row.lapses_at })
            })
            .collect()
    }

    /// Ends an invitation that is open; false when it was not.
    pub async fn end_invitation(&mut self, id: &InvitationId, now: DateTime<Utc>) -> Result<bool> {
        Ok(run_in_lab!(self, execute END_INVITATION, id.as_str(), now)? == 1)
    }
}
