//! The one gate: may this person have this role of this lab, may that person look after the lab?
//!
//! What it answers is a proof: [`Allowed`] for a credential, [`LabAccess`] and what it can be raised to for a lab's
//! data. Their fields are private, so nothing but this module makes one, and nothing reaches a lab's data or its AWS
//! account without one. The gate itself decides on [`Grounds`] and [`Membership`], which only the store makes, from
//! rows. It answers "no" to whatever it was not told.
//!
//! A proof is come by in one way:
//!
//! ```
//! use lodge::domain::access::{Denied, Membership, PiAccess, admit};
//!
//! fn pi_of(membership: Option<Membership>) -> Result<PiAccess, Denied> {
//!     admit(membership)?.pi()
//! }
//! ```
//!
//! None of these compiles outside this crate, and inside it a test reads the sources for who calls `from_rows`:
//!
//! ```compile_fail,E0451
//! # use lodge::domain::{access::LabAccess, actor::Actor, lab::Lab};
//! fn forged(lab: Lab, by: Actor) -> LabAccess {
//!     LabAccess { lab, by, standing: None }
//! }
//! ```
//!
//! ```compile_fail,E0423
//! # use lodge::domain::access::{ManagerAccess, PiAccess};
//! fn raised(manager: ManagerAccess) -> PiAccess {
//!     PiAccess(manager)
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use lodge::domain::{access::Allowed, id::MappingId, lab::{Lab, Role}, role_session::SessionDuration};
//! fn allowed(lab: Lab, role: Role, mapping: MappingId, duration: SessionDuration) -> Allowed {
//!     Allowed { lab, role, mapping, duration }
//! }
//! ```
//!
//! ```compile_fail,E0624
//! # use lodge::domain::{access::Membership, id::PersonId, lab::{Lab, Standing}};
//! fn member(lab: Lab, person: PersonId) -> Membership {
//!     Membership::from_rows(lab, person, Standing::Pi)
//! }
//! ```

mod decide;
mod evidence;
mod operators;
mod proof;

pub use decide::{Allowed, Decision, Grounds, Refusal, Refused, decide};
pub use evidence::{Evidence, Missing, SignInStrength, missing};
pub use operators::{OperatorRoll, SecondFactor};
pub use proof::{
    CaretakerAccess, Denied, InvitedAccess, LabAccess, ManagerAccess, Membership, OpenInvitation, Operator,
    OperatorAccess, PiAccess, admit, admit_to_change, admit_to_give, gives_until, may_give,
};
