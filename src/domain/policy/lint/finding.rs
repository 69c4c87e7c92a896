//! What the linter finds: where, what, how bad, and what to write instead.

use std::fmt;

use serde::Serialize;

use crate::domain::policy::source::Written;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// It may allow more than its author thinks.
    Warning,
    /// It does not do what it says, or AWS would not take it.
    Error,
}

impl Severity {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What kind of finding it is. The words stay as they are: programs read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// It cannot be read, or not entirely.
    Unreadable,
    /// A character that only looks as if it belonged there.
    LookAlike,
    /// Longer than AWS takes.
    TooLong,
    /// An action that its service does not have.
    UnknownAction,
    /// A name of the API that Mechanical Turk had until 2019.
    LegacyAction,
    /// A service whose actions are not known here.
    UnknownService,
    /// An action in other letters than AWS's, which IAM does not mind.
    ActionCase,
    /// The same action twice.
    Duplicate,
    /// A wildcard that takes in more than its name says.
    LeakingWildcard,
    /// An Allow of everything but what it lists.
    AllowsAllBut,
    /// A resource on which its actions cannot be called.
    WrongResource,
    /// A condition key that no call of its actions carries.
    UnknownConditionKey,
    /// Conditions of which one excludes the other.
    Contradiction,
    /// A statement without effect.
    NeverMatches,
    /// An Allow that a Deny takes away whole.
    DeniedAnyway,
    /// An Allow with which somebody can get more than it allows.
    Escalates,
    /// A template that cannot be used.
    NotUsable,
    /// A file that cannot be looked into.
    UnusableFile,
}

impl Code {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::LookAlike => "look-alike",
            Self::TooLong => "too-long",
            Self::UnknownAction => "unknown-action",
            Self::LegacyAction => "legacy-action",
            Self::UnknownService => "unknown-service",
            Self::ActionCase => "action-case",
            Self::Duplicate => "duplicate",
            Self::LeakingWildcard => "leaking-wildcard",
            Self::AllowsAllBut => "allows-all-but",
            Self::WrongResource => "wrong-resource",
            Self::UnknownConditionKey => "unknown-condition-key",
            Self::Contradiction => "contradiction",
            Self::NeverMatches => "never-matches",
            Self::DeniedAnyway => "denied-anyway",
            Self::Escalates => "escalates",
            Self::NotUsable => "not-usable",
            Self::UnusableFile => "unusable-file",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Which statement, counted from 1; `None` for the policy as a whole.
    pub statement: Option<usize>,
    /// The statement's `Sid`.
    pub sid: Option<String>,
    /// Where in the statement: `Action[2]`, counted from 0 as in JSON Pointer and `jq`.
    pub element: Option<String>,
    /// One sentence.
    pub message: String,
    /// What to write instead; none when there is nothing.
    pub instead: Vec<String>,
}

impl Finding {
    /// About the policy as a whole.
    #[must_use]
    pub const fn whole(code: Code, severity: Severity, message: String) -> Self {
        Self { code, severity, statement: None, sid: None, element: None, message, instead: Vec::new() }
    }

    /// About a statement as a whole.
    pub(super) fn about(statement: &Written, code: Code, severity: Severity, message: String) -> Self {
        let (number, sid) = (Some(statement.number), statement.sid.clone());
        Self { statement: number, sid, ..Self::whole(code, severity, message) }
    }

    /// The same, about one element of it.
    pub(super) fn at(self, element: String) -> Self {
        Self { element: Some(element), ..self }
    }

    /// The same, with what to write instead.
    pub(super) fn instead(self, instead: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { instead: instead.into_iter().map(Into::into).collect(), ..self }
    }

    /// Where it is, in words: `statement 2 (Pay), Action[0]`.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let number = self.statement?;
        let sid = self.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
        let element = self.element.as_ref().map(|element| format!(", {element}")).unwrap_or_default();
        Some(format!("statement {number}{sid}{element}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}] ", self.severity.as_str(), self.code.as_str())?;
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        match self.instead.as_slice() {
            [] => Ok(()),
            instead => write!(f, "; write instead: {}", instead.join(", ")),
        }
    }
}
