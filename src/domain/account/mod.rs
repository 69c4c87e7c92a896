//! A lab's AWS account as it should be: what the broker asks for, and how what is found there is held against that.
//!
//! A [`Plan`] is made from the lab and its roles alone, so that two who look at the same lab ask for the same account. It
//! is rendered as a CloudFormation stack for whoever owns the account, and read back document by document.

mod check;
mod compare;
mod cover;
mod drift;
#[cfg(test)]
mod fixture;
mod found;
mod judge;
mod names;
mod permissions;
mod plan;
mod probe;
mod ready;
mod stack;
mod steward;
mod trouble;
mod trust;

pub use check::{
    AccountCheck, AccountState, CheckReason, CheckReport, CheckStep, RoleProbe, StepReport, StepState, Verdict,
};
pub use cover::uncovered;
pub use drift::{Drift, Part, drift};
pub use found::{FoundAccount, FoundPolicy, FoundRole};
pub use judge::{Answer, Judgement, Observed, judge};
pub use names::AccountNames;
pub use permissions::{PERMISSIONS_MAX_CHARS, Permissions, TooMuch};
pub use plan::Plan;
pub use probe::{Answered, ProbeAnswer, ProbeOutcome};
pub use ready::{AccountOfRole, Readiness};
pub use trouble::{Cause, ChainLink, Mender, Severity, Trouble};
pub use trust::{BROKER_ROLE_UNKNOWN, STEWARD_SOURCE_IDENTITY, session_trust};
