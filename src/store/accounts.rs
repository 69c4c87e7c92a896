//! How the labs' AWS accounts stand, and every check of them.

use chrono::{DateTime, Utc};

use super::ledger::END_OF_TIME;
use super::sql::{run_across, run_in_lab, statements};
use super::{Error, LabTx, MaybeTime, Result, Tx, column};
use crate::domain::access::Allowed;
use crate::domain::account::{AccountCheck, AccountOfRole, AccountState, CheckReport, ProbeAnswer, RoleProbe, Verdict};
use crate::domain::id::{AccountCheckId, LabId, LabName, PersonId, RoleName};

statements! {
    lab {
        ACCOUNT = "select state, joined_at, session_role_id, checked_at, read_at, check_due_at from lab_account \
            where lab_id = $1";
        SET_ACCOUNT = "update lab_account set state = $2, joined_at = $3, session_role_id = $4, checked_at = $5, \
            read_at = $6, check_due_at = $7 where lab_id = $1";
        /// Decides which of several brokers checks an account that is due.
        CLAIM_ACCOUNT = "update lab_account set check_due_at = $3 where lab_id = $1 and check_due_at = $2";
        /// Never later than it is due anyway, never for an account that is not watched, and not soon after another check.
        BRING_CHECK_FORWARD = "update lab_account set check_due_at = $2 where lab_id = $1 and check_due_at > $2 \
            and (checked_at is null or checked_at < $3)";
        ACCOUNT_ROLES = "select role, policy_sha256, uncovered, probe, looked_at from lab_account_role \
            where lab_id = $1 order by role";
        PUT_ACCOUNT_ROLE = "insert into lab_account_role (lab_id, role, policy_sha256, uncovered, probe, looked_at) \
            values ($1, $2, $3, $4, $5, $6) on conflict (lab_id, role) do update set \
            policy_sha256 = excluded.policy_sha256, uncovered = excluded.uncovered, probe = excluded.probe, \
            looked_at = excluded.looked_at";
        /// What a look that could not read the account learnt all the same.
        SET_ACCOUNT_PROBE = "update lab_account_role set probe = $3, looked_at = $4 where lab_id = $1 and role = $2";
        INSERT_CHECK = "insert into account_check (lab_id, id, reason, person_id, begun_at, report) \
            values ($1, $2, $3, $4, $5, $6)";
        CHECK = "select id, reason, person_id, begun_at, ended_at, verdict, report from account_check \
            where lab_id = $1 and id = $2";
        CHECKS = "select id, reason, person_id, begun_at, ended_at, verdict, report from account_check \
            where lab_id = $1 and (begun_at < $2 or (begun_at = $2 and id < $3)) order by begun_at desc, id desc limit $4";
        SAVE_CHECK = "update account_check set report = $3 where lab_id = $1 and id = $2 and ended_at is null";
        END_CHECK = "update account_check set report = $3, ended_at = $4, verdict = $5 \
            where lab_id = $1 and id = $2 and ended_at is null";
    }
    across {
        /// For a lab that is being made.
        INSERT_ACCOUNT = "insert into lab_account (lab_id, state) values ($1, 'declared')";
        /// For the gate: how the account of the lab stands, and what was found of a role.
        GATE_ACCOUNT = "select lab_account.state as state, lab_account.read_at as read_at, \
            lab_account_role.policy_sha256 as policy_sha256, lab_account_role.uncovered as uncovered from lab_account \
            left join lab_account_role on lab_account_role.lab_id = lab_account.lab_id and lab_account_role.role = $2 \
            where lab_account.lab_id = $1";
        /// For the watch: the accounts whose time has come.
        ACCOUNTS_DUE = "select lab.name as lab, lab_account.check_due_at as due_at from lab_account \
            join lab on lab.id = lab_account.lab_id where lab_account.check_due_at <= $1 and lab.archived_at is null \
            order by lab_account.check_due_at limit $2";
        /// For the sweep: checks that a stop has left open.
        OPEN_CHECKS = "select lab.name as lab, account_check.id as id from account_check \
            join lab on lab.id = account_check.lab_id where account_check.ended_at is null \
            and account_check.begun_at < $1 order by account_check.begun_at limit $2";
        /// For the sweep: a broker of the release before knows no accounts, and may have made a lab beside this one.
        DECLARE_ACCOUNTS = "insert into lab_account (lab_id, state) select id, 'declared' from lab \
            where not exists (select 1 from lab_account where lab_account.lab_id = lab.id)";
        /// For the sweep: what nobody looks at any more.
        FORGET_CHECKS = "delete from account_check where begun_at < $1 and ended_at is not null";
    }
}

/// A lab's account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// How.
    pub state: AccountState,
    /// Since when it is joined; nothing when it is not, or was before anybody wrote that down.
    pub joined_at: MaybeTime,
    /// The id of the session role when it was joined: `AROA…`.
    pub session_role_id: Option<String>,
    /// When a check of it came to something last.
    pub checked_at: MaybeTime,
    /// When it could be read last.
    pub read_at: MaybeTime,
    /// When it is checked next; nothing when nobody watches it.
    pub check_due_at: MaybeTime,
}

/// What the last look at an account found of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRoleRow {
    /// The role.
    pub role: RoleName,
    /// The session policy that the account was held against.
    pub policy_sha256: String,
    /// The actions of that which it does not allow.
    pub uncovered: Vec<String>,
    /// What the role's harmless call came to.
    pub probe: Option<ProbeAnswer>,
    /// When.
    pub looked_at: DateTime<Utc>,
}

/// An account whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAccount {
    /// The lab.
    pub lab: LabName,
    /// When it was to be checked.
    pub due_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct RawAccount {
    state: String,
    joined_at: MaybeTime,
    session_role_id: Option<String>,
    checked_at: MaybeTime,
    read_at: MaybeTime,
    check_due_at: MaybeTime,
}

#[derive(sqlx::FromRow)]
struct RawAccountRole {
    role: String,
    policy_sha256: String,
    uncovered: String,
    probe: Option<String>,
    looked_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct RawGate {
    state: String,
    read_at: MaybeTime,
    policy_sha256: Option<String>,
    uncovered: Option<String>,
}

#[derive(sqlx::FromRow)]
struct RawCheck {
    id: String,
    reason: String,
    person_id: Option<String>,
    begun_at: DateTime<Utc>,
    ended_at: MaybeTime,
    verdict: Option<String>,
    report: String,
}

impl TryFrom<RawCheck> for AccountCheck {
    type Error = Error;

    fn try_from(row: RawCheck) -> Result<Self> {
        let verdict = row.verdict.as_deref().map(|word| column(word, "account_check", "verdict")).transpose()?;
        Ok(Self {
            id: column(&row.id, "account_check", "id")?,
            reason: column(&row.reason, "account_check", "reason")?,
            by: row.person_id.as_deref().map(|id| column(id, "account_check", "person_id")).transpose()?,
            begun_at: row.begun_at,
            ended: row.ended_at.zip(verdict),
            report: from_json(&row.report, "account_check", "report")?,
        })
    }
}

impl TryFrom<RawAccountRole> for AccountRoleRow {
    type Error = Error;

    fn try_from(row: RawAccountRole) -> Result<Self> {
        let probe = row.probe.as_deref().map(|text| from_json(text, "lab_account_role", "probe")).transpose()?;
        Ok(Self {
            role: column(&row.role, "lab_account_role", "role")?,
            policy_sha256: row.policy_sha256,
            uncovered: row.uncovered.split_whitespace().map(str::to_owned).collect(),
            probe,
            looked_at: row.looked_at,
        })
    }
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str, table: &'static str, column: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| Error::Inconsistent { table, column })
}

fn to_json<T: serde::Serialize>(value: &T, table: &'static str, column: &'static str) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Inconsistent { table, column })
}

/// What the gate is told of an account.
pub(super) fn of_role(
    state: &str,
    is_read: bool,
    policy_sha256: Option<String>,
    uncovered: Option<&str>,
) -> Result<AccountOfRole> {
    let covers = policy_sha256.filter(|_| uncovered.is_some_and(str::is_empty));
    Ok(AccountOfRole { state: column(state, "lab_account", "state")?, is_read, covers })
}

impl LabTx<'_> {
    /// How the lab's account stands.
    pub async fn account(&mut self) -> Result<AccountRow> {
        let row: RawAccount = run_in_lab!(self, fetch_one RawAccount: ACCOUNT)?;
        Ok(AccountRow {
            state: column(&row.state, "lab_account", "state")?,
            joined_at: row.joined_at,
            session_role_id: row.session_role_id,
            checked_at: row.checked_at,
            read_at: row.read_at,
            check_due_at: row.check_due_at,
        })
    }

    /// Writes how it stands.
    pub async fn set_account(&mut self, account: &AccountRow) -> Result<()> {
        run_in_lab!(
            self,
            execute SET_ACCOUNT,
            account.state.as_str(),
            account.joined_at,
            account.session_role_id.as_deref(),
            account.checked_at,
            account.read_at,
            account.check_due_at,
        )?;
        Ok(())
    }

    /// Takes an account that was due at this moment; false when somebody else has.
    pub async fn claim_account(&mut self, due_at: DateTime<Utc>, next: DateTime<Utc>) -> Result<bool> {
        Ok(run_in_lab!(self, execute CLAIM_ACCOUNT, due_at, next)? == 1)
    }

    /// What the last look at the account found, by role.
    pub async fn account_roles(&mut self) -> Result<Vec<AccountRoleRow>> {
        let rows: Vec<RawAccountRole> = run_in_lab!(self, fetch_all RawAccountRole: ACCOUNT_ROLES)?;
        rows.into_iter().map(AccountRoleRow::try_from).collect()
    }

    /// Keeps what a look at the account found of a role.
    pub async fn put_account_role(&mut self, row: &AccountRoleRow) -> Result<()> {
        let probe = row.probe.as_ref().map(|probe| to_json(probe, "lab_account_role", "probe")).transpose()?;
        let uncovered = row.uncovered.join(" ");
        run_in_lab!(
            self,
            execute PUT_ACCOUNT_ROLE,
            row.role.as_str(),
            row.policy_sha256.as_str(),
            uncovered.as_str(),
            probe.as_deref(),
            row.looked_at,
        )?;
        Ok(())
    }

    /// Keeps what a role's harmless call came to, where the account could not be read.
    pub async fn set_account_probe(&mut self, probe: &RoleProbe, now: DateTime<Utc>) -> Result<()> {
        let answer = to_json(&probe.answer, "lab_account_role", "probe")?;
        run_in_lab!(self, execute SET_ACCOUNT_PROBE, probe.role.as_str(), answer.as_str(), now)?;
        Ok(())
    }

    /// Keeps a check that begins.
    pub async fn insert_check(&mut self, check: &AccountCheck) -> Result<()> {
        let report = to_json(&check.report, "account_check", "report")?;
        run_in_lab!(
            self,
            execute INSERT_CHECK,
            check.id.as_str(),
            check.reason.as_str(),
            check.by.as_ref().map(PersonId::as_str),
            check.begun_at,
            report.as_str(),
        )?;
        Ok(())
    }

    /// One check.
    pub async fn check(&mut self, id: &AccountCheckId) -> Result<Option<AccountCheck>> {
        let row: Option<RawCheck> = run_in_lab!(self, fetch_optional RawCheck: CHECK, id.as_str())?;
        row.map(AccountCheck::try_from).transpose()
    }

    /// At most `limit` checks, the newest first, before the given one.
    pub async fn checks(&mut self, before: Option<&AccountCheck>, limit: u32) -> Result<Vec<AccountCheck>> {
        let (before, id) = before.map_or((END_OF_TIME, ""), |check| (check.begun_at, check.id.as_str()));
        let rows: Vec<RawCheck> = run_in_lab!(self, fetch_all RawCheck: CHECKS, before, id, i64::from(limit))?;
        rows.into_iter().map(AccountCheck::try_from).collect()
    }

    /// Keeps what a check has found so far; false when it is over.
    pub async fn save_check(&mut self, id: &AccountCheckId, report: &CheckReport) -> Result<bool> {
        let report = to_json(report, "account_check", "report")?;
        Ok(run_in_lab!(self, execute SAVE_CHECK, id.as_str(), report.as_str())? == 1)
    }

    /// Ends a check; false when it was over already.
    pub async fn end_check(
        &mut self,
        id: &AccountCheckId,
        report: &CheckReport,
        at: DateTime<Utc>,
        verdict: Verdict,
    ) -> Result<bool> {
        let report = to_json(report, "account_check", "report")?;
        Ok(run_in_lab!(self, execute END_CHECK, id.as_str(), report.as_str(), at, verdict.as_str())? == 1)
    }
}

impl LabTx<'_> {
    /// Has the account checked at this moment, if it is watched and was not checked since `unless`.
    pub async fn check_soon(&mut self, to: DateTime<Utc>, unless: DateTime<Utc>) -> Result<()> {
        run_in_lab!(self, execute BRING_CHECK_FORWARD, to, unless)?;
        Ok(())
    }
}

impl Tx {
    /// Has the account that refused somebody checked at this moment, if it is watched and was not checked since `unless`.
    pub async fn bring_check_forward(
        &mut self,
        allowed: &Allowed,
        to: DateTime<Utc>,
        unless: DateTime<Utc>,
    ) -> Result<()> {
        let given = self.given(allowed).await?;
        run_in_lab!(given, execute BRING_CHECK_FORWARD, to, unless)?;
        Ok(())
    }

    /// The account of a lab that is being made.
    pub(super) async fn insert_account(&mut self, lab: &LabId) -> Result<()> {
        run_across!(self, execute INSERT_ACCOUNT, lab.as_str())?;
        Ok(())
    }

    /// For the gate: how the lab's account stands, and whether it allows a role. Nothing, when nobody has said so.
    pub(super) async fn account_of_role(&mut self, lab: &LabId, role: &RoleName) -> Result<Option<AccountOfRole>> {
        let row: Option<RawGate> =
            run_across!(self, fetch_optional RawGate: GATE_ACCOUNT, lab.as_str(), role.as_str())?;
        row.map(|row| of_role(&row.state, row.read_at.is_some(), row.policy_sha256, row.uncovered.as_deref()))
            .transpose()
    }

    /// At most `limit` accounts whose time has come, the most overdue first.
    pub async fn accounts_due(&mut self, now: DateTime<Utc>, limit: u32) -> Result<Vec<DueAccount>> {
        let rows: Vec<(String, DateTime<Utc>)> =
            run_across!(self, fetch_all (String, DateTime<Utc>): ACCOUNTS_DUE, now, i64::from(limit))?;
        rows.into_iter().map(|(lab, due_at)| Ok(DueAccount { lab: column(&lab, "lab", "name")?, due_at })).collect()
    }

    /// At most `limit` checks that began before this moment and are not over.
    pub async fn open_checks(&mut self, before: DateTime<Utc>, limit: u32) -> Result<Vec<(LabName, AccountCheckId)>> {
        let rows: Vec<(String, String)> =
            run_across!(self, fetch_all (String, String): OPEN_CHECKS, before, i64::from(limit))?;
        rows.iter().map(|(lab, id)| Ok((column(lab, "lab", "name")?, column(id, "account_check", "id")?))).collect()
    }

    /// Declares the accounts of labs that a broker of the release before has made beside this one. Returns how many.
    pub async fn declare_accounts(&mut self) -> Result<u64> {
        run_across!(self, execute DECLARE_ACCOUNTS)
    }

    /// Forgets the checks that began before this moment.
    pub async fn forget_checks(&mut self, before: DateTime<Utc>) -> Result<u64> {
        run_across!(self, execute FORGET_CHECKS, before)
    }
}
