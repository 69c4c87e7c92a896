//! What AWS tools read on this machine, as far as it is judged: the sections of `~/.aws/config` and
//! `~/.aws/credentials`, and the settings in them.
//!
//! It reads and never writes, and keeps no secret: of a secret key it is known only that it is there.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

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
enum Kind {
    Config,
    Credentials,
}

impl AwsFiles {
    pub(super) fn read(environment: &Environment) -> Self {
        Self {
            config: AwsFile::read(environment.aws_config.as_deref(), Kind::Config),
            credentials: AwsFile::read(environment.aws_credentials.as_deref(), Kind::Credentials),
        }
    }

    /// Whether there is a profile of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.config.section(name).is_some() || self.credentials.section(name).is_some()
    }
}

impl AwsFile {
    fn read(path: Option<&Path>, kind: Kind) -> Self {
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

fn read(path: &Path) -> io::Result<(String, Option<DateTime<Utc>>)> {
    let found = path.metadata()?;
    let mut bytes = Vec::new();
    // A pipe would be waited for, and a device has no end.
    if found.is_file() {
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    }
    Ok((String::from_utf8_lossy(&bytes).into_owned(), found.modified().ok().map(DateTime::from)))
}

/// The profiles in a file's text. Sections of another kind, comments and continued lines are passed over.
fn sections(text: &str, kind: Kind) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    // What stands in a section of another kind belongs to nobody.
    let mut is_profile = false;
    for line in text.trim_start_matches('\u{feff}').split(['\n', '\r']) {
        if let Some(header) = line.strip_prefix('[') {
            let name = header.rsplit_once(']').and_then(|(header, _)| profile(header.trim(), kind));
            is_profile = name.is_some();
            sections.extend(name.map(|name| Section { name, settings: Vec::new() }));
        } else if let (true, Some(section), Some((key, value))) = (is_profile, sections.last_mut(), setting(line)) {
            section.settings.push((key, value));
        }
    }
    sections
}

/// The name of the profile that a header stands for.
fn profile(header: &str, kind: Kind) -> Option<String> {
    if kind == Kind::Credentials {
        return Some(header.to_owned());
    }
    let words = shlex::split(header)?;
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["default"] => Some("default".to_owned()),
        ["profile", name] => Some((*name).to_owned()),
        _ => None,
    }
}

fn setting(line: &str) -> Option<(String, String)> {
    if line.starts_with([' ', '\t', '#', ';']) {
        return None;
    }
    let (key, value) = line.split_once(['=', ':'])?;
    let key = key.trim().to_ascii_lowercase();
    let is_secret = ["aws_secret_access_key", "aws_session_token", "aws_security_token"].contains(&key.as_str());
    let value = if is_secret { String::new() } else { value.trim().to_owned() };
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_and_their_settings_are_read_from_ugly_text() {
        let text = "\u{feff}; hello\r\n[default]\r\nregion = eu-west-1 \r\n[profile \"a b\"] # mine\r\ns3 =\r\n  \
                    aws_access_key_id = no\r\naws_secret_access_key=canary\r\nCredential_Process: lodge x\r\n\
                    [sso-session y]\r\nregion=z\r\n[profile c]";

        let sections = sections(text, Kind::Config);

        let names: Vec<_> = sections.iter().map(|section| section.name.as_str()).collect();
        assert_eq!(names, ["default", "a b", "c"]);
        assert_eq!(sections[1].get("credential_process"), Some("lodge x"));
        assert_eq!(sections[1].get("aws_access_key_id"), None, "it is part of another setting");
        assert!(!format!("{sections:?}").contains("canary"));
    }

    #[test]
    fn a_name_that_is_there_three_times_is_one_duplicate() {
        let sections = sections("[a]\n[b]\n[a]\n[a]\n", Kind::Credentials);
        let file = AwsFile { path: PathBuf::new(), sections, modified: None, unreadable: None };

        assert_eq!(file.duplicates(), ["a"]);
    }
}
