//! A session of the broker's own, made when people are cut off and denied with them: when AWS says no to it, the deny holds.
//!
//! It proves that for the place at AWS that was asked, and no more. Its credentials never leave this process.

use super::super::{Broker, Result};
use crate::aws::{AssumeRole, SessionCredentials};
use crate::domain::access::CaretakerAccess;
use crate::domain::account::ProbeOutcome;
use crate::domain::cut_off::{CanarySession, Deny};
use crate::domain::id::RoleSessionId;
use crate::domain::lab::{Lab, Role};
use crate::domain::policy::{Probe, SessionPolicy};
use crate::domain::role_session::{RoleSessionName, SessionDuration, SessionTag, SourceIdentity};

/// How long before the moment it has to be made at the latest: AWS's clock may be a little ahead.
const IN_TIME: chrono::TimeDelta = chrono::TimeDelta::seconds(3);

/// What AWS says where a deny is what stops a call. Source: IAM User Guide, "Troubleshoot access denied error messages".
const EXPLICIT: &str = "explicit deny in an identity-based policy";

/// Such a session, and the harmless call that it makes.
pub(super) struct Canary {
    of: CanarySession,
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

impl Broker {
    /// A session that this deny denies and none before it did; none when it cannot be had.
    pub(super) async fn canary(&self, access: &CaretakerAccess, deny: &Deny) -> Result<Option<Canary>> {
        let Some(of) = deny.canary().filter(|of| self.clock.now() + IN_TIME < of.before.at()) else { return Ok(None) };
        let mut tx = self.store.read().await?;
        let mut open = tx.lab(access).await?;
        let (roles, known) = (open.roles().await?, open.account_roles().await?);
        drop(tx);
        let answered = |role: &Role| {
            let known = known.iter().find(|known| known.role == role.name).and_then(|known| known.probe.as_ref());
            known.is_none_or(|probe| probe.outcome == ProbeOutcome::Works)
        };
        let fits = |role: &&Role| of.role.as_ref().is_none_or(|name| role.name == *name) && answered(role);
        for role in roles.iter().filter(fits) {
            let Some((probe, policy)) = self.harmless_call(role) else { continue };
            if let Ok(credentials) = self.canary_session(access.lab(), role, &policy, &of).await {
                return Ok(Some(Canary { of, credentials, probe }));
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
        if deny.canary().as_ref() != Some(&canary.of) {
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
