//! IAM policies: reading them, evaluating them, and making the session policy that every `AssumeRole` carries.

pub mod action_words;
pub mod actions;
pub mod catalog;
mod condition;
mod context;
mod document;
mod elements;
mod evaluate;
mod glob;
mod inclusion;
mod json;
mod library;
mod pattern;
mod principal;
mod session_policy;
mod template;
mod template_name;

pub use action_words::{AccessLevel, ActionWords};
pub use context::Context;
pub use document::{Document, DocumentError, TrustDocument};
pub use evaluate::{Access, Layers, PolicyKind, Request, Verdict, decide_access, evaluate, evaluate_trust};
pub use glob::fits;
pub use inclusion::{Counterexample, Gain, Inclusion, Reach, can_call, gains, included};
pub use library::{LibraryError, PolicyLibrary};
pub use principal::Caller;
pub use session_policy::{SESSION_POLICY_MAX_CHARS, SessionPolicy};
pub use template::{
    FillError, Money, Parameter, ParameterKind, PolicyTemplate, Probe, TEMPLATE_MAX_BYTES, TemplateError, ValueProblem,
};
pub use template_name::TemplateName;
