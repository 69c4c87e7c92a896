//! Whether this helper is older than the one that its broker knows.

use super::broker::Asked;
use super::check::{Check, Subject, browse};

const VERSION: Subject = Subject { name: "version", title: "The version" };

const OURS: &str = env!("CARGO_PKG_VERSION");

pub(super) fn checks(asked: &Asked) -> Option<Check> {
    // A broker before this release does not say.
    let theirs = asked.metadata()?.lodge_helper_version.as_deref()?;
    Some(judge(OURS, theirs, &asked.url()?.at("/download")))
}

fn judge(ours: &str, theirs: &str, download: &str) -> Check {
    if number(ours) < number(theirs) {
        let says = format!("this is lodge {ours}, and the broker is made for {theirs}");
        return VERSION.warning(says, browse(download));
    }
    VERSION.ok(format!("lodge {ours} is as new as the broker needs"))
}

/// Its numbers, without what comes after them. What is no number is older than anything.
fn number(version: &str) -> Vec<u64> {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Mark;

    #[test]
    fn only_an_older_helper_is_worth_a_word() {
        let is_old = |ours, theirs| judge(ours, theirs, "https://lodge.example.edu/download").mark == Mark::Warning;

        assert!(is_old("0.9.9", "0.10.0") && is_old("1.0.0", "1.0.1") && is_old("1.9", "2.0.0-beta"));
        assert!(!is_old("0.1.0", "0.1.0") && !is_old("1.0.0", "0.9.9") && !is_old("1.0.0", "nonsense"));
    }
}
