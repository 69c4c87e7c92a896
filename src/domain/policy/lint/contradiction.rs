//! Conditions on one key of which one excludes the other, so that the statement never matches.
//!
//! Told only where it is certain: the key has one value at most, and one of its conditions names all values that it can
//! have. Each of those is tried against all the others. For numbers and dates, whose conditions name ranges, what is
//! tried is each end and what lies next to it.

use super::finding::{Code, Finding, Severity};
use super::global_keys::is_single;
use crate::domain::policy::condition::Condition;
use crate::domain::policy::context::Context;
use crate::domain::policy::source::{Written, WrittenCondition};

/// Keys of services whose values are one at most, with the conditions of our own templates.
const SINGLE: [&str; 3] = ["s3:prefix", "s3:delimiter", "s3:max-keys"];

/// The sentence about the first contradiction.
pub(super) fn check(statement: &Written) -> Option<Finding> {
    let mut seen: Vec<String> = Vec::new();
    for condition in &statement.conditions {
        let key = condition.key.to_lowercase();
        if seen.contains(&key) {
            continue;
        }
        let of_key: Vec<&WrittenCondition> =
            statement.conditions.iter().filter(|other| other.key.eq_ignore_ascii_case(&key)).collect();
        seen.push(key);
        if of_key.len() > 1 && excludes(&of_key) {
            let operators =
                of_key.iter().map(|condition| condition.operator.as_str()).collect::<Vec<_>>().join(" and ");
            let effect = if statement.allows { "grants" } else { "protects" };
            let message =
                format!("{operators} on `{}` never hold together, so this statement {effect} nothing", condition.key);
            let finding = Finding::about(statement, Code::Contradiction, Severity::Error, message);
            return Some(finding.at(of_key[of_key.len() - 1].element()));
        }
    }
    None
}

/// Whether nothing that the key can be makes all of these hold.
fn excludes(conditions: &[&WrittenCondition]) -> bool {
    let key = &conditions[0].key;
    let single = is_single(key) || SINGLE.iter().any(|known| known.eq_ignore_ascii_case(key));
    let open = |condition: &&WrittenCondition| condition.values.iter().any(|value| value.contains("${"));
    if !single || conditions.iter().any(open) {
        return false;
    }
    let parse = |condition: &&WrittenCondition| {
        Condition::parse(&condition.operator, &condition.key, &condition.values, true).ok()
    };
    let Some(parsed) = conditions.iter().map(parse).collect::<Option<Vec<_>>>() else { return false };
    let all_hold = |context: &Context| parsed.iter().all(|condition| condition.holds(context));
    let Some(candidates) = candidates(conditions) else { return false };
    let present = candidates.into_iter().map(|value| Context::new().with(key, value));
    std::iter::once(Context::new()).chain(present).all(|context| !all_hold(&context))
}

/// Values of which one makes all conditions hold if any value does; `None` when they cannot be told.
fn candidates(conditions: &[&WrittenCondition]) -> Option<Vec<String>> {
    let base = |condition: &WrittenCondition| condition.operator.trim_end_matches("IfExists").to_owned();
    let closed = |condition: &&&WrittenCondition| matches!(base(condition).as_str(), "StringEquals" | "Bool");
    if let Some(closed) = conditions.iter().find(closed) {
        return Some(match base(closed).as_str() {
            "Bool" => vec!["true".to_owned(), "false".to_owned()],
            _ => closed.values.clone(),
        });
    }
    let all = |start: &str| {
        conditions.iter().all(|condition| base(condition).starts_with(start) || condition.operator == "Null")
    };
    if all("Null") {
        return Some(vec![String::new()]);
    }
    // `Null: true` wants no value, and then only what holds without one counts.
    if conditions.iter().any(|condition| condition.operator == "Null" && condition.values == ["true"]) {
        return Some(Vec::new());
    }
    let values =
        || conditions.iter().filter(|condition| condition.operator != "Null").flat_map(|condition| &condition.values);
    if all("Numeric") {
        return Some(values().filter_map(|value| value.parse::<i64>().ok()).flat_map(beside).collect::<Vec<_>>())
            .filter(|found| found.len() == values().count() * 5);
    }
    if all("Date") {
        let date = |value: &String| chrono::DateTime::parse_from_rfc3339(value).ok();
        let beside =
            |date: chrono::DateTime<_>| [-1, 0, 1].map(|ms| (date + chrono::TimeDelta::milliseconds(ms)).to_rfc3339());
        return Some(values().filter_map(date).flat_map(beside).collect::<Vec<_>>())
            .filter(|found| found.len() == values().count() * 3);
    }
    None
}

/// A number, and what lies next to it.
fn beside(number: i64) -> [String; 5] {
    let (below, above) = (number.saturating_sub(1), number.saturating_add(1));
    let half = |whole: i64, sign: &str| format!("{sign}{}.5", whole.unsigned_abs());
    let over = if number < 0 { half(above, "-") } else { half(number, "") };
    let under = if number <= 0 { half(number, "-") } else { half(below, "") };
    [below.to_string(), under, number.to_string(), over, above.to_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::catalog;
    use crate::domain::policy::source::Source;

    fn contradicts(conditions: &str) -> bool {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{{{conditions}}}}}]}}"#
        );
        check(&Source::parse(&text).unwrap().0.statements[0]).is_some()
    }

    #[test]
    fn the_keys_of_services_exist() {
        for key in SINGLE {
            assert!(
                catalog::actions_of("s3").any(|action| action.conditions.iter().any(|known| known == key)),
                "{key}"
            );
        }
    }

    #[test]
    fn what_can_never_hold_together_is_told() {
        for conditions in [
            r#""StringEquals":{"aws:username":"a"},"StringNotEquals":{"aws:username":"a"}"#,
            r#""StringEquals":{"aws:username":["a","b"]},"StringLike":{"AWS:UserName":"c*"}"#,
            r#""StringEquals":{"s3:prefix":"a/"},"StringNotLike":{"s3:prefix":"a*"}"#,
            r#""Bool":{"aws:SecureTransport":"true"},"BoolIfExists":{"aws:SecureTransport":"false"},"Null":{"aws:SecureTransport":"false"}"#,
            r#""Null":{"aws:userid":"true"},"StringLike":{"aws:userid":"*"}"#,
            r#""NumericLessThan":{"s3:max-keys":"5"},"NumericGreaterThanEquals":{"s3:max-keys":"5"}"#,
            r#""DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"},"DateGreaterThan":{"aws:TokenIssueTime":"2026-02-01T00:00:00Z"}"#,
        ] {
            assert!(contradicts(conditions), "{conditions}");
        }
    }

    #[test]
    fn what_can_hold_together_is_left_alone() {
        for conditions in [
            r#""StringEquals":{"aws:username":["a","b"]},"StringNotEquals":{"aws:username":"a"}"#,
            r#""StringEqualsIfExists":{"aws:username":"a"},"Null":{"aws:username":"true"}"#,
            r#""StringEqualsIfExists":{"aws:username":"a"},"StringNotEquals":{"aws:username":"a"}"#,
            r#""StringLike":{"aws:username":"a*"},"StringNotLike":{"aws:username":"b*"}"#,
            r#""StringEquals":{"aws:username":"${aws:userid}"},"StringNotEquals":{"aws:username":"a"}"#,
            r#""ForAnyValue:StringEquals":{"aws:TagKeys":"a"},"ForAllValues:StringNotEquals":{"aws:TagKeys":"a"}"#,
            r#""NumericLessThan":{"s3:max-keys":"6"},"NumericGreaterThan":{"s3:max-keys":"5"}"#,
            r#""NumericLessThan":{"s3:max-keys":"1"},"NumericGreaterThan":{"s3:max-keys":"-1"}"#,
            r#""Null":{"aws:userid":"false"},"StringLike":{"aws:userid":"*"}"#,
        ] {
            assert!(!contradicts(conditions), "{conditions}");
        }
    }
}
