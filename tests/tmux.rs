//! `lodge login --remote` in a real tmux without a display: a person on a cluster's login node, who copies the address out
//! of a pane and pastes the code into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::broker::pasted_from;
use crate::support::eventually;
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::process::Process;
use crate::support::programs;
use crate::support::world::World;

/// A tmux server of the test's own with one pane. It ends when dropped, with all that runs in it.
struct Tmux {
    folder: TempDir,
    program: PathBuf,
}

impl Tmux {
    /// A pane of an ordinary width, in which this line runs, in the home of this person.
    fn start(home: &Path, line: &str) -> Self {
        let tmux = Self { folder: tempfile::tempdir().unwrap(), program: peers::tmux() };
        let helper = programs::lodge(home);
        let mut command = tmux.command(&["new-session", "-d", "-x", "80", "-y", "24", line]);
        for (name, value) in helper.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("TMUX").env("SHELL", "/bin/sh");
        let ended = Process::run("tmux", &mut command, "");
        assert!(ended.status.success(), "{}", ended.stderr);
        tmux
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-u").arg("-S").arg(self.folder.path().join("socket")).args(["-f", "/dev/null"]).args(arguments);
        command
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let ended = Process::run("tmux", &mut self.command(arguments), "");
        assert!(ended.status.success(), "{arguments:?}: {}", ended.stderr);
        ended.stdout
    }

    /// Everything that the pane has shown, with lines that it had to break put together: what one copies out of it.
    fn shown(&self) -> String {
        self.ask(&["capture-pane", "-p", "-J", "-S", "-"])
    }

    /// The first line that has this in it.
    fn wait_for(&self, text: &str) -> String {
        eventually(text, || self.shown().lines().find(|line| line.contains(text)).map(str::to_owned))
    }

    /// Waits until the terminal shows nothing of what is typed.
    fn wait_for_silence(&self) {
        let terminal = self.ask(&["display-message", "-p", "#{pane_tty}"]);
        eventually("a silent terminal", || {
            let mut stty = Command::new("stty");
            let ended = Process::run("stty", stty.args(["-F", terminal.trim(), "-a"]), "");
            ended.stdout.contains(" -echo ").then_some(())
        });
    }

    fn type_in(&self, text: &str) {
        self.ask(&["send-keys", "-l", "--", text]);
        self.ask(&["send-keys", "Enter"]);
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(shown) = self.command(&["capture-pane", "-p", "-J", "-S", "-"]).output()
        {
            eprintln!("--- the pane shows:\n{}\n---", String::from_utf8_lossy(&shown.stdout));
        }
        let _ = self.command(&["kill-server"]).output();
    }
}

#[test]
fn a_code_is_pasted_into_tmux_and_never_shown_there() {
    if !peers::require("a_code_is_pasted_into_tmux_and_never_shown_there", &[Peer::Tmux]) {
        return;
    }
    let world = World::start();
    let mut person = Person::new("student");
    let helper = programs::lodge(person.home());
    let line = format!(
        "{} login --remote {}; echo \"ended $?, display '$DISPLAY$WAYLAND_DISPLAY'\"; exec cat",
        helper.get_program().display(),
        world.url
    );
    let tmux = Tmux::start(person.home(), &line);

    let address = tmux.wait_for("/oauth/authorize?");
    let address = address.trim();
    assert!(address.len() > 80 && !address.contains(' '), "it is whole, though the pane is narrower: {address}");
    let page = person.visitor.sign_in(address, "student");
    let text = pasted_from(&person.visitor.press(&page, "yes"));
    tmux.wait_for("Paste that here");
    tmux.wait_for_silence();
    tmux.type_in("not what was asked for");
    tmux.wait_for("That is not the code of this sign-in.");
    tmux.wait_for_silence();
    tmux.type_in(&text);
    tmux.wait_for("ended 0, display ''");
    tmux.type_in("the positive control");
    tmux.wait_for("the positive control");

    let shown = tmux.shown();
    let (code, state) = text.split_once('.').unwrap();
    assert!(!shown.contains(code) && !shown.contains(&format!(".{state}")), "{shown}");
    assert!(!shown.contains("not what was asked for"), "{shown}");
    assert!(shown.contains("Signed in to"), "{shown}");
    let ended = person.ask_for("vision/read-results");
    assert!(ended.status.success(), "{}", ended.stderr);
}
