//! Which of the caller's labs an error is of, and which session of it.

use std::collections::BTreeSet;

use super::super::admission::Admitted;
use super::super::cut_off::DeniedSessions;
use super::super::{Broker, Caller, Error, Result};
use crate::domain::access::Denied;
use crate::domain::id::{LabName, RoleSessionId};
use crate::domain::lab::{Lab, Role};
use crate::domain::ledger::{Event, Thread};
use crate::domain::why::{CallerArn, PolicyOfSession, Principal, SessionCutOff, SessionFacts};
use crate::store::{LabTx, Tx};

/// Whether a caller is a session of the lab's session role.
pub(super) fn is_session_role(named: &CallerArn, lab: &Lab) -> bool {
    let is_role = matches!(&named.principal, Principal::Session { role, .. } if role == lab.session_role.name());
    is_role && named.account == *lab.session_role.account()
}

impl Broker {
    /// The lab of the caller's own whose account an error names; of several in one account, the one whose session role it
    /// names.
    pub(super) async fn place_of(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        named: Option<&CallerArn>,
    ) -> Result<Option<Admitted>> {
        let Some(named) = named else { return Ok(None) };
        let snapshot = tx.snapshot(&caller.person, &caller.sign_in).await?.ok_or(Error::SignInNeeded)?;
        let given = tx.mappings_of_sign_in(&snapshot.sign_in, self.clock.now()).await?;
        let standings = tx.standings_of_person(&caller.person).await?;
        let labs = given.into_iter().map(|given| given.lab).chain(standings.into_iter().map(|held| held.lab));
        let mut in_account = None;
        for lab in labs.collect::<BTreeSet<LabName>>() {
            let admitted = match self.admit(tx, caller, &lab).await {
                Err(Error::Denied(Denied::NoSuchLab)) => continue,
                admitted => admitted?,
            };
            if is_session_role(named, admitted.access.lab()) {
                return Ok(Some(admitted));
            }
            if named.account == *admitted.access.lab().session_role.account() {
                in_account.get_or_insert(admitted);
            }
        }
        Ok(in_account)
    }

    /// The session of a lab that a caller is, as its ledger has it: by the ledger, since that has it for ever.
    pub(super) async fn session_of(
        &self,
        open: &mut LabTx<'_>,
        lab: &Lab,
        roles: &[Role],
        named: &CallerArn,
    ) -> Result<Option<SessionFacts>> {
        let Principal::Session { name, .. } = &named.principal else { return Ok(None) };
        let Some(id) = name.parse::<RoleSessionId>().ok().filter(|_| is_session_role(named, lab)) else {
            return Ok(None);
        };
        let Some(found) = open.outcome(&id).await? else { return Ok(None) };
        let (Some(entry), Some(role)) = (found.entry, found.asked_for) else { return Ok(None) };
        let Thread::Attempt(person, id) = entry.thread else { return Ok(None) };
        let Event::Issued { expires_at, policy_sha256, .. } = entry.event else { return Ok(None) };
        let of_today = roles.iter().find(|it| it.name == role).and_then(|role| {
            let policy = self.policies.get(&role.template)?.fill(&role.parameters).ok()?;
            Some(policy.sha256())
        });
        let now = self.clock.now();
        let (denied, holds) = (DeniedSessions::read(open, now).await?, open.holds().await?);
        let is_kept_out = holds.iter().any(|hold| hold.includes(&person, &role));
        let cut_off = denied.by_parts(&person, &role, found.at).map(|row| SessionCutOff {
            at: row.steps.stopped_at,
            reason: row.reason.clone(),
            again_at: (!is_kept_out).then(|| row.before.reissue_at()),
        });
        let is_same = of_today.is_some_and(|sha256| sha256 == policy_sha256);
        Ok(Some(SessionFacts {
            id,
            person,
            role,
            issued_at: found.at,
            expires_at: expires_at.parse().ok(),
            policy: if is_same { PolicyOfSession::Same } else { PolicyOfSession::Changed },
            cut_off,
        }))
    }
}
