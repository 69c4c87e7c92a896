//! What a job would use instead of what is served.
//!
//! Every SDK prefers the profile `default` of its configuration files to such an endpoint. Somebody who has credentials
//! there would run a job with those and never know.

use std::path::Path;

use super::super::environment::Environment;

/// Settings that give a profile credentials of its own.
const GIVE_CREDENTIALS: [&str; 6] =
    ["aws_access_key_id", "credential_process", "role_arn", "sso_session", "sso_start_url", "login_session"];

/// The sentence that warns of it.
pub(super) fn found(environment: &Environment) -> Option<String> {
    let files = [&environment.aws_credentials, &environment.aws_config].into_iter().flatten();
    let file = files.into_iter().find(|file| has_default_credentials(file))?;
    Some(format!(
        "the profile default in {} has credentials of its own, which AWS tools prefer to those served here; for this job \
         set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE to files without it",
        file.display()
    ))
}

fn has_default_credentials(file: &Path) -> bool {
    let Ok(text) = std::fs::read(file) else { return false };
    let text = String::from_utf8_lossy(&text);
    let mut is_default = false;
    text.trim_start_matches('\u{feff}').lines().any(|line| {
        if let Some(section) = line.trim().strip_prefix('[') {
            let name = section.split(']').next().unwrap_or_default();
            let words: Vec<_> = name.split_whitespace().collect();
            is_default = words == ["default"] || words == ["profile", "default"];
            return false;
        }
        // An indented line belongs to the setting above it.
        let is_setting = is_default && !line.starts_with([' ', '\t']);
        let name = line.split(['=', ':']).next().unwrap_or_default().trim().to_ascii_lowercase();
        is_setting && GIVE_CREDENTIALS.contains(&name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warns(text: &str) -> bool {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let environment = Environment { aws_credentials: Some(file.path().to_owned()), ..Environment::default() };
        found(&environment).is_some()
    }

    #[test]
    fn a_default_profile_that_would_win_is_named() {
        assert!(warns("[default]\naws_access_key_id = AKIA\n"));
        assert!(warns("\u{feff}[other]\r\nregion=x\r\n[profile default]\r\nCredential_Process=x\r\n"));
        for harmless in [
            "",
            "[default]\nregion = us-east-1\n",
            "[default]\ns3 =\n  role_arn = x\n",
            "[other]\naws_access_key_id = AKIA\n",
            "[default]\n# aws_access_key_id = AKIA\n",
        ] {
            assert!(!warns(harmless), "{harmless:?}");
        }
        assert!(found(&Environment::default()).is_none());
    }
}
