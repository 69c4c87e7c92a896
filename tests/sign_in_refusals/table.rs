//! All cases in one table, which is checked in beside this file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Case, Outcome, answers, callbacks, groups, headers, id_tokens, logout, sessions, texts, tokens};

/// The table as it was agreed on.
const TABLE: &str = include_str!("table.txt");

/// What the checklist has: `J` is about tokens, `O` about the flow, `S` about sessions and cookies, `A` about addresses,
/// `T` about texts, `H` about headers that name a host.
const CHECKLIST: [(&str, usize); 6] = [("J", 18), ("O", 15), ("S", 6), ("A", 6), ("T", 5), ("H", 3)];

/// What is not played, and why.
const LEFT_OUT: [(&str, &str); 1] =
    [("O10", "the broker asks a provider for no refresh token, keeps none and uses none (see O8.32)")];

/// A line of it.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) twin: String,
    /// What comes of it: the reason in the ledger, or what happens instead of a refusal.
    pub(crate) outcome: String,
}

impl Row {
    pub(crate) fn new(id: &str, what: &str, twin: &str, outcome: &str) -> Self {
        Self { id: id.to_owned(), what: what.to_owned(), twin: twin.to_owned(), outcome: outcome.to_owned() }
    }
}

impl From<&Case> for Row {
    fn from(case: &Case) -> Self {
        let outcome = match case.outcome {
            Outcome::Refused(why) => format!("refused: {why}"),
            Outcome::SignsIn(says) => format!("signs in: {}", says.trim()),
        };
        Self::new(case.id, case.what, case.twin.what, &outcome)
    }
}

fn rows() -> Vec<Row> {
    let cases = [
        id_tokens::algorithms(),
        id_tokens::keys(),
        id_tokens::parties(),
        id_tokens::times(),
        id_tokens::persons(),
        tokens::forms(),
        tokens::sizes(),
        tokens::slow(),
        tokens::signatures(),
        groups::strengths(),
        groups::shapes(),
        answers::tokens(),
        answers::user_infos(),
        answers::discoveries(),
    ];
    let mut rows: Vec<Row> = cases.iter().flatten().map(Row::from).collect();
    rows.extend(callbacks::rows());
    rows.extend(headers::rows());
    rows.extend(logout::rows());
    rows.extend(sessions::rows());
    rows.extend(texts::rows());
    rows.extend(crate::guarded_client::rows());
    rows.sort_by_key(|row| place(&row.id));
    rows
}

/// `J10.3` as (its place among the letters, 10, 3).
fn place(id: &str) -> (usize, usize, usize) {
    let known = CHECKLIST.iter().position(|(letter, _)| id.starts_with(letter));
    let (line, number) = id[1..].split_once('.').unwrap_or_else(|| panic!("{id} is in no line of the checklist"));
    let digits = |text: &str| text.parse().unwrap_or_else(|_| panic!("{id} is not a number in a line"));
    (known.unwrap_or_else(|| panic!("{id} is of no list")), digits(line), digits(number))
}

fn rendered(rows: &[Row]) -> String {
    let mut text = format!("{:7} {:86} {:50} {}\n", "", "what is done", "the benign twin", "what comes of it");
    for Row { id, what, twin, outcome } in rows {
        writeln!(text, "{id:7} {what:86} {twin:50} {outcome}").unwrap();
    }
    text
}

#[test]
fn the_table_says_what_is_played() {
    let text = rendered(&rows());
    if text != TABLE {
        let written = std::env::temp_dir().join("lodge-sign-in-refusals-table.txt");
        std::fs::write(&written, text).unwrap();
        panic!("another case belongs in tests/sign_in_refusals/table.txt: see {}", written.display());
    }
}

#[test]
fn every_line_of_the_checklist_is_played_or_left_out_for_a_reason() {
    let rows = rows();
    let mut seen = BTreeSet::new();
    for row in &rows {
        assert!(seen.insert(place(&row.id)), "{} is there twice", row.id);
    }

    for (list, (letter, count)) in CHECKLIST.iter().enumerate() {
        for line in 1..=*count {
            let is_played = seen.iter().any(|(in_list, in_line, _)| (*in_list, *in_line) == (list, line));
            let is_left_out = LEFT_OUT.iter().any(|(left_out, _)| *left_out == format!("{letter}{line}"));
            assert_ne!(is_played, is_left_out, "{letter}{line}");
        }
    }
    println!("{} cases", rows.len());
}
