//! Request parameters: each at most once, and an empty one counts as absent (RFC 6749, section 3.1).

use std::collections::BTreeMap;

use url::form_urlencoded;

/// The parameters of one request.
pub(super) struct Parameters(BTreeMap<String, String>);

/// A parameter came twice.
#[derive(Debug)]
pub(super) struct Repeated;

impl Parameters {
    pub(super) fn parse(encoded: &[u8]) -> Result<Self, Repeated> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Repeated);
            }
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}
