//! Why AWS said no: what an error says, what our own policies say to it, and what that comes to.
//!
//! It reads texts that people paste, which are anybody's: whatever of them is not an error of AWS's in a form that is known
//! is dropped here and goes nowhere. It takes no decision. Whether somebody may have a role is for the one gate to say
//! ([`crate::domain::access`]); what a policy allows is for the evaluation that everything else uses
//! ([`crate::domain::policy`]).

mod caller_arn;
mod error_text;
mod finding;
mod operation;
mod scan;
mod session;

pub use caller_arn::{CallerArn, Principal};
pub use error_text::{AwsError, ErrorKind, Layer, PASTED_MAX_BYTES, Reason};
pub use finding::{Facts, Finding, OurPolicy, Whose, judge};
pub use operation::{actions_of_operation, asked_action};
pub use session::{PolicyOfSession, SessionCutOff, SessionFacts};
