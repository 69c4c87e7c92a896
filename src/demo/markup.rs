//! Text inside markup, for the pages of the identity provider and the answers of STS.

/// Escapes a text for use between tags or inside double quotes, in HTML and in XML. What XML 1.0 cannot hold at all
/// becomes U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            '\n' | '\t' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}' => {
                escaped.push(c);
            }
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        assert_eq!(
            escape("<a b=\"c\" d='e'>&\u{1}\u{85}é\r\n"),
            "&lt;a b=&quot;c&quot; d='e'&gt;&amp;\u{fffd}\u{85}é&#13;\n"
        );
    }
}
