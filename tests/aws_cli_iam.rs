//! AWS's own command line looks at a lab's account as its steward role may, and at moto's: what the small AWS says of
//! roles is what the tools of everybody else understand.

use std::collections::BTreeMap;

use lodge::ambient::{Clock, Random};
use lodge::demo::aws::{
    Account, BrokerIdentity, IamRole, ManagedPolicy, Marketplace, Requester, Service, Settings, SmallAws,
};
use lodge::demo::seed;
use serde_json::{Value, json};

use crate::support::aws_cli::{Cli, printed};
use crate::support::peers::{self, Moto, Peer};
use crate::support::serving::{Server, Socket};

const ACCOUNT: &str = "111122223333";
const SESSION_ROLE: &str = "arn:aws:iam::111122223333:role/lodge/lodge-session";
const STEWARD_ROLE: &str = "arn:aws:iam::111122223333:role/lodge/lodge-steward";
const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/lodge/lodge-boundary";
const EXTERNAL_ID: &str = "the-external-id-of-the-steward";
const CUT_OFF: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*",
    "Condition":{"StringEquals":{"aws:SourceIdentity":["p-7f3a é"]}}}]}"#;

fn trust(principal: &str, external_id: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": external_id}}}]})
}

fn allow(actions: &Value, resource: &str) -> String {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn identity() -> BrokerIdentity {
    let identity = seed::broker_identity(&Random::System);
    BrokerIdentity { policies: vec![allow(&json!("sts:AssumeRole"), "arn:aws:iam::*:role/lodge/*")], ..identity }
}

/// A small AWS with these accounts, and its broker's command line.
fn serve(accounts: Vec<Account>) -> (SmallAws, Cli, Server) {
    use secrecy::ExposeSecret as _;
    let broker = identity();
    let keys = [
        broker.access_key_id.clone(),
        broker.secret_access_key.expose_secret().to_owned(),
        broker.session_token.expose_secret().to_owned(),
    ];
    let settings = Settings { sealing_key: Random::System.bytes(), broker, accounts };
    let aws = SmallAws::new(settings, Clock::System, Random::System).unwrap();
    let socket = Socket::bind();
    let url = socket.url();
    let server = socket.serve(aws.router());
    (aws, Cli { url, keys }, server)
}

fn lab() -> Account {
    let may = json!([
        "iam:GetRole",
        "iam:ListRolePolicies",
        "iam:GetRolePolicy",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:ListAttachedRolePolicies"
    ]);
    let managed = |name: &str| ManagedPolicy {
        arn: format!("arn:aws:iam::{ACCOUNT}:policy/lodge/{name}"),
        version_id: "v1".to_owned(),
        document: allow(&json!("mechanicalturk:*"), "*"),
    };
    let session = IamRole {
        arn: SESSION_ROLE.to_owned(),
        role_id: "AROASESSIONSESSION234".to_owned(),
        trust: trust(seed::BROKER_ROLE, EXTERNAL_ID).to_string(),
        inline_policies: BTreeMap::new(),
        attached_policies: ["lodge-permissions", "lodge-more", "lodge-most"].map(managed).to_vec(),
        boundary: Some(managed("lodge-boundary")),
        max_session_seconds: 3_600,
    };
    let steward = IamRole {
        arn: STEWARD_ROLE.to_owned(),
        role_id: "AROASTEWARDSTEWARD234".to_owned(),
        inline_policies: BTreeMap::from([
            ("role".to_owned(), allow(&may, SESSION_ROLE)),
            ("policy".to_owned(), allow(&json!("iam:GetPolicyVersion"), BOUNDARY)),
        ]),
        attached_policies: Vec::new(),
        boundary: None,
        ..session.clone()
    };
    Account {
        id: ACCOUNT.to_owned(),
        roles: vec![session, steward],
        marketplace: Marketplace::default(),
        buckets: Vec::new(),
    }
}

const ROLE: [&str; 2] = ["--role-name", "lodge-session"];
const POLICY: [&str; 2] = ["--policy-name", "lodge-cut-off"];

#[test]
fn the_aws_cli_looks_after_a_role_as_its_steward_and_after_no_other() {
    let name = "the_aws_cli_looks_after_a_role_as_its_steward_and_after_no_other";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let (aws, broker, _server) = serve(vec![lab()]);
    let steward = broker.assume(STEWARD_ROLE, EXTERNAL_ID);
    let iam = |verb: &'static str, more: &[&'static str]| [&["iam", verb], &ROLE[..], more].concat();

    let role = &steward.json(&iam("get-role", &[]))["Role"];
    assert_eq!((&role["Arn"], &role["Path"]), (&json!(SESSION_ROLE), &json!("/lodge/")));
    assert_eq!(role["AssumeRolePolicyDocument"], trust(seed::BROKER_ROLE, EXTERNAL_ID));
    assert_eq!(role["PermissionsBoundary"]["PermissionsBoundaryArn"], BOUNDARY);

    steward.print(&iam("put-role-policy", &["--policy-name", "lodge-cut-off", "--policy-document", CUT_OFF]));
    assert_eq!(steward.json(&iam("list-role-policies", &[]))["PolicyNames"], json!(["lodge-cut-off"]));
    let read = steward.json(&iam("get-role-policy", &POLICY));
    assert_eq!(read["PolicyDocument"], serde_json::from_str::<Value>(CUT_OFF).unwrap());
    steward.print(&iam("delete-role-policy", &POLICY));
    assert_eq!(steward.json(&iam("list-role-policies", &[]))["PolicyNames"], json!([]));

    // The command line asks for the next page by itself.
    aws.shorten_pages(Some(1));
    let attached = steward.json(&iam("list-attached-role-policies", &[]));
    assert_eq!(attached["AttachedPolicies"].as_array().unwrap().len(), 3, "{attached}");
    let version = ["iam", "get-policy-version", "--version-id", "v1", "--policy-arn"];
    let boundary = steward.json(&[&version[..], &[BOUNDARY]].concat());
    assert_eq!(boundary["PolicyVersion"]["Document"]["Statement"][0]["Action"], "mechanicalturk:*");

    let gone = steward.refused(&iam("get-role-policy", &POLICY));
    assert!(
        gone.contains("(NoSuchEntity)") && gone.contains("policy with name lodge-cut-off cannot be found"),
        "{gone}"
    );
    let bad = iam("put-role-policy", &["--policy-name", "lodge-cut-off", "--policy-document", "{}"]);
    assert!(steward.refused(&bad).contains("(MalformedPolicyDocument)"));
    // What the steward may not do, and what a session of the lab may not.
    let session = broker.assume(SESSION_ROLE, EXTERNAL_ID);
    let put = iam("put-role-policy", &["--policy-name", "p", "--policy-document", CUT_OFF]);
    let own = |verb| ["iam", verb, "--role-name", "lodge-steward"].to_vec();
    let other = [&version[..], &["arn:aws:iam::111122223333:policy/lodge/lodge-more"]].concat();
    for (cli, arguments, action, on) in [
        (&steward, own("get-role"), "GetRole", "role lodge-steward"),
        (&steward, own("list-role-policies"), "ListRolePolicies", "role lodge-steward"),
        (&steward, own("list-attached-role-policies"), "ListAttachedRolePolicies", "role lodge-steward"),
        (&steward, other, "GetPolicyVersion", "policy arn:aws:iam::111122223333:policy/lodge/lodge-more"),
        (&session, iam("get-role", &[]), "GetRole", "role lodge-session"),
        (&session, put, "PutRolePolicy", "role lodge-session"),
        (&session, iam("get-role-policy", &POLICY), "GetRolePolicy", "role lodge-session"),
        (&session, iam("delete-role-policy", &POLICY), "DeleteRolePolicy", "role lodge-session"),
    ] {
        let said = cli.refused(&arguments);
        let because = format!("because no identity-based policy allows the iam:{action} action");
        let sentence = format!("iam:{action} on resource: {on} {because}");
        assert!(said.contains("(AccessDenied)") && said.contains(&sentence), "{arguments:?}: {said}");
    }
    assert!(aws.calls().iter().any(|call| call.service == Service::Iam && call.action == "PutRolePolicy"));
}

#[test]
fn the_aws_cli_says_what_is_wrong_with_mechanical_turk() {
    let name = "the_aws_cli_says_what_is_wrong_with_mechanical_turk";
    if !peers::require(name, &[Peer::AwsCli]) {
        return;
    }
    let (aws, broker, _server) = serve(vec![lab()]);
    let session = broker.assume(SESSION_ROLE, EXTERNAL_ID);
    let balance = ["mturk", "get-account-balance"];
    assert_eq!(session.json(&balance)["AvailableBalance"], "0.00");

    aws.set_requester(ACCOUNT, Requester::NotLinked);
    let said = session.refused(&balance);
    assert!(said.contains("(RequestError)") && said.contains("must be linked"), "{said}");
    aws.set_requester(ACCOUNT, Requester::Unreachable);
    let said = session.refused(&balance);
    assert!(said.contains("Connection was closed before we received a valid response"), "{said}");
}

#[test]
fn a_role_that_moto_keeps_is_taken_over_and_refuses_what_moto_does_not() {
    let name = "a_role_that_moto_keeps_is_taken_over_and_refuses_what_moto_does_not";
    if !peers::require(name, &[Peer::Python, Peer::AwsCli]) {
        return;
    }
    let server = Moto::start();
    let url = format!("http://127.0.0.1:{}", server.port);
    let moto = Cli { url, keys: ["AKIAEXAMPLE", "secret", "token"].map(str::to_owned) };
    let policy = |name: &str, document: &str| {
        let create =
            ["iam", "create-policy", "--path", "/lodge/", "--policy-name", name, "--policy-document", document];
        moto.json(&create)["Policy"]["Arn"].as_str().unwrap().to_owned()
    };
    let permissions = policy("lodge-permissions", &allow(&json!("mechanicalturk:*"), "*"));
    let boundary = policy("lodge-boundary", &allow(&json!(["mechanicalturk:Get*", "mechanicalturk:List*"]), "*"));
    let trusted = trust(seed::BROKER_ROLE, EXTERNAL_ID).to_string();
    let create = [
        "iam",
        "create-role",
        "--path",
        "/lodge/",
        "--role-name",
        "lodge-session",
        "--max-session-duration",
        "7200",
        "--permissions-boundary",
        &boundary,
        "--assume-role-policy-document",
        &trusted,
    ];
    let arn = moto.json(&create)["Role"]["Arn"].as_str().unwrap().to_owned();
    moto.print(&[&["iam", "attach-role-policy", "--policy-arn", &permissions], &ROLE[..]].concat());
    moto.print(&[&["iam", "put-role-policy", "--policy-document", CUT_OFF], &POLICY[..], &ROLE[..]].concat());
    // moto lets in whoever asks.
    moto.assume(&arn, "wrong");

    let account = Account::from_printed(&[printed(&moto, "lodge-session")], Marketplace::default()).unwrap();

    let role = &account.roles[0];
    assert_eq!((&role.arn, role.max_session_seconds), (&arn, 7_200));
    assert_eq!(role.boundary.as_ref().map(|policy| &policy.arn), Some(&boundary));
    assert_eq!((role.attached_policies.len(), role.inline_policies.len()), (1, 1));
    let (_aws, broker, _server) = serve(vec![account]);
    let session = broker.assume(&arn, EXTERNAL_ID);
    assert_eq!(session.json(&["mturk", "get-account-balance"])["AvailableBalance"], "0.00");
    let said = session.refused(&["mturk", "delete-hit", "--hit-id", "3HIT"]);
    assert!(said.contains("no permissions boundary allows the mechanicalturk:DeleteHIT action"), "{said}");
    let wrong = ["sts", "assume-role", "--role-arn", &arn, "--role-session-name", "rs-1", "--external-id", "wrong"];
    assert!(broker.refused(&wrong).contains("(AccessDenied)"));
}
