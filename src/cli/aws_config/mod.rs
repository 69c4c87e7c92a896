//! The text of `~/.aws/config`, as bytes.
//!
//! It exists so that a file of somebody else's can be read and changed without touching what is not ours: any bytes can
//! be read, whatever their line endings, their encoding or their mistakes, and an edit gives back every byte outside of
//! it. Nothing here opens a file or knows what a broker is.
//!
//! Tools do not agree on this format. Sections and settings are taken the way botocore takes them (Python's
//! `configparser`), and leniently where a name is concerned: `[ profile  y ]` is a profile `y`, so that nobody writes
//! a second one.

mod edit;
mod header;
mod line;

use std::ops::Range;

pub(crate) use edit::{Edit, apply, preview};
pub(crate) use header::Kind;
use line::{Line, is_blank, is_comment, is_indented, lines, split_setting};

/// What editors on Windows put before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A text, taken apart. It borrows the bytes.
#[derive(Debug)]
pub(crate) struct AwsConfig<'a> {
    bytes: &'a [u8],
    lines: Vec<Line>,
    sections: Vec<Section>,
}

/// A header and what stands below it, up to the next header.
#[derive(Debug)]
pub(crate) struct Section {
    /// What it describes.
    pub(crate) kind: Kind,
    /// What it is called; for a section that is neither a profile nor anything else we know, all that is in the brackets.
    pub(crate) name: String,
    /// Its settings, in their order.
    pub(crate) settings: Vec<Setting>,
    /// Its lines by number, the header's first.
    pub(crate) lines: Range<usize>,
    /// Whether it has lines that are no setting, no comment and not blank.
    pub(crate) has_other_lines: bool,
}

/// A key with a value.
#[derive(Debug)]
pub(crate) struct Setting {
    /// In lower case: case means nothing here.
    pub(crate) key: String,
    /// Without the spaces around it. Indented lines below belong to it, each after a line break.
    pub(crate) value: String,
    /// The number of its line.
    pub(crate) line: usize,
    /// Whether indented lines follow that belong to the value.
    pub(crate) has_indented_lines: bool,
}

impl<'a> AwsConfig<'a> {
    /// Takes a text apart. There is none that it could not.
    pub(crate) fn parse(bytes: &'a [u8]) -> Self {
        let lines = lines(bytes);
        let mut config = Self { bytes, lines: Vec::new(), sections: Vec::new() };
        for (number, line) in lines.iter().enumerate() {
            config.take(number, &bytes[line.content.clone()]);
        }
        config.lines = lines;
        config
    }

    fn take(&mut self, number: usize, content: &[u8]) {
        if let Some(section) = self.sections.last_mut() {
            section.lines.end = number + 1;
        }
        if is_blank(content) || is_comment(content) {
            return;
        }
        let open = self.sections.last_mut().and_then(|section| section.settings.last_mut());
        if let Some(setting) = open.filter(|_| is_indented(content)) {
            setting.value.push('\n');
            setting.value.push_str(String::from_utf8_lossy(content).trim());
            setting.has_indented_lines = true;
            return;
        }
        if let Some((kind, name)) = header::parse(content) {
            if let Some(section) = self.sections.last_mut() {
                section.lines.end = number;
            }
            let lines = number..number + 1;
            self.sections.push(Section { kind, name, settings: Vec::new(), lines, has_other_lines: false });
            return;
        }
        let Some(section) = self.sections.last_mut() else { return };
        match split_setting(content) {
            Some((key, value)) => {
                section.settings.push(Setting { key, value, line: number, has_indented_lines: false });
            }
            None => section.has_other_lines = true,
        }
    }

    /// The sections in their order, the same name twice where it is there twice.
    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// How many sections are a profile of this name.
    pub(crate) fn profiles_named(&self, name: &str) -> usize {
        let is_it = |section: &&Section| section.kind == Kind::Profile && section.name == name;
        let read = self.sections.iter().filter(is_it).count();
        // A header that is indented below a setting is a part of its value to some tools, and a header to others.
        let indented = self.lines.iter().map(|line| &self.bytes[line.content.clone()]).filter(|content| {
            is_indented(content) && header::parse(content).is_some_and(|it| it == (Kind::Profile, name.to_owned()))
        });
        read.max(indented.count())
    }

    /// What stands on a line, without its end.
    pub(crate) fn content(&self, line: usize) -> &'a [u8] {
        self.lines.get(line).map_or(b"", |line| &self.bytes[line.content.clone()])
    }

    /// Where what stands on a line is.
    pub(crate) fn content_range(&self, line: usize) -> Range<usize> {
        self.lines.get(line).map_or(self.bytes.len()..self.bytes.len(), |line| line.content.clone())
    }

    /// Where these lines are, with the end of the last.
    pub(crate) fn range(&self, lines: &Range<usize>) -> Range<usize> {
        let start = self.lines.get(lines.start).map_or(self.bytes.len(), |line| line.content.start);
        let end = lines.end.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(start, |line| line.end);
        start..end.max(start)
    }

    /// How many lines there are; one that is not ended counts.
    pub(crate) fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// How lines end here: as the last one does that ends at all.
    pub(crate) fn line_ending(&self) -> &'a [u8] {
        let ended = self.lines.iter().rev().find(|line| line.end > line.content.end);
        ended.map_or(b"\n", |line| &self.bytes[line.content.end..line.end])
    }

    /// Where the text ends.
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a line ends here, rather than that the text stops within one.
    pub(crate) fn ends_a_line(&self, at: usize) -> bool {
        self.lines.iter().any(|line| line.end == at && line.content.end < at)
    }

    /// Whether nothing is there, but for a byte order mark.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl Section {
    /// The value of the first setting with this key, which is in lower case.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| setting.value.as_str())
    }
}

#[cfg(test)]
mod tests;
