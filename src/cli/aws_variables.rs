//! The environment variables that AWS tools take credentials from.
//!
//! Whoever is given a role must not go on with what was there before: a variable of another provider often wins over ours
//! without a word. So every one that any of the SDKs reads for credentials is taken away first (botocore, the JavaScript,
//! Go, Java and Rust SDKs; those of a bearer token or of a container as well). What says where and how, such as
//! `AWS_REGION`, `AWS_CONFIG_FILE`, `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE`, is left alone.

use std::process::Command;

use zeroize::Zeroizing;

use crate::domain::id::RoleAddress;
use crate::wire::timestamp;

use super::credentials::Credentials;
use super::environment::{self, LODGE_ROLE};

/// What stands before a container's credentials and before bearer tokens, of which each service may have one.
const SHADOWING_PREFIXES: [&str; 2] = ["AWS_CONTAINER_", "AWS_BEARER_TOKEN_"];

/// Every variable that names credentials, or a profile or a role to get them with.
pub(crate) const SHADOWING: [&str; 20] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "AWS_CREDENTIAL_SCOPE",
    // The names that boto and the SDKs for Go and Java know besides.
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_BEARER_TOKEN_BEDROCK",
];

/// Variables to set, in this order. `Debug` does not show them.
pub(crate) struct Variables(pub(crate) Vec<(&'static str, Zeroizing<String>)>);

impl Variables {
    /// What tools read credentials from. `None` when one of them could not be carried by an environment as it is.
    pub(crate) fn of_credentials(credentials: &Credentials) -> Option<Self> {
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let all = vec![
            ("AWS_ACCESS_KEY_ID", text(&credentials.access_key_id)),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.clone()),
            ("AWS_SESSION_TOKEN", credentials.session_token.clone()),
            ("AWS_CREDENTIAL_EXPIRATION", text(&timestamp(credentials.expires_at))),
            ("AWS_ACCOUNT_ID", text(&credentials.account_id)),
        ];
        all.iter().all(|(_, value)| value.bytes().all(|byte| byte.is_ascii_graphic())).then_some(Self(all))
    }

    /// What tools find an endpoint of credentials with. The token stands in a file: variables are inherited by whatever
    /// a job starts, and end up in the reports of those that crash.
    pub(crate) fn of_endpoint(url: String, token_file: String) -> Self {
        Self(vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Zeroizing::new(url)),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Zeroizing::new(token_file)),
        ])
    }

    /// Gives a command these variables, in the place of all others of their kind, and the name of the role.
    pub(crate) fn give(&self, command: &mut Command, role: &RoleAddress) {
        for name in environment::names_beginning(&SHADOWING_PREFIXES) {
            command.env_remove(name);
        }
        for name in SHADOWING {
            command.env_remove(name);
        }
        for (name, value) in &self.0 {
            command.env(name, value.as_str());
        }
        command.env(LODGE_ROLE, role.to_string());
    }
}

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use chrono::DateTime;

    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: String::from("canary+/=").into(),
            session_token: String::from("canary-session").into(),
            expires_at: DateTime::parse_from_rfc3339("2026-11-21T13:00:00Z").unwrap().to_utc(),
            account_id: "111122223333".into(),
        }
    }

    #[test]
    fn a_command_gets_these_credentials_and_no_others() {
        let mut command = Command::new("true");

        Variables::of_credentials(&credentials()).unwrap().give(&mut command, &"vision/read-results".parse().unwrap());

        let given: Vec<_> = command.get_envs().map(|(name, value)| (name.to_str().unwrap(), value)).collect();
        let set: Vec<_> = given.iter().filter_map(|(name, value)| Some((*name, (*value)?.to_str().unwrap()))).collect();
        let expected = [
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_ACCOUNT_ID", "111122223333"),
            ("AWS_CREDENTIAL_EXPIRATION", "2026-11-21T13:00:00Z"),
            ("AWS_SECRET_ACCESS_KEY", "canary+/="),
            ("AWS_SESSION_TOKEN", "canary-session"),
            ("LODGE_ROLE", "vision/read-results"),
        ];
        assert_eq!(set, expected);
        for name in SHADOWING {
            let value = given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
            let ours = expected.iter().find(|(ours, _)| *ours == name).map(|(_, value)| OsStr::new(value));
            assert_eq!(value, Some(ours), "{name}");
        }
    }

    #[test]
    fn a_value_that_is_none_of_awss_is_not_carried_on() {
        for odd in ["a b", "a\nb", "a\0", "ä"] {
            let odd = Credentials { session_token: odd.to_owned().into(), ..credentials() };
            assert!(Variables::of_credentials(&odd).is_none());
        }
    }

    #[test]
    fn debug_shows_names_alone() {
        let shown = format!("{:?}", Variables::of_credentials(&credentials()).unwrap());

        assert!(shown.contains("AWS_SESSION_TOKEN") && !shown.contains("canary"), "{shown}");
    }
}
