//! A session of the broker's own, made when people are cut off and denied with them: when AWS says no to it, the deny holds.
//!
//! It proves that for the place at AWS that was asked, and no more. Its credentials never leave this process.

use std::time::Duration;

use super::super::{Broker, Result};
use super::no_deny;
use crate::aws::{AssumeRole, SessionCredentials};
use crate::domain::access::CaretakerAccess;
use crate::domain::account::ProbeOutcome;
use crate::domain::cut_off::{CanarySession, Deny, DenyEntry, ROOM_CHARS};
use crate::domain::id::RoleSessionId;
use crate::domain::lab::{Lab, Role};
use crate::domain::policy::{Probe, SessionPolicy};
use crate::domain::role_session::{RoleSessionName, SessionDuration, SessionTag, SourceIdentity};
use crate::store::{CutOffRow, DenyRow};

/// How long before the moment it has to be made at the latest: AWS's clock may be a little ahead.
const IN_TIME: chrono::TimeDelta = chrono::TimeDelta::seconds(3);

/// What AWS says where a deny is what stops a call. Source: IAM User Guide, "Troubleshoot access denied error messages".
const EXPLICIT: &str = "explicit deny in an identity-based policy";

/// How long it may take to have one. The broker does not give up its place in the account for it.
const PATIENCE: Duration = Duration::from_secs(8);

/// Such a session, and the harmless call that it makes.
pub(super) struct Canary {
    /// SHA-256 of the deny that it was made for: of any other it proves nothing.
    deny: Option<String>,
    credentials: SessionCredentials,
    probe: Probe,
}

/// What came of the call.
pub(super) enum Seen {
    /// AWS denied it.
    Denied,
    /// AWS carried it out, or did not say.
    NotYet,
    /// It says nothing about the deny.
    CannotTell,
}

/// What AWS may have gone by so far.
fn older_than(deny: &Deny, rows: Vec<CutOffRow>, row: &DenyRow) -> Deny {
    let room = usize::try_from(row.room).unwrap_or(ROOM_CHARS);
    // What AWS was asked for in vain it may have taken all the same.
    let may_be_there = |it: &CutOffRow| it.steps.written_at.is_some() || (row.tries > 0 && it.revision < row.wanted);
    let (there, new): (Vec<_>, Vec<_>) = rows.into_iter().partition(may_be_there);
    let entries = |rows: Vec<CutOffRow>| rows.iter().map(DenyEntry::from).collect::<Vec<_>>();
    let (mut there, new) = (entries(there), entries(new));
    let older = Deny::of(&there, room);
    if older != *deny {
        return older;
    }
    // The same people again: what shows that AWS goes by this deny shows it whenever it was written.
    there.retain(|entry| !new.contains(entry));
    Deny::of(&there, room)
}

impl Broker {
    /// A session that this deny denies and none before it did; none when it cannot be had. It is worth having, and nothing has
    /// to wait for it.
    pub(super) async fn canary(&self, access: &CaretakerAccess, deny: &Deny) -> Option<Canary> {
        match tokio::time::timeout(PATIENCE, self.make_canary(access, deny)).await {
            Ok(Ok(canary)) => canary,
            Ok(Err(error)) => {
                tracing::info!(
                    lab.name = %access.lab().name,
                    error = &error as &dyn std::error::Error,
                    "nothing shows whether a deny holds"
                );
                None
            }
            Err(_) => None,
        }
    }

    async fn make_canary(&self, access: &CaretakerAccess, deny: &Deny) -> Result<Option<Canary>> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let mut open = tx.lab(access).await?;
        let (roles, known) = (open.roles().await?, open.account_roles().await?);
        let (rows, row) = (open.live_cut_offs(now).await?, open.deny().await?.unwrap_or_else(no_deny));
        drop(tx);
        let answered = |role: &Role| {
            let known = known.iter().find(|known| known.role == role.name).and_then(|known| known.probe.as_ref());
            known.is_none_or(|probe| probe.outcome == ProbeOutcome::Works)
        };
        let older = older_than(deny, rows, &row);
        for role in roles.iter().filter(|role| answered(role)) {
            let Some(of) = deny.canary(&older, &role.name, now + IN_TIME) else { continue };
            let Some((probe, policy)) = self.harmless_call(role) else { continue };
            if let Ok(credentials) = self.canary_session(access.lab(), role, &policy, &of).await {
                return Ok(Some(Canary { deny: deny.sha256(), credentials, probe }));
            }
        }
        Ok(None)
    }

    async fn canary_session(
        &self,
        lab: &Lab,
        role: &Role,
        policy: &SessionPolicy,
        of: &CanarySession,
    ) -> std::result::Result<SessionCredentials, crate::aws::Error> {
        let ask = AssumeRole {
            role: &lab.session_role,
            external_id: &lab.external_id,
            policy,
            session_name: &RoleSessionName::from(&RoleSessionId::from_entropy(self.random.bytes())),
            source_identity: &SourceIdentity::of_canary(of),
            tags: &[SessionTag::role(&role.name), SessionTag::lab(&lab.id)],
            duration: SessionDuration::MIN,
        };
        self.aws.assume_role(&ask, self.clock.now()).await
    }

    /// Has it make its call.
    pub(super) async fn ask_canary(&self, canary: &Canary, deny: &Deny) -> Seen {
        if deny.sha256() != canary.deny {
            return Seen::CannotTell;
        }
        let answer = self.aws.probe(&canary.credentials, &canary.probe, self.clock.now()).await;
        match answer.outcome {
            ProbeOutcome::DeniedByIdentityPolicy
                if answer.message.as_deref().is_some_and(|it| it.contains(EXPLICIT)) =>
            {
                Seen::Denied
            }
            ProbeOutcome::Works | ProbeOutcome::Throttled | ProbeOutcome::Unreachable => Seen::NotYet,
            _ => Seen::CannotTell,
        }
    }
}
