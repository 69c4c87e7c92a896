//! The one gate: may this person have this role of this lab, may that person look after the lab?
//!
//! What it answers is a proof: [`Allowed`] for a credential, [`LabAccess`] and what it can be raised to for a lab's
//! data. Their fields are private, so nothing but this module makes one, and nothing reaches a lab's data or its AWS
//! account without one. The gate itself decides on [`Grounds`] and [`Membership`], which only the store makes, from
//! rows. It answers "no" to whatever it was not told.

mod decide;
mod proof;

pub use decide::{Allowed, Decision, Evidence, Grounds, Missing, Refusal, decide, missing};
pub use proof::{
    Denied, InvitedAccess, LabAccess, ManagerAccess, Membership, OpenInvitation, Operator, OperatorAccess, PiAccess,
    admit,
};
