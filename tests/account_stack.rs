//! What a lab's AWS account is asked to have: whether CloudFormation and IAM take it, whether what they keep is what was
//! meant, and what the broker's own hands could do there at worst.

use std::collections::BTreeMap;
use std::path::Path;

use lodge::app::account_plan;
use lodge::domain::account::{AccountNames, FoundAccount, FoundPolicy, FoundRole, Part, Plan, drift};
use lodge::domain::id::LabId;
use lodge::domain::lab::{Lab, Role};
use lodge::domain::policy::{Access, Context, Document, Layers, PolicyLibrary, Request, decide_access};
use lodge::domain::role_session::{ExternalId, RoleArn, SessionDuration};
use serde_json::{Value, json};

use crate::support::peers::{self, Moto, Peer};
use crate::support::process::{Ended, Process};

const ACCOUNT: &str = "111122223333";

fn broker() -> RoleArn {
    "arn:aws:iam::999988887777:role/lodge-broker".parse().unwrap()
}

/// A lab with every role of the pack.
fn plan() -> Plan {
    let lab = Lab {
        id: LabId::from_entropy([1; 10]),
        name: "vision".parse().unwrap(),
        title: "Vision".to_owned(),
        session_role: format!("arn:aws:iam::{ACCOUNT}:role/lodge/lodge-session").parse().unwrap(),
        external_id: ExternalId::from_entropy([2; 16]),
        created_at: chrono::DateTime::UNIX_EPOCH,
        archived_at: None,
        groups_age: None,
    };
    let policies = PolicyLibrary::shipped().unwrap();
    let roles: Vec<Role> = policies
        .iter()
        .map(|(template, _)| Role {
            name: template.as_str().rsplit('/').next().unwrap().parse().unwrap(),
            template: template.clone(),
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::from_seconds(3_600).unwrap(),
            sign_in_age: None,
        })
        .collect();
    assert!(roles.len() >= 3, "{roles:?}");
    account_plan(&policies, &lab, &roles, &broker()).unwrap()
}

fn written(folder: &Path, name: &str, document: &Value) -> String {
    let file = folder.join(name);
    std::fs::write(&file, serde_json::to_string_pretty(document).unwrap()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A program of the same folder as the tests' Python.
fn beside_python(name: &str, arguments: &[&str], input: &str) -> Ended {
    let mut command = peers::python();
    let program = Path::new(command.get_program()).with_file_name(name);
    Process::run(name, command.arg(program).args(arguments), input)
}

#[test]
fn what_is_rendered_is_as_linters_want_it() {
    if !peers::require("what_is_rendered_is_as_linters_want_it", &[Peer::Python]) {
        return;
    }
    let (plan, folder) = (plan(), tempfile::tempdir().unwrap());
    let stack = written(folder.path(), "stack.json", &plan.stack_template());

    let ended = beside_python("cfn-lint", &["--include-checks", "I", "--regions", "us-east-1", "--", &stack], "");
    assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);

    for (name, document) in [("permissions", plan.permissions().document()), ("steward", plan.steward_permissions())] {
        let ended = beside_python("parliament", &["--json"], &document.to_string());
        assert!(ended.status.success() && ended.stdout.trim().is_empty(), "{name}: {}{}", ended.stdout, ended.stderr);
    }

    // The twin: both find a fault that is planted.
    let mut faulty = plan.stack_template();
    faulty["Resources"]["SessionRole"]["Properties"]["MaxSessionDuration"] = json!(100);
    let stack = written(folder.path(), "faulty.json", &faulty);
    assert!(!beside_python("cfn-lint", &["--regions", "us-east-1", "--", &stack], "").status.success());
    let faulty = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:PutRolePolicyy", "Resource": "*"}]});
    let ended = beside_python("parliament", &["--json"], &faulty.to_string());
    assert!(ended.stdout.contains("UNKNOWN_ACTION"), "{}{}", ended.stdout, ended.stderr);
}

/// IAM at moto, by the AWS CLI.
struct Iam {
    moto: Moto,
    home: tempfile::TempDir,
}

impl Iam {
    fn start() -> Self {
        Self { moto: Moto::of_account(ACCOUNT), home: tempfile::tempdir().unwrap() }
    }

    fn try_aws(&self, arguments: &[&str]) -> Ended {
        let mut command = peers::aws();
        let command = command
            .env("HOME", self.home.path())
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "moto-takes-any")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.moto.port));
        Process::run("aws", command.args(arguments).args(["--output", "json"]), "")
    }

    fn aws(&self, arguments: &[&str]) -> Value {
        let ended = self.try_aws(arguments);
        assert!(ended.status.success(), "{arguments:?}: {}", ended.stderr);
        if ended.stdout.trim().is_empty() { Value::Null } else { serde_json::from_str(&ended.stdout).unwrap() }
    }

    fn role(&self, name: &str) -> FoundRole {
        let role = self.aws(&["iam", "get-role", "--role-name", name])["Role"].clone();
        let names = self.aws(&["iam", "list-role-policies", "--role-name", name]);
        let attached = self.aws(&["iam", "list-attached-role-policies", "--role-name", name]);
        let inline = names["PolicyNames"].as_array().unwrap().iter().map(|policy| {
            let policy = policy.as_str().unwrap();
            let found = self.aws(&["iam", "get-role-policy", "--role-name", name, "--policy-name", policy]);
            (policy.to_owned(), found["PolicyDocument"].to_string())
        });
        FoundRole {
            id: role["RoleId"].as_str().unwrap().to_owned(),
            trust: role["AssumeRolePolicyDocument"].to_string(),
            max_session_seconds: u32::try_from(role["MaxSessionDuration"].as_u64().unwrap()).unwrap(),
            boundary: role["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str().map(str::to_owned),
            attached: attached["AttachedPolicies"]
                .as_array()
                .unwrap()
                .iter()
                .map(|policy| policy["PolicyArn"].as_str().unwrap().to_owned())
                .collect(),
            inline: inline.collect(),
        }
    }

    fn policy(&self, arn: &str) -> FoundPolicy {
        let policy = self.aws(&["iam", "get-policy", "--policy-arn", arn]);
        let version = policy["Policy"]["DefaultVersionId"].as_str().unwrap().to_owned();
        let found = self.aws(&["iam", "get-policy-version", "--policy-arn", arn, "--version-id", &version]);
        FoundPolicy { document: found["PolicyVersion"]["Document"].to_string() }
    }

    fn account(&self, names: &AccountNames) -> FoundAccount {
        FoundAccount {
            session_role: Some(self.role(names.session_role().name())),
            permissions: Some(self.policy(&names.permissions())),
            boundary: Some(self.policy(&names.boundary())),
            steward_role: Some(self.role(&names.steward_role_name())),
        }
    }
}

#[test]
fn the_stack_is_deployed_by_the_aws_cli_and_what_is_read_back_is_what_was_meant() {
    let test = "the_stack_is_deployed_by_the_aws_cli_and_what_is_read_back_is_what_was_meant";
    if !peers::require(test, &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let (plan, iam) = (plan(), Iam::start());
    let (names, stack) = (plan.names(), written(iam.home.path(), "stack.json", &plan.stack_template()));
    let name = names.stack();
    let deploy = ["cloudformation", "create-stack", "--stack-name", &name, "--capabilities", "CAPABILITY_NAMED_IAM"];

    iam.aws(&[&deploy[..], &["--template-body", &format!("file://{stack}")]].concat());

    let stacks = iam.aws(&["cloudformation", "describe-stacks", "--stack-name", &name]);
    assert_eq!(stacks["Stacks"][0]["StackStatus"], "CREATE_COMPLETE", "{stacks}");
    let outputs: BTreeMap<&str, &str> = stacks["Stacks"][0]["Outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| (output["OutputKey"].as_str().unwrap(), output["OutputValue"].as_str().unwrap()))
        .collect();
    assert_eq!(outputs["SessionRole"], names.session_role().as_str());
    assert_eq!(outputs["StewardRole"], names.steward_role());
    let found = iam.account(names);
    let id = found.session_role.as_ref().unwrap().id.clone();
    assert_eq!(drift(&plan, &found, Some(&id)), []);

    // The twin: what somebody changes afterwards is found.
    let role = names.session_role().name();
    iam.aws(&["iam", "delete-role-permissions-boundary", "--role-name", role]);
    iam.aws(&["iam", "attach-role-policy", "--role-name", role, "--policy-arn", &names.boundary()]);
    let words: Vec<_> = drift(&plan, &iam.account(names), Some(&id)).iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "the session role has no permissions boundary".to_owned(),
            format!("the session role has the managed policy {} as well", names.boundary()),
        ]
    );
    assert!(
        drift(&plan, &FoundAccount::default(), None).contains(&lodge::domain::account::Drift::Missing(Part::Boundary))
    );
}

/// What the broker's own role in the account could be made to do by whoever has it.
fn attempts(names: &AccountNames) -> Vec<(&'static str, String, bool)> {
    let session = names.session_role().as_str().to_owned();
    let other = format!("arn:aws:iam::{ACCOUNT}:role/admin");
    let steward = names.steward_role();
    let mut all = vec![
        ("iam:PutRolePolicy", session.clone(), true),
        ("iam:DeleteRolePolicy", session.clone(), true),
        ("iam:GetRole", session.clone(), true),
        ("iam:GetRole", steward.clone(), true),
        ("iam:GetPolicyVersion", names.boundary(), true),
        ("iam:GetRole", other.clone(), false),
        ("sts:AssumeRole", session.clone(), false),
        ("sts:AssumeRole", other.clone(), false),
        ("s3:GetObject", "arn:aws:s3:::data/results".to_owned(), false),
        ("iam:CreatePolicyVersion", names.boundary(), false),
        ("iam:SetDefaultPolicyVersion", names.boundary(), false),
        ("iam:CreatePolicyVersion", names.permissions(), false),
        ("iam:CreateUser", format!("arn:aws:iam::{ACCOUNT}:user/mallory"), false),
        ("iam:CreateAccessKey", format!("arn:aws:iam::{ACCOUNT}:user/mallory"), false),
    ];
    for role in [&session, &steward, &other] {
        for action in [
            "iam:UpdateAssumeRolePolicy",
            "iam:DeleteRolePermissionsBoundary",
            "iam:PutRolePermissionsBoundary",
            "iam:AttachRolePolicy",
            "iam:DetachRolePolicy",
            "iam:UpdateRole",
            "iam:DeleteRole",
            "iam:PassRole",
        ] {
            all.push((action, role.clone(), false));
        }
    }
    for role in [steward, other] {
        all.push(("iam:PutRolePolicy", role.clone(), false));
        all.push(("iam:DeleteRolePolicy", role, false));
    }
    all
}

fn our_word(document: &Document, action: &str, resource: &str, boundary: Option<&str>) -> bool {
    let context = boundary.into_iter().fold(Context::new(), |it, arn| it.with("iam:PermissionsBoundary", arn));
    let identity = std::slice::from_ref(document);
    let layers = Layers { identity, boundary: None, session: None, trust: None };
    decide_access(&layers, &Request { action, resource, context: &context }) == Access::Allowed
}

#[test]
fn the_steward_can_cut_off_and_look_and_nothing_else() {
    let plan = plan();
    let names = plan.names();
    let document = Document::parse(&plan.steward_permissions().to_string()).unwrap();
    let boundary = names.boundary();

    for (action, resource, allowed) in attempts(names) {
        assert_eq!(our_word(&document, action, &resource, Some(&boundary)), allowed, "{action} on {resource}");
    }
    // As soon as the role has no boundary, or another one, nothing can be written to it any more.
    let session = names.session_role().as_str();
    for without in [None, Some("arn:aws:iam::aws:policy/AdministratorAccess")] {
        assert!(!our_word(&document, "iam:PutRolePolicy", session, without));
        assert!(!our_word(&document, "iam:DeleteRolePolicy", session, without));
    }
}

#[test]
fn an_evaluator_that_is_not_ours_says_the_same_of_the_steward() {
    if !peers::require("an_evaluator_that_is_not_ours_says_the_same_of_the_steward", &[Peer::Node]) {
        return;
    }
    let plan = plan();
    let names = plan.names();
    let (boundary, session) = (names.boundary(), names.session_role().as_str().to_owned());
    let key = |arn: &str| json!({"iam:PermissionsBoundary": arn});
    let mut requests: Vec<(Value, bool)> = attempts(names)
        .into_iter()
        .map(|(action, resource, allowed)| {
            (json!({"action": action, "resource": resource, "account": ACCOUNT, "context": key(&boundary)}), allowed)
        })
        .collect();
    for context in [json!({}), key("arn:aws:iam::aws:policy/AdministratorAccess")] {
        let request =
            json!({"action": "iam:PutRolePolicy", "resource": session, "account": ACCOUNT, "context": context});
        requests.push((request, false));
    }
    let asked: Vec<&Value> = requests.iter().map(|(request, _)| request).collect();
    let principal = format!("arn:aws:sts::{ACCOUNT}:assumed-role/lodge-steward/st-0123456789abcdef");
    let question = json!({"principal": principal, "policy": plan.steward_permissions(), "requests": asked});

    let ended = Process::run("iam-requests", &mut peers::node("iam-requests.mjs"), &question.to_string());

    assert!(ended.status.success(), "{}", ended.stderr);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected: Vec<&str> = requests.iter().map(|(_, allowed)| if *allowed { "allow" } else { "deny" }).collect();
    let wrong: Vec<_> = answer["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .zip(expected)
        .zip(&requests)
        .filter(|((said, expected), _)| *said != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
