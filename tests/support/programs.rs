//! Our own two programs, as a test starts them: nothing of whoever runs the tests reaches them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::peers::without_aws_settings;

/// The broker, with every feature.
pub(crate) fn lodged() -> Command {
    ours(env!("CARGO_BIN_EXE_lodged"))
}

/// The helper, with everything that it keeps under `home`.
pub(crate) fn lodge(home: &Path) -> Command {
    at_home(ours(env!("CARGO_BIN_EXE_lodge")), home)
}

/// A shell that runs `script`, in which `lodge` means the helper; other programs are looked for in these folders first.
pub(crate) fn shell(home: &Path, folders: &[&Path], script: &str) -> Command {
    let helper = Path::new(env!("CARGO_BIN_EXE_lodge")).parent().unwrap();
    let system = std::env::var_os("PATH").unwrap_or_default();
    let system: Vec<_> = std::env::split_paths(&system).collect();
    let all = std::iter::once(helper).chain(folders.iter().copied()).chain(system.iter().map(PathBuf::as_path));
    let mut command = at_home(ours("sh"), home);
    command.env("PATH", std::env::join_paths(all).unwrap()).args(["-c", script]);
    command
}

fn at_home(mut command: Command, home: &Path) -> Command {
    command.env("LODGE_HOME", home).env("HOME", home).env("TMPDIR", home);
    for elsewhere in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
        command.env_remove(elsewhere);
    }
    command
}

fn ours(program: &str) -> Command {
    let mut command = Command::new(program);
    without_aws_settings(&mut command);
    for prefix in
        ["LODGE_", "RUST_LOG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
    {
        forget(&mut command, prefix);
    }
    command
}

/// The same command under a limit on the size of files. A process that breaks it is sent a signal, which here is ignored, so that the write
/// itself fails.
pub(crate) fn with_file_limit(command: &Command, kib: u64) -> Command {
    let mut limited = Command::new("bash");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {kib}; exec \"$0\" \"$@\"")]);
    started_by(limited, command)
}

/// The same command, to which this folder is read-only, even for root.
#[cfg(target_os = "linux")]
pub(crate) fn with_read_only(command: &Command, folder: &Path) -> Command {
    let mut confined = Command::new("unshare");
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    confined.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(folder);
    started_by(confined, command)
}

/// The same command, which ignores no signal that whoever runs the tests has them ignore, as `nohup` does.
pub(crate) fn with_all_signals(command: &Command) -> Command {
    let mut signalled = Command::new("env");
    signalled.arg("--default-signal");
    started_by(signalled, command)
}

/// The command as what `starter` starts in the end.
fn started_by(mut starter: Command, command: &Command) -> Command {
    starter.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => starter.env(name, value),
            None => starter.env_remove(name),
        };
    }
    starter
}

/// Keeps every variable that begins so from the program.
pub(super) fn forget(command: &mut Command, prefix: &str) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(prefix) {
            command.env_remove(name);
        }
    }
}

#[test]
fn our_programs_see_no_settings_of_whoever_runs_the_tests() {
    let home = tempfile::tempdir().unwrap();

    for command in [lodged(), lodge(home.path())] {
        let set: Vec<_> = command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?))).collect();
        for prefix in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"] {
            assert!(set.iter().any(|(name, _)| *name == prefix), "{prefix}");
        }
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LODGE_TEST_")) {
            assert!(command.get_envs().any(|(removed, value)| removed == name && value.is_none()), "{name:?}");
        }
    }
    assert!(
        lodge(home.path())
            .get_envs()
            .any(|(name, value)| name == "LODGE_HOME" && value == Some(home.path().as_os_str()))
    );
}
