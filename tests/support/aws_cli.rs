//! AWS's own command line, against an AWS that is not Amazon's.

use lodge::demo::aws::PrintedRole;
use serde_json::Value;

use crate::support::peers;
use crate::support::process::{Ended, Process};

/// The AWS CLI against one address with the keys of one caller.
pub(crate) struct Cli {
    pub(crate) url: String,
    pub(crate) keys: [String; 3],
}

impl Cli {
    pub(crate) fn ask(&self, arguments: &[&str]) -> Ended {
        let mut command = peers::aws();
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        command.envs(names.into_iter().zip(&self.keys)).env("AWS_MAX_ATTEMPTS", "1");
        command.args(["--endpoint-url", &self.url, "--output", "json"]).args(arguments);
        Process::run("aws", &mut command, "")
    }

    /// What it printed.
    pub(crate) fn print(&self, arguments: &[&str]) -> String {
        let ended = self.ask(arguments);
        assert!(ended.status.success(), "{arguments:?}: {}", ended.stderr);
        ended.stdout
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.print(arguments)).unwrap()
    }

    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let ended = self.ask(arguments);
        assert!(!ended.status.success() && ended.stdout.is_empty(), "{arguments:?}: {}", ended.stdout);
        ended.stderr
    }

    /// A session of a role, as its caller.
    pub(crate) fn assume(&self, role: &str, external_id: &str) -> Self {
        let arguments =
            ["sts", "assume-role", "--role-arn", role, "--role-session-name", "rs-1", "--external-id", external_id];
        let session = self.json(&arguments);
        let key = |name: &str| session["Credentials"][name].as_str().unwrap().to_owned();
        Self { url: self.url.clone(), keys: ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(key) }
    }
}

/// A role of moto as the command line prints it, with everything that belongs to it.
pub(crate) fn printed(moto: &Cli, role: &str) -> PrintedRole {
    let named = ["--role-name", role];
    let iam = |verb: &'static str| moto.print(&[&["iam", verb], &named[..]].concat());
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let (role_text, inline_names) = (iam("get-role"), iam("list-role-policies"));
    let attached = iam("list-attached-role-policies");
    let inline = value(&inline_names)["PolicyNames"].as_array().unwrap().clone();
    let inline_policies = inline
        .iter()
        .map(|policy| {
            moto.print(&[&["iam", "get-role-policy", "--policy-name", policy.as_str().unwrap()], &named[..]].concat())
        })
        .collect();
    let attached_value = value(&attached);
    let boundary = value(&role_text)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].clone();
    let policies = attached_value["AttachedPolicies"].as_array().unwrap().iter().map(|policy| &policy["PolicyArn"]);
    let versions = policies.chain([&boundary]).filter_map(Value::as_str).map(|arn| {
        let policy = moto.json(&["iam", "get-policy", "--policy-arn", arn]);
        let version = policy["Policy"]["DefaultVersionId"].as_str().unwrap().to_owned();
        let text = moto.print(&["iam", "get-policy-version", "--policy-arn", arn, "--version-id", &version]);
        (arn.to_owned(), text)
    });
    PrintedRole { versions: versions.collect(), role: role_text, inline_names, inline_policies, attached }
}
