//! Standard output: what was asked for, and nothing else.

use std::io::{ErrorKind, Write};
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// Writes lines for a person or a program. A reader that has gone away has what it wanted.
pub(crate) fn answer(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The same as one line of JSON.
pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    answer(&format!("{}\n", serde_json::to_string(document)?))
}

/// The text on one line, whatever stands in it: names and addresses come from files and from other machines. Nothing in
/// it moves a cursor or turns the reading direction.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || turns_or_breaks(c) { ' ' } else { c }).collect()
}

/// Line and paragraph separators, and the marks that turn the reading direction.
const fn turns_or_breaks(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A path as a shell reads it back: in quotes, unless it needs none.
pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// In the unit that fits, with one decimal where it says something.
pub(crate) fn size(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    if bytes < MIB {
        return format!("{} KiB", bytes.div_ceil(KIB));
    }
    if bytes < GIB {
        return format!("{} MiB", bytes / MIB);
    }
    let tenths = u128::from(bytes) * 10 / u128::from(GIB);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

/// A moment, for people.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The same for programs (RFC 3339).
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Rows of columns as wide as their widest cell, which are counted in characters, under a line with their names.
pub(crate) fn table<const COLUMNS: usize>(names: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    let rows: Vec<[String; COLUMNS]> = std::iter::once(names.map(str::to_owned))
        .chain(rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))))
        .collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_reads_from_left_to_right() {
        assert_eq!(one_line("a\r\nb\u{1b}[31m\u{202e}c\u{2066}\u{2028}d"), "a  b [31m c  d");
        assert_eq!(one_line("Kim Sørensen 李"), "Kim Sørensen 李");
    }

    #[test]
    fn a_table_aligns_by_characters() {
        let rows = [["Sørensen".to_owned(), "x".to_owned()], ["Al\u{202e}".to_owned(), String::new()]];

        assert_eq!(table(["NAME", "WHAT"], &rows), "NAME      WHAT\nSørensen  x\nAl\n");
    }

    #[test]
    fn sizes_are_for_people() {
        const MIB: u64 = 1 << 20;

        assert_eq!([size(0), size(1), size(MIB - 1)], ["0 KiB", "1 KiB", "1024 KiB"]);
        assert_eq!([size(63 * MIB + 1), size(1023 * MIB), size(1536 * MIB)], ["63 MiB", "1023 MiB", "1.5 GiB"]);
    }

    #[test]
    fn a_path_with_anything_in_it_is_one_word() {
        assert_eq!(shell_word(Path::new("/srv/lodge.toml")), "/srv/lodge.toml");
        assert_eq!(shell_word(Path::new("/srv/my lab's")), r"'/srv/my lab'\''s'");
    }
}
