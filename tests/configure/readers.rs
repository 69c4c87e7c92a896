//! What botocore and the AWS CLI make of the files: our profiles as they are meant, and everybody else's as before.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::corpus::corpus;
use super::*;
use crate::support::peers::{self, Peer};
use crate::support::root;

/// What botocore reads in each file: its profiles by name, or `null` when it refuses the file.
fn read_by_botocore(files: &[PathBuf]) -> BTreeMap<String, Value> {
    let mut python = peers::python();
    python.arg(root().join("tests/peers/aws-profiles.py")).args(files);
    let read = Process::run("botocore", &mut python, "");
    assert!(read.status.success(), "{}", read.stderr);
    let read: Vec<Value> = serde_json::from_str(&read.stdout).unwrap();
    let names = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned());
    names.zip(read).collect()
}

/// A setting of a profile, as the AWS CLI reads it.
fn read_by_aws_cli(file: &Path, profile: &str, setting: &str) -> String {
    let mut aws = peers::aws();
    aws.args(["configure", "get", setting, "--profile", profile]).env("AWS_CONFIG_FILE", file);
    let read = Process::run("aws", &mut aws, "");
    assert!(read.status.success(), "{}: {profile}: {}", file.display(), read.stderr);
    read.stdout.trim_end().to_owned()
}

#[test]
fn botocore_and_the_aws_cli_read_ours_as_meant_and_the_others_as_before() {
    let test = "botocore_and_the_aws_cli_read_ours_as_meant_and_the_others_as_before";
    if !peers::require(test, &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let world = World::start();
    let postdoc = signed_in(&world);
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = corpus(&world).iter().map(|ugly| ugly.put(folder.path())).collect();

    let before = read_by_botocore(&files);
    for file in &files {
        configure(&postdoc, file, &[]);
    }
    let after = read_by_botocore(&files);

    let mut readable = Vec::new();
    for (name, before) in &before {
        let after = &after[name];
        assert_eq!(before.is_null(), after.is_null(), "{name}");
        let Some(before) = before.as_object() else { continue };
        readable.push(name.as_str());
        for (profile, settings) in before {
            if settings["credential_process"].is_null() || name == "another-broker" {
                assert_eq!(after[profile], *settings, "{name}: {profile}");
            }
        }
        if matches!(name.as_str(), "somebody-elses-name" | "written-by-hand" | "edited-by-hand") {
            continue;
        }
        for (profile, role) in PROFILES.into_iter().zip(["vision/pay", "vision/publish"]) {
            let words = &after[profile]["words"];
            let program = env!("CARGO_BIN_EXE_lodge");
            assert_eq!(*words, json!([program, "credential-process", "--broker", world.url, role]), "{name}");
        }
    }
    assert!(readable.len() >= 15, "{readable:?}");
    assert_eq!(after["edited-by-hand"]["money"]["words"][4], "vision/pay");

    for (name, profile) in [
        ("crlf", "archive"),
        ("nested-blocks", "default"),
        ("services-and-sso-sessions", "admin"),
        ("quoted-names", "a b"),
        ("edited-by-hand", "archive"),
    ] {
        let file = folder.path().join(name);
        let read = read_by_aws_cli(&file, "vision-publish", "credential_process");
        assert_eq!(read, after[name]["vision-publish"]["credential_process"], "{name}");
        let setting = if profile == "admin" { "sso_session" } else { "region" };
        assert_eq!(read_by_aws_cli(&file, profile, setting), before[name][profile][setting], "{name}");
    }
}

/// As a helper is found on real machines: in a folder with spaces and letters of its own, and through a link.
#[test]
fn a_profile_gives_credentials_to_boto3_and_to_a_shell() {
    if !peers::require("a_profile_gives_credentials_to_boto3_and_to_a_shell", &[Peer::Python]) {
        return;
    }
    let world = World::start();
    let person = Person::signed_in("student", &world.url);
    let folder = person.home().join("My tools (größer)");
    fs::create_dir(&folder).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_lodge"), folder.join("lodge-1.0")).unwrap();
    std::os::unix::fs::symlink("lodge-1.0", folder.join("lodge")).unwrap();
    let file = person.home().join("config");

    let mut shell = programs::shell(person.home(), &[], "\"$0\" configure");
    shell.arg(folder.join("lodge")).env("AWS_CONFIG_FILE", &file);
    let configured = Process::run("lodge configure", &mut shell, "");
    assert!(configured.status.success(), "{}", configured.stderr);

    let with_home = |mut command: Command| {
        command.env("AWS_CONFIG_FILE", &file).env("LODGE_HOME", person.home()).env("HOME", person.home());
        command
    };
    let mut python = with_home(peers::python());
    python.arg(root().join("tests/peers/aws-profiles.py")).args(["--credentials", "vision-read-results"]);
    let boto3 = Process::run("boto3", &mut python, "");
    assert!(boto3.stdout.starts_with("ASIA"), "{} {}", boto3.stdout, boto3.stderr);

    let text = fs::read_to_string(&file).unwrap();
    let command = text.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap();
    let printed = Process::run("sh", &mut with_home(programs::shell(person.home(), &[], command)), "");
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap_or_else(|_| panic!("{}", printed.stderr));
    assert_eq!(printed["Version"], 1);
}
