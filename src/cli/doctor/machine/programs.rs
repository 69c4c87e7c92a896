//! The programs: which `lodge` a shell and an AWS tool find, and whether there is an AWS CLI at all.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};

use crate::cli::surroundings::Surroundings;

use super::check::{Check, Subject, quoted};

const PROGRAM: Subject = Subject { name: "program", title: "This program" };
const AWS_CLI: Subject = Subject { name: "aws-cli", title: "The AWS CLI" };

pub(super) fn checks(surroundings: &Surroundings) -> Vec<Check> {
    let this = surroundings.program.as_deref();
    let mut checks = vec![judge(this, &found("lodge", &surroundings.path))];
    checks.push(match found("aws", &surroundings.path).first() {
        Some(aws) => AWS_CLI.ok(format!("it is {}", aws.display())),
        None => AWS_CLI.note(
            "there is none on PATH; only what uses an SDK finds the profiles",
            "lodge exec LAB/ROLE -- COMMAND, for any other program",
        ),
    });
    checks
}

/// The programs of this name on the path, in its order. One that is found by two ways is there once.
pub(super) fn found(name: &str, path: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for candidate in path.iter().map(|folder| folder.join(format!("{name}{EXE_SUFFIX}"))) {
        if !is_program(&candidate) {
            continue;
        }
        let itself = real(&candidate);
        if !seen.contains(&itself) {
            seen.push(itself);
            found.push(candidate);
        }
    }
    found
}

/// The file that a path leads to.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether there is a program of ours to run there.
pub(super) fn is_program(path: &Path) -> bool {
    let Ok(found) = path.metadata() else { return false };
    #[cfg(unix)]
    let executable = std::os::unix::fs::MetadataExt::mode(&found) & 0o111 != 0;
    #[cfg(not(unix))]
    let executable = true;
    found.is_file() && executable
}

fn judge(this: Option<&Path>, on_path: &[PathBuf]) -> Check {
    let Some(this) = this else {
        return PROGRAM.note("it is not known which one it is", "command -v lodge");
    };
    let is_this = |other: &PathBuf| real(other) == real(this);
    let list = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    match on_path {
        [] => {
            let folder = this.parent().unwrap_or(this);
            PROGRAM.warning(
                format!(
                    "it is {}, which is not on PATH, so profiles and shells do not find lodge by its name",
                    this.display()
                ),
                format!("export PATH={}:\"$PATH\"", quoted(folder)),
            )
        }
        [only] if is_this(only) => PROGRAM.ok(format!("it is {}", this.display())),
        [first, ..] if !is_this(first) => PROGRAM.warning(
            format!("it is {}, but the first lodge on PATH is {}", this.display(), first.display()),
            format!("export PATH={}:\"$PATH\", or rm {}", quoted(this.parent().unwrap_or(this)), quoted(first)),
        ),
        [_, others @ ..] => PROGRAM.warning(
            format!("it is {}, and there is another on PATH: {}", this.display(), list(others)),
            format!("rm {}", others.iter().map(|path| quoted(path)).collect::<Vec<_>>().join(" ")),
        ),
    }
}
