//! What is built for a deployment: the broker without its demo, and the helper without the broker.

use std::process::Command;

use crate::support::process::Process;
use crate::support::programs;

/// Words that only the demo's identity provider and AWS have.
const DEMO_WORDS: [&str; 3] = ["A university that does not exist", "MTurkRequesterServiceV20170117", "Kim Sørensen"];

/// The broker as `deploy/Dockerfile` builds it, where `tests/run` has put it.
fn broker_alone() -> Option<std::path::PathBuf> {
    std::env::var_os("LODGE_TEST_LODGED_ALONE").map(Into::into)
}

fn words_in(program: &std::path::Path) -> Vec<&'static str> {
    let bytes = std::fs::read(program).unwrap();
    let holds = |word: &&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    DEMO_WORDS.into_iter().filter(holds).collect()
}

/// A provider that signs in anyone must not ship.
#[test]
fn the_broker_that_ships_has_no_demo_in_it() {
    let Some(program) = broker_alone() else {
        println!("skipped: the_broker_that_ships_has_no_demo_in_it (`tests/run` builds what it looks at)");
        return;
    };

    let ended = Process::run("lodged", Command::new(&program).arg("demo"), "");
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("unrecognized subcommand 'demo'"), "{}", ended.stderr);
    assert_eq!(words_in(&program), Vec::<&str>::new());
    // The positive control: they are found where they are.
    assert_eq!(words_in(programs::lodged().get_program().as_ref()), DEMO_WORDS);
}

#[test]
fn the_broker_that_ships_serves() {
    let Some(program) = broker_alone() else {
        println!("skipped: the_broker_that_ships_serves (`tests/run` builds what it looks at)");
        return;
    };

    let ended = Process::run("lodged", Command::new(&program).args(["serve", "--config", "/nowhere/lodge.toml"]), "");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(
        ended.stderr.trim_end(),
        "lodged: the settings in /nowhere/lodge.toml: cannot read /nowhere/lodge.toml: No such file or directory (os \
         error 2)"
    );
}
