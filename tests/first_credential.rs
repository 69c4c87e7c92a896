//! The main job, whole: a person signs in, AWS's own tools fetch credentials through the helper, and these do what the
//! role says and nothing more. The broker, the helper and the tools are the real ones; AWS is the small one.

use std::os::unix::fs::symlink;

use lodge::demo::aws::Service;
use lodge::demo::seed;
use lodge::domain::policy::PolicyLibrary;
use serde_json::{Value, json};

use crate::support::demo::Demo;
use crate::support::peers::{self, Peer};
use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::root;
use crate::support::world::World;

const HIT: &str = "3HITV1LODGEDEMO";
const ASSIGNMENT: &str = "3WORK0V1LODGEDEMO";
const WORKER: &str = "A1BICYCLE0QX7";

const LIST_HITS: &[&str] = &["list-hits"];
const LIST_ASSIGNMENTS: &[&str] = &["list-assignments-for-hit", "--hit-id", HIT];
const BALANCE: &[&str] = &["get-account-balance"];
#[rustfmt::skip]
const CREATE_HIT: &[&str] = &[
    "create-hit", "--title", "Count the boats", "--description", "One photograph of a harbour", "--reward", "0.10",
    "--lifetime-in-seconds", "3600", "--assignment-duration-in-seconds", "600", "--question", "<ExternalQuestion/>",
];
#[rustfmt::skip]
const SEND_BONUS: &[&str] = &[
    "send-bonus", "--worker-id", WORKER, "--assignment-id", ASSIGNMENT, "--bonus-amount", "1.25", "--reason", "careful",
];

/// Runs the AWS CLI for somebody, with the profiles that the demo wrote.
fn aws(demo: &Demo, person: &Person, profile: &str, service: &str, arguments: &[&str]) -> Ended {
    let mut command = peers::aws();
    command.env("AWS_CONFIG_FILE", demo.aws_config()).env("LODGE_HOME", person.home()).env("HOME", person.home());
    Process::run("aws", command.arg(service).args(arguments).args(["--profile", profile, "--output", "json"]), "")
}

fn allowed(demo: &Demo, person: &Person, profile: &str, arguments: &[&str]) -> Value {
    let ended = aws(demo, person, profile, "mturk", arguments);
    assert!(ended.status.success(), "{profile} {arguments:?}: {}", ended.stderr);
    // What has no answer prints nothing.
    if ended.stdout.is_empty() { Value::Null } else { serde_json::from_str(&ended.stdout).unwrap() }
}

fn denied(demo: &Demo, person: &Person, profile: &str, action: &str, arguments: &[&str]) {
    let ended = aws(demo, person, profile, "mturk", arguments);
    let because = format!("because no session policy allows the mechanicalturk:{action} action");
    assert!(!ended.status.success() && ended.stdout.is_empty(), "{profile} {arguments:?}: {}", ended.stdout);
    assert!(ended.stderr.contains("(AccessDeniedException)"), "{profile} {arguments:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(&because), "{profile} {arguments:?}: {}", ended.stderr);
}

#[test]
fn the_aws_cli_can_do_what_the_role_says_and_nothing_more() {
    let name = "the_aws_cli_can_do_what_the_role_says_and_nothing_more";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let demo = Demo::start(data.path());
    let student = Person::signed_in("student", &demo.url());
    let postdoc = Person::signed_in("postdoc", &demo.url());

    let read = "vision-read-results";
    assert_eq!(allowed(&demo, &student, read, LIST_HITS)["HITs"].as_array().unwrap().len(), 4);
    assert_eq!(allowed(&demo, &student, read, LIST_ASSIGNMENTS)["Assignments"][0]["WorkerId"], WORKER);
    denied(&demo, &student, read, "CreateHIT", CREATE_HIT);
    denied(&demo, &student, read, "SendBonus", SEND_BONUS);
    denied(&demo, &student, read, "GetAccountBalance", BALANCE);

    let hit = &allowed(&demo, &postdoc, "vision-publish", CREATE_HIT)["HIT"];
    assert_eq!((&hit["Title"], &hit["Reward"]), (&json!("Count the boats"), &json!("0.10")));
    denied(&demo, &postdoc, "vision-publish", "SendBonus", SEND_BONUS);

    assert_eq!(allowed(&demo, &postdoc, "vision-pay", BALANCE)["AvailableBalance"], "250.00");
    allowed(&demo, &postdoc, "vision-pay", SEND_BONUS);
    assert_eq!(allowed(&demo, &postdoc, "vision-pay", BALANCE)["AvailableBalance"], "248.50", "1.25 and a fee of 0.25");
    denied(&demo, &postdoc, "vision-pay", "CreateHIT", CREATE_HIT);

    let identity = aws(&demo, &student, read, "sts", &["get-caller-identity"]);
    let identity: Value = serde_json::from_str(&identity.stdout).unwrap_or_else(|e| panic!("{e}: {}", identity.stderr));
    assert_eq!(identity["Account"], "111122223333");
    let arn = identity["Arn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:sts::111122223333:assumed-role/lodge-session/rs-"), "{arn}");
}

#[test]
fn the_aws_cli_shows_the_brokers_own_sentence_to_somebody_without_the_role() {
    let name = "the_aws_cli_shows_the_brokers_own_sentence_to_somebody_without_the_role";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let demo = Demo::start(data.path());
    let guest = Person::signed_in("guest", &demo.url());
    let nobody = Person::new("nobody");

    let refused = aws(&demo, &guest, "language-pay", "mturk", LIST_HITS);
    let unknown = aws(&demo, &nobody, "language-pay", "mturk", LIST_HITS);

    for ended in [&refused, &unknown] {
        assert!(!ended.status.success() && ended.stdout.is_empty(), "{}", ended.stdout);
    }
    let sentence = "lodge: language/pay: You have no such role: your sign-in at Example University brought no groups.";
    assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
    assert!(unknown.stderr.contains("run: lodge login"), "{}", unknown.stderr);
}

/// A file for `AWS_CONFIG_FILE` whose helper stands in a folder with a space in its name: the command must be quoted.
fn profiles(world: &World, folder: &std::path::Path) -> std::path::PathBuf {
    let programs = folder.join("lab tools");
    std::fs::create_dir(&programs).unwrap();
    let helper = programs.join("lodge");
    symlink(env!("CARGO_BIN_EXE_lodge"), &helper).unwrap();
    let profiles = ["read-results", "publish", "pay"].map(|role| {
        format!(
            "[profile {role}]\ncredential_process = \"{}\" credential-process vision/{role}\nservices = small\n",
            helper.display()
        )
    });
    let services = format!("[services small]\nmturk =\n  endpoint_url = {}\n", world.aws_url);
    let file = folder.join("config");
    std::fs::write(&file, profiles.concat() + &services).unwrap();
    file
}

/// What boto3 said to each call of the plan.
fn boto3(config: &std::path::Path, person: &Person, plan: &Value) -> Vec<Value> {
    let mut command = peers::python();
    command.arg(root().join("tests/peers/mturk-calls.py")).env("AWS_CONFIG_FILE", config);
    command.env("LODGE_HOME", person.home()).env("HOME", person.home());
    let ended = Process::run("boto3", &mut command, &plan.to_string());
    assert!(ended.status.success(), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Fails unless the call was denied by the session policy.
fn assert_denied(answer: &Value, action: &str) {
    let message = answer["message"].as_str().unwrap_or_else(|| panic!("{action} was not denied: {answer}"));
    assert_eq!(answer["code"], "AccessDeniedException", "{answer}");
    assert!(message.ends_with(&format!("no session policy allows the mechanicalturk:{action} action")), "{message}");
}

#[test]
fn boto3_can_do_what_the_role_says_and_nothing_more() {
    if !peers::require("boto3_can_do_what_the_role_says_and_nothing_more", &[Peer::Python]) {
        return;
    }
    let world = World::start();
    let folder = tempfile::tempdir().unwrap();
    let config = profiles(&world, folder.path());
    let student = Person::signed_in("student", &world.url);
    let postdoc = Person::signed_in("postdoc", &world.url);
    let list_hits = json!(["list_hits", {}]);
    let list_assignments = json!(["list_assignments_for_hit", {"HITId": HIT}]);
    let balance = json!(["get_account_balance", {}]);
    let create_hit = json!(["create_hit", {"Title": "Count the boats", "Description": "A harbour", "Reward": "0.10",
        "LifetimeInSeconds": 3600, "AssignmentDurationInSeconds": 600, "Question": "<ExternalQuestion/>"}]);
    let send_bonus = json!(["send_bonus", {"WorkerId": WORKER, "AssignmentId": ASSIGNMENT, "BonusAmount": "1.25",
        "Reason": "careful"}]);

    let reading = json!([["read-results", [list_hits, list_assignments, create_hit, send_bonus, balance]]]);
    let reading = boto3(&config, &student, &reading);
    let paying = json!([["publish", [create_hit, send_bonus]], ["pay", [send_bonus, create_hit, balance]]]);
    let paying = boto3(&config, &postdoc, &paying);

    assert_eq!(reading[0]["answer"]["NumResults"], 4, "{}", reading[0]);
    assert_eq!(reading[1]["answer"]["Assignments"][0]["WorkerId"], WORKER, "{}", reading[1]);
    assert_denied(&reading[2], "CreateHIT");
    assert_denied(&reading[3], "SendBonus");
    assert_denied(&reading[4], "GetAccountBalance");
    assert_eq!(paying[0]["answer"]["HIT"]["Title"], "Count the boats", "{}", paying[0]);
    assert_denied(&paying[1], "SendBonus");
    assert_eq!(paying[2], json!({"answer": {}}));
    assert_denied(&paying[3], "CreateHIT");
    assert_eq!(paying[4]["answer"]["AvailableBalance"], "248.50", "1.25 and a fee of 0.25: {}", paying[4]);
    assert_eq!(world.balance("vision"), "248.50");
    assert_eq!(world.balance("language"), "250.00");
    assert_each_session_was_assumed_once(&world);
}

/// Three sessions, so three calls: each with its own role's policy and name, and with the person it is for.
fn assert_each_session_was_assumed_once(world: &World) {
    let assumed = world.calls_of(Service::Sts);
    let parameters: Vec<_> = assumed.iter().map(|call| call.assume_role.as_ref().unwrap()).collect();
    let roles: Vec<_> = parameters.iter().map(|asked| asked.tags[0].1.as_str()).collect();
    assert_eq!(roles, ["read-results", "publish", "pay"]);
    assert!(assumed.iter().all(|call| call.succeeded() && call.action == "AssumeRole"));

    let library = PolicyLibrary::shipped().unwrap();
    for (asked, role) in parameters.iter().zip(roles) {
        let template = library.get(&format!("mturk/{role}").parse().unwrap()).unwrap();
        let policy = template.fill(&std::collections::BTreeMap::new()).unwrap();
        assert_eq!(asked.policy.as_deref(), Some(policy.as_str()), "{role}");
        assert_eq!(asked.role_arn.as_deref(), Some(seed::LABS[0].session_role().as_str()));
    }
    let people: Vec<_> = parameters.iter().map(|asked| asked.source_identity.clone().unwrap()).collect();
    assert!(people.iter().all(|person| person.starts_with("p-")), "{people:?}");
    assert!(people[0] != people[1] && people[1] == people[2], "{people:?}");
    let mut sessions: Vec<_> = parameters.iter().map(|asked| asked.role_session_name.clone()).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 3, "every session has a name of its own");
}
