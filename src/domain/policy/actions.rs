//! temp
/// Whether known.
#[must_use]
pub fn is_known(action: &str) -> bool {
    action.strip_prefix("mechanicalturk:").is_some_and(|n| {
        !n.contains('*') && !n.starts_with("SearchH") && n.chars().next().is_some_and(char::is_uppercase)
    })
}
