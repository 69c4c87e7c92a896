//! What a check means for a lab: how its account stands from now on, and when it is looked at again.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::cut_off::see_to_found;
use super::super::{Broker, Result};
use super::check::Errand;
use crate::domain::account::{AccountState, CheckReason, Judgement, Observed, Verdict};
use crate::domain::cut_off::CUT_OFF_POLICY;
use crate::domain::ledger::{Book, Event};
use crate::store::{AccountRoleRow, AccountRow};

/// When an account is looked at again of which nothing was learnt.
const AGAIN_IF_UNCLEAR: TimeDelta = TimeDelta::minutes(10);

/// When one is that is broken or open: whoever mends it should not have to say so.
const AGAIN_IF_BROKEN: TimeDelta = TimeDelta::minutes(30);

/// How an account stands after a check.
fn state_after(before: AccountState, reason: CheckReason, verdict: Verdict) -> AccountState {
    match (before, reason, verdict) {
        (_, CheckReason::Join, Verdict::Proven) => AccountState::Joined,
        // Nothing else joins an account: what is not proven gives nothing.
        (AccountState::Declared, ..) => AccountState::Declared,
        (_, _, Verdict::Proven | Verdict::Unread) => AccountState::Joined,
        (_, _, Verdict::Broken) => AccountState::Broken,
        (_, _, Verdict::Open) => AccountState::Open,
        (before, _, Verdict::Unclear | Verdict::Interrupted) => before,
    }
}

impl Broker {
    /// Writes down what a check came to.
    pub(super) async fn settle(&self, errand: &Errand, observed: &Observed, judgement: &Judgement) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(&errand.lab.name).await?;
        tx.hold_book(&Book::Lab(errand.lab.id.clone())).await?;
        let mut open = tx.lab(&errand.access()).await?;
        if !open.end_check(&errand.check.id, &errand.check.report, now, judgement.verdict).await? {
            // The sweep has given it up: what it found is too old to go by.
            return Ok(());
        }
        let before = open.account().await?;
        let after = self.account_after(errand, &before, observed, judgement.verdict, now);
        open.set_account(&after).await?;
        for row in self.account_roles_after(errand, observed, now) {
            open.put_account_role(&row).await?;
        }
        if observed.found.is_none() {
            for probe in &observed.probes {
                open.set_account_probe(probe, now).await?;
            }
        }
        let checked = Event::AccountChecked {
            check: errand.check.id.clone(),
            verdict: judgement.verdict,
            troubles: u32::try_from(judgement.troubles.len()).unwrap_or(u32::MAX),
        };
        open.append(self.draft_of(errand, now, checked)).await?;
        if errand.check.reason == CheckReason::Join && judgement.verdict == Verdict::Proven {
            let account = errand.lab.session_role.account().as_str().to_owned();
            let joined = Event::AccountJoined { account, check: errand.check.id.clone() };
            open.append(self.draft_of(errand, now, joined)).await?;
        }
        let inline = observed.found.as_ref().and_then(|found| Some(&found.session_role.as_ref()?.inline));
        let is_to_be_denied_anew = match inline {
            Some(inline) => see_to_found(&mut open, inline.get(CUT_OFF_POLICY).map(String::as_str), now).await?,
            None => false,
        };
        tx.commit().await?;
        if is_to_be_denied_anew {
            tracing::warn!(lab = %errand.lab.name, "the account does not deny what it should: it is written again");
            self.enforce_soon(errand.lab.name.clone());
        }
        tell(errand, before.state, after.state, judgement);
        Ok(())
    }

    fn account_after(
        &self,
        errand: &Errand,
        before: &AccountRow,
        observed: &Observed,
        verdict: Verdict,
        now: DateTime<Utc>,
    ) -> AccountRow {
        let state = state_after(before.state, errand.check.reason, verdict);
        let joins = errand.check.reason == CheckReason::Join && verdict == Verdict::Proven;
        let session_role_id = observed.found.as_ref().and_then(|found| Some(found.session_role.as_ref()?.id.clone()));
        let is_joined = state.is_joined();
        AccountRow {
            state,
            joined_at: if joins { Some(now) } else { before.joined_at },
            // The id is the one that the account was joined with. An account that was in use before that was kept is taken
            // as it was found first.
            session_role_id: match &before.session_role_id {
                Some(id) if !joins => Some(id.clone()),
                _ => session_role_id.filter(|_| is_joined && verdict == Verdict::Proven),
            },
            checked_at: if verdict == Verdict::Unclear { before.checked_at } else { Some(now) },
            read_at: if observed.found.is_some() { Some(now) } else { before.read_at },
            check_due_at: is_joined.then(|| now + self.jittered(self.time_to_next(verdict))),
        }
    }

    fn time_to_next(&self, verdict: Verdict) -> TimeDelta {
        let usual = self.accounts.check_interval;
        match verdict {
            Verdict::Proven | Verdict::Unread => usual,
            Verdict::Broken | Verdict::Open => usual.min(AGAIN_IF_BROKEN),
            Verdict::Unclear | Verdict::Interrupted => usual.min(AGAIN_IF_UNCLEAR),
        }
    }

    /// Three quarters of a time to five quarters of it, so that the accounts of many labs do not come at once.
    pub(super) fn jittered(&self, time: TimeDelta) -> TimeDelta {
        let [part] = self.random.bytes::<1>();
        time * 3 / 4 + time * i32::from(part) / 512
    }

    fn account_roles_after(&self, errand: &Errand, observed: &Observed, now: DateTime<Utc>) -> Vec<AccountRoleRow> {
        if observed.found.is_none() {
            return Vec::new();
        }
        let row = |role: &crate::domain::lab::Role| {
            let policy = self.policies.get(&role.template)?.fill(&role.parameters).ok()?;
            let uncovered = observed.uncovered.iter().find(|(name, _)| *name == role.name);
            let probe = observed.probes.iter().find(|probe| probe.role == role.name);
            Some(AccountRoleRow {
                role: role.name.clone(),
                policy_sha256: policy.sha256(),
                uncovered: uncovered.map(|(_, actions)| actions.clone()).unwrap_or_default(),
                probe: probe.map(|probe| probe.answer.clone()),
                looked_at: now,
            })
        };
        errand.roles.iter().filter_map(row).collect()
    }
}

/// The operator's log: once, when an account begins or ceases to be well.
fn tell(errand: &Errand, before: AccountState, after: AccountState, judgement: &Judgement) {
    let (lab, troubles) = (&errand.lab.name, judgement.troubles.len());
    let first = judgement.troubles.first().map(ToString::to_string).unwrap_or_default();
    match after {
        AccountState::Open if before != after => {
            tracing::error!(%lab, troubles, first, "a lab's AWS account is open where it should not be");
        }
        AccountState::Broken if before != after => {
            tracing::error!(%lab, troubles, first, "a lab's AWS account gives no credentials that work");
        }
        AccountState::Joined if before != after => tracing::info!(%lab, "a lab's AWS account is well"),
        _ => tracing::debug!(%lab, verdict = judgement.verdict.as_str(), troubles, "a lab's AWS account was checked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pi_who_joins_an_account_that_proves_itself_makes_it_give_something() {
        use AccountState::{Broken, Declared, Joined, Open};
        use CheckReason::{Demand, Join, Watch};
        let all =
            [Verdict::Proven, Verdict::Broken, Verdict::Open, Verdict::Unread, Verdict::Unclear, Verdict::Interrupted];

        for verdict in all {
            let joined = state_after(Declared, Join, verdict).is_joined();
            assert_eq!(joined, verdict == Verdict::Proven, "{verdict:?}");
            assert_eq!(state_after(Declared, Watch, verdict), Declared);
            assert_eq!(state_after(Declared, Demand, verdict), Declared);
            for before in [Joined, Broken, Open] {
                assert!(state_after(before, Watch, verdict).is_joined(), "{before:?} {verdict:?}");
            }
        }
        assert_eq!(state_after(Joined, Watch, Verdict::Broken), Broken);
        assert_eq!(state_after(Joined, Watch, Verdict::Open), Open);
        assert_eq!(state_after(Broken, Watch, Verdict::Unclear), Broken, "nothing was learnt");
        assert_eq!(state_after(Broken, Demand, Verdict::Proven), Joined);
    }
}
