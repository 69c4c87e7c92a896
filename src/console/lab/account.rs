//! A lab's AWS account: how it stands, how it is joined, and every check of it.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::app::{AccountChecks, AccountRole, AccountView, Broker, KeeperView, StackFile, account_words};
use crate::console::parts::{Moment, PersonTag, Piece, Verbatim, pieces};
use crate::console::shell::{LabHead, Shell, Tab};
use crate::console::{page, refreshed};
use crate::domain::account::{
    AccountCheck, AccountState, Cause, CheckReason, CheckStep, ProbeAnswer, ProbeOutcome, Readiness, Severity,
    StepReport, StepState, Trouble, Verdict,
};
use crate::domain::id::{AccountCheckId, LabName, RoleName};
use crate::domain::lab::Standing;

/// How a step went, as a picture's name and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Passed,
    Failed,
    Unclear,
    Skipped,
    Waiting,
}

impl Mark {
    pub(super) const fn of(state: StepState) -> Self {
        match state {
            StepState::Passed => Self::Passed,
            StepState::Failed => Self::Failed,
            StepState::Unclear => Self::Unclear,
            StepState::Skipped => Self::Skipped,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "not ok",
            Self::Unclear => "unclear",
            Self::Skipped => "not tried",
            Self::Waiting => "to come",
        }
    }

    pub(super) const fn tone(self) -> &'static str {
        match self {
            Self::Passed => "good",
            Self::Failed => "bad",
            Self::Unclear => "warn",
            Self::Skipped | Self::Waiting => "plain",
        }
    }
}

/// A step on the page.
struct Step {
    mark: Mark,
    title: String,
    role: Option<String>,
    says: Option<Verbatim>,
}

/// Something wrong, on the page.
struct Wrong {
    tone: &'static str,
    label: &'static str,
    role: Option<String>,
    causes: Vec<WrongCause>,
}

struct WrongCause {
    says: Verbatim,
    mender: String,
    next: Vec<Piece<'static>>,
}

/// What a role's harmless call came to, with the service's own words.
struct Call {
    role: String,
    action: Option<String>,
    tone: &'static str,
    says: String,
    status: Option<u16>,
    code: Option<Verbatim>,
    message: Option<Verbatim>,
    request_id: Option<Verbatim>,
}

/// A check on the page.
struct Check {
    id: String,
    why: &'static str,
    begun: Moment,
    ended: Option<Moment>,
    verdict: Option<(&'static str, String)>,
    tries: u32,
    tries_at_most: u32,
    steps: Vec<Step>,
    wrong: Vec<Wrong>,
    calls: Vec<Call>,
}

/// A role on the page.
struct Role<'a> {
    name: &'a str,
    title: &'a str,
    readiness: Readiness,
    uncovered: &'a [String],
    call: Option<Call>,
    looked_at: Option<Moment>,
}

/// What whoever looks after the lab sees beside that.
struct ForKeeper<'a> {
    running: Option<Check>,
    last: Option<Check>,
    stack: Option<&'a StackFile>,
    no_stack: Option<String>,
    /// The way to a fresh sign-in and back, when joining takes one first.
    sign_in: Option<String>,
}

#[derive(Template)]
#[template(path = "lab/account.html", config = "src/console/askama.toml")]
struct Account<'a> {
    shell: &'a Shell,
    lab: LabHead,
    state: AccountState,
    says: &'static str,
    number: &'a str,
    session_role: &'a str,
    joined_at: Option<Moment>,
    checked_at: Option<Moment>,
    next_check_at: Option<Moment>,
    roles: Vec<Role<'a>>,
    pis: Vec<PersonTag>,
    keeper: Option<ForKeeper<'a>>,
    is_pi: bool,
}

impl Account<'_> {
    fn awaits_update(&self) -> bool {
        self.roles.iter().any(|role| role.readiness == Readiness::AwaitingUpdate)
    }
}

const fn why(reason: CheckReason) -> &'static str {
    match reason {
        CheckReason::Join => "to join the account",
        CheckReason::Demand => "because somebody wanted to know",
        CheckReason::Watch => "because it was time",
    }
}

const fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Proven => "good",
        Verdict::Broken | Verdict::Open => "bad",
        Verdict::Unread | Verdict::Unclear | Verdict::Interrupted => "warn",
    }
}

fn call(role: &RoleName, action: Option<&str>, answer: &ProbeAnswer) -> Call {
    let verbatim = |text: &Option<String>| text.as_deref().map(Verbatim::new);
    Call {
        role: role.to_string(),
        action: action.map(str::to_owned),
        tone: match answer.outcome {
            ProbeOutcome::Works => "good",
            outcome if outcome.is_denied() => "bad",
            _ => "warn",
        },
        says: answer.outcome.to_string(),
        status: answer.status,
        code: verbatim(&answer.code),
        message: verbatim(&answer.message),
        request_id: verbatim(&answer.request_id),
    }
}

fn wrong(trouble: &Trouble) -> Wrong {
    let (tone, label) = match trouble.severity {
        Severity::Stops => ("bad", "stops credentials"),
        Severity::Opens => ("bad", "open"),
        Severity::Unclear => ("warn", "unclear"),
        Severity::Differs => ("warn", "differs"),
    };
    let cause = |cause: &Cause| WrongCause {
        says: Verbatim::new(&cause.to_string()),
        mender: cause.mender().to_string(),
        next: pieces(cause.next()),
    };
    Wrong {
        tone,
        label,
        role: trouble.role.as_ref().map(ToString::to_string),
        causes: trouble.causes.iter().map(cause).collect(),
    }
}

fn done(report: &StepReport) -> Step {
    Step {
        mark: Mark::of(report.state),
        title: report.step.to_string(),
        role: report.role.as_ref().map(ToString::to_string),
        says: (!report.says.is_empty()).then(|| Verbatim::new(&report.says)),
    }
}

/// The steps that were done; and, of a check that is under way, those to come.
fn steps(check: &AccountCheck, roles: &[AccountRole]) -> Vec<Step> {
    let reports = &check.report.steps;
    let mut steps: Vec<Step> = reports.iter().map(done).collect();
    if check.ended.is_none() {
        let waiting = |step: CheckStep, role: Option<&RoleName>| Step {
            mark: Mark::Waiting,
            title: step.to_string(),
            role: role.map(ToString::to_string),
            says: None,
        };
        let is_done = |step: CheckStep, role: Option<&RoleName>| {
            reports.iter().any(|report| report.step == step && report.role.as_ref() == role)
        };
        let fixed = CheckStep::FIXED.into_iter().map(|step| (step, None));
        let probes = roles.iter().map(|role| (CheckStep::Probe, Some(&role.name)));
        let to_come = fixed.chain(probes).filter(|(step, role)| !is_done(*step, *role));
        steps.extend(to_come.map(|(step, role)| waiting(step, role)));
    }
    steps
}

fn check(broker: &Broker, check: &AccountCheck, roles: &[AccountRole], now: DateTime<Utc>) -> Check {
    let report = &check.report;
    Check {
        id: check.id.to_string(),
        why: why(check.reason),
        begun: Moment::new(check.begun_at, now),
        ended: check.ended.map(|(at, _)| Moment::new(at, now)),
        verdict: check.verdict().map(|verdict| (tone(verdict), verdict.to_string())),
        tries: report.tries,
        tries_at_most: broker.tries_at_most(check.reason),
        steps: steps(check, roles),
        wrong: report.troubles.iter().map(wrong).collect(),
        calls: report.probes.iter().map(|probe| call(&probe.role, Some(&probe.action), &probe.answer)).collect(),
    }
}

fn for_keeper<'a>(broker: &Broker, view: &'a AccountView, keeper: &'a KeeperView, now: DateTime<Utc>) -> ForKeeper<'a> {
    let shown = |one: &Option<AccountCheck>| one.as_ref().map(|one| check(broker, one, &view.roles, now));
    let sign_in = (now >= keeper.joins_until).then(|| {
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        link.append_pair("fresh", "1").append_pair("return_to", &account_page(&view.place.lab.name));
        format!("/sign-in?{}", link.finish())
    });
    ForKeeper {
        running: shown(&keeper.running),
        last: shown(&keeper.last),
        stack: keeper.stack.as_ref().ok(),
        no_stack: keeper.stack.as_ref().err().map(ToString::to_string),
        sign_in,
    }
}

/// Where a lab's account stands.
#[must_use]
pub fn account_page(lab: &LabName) -> String {
    format!("/labs/{lab}/account")
}

/// A lab's account.
#[must_use]
pub fn account(broker: &Broker, shell: &Shell, view: &AccountView) -> Response {
    let now = broker.clock.now();
    let row = &view.account;
    let is_keeper = view.keeper.is_some();
    // That somebody could get in is for those who can see to it.
    let state = if row.state == AccountState::Open && !is_keeper { AccountState::Joined } else { row.state };
    let moment = |at: Option<DateTime<Utc>>| at.map(|at| Moment::new(at, now));
    let last = view.keeper.as_ref().and_then(|keeper| keeper.last.as_ref());
    let role = |role: &'_ AccountRole| {
        let answer = role.probe.as_ref().filter(|_| is_keeper)?;
        let whole = call(&role.name, role.probe_action.as_deref(), answer);
        // The last check has it in the service's own words.
        let is_above = last.is_some_and(|last| {
            last.report.probes.iter().any(|probe| probe.role == role.name && probe.answer == *answer)
        });
        Some(if is_above { Call { status: None, code: None, message: None, request_id: None, ..whole } } else { whole })
    };
    let roles = view.roles.iter().map(|one| Role {
        name: one.name.as_str(),
        title: &one.title,
        readiness: one.readiness,
        uncovered: if is_keeper { &one.uncovered } else { &[] },
        call: role(one),
        looked_at: moment(one.looked_at),
    });
    let keeper = view.keeper.as_ref().map(|keeper| for_keeper(broker, view, keeper, now));
    let is_under_way = keeper.as_ref().is_some_and(|keeper| keeper.running.is_some());
    let template = Account {
        shell,
        lab: LabHead::new(&view.place, Tab::Account),
        state,
        says: account_words(state),
        number: view.place.lab.session_role.account().as_str(),
        session_role: view.place.lab.session_role.as_str(),
        joined_at: moment(row.joined_at),
        checked_at: moment(row.checked_at),
        next_check_at: moment(row.check_due_at),
        roles: roles.collect(),
        pis: view.pis.iter().map(PersonTag::of_keeper).collect(),
        keeper,
        is_pi: view.place.standing == Standing::Pi,
    };
    refreshed(page(&template), is_under_way)
}

#[derive(Template)]
#[template(path = "lab/account_history.html", config = "src/console/askama.toml")]
struct History<'a> {
    shell: &'a Shell,
    lab: LabHead,
    /// Each with who wanted it: their id, and what they are called.
    checks: Vec<(Option<(String, PersonTag)>, Check)>,
    next: Option<String>,
    is_first: bool,
}

/// The checks of a lab's account.
#[must_use]
pub fn account_history(broker: &Broker, shell: &Shell, found: &AccountChecks, is_first: bool) -> Response {
    let AccountChecks { place, checks, more, people } = found;
    let now = broker.clock.now();
    let next: Option<&AccountCheckId> = checks.last().filter(|_| *more).map(|last| &last.id);
    let shown = |one: &AccountCheck| {
        let by = one.by.as_ref().and_then(|id| people.get(id)).map(|by| (by.id.to_string(), PersonTag::of(by)));
        (by, check(broker, one, &[], now))
    };
    page(&History {
        shell,
        lab: LabHead::new(place, Tab::Account),
        checks: checks.iter().map(shown).collect(),
        next: next.map(|next| format!("{}/history?after={next}", account_page(&place.lab.name))),
        is_first,
    })
}
