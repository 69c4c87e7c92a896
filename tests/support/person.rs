//! A person with a machine of their own: a directory for the helper, and hands that press the buttons of real pages.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::process::{Ended, Process};
use super::programs;
use super::visitor::{Page, Visitor};

/// Somebody at a terminal, with a browser beside it.
pub(crate) struct Person {
    /// What the identity provider calls them: `student`.
    pub(crate) name: String,
    pub(crate) visitor: Visitor,
    home: TempDir,
}

impl Person {
    /// Somebody who has never used the helper.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), visitor: Visitor::new(), home: tempfile::tempdir().unwrap() }
    }

    /// Somebody whose helper is signed in to this broker.
    pub(crate) fn signed_in(name: &str, broker: &str) -> Self {
        let mut person = Self::new(name);
        let ended = person.log_in(broker, "Yes, it is me");
        assert!(ended.status.success(), "{name} could not log in: {}", ended.stderr);
        person
    }

    /// Runs `lodge login --no-browser`, signs in, presses this button on the broker's own page, and follows it to the
    /// helper.
    pub(crate) fn log_in(&mut self, broker: &str, button: &str) -> Ended {
        let (helper, url) = self.begin_login(broker);
        let asked = self.visitor.sign_in(url.as_str(), &self.name);
        let handed_over = self.visitor.press(&asked, button);
        self.go_on(&handed_over);
        helper.wait()
    }

    /// Runs `lodge login --no-browser` as far as the address that it prints.
    pub(crate) fn begin_login(&self, broker: &str) -> (Process, Url) {
        let mut command = programs::lodge(self.home());
        let helper = Process::start("lodge login", command.args(["login", broker, "--no-browser"]));
        let url = helper.wait_for_line("/oauth/authorize?").trim().parse().unwrap();
        (helper, url)
    }

    /// Follows the link of the page that leads from the broker to the helper.
    pub(crate) fn go_on(&mut self, page: &Page) -> Page {
        let link = page.links().into_iter().find(|(text, _)| text == "Go on");
        let (_, url) = link.unwrap_or_else(|| panic!("{} leads nowhere: {}", page.url, page.text()));
        assert_eq!(url.host_str(), Some("127.0.0.1"), "{url}");
        self.visitor.open(url.as_str())
    }

    /// What the helper keeps for them.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the helper to its end.
    pub(crate) fn lodge(&self, arguments: &[&str]) -> Ended {
        self.lodge_with(arguments, &[])
    }

    /// The same with these variables set.
    pub(crate) fn lodge_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = programs::lodge(self.home());
        Process::run("lodge", command.args(arguments).envs(variables.iter().copied()), "")
    }

    /// Runs `lodge credential-process` to its end, whatever is kept on their machine: the broker is asked.
    pub(crate) fn ask_for(&self, role: &str) -> Ended {
        self.lodge(&["credential-process", "--no-cache", role])
    }

    /// Takes away what is kept of credentials on their machine, as time does.
    pub(crate) fn forget_credentials(&self) {
        std::fs::remove_dir_all(self.home().join("credentials")).unwrap();
    }

    /// The token of their session with this broker, as it stands in the helper's file.
    pub(crate) fn token(&self, broker: &str) -> String {
        let file = self.session_file(broker);
        let session: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        session["access_token"].as_str().unwrap().to_owned()
    }

    /// Where the helper keeps their session with this broker.
    pub(crate) fn session_file(&self, broker: &str) -> std::path::PathBuf {
        let files = super::files_under(self.home());
        let is_session = |path: &std::path::PathBuf| {
            let session = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            session.is_some_and(|session| session["broker"] == broker && session["access_token"].is_string())
        };
        files.into_iter().find(is_session).unwrap_or_else(|| panic!("{} has no session with {broker}", self.name))
    }
}
