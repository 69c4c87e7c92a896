//! Just enough XML to answer the query protocol of STS.

/// Escapes a text for use between tags. What XML 1.0 cannot hold at all becomes U+FFFD.
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

/// An element that holds text.
pub(super) fn element(name: &str, text: &str) -> String {
    wrap(name, &escape(text))
}

/// An element that holds XML.
pub(super) fn wrap(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        assert_eq!(element("M", "<a b=\"c\">&\u{1}\u{85}é"), "<M>&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}\u{85}é</M>");
    }
}
