//! Looks for secrets where none may be, in every form in which a program might print one by accident.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Shorter ones would be found by chance.
const SHORTEST: usize = 16;

/// A secret, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Canary {
    /// Such as `client secret`: what a test exempts it by, where it belongs.
    pub(crate) kind: &'static str,
    value: Vec<u8>,
}

/// All the secrets of a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Canaries(BTreeSet<Canary>);

impl Canaries {
    /// Adds a secret, unless it is there already under another kind.
    pub(crate) fn add(&mut self, kind: &'static str, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        assert!(value.len() >= SHORTEST, "{kind} is too short to look for: {value:?}");
        if !self.0.iter().any(|canary| canary.value == value) {
            self.0.insert(Canary { kind, value: value.to_owned() });
        }
    }

    /// Those for which `keep` holds.
    pub(crate) fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|canary| keep(canary.kind)).cloned().collect())
    }

    /// What kinds there are, with how many of each.
    pub(crate) fn kinds(&self) -> Vec<(&'static str, usize)> {
        let kinds: BTreeSet<&str> = self.0.iter().map(|canary| canary.kind).collect();
        kinds.into_iter().map(|kind| (kind, self.0.iter().filter(|canary| canary.kind == kind).count())).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Canary> {
        self.0.iter()
    }

    /// What of them is in `text`, and in which form; a line for each.
    pub(crate) fn found_in(&self, place: &str, text: &[u8]) -> Vec<String> {
        let readable = String::from_utf8_lossy(text);
        let mut found = Vec::new();
        for canary in &self.0 {
            for (form, needle) in canary.forms() {
                let before = match std::str::from_utf8(&needle) {
                    Ok(needle) => readable.split_once(needle).map(|(before, _)| before),
                    Err(_) => text.windows(needle.len()).any(|window| window == needle).then_some(""),
                };
                if let Some(before) = before {
                    let line: String = before.chars().rev().take_while(|c| *c != '\n').take(100).collect();
                    let line: String = line.chars().rev().collect();
                    found.push(format!("{place}: the {}, {form}, after {line:?}", canary.kind));
                }
            }
        }
        found
    }
}

impl Canary {
    /// Every form that is looked for, by name.
    pub(crate) fn forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let bytes = self.value.as_slice();
        let percent: String = url::form_urlencoded::byte_serialize(bytes).collect();
        let hex = hex::encode(bytes);
        let numbers = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte}, ");
            text
        });
        let mut forms = vec![
            ("as it is", bytes.to_vec()),
            ("percent-encoded", percent.clone().into_bytes()),
            ("percent-encoded in lower case", percent_in_lower_case(&percent).into_bytes()),
            ("quoted", bytes.escape_ascii().to_string().into_bytes()),
            ("in hexadecimal", hex.clone().into_bytes()),
            ("in upper-case hexadecimal", hex.to_uppercase().into_bytes()),
            ("as a list of numbers", numbers.trim_end_matches(", ").as_bytes().to_vec()),
        ];
        for engine in [STANDARD, URL_SAFE] {
            forms.extend((0..3).map(|lead| ("in base64", inner_base64(&engine, bytes, lead))));
        }
        // A form that is the same as one before it says nothing more.
        let mut seen = BTreeSet::new();
        forms.retain(|(_, needle)| seen.insert(needle.clone()));
        forms
    }
}

/// The part of a base64 text that is the same whatever stands around the secret, when `lead` bytes (modulo three) come
/// before it: the `Authorization` header of HTTP Basic, or the middle of a token.
fn inner_base64(engine: &impl base64::Engine, secret: &[u8], lead: usize) -> Vec<u8> {
    let whole = engine.encode([&vec![0; lead], secret].concat());
    let start = (lead * 8).div_ceil(6);
    let end = (lead + secret.len()) * 8 / 6;
    whole.as_bytes()[start..end].to_vec()
}

fn percent_in_lower_case(text: &str) -> String {
    let mut parts = text.split('%');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        let _ = write!(result, "%{}{rest}", code.to_ascii_lowercase());
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr+t/with \"marks\"=";

    fn found(text: &str) -> Vec<String> {
        let mut canaries = Canaries::default();
        canaries.add("secret", SECRET);
        canaries.found_in("here", text.as_bytes())
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        for (form, text) in [
            ("as it is", format!("a {SECRET} b")),
            ("percent-encoded", "code=s3cr%2Bt%2Fwith+%22marks%22%3D&x".to_owned()),
            ("percent-encoded in lower case", "code=s3cr%2bt%2fwith+%22marks%22%3d&x".to_owned()),
            ("quoted", format!("{:?}", Some(SECRET))),
            ("in hexadecimal", format!("0x{}", hex::encode(SECRET))),
            ("in upper-case hexadecimal", hex::encode_upper(SECRET)),
            ("as a list of numbers", format!("{:?}", SECRET.as_bytes())),
        ] {
            let found = found(&text);
            assert!(found.iter().any(|line| line.contains(&format!("the secret, {form}, after"))), "{form}: {found:?}");
        }
    }

    #[test]
    fn a_secret_is_found_in_base64_whatever_stands_around_it() {
        for before in ["", "l", "lo", "lod", "lodge:"] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}{SECRET}{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                    let found = found(&format!("Basic {encoded}"));
                    assert!(found.iter().any(|line| line.contains("in base64")), "{before:?} {after:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_secret_is_not_found() {
        assert_eq!(found("s3cr+t/with \"marks\", and s3cr%2Bt"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }

    #[test]
    #[should_panic(expected = "too short")]
    fn a_short_secret_is_not_taken() {
        Canaries::default().add("pin", "1234");
    }
}
