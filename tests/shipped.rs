//! What is built for a deployment: the broker without its demo, and the helper without the broker.

use std::path::{Path, PathBuf};
use std::process::Command;

use lodge::app::Downloads;

use crate::support::process::Process;
use crate::support::{programs, root};

/// Words that only the demo's identity provider and AWS have.
const DEMO_WORDS: [&str; 3] =
    ["A university that does not exist", "This page stands in for the AWS console", "Kim Sørensen"];

/// The broker as `deploy/Dockerfile` builds it, where `tests/run` has put it.
fn broker_alone() -> Option<PathBuf> {
    std::env::var_os("LODGE_TEST_LODGED_ALONE").map(Into::into)
}

fn words_in(program: &Path) -> Vec<&'static str> {
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

/// The folder that `deploy/build-lodge` has made, where `tests/run` has had it made.
fn offered() -> Option<PathBuf> {
    std::env::var_os("LODGE_TEST_HELPER_ALONE").map(Into::into)
}

/// Whether a program asks for another to load it, and so for the libraries of the machine: a header of the kind `PT_INTERP`
/// (System V ABI, chapter 5), in a 64-bit file of least significant bytes first.
fn is_loaded_by_another(program: &[u8]) -> bool {
    assert_eq!(&program[..6], b"\x7fELF\x02\x01");
    let half = |at: usize| usize::from(u16::from_le_bytes([program[at], program[at + 1]]));
    let start = usize::try_from(u64::from_le_bytes(program[32..40].try_into().unwrap())).unwrap();
    let (size, count) = (half(54), half(56));
    (0..count).any(|n| program[start + n * size..][..4] == 3_u32.to_le_bytes())
}

#[test]
fn the_helper_that_is_offered_needs_nothing_of_the_machine() {
    let Some(folder) = offered() else {
        println!(
            "skipped: the_helper_that_is_offered_needs_nothing_of_the_machine (`tests/run` builds what it looks at)"
        );
        return;
    };

    // Holds the program to the digest beside it, too.
    let offered = Downloads::read(&folder).unwrap();
    let names: Vec<_> = offered.programs().map(|it| it.name().to_owned()).collect();
    assert_eq!(names, [format!("lodge-{}-linux-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)]);
    assert!(offered.get(&format!("{}.sha256", names[0])).is_some());
    let program = folder.join(&names[0]);
    assert!(!is_loaded_by_another(&std::fs::read(&program).unwrap()));
    // The positive control.
    assert!(is_loaded_by_another(&std::fs::read(programs::lodged().get_program()).unwrap()));
    assert_eq!(words_in(&program), Vec::<&str>::new());

    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(&program);
    command.arg("status").env_clear().env("LODGE_HOME", home.path()).env("LODGE_BROKER", "https://lodge.invalid");
    let ended = Process::run("lodge", &mut command, "");
    assert_eq!(ended.status.code(), Some(4), "{}", ended.stderr);

    let path = [b"/cargo/regi", b"stry".as_slice()].concat();
    let bytes = std::fs::read(&program).unwrap();
    assert!(bytes.windows(path.len()).any(|window| window == path), "is this the right way to look?");
    let home = std::env::var_os("HOME").unwrap().into_string().unwrap();
    assert!(!bytes.windows(home.len() + 8).any(|window| window == format!("{home}/.cargo/").as_bytes()));
}

/// What is not in the unit any more was taken out by somebody who had to change this, too.
#[test]
fn the_unit_leaves_the_broker_nothing_of_the_machine_that_it_does_not_need() {
    let unit = std::fs::read_to_string(root().join("deploy/lodged.service")).unwrap();
    let lines: Vec<_> = unit.lines().collect();

    for (setting, values) in [
        (
            "yes",
            "LockPersonality MemoryDenyWriteExecute NoNewPrivileges PrivateDevices PrivateMounts PrivateTmp PrivateUsers",
        ),
        ("yes", "ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules"),
        ("yes", "ProtectKernelTunables RemoveIPC RestrictNamespaces RestrictRealtime RestrictSUIDSGID"),
        ("", "CapabilityBoundingSet"),
        ("closed", "DevicePolicy"),
        ("lodge", "User Group"),
        ("strict", "ProtectSystem"),
        ("invisible", "ProtectProc"),
        ("0077", "UMask"),
        ("0", "LimitCORE"),
        ("@system-service", "SystemCallFilter"),
        ("~@privileged @resources", "SystemCallFilter"),
        ("AF_INET AF_INET6 AF_UNIX", "RestrictAddressFamilies"),
    ] {
        for name in values.split(' ') {
            assert!(lines.contains(&format!("{name}={setting}").as_str()), "{name}={setting}");
        }
    }
    for too_much in ["AmbientCapabilities", "ReadWritePaths", "BindPaths", "PermissionsStartOnly", "ExecStartPre"] {
        assert!(!unit.contains(too_much), "{too_much}");
    }
    assert!(unit.contains("ExecStart=/usr/local/bin/lodged serve --config /etc/lodge/lodge.toml\n"));
}

#[test]
fn the_container_has_the_broker_alone_and_no_rights() {
    let file = std::fs::read_to_string(root().join("deploy/Dockerfile")).unwrap();
    let last = file.rsplit("\nFROM ").next().unwrap();

    let copied: Vec<_> = last.lines().filter(|line| line.starts_with("COPY") || line.starts_with("ADD")).collect();
    assert_eq!(copied, ["COPY --from=build /build/target/release/lodged /usr/local/bin/lodged"]);
    assert!(last.contains("\nUSER lodge\n") && !last.contains("USER root"));
    assert!(!file.contains("--bin lodge\n") && !file.contains("AWS_"), "neither the helper nor a key");
}
