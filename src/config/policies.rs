//! `[policies]`: the operator's own templates, over those that the broker ships.
//!
//! `FOLDER/PACK/NAME.json` is the template `PACK/NAME`. It stands beside the shipped ones, or in the place of one of the
//! same name. Anything else in the folder is refused rather than passed over: a file that is misspelled would leave the
//! shipped template in force, and nobody would know.

use std::fs;
use std::path::{Path, PathBuf};

use super::load::value;
use super::{Config, Error};
use crate::domain::policy::{PolicyLibrary, TEMPLATE_MAX_BYTES};
use crate::telemetry::chain;

/// Many times what any university has.
const FILES_MAX: usize = 500;

/// The key that all of this is about.
const KEY: &str = "policies.folder";

impl Config {
    /// The templates that the broker works with.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or something in it is no template that can be used.
    pub fn policies(&self) -> Result<PolicyLibrary, Error> {
        let shipped = PolicyLibrary::shipped().map_err(|error| value("policies", chain(&error)))?;
        Ok(match self.own_policies()? {
            Some(own) => shipped.with(own),
            None => shipped,
        })
    }

    /// The operator's own templates alone.
    ///
    /// # Errors
    ///
    /// As [`Config::policies`].
    pub fn own_policies(&self) -> Result<Option<PolicyLibrary>, Error> {
        let Some(folder) = &self.policies.folder else { return Ok(None) };
        let files = files(folder)?;
        let files = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        PolicyLibrary::of_files(files).map(Some).map_err(|error| value(KEY, chain(&error)))
    }
}

/// Every template's name and text.
fn files(folder: &Path) -> Result<Vec<(String, String)>, Error> {
    let mut all = Vec::new();
    for pack in entries(folder)? {
        if !pack.is_dir() {
            if !is_for_people(&pack) {
                return Err(unfit(&pack, "is neither a folder of templates nor a README"));
            }
            continue;
        }
        for file in entries(&pack)? {
            if is_for_people(&file) {
                continue;
            }
            if file.extension().is_none_or(|extension| extension != "json") || file.is_dir() {
                return Err(unfit(&file, "is not NAME.json"));
            }
            let name = file.with_extension("");
            let name = name.strip_prefix(folder).ok().and_then(Path::to_str).map(|name| name.replace('\\', "/"));
            let name = name.ok_or_else(|| unfit(&file, "has a name that is no text"))?;
            all.push((name, text(&file)?));
            if all.len() > FILES_MAX {
                return Err(unfit(&file, &format!("is one more than {FILES_MAX} templates")));
            }
        }
    }
    Ok(all)
}

/// What is in a folder, by name. What begins with a dot is the system's own business: Kubernetes has such folders beside
/// the files that it mounts.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let read = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> =
        read.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(unreadable)?;
    paths.retain(|path| !name_of(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// A README, and the JSON Schema for editors.
fn is_for_people(path: &Path) -> bool {
    let name = name_of(path);
    name.starts_with("README") || name.ends_with(".schema.json")
}

fn text(file: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Read { path: file.to_owned(), source };
    let length = fs::metadata(file).map_err(unreadable)?.len();
    if length > TEMPLATE_MAX_BYTES as u64 {
        return Err(unfit(file, &format!("has {length} bytes; a template has {TEMPLATE_MAX_BYTES} at most")));
    }
    fs::read_to_string(file).map_err(unreadable)
}

fn unfit(path: &Path, problem: &str) -> Error {
    value(KEY, format!("{} {problem}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::tests::{GOOD, parse};

    const PAY: &str = include_str!("../../policies/mturk/pay.json");

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn with_settings(more: &str) -> Config {
        parse(&format!("{more}\n{GOOD}"), &[]).unwrap()
    }

    fn policies(files: &[(&str, &str)]) -> Result<PolicyLibrary, String> {
        let folder = folder(files);
        let config = with_settings(&format!("[policies]\nfolder = {:?}", folder.path()));
        let without_place = |error: Error| error.to_string().replace(&folder.path().display().to_string(), "FOLDER");
        config.policies().map_err(|error| {
            let source = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
            without_place(error) + &source
        })
    }

    #[test]
    fn a_template_of_ones_own_stands_beside_the_shipped_ones_or_in_the_place_of_one() {
        let own = PAY.replace("\"title\": \"Pay workers\"", "\"title\": \"Pay our workers\"");

        let library =
            policies(&[("mturk/pay.json", &own), ("ours/pay.json", PAY), ("README.md", "x"), ("..data/x", "y")]);

        let library = library.unwrap();
        let title = |name: &str| library.get(&name.parse().unwrap()).unwrap().title().to_owned();
        assert_eq!([title("mturk/pay"), title("ours/pay")], ["Pay our workers", "Pay workers"]);
        assert_eq!(library.iter().count(), PolicyLibrary::shipped().unwrap().iter().count() + 1);
    }

    #[test]
    fn without_a_folder_there_are_the_shipped_ones() {
        let config = with_settings("");

        assert_eq!(config.policies().unwrap().iter().count(), PolicyLibrary::shipped().unwrap().iter().count());
        assert!(config.own_policies().unwrap().is_none());
    }

    #[test]
    fn whatever_is_wrong_in_the_folder_is_refused_and_named() {
        let bad_action = PAY.replace("mechanicalturk:SendBonus", "mechanicalturk:GrantBonus");
        for (files, problem) in [
            (vec![("pay.json", PAY)], "policies.folder: FOLDER/pay.json is neither a folder of templates nor a README"),
            (vec![("ours/pay.jsn", PAY)], "policies.folder: FOLDER/ours/pay.jsn is not NAME.json"),
            (vec![("ours/more/pay.json", PAY)], "policies.folder: FOLDER/ours/more is not NAME.json"),
            (
                vec![("Ours/pay.json", PAY)],
                "policies.folder: the policy template `Ours/pay` cannot be used: the name is not PACK/NAME",
            ),
            (
                vec![("ours/pay.json", &bad_action)],
                "policies.folder: the policy template `ours/pay` cannot be used: /document/Statement/0/Action/13 names \
                 `mechanicalturk:GrantBonus`, which no service that we know has: IAM takes it and allows nothing",
            ),
            (
                vec![("ours/pay.json", "{")],
                "policies.folder: the policy template `ours/pay` cannot be used: it is not a policy template: EOF while \
                 parsing an object at line 1 column 1",
            ),
        ] {
            assert_eq!(policies(&files).unwrap_err(), problem);
        }
        let long = "x".repeat(TEMPLATE_MAX_BYTES + 1);
        assert!(policies(&[("ours/pay.json", &long)]).unwrap_err().contains("has 65537 bytes"));
        let config = with_settings("[policies]\nfolder = \"/nonesuch/policies\"");
        assert_eq!(config.policies().unwrap_err().to_string(), "cannot read /nonesuch/policies");
    }
}
