//! Lines of any bytes, and what kind of line each is.

use std::ops::Range;

use super::BYTE_ORDER_MARK;

/// A line: where what it says is, and where it ends. Between the two is its line break, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) content: Range<usize>,
    pub(super) end: usize,
}

/// The lines of a text. They end in LF, CR LF or CR, as Python takes them; the last need not end. A byte order mark is
/// part of no line.
pub(super) fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    while start < bytes.len() {
        let rest = &bytes[start..];
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let ending = match &rest[length..] {
            [] => 0,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        let end = start + length + ending;
        lines.push(Line { content: start..start + length, end });
        start = end;
    }
    lines
}

/// What counts as a space within a line.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

/// The text without spaces around it.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(*byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// Whether there is nothing on the line.
pub(super) fn is_blank(content: &[u8]) -> bool {
    trim(content).is_empty()
}

/// Whether the whole line is a comment. What follows a value is none: tools do not agree on those.
pub(super) fn is_comment(content: &[u8]) -> bool {
    matches!(trim(content).first(), Some(b'#' | b';'))
}

/// Whether the line begins with a space: it belongs to the value above it, if there is one.
pub(super) fn is_indented(content: &[u8]) -> bool {
    content.first().is_some_and(|byte| is_space(*byte))
}

/// Key, in lower case, and value of a line.
pub(super) fn split_setting(content: &[u8]) -> Option<(String, String)> {
    let at = content.iter().position(|byte| matches!(byte, b'=' | b':'))?;
    let text = |part| String::from_utf8_lossy(trim(part)).into_owned();
    let key = text(&content[..at]);
    (!key.is_empty()).then(|| (key.to_lowercase(), text(&content[at + 1..])))
}
