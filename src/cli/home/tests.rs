//! The helper's directories on a Unix machine.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::*;

fn home() -> (tempfile::TempDir, Home) {
    let parent = tempfile::tempdir().unwrap();
    let home = Home::new(parent.path().join("lodge"), Closed::ToWriters, Clock::System, Random::System);
    (parent, home)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_written_is_read_and_only_its_owner_can_read_it() {
    let (_parent, home) = home();

    assert!(home.read("a").unwrap().is_none());
    home.write("a", b"one").unwrap();
    home.write("a", b"two").unwrap();

    assert_eq!(home.read("a").unwrap().unwrap().as_slice(), b"two");
    assert_eq!(fs::metadata(home.path("a")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&home.directory).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&home.directory).unwrap().count(), 1);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_way_to_mend_it() {
    let (_parent, home) = home();
    home.write("a", b"one").unwrap();

    for mode in [0o640, 0o604, 0o620, 0o660] {
        chmod(&home.path("a"), mode);
        let said = home.read("a").unwrap_err().to_string();
        assert!(said.ends_with(&format!("run: chmod 600 '{}'", home.path("a").display())), "{said}");
    }
    chmod(&home.path("a"), 0o400);
    assert!(home.read("a").is_ok());
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let (_parent, home) = home();
    home.write("a", b"one").unwrap();
    chmod(&home.directory, 0o777);

    assert!(matches!(home.read("a"), Err(Failure::OpenToOthers { mode: "700", .. })));
    assert!(matches!(home.write("a", b"two"), Err(Failure::OpenToOthers { mode: "700", .. })));
}

#[test]
fn a_file_of_another_user_is_refused() {
    let (_parent, home) = home();
    home.write("a", b"one").unwrap();
    if std::os::unix::fs::chown(home.path("a"), Some(12_345), None).is_err() {
        return; // Only root can give a file away.
    }

    assert!(matches!(home.read("a"), Err(Failure::OfAnotherUser { .. })));
}

#[test]
fn a_link_or_a_directory_is_not_a_session() {
    let (parent, home) = home();
    home.write("a", b"one").unwrap();
    symlink(home.path("a"), home.path("link")).unwrap();

    assert!(matches!(home.read("link"), Err(Failure::NotAFile { .. })));
    assert!(matches!(
        Home { directory: parent.path().to_owned(), ..home }.read("lodge"),
        Err(Failure::NotAFile { .. })
    ));
}

#[test]
fn what_an_interrupted_write_left_is_swept_when_it_is_old() {
    let (_parent, home) = home();
    home.write("a", b"one").unwrap();
    let (old, fresh) = (home.path(".half-written-old"), home.path(".half-written-fresh"));
    let file = File::create(&old).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    File::create(&fresh).unwrap();

    home.write("a", b"two").unwrap();

    assert!(!old.exists());
    assert!(fresh.exists());
}

#[test]
fn what_the_first_place_cannot_take_is_in_the_second_until_the_first_is_newer() {
    let ((_one, first), (_two, spare)) = (home(), home());
    let nowhere = Home { directory: "/dev/null/nowhere".into(), ..first.clone() };
    Homes::new(nowhere, Some(spare.clone())).write("a", b"in the second").unwrap();
    let homes = Homes::new(first.clone(), Some(spare.clone()));
    let read = || String::from_utf8(homes.read("a").unwrap().unwrap().to_vec()).unwrap();
    let written_at = |home: &Home, seconds| {
        let at = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().append(true).open(home.path("a")).unwrap().set_modified(at).unwrap();
    };

    assert_eq!(read(), "in the second");
    first.write("a", b"in the first").unwrap();
    written_at(&first, 1_000);
    assert_eq!(read(), "in the second");
    written_at(&spare, 999);
    assert_eq!(read(), "in the first");

    // Where others could put a session of their own is no reason to go elsewhere.
    chmod(&first.directory, 0o777);
    assert!(matches!(homes.write("a", b"three"), Err(Failure::OpenToOthers { .. })));
    chmod(&first.directory, 0o700);
    homes.delete("a").unwrap();
    assert!(homes.read("a").unwrap().is_none() && !spare.path("a").exists());
}
