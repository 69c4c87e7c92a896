//! How the file is written, where a machine does not make that easy.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::support::files_under;
use crate::support::programs::with_file_limit;

/// A person with a folder for AWS's files, and one of them.
struct Desk {
    person: Person,
    folder: PathBuf,
    file: PathBuf,
    _world: World,
}

const THEIRS: &str = "[default]\nregion = us-east-1\n";

impl Desk {
    fn new() -> Self {
        let world = World::start();
        let person = signed_in(&world);
        let folder = person.home().join(".aws");
        fs::create_dir(&folder).unwrap();
        let file = folder.join("config");
        fs::write(&file, THEIRS).unwrap();
        Self { person, folder, file, _world: world }
    }

    fn command(&self) -> Command {
        let mut command = programs::lodge(self.person.home());
        command.arg("configure").env("AWS_CONFIG_FILE", &self.file);
        command
    }

    /// Holds the folder to have nothing in it but these, and perhaps a lock.
    fn has_only(&self, names: &[&str]) {
        let found = files_under(&self.folder);
        let found = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
        let found: Vec<&str> = found.filter(|name| !name.ends_with(".lodge-lock")).collect();
        assert_eq!(found, names);
    }
}

#[test]
fn a_link_is_followed_and_stays() {
    let desk = Desk::new();
    let real = desk.folder.join("real");
    fs::rename(&desk.file, &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("real", &desk.file).unwrap();

    let ended = configure(&desk.person, &desk.file, &[]);

    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(fs::read_link(&desk.file).unwrap(), Path::new("real"));
    assert!(fs::read_to_string(&real).unwrap().starts_with(&format!("{THEIRS}\n[profile vision-pay]\n")));
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o644);
    desk.has_only(&["config", "real"]);
}

#[test]
fn a_read_only_file_is_refused() {
    let desk = Desk::new();
    fs::set_permissions(&desk.file, fs::Permissions::from_mode(0o400)).unwrap();

    let ended = configure(&desk.person, &desk.file, &[]);

    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("is read-only and was left as it is; run: chmod u+w '"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&desk.file).unwrap(), THEIRS);
    desk.has_only(&["config"]);
}

/// Root may write anywhere, so the helper is run as somebody else then.
#[test]
fn a_read_only_folder_leaves_the_file_as_it_was() {
    const SOMEBODY: u32 = 54_321;
    let desk = Desk::new();
    let program = desk.person.home().join("lodge");
    fs::copy(env!("CARGO_BIN_EXE_lodge"), &program).unwrap();
    fs::set_permissions(&desk.folder, fs::Permissions::from_mode(0o500)).unwrap();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = if is_root {
        for path in files_under(desk.person.home()).iter().chain([&desk.folder, &desk.person.home().to_owned()]) {
            std::os::unix::fs::lchown(path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        }
        let id = SOMEBODY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    for (name, value) in desk.command().get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }

    let ended = Process::run("lodge configure", command.arg("configure"), "");

    fs::set_permissions(&desk.folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("lodge: cannot write "), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&desk.file).unwrap(), THEIRS);
    desk.has_only(&["config"]);
}

#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    let desk = Desk::new();
    let large = THEIRS.repeat(10_000);
    fs::write(&desk.file, &large).unwrap();

    let ended = Process::run("lodge configure", &mut with_file_limit(&desk.command(), 64), "");

    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("lodge: cannot write "), "{}", ended.stderr);
    assert!(fs::read_to_string(&desk.file).unwrap() == large);
    desk.has_only(&["config"]);
}

#[test]
fn ten_at_once_write_each_profile_once() {
    let desk = Desk::new();

    let helpers: Vec<Process> = (0..10).map(|_| Process::start("lodge configure", &mut desk.command())).collect();
    for helper in helpers {
        let ended = helper.wait();
        assert!(ended.status.success(), "{}", ended.stderr);
    }

    let text = fs::read_to_string(&desk.file).unwrap();
    for profile in PROFILES {
        assert_eq!(text.matches(&format!("[profile {profile}]")).count(), 1, "{text}");
    }
    desk.has_only(&["config"]);
}
