//! Names of actions: those that do not exist, those that did once, and those that exist in other letters.

use super::finding::{Code, Finding, Severity};
use super::legacy::Legacy;
use super::look::Look;
use super::reach::{Element, Reach};
use crate::domain::policy::catalog::{self, Action};
use crate::domain::policy::money;
use crate::domain::policy::source::Written;
use crate::domain::policy::template::Money;

/// Prefixes that people write for Mechanical Turk's: the end point's and the signing name, which IAM does not know.
const WRONG_PREFIXES: [&str; 3] = ["mturk", "mturk-requester", "mechanical-turk"];

/// How many edits a name may be away from the one that is suggested.
const NEAR: usize = 3;

pub(super) fn check(look: &Look<'_>) -> Vec<Finding> {
    let statement = look.statement;
    let mut findings: Vec<Finding> = look.elements.iter().filter_map(|element| name(statement, element)).collect();
    findings.extend(look.repeated.iter().map(|(text, place, before)| {
        let message = format!("`{text}` stands in {before} already");
        Finding::about(statement, Code::Duplicate, Severity::Note, message).at(place.clone())
    }));
    findings
}

fn name(statement: &Written, element: &Element<'_>) -> Option<Finding> {
    let text = element.text;
    let found =
        |code, severity, message| Some(Finding::about(statement, code, severity, message).at(element.place.clone()));
    match &element.reach {
        Reach::Known(actions) => match actions.as_slice() {
            [action] if !element.is_wild() && action.name != text => {
                let message = format!("`{text}` is `{}` in other letters, which IAM does not mind", action.name);
                found(Code::ActionCase, Severity::Note, message).map(|finding| finding.instead([&action.name]))
            }
            _ => None,
        },
        Reach::Elsewhere => {
            let (service, name) = text.split_once(':')?;
            if WRONG_PREFIXES.iter().any(|wrong| wrong.eq_ignore_ascii_case(service)) {
                let message = format!("IAM knows no service `{service}`, so {}", nothing(statement));
                let finding = found(Code::UnknownAction, Severity::Error, message);
                return finding.map(|finding| finding.instead([format!("mechanicalturk:{name}")]));
            }
            let message =
                format!("the actions of `{service}` are not known here, so nobody can say what `{text}` does");
            found(Code::UnknownService, Severity::Note, message)
        }
        Reach::Legacy(old) => {
            let today: Vec<String> = old.iter().flat_map(|old| old.names_today()).collect();
            let message = legacy_message(statement, text, old);
            found(Code::LegacyAction, Severity::Error, message).map(|finding| finding.instead(today))
        }
        Reach::Nothing => {
            let message = if element.is_wild() {
                format!("`{text}` fits no action of its service, so {}", nothing(statement))
            } else {
                format!("no action is called `{text}`; IAM takes the name without a word, and {}", nothing(statement))
            };
            let near = (!element.is_wild()).then(|| nearest(text)).flatten();
            let finding = found(Code::UnknownAction, Severity::Error, message);
            finding.map(|finding| finding.instead(near.map(|action| &action.name)))
        }
    }
}

/// What a name that stands for nothing does there.
fn nothing(statement: &Written) -> &'static str {
    match (statement.allows, statement.actions.is_all_but()) {
        (true, false) => "this Allow grants nothing with it",
        (false, false) => "this Deny protects nothing with it",
        (true, true) => "this Allow leaves nothing out with it",
        (false, true) => "this Deny spares nothing with it",
    }
}

fn legacy_message(statement: &Written, text: &str, old: &[&Legacy]) -> String {
    let nothing = nothing(statement);
    let mut message = match old {
        [_] => format!("`{text}` is a name of the API that AWS switched off on 2019-06-01; {nothing}"),
        _ => format!("`{text}` fits only names of the API that AWS switched off on 2019-06-01; {nothing}"),
    };
    if let [Legacy { remark: Some(remark), .. }] = old {
        message = format!("{message} ({remark})");
    }
    let spends = old.iter().flat_map(|old| old.names_today()).map(|name| money::spending(&name)).max();
    match spends {
        Some(Money::Pays) if statement.allows => message.push_str("; what replaces it pays at once"),
        Some(Money::Promises) if statement.allows => message.push_str("; what replaces it promises money"),
        _ => {}
    }
    message
}

/// The action of the same service whose name is nearest, when one is near.
pub(super) fn nearest(text: &str) -> Option<&'static Action> {
    let (service, name) = text.split_once(':')?;
    let name = name.to_lowercase();
    let most = NEAR.min(name.chars().count() / 3);
    let distance = |action: &Action| {
        let other = action.name.split_once(':').map_or("", |(_, name)| name).to_lowercase();
        edits(&name, &other)
    };
    let near = catalog::actions_of(service).map(|action| (distance(action), action));
    near.filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, action)| (*distance, &action.name))
        .map(|(_, action)| action)
}

/// How many letters must be added, left out or replaced to make one of the other (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_letter_away_or_few() {
        let name = |text| nearest(text).map(|action| action.name.as_str());

        assert_eq!(name("mechanicalturk:GetHITs"), Some("mechanicalturk:GetHIT"));
        assert_eq!(name("mechanicalturk:sendbonuss"), Some("mechanicalturk:SendBonus"));
        assert_eq!(name("s3:GetObjects"), Some("s3:GetObject"));
        assert_eq!(name("s3:ListBuckets"), Some("s3:ListBucket"));
        assert_eq!(name("s3:MakeCoffee"), None);
        assert_eq!((name("dynamodb:GetItem"), name("s3:X"), name("x")), (None, None, None));
        assert_eq!((edits("kitten", "sitting"), edits("", "ab"), edits("ab", "")), (3, 2, 2));
    }
}
