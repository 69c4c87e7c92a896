//! The file with the endpoint's token: where AWS tools read it, and nobody else.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::Helper;
use super::super::failure::Failure;
use crate::private_file;

/// The file, in a folder of its own. Both are gone when this is dropped.
#[derive(Debug)]
pub(super) struct TokenFile {
    folder: PathBuf,
}

impl TokenFile {
    /// Writes the token, without a final newline: tools send what is in the file as it is.
    pub(super) fn create(helper: &Helper, token: &str) -> Result<Self, Failure> {
        let home = helper.environment.home.as_ref().ok_or(Failure::NoHome)?;
        let name = format!("lodge-serve-{}", hex::encode(helper.random.bytes::<8>()));
        // A directory of this machine's rather than one that may be on a network.
        let in_runtime = helper.environment.runtime.as_ref().and_then(|it| make(&it.join(&name)).ok());
        let folder = match in_runtime {
            Some(folder) => folder,
            None => make(&home.join(&name)).map_err(|source| failure("create", &home.join(&name), source))?,
        };
        let file = Self { folder };
        let path = file.file();
        private_file::create_new(&path)
            .and_then(|mut file| file.write_all(token.as_bytes()))
            .map_err(|source| failure("write", &path, source))?;
        Ok(file)
    }

    /// Where the file is, as a variable has it.
    pub(super) fn path(&self) -> Result<String, Failure> {
        let path = self.file();
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| failure("name", &path, io::ErrorKind::InvalidFilename.into()))
    }

    fn file(&self) -> PathBuf {
        self.folder.join("token")
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.file());
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// A new private folder, by its whole path: a job may go to another directory.
fn make(folder: &Path) -> io::Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    private_file::create_folder(&folder)?;
    Ok(folder)
}

fn failure(action: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::File { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::super::super::stand_in::Desk;
    use super::*;

    #[test]
    fn the_file_is_private_holds_the_token_alone_and_goes_with_its_folder() {
        let mut desk = Desk::new();
        std::fs::create_dir(desk.directory.path().join("lodge")).unwrap();
        let runtime = desk.directory.path().join("runtime");
        std::fs::create_dir(&runtime).unwrap();

        for (runtime, place) in [(Some(runtime), "runtime"), (Some("/nowhere/at/all".into()), "lodge"), (None, "lodge")]
        {
            desk.helper.environment.runtime = runtime;
            let file = TokenFile::create(&desk.helper, "canary").unwrap();
            let path = PathBuf::from(file.path().unwrap());

            assert_eq!(std::fs::read(&path).unwrap(), b"canary");
            assert!(private_file::is_private(&path).unwrap() && private_file::is_private(&file.folder).unwrap());
            assert_eq!(file.folder.parent(), Some(desk.directory.path().join(place).as_path()));
            drop(file);
            assert!(!path.parent().unwrap().exists());
        }
    }
}
