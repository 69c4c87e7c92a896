//! A lab's AWS account: how it stands, checks of it, and what keeps somebody from a role.

use serde::{Deserialize, Serialize};

/// How a lab's account stands, for those who belong to the lab: `GET /api/v1/labs/{lab}/account`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Account {
    /// The lab's name.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub lab: String,
    /// The AWS account.
    #[cfg_attr(feature = "server", schema(pattern = "^[0-9]{12}$"))]
    pub account_id: String,
    /// The role there that is assumed for people.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleArn))]
    pub session_role: String,
    /// `declared` (not joined), `joined`, `broken` (it gives no credentials that work) or `open` (it works, and somebody
    /// could get in or get more than should). To who does not look after the lab, an open one is `joined`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::AccountState))]
    pub state: String,
    /// The same in a sentence.
    pub says: String,
    /// When it was joined; `null` when it was not, or before that was written down.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub joined_at: Option<String>,
    /// When it was looked at last and something came of it.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub checked_at: Option<String>,
    /// When it is looked at next.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub next_check_at: Option<String>,
    /// The lab's roles, by name.
    pub roles: Vec<AccountRole>,
    /// The check that is under way, or else the latest one; `null` when there is none, and for who does not look after the
    /// lab.
    #[cfg_attr(feature = "server", schema(required))]
    pub check: Option<AccountCheck>,
}

/// A role, as far as the lab's account knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AccountRole {
    /// The role's name.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// What it is for, in a few words.
    pub title: String,
    /// `ready`; `awaiting-update`: the stack in the account does not allow all that the role does; or `not-joined`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Readiness))]
    pub ready: String,
    /// The actions that the account does not allow yet; `null` for who does not look after the lab.
    #[cfg_attr(feature = "server", schema(required))]
    pub uncovered: Option<Vec<String>>,
    /// What its harmless call came to last; `null` when none was made.
    #[cfg_attr(feature = "server", schema(required))]
    pub probe: Option<Probe>,
}

/// What a role's harmless call came to. Who does not look after the lab gets the outcome only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = AccountProbe))]
pub struct Probe {
    /// The role.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// The call, as AWS writes it: `mechanicalturk:ListHITs`.
    #[cfg_attr(feature = "server", schema(required))]
    pub action: Option<String>,
    /// What came of it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ProbeOutcome))]
    pub outcome: String,
    /// The same in words.
    pub says: String,
    /// The HTTP status, when there was an answer.
    #[cfg_attr(feature = "server", schema(required, minimum = 100, maximum = 999))]
    pub status: Option<u16>,
    /// The error code, exactly as the service gave it.
    #[cfg_attr(feature = "server", schema(required))]
    pub code: Option<String>,
    /// The message, exactly as the service gave it.
    #[cfg_attr(feature = "server", schema(required))]
    pub message: Option<String>,
    /// What the service calls the request.
    #[cfg_attr(feature = "server", schema(required))]
    pub request_id: Option<String>,
    /// When.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub at: Option<String>,
}

/// A check of a lab's account, under way or over: `GET /api/v1/labs/{lab}/account/checks/{check}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AccountCheck {
    /// `ac-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::AccountCheckId))]
    pub id: String,
    /// `join`, `demand` (somebody wanted to know) or `watch` (it was time).
    #[cfg_attr(feature = "server", schema(value_type = super::texts::CheckReason))]
    pub reason: String,
    /// Who wanted it; `null` when the broker did.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::PersonId>, required))]
    pub by: Option<String>,
    /// When it began.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub begun_at: String,
    /// When it was over; `null` while it is under way.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub ended_at: Option<String>,
    /// What it came to: `proven`, `broken`, `open`, `unread`, `unclear` or `interrupted`; `null` while it is under way.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::Verdict>, required))]
    pub verdict: Option<String>,
    /// The same in words.
    #[cfg_attr(feature = "server", schema(required))]
    pub says: Option<String>,
    /// How often it was tried so far: IAM takes a while to apply what is new.
    pub tries: u32,
    /// How often it is tried at most.
    pub tries_at_most: u32,
    /// The steps of the last try, in order; those that are not done yet are not here.
    pub steps: Vec<CheckStep>,
    /// What is wrong, the first link of the chain first.
    pub troubles: Vec<Trouble>,
    /// What each role's harmless call came to.
    pub probes: Vec<Probe>,
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CheckStep {
    /// Which: `assume`, `other-external-id`, `no-external-id`, `steward`, `steward-refuses`, `read`, `compare` or `probe`.
    pub step: String,
    /// What has to be so for it to pass.
    pub title: String,
    /// For which role, where it is a harmless call.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleName>, required))]
    pub role: Option<String>,
    /// `passed`, `failed`, `unclear` or `skipped`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::StepState))]
    pub state: String,
    /// What there is to say of it; may be empty.
    pub says: String,
    /// When.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub at: String,
}

/// Something that is wrong with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = AccountTrouble))]
pub struct Trouble {
    /// Where in the chain from a person to what they can do at AWS.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ChainLink))]
    pub link: String,
    /// The role it is about, when it is about one.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleName>, required))]
    pub role: Option<String>,
    /// `stops` (nobody gets credentials that work), `opens` (somebody could get in or get more than should), `unclear` or
    /// `differs` (it is not as it should be, and credentials work).
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Severity))]
    pub severity: String,
    /// The whole of it in a sentence.
    pub says: String,
    /// The one cause; or all that it can be, the likeliest first.
    pub causes: Vec<Cause>,
}

/// One thing that can be the matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = AccountCause))]
pub struct Cause {
    /// A word for it, such as `stack-missing`.
    pub cause: String,
    /// What it is.
    pub says: String,
    /// Who can mend it.
    pub mender: Mender,
    /// What to do next.
    pub next: String,
}

/// Who can mend something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Mender {
    /// `oneself`, `pi`, `account-owner`, `operator`, `time`, `organization` or `nobody`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::MenderKind))]
    pub kind: String,
    /// The same in words: `a PI of the lab`.
    pub says: String,
}

/// One page of the checks of an account: `GET /api/v1/labs/{lab}/account/checks?after=ac-…&limit=50`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AccountChecks {
    /// The newest first.
    pub checks: Vec<AccountCheck>,
    /// `after` for the next page; `null` on the last one.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::AccountCheckId>, required))]
    pub next: Option<String>,
}

/// What a lab's account should have, as a stack: `GET /api/v1/labs/{lab}/account/stack`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AccountStack {
    /// What a file of it is called: `lodge-vision.json`.
    pub file_name: String,
    /// What the stack is called when nobody says otherwise.
    pub stack: String,
    /// The CloudFormation template.
    pub template: serde_json::Value,
    /// AWS's own page that creates it; `null` where whoever runs the broker has not put the templates in a bucket.
    #[cfg_attr(feature = "server", schema(required))]
    pub quick_create: Option<String>,
}

/// What keeps the caller from a role, if anything: `GET /api/v1/labs/{lab}/diagnosis?role=pay`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Diagnosis {
    /// The lab's name.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub lab: String,
    /// The role that was looked at; `null` when the lab has none.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleName>, required))]
    pub role: Option<String>,
    /// The whole chain, in order.
    pub links: Vec<DiagnosedLink>,
    /// The first link that is broken, or else the first of which nobody knows; `null` when all hold.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::ChainLink>, required))]
    pub first_broken: Option<String>,
    /// The check of the account that is under way: ask again until this is `null`.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::AccountCheckId>, required))]
    pub running: Option<String>,
    /// When the account was looked at that this speaks of.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub checked_at: Option<String>,
}

/// One link of the chain from a person to what they can do at AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct DiagnosedLink {
    /// Which: `person`, `group`, `mapping`, `role`, `sts`, `role-policy` or `probe`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ChainLink))]
    pub link: String,
    /// What people call it.
    pub title: String,
    /// `passed`, `failed`, `unclear`, or `skipped` since an earlier one is broken.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::StepState))]
    pub state: String,
    /// What was found, in a sentence.
    pub says: String,
    /// What it can be, the likeliest first; one when it is known.
    pub causes: Vec<String>,
    /// Who can mend it.
    pub menders: Vec<Mender>,
    /// What to do next, a sentence each.
    pub next: Vec<String>,
}
