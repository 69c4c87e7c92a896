//! IAM policies: reading them, evaluating them, and making the session policy that every `AssumeRole` carries.

pub mod actions;
mod library;
mod template;

pub use library::{LibraryError, PolicyLibrary};
pub use template::{
    FillError, Parameter, PolicyTemplate, Probe, SESSION_POLICY_MAX_CHARS, SessionPolicy, TemplateError, TemplateName,
};
