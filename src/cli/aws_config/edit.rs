//! Changes to a text: what is taken out, what is put in, and how that looks before it is done.

use std::ops::Range;

use super::AwsConfig;

/// Some bytes in place of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// What goes; nothing, for what is only put in.
    pub(crate) range: Range<usize>,
    /// What comes.
    pub(crate) new: Vec<u8>,
}

/// The text with these edits, which do not overlap. Those at the same place come in their order.
pub(crate) fn apply(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut done = Vec::with_capacity(bytes.len() + edits.iter().map(|edit| edit.new.len()).sum::<usize>());
    let mut at = 0;
    for edit in in_order(edits) {
        done.extend_from_slice(&bytes[at..edit.range.start.max(at)]);
        done.extend_from_slice(&edit.new);
        at = edit.range.end.max(at);
    }
    done.extend_from_slice(&bytes[at..]);
    done
}

/// The edits as a unified diff without context: what stands around them may be somebody's secret.
pub(crate) fn preview(bytes: &[u8], edits: &[Edit]) -> Vec<String> {
    let mut shown = Vec::new();
    let (mut taken, mut put) = (0, 0);
    for edit in in_order(edits) {
        // An edit that begins with the end of a line shows from the next line on.
        let begun = AwsConfig::parse(&bytes[..edit.range.start]);
        let is_within_line = begun.lines.last().is_some_and(|line| line.end == line.content.end);
        let first = begun.line_count() + 1;
        let (old, new) = (&bytes[edit.range.clone()], edit.new.as_slice());
        let (old, new) = (texts(old, is_within_line), texts(new, is_within_line));
        shown.push(format!(
            "@@ -{},{} +{},{} @@",
            if old.is_empty() { first - 1 } else { first },
            old.len(),
            if new.is_empty() { first + put - taken - 1 } else { first + put - taken },
            new.len()
        ));
        taken += old.len();
        put += new.len();
        shown.extend(old.iter().map(|line| format!("-{line}")));
        shown.extend(new.iter().map(|line| format!("+{line}")));
    }
    shown
}

fn in_order(edits: &[Edit]) -> Vec<&Edit> {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| edit.range.start);
    ordered
}

fn texts(bytes: &[u8], is_within_line: bool) -> Vec<String> {
    let config = AwsConfig::parse(bytes);
    let numbers = usize::from(is_within_line)..config.line_count();
    numbers.map(|number| String::from_utf8_lossy(config.content(number)).into_owned()).collect()
}
