//! What a check came to: a mark, a sentence, and the command that mends it.

use std::borrow::Cow;

use serde::Serialize;

use crate::cli::failure::{FIND_OUT, Failure};
use crate::cli::output::Mark;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    subject: &'static str,
    #[serde(rename = "state")]
    pub(super) mark: Mark,
    title: &'static str,
    says: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// What checks are about: a name that programs can rely on, and a title.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
}

impl Subject {
    pub(super) fn ok(self, says: impl Into<String>) -> Check {
        self.check(Mark::Ok, says.into(), None)
    }

    pub(super) fn note(self, says: impl Into<String>, remedy: impl Into<String>) -> Check {
        self.check(Mark::Note, says.into(), Some(remedy.into()))
    }

    pub(super) fn warning(self, says: impl Into<String>, remedy: impl Into<String>) -> Check {
        self.check(Mark::Warning, says.into(), Some(remedy.into()))
    }

    pub(super) fn not_ok(self, says: impl Into<String>, remedy: impl Into<String>) -> Check {
        self.check(Mark::NotOk, says.into(), Some(remedy.into()))
    }

    /// What a verb would have failed with. Its sentence ends with the remedy where there is one.
    pub(super) fn failed(self, failure: &Failure, otherwise: &str) -> Check {
        let text = failure.to_string();
        let text = text.trim_end_matches(FIND_OUT);
        match text.split_once("; run: ") {
            Some((says, remedy)) => self.not_ok(says, remedy),
            None => self.not_ok(text.trim_end_matches("; try again"), otherwise),
        }
    }

    const fn check(self, mark: Mark, says: String, remedy: Option<String>) -> Check {
        Check { subject: self.name, mark, title: self.title, says, remedy }
    }
}

impl Check {
    /// The line that says how it stands.
    pub(super) fn line(&self) -> String {
        format!("{}: {}.", self.title, self.says.trim_end_matches('.'))
    }

    /// The line below it that says what to run.
    pub(super) fn remedy(&self) -> Option<String> {
        self.remedy.as_ref().map(|remedy| format!("        run: {remedy}"))
    }
}

/// The command that takes variables away from this shell.
pub(super) fn unset(names: &[&str]) -> String {
    if cfg!(windows) {
        format!("Remove-Item {}", names.iter().map(|name| format!("Env:{name}")).collect::<Vec<_>>().join(", "))
    } else {
        format!("unset {}", names.join(" "))
    }
}

/// The command that opens a file to change it.
pub(super) fn edit(path: &std::path::Path) -> String {
    if cfg!(windows) { format!("notepad \"{}\"", path.display()) } else { format!("${{EDITOR:-vi}} {}", quoted(path)) }
}

/// The command that shows a page.
pub(super) fn browse(url: &str) -> String {
    if cfg!(windows) {
        format!("start {url}")
    } else if cfg!(target_os = "macos") {
        format!("open {url}")
    } else {
        format!("xdg-open {url}")
    }
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    shlex::try_quote(&text).map(Cow::into_owned).unwrap_or(text)
}
