//! One thing that was looked at, and how all of them are shown.

use std::fmt::Write;

use serde::Serialize;

use crate::output;

/// What came of a look.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) name: String,
    /// How it is.
    pub(crate) outcome: Outcome,
    /// One sentence: what was found and, unless all is well, what to do.
    pub(crate) says: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// As it should be.
    Ok,
    /// The broker works, and somebody should look at this.
    Warning,
    /// Something does not work.
    Failed,
}

impl Check {
    pub(crate) fn ok(name: impl Into<String>, says: impl AsRef<str>) -> Self {
        Self::new(name, Outcome::Ok, says)
    }

    pub(crate) fn warning(name: impl Into<String>, says: impl AsRef<str>) -> Self {
        Self::new(name, Outcome::Warning, says)
    }

    pub(crate) fn failed(name: impl Into<String>, says: impl AsRef<str>) -> Self {
        Self::new(name, Outcome::Failed, says)
    }

    pub(crate) fn new(name: impl Into<String>, outcome: Outcome, says: impl AsRef<str>) -> Self {
        Self { name: name.into(), outcome, says: output::one_line(says.as_ref()) }
    }
}

/// Everything that was looked at, for a program.
#[derive(Serialize)]
struct Report<'a> {
    /// Whether nothing failed.
    ok: bool,
    checks: &'a [Check],
}

/// Shows the checks on standard output: a line for each, or one JSON object.
pub(crate) fn report(checks: &[Check], json: bool) -> anyhow::Result<()> {
    if json {
        let ok = checks.iter().all(|check| check.outcome != Outcome::Failed);
        return output::json(&Report { ok, checks });
    }
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for Check { name, outcome, says } in checks {
        let outcome = match outcome {
            Outcome::Ok => "ok",
            Outcome::Warning => "warning",
            Outcome::Failed => "failed",
        };
        let _ = writeln!(text, "{outcome:<7}  {name:<width$}  {says}");
    }
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let (failed, warnings) = (count(Outcome::Failed), count(Outcome::Warning));
    let _ = writeln!(text, "{} checks, {failed} failed, {warnings} with a warning", checks.len());
    output::answer(&text)
}
