//! The templates that the broker ships, read once at start.

use std::collections::BTreeMap;

use super::template::{PolicyTemplate, TemplateError};
use super::template_name::TemplateName;

/// Every file under `policies/` that is a template. A test compares this list with the folder.
const SHIPPED: [(&str, &str); 5] = [
    ("mturk/pay", include_str!("../../../policies/mturk/pay.json")),
    ("mturk/publish", include_str!("../../../policies/mturk/publish.json")),
    ("mturk/read-results", include_str!("../../../policies/mturk/read-results.json")),
    ("s3-data/publish", include_str!("../../../policies/s3-data/publish.json")),
    ("s3-data/read-results", include_str!("../../../policies/s3-data/read-results.json")),
];

/// A template that cannot be used, and its name.
#[derive(Debug, thiserror::Error)]
#[error("the policy template `{name}` cannot be used")]
pub struct LibraryError {
    name: String,
    #[source]
    source: TemplateError,
}

/// The templates, by name.
#[derive(Clone, Debug)]
pub struct PolicyLibrary(BTreeMap<TemplateName, PolicyTemplate>);

impl PolicyLibrary {
    /// The templates that are shipped.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used: the broker then does not start.
    pub fn shipped() -> Result<Self, LibraryError> {
        Self::of_files(SHIPPED)
    }

    /// The templates in these files: the name of each, and what is in it.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used.
    pub fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, LibraryError> {
        files.into_iter().map(|(name, text)| read(name, text)).collect::<Result<_, _>>().map(Self)
    }

    /// These templates with others beside them, which stand in the place of those that are called the same.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// One template.
    #[must_use]
    pub fn get(&self, name: &TemplateName) -> Option<&PolicyTemplate> {
        self.0.get(name)
    }

    /// Whether a role made of this template can spend. Of one that is gone nothing is issued at all.
    #[must_use]
    pub fn spends(&self, name: &TemplateName) -> bool {
        self.get(name).is_some_and(PolicyTemplate::spends)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&TemplateName, &PolicyTemplate)> {
        self.0.iter()
    }
}

fn read(name: &str, text: &str) -> Result<(TemplateName, PolicyTemplate), LibraryError> {
    let error = |source| LibraryError { name: name.to_owned(), source };
    let template = PolicyTemplate::parse(text).map_err(error)?;
    let name = name.parse().map_err(|_| error(TemplateError::Name))?;
    Ok((name, template))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_in_the_folder_is_shipped() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let mut files = BTreeSet::new();
        for pack in std::fs::read_dir(&root).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
            for file in std::fs::read_dir(pack.path()).unwrap().map(|entry| entry.unwrap().path()) {
                let name = file.with_extension("");
                files.insert(name.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }

        assert_eq!(files, SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect());
    }

    #[test]
    fn what_publishes_or_pays_spends() {
        let library = PolicyLibrary::shipped().unwrap();
        let spends = |name: &str| library.spends(&name.parse().unwrap());

        assert!(spends("mturk/pay") && spends("mturk/publish"));
        assert!(!spends("mturk/read-results") && !spends("mturk/gone"));
    }

    #[test]
    fn every_shipped_template_fills_and_fits() {
        for (name, template) in PolicyLibrary::shipped().unwrap().iter() {
            assert!(template.fill(&template.examples()).is_ok(), "{name}");
            assert!(!template.title().is_empty() && !template.cost().is_empty(), "{name}");
        }
    }
}
