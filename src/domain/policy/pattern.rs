//! Texts in a policy that may hold policy variables: `arn:aws:s3:::results/${aws:PrincipalTag/lodge-role}/*`.
//!
//! A variable that has no value yields no pattern at all, never an empty text. What a variable stands for is always
//! literal: a tag value of `*` matches an asterisk.

use super::context::Context;
use super::glob::{Glob, Token};

/// A text with its variables found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Token(Token),
    Variable { key: String, default: Option<String> },
}

/// How a text in a policy is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// `${…}` is a variable: from version 2012-10-17 on.
    pub(super) variables: bool,
}

impl Pattern {
    /// Finds wildcards and variables in `text`; `None` when a variable is not well-formed.
    pub(super) fn parse(text: &str, reading: Reading) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if reading.variables
                && let Some(tail) = rest.strip_prefix("${")
            {
                let (name, tail) = tail.split_once('}')?;
                parts.push(variable(name)?);
                rest = tail;
            } else {
                parts.push(Part::Token(if reading.wildcards { Token::from_pattern(c) } else { Token::Char(c) }));
                rest = &rest[c.len_utf8()..];
            }
        }
        Some(Self(parts))
    }

    /// The pattern with every variable filled in; `None` when one has no value, or more than one.
    pub(super) fn resolve(&self, context: &Context) -> Option<Glob> {
        let mut tokens = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            match part {
                Part::Token(token) => tokens.push(*token),
                Part::Variable { key, default } => {
                    let value = context.single(key).or(default.as_deref())?;
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(tokens.into_iter().collect())
    }

    /// The condition keys whose values it is filled in with.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Token(_) => None,
            Part::Variable { key, .. } => Some(key.as_str()),
        })
    }

    /// The narrowest pattern without variables that fits whatever this one fits, with any values of the variables.
    pub(super) fn widest(&self) -> Glob {
        let token = |part: &Part| match part {
            Part::Token(token) => *token,
            Part::Variable { .. } => Token::AnyText,
        };
        self.0.iter().map(token).collect()
    }
}

/// `aws:userid`, `aws:PrincipalTag/team, 'none'`, or one of the three escapes for characters that mean something.
fn variable(text: &str) -> Option<Part> {
    if let "*" | "?" | "$" = text {
        return text.chars().next().map(|c| Part::Token(Token::Char(c)));
    }
    let (key, default) = match text.split_once(',') {
        None => (text, None),
        Some((key, default)) => (key, Some(default.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_owned())),
    };
    let key = key.trim();
    let known = key.contains(':') && !key.contains(|c: char| c.is_whitespace() || matches!(c, '$' | '{' | '*' | '?'));
    known.then(|| Part::Variable { key: key.to_owned(), default })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERN: Reading = Reading { wildcards: true, variables: true };

    fn fits(pattern: &str, context: &Context, text: &str) -> Option<bool> {
        Some(Pattern::parse(pattern, PATTERN)?.resolve(context)?.matches(text))
    }

    #[test]
    fn variables_are_filled_in_literally() {
        let context = Context::new().with("aws:PrincipalTag/team", "a*").with("aws:SourceIdentity", "p-1");

        for (pattern, text, expected) in [
            ("home/${aws:SourceIdentity}/*", "home/p-1/x", Some(true)),
            ("home/${aws:SourceIdentity}/*", "home/p-2/x", Some(false)),
            ("${AWS:principaltag/TEAM}", "a*", Some(true)),
            ("${aws:PrincipalTag/team}", "abc", Some(false)),
            ("${*}${?}${$}", "*?$", Some(true)),
            ("${*}", "x", Some(false)),
            ("${aws:PrincipalTag/none, 'nobody'}", "nobody", Some(true)),
            ("${aws:PrincipalTag/none}", "", None),
            ("$x{y}", "$x{y}", Some(true)),
        ] {
            assert_eq!(fits(pattern, &context, text), expected, "{pattern}");
        }
    }

    #[test]
    fn a_variable_with_two_values_has_none() {
        let context = Context::new().with_values("aws:TagKeys", ["a".into(), "b".into()]);

        assert_eq!(fits("${aws:TagKeys}", &context, "a"), None);
    }

    #[test]
    fn a_variable_that_is_not_one_is_refused() {
        for text in ["${", "${}", "${username}", "${aws:user id}", "${aws:x, none}", "${${aws:userid}}"] {
            assert_eq!(Pattern::parse(text, PATTERN), None, "{text}");
        }
    }

    #[test]
    fn the_older_version_has_no_variables() {
        let pattern = Pattern::parse("${aws:userid}", Reading { variables: false, ..PATTERN }).unwrap();

        assert!(pattern.resolve(&Context::new()).unwrap().matches("${aws:userid}"));
    }
}
