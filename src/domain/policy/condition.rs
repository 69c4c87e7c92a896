//! Condition blocks: the operators of IAM and what they mean when a key is absent.
//!
//! An operator this module does not know is refused when the policy is read. Skipping it would turn a restricted allow
//! into an unrestricted one.

use chrono::{DateTime, NaiveDate, Utc};

use super::context::Context;
use super::glob::Glob;
use super::pattern::{Pattern, Reading};

/// One operator, one key, and the values of which any may fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) key: String,
    pub(super) test: Test,
}

/// What is asked of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// `Null`: whether the key is absent.
    Absent(bool),
    Compare {
        quantifier: Quantifier,
        if_exists: bool,
        /// `…Not…`: holds when no value fits.
        negated: bool,
        values: Vec<Value>,
    },
}

/// How many of the request's values must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    None,
    All,
    Any,
}

/// One value of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text { pattern: Pattern, ignore_case: bool },
    Arn(Pattern),
    Bool(bool),
    Date(Order, DateTime<Utc>),
    Number(Order, i128),
}

/// How what the request holds must stand to what the policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What an operator's name says about one value of the policy.
enum Kind {
    Text { wildcards: bool, ignore_case: bool },
    Arn,
    Bool,
    Date(Order),
    Number(Order),
}

impl Condition {
    /// Reads one key of one operator. The error is the rest of a sentence that begins with the statement.
    pub(super) fn parse(operator: &str, key: &str, texts: &[String], variables: bool) -> Result<Self, String> {
        if !key.contains(':') || key.contains(char::is_whitespace) {
            return Err(format!("`{key}` is not a condition key"));
        }
        if texts.is_empty() {
            return Err(format!("the condition on `{key}` has no value"));
        }
        let unreadable = |text: &String| format!("`{text}` is not a value for `{operator}` on `{key}`");
        if operator == "Null" {
            let absent: Result<Vec<bool>, String> =
                texts.iter().map(|text| parse_bool(text).ok_or_else(|| unreadable(text))).collect();
            return match absent?[..] {
                [absent] => Ok(Self { key: key.to_owned(), test: Test::Absent(absent) }),
                _ => Err(format!("the condition `Null` on `{key}` has more than one value")),
            };
        }
        let (quantifier, rest) = if let Some(rest) = operator.strip_prefix("ForAllValues:") {
            (Quantifier::All, rest)
        } else if let Some(rest) = operator.strip_prefix("ForAnyValue:") {
            (Quantifier::Any, rest)
        } else {
            (Quantifier::None, operator)
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let (kind, negated) = operator_named(base).ok_or(format!("unknown condition operator `{operator}`"))?;
        let values: Result<Vec<Value>, String> =
            texts.iter().map(|text| kind.value(text, variables).ok_or_else(|| unreadable(text))).collect();
        Ok(Self { key: key.to_owned(), test: Test::Compare { quantifier, if_exists, negated, values: values? } })
    }

    /// Whether the condition holds. A variable without a value makes it fail, whatever the operator.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let found = context.values(&self.key);
        let (quantifier, if_exists, negated, values) = match &self.test {
            Test::Absent(absent) => return found.is_none() == *absent,
            Test::Compare { quantifier, if_exists, negated, values } => (*quantifier, *if_exists, *negated, values),
        };
        let Some(tests) = values.iter().map(|value| value.resolve(context)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let fits = |value: &String| tests.iter().any(|test| test.fits(value)) != negated;
        match (quantifier, found) {
            // IAM looks at IfExists only where there is one value to look at, never inside a set.
            (Quantifier::All, None) => true,
            (Quantifier::Any, None) => false,
            (Quantifier::None, None) => if_exists || negated,
            (Quantifier::All, Some(found)) => found.iter().all(fits),
            (Quantifier::Any, Some(found)) => found.iter().any(fits),
            // "Multivalued context keys require a condition set operator" (IAM User Guide, "Single-valued vs. multivalued
            // context keys"): without one, nothing can be said of several values.
            (Quantifier::None, Some(found)) => matches!(found, [one] if fits(one)),
        }
    }
}

/// The operator without quantifier and suffix, and whether it is a negated one.
fn operator_named(name: &str) -> Option<(Kind, bool)> {
    let text = |wildcards, ignore_case| Kind::Text { wildcards, ignore_case };
    Some(match name {
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(false, true), false),
        "StringNotEqualsIgnoreCase" => (text(false, true), true),
        "StringLike" => (text(true, false), false),
        "StringNotLike" => (text(true, false), true),
        "ArnEquals" | "ArnLike" => (Kind::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Kind::Arn, true),
        "Bool" => (Kind::Bool, false),
        _ => {
            let (kind, order): (fn(Order) -> Kind, &str) = match name.strip_prefix("Date") {
                Some(order) => (Kind::Date, order),
                None => (Kind::Number, name.strip_prefix("Numeric")?),
            };
            let (order, negated) = match order {
                "Equals" => (Order::Equal, false),
                "NotEquals" => (Order::Equal, true),
                "LessThan" => (Order::Less, false),
                "LessThanEquals" => (Order::LessOrEqual, false),
                "GreaterThan" => (Order::Greater, false),
                "GreaterThanEquals" => (Order::GreaterOrEqual, false),
                _ => return None,
            };
            (kind(order), negated)
        }
    })
}

impl Kind {
    fn value(&self, text: &str, variables: bool) -> Option<Value> {
        Some(match self {
            Self::Text { wildcards, ignore_case } => Value::Text {
                pattern: Pattern::parse(text, Reading { wildcards: *wildcards, variables })?,
                ignore_case: *ignore_case,
            },
            Self::Arn => Value::Arn(Pattern::parse(text, Reading { wildcards: true, variables })?),
            Self::Bool => Value::Bool(parse_bool(text)?),
            Self::Date(order) => Value::Date(*order, parse_date(text)?),
            Self::Number(order) => Value::Number(*order, parse_number(text)?),
        })
    }
}

/// A value whose variables are filled in.
enum Resolved<'a> {
    Text { glob: Glob, ignore_case: bool },
    Arn(Glob),
    Other(&'a Value),
}

impl Value {
    fn resolve(&self, context: &Context) -> Option<Resolved<'_>> {
        Some(match self {
            Self::Text { pattern, ignore_case } => {
                Resolved::Text { glob: pattern.resolve(context)?, ignore_case: *ignore_case }
            }
            Self::Arn(pattern) => Resolved::Arn(pattern.resolve(context)?),
            other => Resolved::Other(other),
        })
    }
}

impl Resolved<'_> {
    fn fits(&self, found: &str) -> bool {
        match self {
            Self::Text { glob, ignore_case: true } => glob.matches_ignoring_case(found),
            Self::Text { glob, ignore_case: false } => glob.matches(found),
            Self::Arn(glob) => arn_fits(glob, found),
            Self::Other(Value::Bool(value)) => parse_bool(found) == Some(*value),
            Self::Other(Value::Date(order, value)) => parse_date(found).is_some_and(|date| order.holds(&date, value)),
            Self::Other(Value::Number(order, value)) => {
                parse_number(found).is_some_and(|number| order.holds(&number, value))
            }
            Self::Other(Value::Text { .. } | Value::Arn(_)) => false,
        }
    }
}

impl Order {
    fn holds<T: Ord>(self, found: &T, value: &T) -> bool {
        match self {
            Self::Equal => found == value,
            Self::Less => found < value,
            Self::LessOrEqual => found <= value,
            Self::Greater => found > value,
            Self::GreaterOrEqual => found >= value,
        }
    }
}

/// The parts of an ARN that colons separate; the last may hold more of them.
const ARN_PARTS: usize = 6;

/// IAM compares the six parts of an ARN one by one, so that a wildcard never reaches over a colon into the next.
fn arn_fits(pattern: &Glob, found: &str) -> bool {
    let (patterns, parts) = (pattern.segments(ARN_PARTS), found.splitn(ARN_PARTS, ':').collect::<Vec<_>>());
    patterns.len() == parts.len() && patterns.iter().zip(parts).all(|(pattern, part)| pattern.matches(part))
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A date of ISO 8601 as IAM writes them, or seconds since 1970.
fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(date.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return day.and_hms_opt(0, 0, 0).map(|midnight| midnight.and_utc());
    }
    DateTime::from_timestamp(text.parse().ok()?, 0)
}

/// Digits after the point that a number may have.
pub(super) const NUMBER_PLACES: usize = 9;

/// A decimal number in units of its ninth place, so that comparing is exact.
fn parse_number(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let only_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !only_digits(whole) || !only_digits(fraction) || whole.len() > 18 || fraction.len() > NUMBER_PLACES {
        return None;
    }
    format!("{whole}{fraction:0<NUMBER_PLACES$}").parse::<i128>().ok().map(|number| sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, values: &[&str], found: Option<&[&str]>) -> bool {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        let context = Context::new()
            .with("aws:SourceIdentity", "p-1")
            .with_values("x:k", found.unwrap_or_default().iter().map(ToString::to_string));
        Condition::parse(operator, "x:k", &values, true).unwrap().holds(&context)
    }

    #[test]
    fn every_operator_on_one_value() {
        for (operator, value, found, expected) in [
            ("StringEquals", "a*", "a*", true),
            ("StringEquals", "a*", "ab", false),
            ("StringEquals", "A", "a", false),
            ("StringEquals", "${aws:SourceIdentity}", "p-1", true),
            ("StringNotEquals", "a", "a", false),
            ("StringNotEquals", "a", "b", true),
            ("StringEqualsIgnoreCase", "PAY", "pay", true),
            ("StringNotEqualsIgnoreCase", "PAY", "pay", false),
            ("StringLike", "p-*", "p-7", true),
            ("StringLike", "p-*", "m-7", false),
            ("StringNotLike", "p-*", "m-7", true),
            ("ArnEquals", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", true),
            ("ArnLike", "arn:aws:iam::*:role/x", "arn:aws:iam::1:2:role/x", false),
            ("ArnLike", "arn:*", "arn:aws:iam::1:role/x", false),
            ("ArnNotLike", "arn:aws:iam::1:role/*", "arn:aws:iam::2:role/x", true),
            ("ArnNotEquals", "arn:aws:iam::1:role/x", "arn:aws:iam::1:role/x", false),
            ("DateLessThan", "2026-11-21T12:00:00Z", "2026-11-21T11:59:59Z", true),
            ("DateLessThan", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z", false),
            ("DateLessThanEquals", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z", true),
            ("DateGreaterThan", "2026-11-21", "2026-11-21T00:00:01Z", true),
            ("DateGreaterThanEquals", "0", "1970-01-01T00:00:00Z", true),
            ("DateEquals", "2026-11-21T12:00:00Z", "2026-11-21T13:00:00+01:00", true),
            ("DateNotEquals", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z", false),
            ("DateLessThan", "2026-11-21T12:00:00Z", "yesterday", false),
            ("NumericEquals", "1.50", "1.5", true),
            ("NumericNotEquals", "1", "2", true),
            ("NumericLessThan", "10", "9", true),
            ("NumericLessThanEquals", "10", "10", true),
            ("NumericGreaterThan", "-1", "-0.5", true),
            ("NumericGreaterThanEquals", "10", "9.999999999", false),
            ("NumericLessThan", "10", "nine", false),
            ("Bool", "true", "True", true),
            ("Bool", "false", "true", false),
            ("Null", "false", "x", true),
            ("Null", "true", "x", false),
        ] {
            assert_eq!(holds(operator, &[value], Some(&[found])), expected, "{operator} {value} on {found}");
        }
    }

    #[test]
    fn an_absent_key_fails_what_asks_for_it_and_passes_what_excludes() {
        for (operator, value, expected) in [
            ("StringEquals", "a", false),
            ("StringLike", "*", false),
            ("StringNotEquals", "a", true),
            ("StringNotLike", "*", true),
            ("ArnNotEquals", "arn:aws:iam::1:role/x", true),
            ("DateLessThan", "2026-11-21T12:00:00Z", false),
            ("NumericNotEquals", "1", true),
            ("Bool", "false", false),
            ("StringEqualsIfExists", "a", true),
            ("BoolIfExists", "true", true),
            ("Null", "true", true),
            ("Null", "false", false),
            ("ForAllValues:StringEquals", "a", true),
            ("ForAllValues:StringNotEquals", "a", true),
            ("ForAnyValue:StringEquals", "a", false),
            ("ForAnyValue:StringNotEquals", "a", false),
            ("ForAnyValue:StringEqualsIfExists", "a", false),
        ] {
            assert_eq!(holds(operator, &[value], None), expected, "{operator}");
        }
    }

    #[test]
    fn values_of_a_policy_are_alternatives_and_quantifiers_range_over_the_request() {
        for (operator, values, found, expected) in [
            ("StringEquals", &["a", "b"][..], &["b"][..], true),
            ("StringNotEquals", &["a", "b"], &["b"], false),
            ("StringNotEquals", &["a", "b"], &["c"], true),
            ("StringNotEquals", &["a"], &["a", "b"], false),
            ("StringEquals", &["a", "b"], &["a", "b"], false),
            ("StringNotEquals", &["c"], &["a", "b"], false),
            ("StringEqualsIfExists", &["a", "b"], &["a", "b"], false),
            ("ForAllValues:StringEquals", &["a", "b"], &["a", "b"], true),
            ("ForAllValues:StringEquals", &["a", "b"], &["a", "c"], false),
            ("ForAnyValue:StringEquals", &["a", "b"], &["c", "b"], true),
            ("ForAnyValue:StringEquals", &["a"], &["c"], false),
            ("ForAllValues:StringNotEquals", &["a"], &["b", "c"], true),
            ("ForAllValues:StringNotEquals", &["a"], &["a", "c"], false),
            ("ForAnyValue:StringNotEquals", &["a"], &["a", "c"], true),
            ("ForAnyValue:StringNotEquals", &["a"], &["a"], false),
        ] {
            assert_eq!(holds(operator, values, Some(found)), expected, "{operator} {values:?} on {found:?}");
        }
    }

    #[test]
    fn a_variable_without_a_value_fails_even_a_negated_operator() {
        for operator in ["StringEquals", "StringNotEquals", "StringNotEqualsIfExists", "ForAllValues:StringEquals"] {
            assert!(!holds(operator, &["${aws:PrincipalTag/none}"], Some(&["x"])), "{operator}");
            assert!(!holds(operator, &["${aws:PrincipalTag/none}"], None), "{operator}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for (operator, key, values, problem) in [
            ("IpAddress", "aws:SourceIp", &["10.0.0.0/8"][..], "unknown condition operator `IpAddress`"),
            ("stringEquals", "x:k", &["a"], "unknown condition operator `stringEquals`"),
            ("ForSomeValues:StringEquals", "x:k", &["a"], "unknown condition operator `ForSomeValues:StringEquals`"),
            ("NullIfExists", "x:k", &["true"], "unknown condition operator `NullIfExists`"),
            ("StringEquals", "k", &["a"], "`k` is not a condition key"),
            ("StringEquals", "x:k", &[], "the condition on `x:k` has no value"),
            ("Bool", "x:k", &["yes"], "`yes` is not a value for `Bool` on `x:k`"),
            ("DateLessThan", "x:k", &["noon"], "`noon` is not a value for `DateLessThan` on `x:k`"),
            ("NumericEquals", "x:k", &["1e3"], "`1e3` is not a value for `NumericEquals` on `x:k`"),
            ("StringEquals", "x:k", &["${oops}"], "`${oops}` is not a value for `StringEquals` on `x:k`"),
            ("Null", "x:k", &["true", "false"], "the condition `Null` on `x:k` has more than one value"),
        ] {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            assert_eq!(Condition::parse(operator, key, &values, true).unwrap_err(), problem);
        }
    }
}
