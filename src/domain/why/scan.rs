//! Finding AWS's own words in whatever stands around them.
//!
//! Errors arrive as XML, as JSON inside of JSON, as a debugger prints them, broken over lines by a terminal. All of that is
//! made one line first, in which AWS's sentences are the same everywhere. Every search here is over a text of bounded
//! length and reads it once.

/// The text on one line: what XML and JSON escape is itself again, and white space is one space.
pub(super) fn on_one_line(text: &str) -> String {
    const ENTITIES: [(&str, char); 7] = [
        ("&quot;", '"'),
        ("&#34;", '"'),
        ("&apos;", '\''),
        ("&#39;", '\''),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
    ];
    let mut line = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (said, read) = match c {
            '\\' => {
                // However often it was escaped: JSON inside of a debugger's text inside of JSON.
                let after = rest.trim_start_matches('\\');
                let escapes = rest.len() - after.len();
                if after.starts_with(['n', 'r', 't']) { (Some(' '), escapes + 1) } else { (None, escapes) }
            }
            '&' => {
                let known = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
                known.map_or((Some('&'), 1), |(entity, c)| (Some(*c), entity.len()))
            }
            c => (Some(c), c.len_utf8()),
        };
        rest = &rest[read..];
        match said {
            Some(c) if !c.is_whitespace() => line.push(c),
            Some(_) if !line.ends_with(' ') => line.push(' '),
            _ => {}
        }
    }
    line
}

/// What stands behind the last `mark`.
pub(super) fn after_last<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.rfind(mark).map(|at| &text[at + mark.len()..])
}

/// The word that `text` begins with, if it is one of AWS's: a code or the name of an operation.
pub(super) fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')).unwrap_or(text.len());
    let word = text[..end].trim_end_matches('.');
    (1..=96).contains(&word.len()).then_some(word)
}

/// The first so many characters.
pub(super) fn head(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}

/// What stands before the first character that ends a word in any of the languages errors are printed in.
pub(super) fn token(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '|'));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_line_breaks_are_gone() {
        assert_eq!(
            on_one_line("a\n  b\\nc &quot;d&quot; \\\"e\\\" \\\\\\\"f &amp;lt; &x"),
            "a b c \"d\" \"e\" \"f &lt; &x"
        );
        assert_eq!(on_one_line("größer \\"), "größer ");
        assert_eq!(on_one_line(""), "");
    }

    #[test]
    fn a_word_is_one_of_aws_s() {
        assert_eq!(word("AccessDenied) when"), Some("AccessDenied"));
        assert_eq!(word("Client.Denied. And"), Some("Client.Denied"));
        assert_eq!(word(" x").or(word("")).or(word(&"x".repeat(97))), None);
        assert_eq!((head("größer", 3), token("arn:x\"y")), ("grö", "arn:x"));
    }
}
