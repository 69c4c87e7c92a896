//! What a condition key can hold, as far as conditions can tell it apart.
//!
//! Two values for which every condition on the key says the same are one. So a key has few: absent, one value of each
//! kind, and sets of them. The values themselves are kept, for an example to be made of.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::walk::{Domain, Track, Walk};
use crate::domain::policy::condition::{Condition, NUMBER_PLACES, Quantifier, Test, Value};
use crate::domain::policy::context::Context;
use crate::domain::policy::glob::{Glob, Token};

/// Choices that are told apart for one key.
const MOST_CHOICES: usize = 64;

/// One way for a key to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// What it holds; nothing when it is absent.
    pub(super) values: Vec<String>,
    /// What each condition says then.
    pub(super) holds: Vec<bool>,
}

/// The ways for a key to be, and whether those are all that make a difference.
pub(super) type Choices = (Vec<Choice>, bool);

/// The ways for a key to be that these conditions, all on it, tell apart; and whether those are all there are.
///
/// Variables have the values that `base` gives them.
pub(super) fn choices(conditions: &[&Condition], base: &Context) -> Choices {
    let Some(first) = conditions.first() else { return (Vec::new(), true) };
    let choice = |values: Vec<String>| {
        let context = base.clone().with_values(&first.key, values.iter().cloned());
        Choice { holds: conditions.iter().map(|condition| condition.holds(&context)).collect(), values }
    };
    let (candidates, mut is_complete) = candidates(conditions, base);
    let mut seen: HashSet<(usize, Vec<bool>)> = HashSet::new();
    let mut choices = vec![choice(Vec::new())];
    for value in candidates {
        let choice = choice(vec![value]);
        if seen.insert((1, choice.holds.clone())) {
            choices.push(choice);
        }
    }
    let singles = choices.len();
    let asks_of_sets = |condition: &&Condition| {
        matches!(condition.test, Test::Compare { quantifier: Quantifier::All | Quantifier::Any, .. })
    };
    if !conditions.iter().any(asks_of_sets) {
        // Then all sets of several values are the same.
        choices.extend(choices.last().map(|last| choice([last.values.as_slice(), &last.values].concat())));
        return (choices, is_complete);
    }
    let mut at = 1;
    while at < choices.len() {
        for single in 1..singles {
            if choices.len() > MOST_CHOICES {
                return (choices, false);
            }
            let values = [choices[at].values.as_slice(), &choices[single].values].concat();
            let set = choice(values);
            if seen.insert((2, set.holds.clone())) {
                choices.push(set);
            }
        }
        at += 1;
    }
    is_complete &= choices.len() <= MOST_CHOICES;
    (choices, is_complete)
}

/// What the conditions compare a key with.
#[derive(Default)]
struct Landmarks {
    tracks: Vec<Track>,
    /// The condition of each track.
    owners: Vec<Vec<usize>>,
    globs: Vec<Glob>,
    bools: bool,
    dates: Vec<DateTime<Utc>>,
    numbers: Vec<i128>,
    /// Letters that are compared without case and are not ASCII: too many others could be the same.
    foreign: bool,
}

impl Landmarks {
    fn of(conditions: &[&Condition], base: &Context) -> Self {
        let mut marks = Self::default();
        for (at, condition) in conditions.iter().enumerate() {
            let Test::Compare { values, .. } = &condition.test else { continue };
            for value in values {
                marks.add(value, base);
            }
            marks.owners.resize(marks.tracks.len(), vec![at]);
        }
        marks
    }

    fn add(&mut self, value: &Value, base: &Context) {
        match value {
            Value::Text { pattern, ignore_case } => {
                let Some(glob) = pattern.resolve(base) else { return };
                self.tracks.push(if *ignore_case { Track::ignoring_case(&glob) } else { Track::exact(&glob) });
                let foreign = |token: &Token| matches!(token, Token::Char(c) if !c.is_ascii());
                self.foreign |= *ignore_case && glob.tokens().iter().any(foreign);
                self.globs.push(glob);
            }
            Value::Arn(pattern) => {
                let Some(glob) = pattern.resolve(base) else { return };
                self.tracks.push(Track::arn(&glob));
                self.globs.push(glob);
            }
            Value::Bool(_) => self.bools = true,
            Value::Date(_, date) => self.dates.push(*date),
            Value::Number(_, number) => self.numbers.push(*number),
        }
    }

    /// How many kinds of value are compared with.
    fn kinds(&self) -> usize {
        let kinds = [!self.tracks.is_empty(), self.bools, !self.dates.is_empty(), !self.numbers.is_empty()];
        kinds.iter().filter(|is_there| **is_there).count()
    }
}

/// Single values, the ones that read best first; and whether there is one of every kind among them.
fn candidates(conditions: &[&Condition], base: &Context) -> (Vec<String>, bool) {
    let marks = Landmarks::of(conditions, base);
    let mut found: Vec<String> =
        marks.globs.iter().flat_map(|glob| [filled(glob, "example"), filled(glob, "")]).collect();
    if marks.bools {
        found.extend(["true".to_owned(), "false".to_owned()]);
    }
    for number in &marks.numbers {
        found.extend([*number, number.saturating_add(1), number.saturating_sub(1)].map(number_text));
    }
    for date in &marks.dates {
        found.push(date_text(*date));
        for step in [TimeDelta::seconds(1), TimeDelta::nanoseconds(1)] {
            found.extend(
                [date.checked_add_signed(step), date.checked_sub_signed(step)].into_iter().flatten().map(date_text),
            );
        }
    }
    found.push("example".to_owned());
    let mut is_complete = marks.kinds() <= 1 && !marks.foreign;
    if !marks.tracks.is_empty() {
        match Walk::new(marks.tracks, marks.owners, Domain::Text).classes() {
            Some(classes) => found.extend(classes.into_iter().map(|class| class.text)),
            None => is_complete = false,
        }
    }
    (found, is_complete)
}

/// A text that fits, with something in the place of each wildcard.
pub(super) fn filled(glob: &Glob, text: &str) -> String {
    let mut filled = String::new();
    for token in glob.tokens() {
        match token {
            Token::Char(c) => filled.push(*c),
            Token::AnyChar => filled.push('x'),
            Token::AnyText => filled.push_str(text),
        }
    }
    filled
}

fn number_text(number: i128) -> String {
    let unit = 10_i128.pow(u32::try_from(NUMBER_PLACES).unwrap_or(0));
    let sign = if number < 0 { "-" } else { "" };
    let (whole, rest) = (number.unsigned_abs() / unit.unsigned_abs(), number.unsigned_abs() % unit.unsigned_abs());
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{}", format!("{rest:0NUMBER_PLACES$}").trim_end_matches('0'))
}

fn date_text(date: DateTime<Utc>) -> String {
    date.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The conditions of a list, by their key.
pub(super) fn by_key<'a>(conditions: impl IntoIterator<Item = (usize, &'a Condition)>) -> Vec<Vec<usize>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, condition) in conditions {
        let place = *places.entry(condition.key.to_lowercase()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(at);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Vec<(Vec<String>, Vec<bool>)>;

    fn found(conditions: &[(&str, &[&str])]) -> (Found, bool) {
        let parse = |(operator, values): &(&str, &[&str])| {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            Condition::parse(operator, "x:k", &values, true).unwrap()
        };
        let conditions: Vec<Condition> = conditions.iter().map(parse).collect();
        let (found, is_complete) = choices(&conditions.iter().collect::<Vec<_>>(), &Context::new());
        (found.into_iter().map(|choice| (choice.values, choice.holds)).collect(), is_complete)
    }

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_key_is_absent_or_fits_or_does_not() {
        let (found, is_complete) = found(&[("StringLike", &["p-*"])]);

        assert!(is_complete);
        assert_eq!(
            found,
            [
                (texts(&[]), vec![false]),
                (texts(&["p-example"]), vec![true]),
                (texts(&["example"]), vec![false]),
                (texts(&["example", "example"]), vec![false]),
            ]
        );
    }

    #[test]
    fn numbers_and_dates_are_tried_on_both_sides() {
        for (conditions, values) in [
            ([("NumericLessThan", &["1.5"][..]), ("NumericGreaterThan", &["1.499999998"])], "1.499999999"),
            (
                [
                    ("DateLessThan", &["2026-11-21T12:00:00.000000002Z"]),
                    ("DateGreaterThan", &["2026-11-21T12:00:00.000000000Z"]),
                ],
                "2026-11-21T12:00:00.000000001Z",
            ),
        ] {
            let (found, is_complete) = found(&conditions);

            assert!(is_complete && found.contains(&(texts(&[values]), vec![true, true])), "{found:?}");
        }
    }

    #[test]
    fn sets_are_tried_where_they_make_a_difference() {
        let (found, is_complete) =
            found(&[("ForAnyValue:StringEquals", &["a"]), ("ForAllValues:StringEquals", &["a"])]);

        let all: HashSet<_> = found.iter().map(|(_, holds)| holds.clone()).collect();
        assert!(is_complete);
        assert_eq!(all, HashSet::from([vec![false, true], vec![true, true], vec![false, false], vec![true, false]]));
    }

    #[test]
    fn a_number_is_written_as_it_is_read() {
        for (number, text) in [(1_500_000_000, "1.5"), (-1, "-0.000000001"), (0, "0"), (-2_000_000_000, "-2")] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn a_letter_without_case_has_every_case() {
        let (found, is_complete) = found(&[("StringEqualsIgnoreCase", &["k"]), ("StringNotEquals", &["k", "K"])]);

        assert!(is_complete && found.contains(&(texts(&["\u{212A}"]), vec![true, true])), "{found:?}");
    }

    #[test]
    fn kinds_that_are_mixed_are_not_known_to_be_complete() {
        assert!(!found(&[("StringEquals", &["a"]), ("NumericEquals", &["1"])]).1);
    }
}
