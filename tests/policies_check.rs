//! `lodged policies check`: what it says of the templates that are shipped, of policies that people really have, and of
//! files that nobody should trust.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::process::{Ended, Process};
use crate::support::{programs, root};

fn check(folder: Option<&Path>, extra: &[&str]) -> Ended {
    let mut command = programs::lodged();
    command.args(["policies", "check"]).args(folder).args(extra);
    Process::run("lodged policies check", &mut command, "")
}

/// What is said in lines and as JSON, which must end alike.
fn both(folder: Option<&Path>) -> (Ended, Value) {
    let (text, json) = (check(folder, &[]), check(folder, &["--json"]));
    assert_eq!(text.status.code(), json.status.code());
    assert_eq!((text.stderr.as_str(), json.stderr.as_str()), ("", ""));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["ok"], text.status.success());
    (text, json)
}

/// The codes of what was found in a file.
fn codes(json: &Value, file: &str) -> Vec<String> {
    let files = json["files"].as_array().unwrap();
    let found = files.iter().find(|found| found["file"] == file).unwrap_or_else(|| panic!("no {file} in {json}"));
    let codes = found["findings"].as_array().unwrap().iter();
    codes.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// A folder in which somebody keeps policies.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn both(&self) -> (Ended, Value) {
        both(Some(self.0.path()))
    }
}

fn template(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join(format!("policies/{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn what_is_shipped_is_without_fault() {
    let (text, json) = both(None);

    assert_eq!(text.status.code(), Some(0), "{}", text.stdout);
    assert_eq!((&json["summary"]["errors"], &json["summary"]["warnings"]), (&json!(0), &json!(0)), "{}", text.stdout);
    for role in ["mturk/pay", "mturk/publish", "mturk/read-results"] {
        assert_eq!(codes(&json, role), [""; 0]);
        assert!(text.stdout.contains(&format!("{role}: template, ")), "{}", text.stdout);
    }
    let (_, from_files) = both(Some(&root().join("policies")));
    assert_eq!(from_files["summary"]["templates"], json["summary"]["templates"]);
    assert_eq!(from_files["summary"]["errors"], 0);
}

#[test]
fn policies_that_people_really_have_are_explained_and_rewritten() {
    let (text, json) = both(Some(&root().join("tests/policies")));

    assert_eq!(text.status.code(), Some(1));
    assert_eq!(codes(&json, "mturk-five-actions.json"), ["legacy-action"; 3]);
    assert_eq!(codes(&json, "mturk-all-but-bonus.json"), ["leaking-wildcard", "legacy-action", "never-matches"]);
    assert_eq!(codes(&json, "AmazonMechanicalTurkFullAccess.json"), ["leaking-wildcard"]);
    assert_eq!(codes(&json, "AmazonMechanicalTurkReadOnly.json"), ["leaking-wildcard"; 2]);
    for line in [
        "mturk-five-actions.json:     mechanicalturk:GetHIT: shows one HIT: its question, its reward, its state\n",
        "mturk-five-actions.json: - mechanicalturk:SearchHITs\nmturk-five-actions.json: + mechanicalturk:ListHITs\n",
        "mturk-all-but-bonus.json: - mechanicalturk:GrantBonus\nmturk-all-but-bonus.json: + mechanicalturk:SendBonus\n",
        "error[never-matches] statement 2: no call matches this statement: it protects nothing\n",
        "\n4 files, 0 templates, 4 policies: 5 errors, 4 warnings, 0 notes\n",
    ] {
        assert!(text.stdout.contains(line), "{line}{}", text.stdout);
    }
    let file = |name: &str| json["files"].as_array().unwrap().iter().find(|file| file["file"] == name).unwrap();
    let rewritten = file("mturk-five-actions.json")["rewritten"]["text"].as_str().unwrap();
    let rewritten: Value = serde_json::from_str(rewritten).unwrap();
    let today = ["ListHITs", "ListReviewableHITs", "GetHIT", "ListAssignmentsForHIT", "GetAssignment"];
    assert_eq!(rewritten["Statement"][0]["Action"], json!(today.map(|name| format!("mechanicalturk:{name}"))));
}

/// What a role has is what `tests/mturk-actions.csv` says; what a policy gives beyond it is all else of its own.
#[test]
fn the_managed_policies_are_shown_for_what_they_give_beyond_each_role() {
    let table = crate::support::permission_table::table();
    let (_, json) = both(Some(&root().join("tests/policies")));

    for (file, shows_only) in
        [("AmazonMechanicalTurkFullAccess.json", false), ("AmazonMechanicalTurkReadOnly.json", true)]
    {
        let allows = |name: &str| !shows_only || name.contains(":Get") || name.contains(":List");
        let found = json["files"].as_array().unwrap().iter().find(|found| found["file"] == file).unwrap();
        for role in ["read-results", "publish", "pay"] {
            let cells = table.iter().filter(|((action, of), allowed)| of == role && !**allowed && allows(action));
            let expected: Vec<&str> = cells.map(|((action, _), _)| action.as_str()).collect();
            let beyond = found["beyond"].as_array().unwrap();
            let beyond = beyond.iter().find(|beyond| beyond["role"] == format!("mturk/{role}")).unwrap();
            let mut actions: Vec<_> =
                beyond["actions"].as_array().unwrap().iter().map(|action| action.as_str().unwrap()).collect();
            actions.sort_unstable();
            assert_eq!(actions, expected, "{file}, {role}");
            assert!(!expected.is_empty());
        }
    }
}

#[test]
fn each_fault_of_a_template_is_found() {
    let folder = Folder::new();
    let pay = template("mturk/pay");
    let mut cheap = pay.clone();
    cheap["money"] = json!("promises");
    let mut probe = pay.clone();
    probe["probe"] = json!({"action": "mechanicalturk:GetAccountBalance", "resource": "arn:aws:s3:::a"});
    probe["document"]["Statement"][0]["Resource"] = json!("arn:aws:s3:::b");
    let mut old = pay.clone();
    old["document"]["Statement"][0]["Action"] =
        json!(["mechanicalturk:GetAccountBalance", "mechanicalturk:GrantBonus"]);
    let mut long = pay.clone();
    long["document"]["Statement"] = json!(vec![pay["document"]["Statement"][0].clone(); 5]);
    for (name, template) in [("cheap", &cheap), ("probe", &probe), ("old", &old), ("long", &long), ("good", &pay)] {
        folder.write(&format!("mturk/{name}.json"), template.to_string());
    }
    folder.write("mturk/Not A Name.json", pay.to_string());

    let (text, json) = folder.both();

    assert_eq!(text.status.code(), Some(1));
    let of = |name: &str| codes(&json, &format!("mturk/{name}.json"));
    assert_eq!(of("cheap"), ["not-usable"]);
    assert_eq!(of("probe"), ["not-usable", "wrong-resource", "never-matches"]);
    assert_eq!(of("old"), ["not-usable", "legacy-action"]);
    assert_eq!(of("long")[0], "not-usable");
    assert_eq!(of("Not A Name"), ["not-usable"]);
    assert_eq!(of("good"), [""; 0]);
    assert!(
        text.stdout.contains(
            "mturk/cheap.json: error[not-usable] the template cannot be used: /money is `promises`, and it can call \
             mechanicalturk:ApproveAssignment on *, which pays at once\n"
        ),
        "{}",
        text.stdout
    );
}

#[test]
fn files_that_nobody_should_trust_are_a_line_each() {
    let folder = Folder::new();
    let policy = |action: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#)
    };
    let deep = format!("{{\"Statement\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    folder.write("deep.json", deep);
    folder.write("large.json", vec![b' '; (1 << 20) + 1]);
    let keys: Vec<String> = (0..50_000).map(|n| format!("\"{n}\":1,")).collect();
    folder.write("many-keys.json", format!("{{{}\"x\":1,\"x\":2}}", keys.concat()));
    let many = vec![r#""s3:*a""#; 60_000].join(",");
    folder.write("many-actions.json", policy("s3:x").replace("\"s3:x\"", &format!("[{many}]")));
    folder.write("twice.json", policy("s3:GetObject").replace("{\"Effect\"", "{\"Effect\":\"Deny\",\"Effect\""));
    folder.write("latin.json", b"{\"Statement\":\"\xe9\"}");
    folder.write("look-alike.json", policy("s3:G\u{435}tObject"));
    folder.write("turned\u{202e}.json", "{\u{1b}[31m");
    folder.write("ignored.txt", "not JSON");
    folder.write(".hidden/x.json", "not JSON");

    let (text, json) = folder.both();

    assert_eq!(text.status.code(), Some(1));
    for (file, code) in [
        ("deep.json", "unreadable"),
        ("large.json", "unusable-file"),
        ("many-keys.json", "unreadable"),
        ("twice.json", "unreadable"),
        ("many-actions.json", "unreadable"),
        ("latin.json", "unusable-file"),
        ("look-alike.json", "look-alike"),
        ("turned\u{202e}.json", "unreadable"),
    ] {
        assert_eq!(codes(&json, file)[0], code, "{file}");
    }
    assert_eq!(json["summary"]["files"], 8, "{}", text.stdout);
    for line in [
        "large.json: error[unusable-file] is larger than 1 MB, and no policy is\n",
        "twice.json: error[unreadable] the policy is not JSON: the key `Effect` is given twice at line 1 column ",
        "latin.json: error[unusable-file] is not UTF-8: byte 15 is no part of a character\n",
        "character 5 of `s3:G<U+0435>tObject` is U+0435, which is not ASCII",
    ] {
        assert!(text.stdout.contains(line), "{line}{}", text.stdout);
    }
    assert!(!text.stdout.contains(['\u{1b}', '\u{202e}']), "what is in a file reaches no terminal");
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_inside_the_folder_and_nowhere_else() {
    use std::os::unix::fs::symlink;
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    folder.write(".kept/policy.json", policy);
    elsewhere.write("secret.json", policy);
    symlink(".kept/policy.json", folder.path("inside.json")).unwrap();
    symlink(elsewhere.path("secret.json"), folder.path("outside.json")).unwrap();
    symlink(elsewhere.0.path(), folder.path("all-of-it")).unwrap();
    symlink(".", folder.path("itself")).unwrap();
    symlink("nowhere", folder.path("broken.json")).unwrap();

    let (text, json) = folder.both();

    assert_eq!(codes(&json, "inside.json"), [""; 0]);
    for file in ["all-of-it", "broken.json", "outside.json"] {
        assert_eq!(codes(&json, file), ["unusable-file"], "{file}");
    }
    assert_eq!(json["summary"]["files"], 4, "{}", text.stdout);
    assert!(text.stdout.contains("outside.json: error[unusable-file] is a link that leads out of the folder"));
}

#[test]
fn other_json_is_left_alone_and_a_folder_without_policies_is_a_mistake() {
    let folder = Folder::new();

    let empty = check(Some(folder.0.path()), &[]);
    assert_eq!((empty.status.code(), empty.stdout.as_str()), (Some(1), ""));
    assert!(empty.stderr.starts_with("lodged: no policy template and no policy below "), "{}", empty.stderr);

    folder.write("package.json", r#"{"name":"x"}"#);
    assert_eq!(check(Some(folder.0.path()), &["--json"]).status.code(), Some(1));

    let trust =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}]}"#;
    folder.write("trust.json", trust);
    folder.write("deny.json", trust.replace("Allow", "Deny").replace("\"Principal\"", "\"Resource\""));
    let (text, json) = folder.both();
    assert_eq!(text.status.code(), Some(0), "{}", text.stdout);
    assert!(text.stdout.contains("package.json: neither a policy template nor a policy\n"), "{}", text.stdout);
    assert!(text.stdout.contains("trust.json: a trust policy, which is not looked into\n"), "{}", text.stdout);
    assert_eq!(
        json["summary"],
        json!({"files": 3, "templates": 0, "policies": 1, "errors": 0, "warnings": 0, "notes": 0})
    );

    let usage = check(None, &["--nonesuch"]);
    assert_eq!(usage.status.code(), Some(2));
    let nowhere = check(Some(Path::new("/nowhere/at/all")), &[]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(nowhere.stderr.starts_with("lodged: cannot look into /nowhere/at/all: "), "{}", nowhere.stderr);
}
