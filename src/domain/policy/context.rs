//! What a request says about itself and its caller: the condition keys of one evaluation.
//!
//! Whoever evaluates fills in the keys that AWS would; nothing here invents one, because an absent key means something.

use std::collections::BTreeMap;

/// Condition keys and their values. Names are compared without regard to case, as IAM does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// A context without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same context with one single-valued key more; an earlier value of the key is replaced.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_values(key, [value.into()])
    }

    /// The same context with one multi-valued key more; no values means that the key is absent.
    #[must_use]
    pub fn with_values(mut self, key: &str, values: impl IntoIterator<Item = String>) -> Self {
        let values: Vec<String> = values.into_iter().collect();
        if values.is_empty() {
            self.0.remove(&key.to_lowercase());
        } else {
            self.0.insert(key.to_lowercase(), values);
        }
        self
    }

    /// The values of a key, at least one; `None` when the key is absent.
    #[must_use]
    pub fn values(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_lowercase()).map(Vec::as_slice)
    }

    /// Every key that is there, in lower case, with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// The value of a key that has exactly one.
    #[must_use]
    pub fn single(&self, key: &str) -> Option<&str> {
        match self.values(key) {
            Some([value]) => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        let context = Context::new().with("aws:SourceIdentity", "p-1");

        assert_eq!(context.single("AWS:sourceidentity"), Some("p-1"));
        assert_eq!(context.single("aws:userid"), None);
    }

    #[test]
    fn a_key_without_values_is_absent_and_one_with_two_is_not_single() {
        let context = Context::new().with("a", "1").with_values("a", []).with_values("b", ["1".into(), "2".into()]);

        assert_eq!(context.values("a"), None);
        assert_eq!(context.single("b"), None);
        assert_eq!(context.values("b").map(<[String]>::len), Some(2));
    }
}
