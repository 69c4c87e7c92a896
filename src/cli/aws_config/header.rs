//! The line that begins a section.

use super::line::trim;

/// What a section describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `[default]`, the profile of whoever names none.
    Default,
    /// `[profile NAME]`.
    Profile,
    /// `[sso-session NAME]`.
    SsoSession,
    /// `[services NAME]`.
    Services,
    /// Anything else, such as `[preview]` or a profile that lacks its word.
    Other,
}

/// The kind and the name of a header; `None` for a line that is none. What follows the bracket is of no matter.
pub(super) fn parse(content: &[u8]) -> Option<(Kind, String)> {
    let inside = trim(content).strip_prefix(b"[")?;
    let end = inside.iter().position(|byte| *byte == b']')?;
    let inside = String::from_utf8_lossy(trim(&inside[..end])).into_owned();
    if inside == "default" {
        return Some((Kind::Default, inside));
    }
    let (word, name) = inside.split_once([' ', '\t']).unwrap_or((inside.as_str(), ""));
    let kind = match word {
        "profile" => Kind::Profile,
        "sso-session" => Kind::SsoSession,
        "services" => Kind::Services,
        _ => Kind::Other,
    };
    let name = unquoted(name.trim());
    if kind == Kind::Other || name.is_empty() { Some((Kind::Other, inside)) } else { Some((kind, name.to_owned())) }
}

/// A name without the quotes that may stand around it.
fn unquoted(name: &str) -> &str {
    let within = |quote| name.strip_prefix(quote).and_then(|name| name.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(name)
}
