//! `lodge login --remote`, the program itself: on a machine without a browser, in a terminal and without one.

use std::process::Command;
use std::time::Duration;

use crate::support::broker::pasted_from;
use crate::support::person::Person;
use crate::support::process::Process;
use crate::support::programs;
use crate::support::world::World;

/// Signs in as the person does: reads the address in the terminal, visits it elsewhere, and brings back what is shown.
fn carried_code(person: &mut Person, terminal: &Process) -> String {
    let line = terminal.wait_for_line("/oauth/authorize?");
    let page = person.visitor.sign_in(line.trim(), "student");
    terminal.wait_for_line("Paste that here");
    pasted_from(&person.visitor.press(&page, "yes"))
}

fn works(world: &World, person: &Person) {
    let ended = person.ask_for("vision/read-results");
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(person.session_file(&world.url).exists());
}

#[test]
fn a_code_is_carried_from_a_browser_elsewhere() {
    let world = World::start();
    let mut person = Person::new("student");
    let mut command = programs::lodge(person.home());
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env("USER", "ada");
    let mut terminal = Process::start("lodge login", command.args(["login", "--remote", &world.url]));

    terminal.say("not what was asked for\n");
    let text = carried_code(&mut person, &terminal);
    terminal.say(&format!("  {text}\r\n"));
    let ended = terminal.wait();

    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let (code, _) = text.split_once('.').unwrap();
    assert!(!ended.stderr.contains(code), "{}", ended.stderr);
    assert!(ended.stderr.contains("That is not the code of this sign-in."), "{}", ended.stderr);
    assert!(ended.stderr.contains("Signed in to"), "{}", ended.stderr);
    works(&world, &person);
}

/// In a terminal of its own, which would repeat what is typed.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_does_not_show_what_is_pasted_and_is_as_it_was_afterwards() {
    let world = World::start();
    let mut person = Person::new("student");
    let helper = programs::lodge(person.home());
    let line = format!(
        "{} login --remote {}; echo ended $?; stty -a; read -r word",
        helper.get_program().display(),
        world.url
    );
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    for (name, value) in helper.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut terminal = Process::start("script", &mut command);

    let text = carried_code(&mut person, &terminal);
    // It becomes silent a moment after it has asked; no person is as fast.
    std::thread::sleep(Duration::from_millis(500));
    terminal.say(&format!("{text}\r"));
    terminal.wait_for_line("ended 0");
    terminal.wait_for_line(" echo ");
    terminal.say("the positive control\r");
    let ended = terminal.wait();

    let (code, state) = text.split_once('.').unwrap();
    let shown = &ended.stdout;
    assert!(!shown.contains(code) && !shown.contains(&format!(".{state}")), "{shown}");
    assert!(shown.contains("the positive control"), "{shown}");
    assert!(shown.contains("\nisig icanon iexten echo "), "{shown}");
    works(&world, &person);
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_leaves_a_terminal_that_can_be_used() {
    let world = World::start();
    let person = Person::new("student");
    let helper = programs::lodge(person.home());
    let line = format!("{} login --remote {}; echo ended $?; stty -a", helper.get_program().display(), world.url);
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("LODGE_HOME", person.home());
    let mut terminal = Process::start("script", &mut command);

    terminal.wait_for_line("Paste that here");
    std::thread::sleep(Duration::from_millis(500));
    terminal.say("\u{3}");
    terminal.wait_for_line("nothing was pasted");
    terminal.wait_for_line("ended 1");
    terminal.wait_for_line(" echo ");
    let shown = terminal.wait().stdout;

    assert!(shown.contains("\nisig icanon iexten echo "), "{shown}");
}
