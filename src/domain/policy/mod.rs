//! IAM policies: reading them, evaluating them, and making the session policy that every `AssumeRole` carries.

pub mod action_words;
pub mod actions;
pub mod catalog;
mod condition;
mod context;
mod document;
mod elements;
mod evaluate;
mod explain;
mod glob;
mod inclusion;
mod json;
mod json_text;
mod library;
pub mod lint;
pub mod look_alike;
pub mod money;
mod pattern;
mod principal;
mod reach;
mod rewrite;
mod session_policy;
mod source;
mod template;
mod template_name;

pub use action_words::{AccessLevel, ActionWords};
pub use context::Context;
pub use document::{Document, DocumentError, TrustDocument};
pub use evaluate::{Access, Layers, PolicyKind, Request, Verdict, decide_access, evaluate, evaluate_trust};
pub use explain::{Explained, ExplainedAction, Explanation, Kind, explain, kind_of};
pub use glob::fits;
#[cfg(fuzzing)]
pub use inclusion::random::tell_apart;
pub use inclusion::{Callable, Counterexample, Gain, Inclusion, can_call, gains, included};
pub use library::{LibraryError, PolicyLibrary};
pub use principal::Caller;
pub use reach::{Reach, reach};
pub use rewrite::{Change, Rewritten, rewrite};
pub use session_policy::{SESSION_POLICY_MAX_CHARS, SessionPolicy};
pub use template::{
    FillError, Money, Parameter, ParameterKind, PolicyTemplate, Probe, TEMPLATE_MAX_BYTES, TemplateError, ValueProblem,
};
pub use template_name::TemplateName;
