//! What of a machine decides which credentials an AWS tool finds and which way the helper takes to its broker: variables,
//! the folders with programs, and which program this is. `lodge doctor` judges it; nothing else needs it.
//!
//! Of a variable that holds a secret it is known only whether it is set.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Variables that are looked at whole. A proxy's address may hold a password, so none of them is shown as it is.
pub const LOOKED_AT: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "LODGE_ROLE",
    "ALL_PROXY",
    "all_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Variables of which only it is taken that they are set.
pub const SECRET: &[&str] =
    &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];

/// The surroundings of this process.
#[derive(Clone, Default)]
pub struct Surroundings {
    variables: BTreeMap<&'static str, String>,
    /// The folders in which programs are looked for, in their order.
    pub path: Vec<PathBuf>,
    /// The program that runs.
    pub program: Option<PathBuf>,
}

impl Surroundings {
    /// What `variable` says of each name. A value of a [`SECRET`] is dropped at once.
    pub fn of(variable: impl Fn(&str) -> Option<String>, path: Vec<PathBuf>, program: Option<PathBuf>) -> Self {
        let known = LOOKED_AT.iter().filter_map(|name| Some((*name, variable(name)?)));
        let secret = SECRET.iter().filter_map(|name| variable(name).map(|_| (*name, String::new())));
        Self { variables: known.chain(secret).collect(), path, program }
    }

    /// The value of a variable that is set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Those of the names that are set.
    pub(crate) fn set_of<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        names.iter().copied().filter(|name| self.variables.contains_key(name)).collect()
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<_> = self.variables.keys().collect();
        f.debug_struct("Surroundings").field("set", &set).field("program", &self.program).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_kept_and_none_is_shown() {
        let surroundings = Surroundings::of(|name| Some(format!("canary of {name}")), Vec::new(), None);

        assert!(!format!("{surroundings:?}").contains("canary"));
        for name in SECRET {
            assert_eq!(surroundings.get(name), Some(""), "{name}");
        }
        assert_eq!(surroundings.get("AWS_PROFILE"), Some("canary of AWS_PROFILE"));
        assert_eq!(surroundings.set_of(&["NO_PROXY", "PATH"]), ["NO_PROXY"]);
    }
}
