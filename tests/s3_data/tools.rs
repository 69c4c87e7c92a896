//! The AWS CLI and boto3, as a person of the speech lab has them: through the helper, against the small AWS.

use std::path::{Path, PathBuf};

use lodge::demo::aws::{Account, Bucket, Marketplace, Service};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::root;
use crate::support::world::World;

const READ: &str = "read-results";
const PUBLISH: &str = "publish";
const SESSION: &str = "session policy";
const ACCOUNT: &str = "identity-based policy";
const BUCKET: &str = "speech-results";
const ROUND_1: &str = "item,worker,heard\n1,W07,bat\n1,W11,pat\n2,W07,dip\n";

/// Somebody of the speech lab, their AWS settings, and a folder with their files.
struct Desk {
    world: World,
    person: Person,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let world = World::start();
        let person = Person::signed_in("phonetician", &world.url);
        let folder = tempfile::tempdir().unwrap();
        let profiles = [READ, PUBLISH].map(|role| {
            let helper = env!("CARGO_BIN_EXE_lodge");
            format!(
                "[profile {role}]\ncredential_process = {helper} credential-process speech/{role}\nservices = small\n"
            )
        });
        let services = format!("[services small]\ns3 =\n  endpoint_url = {}\n", world.aws_url);
        std::fs::write(folder.path().join("aws-config"), profiles.concat() + &services).unwrap();
        Self { world, person, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// What is under a key now.
    fn kept(&self, key: &str) -> Option<String> {
        self.world.aws.bucket(BUCKET).unwrap().text(key).map(str::to_owned)
    }

    fn aws(&self, role: &str, arguments: &[&str]) -> Ended {
        let mut command = peers::aws();
        command.env("AWS_CONFIG_FILE", self.file("aws-config")).env("AWS_MAX_ATTEMPTS", "1");
        command.env("LODGE_HOME", self.person.home()).env("HOME", self.person.home()).current_dir(self.folder.path());
        Process::run("aws", command.args(arguments).args(["--profile", role]), "")
    }

    fn allowed(&self, role: &str, arguments: &[&str]) -> String {
        let ended = self.aws(role, arguments);
        assert!(ended.status.success(), "{role} {arguments:?}: {}{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    /// What the AWS CLI says to a call that is not carried out.
    fn refused(&self, role: &str, arguments: &[&str]) -> String {
        let ended = self.aws(role, arguments);
        assert!(!ended.status.success(), "{role} {arguments:?}: {}", ended.stdout);
        ended.stderr
    }

    /// The same where S3 says that no policy of this kind allows it. What neither role of the lab may do, the account does
    /// not allow either, and that is what is said.
    fn denied(&self, role: &str, action: &str, kind: &str, arguments: &[&str]) {
        let said = self.refused(role, arguments);
        let because = format!("because no {kind} allows the {action} action");
        assert!(said.contains("(AccessDenied)") && said.contains(&because), "{role} {arguments:?}: {said}");
        assert!(
            said.contains(&format!("is not authorized to perform: {action} on resource: \"arn:aws:s3:::")),
            "{said}"
        );
    }

    fn boto3(&self, plan: &Value) -> Vec<Value> {
        let mut command = peers::python();
        command.arg(root().join("tests/peers/s3-calls.py")).env("AWS_CONFIG_FILE", self.file("aws-config"));
        command.env("LODGE_HOME", self.person.home()).env("HOME", self.person.home()).env("AWS_MAX_ATTEMPTS", "1");
        let ended = Process::run("boto3", &mut command, &plan.to_string());
        assert!(ended.status.success(), "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

#[test]
fn the_aws_cli_lists_and_fetches_what_is_under_the_prefix_and_nothing_else() {
    let name = "the_aws_cli_lists_and_fetches_what_is_under_the_prefix_and_nothing_else";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let desk = Desk::new();

    let listed = desk.allowed(READ, &["s3", "ls", "s3://speech-results/results/2026/"]);
    let lines: Vec<_> = listed.lines().map(|line| line.split_whitespace().last().unwrap()).collect();
    assert_eq!(lines, ["round-1/", "round-2/", "README.txt"]);
    desk.allowed(READ, &["s3", "cp", "s3://speech-results/results/2026/round-1/answers.csv", "one.csv"]);
    assert_eq!(desk.read("one.csv"), ROUND_1);
    desk.allowed(READ, &["s3", "sync", "s3://speech-results/results/2026/", "all"]);
    assert_eq!(names(&desk.file("all")), ["README.txt", "round-1", "round-2"]);
    assert_eq!(names(&desk.file("all/round-1")), ["answers.csv", "items.csv"]);
    let again = desk.allowed(READ, &["s3", "sync", "s3://speech-results/results/2026/", "all"]);
    assert_eq!(again, "", "what is there already is not fetched again");
    let location = desk.allowed(READ, &["s3api", "get-bucket-location", "--bucket", BUCKET]);
    assert_eq!(serde_json::from_str::<Value>(&location).unwrap(), json!({"LocationConstraint": null}));

    for outside in ["", "results/", "results/2025/", "results/2026", "consent/"] {
        desk.denied(READ, "s3:ListBucket", ACCOUNT, &["s3", "ls", &format!("s3://speech-results/{outside}")]);
    }
    for outside in ["README.txt", "consent/S01.txt", "results/2025/vowels.csv", "results/2026"] {
        let get = ["s3api", "get-object", "--bucket", BUCKET, "--key", outside, "got"];
        desk.denied(READ, "s3:GetObject", ACCOUNT, &get);
    }
    assert!(!desk.file("got").exists());
    // S3 tells who may not list the whole bucket nothing of what is missing.
    let missing = ["s3api", "get-object", "--bucket", BUCKET, "--key", "results/2026/none", "got"];
    desk.denied(READ, "s3:ListBucket", ACCOUNT, &missing);
}

#[test]
fn the_aws_cli_puts_what_the_role_publish_may_put_and_deletes_nothing() {
    let name = "the_aws_cli_puts_what_the_role_publish_may_put_and_deletes_nothing";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let desk = Desk::new();
    std::fs::create_dir_all(desk.file("new/deep")).unwrap();
    std::fs::write(desk.file("new/a b+ü.txt"), "first").unwrap();
    std::fs::write(desk.file("new/deep/c.json"), "{}").unwrap();

    let put = ["s3", "cp", "new/deep/c.json", "s3://speech-results/results/2026/c.json"];
    desk.denied(READ, "s3:PutObject", SESSION, &put);
    assert_eq!(desk.kept("results/2026/c.json"), None);
    desk.allowed(PUBLISH, &put);
    assert_eq!(desk.kept("results/2026/c.json").as_deref(), Some("{}"));
    desk.allowed(PUBLISH, &["s3", "sync", "new", "s3://speech-results/results/2026/round-3/"]);
    assert_eq!(desk.kept("results/2026/round-3/a b+ü.txt").as_deref(), Some("first"));
    assert_eq!(desk.kept("results/2026/round-3/deep/c.json").as_deref(), Some("{}"));
    desk.allowed(READ, &["s3", "sync", "s3://speech-results/results/2026/round-3/", "back"]);
    assert_eq!(
        (names(&desk.file("back")), desk.read("back/a b+ü.txt")),
        (names(&desk.file("new")), "first".to_owned())
    );

    let elsewhere = ["s3", "cp", "new/deep/c.json", "s3://speech-results/results/2025/c.json"];
    desk.denied(PUBLISH, "s3:PutObject", ACCOUNT, &elsewhere);
    desk.denied(PUBLISH, "s3:DeleteObject", ACCOUNT, &["s3", "rm", "s3://speech-results/results/2026/c.json"]);
    assert!(desk.kept("results/2026/c.json").is_some() && desk.kept("results/2025/c.json").is_none());
    let object = ["--bucket", BUCKET, "--key", "results/2026/c.json"];
    let acl = [&["s3api", "put-object-acl", "--acl", "public-read"], &object[..]].concat();
    desk.denied(PUBLISH, "s3:PutObjectAcl", ACCOUNT, &acl);
    let policy = ["s3api", "put-bucket-policy", "--bucket", BUCKET, "--policy", "{}"];
    desk.denied(PUBLISH, "s3:PutBucketPolicy", ACCOUNT, &policy);
    assert!(desk.refused(PUBLISH, &["s3", "ls"]).contains("s3:ListAllMyBuckets"));
}

#[test]
fn a_bucket_of_another_account_and_one_that_is_not_there_are_told_as_s3_tells_them() {
    let name = "a_bucket_of_another_account_and_one_that_is_not_there_are_told_as_s3_tells_them";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let desk = Desk::new();
    let buckets = vec![Bucket::new("other-results").with("results/2026/a", "theirs")];
    let (roles, marketplace) = (Vec::new(), Marketplace::default());
    desk.world.aws.put_account(Account { id: "666677778888".to_owned(), roles, marketplace, buckets }).unwrap();

    let theirs = desk.refused(PUBLISH, &["s3", "ls", "s3://other-results/results/2026/"]);
    let none = desk.refused(PUBLISH, &["s3", "ls", "s3://no-results/results/2026/"]);

    assert!(theirs.contains("(AccessDenied)") && theirs.contains("Access Denied"), "{theirs}");
    assert!(!theirs.contains("because"), "of a bucket of others no more is said: {theirs}");
    assert!(none.contains("(NoSuchBucket)") && none.contains("The specified bucket does not exist"), "{none}");
}

#[test]
fn boto3_reads_what_it_wrote_and_every_page_of_a_list() {
    if !peers::require("boto3_reads_what_it_wrote_and_every_page_of_a_list", &[Peer::Python]) {
        return;
    }
    let desk = Desk::new();
    let at = |key: &str| json!({"Bucket": BUCKET, "Key": format!("results/2026/{key}")});
    let with = |mut parameters: Value, name: &str, value: Value| {
        parameters[name] = value;
        parameters
    };
    let keys = ["x/~é &=+%.txt", "x/<b>", "x/a b", "x/\u{1f600}"];
    let puts = keys.map(|key| json!(["put_object", with(at(key), "Body", json!(format!("text of {key}")))]));
    let gets = keys.map(|key| json!(["get_object", at(key)]));
    let list = json!({"Bucket": BUCKET, "Prefix": "results/2026/x/", "PaginationConfig": {"PageSize": 1}});
    let part = with(at("round-1/answers.csv"), "Range", json!("bytes=0-3"));
    let open = with(with(at("open"), "Body", json!("x")), "ACL", json!("public-read"));
    let plan = json!([
        [PUBLISH, puts],
        [READ, gets],
        [
            READ,
            [
                ["list_all", list],
                ["get_object", part],
                ["head_object", at("round-1/answers.csv")],
                ["get_object", at("none")],
                ["delete_object", at("x/a b")],
            ]
        ],
        [PUBLISH, [["put_object", open]]]
    ]);

    let answers = desk.boto3(&plan);

    for (key, answer) in keys.iter().zip(&answers[4..8]) {
        assert_eq!(answer["answer"]["Body"], format!("text of {key}"), "{answer}");
        assert!(answer["answer"]["ChecksumCRC32"].is_string(), "{answer}");
    }
    let mut listed: Vec<_> = keys.iter().map(|key| format!("results/2026/{key}")).collect();
    listed.sort();
    assert_eq!(answers[8], json!({"answer": {"Keys": listed}}));
    assert_eq!((&answers[9]["answer"]["Body"], &answers[9]["answer"]["ContentLength"]), (&json!("item"), &json!(4)));
    assert_eq!(answers[10]["answer"]["ContentLength"], ROUND_1.len());
    assert_eq!((&answers[11]["code"], &answers[12]["code"]), (&json!("AccessDenied"), &json!("AccessDenied")));
    // AWS asks for s3:PutObjectAcl; this AWS does not carry it out for anybody.
    assert_eq!(answers[13]["code"], "NotImplemented", "{}", answers[13]);
    assert_eq!(desk.kept("results/2026/open"), None);
    let calls = desk.world.calls_of(Service::S3);
    assert!(calls.iter().all(|call| call.caller.as_deref().unwrap().contains(":assumed-role/lodge-session/rs-")));
}
