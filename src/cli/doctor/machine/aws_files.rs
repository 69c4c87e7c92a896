//! What AWS tools read on this machine, as far as it is judged: the sections of `~/.aws/config` and
//! `~/.aws/credentials`, and the settings in them.
//!
//! It reads and never writes, and keeps no secret: of a secret key it is known only that it is there.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::cli::aws_config::{AwsConfig, Kind, Section as Parsed};
use crate::cli::environment::Environment;

/// More than any person's file.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Both files.
#[derive(Debug)]
pub(super) struct AwsFiles {
    pub(super) config: AwsFile,
    pub(super) credentials: AwsFile,
}

/// A file with sections, empty when it is not there.
#[derive(Debug)]
pub(super) struct AwsFile {
    pub(super) path: PathBuf,
    pub(super) sections: Vec<Section>,
    /// When it was written last.
    pub(super) modified: Option<DateTime<Utc>>,
    /// Why it cannot be read.
    pub(super) unreadable: Option<io::Error>,
}

/// A section that holds a profile, with its settings as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) settings: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Config,
    Credentials,
}

impl AwsFiles {
    pub(super) fn read(environment: &Environment) -> Self {
        Self {
            config: AwsFile::read(environment.aws_config.as_deref(), FileKind::Config),
            credentials: AwsFile::read(environment.aws_credentials.as_deref(), FileKind::Credentials),
        }
    }

    /// Whether there is a profile of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.config.section(name).is_some() || self.credentials.section(name).is_some()
    }
}

impl AwsFile {
    fn read(path: Option<&Path>, kind: FileKind) -> Self {
        let mut file = Self {
            path: path.map(Path::to_owned).unwrap_or_default(),
            sections: Vec::new(),
            modified: None,
            unreadable: None,
        };
        let Some(path) = path else { return file };
        match read(path) {
            Ok((text, modified)) => {
                file.sections = sections(&text, kind);
                file.modified = modified;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => file.unreadable = Some(error),
        }
        file
    }

    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The names that more than one section has.
    pub(super) fn duplicates(&self) -> Vec<&str> {
        let is_second = |index: usize, name: &str| {
            self.sections[..index].iter().filter(|section| section.name == name).count() == 1
        };
        let names = self.sections.iter().enumerate().map(|(index, section)| (index, section.name.as_str()));
        names.filter(|(index, name)| is_second(*index, name)).map(|(_, name)| name).collect()
    }
}

impl Section {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn read(path: &Path) -> io::Result<(Vec<u8>, Option<DateTime<Utc>>)> {
    let found = path.metadata()?;
    let mut bytes = Vec::new();
    // A pipe would be waited for, and a device has no end.
    if found.is_file() {
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    }
    Ok((bytes, found.modified().ok().map(DateTime::from)))
}

/// The profiles in a file's text. Sections of another kind are passed over.
fn sections(text: &[u8], kind: FileKind) -> Vec<Section> {
    let config = AwsConfig::parse(text);
    let profiles = config.sections().iter().filter_map(|section| {
        let settings =
            section.settings.iter().map(|setting| (setting.key.clone(), shown(&setting.key, &setting.value)));
        Some(Section { name: profile(section, kind)?, settings: settings.collect() })
    });
    profiles.collect()
}

/// The name of the profile that a section stands for. In the file of keys, every section is a profile.
fn profile(section: &Parsed, kind: FileKind) -> Option<String> {
    match (section.kind, kind) {
        (Kind::Default | Kind::Profile, FileKind::Config) | (Kind::Default | Kind::Other, FileKind::Credentials) => {
            Some(section.name.clone())
        }
        (Kind::Profile, FileKind::Credentials) => Some(format!("profile {}", section.name)),
        _ => None,
    }
}

/// Nothing, for a setting that is a secret.
fn shown(key: &str, value: &str) -> String {
    let is_secret = ["aws_secret_access_key", "aws_session_token", "aws_security_token"].contains(&key);
    if is_secret { String::new() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_and_their_settings_are_read_from_ugly_text() {
        let text = "\u{feff}; hello\r\n[default]\r\nregion = eu-west-1 \r\n[profile \"a b\"] # mine\r\ns3 =\r\n  \
                    aws_access_key_id = no\r\naws_secret_access_key=canary\r\nCredential_Process: lodge x\r\n\
                    [sso-session y]\r\nregion=z\r\n[profile c]";

        let sections = sections(text.as_bytes(), FileKind::Config);

        let names: Vec<_> = sections.iter().map(|section| section.name.as_str()).collect();
        assert_eq!(names, ["default", "a b", "c"]);
        assert_eq!(sections[1].get("credential_process"), Some("lodge x"));
        assert_eq!(sections[1].get("aws_access_key_id"), None, "it is part of another setting");
        assert!(!format!("{sections:?}").contains("canary"));
    }

    #[test]
    fn a_name_that_is_there_three_times_is_one_duplicate() {
        let sections = sections(b"[a]\n[b]\n[a]\n[a]\n", FileKind::Credentials);
        let file = AwsFile { path: PathBuf::new(), sections, modified: None, unreadable: None };

        assert_eq!(file.duplicates(), ["a"]);
    }
}
