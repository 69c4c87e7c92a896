//! What a lab fills a template with: values of a few plain types.
//!
//! No type admits a character that means something to IAM or to JSON: no wildcard (`*`, `?`), no policy variable (`${`),
//! no placeholder (`{{`), no quote, no colon. So a value can name one thing, and never widen what the template says.

use std::fmt;

use serde::Deserialize;

/// Something a lab fills in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it must look like.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// Its label, in a word or two.
    pub title: String,
    /// What it is, for the person who fills it in.
    pub description: String,
    /// A value that it could have.
    pub example: String,
}

/// What a parameter must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterKind {
    /// A bucket's name: `vision-results`. Source: S3 User Guide, "General purpose bucket naming rules".
    S3Bucket,
    /// How the keys of objects in a bucket begin, up to a slash: `results/2026/`.
    S3Prefix,
    /// `us-east-1`.
    AwsRegion,
    /// The twelve digits of an account.
    AwsAccount,
    /// The name of something: letters, digits, hyphens and underscores.
    Name,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueProblem {
    /// The character it is about, counted from 1, where it is about one.
    pub at: Option<usize>,
    /// The rest of a sentence that begins with the value.
    pub says: String,
}

impl fmt::Display for ValueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{} at character {at}", self.says),
            None => f.write_str(&self.says),
        }
    }
}

/// The most characters of a prefix and of a name: several of them still fit into a session policy.
const TEXT_MAX_CHARS: usize = 200;

/// What a bucket's name cannot begin and end with: AWS keeps it for names of its own.
const BUCKET_STARTS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const BUCKET_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

impl ParameterKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::S3Bucket, Self::S3Prefix, Self::AwsRegion, Self::AwsAccount, Self::Name];

    /// The word in a template.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3Bucket => "s3-bucket",
            Self::S3Prefix => "s3-prefix",
            Self::AwsRegion => "aws-region",
            Self::AwsAccount => "aws-account",
            Self::Name => "name",
        }
    }

    /// What a value of it looks like, for people.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::S3Bucket => "3 to 63 lower-case letters, digits, hyphens and dots",
            Self::S3Prefix => "letters, digits, and . _ - = between slashes, with a slash at the end",
            Self::AwsRegion => "a region of AWS, such as us-east-1",
            Self::AwsAccount => "twelve digits",
            Self::Name => "letters, digits, hyphens and underscores",
        }
    }

    /// Whether a value can be this.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn check(self, value: &str) -> Result<(), ValueProblem> {
        let (least, most) = match self {
            Self::S3Bucket => (3, 63),
            Self::S3Prefix | Self::Name => (1, TEXT_MAX_CHARS),
            Self::AwsRegion => (9, 25),
            Self::AwsAccount => (12, 12),
        };
        // Letters first: what cannot be seen, or looks like something else, is the likelier surprise.
        if let Some((index, c)) = value.chars().enumerate().find(|(_, c)| !self.takes(*c)) {
            let says = if c.is_ascii_graphic() {
                format!("holds `{c}`, which a parameter of type `{}` may not,", self.as_str())
            } else {
                format!("holds U+{:04X}, which a parameter of type `{}` may not,", u32::from(c), self.as_str())
            };
            return Err(ValueProblem { at: Some(index + 1), says });
        }
        if !(least..=most).contains(&value.len()) {
            let says = format!("has {} characters, and a parameter of this type has {least} to {most}", value.len());
            return Err(ValueProblem { at: None, says });
        }
        let shape = match self {
            Self::S3Bucket => bucket_problem(value),
            Self::S3Prefix => prefix_problem(value),
            Self::AwsRegion => region_problem(value),
            Self::AwsAccount | Self::Name => None,
        };
        shape.map_or(Ok(()), |says| Err(ValueProblem { at: None, says: says.to_owned() }))
    }

    fn takes(self, c: char) -> bool {
        match self {
            Self::S3Bucket => c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'),
            Self::S3Prefix => c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '=' | '/'),
            Self::AwsRegion => c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
            Self::AwsAccount => c.is_ascii_digit(),
            Self::Name => c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
        }
    }
}

fn bucket_problem(value: &str) -> Option<&'static str> {
    if value.starts_with(['-', '.']) || value.ends_with(['-', '.']) {
        return Some("begins or ends with a hyphen or a dot");
    }
    if value.contains("..") {
        return Some("has two dots next to each other");
    }
    if value.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some("looks like an IP address");
    }
    let is_kept = BUCKET_STARTS.iter().any(|start| value.starts_with(start))
        || BUCKET_ENDS.iter().any(|end| value.ends_with(end));
    is_kept.then_some("begins or ends as names do that AWS keeps for itself")
}

fn prefix_problem(value: &str) -> Option<&'static str> {
    let Some(folders) = value.strip_suffix('/') else { return Some("does not end with a slash") };
    // Without the slash, `results` would take in `results-of-others/` too.
    for folder in folders.split('/') {
        match folder {
            "" => return Some("begins with a slash, or has two next to each other"),
            "." | ".." => return Some("has a folder that is called `.` or `..`"),
            _ => {}
        }
    }
    None
}

fn region_problem(value: &str) -> Option<&'static str> {
    let parts: Vec<&str> = value.split('-').collect();
    let is_number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let is_region =
        parts.len() >= 3 && parts.iter().all(|part| !part.is_empty()) && parts.last().is_some_and(is_number);
    (!is_region).then_some("is not the name of a region, such as us-east-1")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ParameterKind::{AwsAccount, AwsRegion, Name, S3Bucket, S3Prefix};
    use super::*;

    #[test]
    fn each_type_takes_what_aws_takes() {
        for (kind, value) in [
            (S3Bucket, "vision-results"),
            (S3Bucket, "a.b"),
            (S3Bucket, "192.168.5.4.example"),
            (S3Prefix, "results/"),
            (S3Prefix, "year=2026/run_1.b/"),
            (AwsRegion, "us-east-1"),
            (AwsRegion, "us-gov-west-1"),
            (AwsAccount, "111122223333"),
            (Name, "queue_1-b"),
        ] {
            assert_eq!(kind.check(value), Ok(()), "{value}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_value_is_said_with_its_place() {
        for (kind, value, says) in [
            (S3Bucket, "results*", "holds `*`, which a parameter of type `s3-bucket` may not, at character 8"),
            (S3Bucket, "r\u{435}sults", "holds U+0435, which a parameter of type `s3-bucket` may not, at character 2"),
            (S3Bucket, "Results", "holds `R`, which a parameter of type `s3-bucket` may not, at character 1"),
            (S3Bucket, "a/b", "holds `/`, which a parameter of type `s3-bucket` may not, at character 2"),
            (S3Bucket, "ab", "has 2 characters, and a parameter of this type has 3 to 63"),
            (S3Bucket, "", "has 0 characters, and a parameter of this type has 3 to 63"),
            (S3Bucket, "-abc", "begins or ends with a hyphen or a dot"),
            (S3Bucket, "a..b", "has two dots next to each other"),
            (S3Bucket, "192.168.5.4", "looks like an IP address"),
            (S3Bucket, "vision--x-s3", "begins or ends as names do that AWS keeps for itself"),
            (S3Prefix, "results", "does not end with a slash"),
            (S3Prefix, "/", "begins with a slash, or has two next to each other"),
            (S3Prefix, "a//", "begins with a slash, or has two next to each other"),
            (S3Prefix, "a/../", "has a folder that is called `.` or `..`"),
            (S3Prefix, "${aws:userid}/", "holds `$`, which a parameter of type `s3-prefix` may not, at character 1"),
            (S3Prefix, "a\",\"b/", "holds `\"`, which a parameter of type `s3-prefix` may not, at character 2"),
            (S3Prefix, "a\n/", "holds U+000A, which a parameter of type `s3-prefix` may not, at character 2"),
            (AwsRegion, "us-east-x", "is not the name of a region, such as us-east-1"),
            (AwsAccount, "1111", "has 4 characters, and a parameter of this type has 12 to 12"),
            (Name, "a b", "holds U+0020, which a parameter of type `name` may not, at character 2"),
        ] {
            assert_eq!(kind.check(value).unwrap_err().to_string(), says, "{value:?}");
        }
    }

    #[test]
    fn the_words_of_the_types_are_those_that_are_read() {
        for kind in ParameterKind::ALL {
            assert_eq!(serde_json::from_value::<ParameterKind>(kind.as_str().into()).unwrap(), kind);
            assert!(!kind.form().is_empty());
        }
    }

    proptest! {
        #[test]
        fn no_value_that_is_taken_means_anything_to_iam_or_json(value in "[a-z*?${}\":\\\\\u{0}-\u{20}é/]{0,12}") {
            for kind in ParameterKind::ALL {
                if kind.check(&value).is_ok() {
                    prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._=/".contains(&b)), "{value:?}");
                }
            }
        }
    }
}
