//! IAM policies: reading them, evaluating them, and making the session policy that every `AssumeRole` carries.

pub mod actions;
mod condition;
mod context;
mod document;
mod elements;
mod evaluate;
mod glob;
mod json;
mod library;
mod pattern;
mod principal;
mod template;

pub use context::Context;
pub use document::{Document, DocumentError, TrustDocument};
pub use evaluate::{Access, Layers, PolicyKind, Request, Verdict, decide_access, evaluate, evaluate_trust};
pub use library::{LibraryError, PolicyLibrary};
pub use principal::Caller;
pub use template::{
    FillError, Parameter, PolicyTemplate, Probe, SESSION_POLICY_MAX_CHARS, SessionPolicy, TemplateError, TemplateName,
};
