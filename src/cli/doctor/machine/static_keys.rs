//! Keys that lie in files: long-term ones, ones that have expired, and ones that win over a profile of the helper's.

use chrono::{DateTime, TimeDelta, Utc};

use super::aws_files::{AwsFile, AwsFiles, Section};
use super::check::{Check, Subject, edit};
use super::profiles;

const KEYS: Subject = Subject { name: "static-keys", title: "Keys in files" };

/// The longest that AWS gives anybody temporary credentials for (`GetSessionToken`).
const LONGEST_SESSION: TimeDelta = TimeDelta::hours(36);

/// What tools that write temporary keys into files call their end.
const EXPIRY: [&str; 5] =
    ["expiration", "aws_expiration", "aws_session_expiration", "x_security_token_expires", "token_expiration"];

pub(super) fn checks(files: &AwsFiles, now: DateTime<Utc>) -> Vec<Check> {
    let mut checks = Vec::new();
    for file in [&files.credentials, &files.config] {
        if let Some(error) = &file.unreadable {
            checks.push(KEYS.not_ok(
                format!("{} cannot be read ({error})", file.path.display()),
                format!("ls -l {}", file.path.display()),
            ));
        }
        let judged = file.sections.iter().filter_map(|section| judge(file, section, files, now));
        checks.extend(judged);
    }
    if checks.is_empty() {
        checks.push(KEYS.ok("there are none"));
    }
    checks
}

fn judge(file: &AwsFile, section: &Section, files: &AwsFiles, now: DateTime<Utc>) -> Option<Check> {
    let key = section.get("aws_access_key_id")?;
    let what = format!("{} in the section {} of {}", shortened(key), section.name, file.path.display());
    let is_ours = files.config.section(&section.name).is_some_and(|own| profiles::command(own).is_some());
    if is_ours {
        let says = format!("the key {what} wins over the profile of that name, which then never asks lodge");
        return Some(KEYS.not_ok(says, edit(&file.path)));
    }
    if key.starts_with("AKIA") {
        return Some(KEYS.warning(
            format!("the long-term key {what} opens AWS to whoever reads that file, until somebody deletes it"),
            format!("{}, and have the key deleted in IAM", edit(&file.path)),
        ));
    }
    let ends = section_end(section).or_else(|| file.modified.map(|written| written + LONGEST_SESSION))?;
    let is_temporary = key.starts_with("ASIA") || section.get("aws_session_token").is_some();
    (is_temporary && ends < now)
        .then(|| KEYS.warning(format!("the temporary key {what} has expired"), edit(&file.path)))
}

fn section_end(section: &Section) -> Option<DateTime<Utc>> {
    let text = EXPIRY.into_iter().find_map(|name| section.get(name))?;
    let with_zone = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)).ok().map(|end| end.to_utc());
    let without = || chrono::NaiveDateTime::parse_from_str(&text.replacen('T', " ", 1), "%Y-%m-%d %H:%M:%S").ok();
    with_zone.or_else(|| without().map(|end| end.and_utc()))
}

/// A key id that can be told from others and is still none.
pub(super) fn shortened(key: &str) -> String {
    let letters: Vec<char> = key.chars().filter(char::is_ascii_alphanumeric).collect();
    if letters.len() < 16 {
        return "a key".to_owned();
    }
    let part = |range: &[char]| range.iter().collect::<String>();
    format!("{}…{}", part(&letters[..4]), part(&letters[letters.len() - 4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_shown_by_its_ends_and_anything_short_not_at_all() {
        assert_eq!(shortened("AKIAIOSFODNN7EXAMPLE"), "AKIA…MPLE");
        assert_eq!(shortened("hunter2"), "a key");
    }

    #[test]
    fn the_end_of_a_temporary_key_is_read_in_the_ways_that_tools_write_it() {
        let end =
            |text: &str| section_end(&Section { name: "x".into(), settings: vec![("expiration".into(), text.into())] });

        for text in
            ["2026-11-21T13:00:00Z", "2026-11-21 13:00:00", "2026-11-21T14:00:00+01:00", "2026-11-21 13:00:00+00:00"]
        {
            assert_eq!(end(text).map(|end| end.timestamp()), Some(1_795_266_000), "{text}");
        }
        assert_eq!(end("tomorrow"), None);
    }
}
