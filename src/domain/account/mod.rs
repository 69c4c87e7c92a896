//! A lab's AWS account as it should be: what the broker asks for, and how what is found there is held against that.
//!
//! A [`Plan`] is made from the lab and its roles alone, so that two who look at the same lab ask for the same account. It
//! is rendered as a CloudFormation stack for whoever owns the account, and read back document by document.

mod compare;
mod drift;
mod found;
mod names;
mod permissions;
mod plan;
mod probe;
mod stack;
mod steward;
mod trust;

pub use drift::{Drift, Part, drift};
pub use found::{FoundAccount, FoundPolicy, FoundRole};
pub use names::AccountNames;
pub use permissions::{PERMISSIONS_MAX_CHARS, Permissions, TooMuch};
pub use plan::Plan;
pub use probe::{Answered, ProbeAnswer, ProbeOutcome};
pub use trust::{BROKER_ROLE_UNKNOWN, STEWARD_SOURCE_IDENTITY, session_trust};
