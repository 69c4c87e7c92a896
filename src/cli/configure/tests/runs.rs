//! Whole runs at a desk, against a stand-in broker.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::cli::configure::file::ConfigFile;
use crate::cli::exit::Exit;
use crate::cli::stand_in::{Desk, StandIn};

/// A desk whose broker opens these roles, which can be changed.
struct Room {
    broker: StandIn,
    desk: Desk,
    roles: Arc<Mutex<Vec<&'static str>>>,
}

impl Room {
    fn with(roles: &[&'static str]) -> Self {
        let roles = Arc::new(Mutex::new(roles.to_vec()));
        let open = Arc::clone(&roles);
        let broker = StandIn::start(move |_, line| match line {
            "GET /api/v1/me" => ("200 OK", me(&open.lock().unwrap())),
            _ => ("404 Not Found", String::new()),
        });
        let mut desk = Desk::signed_in(&broker);
        desk.helper.environment.aws_config = Some(desk.directory.path().join(".aws/config"));
        desk.helper.environment.program = Some("/opt/lodge".into());
        Self { broker, desk, roles }
    }

    fn file(&self) -> PathBuf {
        self.desk.directory.path().join(".aws/config")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn put(&self, text: &str) {
        fs::create_dir_all(self.file().parent().unwrap()).unwrap();
        fs::write(self.file(), text).unwrap();
    }

    /// Exit code, stdout and stderr, with this machine's names left out.
    fn run(&self, arguments: &[&str]) -> (Exit, String, String) {
        let (exit, stdout, stderr) = self.desk.run(&[&["configure"], arguments].concat());
        let plain = |text: String| {
            let text = text.replace(&self.broker.url, "BROKER");
            text.replace(self.desk.directory.path().to_str().unwrap(), "HOME")
        };
        (exit, plain(stdout), plain(stderr))
    }

    fn mode(&self) -> u32 {
        fs::metadata(self.file()).unwrap().mode() & 0o777
    }
}

fn me(roles: &[&str]) -> String {
    let role = |role: &&str| {
        let (lab, role) = role.split_once('/').unwrap();
        serde_json::json!({"lab": lab, "role": role, "title": "Title", "ends_at": null, "needs": (role == "pay").then_some("approval")})
    };
    serde_json::json!({
        "person_id": "p-0123456789abcdef", "name": "Ada", "connection": "campus",
        "connection_title": "Example University", "signed_in_at": "2026-11-21T09:00:00Z",
        "session_expires_at": "2026-11-21T21:00:00Z", "groups": ["students"],
        "roles": roles.iter().map(role).collect::<Vec<_>>(), "standings": [],
    })
    .to_string()
}

#[test]
fn profiles_are_written_into_a_new_private_file() {
    let room = Room::with(&["vision/read-results", "vision/pay"]);

    let (exit, stdout, stderr) = room.run(&[]);

    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stdout, @"
    PROFILE              ROLE                 NOW
    vision-pay           vision/pay           added
    vision-read-results  vision/read-results  added
    ");
    assert_eq!(stderr, "To try one, run: aws sts get-caller-identity --profile vision-read-results\n");
    insta::assert_snapshot!(room.text().replace(&room.broker.url, "BROKER"), @"
    [profile vision-pay]
    # Written by lodge configure for vision/pay at BROKER
    credential_process = /opt/lodge credential-process --broker BROKER vision/pay

    [profile vision-read-results]
    # Written by lodge configure for vision/read-results at BROKER
    credential_process = /opt/lodge credential-process --broker BROKER vision/read-results
    ");
    assert_eq!(room.mode(), 0o600);
    assert_eq!(fs::metadata(room.file().parent().unwrap()).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_second_run_does_not_even_write() {
    let room = Room::with(&["vision/pay"]);
    room.run(&[]);
    let before = fs::metadata(room.file()).unwrap();

    let (exit, stdout, _) = room.run(&[]);

    let after = fs::metadata(room.file()).unwrap();
    assert_eq!(exit, Exit::Done);
    assert!(stdout.contains("as it was"), "{stdout}");
    assert_eq!((before.ino(), before.modified().unwrap()), (after.ino(), after.modified().unwrap()));
}

#[test]
fn a_dry_run_shows_the_change_and_makes_none() {
    let room = Room::with(&["vision/pay"]);
    room.put("[default]\naws_secret_access_key = canary\n");

    let (exit, stdout, stderr) = room.run(&["--dry-run"]);

    assert_eq!((exit, room.text().as_str()), (Exit::Done, "[default]\naws_secret_access_key = canary\n"));
    insta::assert_snapshot!(stdout, @"
    --- HOME/.aws/config
    +++ HOME/.aws/config
    @@ -2,0 +3,4 @@
    +
    +[profile vision-pay]
    +# Written by lodge configure for vision/pay at BROKER
    +credential_process = /opt/lodge credential-process --broker BROKER vision/pay
    ");
    assert_eq!(stderr, "Nothing was changed yet.\n");
    assert_eq!(fs::read_dir(room.file().parent().unwrap()).unwrap().count(), 1, "not even a lock is left");
}

#[test]
fn somebody_elses_profile_is_named_with_what_to_do_and_the_others_are_written() {
    let room = Room::with(&["vision/read-results", "vision/pay"]);
    let theirs = "[profile vision-pay]\nregion = eu-west-1\n";
    room.put(theirs);

    let (exit, stdout, stderr) = room.run(&[]);

    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!(stdout, @"
    PROFILE              ROLE                 NOW
    vision-pay           vision/pay           NOT WRITTEN
    vision-read-results  vision/read-results  added
    ");
    insta::assert_snapshot!(stderr, @"
    vision-pay for vision/pay was not written: HOME/.aws/config has a section [profile vision-pay] that lodge configure did not write for it; rename or remove that section, then run: lodge configure
    To try one, run: aws sts get-caller-identity --profile vision-read-results
    lodge: not every profile could be written, for the reasons above
    ");
    assert!(room.text().starts_with(theirs) && room.text().contains("[profile vision-read-results]"));
    assert_eq!(room.run(&["--dry-run"]).0, Exit::Done);
}

#[test]
fn roles_that_are_gone_are_named_and_then_removed() {
    let room = Room::with(&["vision/read-results", "vision/pay", "vision/publish"]);
    room.run(&[]);
    room.put(&room.text().replace("\n\n[profile vision-publish]", "\nregion = eu-west-1\n\n[profile vision-publish]"));
    *room.roles.lock().unwrap() = vec!["vision/publish"];

    let (exit, stdout, stderr) = room.run(&["--lab", "vision"]);
    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stdout, @"
    PROFILE              ROLE                 NOW
    vision-pay           vision/pay           not open to you any more, left
    vision-publish       vision/publish       as it was
    vision-read-results  vision/read-results  not open to you any more, left
    ");
    insta::assert_snapshot!(stderr, @"
    To remove profiles whose roles are not open to you any more, run: lodge configure --lab vision --prune
    To try one, run: aws sts get-caller-identity --profile vision-publish
    ");

    let (exit, stdout, stderr) = room.run(&["--prune"]);
    assert_eq!(exit, Exit::Done);
    insta::assert_snapshot!(stderr, @"
    vision-pay gives no credentials any more; when you do not need its settings, remove it from HOME/.aws/config
    To try one, run: aws sts get-caller-identity --profile vision-publish
    ");
    insta::assert_snapshot!(stdout, @"
    PROFILE              ROLE                 NOW
    vision-pay           vision/pay           command removed, your own settings left
    vision-publish       vision/publish       as it was
    vision-read-results  vision/read-results  removed
    ");
    insta::assert_snapshot!(room.text().replace(&room.broker.url, "BROKER"), @"
    [profile vision-pay]
    # Written by lodge configure for vision/pay at BROKER
    region = eu-west-1

    [profile vision-publish]
    # Written by lodge configure for vision/publish at BROKER
    credential_process = /opt/lodge credential-process --broker BROKER vision/publish
    ");
}

#[test]
fn without_a_role_it_says_what_to_do() {
    let room = Room::with(&[]);

    let (exit, stdout, stderr) = room.run(&[]);

    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    assert!(stderr.starts_with("No role is open to you yet.\n"), "{stderr}");
    assert!(!room.file().exists());

    let room = Room::with(&["vision/pay"]);
    let (exit, stdout, stderr) = room.run(&["--lab", "language"]);
    assert_eq!((exit, stdout.as_str()), (Exit::Done, ""));
    assert_eq!(stderr, "No role of language is open to you; to see which are, run: lodge status\n");
}

#[test]
fn programs_get_one_object() {
    let room = Room::with(&["vision/read-results", "vision/pay"]);
    room.put("[profile vision-pay]\n");

    let (exit, stdout, stderr) = room.run(&["--json"]);

    assert_eq!((exit, stderr.lines().count()), (Exit::Failed, 1), "{stderr}");
    insta::assert_snapshot!(stdout, @r#"
    {
      "file": "HOME/.aws/config",
      "broker": "BROKER",
      "dry_run": false,
      "changed": true,
      "profiles": [
        {
          "profile": "vision-pay",
          "lab": "vision",
          "role": "pay",
          "state": "refused",
          "says": "vision-pay for vision/pay was not written: HOME/.aws/config has a section [profile vision-pay] that lodge configure did not write for it; rename or remove that section, then run: lodge configure"
        },
        {
          "profile": "vision-read-results",
          "lab": "vision",
          "role": "read-results",
          "state": "added"
        }
      ]
    }
    "#);
}

#[test]
fn without_a_sign_in_nothing_is_touched() {
    let mut desk = Desk::new();
    desk.helper.environment.aws_config = Some(desk.directory.path().join(".aws/config"));

    let (exit, _, stderr) = desk.run(&["configure"]);

    assert_eq!(exit, Exit::SignInNeeded);
    assert!(stderr.contains("run: lodge login"), "{stderr}");
    assert!(!desk.directory.path().join(".aws").exists());
}

#[test]
fn a_program_that_a_shell_would_stumble_over_is_refused() {
    let mut room = Room::with(&["vision/pay"]);
    room.desk.helper.environment.program = Some("/opt/$(id)/lodge".into());

    let (exit, _, stderr) = room.run(&[]);

    assert_eq!(exit, Exit::Failed);
    assert!(stderr.starts_with("lodge: no profile can run /opt/$(id)/lodge: "), "{stderr}");
    assert!(!room.file().exists());
}

#[test]
fn a_role_that_is_no_name_is_refused_whole() {
    let room = Room::with(&["vision/pay\n[default]", "vision/pay"]);

    let (exit, _, stderr) = room.run(&[]);

    assert_eq!((exit, stderr.lines().count()), (Exit::Failed, 1), "{stderr}");
    assert!(!room.file().exists());
}

#[test]
fn mode_and_owner_stay() {
    let room = Room::with(&["vision/pay"]);
    room.put("");
    let owner =
        std::os::unix::fs::chown(room.file(), Some(12_345), Some(23_456)).map_or(None, |()| Some((12_345, 23_456)));
    fs::set_permissions(room.file(), fs::Permissions::from_mode(0o640)).unwrap();

    room.run(&[]);

    assert!(room.text().contains("vision-pay"));
    assert_eq!(room.mode(), 0o640);
    let found = fs::metadata(room.file()).unwrap();
    // Only root can give a file away.
    assert!(owner.is_none_or(|owner| owner == (found.uid(), found.gid())));
}

#[test]
fn a_link_stays_a_link_and_what_it_leads_to_is_written() {
    let room = Room::with(&["vision/pay"]);
    room.put("");
    let elsewhere = room.desk.directory.path().join("dotfiles/aws");
    fs::remove_file(room.file()).unwrap();
    symlink("../link", room.file()).unwrap();
    symlink("dotfiles/aws", room.desk.directory.path().join("link")).unwrap();

    for _ in 0..2 {
        // First it leads nowhere.
        let (exit, _, stderr) = room.run(&[]);
        assert_eq!(exit, Exit::Done, "{stderr}");
        assert!(fs::symlink_metadata(room.file()).unwrap().is_symlink());
        assert!(fs::read_to_string(&elsewhere).unwrap().contains("vision-pay"));
        fs::write(&elsewhere, "region = x").unwrap();
    }

    fs::remove_file(room.file()).unwrap();
    symlink("config", room.file()).unwrap();
    let (exit, _, stderr) = room.run(&[]);
    assert_eq!(exit, Exit::Failed);
    assert!(stderr.contains("is not a plain file"), "{stderr}");
}

#[test]
fn a_read_only_file_is_left_with_the_way_to_change_that() {
    let room = Room::with(&["vision/pay"]);
    room.put("region = x\n");
    fs::set_permissions(room.file(), fs::Permissions::from_mode(0o444)).unwrap();

    let (exit, _, stderr) = room.run(&[]);

    assert_eq!(exit, Exit::Failed);
    assert_eq!(
        stderr,
        "lodge: HOME/.aws/config is read-only and was left as it is; run: chmod u+w 'HOME/.aws/config'\n"
    );
    assert_eq!(room.text(), "region = x\n");
    assert_eq!(fs::read_dir(room.file().parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let mut room = Room::with(&["vision/pay"]);
    fs::create_dir_all(room.file()).unwrap();
    assert!(room.run(&[]).2.contains("HOME/.aws/config is not a plain file"));

    room.desk.helper.environment.aws_config = Some("/dev/null".into());
    let (exit, _, stderr) = room.run(&[]);
    assert_eq!(exit, Exit::Failed);
    assert!(stderr.contains("/dev/null is not a plain file"), "{stderr}");
}

#[test]
fn a_file_that_somebody_changes_meanwhile_is_worked_out_anew() {
    let room = Room::with(&[]);
    room.put("first");
    let path = room.file();
    let seen = Mutex::new(Vec::new());

    ConfigFile::new(&path, &room.desk.helper.random)
        .update(|bytes| {
            let mut seen = seen.lock().unwrap();
            seen.push(String::from_utf8(bytes.to_vec()).unwrap());
            if seen.len() == 2 {
                // Between what was read and what is written.
                fs::write(&path, "second").unwrap();
            }
            (Some([bytes, b" and ours"].concat()), ())
        })
        .unwrap();

    assert_eq!(*seen.lock().unwrap(), ["first", "first", "second"]);
    assert_eq!(room.text(), "second and ours");

    let failure = ConfigFile::new(&path, &room.desk.helper.random).update(|bytes| {
        fs::write(&path, [bytes, b"."].concat()).unwrap();
        (Some(Vec::new()), ())
    });
    assert!(failure.unwrap_err().to_string().contains("keeps writing"));
    assert!(room.text().starts_with("second and ours..."));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "the file and its lock");
}

#[test]
fn what_an_interrupted_write_left_is_swept() {
    let room = Room::with(&["vision/pay"]);
    room.put("");
    let left = room.file().with_file_name(".config.half-written-abc");
    fs::write(&left, "half").unwrap();
    let other = room.file().with_file_name(".credentials.half-written-abc");
    fs::write(&other, "not ours").unwrap();

    room.run(&[]);

    assert!(!left.exists() && other.exists());
}

#[test]
fn helpers_at_once_take_turns() {
    let room = Room::with(&[]);
    room.put("");
    let path = room.file();

    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let file = ConfigFile::new(&path, &room.desk.helper.random);
                    file.update(|bytes| (Some([bytes, b"."].concat()), ())).unwrap();
                }
            });
        }
    });

    assert_eq!(room.text().len(), 64);
}
