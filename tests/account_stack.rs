//! What a lab's AWS account is asked to have: whether CloudFormation and IAM take it, whether what they keep is what was
//! meant, and what the broker's own hands could do there at worst.

use std::collections::BTreeMap;
use std::path::Path;

use lodge::app::account_plan;
use lodge::demo::aws::{Account, IamRole, ManagedPolicy, Marketplace, PrintedRole};
use lodge::demo::seed;
use lodge::domain::access::Operator;
use lodge::domain::account::{
    AccountNames, AccountState, Cause, CheckStep, FoundAccount, FoundPolicy, FoundRole, Part, Plan, StepState, Verdict,
    drift,
};
use lodge::domain::actor::OperatorName;
use lodge::domain::id::LabId;
use lodge::domain::lab::{Lab, Role};
use lodge::domain::policy::{Access, Context, Document, Layers, PolicyLibrary, Request, decide_access};
use lodge::domain::role_session::{ExternalId, RoleArn, SessionDuration};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::aws_cli::{Cli, printed};
use crate::support::joining::Joining;
use crate::support::peers::{self, Moto, Peer};
use crate::support::person::Person;
use crate::support::process::{Ended, Process};
use crate::support::world::World;

const ACCOUNT: &str = "111122223333";

fn broker() -> RoleArn {
    seed::BROKER_ROLE.parse().unwrap()
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
        .map(|(name, template)| Role {
            name: name.as_str().replace('/', "-").parse().unwrap(),
            template: name.clone(),
            parameters: template.examples(),
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

/// An account at moto, and the AWS CLI in it.
struct Deployed {
    cli: Cli,
    roles: [PrintedRole; 2],
    _moto: Moto,
}

impl Deployed {
    /// The account that a plan's stack makes.
    fn of(plan: &Plan) -> Self {
        Self::at(Moto::of_account(ACCOUNT), plan)
    }

    /// The account at this moto.
    fn at(moto: Moto, plan: &Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("http://127.0.0.1:{}", moto.port);
        let cli = Cli { url, keys: ["AKIAEXAMPLE", "moto-takes-any", "token"].map(str::to_owned) };
        let names = plan.names();
        let (name, template) = (names.stack(), written(folder.path(), "stack.json", &plan.stack_template()));
        let body = format!("file://{template}");
        let create = ["cloudformation", "create-stack", "--stack-name", &name, "--template-body", &body];
        cli.print(&[&create[..], &["--capabilities", "CAPABILITY_NAMED_IAM"]].concat());

        let stacks = cli.json(&["cloudformation", "describe-stacks", "--stack-name", &name]);
        assert_eq!(stacks["Stacks"][0]["StackStatus"], "CREATE_COMPLETE", "{stacks}");
        let outputs: BTreeMap<&str, &str> = stacks["Stacks"][0]["Outputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|output| (output["OutputKey"].as_str().unwrap(), output["OutputValue"].as_str().unwrap()))
            .collect();
        assert_eq!(outputs["SessionRole"], names.session_role().as_str());
        assert_eq!(outputs["StewardRole"], names.steward_role());
        let roles = Self::roles(&cli, names);
        Self { cli, roles, _moto: moto }
    }

    fn roles(cli: &Cli, names: &AccountNames) -> [PrintedRole; 2] {
        [printed(cli, names.session_role().name()), printed(cli, &names.steward_role_name())]
    }

    fn account(&self) -> Account {
        Account::from_printed(&self.roles, Marketplace::default()).unwrap()
    }
}

/// What the steward would find in an account with these two roles.
fn found(account: &Account) -> FoundAccount {
    let [session, steward] = &account.roles[..] else { panic!("{:?}", account.roles) };
    let role = |role: &IamRole| FoundRole {
        id: role.role_id.clone(),
        trust: role.trust.clone(),
        max_session_seconds: role.max_session_seconds,
        boundary: role.boundary.as_ref().map(|policy| policy.arn.clone()),
        attached: role.attached_policies.iter().map(|policy| policy.arn.clone()).collect(),
        inline: role.inline_policies.clone(),
    };
    let policy = |policy: &ManagedPolicy| FoundPolicy { document: policy.document.clone() };
    FoundAccount {
        permissions: session.attached_policies.first().map(policy),
        boundary: session.boundary.as_ref().map(policy),
        session_role: Some(role(session)),
        steward_role: Some(role(steward)),
    }
}

#[test]
fn the_stack_is_deployed_by_the_aws_cli_and_what_is_read_back_is_what_was_meant() {
    let test = "the_stack_is_deployed_by_the_aws_cli_and_what_is_read_back_is_what_was_meant";
    if !peers::require(test, &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let plan = plan();
    let mut deployed = Deployed::of(&plan);
    let id = deployed.account().roles[0].role_id.clone();
    assert_eq!(drift(&plan, &found(&deployed.account()), Some(&id)), []);

    // The twin: what somebody changes afterwards is found.
    let (names, role) = (plan.names(), ["--role-name", plan.names().session_role().name()]);
    deployed.cli.print(&[&["iam", "delete-role-permissions-boundary"], &role[..]].concat());
    let other = ["iam", "attach-role-policy", "--policy-arn", &names.boundary()];
    deployed.cli.print(&[&other[..], &role[..]].concat());
    deployed.roles = Deployed::roles(&deployed.cli, names);
    let words: Vec<_> = drift(&plan, &found(&deployed.account()), Some(&id)).iter().map(ToString::to_string).collect();
    let also = format!("the session role has the managed policy {} as well", names.boundary());
    assert!(words.contains(&"the session role has no permissions boundary".to_owned()), "{words:?}");
    assert!(words.contains(&also), "{words:?}");
}

/// The lab `vision` of a world, and its roles.
fn lab_of(world: &World) -> (Lab, Vec<Role>) {
    let operator = Operator::at_this_machine(OperatorName::from_account("tests"));
    world.wait_for(async {
        let mut tx = world.broker.store.read().await.unwrap();
        let lab = tx.lab_for(&operator, &"vision".parse().unwrap()).await.unwrap().unwrap();
        let roles = tx.lab(&operator.access(lab.clone())).await.unwrap().roles().await.unwrap();
        (lab, roles)
    })
}

#[test]
fn an_account_that_the_stack_made_gives_the_labs_roles_and_no_more() {
    let test = "an_account_that_the_stack_made_gives_the_labs_roles_and_no_more";
    if !peers::require(test, &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let world = World::start();
    let (lab, roles) = lab_of(&world);
    let plan = account_plan(&world.broker.policies, &lab, &roles, &broker()).unwrap();
    let deployed = Deployed::of(&plan);
    let student = Person::signed_in("student", &world.url);
    let credential = || student.lodge_with(&["credential-process", "vision/read-results"], &[]);
    let session = lab.session_role.as_str();
    world.aws.remove_role(session).unwrap();
    assert!(!credential().status.success(), "the twin: without the role there is nothing");

    world.aws.put_roles(&deployed.account().roles).unwrap();

    let ended = credential();
    assert!(ended.status.success(), "{}", ended.stderr);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    let keys = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|key| printed[key].as_str().unwrap().to_owned());
    let cli = Cli { url: world.aws_url.clone(), keys };
    assert!(cli.json(&["mturk", "list-hits"])["HITs"].is_array());
    let said = cli.refused(&["mturk", "get-account-balance"]);
    assert!(said.contains("no session policy allows the mechanicalturk:GetAccountBalance action"), "{said}");
    // What holds is what the account has: a session gives no more than the role that it is of.
    world.aws.change_role(session, |role| role.attached_policies.clear()).unwrap();
    let said = cli.refused(&["mturk", "list-hits"]);
    assert!(said.contains("no identity-based policy allows the mechanicalturk:ListHITs action"), "{said}");
}

#[test]
fn an_account_that_the_stack_made_is_joined_and_gives_credentials_that_work() {
    let test = "an_account_that_the_stack_made_is_joined_and_gives_credentials_that_work";
    if !peers::require(test, &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let joining = Joining::start();
    let deployed = Deployed::of(&joining.plan());
    joining.small.put_roles(&deployed.account().roles).unwrap();

    let check = joining.join();

    assert_eq!((check.verdict(), &check.report.troubles[..]), (Some(Verdict::Proven), &[][..]));
    let credentials = joining.issue().unwrap().credentials;
    let keys = [
        credentials.access_key_id.clone(),
        credentials.secret_access_key.expose_secret().to_owned(),
        credentials.session_token.expose_secret().to_owned(),
    ];
    let cli = Cli { url: joining.aws_url.clone(), keys };
    assert!(cli.json(&["mturk", "list-hits"])["HITs"].is_array());
}

/// moto lets anybody assume any role: with another external id, with none, and without a trust policy that says so.
#[test]
fn joining_moto_is_refused_as_open_to_anyone() {
    if !peers::require("joining_moto_is_refused_as_open_to_anyone", &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let moto = Moto::of_account(ACCOUNT);
    let joining = Joining::at(&format!("http://127.0.0.1:{}", moto.port));
    let _deployed = Deployed::at(moto, &joining.plan());

    let check = joining.join();

    assert_eq!(check.verdict(), Some(Verdict::Open), "{check:?}");
    let open: Vec<_> = check.report.troubles.iter().flat_map(|trouble| &trouble.causes).collect();
    for part in [Part::SessionRole, Part::StewardRole] {
        assert!(open.contains(&&Cause::OpenToAnyone { part }), "{open:?}");
    }
    let state = |step| check.report.steps.iter().find(|report| report.step == step).unwrap().state;
    assert_eq!(state(CheckStep::Assume), StepState::Passed);
    assert_eq!(
        (state(CheckStep::OtherExternalId), state(CheckStep::NoExternalId)),
        (StepState::Failed, StepState::Failed)
    );
    assert_eq!(joining.account().state, AccountState::Declared);
    assert!(joining.issue().is_err());
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
