//! The demo prints three commands to try. They work as they are printed, in a shell, from whatever folder it keeps its
//! data in; and the first one opens a browser by itself.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::demo::Demo;
use crate::support::peers::{self, Peer};
use crate::support::process::{Ended, Process};
use crate::support::visitor::Visitor;
use crate::support::{eventually, programs, root};

/// A person's terminal: `lodge` and `aws` are on its path, and its browser writes down where it is sent.
struct Terminal {
    home: TempDir,
}

impl Terminal {
    fn command(&self, line: &str) -> Command {
        let aws = peers::aws_program();
        let mut command = programs::shell(self.home.path(), &[aws.parent().unwrap()], line);
        let browser = root().join("tests/peers/noting-browser");
        command.env("BROWSER", browser).env("NOTED_ADDRESS", self.noted_address()).env("AWS_PAGER", "");
        command
    }

    fn run(&self, line: &str) -> Ended {
        Process::run(line, &mut self.command(line), "")
    }

    fn noted_address(&self) -> PathBuf {
        self.home.path().join("noted-address")
    }
}

#[test]
fn the_three_commands_that_the_demo_prints_work_as_printed() {
    if !peers::require("the_three_commands_that_the_demo_prints_work_as_printed", &[Peer::AwsCli]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&folder.path().join("my lab's data"));
    let printed = demo.process.stdout();
    let commands: Vec<_> = printed.lines().skip_while(|line| !line.starts_with("Try,")).skip(2).take(3).collect();
    let terminal = Terminal { home: tempfile::tempdir().unwrap() };

    let login = Process::start(commands[0], &mut terminal.command(commands[0]));
    let address = eventually("the address that the browser is sent to", || {
        std::fs::read_to_string(terminal.noted_address()).ok().filter(|address| !address.is_empty())
    });
    let mut visitor = Visitor::new();
    let asked = visitor.sign_in(&address, "student");
    let handed_over = visitor.press(&asked, "Yes");
    visitor.open(handed_over.links().last().unwrap().1.as_str());
    let login = login.wait();
    let status = terminal.run(commands[1]);
    let hits = terminal.run(commands[2]);

    assert!(login.status.success(), "{}", login.stderr);
    assert!(status.stdout.contains("vision/read-results"), "{} {}", status.stdout, status.stderr);
    assert_eq!(hits.stdout.matches("\"HITId\"").count(), 4, "{}\n{}", commands[2], hits.stderr);
}
