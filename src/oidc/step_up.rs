//! Asking a provider for more than a sign-in: for one that is fresh, or one with a second factor.
//!
//! A provider may ignore what it is asked. What counts is what its answer says (`super::claims`), and an answer that says
//! nothing says no.

use chrono::TimeDelta;

/// What a sign-in has to prove beside who somebody is. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepUp {
    /// How long ago the person may have shown the provider who they are. The provider must say when that was
    /// (`auth_time`; OpenID Connect Core, section 3.1.2.1).
    pub max_age: Option<TimeDelta>,
    /// Whether they must have used a second factor, as the connection recognises one.
    pub mfa: bool,
}
